"""One rollout, whole: enough to go on from after the process died."""

from typing import Literal

from pydantic import Field

from steadyhand.journey.recovery.model import Reading
from steadyhand.journey.remedy.model import EffectState, SetRelease
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rollout.model import Arms, Observed, Verdict
from steadyhand.journey.rollout.watch import Phi, Watch
from steadyhand.journey.rule import Instant, Share, Value

Phase = Literal[
    "preflight",
    "preparing",
    "shifting",
    "watching",
    "asking",
    "promoting",
    "applying",
    "verifying",
    "settling",
    "reverting",
    "undoing",
    "verified",
    "reverted",
    "stuck",
]
OVER: tuple[Phase, ...] = ("verified", "reverted", "stuck")
WITHOUT_PROOF = "promoted without proof"


class Sample(Value):
    """One second of the rollout, kept to be drawn."""

    at: Instant
    share: Share
    ratio: float | None = None
    lo: float | None = None
    hi: float | None = None


class Rollout(Value):
    """A rollout under way, or one that is over."""

    id: str
    incident: str
    plan: Plan
    phase: Phase
    owner: str = Field(description="The process that drives it; another one looks at the target first.")
    fence: int = Field(default=0, ge=0, description="Rises with each owner; a target refuses a lower one.")
    phase_at: Instant
    share: Share = 0.0
    phi: Phi | None = Field(default=None, description="Burstiness of the control before the start.")
    watch: Watch | None = None
    verdict: Verdict | None = None
    grade: str = Field(default="", description="On what proof it was promoted, by name.")
    ask_until: Instant | None = Field(default=None, description="Undecided: a human may answer until then.")
    whole: Arms | None = Field(default=None, description="The counters when the fix had all traffic.")
    readings: tuple[Reading, ...] = ()
    good_since: Instant | None = None
    good_samples: int = Field(default=0, ge=0, description="Looks in a row at which all had recovered.")
    bad_since: Instant | None = None
    settled: bool = Field(default=False, description="Making it permanent has begun; the way back is longer.")
    by_hand: str = Field(default="", description="The command that takes it back without us.")
    tries: int = Field(default=0, ge=0)
    reason: str = ""
    history: tuple[Sample, ...] = ()

    @property
    def moves_traffic(self) -> bool:
        """Whether it is a matter of shares; a database fix is not."""
        return isinstance(self.plan.fix.action, SetRelease)


class Seen(Value):
    """What the effect of a phase showed. Only what the phase asked for is filled."""

    observed: Observed | None = None
    arms: Arms | None = None
    readings: tuple[Reading, ...] = ()
    gauges: dict[str, float | None] = Field(default={})
    effect: EffectState | None = None
    phi: Phi | None = None
    by_hand: str = ""
