"""Envoy before two upstreams and a release platform, all real but the platform, which is a strict fake."""

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from pydantic import SecretStr
from servers import HttpServer, Reply, Request, envoy, free_port, http_server, let_in, reply_json

from steadyhand.adapters.machine import SystemClock
from steadyhand.adapters.rollouts import watchdog
from steadyhand.adapters.rollouts.balancers.envoy import EnvoySettings, EnvoyTraffic
from steadyhand.adapters.rollouts.balancers.envoy_admin import share_of

TOKEN = "deploy-token"


@dataclass
class FakePlatform:
    """A release platform as strict as a real one; an arm's replicas are healthy one look later."""

    arms: dict[str, tuple[str | None, int]] = field(
        default_factory=lambda: {"stable": ("1.0", 3), "canary": (None, 0)}
    )
    orders: list[dict[str, object]] = field(default_factory=list)
    pending: int = 0
    down: bool = False

    def answer(self, request: Request) -> Reply:
        if self.down:
            return Reply(500)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return reply_json({"error": "a bearer token is needed"}, 401)
        if (request.method, request.path) == ("POST", "/releases"):
            return self.release(json.loads(request.body))
        if (request.method, request.path) == ("GET", "/state"):
            return self.state()
        return Reply(404)

    def release(self, order: dict[str, object]) -> Reply:
        assert set(order) == {"service", "arm", "version", "replicas", "author", "summary"}
        if order["version"] not in {"1.0", "1.1"}:
            return reply_json({"error": f"there is no release {order['version']}"}, 409)
        self.orders.append(order)
        replicas = int(str(order["replicas"]))
        self.arms[str(order["arm"])] = (str(order["version"]) if replicas else None, replicas)
        self.pending = 1
        return self.state()

    def state(self) -> Reply:
        healthy, self.pending = not self.pending, 0
        arms = {
            arm: {"version": version, "replicas": [{"healthy": healthy}] * count}
            for arm, (version, count) in self.arms.items()
        }
        return reply_json({"service": "shop", "arms": arms, "faults": []})


