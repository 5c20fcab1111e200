"""A dial for balancers that know no lease: a knob, a lease in a file, and the watchdog that enforces it.

What this dead-man's switch is worth: it outlives the control service, not the host both run on. Where the
host dies too, only something in the target itself brings traffic home; each driver says whether it has that.
"""

from datetime import timedelta
from typing import Protocol

from steadyhand.adapters.rollouts.lease import Lease
from steadyhand.adapters.rollouts.split import Look
from steadyhand.ports import ForeignChange, LeaseKind

_SAME = 1e-6


class Knob(Protocol):
    """The bare share of one service at its balancer."""

    name: str

    async def share(self) -> float:
        """The canary arm's share now, 0..1. Raises SourceError."""
        ...

    async def set_share(self, share: float) -> None:
        """Set it and read it back. Raises SourceError, EffectUnknown."""
        ...

    async def admit(self) -> None:
        """As `Dial.admit`."""
        ...

    async def evict(self) -> None:
        """As `Dial.evict`."""
        ...

    def by_hand(self) -> str:
        """As `Dial.by_hand`."""
        ...


class WatchedDial:
    """A Dial over a knob: held under a lease that a watchdog process enforces."""

    lease_kind: LeaseKind = "watchdog"

    def __init__(self, knob: Knob, lease: Lease) -> None:
        self._knob = knob
        self._lease = lease
        self.admit = knob.admit
        self.evict = knob.evict
        self.by_hand = knob.by_hand

    async def look(self) -> Look:
        """The share now, and who holds it."""
        held = self._lease.read()
        return Look(share=await self._knob.share(), owner=held.owner if held and held.active else "")

    async def hold(self, share: float, lease: timedelta, fence: int) -> None:
        """Lease first, then the share: a watchdog is there before traffic moves."""
        held = self._lease.ours()
        ours = (0.0, held.share, held.previous) if held else (0.0,)
        now = await self._knob.share()
        if not any(abs(now - one) < _SAME for one in ours):
            raise ForeignChange(self._knob.name, f"somebody else set the share to {now:.1%}")
        await self._lease.hold(share, lease, fence)
        if abs(now - share) >= _SAME:
            await self._knob.set_share(share)

    async def home(self) -> None:
        """Share 0, then the lease over."""
        now = await self._knob.share()
        if now > 0 and self._lease.ours() is None:
            why = f"somebody else set the share to {now:.1%}; it is not ours to change"
            raise ForeignChange(self._knob.name, why)
        if now > 0:
            await self._knob.set_share(0.0)
        self._lease.end()
