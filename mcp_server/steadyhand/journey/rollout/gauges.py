"""What the canary may run out of: memory, connections, CPU. Limits, not tests; growth shows a leak early.

A limit is a limit whatever the control does. Growth is the least-squares slope of the canary's readings; it
counts once it is clear of its own scatter, so that a process that merely warms up is not called a leak. Where
the control can be read too, only what the canary grows faster than the control counts: traffic that rises for
both, or a cache that both fill, is no leak of the fix.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import hypot, sqrt

from pydantic import Field, model_validator

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
    control: str = Field(
        default="",
        description="PromQL of the control's number: growth is then only what the canary grows faster.",
    )
    unit: str = ""

    @model_validator(mode="after")
    def _compares_what_is_asked(self) -> "GaugeRule":
        if self.control and self.growth is None:
            raise ValueError("control is for growth: give growth too")
        return self

    @property
    def of_control(self) -> "GaugeRule | None":
        """The same number of the control arm, where it is asked for."""
        named = {"name": f"{self.name} of the control", "expression": self.control, "control": ""}
        return self.model_copy(update=named) if self.control else None


Points = tuple[tuple[Instant, float], ...]


class Gauge(Value):
    """A gauge under watch: its rule, and what was read so far."""

    rule: GaugeRule
    points: Points = ()
    control: Points = Field(default=(), description="The same of the control arm, where it is asked for.")

    def read(self, at: datetime, values: Mapping[str, float | None]) -> "Gauge":
        """The same after one more look, which gave these numbers by name; no number adds nothing."""
        beside = self.rule.of_control
        control = values.get(beside.name) if beside else None
        return self.model_copy(
            update={
                "points": _more(self.points, at, values.get(self.rule.name)),
                "control": _more(self.control, at, control),
            }
        )

    @property
    def now(self) -> float | None:
        """The last reading."""
        return self.points[-1][1] if self.points else None

    @property
    def is_unread(self) -> bool:
        """Whether it, or what it is compared with, never gave a number."""
        return not self.points or (bool(self.rule.control) and not self.control)

    @property
    def growth(self) -> float | None:
        """The least it grows a minute (beside the control, if that is read); None after too few readings.

        Least: two standard errors below the slope, or below the difference of both slopes.
        """
        lines = [self.points, *([self.control] if self.rule.control else [])]
        if not all(_tells_growth(one) for one in lines):
            return None
        (slope, error), *beside = map(_line, lines)
        for control_slope, control_error in beside:
            slope, error = slope - control_slope, hypot(error, control_error)
        return 60 * (slope - _CLEAR * error)

    @property
    def trouble(self) -> str:
        """What is wrong with it, in words; empty when nothing is."""
        rule, now, growth = self.rule, self.now, self.growth
        if now is not None and now > rule.limit:
            return f"{rule.name} is {now:.4g} {rule.unit}, over its limit of {rule.limit:.4g}"
        if rule.growth is not None and growth is not None and growth > rule.growth:
            more = " more than the control's" if rule.control else ""
            grown = f"{growth:.3g} {rule.unit} a minute{more}"
            return f"{rule.name} grows by {grown}, allowed are {rule.growth:.3g}"
        return ""


def trouble_of(gauges: Sequence[Gauge]) -> str:
    """The first trouble among them, in words; empty when there is none."""
    return next((one.trouble for one in gauges if one.trouble), "")


def unread(gauges: Sequence[Gauge]) -> bool:
    """Whether one of them was never read: then nothing may be promoted on its silence."""
    return any(one.is_unread for one in gauges)


def _more(points: Points, at: datetime, value: float | None) -> Points:
    return points if value is None else (*points, (at, value))[-_KEPT:]


def _tells_growth(points: Points) -> bool:
    enough = len(points) >= _LEAST_POINTS
    return enough and (points[-1][0] - points[0][0]).total_seconds() >= _LEAST_SECONDS


def _line(points: Sequence[tuple[datetime, float]]) -> tuple[float, float]:
    """Slope a second and its standard error, by least squares."""
    xs = [(at - points[0][0]).total_seconds() for at, _ in points]
    ys = [value for _, value in points]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - x_mean) ** 2 for x in xs)
    slope = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / spread
    rest = sum((y - y_mean - slope * (x - x_mean)) ** 2 for x, y in zip(xs, ys, strict=True))
    return slope, sqrt(rest / (len(xs) - 2) / spread)
