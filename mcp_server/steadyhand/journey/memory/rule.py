"""The memory section of incident-config.yaml."""

from datetime import timedelta

from pydantic import Field

from steadyhand.journey.rule import Duration, Rule, Share


class MemoryRule(Rule):
    """How long closed incidents are remembered, and how much an old one still counts."""

    keep: Duration = Field(default=timedelta(days=730), description="Then a case is forgotten; 0s: never.")
    half_life: Duration = Field(
        default=timedelta(days=180), description="A case this old counts half as much.", gt=timedelta()
    )
    least: Share = Field(default=0.3, description="A case less similar than this is not shown.")
    most: int = Field(default=5, ge=1, le=20, description="Show at most this many.")
    recalibrate_from: int = Field(
        default=30, ge=30, description="Judged outcomes of like confidence before confidence follows them."
    )
