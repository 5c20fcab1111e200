"""What users feel of an alert, by the goals of its service: measured, not said."""

from collections.abc import Sequence

from pydantic import Field

from steadyhand.journey.recovery.criteria import assess
from steadyhand.journey.recovery.model import Goal, Reading
from steadyhand.journey.rule import Share, Value


class Impact(Value):
    """The service's goals at one instant. What was not measured is None or missing, which is never health."""

    failed: Share | None = Field(default=None, description="The greatest measured share of failed answers.")
    slow: float | None = Field(default=None, description="The worst latency, in multiples of its bound.")
    missed: tuple[str, ...] = Field(default=(), description="Goals that were measured and are not met.")
    complete: bool = Field(default=False, description="There are goals, and each of them has a number.")

    @property
    def words(self) -> str:
        """The measurement in a few words; empty where nothing was measured."""
        parts = (
            "" if self.failed is None else f"{self.failed:.2g} of answers fail",
            "" if self.slow is None else f"latency is {self.slow:.2g} times its bound",
            f"missed: {', '.join(self.missed)}" if self.missed else "",
            "every goal is met" if self.complete and not self.missed else "",
        )
        return "; ".join(one for one in parts if one)


def impact(goals: Sequence[Goal], readings: Sequence[Reading]) -> Impact:
    """How the readings stand against the goals. A share beyond 1 is taken for 1."""
    values = {one.name: one.value for one in readings if one.value is not None}
    read = [(one, values[one.name]) for one in goals if one.name in values]
    failed = [min(max(value, 0.0), 1.0) for goal, value in read if goal.kind == "errors"]
    slow = [value / goal.bound for goal, value in read if goal.kind == "latency" and goal.bound > 0]
    return Impact(
        failed=max(failed, default=None),
        slow=max(slow, default=None),
        missed=assess(goals, readings).missed,
        complete=bool(goals) and len(read) == len(goals),
    )
