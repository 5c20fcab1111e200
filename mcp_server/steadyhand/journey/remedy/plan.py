"""The exact plan a human says yes or no to, and its digest."""

import hashlib
import json
from typing import Literal

from pydantic import Field

from steadyhand.journey.recovery.model import Goal, RecoveryRule
from steadyhand.journey.remedy.model import Fix
from steadyhand.journey.rollout.gauges import GaugeRule
from steadyhand.journey.rollout.planning import Sight
from steadyhand.journey.rollout.rule import CanaryRule
from steadyhand.journey.rule import Instant, Share, Value


class Plan(Value):
    """A fix with its steps, its goals and its expiry. A changed plan is a new plan."""

    id: str
    incident: str
    hypothesis: str
    service: str
    fix: Fix
    confidence: Share
    calibrated: bool
    canary: CanaryRule
    judged_by: Literal["errors", "slow90"] | None = Field(
        default="errors",
        description="The counter that must be proven better on the canary; None: no canary can show it.",
    )
    shared: str = Field(
        default="",
        description="The shared thing that is sick: no share of traffic shows its cure, before and after do.",
    )
    sight: Sight | None = Field(default=None, description="What the canary can see at today's traffic.")
    slow_ms: tuple[float, float] = Field(
        default=(400.0, 2000.0), description="Limits, in ms, beyond which an answer counts as slow."
    )
    recovery: RecoveryRule
    goals: tuple[Goal, ...] = Field(min_length=1, description="The numbers that hurt and must recover.")
    watched: tuple[Goal, ...] = Field(
        default=(), description="Numbers of the services around; they must not get worse."
    )
    gauges: tuple[GaugeRule, ...] = Field(default=(), description="What the canary may run out of.")
    created_at: Instant
    expires_at: Instant
    proposed_by: str = "engine"

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON of every field: what an approval is bound to."""
        return digest_of(self.model_dump(mode="json"))


def digest_of(body: object) -> str:
    """SHA-256, in lower-case hex, of a JSON value written canonically (sorted keys, no spaces)."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
