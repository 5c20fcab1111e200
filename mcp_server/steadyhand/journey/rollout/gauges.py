"""What the canary may run out of: memory, connections, CPU. Limits, not tests; growth shows a leak early.

A limit is a limit whatever the control does. Growth is the least-squares slope of the canary's own readings;
it counts once it is clear of its own scatter, so that a process that merely warms up is not called a leak.
"""

from collections.abc import Sequence
from datetime import datetime
from math import sqrt

from pydantic import Field

from steadyhand.journey.rule import Instant, Rule, Value

_LEAST_POINTS = 6
_LEAST_SECONDS = 20.0
_CLEAR = 2.0  # standard errors
_KEPT = 120


class GaugeRule(Rule):
    """One thing the fix's arm may run out of, as incident-config.yaml gives it."""

    name: str
    expression: str = Field(description="PromQL that gives the canary arm's number.")
    limit: float = Field(description="More than this: taken back at once.")
    growth: float | None = Field(
        default=None, gt=0, description="Growing faster than this each minute: taken back. None: not asked."
    )
    unit: str = ""


class Gauge(Value):
    """A gauge under watch: its rule, and what was read so far."""

    rule: GaugeRule
    points: tuple[tuple[Instant, float], ...] = ()

    def add(self, at: datetime, value: float | None) -> "Gauge":
        """The same after one more reading; no reading adds nothing."""
        if value is None:
            return self
        return self.model_copy(update={"points": (*self.points, (at, value))[-_KEPT:]})

    @property
    def now(self) -> float | None:
        """The last reading."""
        return self.points[-1][1] if self.points else None

    @property
    def growth(self) -> float | None:
        """The least it grows a minute, two standard errors below the slope; None after too few readings."""
        if len(self.points) < _LEAST_POINTS or self._seconds < _LEAST_SECONDS:
            return None
        slope, error = _line(self.points)
        return 60 * (slope - _CLEAR * error)

    @property
    def trouble(self) -> str:
        """What is wrong with it, in words; empty when nothing is."""
        rule, now, growth = self.rule, self.now, self.growth
        if now is not None and now > rule.limit:
            return f"{rule.name} is {now:.4g} {rule.unit}, over its limit of {rule.limit:.4g}"
        if rule.growth is not None and growth is not None and growth > rule.growth:
            return f"{rule.name} grows by {growth:.3g} {rule.unit} a minute, allowed are {rule.growth:.3g}"
        return ""

    @property
    def _seconds(self) -> float:
        return (self.points[-1][0] - self.points[0][0]).total_seconds()


def trouble_of(gauges: Sequence[Gauge]) -> str:
    """The first trouble among them, in words; empty when there is none."""
    return next((one.trouble for one in gauges if one.trouble), "")


def unread(gauges: Sequence[Gauge]) -> bool:
    """Whether one of them was never read: then nothing may be promoted on its silence."""
    return any(one.now is None for one in gauges)


def _line(points: Sequence[tuple[datetime, float]]) -> tuple[float, float]:
    """Slope a second and its standard error, by least squares."""
    xs = [(at - points[0][0]).total_seconds() for at, _ in points]
    ys = [value for _, value in points]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - x_mean) ** 2 for x in xs)
    slope = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / spread
    rest = sum((y - y_mean - slope * (x - x_mean)) ** 2 for x, y in zip(xs, ys, strict=True))
    return slope, sqrt(rest / (len(xs) - 2) / spread)
