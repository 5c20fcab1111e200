"""A shop behind a real balancer under load, and the processes that drive its rollout."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from balancers import BalancerWorld, Door, haproxy_world, nginx_world
from envoy_world import World, envoy_world
from stories.night import Night

from steadyhand.adapters.machine import SystemClock
from steadyhand.adapters.rollouts.split import SplitTraffic
from steadyhand.journey.recovery.model import RecoveryRule
from steadyhand.journey.rollout.rule import CanaryRule
from steadyhand.journey.rollout.state import Rollout

CONTROLLER = Path(__file__).with_name("controller.py")
RULES = {"canary": {"soak": "6s"}, "recovery": {"hold": "3s", "least_samples": 2}}
BRISK = {"canary": {"soak": "5s", "share": 0.3}, "recovery": {"hold": "2s", "least_samples": 2}}
Worlds = Callable[[Path], AbstractAsyncContextManager[Any]]
WORLDS: dict[str, Worlds] = {"envoy": envoy_world, "haproxy": haproxy_world, "nginx": nginx_world}


@dataclass
class Shop:
    """A shop, its users, and the store that a controller works on."""

    world: World | BalancerWorld
    door: Door
    night: Night
    incident: str
    rules: dict[str, dict[str, object]]

    @property
    def lease_s(self) -> float:
        return CanaryRule.model_validate(self.rules["canary"]).lease.total_seconds()

    @property
    def rollout(self) -> Rollout | None:
        return self.night.view(self.incident).rollout

    @asynccontextmanager
    async def controller(self, boundary: str = "0") -> AsyncIterator[asyncio.subprocess.Process]:
        """A controller process, ended with the block."""
        given = [json.dumps(self.world.settings), str(self.night.path.parent), json.dumps(self.rules)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(CONTROLLER), *given, boundary, stdout=asyncio.subprocess.PIPE
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def until(self, *phases: str) -> Rollout:
        """The rollout once it is in one of these phases."""
        for _ in range(900):
            found = self.rollout
            if found is not None and found.phase in phases:
                return found
            await asyncio.sleep(0.1)
        raise AssertionError(f"never {phases}: {self.rollout and (self.rollout.phase, self.rollout.reason)}")

    async def over(self) -> Rollout:
        return await self.until("verified", "reverted", "stuck")

    async def seconds_of_canary(self, since: float) -> float:
        """Seconds from `since` to the canary's last answer, once a lease and two seconds have passed."""
        await asyncio.sleep(self.lease_s + 2 - (time.monotonic() - since))
        return max(0.0, self.world.canary.last_at - since)

    def target(self) -> SplitTraffic:
        """A look at the balancer from a process that drives nothing."""
        return self.world.traffic(timeout="20s")  # many worlds share this loop


@asynccontextmanager
async def shop(
    kind: str, folder: Path, rules: dict[str, dict[str, object]] = RULES, *, rate: float = 250
) -> AsyncIterator[Shop]:
    """1.1 fails every third answer; a plan to bring 1.0 back was approved; users ask `rate` a second."""
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    async with WORLDS[kind](folder) as world:
        world.platform.arms["stable"] = ("1.1", 3)
        world.stable.bad_every = 3
        night = Night(folder)
        night.hire()
        night.clock = SystemClock()
        night.restart()
        plan = night.propose(
            night.alert(),
            canary=CanaryRule.model_validate(rules["canary"]),
            recovery=RecoveryRule.model_validate(rules["recovery"]),
        )
        await night.answer(plan)
        door = world.door if isinstance(world, BalancerWorld) else Door(world.door)
        gone_home = asyncio.Event()
        users = asyncio.create_task(ask(door, rate, gone_home))
        try:
            yield Shop(world, door, night, plan.incident, rules)
        finally:
            gone_home.set()
            await users


async def ask(door: Door, rate: float, gone_home: asyncio.Event) -> None:
    """Users, until they have gone home."""
    while not gone_home.is_set():
        await door.ask(int(rate / 2), rate=rate)
