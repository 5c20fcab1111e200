"""The numbers a plan must bring back."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from steadyhand.journey.recovery.model import Goal, Reading
from steadyhand.journey.rule import Rule


class GoalRule(Rule):
    """One service level of one service, as incident-config.yaml gives it."""

    name: str
    kind: Literal["errors", "latency", "other"] = "other"
    expression: str = Field(
        description="What gives one number, in the words of its source; an error share, or seconds."
    )
    source: str = Field(default="", description="One of connections.metrics; empty: those that speak PromQL.")
    comparison: Literal["<=", ">="] = "<="
    bound: float
    unit: str = ""


def goals(
    rules: Sequence[GoalRule], normal: Sequence[Reading], at_incident: Sequence[Reading]
) -> tuple[Goal, ...]:
    """A goal for each rule, with what was read before the incident and when it hurt.

    A rule without a reading keeps None there: it was not measured, which is not zero.
    """
    before, hurt = _by_name(normal), _by_name(at_incident)
    return tuple(
        Goal(**one.model_dump(), normal=before.get(one.name), at_incident=hurt.get(one.name)) for one in rules
    )


def _by_name(readings: Sequence[Reading]) -> dict[str, float | None]:
    return {one.name: one.value for one in readings}
