"""Whole rollouts by a controller process over real balancers under load, all balancers at once."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from balancers import BalancerWorld, reload_haproxy
from envoy_world import World, until
from servers import envoy
from shops import Shop, shop

pytestmark = [pytest.mark.anyio, pytest.mark.timed]
KINDS = ["envoy", *(one for one in ("haproxy", "nginx") if shutil.which(one))]


async def at_all(folder: Path, play: Callable[[Shop], Awaitable[None]], kinds: list[str] = KINDS) -> None:
    """The same story at each balancer, side by side: they mostly wait."""

    async def at(kind: str) -> None:
        async with shop(kind, folder / kind) as one:
            try:
                await play(one)
            except AssertionError as error:
                raise AssertionError(f"at {kind}: {error}") from error

    await asyncio.gather(*(at(kind) for kind in kinds))


async def test_a_good_fix_is_promoted_verified_and_made_permanent(tmp_path: Path) -> None:
    async def play(one: Shop) -> None:
        async with one.controller():
            watching = await one.until("watching")
            assert (await one.target().observe()).share == pytest.approx(0.05)
            done = await one.over()
        assert (done.phase, done.grade) == ("verified", "proven better"), done.reason
        assert watching.phi is not None
        assert (await one.target().observe()).share == 0
        assert one.world.platform.arms["stable"] == ("1.0", 3)
        assert one.night.view(one.incident).incident.status == "resolved"

    await at_all(tmp_path, play)


async def test_a_bad_canary_is_taken_back_within_two_seconds_of_the_verdict(tmp_path: Path) -> None:
    async def play(one: Shop) -> None:
        one.world.stable.bad_every = 0
        one.world.canary.mode = "bad"
        async with one.controller():
            done = await one.over()
            ended = time.time()
        assert done.phase == "reverted", done.reason
        assert "take it back" in done.reason
        assert (await one.target().observe()).share == 0
        assert one.world.platform.arms["stable"] == ("1.1", 3)
        trail = {one.body.get("phase", one.action): one.ts for one in one.night.view(one.incident).trail}
        assert trail["rollout.ended"] - trail["reverting"] < 2000
        last = one.world.canary.last_at - time.monotonic() + time.time()
        assert last * 1000 < trail["reverting"] + 2000
        assert last < ended

    await at_all(tmp_path, play)


async def test_a_reload_in_the_middle_takes_the_fix_back_and_fails_nobody(tmp_path: Path) -> None:
    """The proxy's counters begin anew: what was watched is no longer one observation."""

    async def play(one: Shop) -> None:
        one.world.stable.bad_every = 0
        async with one.controller():
            await one.until("watching")
            await asyncio.sleep(2)
            assert isinstance(one.world, BalancerWorld)
            reload_haproxy(one.world.process)
            done = await one.over()
        assert done.phase == "reverted", done.reason
        assert {name.split()[1] for name in one.door.answers} == {"200"}
        assert (await one.target().observe()).share == 0

    await at_all(tmp_path, play, [one for one in KINDS if one == "haproxy"])


async def test_an_envoy_that_is_started_anew_in_the_middle_takes_the_fix_back(tmp_path: Path) -> None:
    """Its counters and its share are gone: traffic is home at once, and nothing is judged on what is left."""

    async def play(one: Shop) -> None:
        one.world.stable.bad_every = 0
        assert isinstance(one.world, World)
        async with one.controller():
            await one.until("watching")
            await until(lambda: one.world.canary.served >= 20)
            one.world.process.terminate()
            await asyncio.to_thread(one.world.process.wait)
            admin = int(one.world.admin.rpartition(":")[2])
            with envoy(tmp_path / "envoy" / "envoy.json", admin, one.world.door):
                done = await one.over()
                assert done.phase == "reverted", done.reason
                assert (await one.target().observe()).share == 0
                assert one.world.platform.arms["stable"] == ("1.1", 3)

    await at_all(tmp_path, play, ["envoy"])
