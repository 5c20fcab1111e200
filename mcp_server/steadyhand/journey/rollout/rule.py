"""The canary section of incident-config.yaml."""

from datetime import timedelta

from pydantic import Field

from steadyhand.journey.rule import Duration, Rule, Share


class CanaryRule(Rule):
    """How much traffic, for how long, and what the judge asks before it moves on."""

    share: Share = Field(default=0.05, gt=0, description="Share of traffic the fix gets first.")
    soak: Duration = Field(
        default=timedelta(seconds=30), description="Watch at least this long before 100 %."
    )
    longest: Duration = Field(
        default=timedelta(seconds=300), description="Watch at most this long, then ask."
    )
    want: Share = Field(
        default=0.5, gt=0, description="Proven better: target ratio canary/control at most this."
    )
    tolerance: float = Field(default=2.0, gt=1, description="Not worse: every guard's ratio at most this.")
    worse_than: float = Field(
        default=1.0, ge=1, description="Worse: a guard's ratio is proven at least this."
    )
    lease: Duration = Field(default=timedelta(seconds=3), description="Traffic is back by itself after this.")
    answer_within: Duration = Field(
        default=timedelta(minutes=5), description="Undecided: a human has this long to answer; then back."
    )
    wider: tuple[Share, ...] = Field(
        default=(0.10, 0.25), description="More share a human may choose when too little is seen."
    )
    no_traffic: Duration = Field(
        default=timedelta(seconds=10), description="No canary request this long: back."
    )
