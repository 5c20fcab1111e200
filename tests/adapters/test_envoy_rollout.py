"""Rollouts by a controller process over a real Envoy under load, and that process killed in the middle."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from envoy_controller import CANARY, RECOVERY
from envoy_world import TOKEN, World, envoy_world
from stories.night import Night

from steadyhand.adapters.machine import SystemClock
from steadyhand.journey.rollout.state import Rollout
from steadyhand.responder.interventions import abort_rollout

pytestmark = [pytest.mark.anyio, pytest.mark.timed]


@dataclass
class Shop:
    """A shop behind Envoy, its users, and the store that a controller works on."""

    world: World
    night: Night
    incident: str

    @asynccontextmanager
    async def controller(self) -> AsyncIterator[asyncio.subprocess.Process]:
        given = [self.world.admin, self.world.deploy.url, TOKEN, str(self.night.path.parent)]
        script = str(Path(__file__).with_name("envoy_controller.py"))
        process = await asyncio.create_subprocess_exec(sys.executable, script, *given)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    @property
    def rollout(self) -> Rollout | None:
        return self.night.view(self.incident).rollout

    async def until(self, *phases: str) -> Rollout:
        for _ in range(900):
            found = self.rollout
            if found is not None and found.phase in phases:
                return found
            await asyncio.sleep(0.1)
        raise AssertionError(f"never {phases}: {self.rollout and (self.rollout.phase, self.rollout.reason)}")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with envoy_world(tmp_path) as world:
        world.platform.arms["stable"] = ("1.1", 3)
        world.stable.bad_every = 3
        night = Night(tmp_path)
        night.hire()
        night.clock = SystemClock()
        night.restart()
        plan = night.propose(night.alert(), canary=CANARY, recovery=RECOVERY)
        await night.answer(plan)
        gone_home = asyncio.Event()
        users = asyncio.create_task(load(world, gone_home))
        yield Shop(world, night, plan.incident)
        gone_home.set()
        await users


async def load(world: World, gone_home: asyncio.Event) -> None:
    """Users, some hundred requests a second."""
    while not gone_home.is_set():
        await world.ask(80)
        await asyncio.sleep(0.15)


async def test_a_good_fix_is_promoted_verified_and_made_permanent(shop: Shop) -> None:
    async with shop.controller():
        watching = await shop.until("watching")
        assert await shop.world.share() == pytest.approx(0.05)
        done = await shop.until("verified", "reverted", "stuck")
    assert done.phase == "verified", done.reason
    assert done.grade == "proven better"
    assert watching.phi is not None
    assert await shop.world.share() == 0
    assert shop.world.platform.arms["stable"] == ("1.0", 3)
    assert shop.night.view(shop.incident).incident.status == "resolved"


async def test_a_bad_canary_is_taken_back_within_two_seconds_of_the_verdict(shop: Shop) -> None:
    shop.world.stable.bad_every = 0
    shop.world.canary.mode = "bad"
    async with shop.controller():
        done = await shop.until("verified", "reverted", "stuck")
        assert done.phase == "reverted", done.reason
    assert "take it back" in done.reason
    assert await shop.world.share() == 0
    assert shop.world.platform.arms["stable"] == ("1.1", 3)
    trail = {one.body.get("phase", one.action): one.ts for one in shop.night.view(shop.incident).trail}
    assert trail["rollout.ended"] - trail["reverting"] < 2000


async def test_killed_while_watching_traffic_is_home_and_the_next_process_observes_anew(shop: Shop) -> None:
    async with shop.controller() as process:
        first = await shop.until("watching")
        process.kill()
        assert await shop.world.seconds_until_home(10) < CANARY.lease.total_seconds() + 1
    assert await shop.world.share() == 0
    async with shop.controller():
        done = await shop.until("verified", "reverted", "stuck")
    assert done.phase == "verified", done.reason
    assert done.watch is not None
    assert first.watch is not None
    assert done.watch.started_at > first.watch.started_at
    assert done.fence > first.fence
    assert "rollout.taken_over" in shop.night.actions(shop.incident)


async def test_killed_with_all_traffic_on_the_fix_it_is_home_and_an_abort_closes_the_journal(
    shop: Shop,
) -> None:
    async with shop.controller() as process:
        await shop.until("verifying")
        process.kill()
        assert await shop.world.seconds_until_home(10) < CANARY.lease.total_seconds() + 1
    await abort_rollout(shop.night.outside, shop.incident, "ana", "better safe")
    async with shop.controller():
        done = await shop.until("reverted", "stuck", "verified")
    assert done.phase == "reverted"
    assert await shop.world.share() == 0
    assert shop.world.platform.arms["canary"] == (None, 0)
