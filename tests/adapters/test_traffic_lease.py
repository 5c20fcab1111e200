import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from envoy_world import TOKEN, World, envoy_world, until, watchdogs

from steadyhand.ports import SourceRefused

pytestmark = [pytest.mark.anyio, pytest.mark.timed]
LEASE = timedelta(seconds=1)
SLOW_MS = (100.0, 250.0)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with envoy_world(tmp_path) as one:
        yield one


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


async def test_a_watchdog_does_not_outlive_its_balancer_for_long(tmp_path: Path) -> None:
    async with envoy_world(tmp_path) as world:
        one = world.traffic()
        await one.prepare("1.1", 1)
        await one.set_share(0.5, timedelta(seconds=0.5))
    await until(lambda: not watchdogs(world.leases), limit_s=20)
    assert str(world.notes()[0]["did"]).startswith("nothing: the balancer is gone")


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
