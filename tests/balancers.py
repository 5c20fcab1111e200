"""Real HAProxy and nginx before two upstreams, and a balancer that is moved by commands."""

import asyncio
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from envoy_world import TOKEN, FakePlatform, Upstream, upstream
from pydantic import SecretStr, TypeAdapter
from servers import _listens, _wait_until, free_port, http_server, running

from steadyhand.adapters.machine import SystemClock
from steadyhand.adapters.rollouts.drivers import Tools, TrafficSettings, build
from steadyhand.adapters.rollouts.split import SplitTraffic
from steadyhand.ports import Clock, TrafficTarget

BROKEN = "nobody broken"
ADAPTER: TypeAdapter[TrafficSettings] = TypeAdapter(TrafficSettings)
needs_haproxy = pytest.mark.skipif(not shutil.which("haproxy"), reason="the real haproxy is not installed")
needs_nginx = pytest.mark.skipif(not shutil.which("nginx"), reason="the real nginx is not installed")


@dataclass
class Door:
    """Where a client gets in; counts what came back, by arm and status."""

    port: int
    answers: dict[str, int] = field(default_factory=dict)

    async def ask(self, times: int, *, cookie: str = "", streams: int = 8, rate: float = 0) -> dict[str, int]:
        """Requests over several connections, at most `rate` a second (0: as fast as they go).

        Returns the answers by "arm status"; a request without an answer is "nobody broken".
        """
        seen: dict[str, int] = {}
        head = (
            f"GET / HTTP/1.1\r\nhost: shop\r\n{f'cookie: {cookie}{chr(13)}{chr(10)}' if cookie else ''}\r\n"
        )
        began = time.monotonic()

        async def run(count: int) -> None:
            line = _Line(self.port, head)
            for i in range(count):
                if rate:
                    await asyncio.sleep(max(0, began + i * streams / rate - time.monotonic()))
                answer = await line.ask()
                seen[answer] = seen.get(answer, 0) + 1
            line.close()

        await asyncio.gather(*(run(times // streams) for _ in range(streams)))
        for answer, count in seen.items():
            self.answers[answer] = self.answers.get(answer, 0) + count
        return seen

    async def flood(self, times: int, batch: int = 50) -> dict[str, int]:
        """As many requests as fast as can be: pipelined over eight connections."""
        seen: dict[str, int] = {}

        async def run(count: int) -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            for _ in range(count // batch):
                writer.write(b"GET / HTTP/1.1\r\nhost: shop\r\n\r\n" * batch)
                for _ in range(batch):
                    answer, _ = await _answer(reader)
                    seen[answer] = seen.get(answer, 0) + 1
            writer.close()

        await asyncio.gather(*(run(times // 8) for _ in range(8)))
        return seen


@dataclass
class _Line:
    """One client's connection, opened anew where the far end closed it."""

    port: int
    head: str
    open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self) -> str:
        """As every client does: a kept connection that was closed without a word is opened again, once."""
        if self.open is not None:
            answer = await self._ask()
            if answer != BROKEN:
                return answer
        return await self._ask()

    async def _ask(self) -> str:
        try:
            if self.open is None:
                self.open = await asyncio.open_connection("127.0.0.1", self.port)
            reader, writer = self.open
            writer.write(self.head.encode())
            answer, keep = await _answer(reader)
        except (OSError, asyncio.IncompleteReadError):
            answer, keep = BROKEN, False
        if not keep:
            self.close()
        return answer

    def close(self) -> None:
        if self.open is not None:
            self.open[1].close()
            self.open = None


async def _answer(reader: asyncio.StreamReader) -> tuple[str, bool]:
    """The arm with its status, and whether the connection stays open."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    fields = dict(line.split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(fields.get("content-length", "0")))
    arm = body.decode() if body in {b"stable", b"canary"} else "nobody"
    return f"{arm} {head[0].split()[1]}", fields.get("connection") != "close"


@dataclass
class BalancerWorld:
    """A balancer before two upstreams, a platform, and a folder for leases."""

    door: Door
    stable: Upstream
    canary: Upstream
    platform: FakePlatform
    settings: dict[str, object]
    leases: Path
    client: httpx2.AsyncClient
    process: subprocess.Popen[bytes]
    made: list[SplitTraffic] = field(default_factory=list)

    def traffic(
        self, mark: str = "steadyhand", clock: Clock | None = None, **changes: object
    ) -> SplitTraffic:
        """A new driver, as a process that starts anew would have it."""
        tools = Tools(
            client=self.client,
            clock=clock or SystemClock(),
            leases=self.leases,
            secret=lambda _: SecretStr(TOKEN),
            metrics={},
            mark=mark,
        )
        one = build(ADAPTER.validate_python({**self.settings, **changes}), tools)
        assert isinstance(one, SplitTraffic)
        self.made.append(one)
        return one

    def close(self) -> None:
        for one in self.made:
            one.close()

    async def pass_with_traffic(self, seconds: float) -> None:
        await self.door.ask(80)
        await asyncio.sleep(seconds)


def arm_share(answers: dict[str, int], arm: str = "canary") -> float:
    """The arm's part of all answers."""
    return sum(count for name, count in answers.items() if name.startswith(arm)) / sum(answers.values())


HAPROXY = """
global
    stats socket {folder}/admin.sock mode 600 level admin expose-fd listeners
    log 127.0.0.1:{log} local0
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
frontend fe_app
    bind 127.0.0.1:{door}
    log global
    log-format "%ST %Ta %b"
    http-request set-var(txn.now)  date(0,ms)
    http-request set-var(txn.left) str(expires_ms),map_str_int({map_file},0),sub(txn.now)
    http-request set-var(txn.dice) rand(10000)
    http-request set-var(txn.room) str(share),map_str_int({map_file},0),sub(txn.dice)
    acl lease_live var(txn.left) -m int gt 0
    acl dice_hit   var(txn.room) -m int gt 0
    acl canary_up  nbsrv(canary) gt 0
    {sticky}
    use_backend canary if lease_live dice_hit canary_up
    default_backend stable
backend stable
    {echo_stable}
    server s1 127.0.0.1:{stable} check inter 500ms fall 2
backend canary
    {cookie}
    {echo_canary}
    server c1 127.0.0.1:{canary} check inter 500ms fall 2 cookie c1
frontend fe_clock
    bind 127.0.0.1:{clock}
    http-request return status 200 content-type text/plain lf-string "%[date(0,ms)]"
"""
ECHO = 'http-request return status 200 content-type text/plain string "{arm}"'
KEYS = "share 0\nexpires_ms 0\nowner 0\nfence 0\n"
STICKY = {
    "cookie": "cookie ARM insert indirect nocache",
    "sticky": "use_backend canary if canary_up { req.cook(ARM) -m str c1 }",
}


@asynccontextmanager
async def haproxy_world(
    folder: Path, *, sticky: bool = False, echo: bool = False, keys: str = KEYS, map_file: Path | None = None
) -> AsyncIterator[BalancerWorld]:
    """HAProxy; with `echo` it answers for the arms itself, as fast as it can."""
    ports = {name: free_port() for name in ("door", "clock", "log")}
    map_file = map_file or folder / "canary.map"
    map_file.write_text(keys)
    async with arms() as (stable, canary, platform, url, client):
        rules = STICKY if sticky else {"cookie": "", "sticky": ""}
        for arm in ("stable", "canary"):
            rules = {**rules, f"echo_{arm}": ECHO.format(arm=arm) if echo else ""}
        config = HAPROXY.format(
            folder=folder, map_file=map_file, stable=stable.port, canary=canary.port, **ports, **rules
        )
        (folder / "haproxy.cfg").write_text(config)
        settings: dict[str, object] = {
            "kind": "haproxy",
            "name": "shop",
            "members": [
                {"socket": f"{folder}/admin.sock", "clock_url": f"http://127.0.0.1:{ports['clock']}/"}
            ],
            "map_file": str(map_file),
            "log_listen": f"127.0.0.1:{ports['log']}",
            "deploy_url": url,
            "deploy_secret_env": "TOKEN",
        }
        command = [str(shutil.which("haproxy")), "-W", "-db", "-f", f"{folder}/haproxy.cfg"]
        with program(command, folder, ports["door"], ports["clock"]) as process:
            _wait_until((folder / "admin.sock").exists)
            world = BalancerWorld(
                Door(ports["door"]), stable, canary, platform, settings, folder / "leases", client, process
            )
            yield world
            world.close()
            await asyncio.sleep(0)


NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 100000;
    client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp; fastcgi_temp_path {folder}/tmp;
    uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
    include {folder}/split.conf;
    upstream stable {{ server 127.0.0.1:{stable}; }}
    upstream canary {{ server 127.0.0.1:{canary}; }}
    log_format arms "$status $request_time $steadyhand_shop";
    server {{
        listen 127.0.0.1:{door};
        location / {{
            {how}
            access_log syslog:server=127.0.0.1:{log} arms;
        }}
    }}
    server {{ listen 127.0.0.1:{status}; location / {{ return 200 "$steadyhand_shop_share"; }} }}
}}
"""


@asynccontextmanager
async def nginx_world(folder: Path, *, echo: bool = False) -> AsyncIterator[BalancerWorld]:
    ports = {name: free_port() for name in ("door", "status", "log")}
    async with arms() as (stable, canary, platform, url, client):
        passing = "proxy_pass http://$steadyhand_shop;"
        how = 'return 200 "$steadyhand_shop";' if echo else passing
        config = NGINX.format(folder=folder, stable=stable.port, canary=canary.port, how=how, **ports)
        (folder / "nginx.conf").write_text(config)
        (folder / "split.conf").write_text(
            "map $host $steadyhand_shop_share { default 0; }\n"
            'split_clients "$request_id" $steadyhand_shop { * stable; }\n'
        )
        settings: dict[str, object] = {
            "kind": "nginx",
            "name": "shop",
            "split_file": f"{folder}/split.conf",
            "pid_file": f"{folder}/nginx.pid",
            "status_url": f"http://127.0.0.1:{ports['status']}/",
            "log_listen": f"127.0.0.1:{ports['log']}",
            "deploy_url": url,
            "deploy_secret_env": "TOKEN",
        }
        command = [str(shutil.which("nginx")), "-c", f"{folder}/nginx.conf", "-p", str(folder)]
        with program(command, folder, ports["door"], ports["status"]) as process:
            world = BalancerWorld(
                Door(ports["door"]), stable, canary, platform, settings, folder / "leases", client, process
            )
            yield world
            world.close()
            await asyncio.sleep(0)


@asynccontextmanager
async def arms() -> AsyncIterator[tuple[Upstream, Upstream, FakePlatform, str, httpx2.AsyncClient]]:
    """Two upstreams that say which arm they are, and a platform."""
    platform = FakePlatform()
    async with (
        upstream("stable") as stable,
        upstream("canary") as canary,
        http_server(platform.answer) as deploy,
        httpx2.AsyncClient(timeout=10) as client,
    ):
        yield stable, canary, platform, deploy.url, client


@contextmanager
def program(command: list[str], folder: Path, *ports: int) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "log").open("wb") as log, running(command, stdout=log, stderr=log) as child:
        for port in ports:
            _wait_until(lambda port=port: _listens(port))
        yield child


def reload_haproxy(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGUSR2)


COMMAND = Path(__file__).with_name("command_balancer.py")


def command_settings(folder: Path) -> dict[str, object]:
    script = [sys.executable, "-S", str(COMMAND), str(folder / "balancer.json")]
    return {
        "kind": "command",
        "name": "shop",
        "observe": [*script, "observe"],
        "set_share": [*script, "share", "{share}"],
        "home": [*script, "home"],
        "release": [*script, "release", "{arm}", "--version={version}", "--replicas={replicas}"],
        "count": [*script, "count", "{slow90_ms}", "{slow99_ms}"],
        "timeout": timedelta(seconds=20),
    }


@asynccontextmanager
async def command_world(folder: Path, **changes: object) -> AsyncIterator[TrafficTarget]:
    """A balancer that is a file, moved by a script."""
    async with httpx2.AsyncClient() as client:
        tools = Tools(
            client=client, clock=SystemClock(), leases=folder / "leases", secret=lambda _: None, metrics={}
        )
        yield build(ADAPTER.validate_python({**command_settings(folder), **changes}), tools)
