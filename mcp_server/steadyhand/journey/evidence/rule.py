"""The evidence section of incident-config.yaml, and the windows that follow from it."""

from datetime import datetime, timedelta

from pydantic import Field

from steadyhand.journey.evidence.model import Window
from steadyhand.journey.rule import Duration, Rule


class EvidenceRule(Rule):
    """How far back to look, what counts as calm, and how much a page may hold."""

    lookback: Duration = Field(
        default=timedelta(minutes=15), description="Look back this long before the alert."
    )
    calm_share: float = Field(
        default=0.4, gt=0, lt=1, description="This first share of the look-back is taken as normal."
    )
    calm_min: Duration = Field(
        default=timedelta(seconds=25), description="Never judge by less calm than this."
    )
    settle: Duration = Field(
        default=timedelta(seconds=5), description="A restart may move signals until this long after its end."
    )
    sigmas: float = Field(
        default=5.0, ge=3, description="How far from normal a signal must go, in robust sigmas."
    )
    max_analysed: int = Field(
        default=200,
        ge=20,
        description="Signals looked at closely; all are screened, the worst of each service go first.",
    )
    same_phase: tuple[Duration, ...] = Field(
        default=(timedelta(days=1), timedelta(days=7)),
        max_length=4,
        description="What moved like this so long ago too, at the same hour, is usual. Empty: do not ask.",
    )
    max_traces: int = Field(
        default=200, ge=10, le=1_000, description="Traces read of the calm part, and as many since."
    )
    max_items: int = Field(default=24, ge=8, le=60, description="Items a page holds.")
    max_charts: int = Field(default=8, ge=1, le=20)
    max_templates: int = Field(
        default=5_000,
        ge=100,
        description="Distinct log messages kept; further ones are counted as unclustered.",
    )


def windows(
    first_alert: datetime, now: datetime, rule: EvidenceRule, oldest: datetime | None = None
) -> tuple[Window, Window]:
    """The window to look at and the calm part of it.

    `oldest` is the first instant with data, where that is later than the look-back: then the calm
    part is that share of what there is, and at least `calm_min`.
    """
    start = first_alert - rule.lookback
    if oldest is not None and start < oldest < first_alert:
        start = oldest
    calm = max(rule.calm_min, (first_alert - start) * rule.calm_share)
    return Window(start=start, end=now), Window(start=start, end=min(start + calm, now))
