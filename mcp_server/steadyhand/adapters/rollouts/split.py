"""One TrafficTarget for every balancer: a dial for the share, a source of releases, a counter of answers.

A driver brings its three parts; the order of steps, and what is refused, is common to all:
traffic moves only onto an arm that is well, never from under somebody else's hand, and home before anything.
"""

import asyncio
from datetime import timedelta
from typing import Protocol

from pydantic import BaseModel, Field

from steadyhand.adapters.rollouts.platform import ArmName, ArmStates
from steadyhand.journey.rollout.model import Arms, Observed
from steadyhand.ports import LeaseKind, SourceRefused


class Look(BaseModel, frozen=True):
    """What the balancer does now."""

    share: float = Field(ge=0, le=1)
    owner: str = Field(default="", description="Who holds the share under a running lease; empty: nobody.")


class Dial(Protocol):
    """What moves the share of one service. Every step is absolute, read back and safe to repeat."""

    lease_kind: LeaseKind

    async def look(self) -> Look:
        """The share now, and who holds it; changes nothing. Raises SourceError."""
        ...

    async def hold(self, share: float, lease: timedelta, fence: int) -> None:
        """Give the canary arm this share until the lease ends.

        Raises ForeignChange where somebody else holds or moved it; SourceError, EffectUnknown.
        """
        ...

    async def home(self) -> None:
        """Share 0, and the lease over. Raises ForeignChange where the share is not ours to change."""
        ...

    async def admit(self) -> None:
        """Let the canary arm take traffic again; returns once the balancer sees it well."""
        ...

    async def evict(self) -> None:
        """Move users that stick to the canary arm away from it, where a share of 0 does not."""
        ...

    def by_hand(self) -> str:
        """The command with which a person sets the share to 0."""
        ...


class Releases(Protocol):
    """What runs on each arm."""

    async def state(self) -> ArmStates:
        """What both arms run. Raises SourceError."""
        ...

    async def bring(self, arm: ArmName, version: str, replicas: int, summary: str) -> None:
        """Bring an arm to this release; returns once it runs, healthy. Raises SourceError, EffectUnknown."""
        ...


class Counter(Protocol):
    """How the arms answered."""

    async def arms(self, slow_ms: tuple[float, float]) -> Arms:
        """Cumulative counters of both arms at one instant. Raises SourceError."""
        ...

    async def slow_limits(self) -> tuple[float, float] | None:
        """The stable arm's p90 and p99 in ms; None where that cannot be told. Raises SourceError."""
        ...

    def close(self) -> None:
        """Give back what it listens on, if it does."""
        ...


class SplitTraffic:
    """A TrafficTarget made of three parts. `mark` is what its lease is held under; a restart keeps it."""

    def __init__(self, name: str, dial: Dial, releases: Releases, counter: Counter, mark: str) -> None:
        self.name = name
        self.mark = mark
        self.lease_kind: LeaseKind = dial.lease_kind
        self.counters = counter.arms
        self.slow_limits = counter.slow_limits
        self.by_hand = dial.by_hand
        self.close = counter.close
        self._dial = dial
        self._releases = releases
        self._turn = asyncio.Lock()
        self._going_home = False

    async def observe(self) -> Observed:
        """Share, versions and health of both arms now; changes nothing. Raises SourceError."""
        look, arms = await asyncio.gather(self._dial.look(), self._releases.state())
        return _observed(look, arms)

    async def prepare(self, version: str, replicas: int) -> Observed:
        """Bring the canary arm to this release. Raises SourceRefused while it has traffic."""
        look = await self._dial.look()
        if look.share > 0:
            raise SourceRefused(self.name, f"the canary arm has {look.share:.1%} of the traffic")
        await self._releases.bring("canary", version, replicas, f"Canary of {version}, no traffic yet")
        await self._dial.admit()
        return await self.observe()

    async def set_share(self, share: float, lease: timedelta, fence: int = 0) -> Observed:
        """Give the canary arm this share for as long as it is renewed; 0 ends the lease.

        Raises ForeignChange when somebody else holds or changed the share, SourceRefused when the canary
        arm is not well.
        """
        async with self._turn:
            if share == 0:
                await self._dial.home()  # needs nothing but the balancer
            else:
                await self._move(share, lease, fence)
        return await self.observe()

    async def settle(self, version: str) -> Observed:
        """Roll the stable arm to the release, then take all traffic there and empty the canary arm.

        While the stable arm rolls, renew the share: it may take longer than a lease.
        """
        arms = await self._releases.state()
        replicas = max(1, len(arms.stable.replicas))
        await self._releases.bring("stable", version, replicas, f"Settle {version} after its canary")
        return await self._go_home()

    async def revert(self) -> Observed:
        """Bring the share to 0 first, whatever else is broken; then move who sticks; then empty the arm."""
        return await self._go_home()

    async def _move(self, share: float, lease: timedelta, fence: int) -> None:
        if self._going_home:
            raise SourceRefused(self.name, "its traffic is being brought home")
        if not (await self._releases.state()).canary.ready:
            raise SourceRefused(self.name, "the canary arm has no healthy replica")
        await self._dial.hold(share, lease, fence)

    async def _go_home(self) -> Observed:
        async with self._turn:
            self._going_home = True
            try:
                await self._dial.home()
                await self._dial.evict()
            except BaseException:
                self._going_home = False
                raise
        try:
            arms = await self._releases.state()
            if arms.canary.replicas:
                version = arms.canary.version or arms.stable.version or ""
                await self._releases.bring("canary", version, 0, "Canary over")
        finally:
            self._going_home = False
        return await self.observe()


def _observed(look: Look, arms: ArmStates) -> Observed:
    return Observed(
        share=look.share,
        stable_version=arms.stable.version or "",
        stable_ready=arms.stable.ready,
        canary_version=arms.canary.version or "" if arms.canary.replicas else "",
        canary_ready=arms.canary.ready,
        owner=look.owner,
    )
