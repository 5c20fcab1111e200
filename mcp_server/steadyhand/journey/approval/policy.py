"""Who may say yes, how long they have, and how much may happen without them."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Literal

from pydantic import Field

from steadyhand.journey.rule import Duration, Rule, Share

Level = Literal["observe", "approve", "guarded"]
_STRICTEST_FIRST: tuple[Level, ...] = ("observe", "approve", "guarded")


class ApprovalRule(Rule):
    """The approval section of incident-config.yaml."""

    answer_within: Duration = Field(
        default=timedelta(minutes=5), description="No answer this long: the next tier is asked too."
    )
    expires_after: Duration = Field(
        default=timedelta(minutes=15), description="A plan older than this cannot be approved."
    )
    approvers: tuple[str, ...] = Field(default=("approver",), description="Roles whose yes counts.")
    wrong_pins: int = Field(default=5, ge=1, description="Wrong PINs in a row before a person is locked.")
    locked_for: Duration = Field(default=timedelta(minutes=5), description="How long a lock lasts.")


class GuardrailRule(Rule):
    """The guardrails section of incident-config.yaml."""

    min_confidence: Share = Field(default=0.85, description="Below it nothing goes without a human.")
    max_blast_radius: int = Field(
        default=1, ge=1, description="Services a fix may touch without a human asked twice."
    )
    max_attempts: int = Field(default=2, ge=1, description="Fixes tried per incident before a human leads.")
    frozen: tuple[str, ...] = Field(default=(), description="Services nothing may be done to now.")


class AutonomyRule(Rule):
    """The autonomy section of incident-config.yaml."""

    level: Level = Field(default="approve", description="observe, approve or guarded.")
    services: dict[str, Level] = Field(default={}, description="A level of its own for a service.")

    def level_for(self, service: str) -> Level:
        """The level that holds for this service."""
        return self.services.get(service, self.level)

    def strictest(self, services: Iterable[str]) -> Level:
        """The level for a fix that concerns all of these."""
        return min((self.level_for(one) for one in services), key=_STRICTEST_FIRST.index)
