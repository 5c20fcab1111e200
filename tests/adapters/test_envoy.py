import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr
from servers import HttpServer, Reply, Request, envoy, free_port, http_server, reply_json

from steadyhand.adapters.rollouts.envoy import EnvoySettings, EnvoyTraffic
from steadyhand.adapters.rollouts.envoy_admin import runtime_value, share_of, slower_than
from steadyhand.ports import EffectUnknown, SourceRefused, SourceUnavailable

pytestmark = pytest.mark.anyio
LEASE = timedelta(seconds=1)
SLOW_MS = (100.0, 250.0)
TOKEN = "deploy-token"


class MachineClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, span: timedelta) -> None:
        await asyncio.sleep(span.total_seconds())


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
    """One arm's server: `ok`, `bad` (500), `reset`, or slow by some milliseconds."""

    port: int = 0
    mode: str = "ok"
    delay_s: float = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(self.delay_s)
                if self.mode == "reset":
                    writer.transport.abort()
                    return
                status = b"500 Sorry" if self.mode == "bad" else b"200 OK"
                writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 2\r\n\r\nok")
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

    def traffic(self, owner: str = "steadyhand", **settings: object) -> EnvoyTraffic:
        given = {"name": "shop", "admin_url": self.admin, "deploy_url": self.deploy.url, **settings}
        typed = EnvoySettings.model_validate(given)
        return EnvoyTraffic(typed, self.client, SecretStr(TOKEN), self.leases, MachineClock(), owner)

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


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    platform = FakePlatform()
    async with (
        upstream() as stable,
        upstream() as canary,
        http_server(platform.answer) as deploy,
        httpx2.AsyncClient(timeout=10) as client,
    ):
        admin, door = free_port(), free_port()
        config = tmp_path / "envoy.json"
        config.write_text(bootstrap(admin, door, stable.port, canary.port))
        with envoy(config, admin, door):
            yield World(
                admin=f"http://127.0.0.1:{admin}",
                door=door,
                stable=stable,
                canary=canary,
                platform=platform,
                deploy=deploy,
                leases=tmp_path / "leases",
                client=client,
            )


@asynccontextmanager
async def upstream() -> AsyncIterator[Upstream]:
    one = Upstream()
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        server.close()
        await asyncio.sleep(0)


async def test_a_rollout_goes_from_prepare_over_five_percent_to_settled(world: World) -> None:
    one = world.traffic()
    start = await one.observe()
    assert (start.share, start.stable_version, start.stable_ready, start.canary_version) == (0, "1.0", 3, "")

    ready = await one.prepare("1.1", 2)
    assert (ready.canary_version, ready.canary_ready, ready.share) == ("1.1", 2, 0)

    moved = await one.set_share(0.05, timedelta(seconds=60))
    assert (moved.share, moved.owner) == (0.05, "steadyhand")
    before = await one.counters(SLOW_MS)
    assert await world.ask(20_000) == {200: 20_000}
    after = await one.counters(SLOW_MS)
    stable, canary = (
        getattr(after, arm).requests - getattr(before, arm).requests for arm in ("stable", "canary")
    )
    assert stable + canary == 20_000
    assert abs(canary / 20_000 - 0.05) < 0.01

    settled = await one.settle("1.1")
    assert (settled.share, settled.stable_version, settled.stable_ready) == (0, "1.1", 3)
    assert (settled.canary_version, settled.canary_ready, settled.owner) == ("", 0, "")
    assert [(order["arm"], order["replicas"]) for order in world.platform.orders] == [
        ("canary", 2),
        ("stable", 3),
        ("canary", 0),
    ]


async def test_every_step_may_be_repeated(world: World) -> None:
    one = world.traffic()
    for _ in range(2):
        await one.prepare("1.1", 1)
    for _ in range(2):
        assert (await one.set_share(0.25, LEASE)).share == 0.25
    for _ in range(2):
        assert (await one.revert()).share == 0
    assert len(world.platform.orders) == 2


@pytest.mark.parametrize("mode", ["reset", "bad"])
async def test_a_canary_that_breaks_every_answer_is_seen_as_errors(world: World, mode: str) -> None:
    one = world.traffic()
    await one.prepare("1.1", 1)
    await one.set_share(0.5, timedelta(seconds=60))
    world.canary.mode = mode
    answers = await world.ask(400)
    counts = await one.counters(SLOW_MS)
    assert counts.canary.requests == counts.canary.errors == 400 - answers[200]
    assert counts.stable.errors == 0
    assert 100 < counts.canary.errors < 300
    await one.revert()


