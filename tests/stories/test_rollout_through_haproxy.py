"""The whole rollout through a real HAProxy: real shares, real counters, a controller whose clock we move."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from balancers import BalancerWorld, arm_share, haproxy_world, needs_haproxy, reload_haproxy

from steadyhand.journey.rollout.machine import Rollout
from stories.night import RULES, Night

pytestmark = needs_haproxy
PER_SECOND = 160
LEASE = timedelta(seconds=20)  # of the proxy's own clock, which runs beside the one we move


class Shift:
    """A night whose traffic goes through a real proxy, so many requests in each second of its clock."""

    def __init__(self, night: Night, world: BalancerWorld) -> None:
        self.night = night
        self.world = world
        self.seen: dict[str, int] = {}
        world.platform.arms["stable"] = ("1.1", 3)
        target = world.traffic(clock=night.clock, most_skew=timedelta(days=9999))
        night.traffic = target  # type: ignore[assignment] - a real one in the simulator's place
        night.restart()

    async def second(self) -> None:
        answers = await self.world.door.ask(PER_SECOND)
        for name, count in answers.items():
            self.seen[name] = self.seen.get(name, 0) + count
        self.night.users.override = 1 - sum(n for name, n in answers.items() if "200" in name) / PER_SECOND
        await self.night.pass_time(1)

    async def until(self, incident: str, *phases: str, most: int = 120) -> Rollout:
        for _ in range(most):
            rollout = self.night.view(incident).rollout
            if rollout is not None and rollout.phase in phases:
                return rollout
            await self.second()
        rollout = self.night.view(incident).rollout
        raise AssertionError(f"never {phases}: {rollout and (rollout.phase, rollout.reason)}")


@asynccontextmanager
async def shift(folder: Path) -> AsyncIterator[Shift]:
    canary = RULES.canary.model_copy(update={"share": 0.2, "lease": LEASE})
    night = Night(folder, RULES.model_copy(update={"canary": canary}))
    night.hire()
    async with haproxy_world(folder) as world:
        yield Shift(night, world)


def test_a_good_fix_is_promoted_and_verified_through_haproxy(tmp_path: Path) -> None:
    async def story() -> None:
        async with shift(tmp_path) as one:
            one.world.stable.bad_every = 4
            plan = one.night.propose(one.night.alert())
            await one.night.answer(plan)
            await one.until(plan.incident, "watching")
            one.seen.clear()
            await one.until(plan.incident, "promoting", "verifying")
            assert arm_share(one.seen) == pytest.approx(0.2, abs=0.04)
            await one.until(plan.incident, "settling", "verified")
            one.world.stable.bad_every = 0
            await one.until(plan.incident, "verified")
            assert one.world.platform.arms == {"stable": ("1.0", 3), "canary": (None, 0)}
            assert await one.world.door.ask(16) == {"stable 200": 16}

    asyncio.run(story())


def test_a_bad_fix_is_taken_back_through_haproxy(tmp_path: Path) -> None:
    async def story() -> None:
        async with shift(tmp_path) as one:
            one.world.stable.bad_every, one.world.canary.bad_every = 20, 2
            plan = one.night.propose(one.night.alert())
            await one.night.answer(plan)
            rollout = await one.until(plan.incident, "reverted")
            assert "take it back" in rollout.reason
            assert one.world.platform.arms == {"stable": ("1.1", 3), "canary": (None, 0)}
            answers = await one.world.door.ask(160)
            assert arm_share(answers) == 0

    asyncio.run(story())


def test_a_reload_in_the_middle_ends_the_observation_and_promotes_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        async with shift(tmp_path) as one:
            one.world.stable.bad_every = 4
            plan = one.night.propose(one.night.alert())
            await one.night.answer(plan)
            await one.until(plan.incident, "watching")
            for _ in range(3):
                await one.second()
            reload_haproxy(one.world.process)
            await asyncio.sleep(0.5)
            rollout = await one.until(plan.incident, "reverted")
            assert "reset" in rollout.reason or "back at 0 %" in rollout.reason
            assert arm_share(await one.world.door.ask(160)) == 0
            assert "nobody broken" not in one.seen

    asyncio.run(story())
