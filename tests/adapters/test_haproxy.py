import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from balancers import BalancerWorld, arm_share, haproxy_world, needs_haproxy, reload_haproxy
from envoy_world import until

from steadyhand.adapters.rollouts.balancers.haproxy_runtime import HAProxyRuntime, backend_counts, is_up
from steadyhand.ports import ForeignChange, SourceRefused, SourceUnavailable

pytestmark = [pytest.mark.anyio, needs_haproxy]
LONG = timedelta(seconds=60)
SLOW_MS = (100.0, 250.0)
OWNER = Path(__file__).parents[1] / "traffic_owner.py"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[BalancerWorld]:
    async with haproxy_world(tmp_path) as one:
        yield one


def runtime(world: BalancerWorld) -> HAProxyRuntime:
    (member,) = world.settings["members"]  # type: ignore[misc]
    return HAProxyRuntime(source="shop", address=member["socket"], deadline=timedelta(seconds=2))


async def put(world: BalancerWorld, **values: int) -> None:
    await runtime(world).put(str(world.settings["map_file"]), values)


@pytest.mark.parametrize("share", [0.05, 0.5])
async def test_the_achieved_share_is_within_half_a_point(tmp_path: Path, share: float) -> None:
    async with haproxy_world(tmp_path, echo=True) as world:
        target = world.traffic()
        await target.prepare("1.1", 1)
        await target.set_share(share, LONG)
        answers = await world.door.flood(60_000)
        assert sum(answers.values()) == 60_000
        assert arm_share(answers) == pytest.approx(share, abs=0.005 if share < 0.5 else 0.01)
        await target.revert()


async def test_a_dead_owner_leaves_traffic_to_the_proxy_which_brings_it_home(world: BalancerWorld) -> None:
    await world.traffic().prepare("1.1", 1)
    settings = json.dumps({**world.settings, "log_listen": ""})
    given = [sys.executable, str(OWNER), settings, str(world.leases), "1"]
    owner = await asyncio.create_subprocess_exec(*given, stdout=asyncio.subprocess.PIPE)
    assert owner.stdout is not None
    for _ in range(4):
        await owner.stdout.readline()
    assert arm_share(await world.door.ask(400)) == pytest.approx(0.3, abs=0.12)
    owner.kill()
    killed = last = time.monotonic()
    while time.monotonic() < killed + 2.5:
        answers = await world.door.ask(40)
        last = time.monotonic() if arm_share(answers) else last
    await owner.wait()
    assert last - killed < 2
    assert not list(world.leases.glob("*")), "no watchdog and no file of ours was needed"
    seen = await world.traffic().observe()
    assert (seen.share, seen.owner) == (0, "")


async def test_a_share_of_zero_keeps_sticky_users_and_a_revert_moves_them(tmp_path: Path) -> None:
    async with haproxy_world(tmp_path, sticky=True) as world:
        target = world.traffic()
        await target.prepare("1.1", 1)
        await target.set_share(1.0, LONG)
        assert arm_share(await world.door.ask(40, cookie="ARM=c1")) == 1
        await target.set_share(0.0, LONG)
        assert arm_share(await world.door.ask(40, cookie="ARM=c1")) == 1
        began = time.monotonic()
        await target.revert()
        assert time.monotonic() - began < 2
        assert await world.door.ask(40, cookie="ARM=c1") == {"stable 200": 40}


async def test_after_a_revert_the_next_try_finds_the_arm_open(world: BalancerWorld) -> None:
    target = world.traffic()
    for _ in range(2):
        await target.prepare("1.1", 1)
        await target.set_share(1.0, LONG)
        assert await world.door.ask(16) == {"canary 200": 16}
        await target.revert()
        assert await world.door.ask(16) == {"stable 200": 16}


async def test_a_reload_fails_no_request_and_returns_to_stable_until_renewed(world: BalancerWorld) -> None:
    target = world.traffic()
    await target.prepare("1.1", 1)
    await target.set_share(0.5, LONG)
    load = asyncio.create_task(world.door.ask(1200, rate=600))
    await asyncio.sleep(0.5)
    before = await runtime(world).statistics()
    reload_haproxy(world.process)
    answers = await load
    assert {name.split()[1] for name in answers} == {"200"}
    await until_reloaded(world, len(before))
    assert (await target.observe()).share == 0
    assert await world.door.ask(16) == {"stable 200": 16}
    assert (await target.set_share(0.5, LONG)).share == 0.5
    await target.revert()


async def until_reloaded(world: BalancerWorld, rows: int) -> None:
    async def fresh() -> bool:
        table = await runtime(world).statistics()
        return len(table) == rows and backend_counts(table, "canary", "shop").requests == 0

    for _ in range(100):
        if await fresh():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("never reloaded")


async def test_a_canary_that_resets_every_connection_is_counted_as_failing(world: BalancerWorld) -> None:
    target = world.traffic()
    await target.prepare("1.1", 1)
    await target.set_share(1.0, LONG)
    world.canary.mode = "reset"
    before = (await target.counters(SLOW_MS)).canary
    await world.door.ask(24)
    after = (await target.counters(SLOW_MS)).canary
    assert after.requests - before.requests == after.errors - before.errors == 24
    await target.revert()