async def test_slow_answers_are_counted_over_each_limit(world: World) -> None:
    one = world.traffic()
    world.stable.delay_s = 0.15
    await world.ask(40)
    await asyncio.sleep(0.6)
    counts = (await one.counters(SLOW_MS)).stable
    assert counts.requests == 40
    assert counts.slow90 >= 30
    assert counts.slow99 <= 2


async def test_a_dead_owner_gives_the_traffic_back_within_the_lease_and_a_second(world: World) -> None:
    await world.traffic().prepare("1.1", 1)
    owner = Path(__file__).with_name("lease_owner.py")
    given = [world.admin, world.deploy.url, TOKEN, str(world.leases), str(LEASE.total_seconds())]
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(owner), *given, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    await asyncio.sleep(2 * LEASE.total_seconds())
    assert await world.share() == 0.3
    process.kill()
    spent = await world.seconds_until_home(10)
    await process.wait()
    assert 0.2 < spent < LEASE.total_seconds() + 1
    await until(world.notes)
    assert world.notes()[0]["did"] == "set the share to 0"
    assert (await world.traffic().observe()).owner == ""


async def test_the_watchdog_goes_when_the_rollout_ends_and_has_nothing_to_tell(world: World) -> None:
    one = world.traffic()
    await one.prepare("1.1", 1)
    await one.set_share(0.5, timedelta(seconds=30))
    assert len(watchdogs(world.leases)) == 1
    await one.revert()
    await until(lambda: not watchdogs(world.leases))
    assert world.notes() == []


async def test_renewals_keep_one_watchdog_and_the_share(world: World) -> None:
    one = world.traffic()
    await one.prepare("1.1", 1)
    for _ in range(8):
        await one.set_share(0.5, timedelta(seconds=0.8))
        assert len(watchdogs(world.leases)) == 1
        await asyncio.sleep(0.3)
    assert await world.share() == 0.5
    await one.revert()


async def test_a_terminated_watchdog_brings_traffic_home_first_and_the_next_renewal_starts_another(
    world: World,
) -> None:
    one = world.traffic()
    await one.prepare("1.1", 1)
    await one.set_share(0.5, timedelta(seconds=30))
    (pid,) = watchdogs(world.leases)
    os.kill(pid, signal.SIGTERM)
    assert await world.seconds_until_home(5) < 1
    await until(lambda: not watchdogs(world.leases))
    assert (await one.set_share(0.5, timedelta(seconds=30))).share == 0.5
    assert len(watchdogs(world.leases)) == 1
    await one.revert()


async def test_a_watchdog_killed_outright_is_replaced_at_the_next_renewal(world: World) -> None:
    one = world.traffic()
    await one.prepare("1.1", 1)
    await one.set_share(0.5, LEASE)
    (pid,) = watchdogs(world.leases)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not watchdogs(world.leases))
    await one.set_share(0.5, LEASE)
    assert await world.seconds_until_home(5) < LEASE.total_seconds() + 1


async def test_a_share_somebody_else_changed_is_not_overwritten(world: World) -> None:
    one = world.traffic()
    await one.prepare("1.1", 1)
    await one.set_share(0.05, timedelta(seconds=30))
    await world.modify("30")
    assert (await one.observe()).share == 0.3
    with pytest.raises(SourceRefused, match=r"somebody else set the share to 30\.0%"):
        await one.set_share(0.05, timedelta(seconds=30))
    assert (await one.revert()).share == 0


async def test_a_share_nobody_here_set_is_not_touched(world: World) -> None:
    one = world.traffic()
    await world.modify("30")
    with pytest.raises(SourceRefused, match="not ours to change"):
        await one.revert()
    with pytest.raises(SourceRefused, match=r"has 30\.0% of the traffic"):
        await one.prepare("1.1", 1)
    assert await world.share() == 0.3


async def test_a_foreign_lease_is_respected_until_it_is_over(world: World) -> None:
    other, one = world.traffic("night-shift"), world.traffic()
    await other.prepare("1.1", 1)
    await other.set_share(0.2, timedelta(seconds=30))
    for step in (one.revert(), one.set_share(0.1, LEASE), one.set_share(0.0, LEASE)):
        with pytest.raises(SourceRefused, match=r"night-shift holds its traffic|somebody else"):
            await step
    assert (await one.observe()).owner == "night-shift"
    await other.set_share(0.0, LEASE)
    assert (await one.set_share(0.1, LEASE)).owner == "steadyhand"
    await one.revert()


