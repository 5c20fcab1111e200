"""The numbers that hurt, and what they must come back to."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from steadyhand.journey.rule import Duration, Rule, Share, Value


class Goal(Value):
    """One measured number with the bound it must be on the right side of."""

    name: str
    kind: Literal["errors", "latency", "other"] = "other"
    expression: str = Field(
        description="What gives one number, in the words of its source; an error share, or seconds."
    )
    source: str = Field(default="", description="One of connections.metrics; empty: those that speak PromQL.")
    comparison: Literal["<=", ">="] = "<="
    bound: float
    unit: str = ""
    normal: float | None = Field(default=None, description="What it was before the incident.")
    at_incident: float | None = Field(default=None, description="What it was when it hurt.")


class Reading(Value):
    """A goal read at one instant; None means there was no sample, which is never success."""

    name: str
    value: float | None


class RecoveryRule(Rule):
    """When a fix counts as a success."""

    hold: Duration = Field(
        default=timedelta(seconds=10), description="All goals must hold this long without a break."
    )
    patience: Duration = Field(
        default=timedelta(seconds=90), description="Not recovered by then: take it back."
    )
    baseline: Share = Field(
        default=0.5,
        description="Recovered: at most this far from the value before the incident towards the bound.",
    )
    least_samples: int = Field(default=5, ge=1, description="Looks in a row at which all had recovered.")
    least_requests: int = Field(
        default=50, ge=0, description="Answers of the fix, with all traffic, before it counts as verified."
    )
    relapse: Duration = Field(default=timedelta(minutes=10), description="Bad again within this reopens.")
