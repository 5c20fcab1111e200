import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from balancers import Door
from envoy_world import TOKEN, World, envoy_world, until
from servers import Reply, envoy, free_port

from steadyhand.adapters.rollouts.balancers.envoy_admin import runtime_value, share_of
from steadyhand.adapters.rollouts.histogram import quantile, slower_than
from steadyhand.ports import EffectUnknown, SourceRefused, SourceUnavailable

pytestmark = pytest.mark.anyio
LEASE = timedelta(seconds=1)
SLOW_MS = (100.0, 250.0)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with envoy_world(tmp_path) as one:
        yield one


async def test_a_rollout_goes_from_prepare_over_five_percent_to_settled(world: World) -> None:
    one = world.traffic()
    start = await one.observe()
    assert (start.share, start.stable_version, start.stable_ready, start.canary_version) == (0, "1.0", 3, "")

    ready = await one.prepare("1.1", 2)
    assert (ready.canary_version, ready.canary_ready, ready.share) == ("1.1", 2, 0)

    moved = await one.set_share(0.05, timedelta(seconds=60))
    assert (moved.share, moved.owner) == (0.05, "steadyhand")
    before = await one.counters(SLOW_MS)
    assert await world.ask(40_000) == {200: 40_000}
    after = await one.counters(SLOW_MS)
    stable, canary = (
        getattr(after, arm).requests - getattr(before, arm).requests for arm in ("stable", "canary")
    )
    assert stable + canary == 40_000
    assert abs(canary / 40_000 - 0.05) < 0.005

    settled = await one.settle("1.1")
    assert (settled.share, settled.stable_version, settled.stable_ready) == (0, "1.1", 3)
    assert (settled.canary_version, settled.canary_ready, settled.owner) == ("", 0, "")
    assert [(order["arm"], order["replicas"]) for order in world.platform.orders] == [
        ("canary", 2),
        ("stable", 3),
        ("canary", 0),
    ]


async def test_a_revert_under_load_moves_everybody_at_once_whatever_their_connection_or_cookie(
    world: World,
) -> None:
    one, door = world.traffic(), Door(world.door)
    await one.prepare("1.1", 1)
    await one.set_share(1.0, timedelta(seconds=60))
    users = asyncio.create_task(door.ask(1000, cookie="ARM=canary\r\nx-request-id: the-same", rate=500))
    await asyncio.sleep(0.6)
    assert world.canary.served > 100
    assert world.stable.served == 0
    began = time.monotonic()
    await one.revert()
    assert time.monotonic() - began < 2
    await users
    assert world.canary.last_at - began < 2
    moved = world.canary.served
    await door.ask(40, cookie="ARM=canary")
    assert world.canary.served == moved
    assert set(door.answers) == {"nobody 200"}


async def test_a_restart_in_the_middle_returns_to_stable_until_renewed(tmp_path: Path) -> None:
    async with envoy_world(tmp_path) as world:
        one = world.traffic()
        await one.prepare("1.1", 1)
        await one.set_share(1.0, timedelta(seconds=60))
        world.process.terminate()
        await until(lambda: world.process.poll() is not None)
        with envoy(tmp_path / "envoy.json", int(world.admin.rpartition(":")[2]), world.door):
            assert (await one.observe()).share == 0
            await world.ask(40)
            assert (world.stable.served, world.canary.served) == (40, 0)
            assert (await one.set_share(1.0, timedelta(seconds=60))).share == 1
            await world.ask(40)
            assert world.canary.served == 40
            await one.revert()


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


def test_a_quantile_is_interpolated_inside_its_bucket_and_unknown_without_answers() -> None:
    buckets = [(10.0, 50), (20.0, 90), (40.0, 100), (float("inf"), 100)]
    assert quantile(0.9, buckets) == 20
    assert quantile(0.95, buckets) == 30
    assert quantile(0.99, [(10.0, 0), (20.0, 1), (float("inf"), 100)]) == 20
    assert quantile(0.9, [(10.0, 0), (float("inf"), 0)]) is None
