"""The process that waits, ready, to bring traffic home for a driver that needs credentials."""

import os
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from envoy_world import until, watchdogs
from fake_flags import FakeUnleash
from remote_worlds import RemoteWorld, unleash

from steadyhand.ports import SourceUnavailable

pytestmark = [pytest.mark.anyio, pytest.mark.timed]
LONG = timedelta(seconds=60)
LEASE = timedelta(seconds=1)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[RemoteWorld]:
    async with unleash(tmp_path) as one:
        yield one


def standbys(leases: Path) -> list[int]:
    """Processes that stand by for a lease in this folder."""
    return watchdogs(leases, f"{leases}/shop.home.json".encode())


def share(world: RemoteWorld) -> str:
    assert isinstance(world.far, FakeUnleash)
    return str(world.far.strategies[0]["parameters"]["rollout"])


async def test_it_is_there_before_traffic_moves_and_gone_with_the_rollout(world: RemoteWorld) -> None:
    target = world.traffic()
    await target.prepare("1.1", 1)
    assert not standbys(world.leases)
    await target.set_share(0.05, LONG)
    (first,) = standbys(world.leases)
    await target.set_share(0.05, LONG)
    assert standbys(world.leases) == [first]
    await target.revert()
    await until(lambda: not watchdogs(world.leases) and not standbys(world.leases))


async def test_it_goes_with_a_watchdog_that_was_killed_and_comes_again_with_the_next(
    world: RemoteWorld,
) -> None:
    target = world.traffic()
    await target.prepare("1.1", 1)
    await target.set_share(0.05, LONG)
    (watchdog,) = watchdogs(world.leases)
    os.kill(watchdog, signal.SIGKILL)
    await until(lambda: not standbys(world.leases))
    await target.set_share(0.05, LONG)
    assert len(standbys(world.leases)) == 1
    await target.revert()


async def test_a_standby_that_was_killed_is_replaced_when_it_is_needed(world: RemoteWorld) -> None:
    target = world.traffic()
    await target.prepare("1.1", 1)
    await target.set_share(0.05, LEASE)
    os.kill(standbys(world.leases)[0], signal.SIGKILL)
    await until(lambda: share(world) == "0", limit_s=20)
    await until(lambda: not watchdogs(world.leases) and not standbys(world.leases))


async def test_no_traffic_moves_where_the_way_home_cannot_be_gone(
    world: RemoteWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = world.traffic()
    await target.prepare("1.1", 1)
    monkeypatch.setenv("FLAG_TOKEN", "expired")
    with pytest.raises(SourceUnavailable, match="saw no way home"):
        await target.set_share(0.05, LONG)
    assert share(world) == "0"
    await until(lambda: not watchdogs(world.leases) and not standbys(world.leases))


async def test_a_host_that_shuts_down_ends_all_at_once_and_traffic_is_home_all_the_same(
    world: RemoteWorld,
) -> None:
    target = world.traffic()
    await target.prepare("1.1", 1)
    await target.set_share(0.05, LONG)
    for pid in (*standbys(world.leases), *watchdogs(world.leases)):
        os.kill(pid, signal.SIGTERM)
    await until(lambda: not watchdogs(world.leases))
    assert share(world) == "0"
