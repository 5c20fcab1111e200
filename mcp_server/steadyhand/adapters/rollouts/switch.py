"""Arms that are versions of one thing which routes by itself: a Lambda alias, a feature flag.

There are no replicas to bring up, so a prepared arm is remembered here until it gets traffic, with as many
"replicas" as were asked for: whoever runs the thing scales it. After a restart the rollout prepares it again.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from pydantic import BaseModel, Field

from steadyhand.adapters.rollouts.aws.schedule import Reversal
from steadyhand.adapters.rollouts.platform import ArmName, ArmStates, arm_state
from steadyhand.ports import SourceRefused

_SAME = 1e-6


class Serving(BaseModel, frozen=True):
    """Who gets what now."""

    stable: str = Field(description="The version for everybody else.")
    canary: str = Field(default="", description="The version for a share; empty: nobody gets another one.")
    share: float = Field(default=0.0, ge=0, le=1)
    token: str = Field(
        default="", description="What the target calls this state, to change it only from here."
    )


class Switch(Protocol):
    """What serves versions to shares of the traffic."""

    name: str

    async def serving(self) -> Serving:
        """What is so now. Raises SourceError."""
        ...

    async def serve(self, wanted: Serving, seen: Serving) -> None:
        """Make it so. Raises ForeignChange where it is no longer as seen; SourceError, EffectUnknown."""
        ...

    async def check(self, version: str) -> None:
        """Raises SourceRefused where it knows no such version, or has it not ready."""
        ...

    def by_hand(self) -> str:
        """How a person gives everybody the stable version."""
        ...


class SwitchArms:
    """A Knob and the Releases of one switch."""

    def __init__(self, switch: Switch, reversal: Callable[[], Awaitable[Reversal]] | None = None) -> None:
        self.name = switch.name
        self._reversal = reversal
        self.by_hand = switch.by_hand
        self._switch = switch
        self._prepared = ("", 0)

    async def share(self) -> float:
        """As the switch serves it."""
        return (await self._switch.serving()).share

    async def set_share(self, share: float) -> None:
        """From what it serves now, so that a change in between is seen; read back."""
        seen = await self._switch.serving()
        canary = seen.canary or self._prepared[0]
        if share and (not canary or canary == seen.stable):
            raise SourceRefused(self.name, "there is no second version to give traffic to")
        wanted = Serving(stable=seen.stable, canary=canary if share else "", share=share)
        await self._switch.serve(wanted, seen)
        now = await self.share()
        if abs(now - share) > _SAME:
            raise SourceRefused(self.name, f"the share was set to {share:g} and reads {now:g}")

    async def admit(self) -> None:
        """Nothing has to come up."""

    async def evict(self) -> None:
        """At share 0 the second version is gone from the switch: nobody is served it, whoever they were."""

    async def reversal(self) -> Reversal:
        """The call with which AWS takes it back. Raises SourceRefused where it is none of AWS."""
        if self._reversal is None:
            raise SourceRefused(self.name, "nothing but Steadyhand takes it back")
        return await self._reversal()

    async def state(self) -> ArmStates:
        """The stable version as one replica; the other one as it was prepared, or as it is served."""
        seen = await self._switch.serving()
        prepared, replicas = self._prepared
        canary = seen.canary or prepared
        count = (replicas or 1) if canary else 0
        return ArmStates(stable=arm_state(seen.stable, 1, 1), canary=arm_state(canary or None, count, count))

    async def bring(self, arm: ArmName, version: str, replicas: int, summary: str) -> None:  # noqa: ARG002
        """Canary: see that it is there. Stable: everybody gets it, at once."""
        if arm == "canary":
            if replicas:
                await self._switch.check(version)
            self._prepared = (version, replicas) if replicas else ("", 0)
            return
        seen = await self._switch.serving()
        if seen.stable == version:
            return
        await self._switch.check(version)
        kept = seen.canary if seen.canary != version else ""
        wanted = Serving(stable=version, canary=kept, share=seen.share if kept else 0.0)
        await self._switch.serve(wanted, seen)
        if (found := (await self._switch.serving()).stable) != version:
            raise SourceRefused(self.name, f"everybody was to get {version} and gets {found}")
