"""The control service: HTTP doors, MCP and the worker in one process, alone on its store."""

import asyncio
import contextlib
import fcntl
import gc
import json
import logging
import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import FrameType

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from steadyhand.config import IncidentConfig
from steadyhand.journey.approval.consent import prove_fence
from steadyhand.ports import ConfigError, LedgerError
from steadyhand.responder.alerts.hearing import retry_given_up
from steadyhand.responder.alerts.heartbeats import watch
from steadyhand.responder.engine.timekeeping import keep_time, wrong_time
from steadyhand.responder.engine.worker import Worker
from steadyhand.responder.rollouts.listening import keep_listening
from steadyhand.responder.rollouts.orphans import find_orphans
from steadyhand.tools.server import build_server
from steadyhand.web.app import build_app
from steadyhand.web.guarded import Guarded
from steadyhand.web.heads import BoundedHeads
from steadyhand.wiring import Wired, sample_plan, wire

log = logging.getLogger("steadyhand.server")
_START_S = 20.0


def run(config: IncidentConfig, folder: Path) -> int:
    """Serve until told to stop. Raises ConfigError when the address or the store is taken."""
    _begin(folder)
    # Uvicorn stops gently, then raises the signal again: by default that ends us before our address is gone.
    signal.signal(signal.SIGTERM, _leave)
    with _alone(folder), _bound(config) as listener:
        asyncio.run(_serve(config, folder, listener))
    return 0


def _begin(folder: Path) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


async def _serve(config: IncidentConfig, folder: Path, listener: socket.socket) -> None:
    async with httpx2.AsyncClient(trust_env=False) as http:
        wired = wire(config, folder, http)
        _prove(wired)
        app = build(wired)
        settings = uvicorn.Config(
            app, http=BoundedHeads, log_level="warning", access_log=False, timeout_graceful_shutdown=3
        )
        server = uvicorn.Server(settings)
        _keep_what_is_there()
        with _announced(folder, listener):
            await server.serve(sockets=[listener])


def build(wired: Wired) -> Starlette:
    """The whole application: site, JSON doors, MCP, and the worker in its lifespan."""
    tools = build_server(wired.outside, wired.playbooks)
    tools.streamable_http_app(streamable_http_path="/mcp")
    door = Route("/mcp", Guarded(tools.session_manager.handle_request, wired.secrets.mcp_token))

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with tools.session_manager.run(), _working(wired):
            yield

    return build_app(
        wired.outside,
        wired.secrets,
        wired.names,
        mounts=(door,),
        lifespan=lifespan,
        hooks=wired.hooks,
    )


def work(config: IncidentConfig, folder: Path) -> int:
    """Join the processes that work on the store, without any door. Raises ConfigError, LedgerError."""
    _begin(folder)
    asyncio.run(_work(config, folder))
    return 0


async def _work(config: IncidentConfig, folder: Path) -> None:
    async with httpx2.AsyncClient(trust_env=False) as http:
        wired = wire(config, folder, http)
        _prove(wired)
        told = asyncio.Event()
        for one in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(one, told.set)
        _keep_what_is_there()
        async with _working(wired):
            log.info("%s works on the store", wired.outside.owner)
            await told.wait()


def _keep_what_is_there() -> None:
    """It stays until the end: to search it for garbage again and again costs a fifth of a post."""
    gc.collect()
    gc.freeze()


@contextlib.asynccontextmanager
async def _working(wired: Wired) -> AsyncIterator[None]:
    """The worker runs as long as the process does; what it leaves is picked up by others, or by the next."""
    outside, ledger = wired.outside, wired.outside.ledger
    _agree_on_time(wired)
    ledger.sign_in(outside.owner, outside.host, outside.clock.now())
    held = ledger.take_over(outside.clock.now())
    if held:
        log.warning("%d promises of a process that died are taken over", held)
    watch(outside)
    retry_given_up(outside)
    beside = (keep_listening(outside), find_orphans(outside), keep_time(outside))
    tasks = [asyncio.create_task(run) for run in (Worker(outside).run(), *beside)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        with contextlib.suppress(LedgerError):  # then the others see it by our silence
            ledger.sign_out(outside.owner)


def _agree_on_time(wired: Wired) -> None:
    """Who shares a store with other hosts must not call people early or late. Raises ConfigError."""
    if wrong := wrong_time(wired.outside):
        raise ConfigError(f"{wrong}, then start again")


def _prove(wired: Wired) -> None:
    """The fence proves itself before anything is let near it. Raises ConfigError on an open way."""
    now = wired.outside.clock.now()
    opened = prove_fence(sample_plan(now), now)
    if opened:
        raise ConfigError(f"the approval fence is open: {', '.join(opened)}; refusing to start")


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One service per data directory; the lock dies with the process."""
    with (folder / "service.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(f"another Steadyhand service already works on {folder}") from error
        yield


@contextlib.contextmanager
def _bound(config: IncidentConfig) -> Iterator[socket.socket]:
    listen = config.listen
    # Named as TCP: else asyncio leaves the delay on, and each answer waits 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with contextlib.closing(listener):
        try:
            listener.bind((listen.host, listen.port))
            listener.listen()
        except OSError as error:
            raise ConfigError(
                f"cannot listen on {listen.host}:{listen.port}: {error.strerror}; "
                "set listen.port in the configuration or give --port"
            ) from error
        yield listener


@contextlib.contextmanager
def _announced(folder: Path, listener: socket.socket) -> Iterator[None]:
    """Tell the other doors where the service is, for as long as it is there."""
    host, port = listener.getsockname()[:2]
    url = f"http://{host}:{port}"
    path = folder / "service.json"
    fresh = folder / "service.json.new"
    fresh.write_text(json.dumps({"url": url, "pid": os.getpid()}), encoding="utf-8")
    fresh.replace(path)
    log.info("Steadyhand runs at %s; its data are in %s", url, folder)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def wait_until_up(folder: Path, child: "subprocess.Popen[bytes]") -> str:
    """The address once the service answers, or "" when the process ended or took too long."""
    ends = time.monotonic() + _START_S
    while time.monotonic() < ends and child.poll() is None:
        with contextlib.suppress(OSError, ValueError, KeyError, httpx2.TransportError):
            found = json.loads((folder / "service.json").read_text(encoding="utf-8"))
            answer = httpx2.get(f"{found['url']}/healthz", timeout=2, trust_env=False)
            if found["pid"] == child.pid and answer.is_success:
                return str(found["url"])
        time.sleep(0.1)
    return ""