async def test_a_restarted_service_takes_its_own_lease_up_again(world: World) -> None:
    await world.traffic().prepare("1.1", 1)
    await world.traffic().set_share(0.05, timedelta(seconds=30))
    again = world.traffic()
    assert (await again.observe()).owner == "steadyhand"
    assert (await again.set_share(1.0, timedelta(seconds=30))).share == 1
    assert (await again.revert()).share == 0


async def test_traffic_never_goes_to_an_arm_without_a_healthy_replica(world: World) -> None:
    with pytest.raises(SourceRefused, match="no healthy replica"):
        await world.traffic().set_share(0.05, LEASE)
    assert await world.share() == 0


async def test_traffic_comes_home_even_when_the_platform_is_down(world: World) -> None:
    one = world.traffic()
    await one.prepare("1.1", 1)
    await one.set_share(0.5, timedelta(seconds=30))
    world.platform.down = True
    with pytest.raises(SourceUnavailable):
        await one.revert()
    assert await world.share() == 0
    world.platform.down = False
    assert (await one.revert()).canary_version == ""


async def test_a_renewal_cannot_undo_a_homecoming(world: World) -> None:
    one = world.traffic()
    await one.prepare("1.1", 1)
    await one.set_share(1.0, timedelta(seconds=30))
    results = await asyncio.gather(
        one.revert(), *(one.set_share(1.0, LEASE) for _ in range(3)), return_exceptions=True
    )
    assert isinstance(results[1], SourceRefused)
    assert await world.share() == 0


async def test_an_unknown_release_is_refused_in_the_platforms_words(world: World) -> None:
    with pytest.raises(SourceRefused, match=r"shop platform: answered 409: there is no release 9\.9"):
        await world.traffic().prepare("9.9", 1)


async def test_an_order_without_an_answer_is_unknown(world: World) -> None:
    answer = world.deploy.handler
    world.deploy.handler = lambda one: Reply(then="reset") if one.method == "POST" else answer(one)
    with pytest.raises(EffectUnknown):
        await world.traffic().prepare("1.1", 1)


async def test_a_cluster_that_is_not_there_is_no_zero(world: World) -> None:
    with pytest.raises(SourceRefused, match="no cluster 'blue'"):
        await world.traffic(canary_cluster="blue").counters(SLOW_MS)


async def test_a_dead_balancer_is_unavailable_and_the_token_is_not_told(world: World) -> None:
    one = world.traffic(admin_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(SourceUnavailable) as caught:
        await one.observe()
    assert TOKEN not in f"{caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    ("value", "share"),
    [
        ("", 0.0),
        ("0", 0.0),
        ("5", 0.05),
        ("500", 1.0),
        ('{"numerator":250,"denominator":"TEN_THOUSAND"}', 0.025),
        ("{numerator:+5}", None),
        ("0.05", None),
        ("true", None),
    ],
)
def test_a_runtime_value_is_read_as_envoy_does(value: str, share: float | None) -> None:
    assert share_of(value) == share


@pytest.mark.parametrize("share", [0.0, 0.05, 0.025, 0.000001, 1 / 3, 1.0])
def test_a_share_is_written_exactly_to_a_millionth(share: float) -> None:
    assert share_of(runtime_value(share)) == pytest.approx(share, abs=1e-6)


def test_slow_answers_are_interpolated_inside_a_bucket() -> None:
    buckets = [(100.0, 50), (200.0, 90), (float("inf"), 100)]
    assert slower_than(200, buckets) == 10
    assert slower_than(150, buckets) == 30
    assert slower_than(50, buckets) == 75
    assert slower_than(900, buckets) == 10
    assert slower_than(100, []) == 0


def watchdogs(leases: Path) -> list[int]:
    """Processes that watch a lease in this folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if str(leases).encode() in words and any(word.endswith(b"watchdog.py") for word in words):
            found.append(int(entry.parent.name))
    return found


async def until(ready: Callable[[], object], limit_s: float = 5) -> None:
    ends = time.monotonic() + limit_s
    while not ready():
        assert time.monotonic() < ends, "did not happen in time"
        await asyncio.sleep(0.02)
