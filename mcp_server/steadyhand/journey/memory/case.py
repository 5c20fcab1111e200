"""A closed incident as it is remembered, and what a person judged of it."""

from typing import Annotated, Literal

from pydantic import Field

from steadyhand.journey.diagnosis.model import Remediation
from steadyhand.journey.rule import Instant, Share, Value

Verdict = Literal["confirmed", "other", "unknown", "unjudged"]
Worked = Literal["yes", "no", "unknown"]
Line = Annotated[str, Field(max_length=300)]


class Judgement(Value):
    """What a person says the cause was, once it is over; `episode` tells which end it is about."""

    verdict: Literal["confirmed", "other", "unknown"]
    hypothesis: str = Field(default="", max_length=20, description="confirmed: which; empty for the first.")
    cause: str = Field(default="", max_length=500, description="other: in their words.")
    fault_class: str = Field(default="", max_length=80, description="other: its class, where it has one.")
    worked: Worked | None = Field(default=None, description="Whether the fix did it; None: as measured.")
    by: str
    via: str
    at: Instant
    episode: int = 0


class Sign(Value):
    """One moved signal: what, which way, of whom."""

    role: str
    direction: str
    metric: str = ""
    entity: str = ""

    @property
    def words(self) -> str:
        """It in a few words."""
        return f"{self.metric or self.role} {self.direction} of {self.entity}"


class Signature(Value):
    """What an incident looked like: its messages, its metrics, their order, and who took part."""

    templates: tuple[Line, ...] = ()
    signs: tuple[Sign, ...] = ()
    order: tuple[str, ...] = Field(default=(), description="Roles by first onset, earliest first.")
    entities: tuple[str, ...] = ()


class RejectedFix(Value):
    """A fix a person said no to, and why."""

    action: str = Field(description="Kind of the action, e.g. create_index.")
    title: Line
    reason: str = Field(default="", max_length=1000)


class Case(Value):
    """One remembered incident. Only what a person confirmed counts as its cause."""

    id: str
    incident: str = Field(default="", description="Empty for an imported one.")
    source: str = Field(default="incident", description="incident, or the file it was imported from.")
    service: str
    title: Line
    at: Instant
    signature: Signature = Signature()
    verdict: Verdict = "unjudged"
    fault_class: str = ""
    entity: str = ""
    cause: str = Field(default="", max_length=500)
    remediation: Remediation = "none"
    fix: Line = ""
    action: str = Field(default="", description="Kind of the fix's action.")
    worked: Worked = "unknown"
    rejected: tuple[RejectedFix, ...] = ()
    suspected: str = Field(default="", description="Fault class the engine named first.")
    confidence: Share | None = Field(default=None, description="How sure the engine was of it.")
    right: bool | None = Field(default=None, description="Whether a person confirmed it.")

    @property
    def counts(self) -> bool:
        """Whether a person judged its cause, so that others may learn from it."""
        return self.verdict in ("confirmed", "other") and bool(self.cause or self.fault_class)