@dataclass
class Upstream:
    """One arm's server: `ok`, `bad` (500), `reset`, or slow by some milliseconds.

    `bad_every` makes each so-and-so-many-th answer bad.
    """

    name: str = "ok"
    port: int = 0
    bad_every: int = 0
    served: int = 0
    mode: str = "ok"
    delay_s: float = 0.0
    last_at: float = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(self.delay_s)
                if self.mode == "reset":
                    writer.transport.abort()
                    return
                self.served += 1
                self.last_at = time.monotonic()
                bad = self.mode == "bad" or (self.bad_every and self.served % self.bad_every == 0)
                status = "500 Sorry" if bad else "200 OK"
                head = f"HTTP/1.1 {status}\r\ncontent-length: {len(self.name)}\r\n\r\n{self.name}"
                writer.write(head.encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@dataclass
class World:
    """Envoy before two upstreams, a platform, and a folder for the lease."""

    admin: str
    door: int
    stable: Upstream
    canary: Upstream
    platform: FakePlatform
    deploy: HttpServer
    leases: Path
    client: httpx2.AsyncClient
    process: subprocess.Popen[bytes]

    @property
    def settings(self) -> dict[str, object]:
        names = {"kind": "envoy", "name": "shop", "deploy_secret_env": "TOKEN"}
        return {**names, "admin_url": self.admin, "deploy_url": self.deploy.url}

    def traffic(self, owner: str = "steadyhand", **settings: object) -> EnvoyTraffic:
        given = {"name": "shop", "admin_url": self.admin, "deploy_url": self.deploy.url, **settings}
        typed = EnvoySettings.model_validate(given)
        return EnvoyTraffic(typed, self.client, SecretStr(TOKEN), self.leases, SystemClock(), owner)

    async def ask(self, times: int) -> dict[int, int]:
        """Send requests over eight connections; returns how often each status came."""
        seen: dict[int, int] = {}

        async def run(count: int) -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.door)
            for _ in range(count):
                writer.write(b"GET / HTTP/1.1\r\nhost: shop\r\n\r\n")
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                (length,) = (line for line in head.split("\r\n") if line.startswith("content-length:"))
                await reader.readexactly(int(length.partition(":")[2]))
                status = int(head.split()[1])
                seen[status] = seen.get(status, 0) + 1
            writer.close()

        await asyncio.gather(*(run(times // 8) for _ in range(8)))
        return seen

    async def modify(self, value: str) -> None:
        await self.client.post(f"{self.admin}/runtime_modify", params={"canary.share": value})

    async def share(self) -> float | None:
        entries = (await self.client.get(f"{self.admin}/runtime")).json()["entries"]
        return share_of(entries.get("canary.share", {}).get("final_value", ""))

    async def seconds_until_home(self, limit_s: float) -> float:
        began = time.monotonic()
        for _ in range(int(limit_s / 0.02)):
            if not await self.share():
                break
            await asyncio.sleep(0.02)
        return time.monotonic() - began

    def notes(self) -> list[dict[str, object]]:
        log = self.leases / "shop.watchdog.log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def bootstrap(admin: int, door: int, stable: int, canary: int) -> str:
    def address(port: int) -> dict[str, object]:
        return {"socket_address": {"address": "127.0.0.1", "port_value": port}}

    def cluster(name: str, port: int) -> dict[str, object]:
        endpoints = [{"lb_endpoints": [{"endpoint": {"address": address(port)}}]}]
        load = {"cluster_name": name, "endpoints": endpoints}
        return {"name": name, "type": "STATIC", "connect_timeout": "1s", "load_assignment": load}

    kinds = "type.googleapis.com/envoy.extensions.filters"
    fraction = {"default_value": {"numerator": 0, "denominator": "HUNDRED"}, "runtime_key": "canary.share"}
    routes = [
        {"match": {"prefix": "/", "runtime_fraction": fraction}, "route": {"cluster": "canary"}},
        {"match": {"prefix": "/"}, "route": {"cluster": "stable"}},
    ]
    manager = {
        "@type": f"{kinds}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "shop",
        "route_config": {"virtual_hosts": [{"name": "shop", "domains": ["*"], "routes": routes}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{kinds}.http.router.v3.Router"}}],
    }
    listener = {
        "address": address(door),
        "filter_chains": [{"filters": [{"name": "h", "typed_config": manager}]}],
    }
    return json.dumps(
        {
            "admin": {"address": address(admin)},
            "stats_flush_interval": "0.2s",
            "layered_runtime": {"layers": [{"name": "admin", "admin_layer": {}}]},
            "static_resources": {
                "listeners": [listener],
                "clusters": [cluster("stable", stable), cluster("canary", canary)],
            },
        }
    )


@asynccontextmanager
async def envoy_world(folder: Path) -> AsyncIterator[World]:
    platform = FakePlatform()
    async with (
        upstream() as stable,
        upstream() as canary,
        http_server(platform.answer) as deploy,
        httpx2.AsyncClient(timeout=10) as client,
    ):
        admin, door = free_port(), free_port()
        config = folder / "envoy.json"
        config.write_text(bootstrap(admin, door, stable.port, canary.port))
        with envoy(config, admin, door) as process:
            yield World(
                admin=f"http://127.0.0.1:{admin}",
                door=door,
                stable=stable,
                canary=canary,
                platform=platform,
                deploy=deploy,
                leases=folder / "leases",
                client=client,
                process=process,
            )


@asynccontextmanager
async def upstream(name: str = "ok") -> AsyncIterator[Upstream]:
    one = Upstream(name)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        await let_in()
        server.close()
        await asyncio.sleep(0)


def watchdogs(leases: Path, *marks: bytes) -> list[int]:
    """Processes that watch a lease in this folder, or all whose command holds these words."""
    wanted = set(marks) or {str(leases).encode(), watchdog.__file__.encode()}
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted <= set(words):
            found.append(int(entry.parent.name))
    return found


async def until(ready: Callable[[], object], limit_s: float = 5) -> None:
    ends = time.monotonic() + limit_s
    while not ready():
        assert time.monotonic() < ends, "did not happen in time"
        await asyncio.sleep(0.02)