@pytest.mark.timed
async def test_slow_answers_come_from_the_log(world: BalancerWorld) -> None:
    target = world.traffic()
    await target.prepare("1.1", 1)
    await target.set_share(1.0, LONG)
    assert (await target.counters(SLOW_MS)).canary.slow90 == 0
    world.canary.delay_s = 0.15
    await world.door.ask(16)
    await until_logged(target.counters, 16)
    counts = (await target.counters(SLOW_MS)).canary
    assert (counts.slow90, counts.slow99) == (16, 0)
    await target.revert()


async def until_logged(counters: object, slow: int) -> None:
    for _ in range(100):
        if (await counters(SLOW_MS)).canary.slow90 >= slow:  # type: ignore[operator]
            return
        await asyncio.sleep(0.02)


async def test_a_share_somebody_else_changed_is_told_and_not_fought(world: BalancerWorld) -> None:
    target = world.traffic()
    await target.prepare("1.1", 1)
    await target.set_share(0.05, LONG)
    await put(world, share=3000)
    assert (await target.observe()).share == 0.3
    with pytest.raises(ForeignChange, match=r"somebody else set the share to 30\.0%"):
        await target.set_share(0.05, LONG)
    assert (await target.revert()).share == 0


async def test_anothers_lease_is_seen_by_its_mark_and_not_touched(world: BalancerWorld) -> None:
    other, target = world.traffic("another"), world.traffic(log_listen="")
    await other.prepare("1.1", 1)
    await other.set_share(0.3, LONG)
    seen = await target.observe()
    assert (seen.share, seen.owner) == (0.3, f"owner {(await entries(world))['owner']}")
    with pytest.raises(SourceRefused, match=r"has 30\.0% of the traffic"):
        await target.prepare("1.1", 1)
    for step in (target.set_share(0.05, LONG), target.set_share(0.0, LONG), target.revert()):
        with pytest.raises(ForeignChange, match="holds its traffic"):
            await step
    assert (await other.observe()).share == 0.3
    await other.revert()


async def entries(world: BalancerWorld) -> dict[str, int]:
    return await runtime(world).entries(str(world.settings["map_file"]))


async def test_an_orphan_of_an_earlier_process_is_ours_to_bring_home(world: BalancerWorld) -> None:
    first = world.traffic()
    await first.prepare("1.1", 1)
    await first.set_share(0.3, LONG)
    second = world.traffic(log_listen="")
    assert (await second.observe()).owner == second.mark
    assert (await second.revert()).share == 0


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"map_file": "/nowhere.map"}, "Unknown map identifier"),
        ({"canary_backend": "blue"}, "Can't find backend|no backend"),
        ({"most_skew": "0s"}, "its clock and ours differ"),
    ],
)
async def test_what_the_proxy_lacks_is_named(
    world: BalancerWorld, changes: dict[str, object], why: str
) -> None:
    target = world.traffic(**changes)

    async def begin() -> None:
        await target.prepare("1.1", 1)
        await target.set_share(0.05, LONG)

    with pytest.raises(SourceRefused, match=why):
        await begin()


async def test_a_map_without_a_key_is_refused_by_its_name(tmp_path: Path) -> None:
    async with haproxy_world(tmp_path, keys="share 0\nexpires_ms 0\n") as world:
        with pytest.raises(SourceRefused, match="its map lacks the keys fence, owner"):
            await world.traffic().observe()


async def test_a_proxy_that_is_gone_is_unavailable(world: BalancerWorld) -> None:
    world.process.terminate()
    await until(lambda: world.process.poll() is not None)
    with pytest.raises(SourceUnavailable, match="does not answer"):
        await world.traffic().observe()


async def test_in_a_fleet_every_proxy_gets_share_and_lease_and_one_that_lags_is_seen(tmp_path: Path) -> None:
    shared = tmp_path / "shared.map"
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with (
        haproxy_world(tmp_path / "a", map_file=shared) as one,
        haproxy_world(tmp_path / "b", map_file=shared) as two,
    ):
        members = [*one.settings["members"], *two.settings["members"]]  # type: ignore[misc]
        fleet = one.traffic(members=members)
        await fleet.prepare("1.1", 1)
        await fleet.set_share(1.0, LONG)
        for world in (one, two):
            assert await world.door.ask(16) == {"canary 200": 16}
        assert (await fleet.counters(SLOW_MS)).canary.requests == 32
        await put(one, share=0)
        assert (await fleet.observe()).share == 1
        await fleet.revert()
        assert await two.door.ask(16) == {"stable 200": 16}


def test_a_server_row_without_health_checks_counts_as_up() -> None:
    rows = [{"pxname": "canary", "svname": "c1", "status": "no check"}]
    assert is_up(rows, "canary")
    assert not is_up(rows, "stable")
