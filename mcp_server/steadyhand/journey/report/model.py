"""The values of the report stage."""

from typing import Literal

from pydantic import Field

from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.rule import Duration, Instant, Share, Value

EventKind = Literal["signal", "change", "alert", "page", "diagnosis", "consent", "rollout", "other"]


class Event(Value):
    """One thing that happened; its text may hold untrusted words."""

    at: Instant
    kind: EventKind
    who: str = Field(default="", description="The person or part that did it; empty for a signal.")
    text: str
    source: str = Field(description='The evidence id, or the row of the audit trail, e.g. "row 12".')


class Figures(Value):
    """How long each part took; None where one of its ends is not known."""

    detect: Duration | None = Field(default=None, description="Started to detected (MTTD).")
    evidence: Duration | None = Field(default=None, description="Detected to evidence read.")
    fix_ready: Duration | None = Field(default=None, description="Detected to a fix one can say yes to.")
    approval: Duration | None = Field(default=None, description="Fix ready to the human's answer.")
    rollout: Duration | None = Field(default=None, description="Rollout started to resolved.")
    resolve: Duration | None = Field(default=None, description="Detected to resolved (MTTR).")
    whole: Duration | None = Field(default=None, description="Started to resolved: what users felt.")


class Cited(Value):
    """A piece of evidence with its id."""

    id: str
    title: str


class RootCause(Value):
    """What is believed to have been wrong, and on what grounds."""

    claim: str
    entity: str
    fault_class: str
    confidence: Share
    calibrated: bool
    by: str
    supports: tuple[Cited, ...] = ()
    contradicts: tuple[Cited, ...] = ()


class Report(Value):
    """The post-incident report. Every list holds whole sentences."""

    incident: str
    title: str
    service: str
    severity: Severity
    severity_why: str
    status: str
    final: bool = Field(description="False while the incident is open: then it is a draft.")
    summary: tuple[str, ...]
    impact: tuple[str, ...]
    figures: Figures
    timeline: tuple[Event, ...]
    root_cause: RootCause | None
    done: tuple[str, ...]
    canary: tuple[str, ...]
    unproven: tuple[str, ...]
    follow_ups: tuple[str, ...]
