"""The canary's ratio over time as a drawing: points of an SVG, so that it needs no script."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

from steadyhand.journey.rollout.rule import CanaryRule
from steadyhand.journey.rollout.state import Sample

WIDTH, HEIGHT = 400, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 10, 22
_LEAST, _MOST = 1 / 16, 16.0
_TICKS = (1 / 16, 1 / 4, 1.0, 4.0, 16.0)
_POINTS = 120
_SHOWN = 0.1  # below it a fraction is easier to read
_SHORTEST_S = 30.0


@dataclass(frozen=True, slots=True)
class Line:
    """A horizontal line with its name."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything an interval chart consists of, in the units of its view box."""

    band: str
    line: str
    ticks: tuple[Line, ...]
    want: float
    same: float
    seconds: int
    words: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    bottom: int = HEIGHT - _BOTTOM


def draw(history: Sequence[Sample], rule: CanaryRule) -> Drawing | None:
    """The ratio with its 95 % interval on a logarithmic scale; None before the first ratio."""
    known = [one for one in history if one.lo is not None]
    if not known:
        return None
    shown = _thinned(known)
    first = shown[0].at
    seconds = [(one.at - first).total_seconds() for one in shown]
    longest = max(seconds[-1], _SHORTEST_S)
    xs = [_LEFT + (WIDTH - _LEFT - _RIGHT) * at / longest for at in seconds]
    upper = [(x, _y(one.hi)) for x, one in zip(xs, shown, strict=True)]
    lower = [(x, _y(one.lo)) for x, one in zip(xs, shown, strict=True)]
    ratio = [(x, _y(one.ratio)) for x, one in zip(xs, shown, strict=True) if one.ratio is not None]
    return Drawing(
        band=_points([*upper, *reversed(lower)]),
        line=_points(ratio),
        ticks=tuple(Line(_y(tick), f"{tick:.2g}x" if tick >= _SHOWN else "1/16x") for tick in _TICKS),
        want=_y(rule.want),
        same=_y(1.0),
        seconds=round(longest),
        words=_words(known[-1]),
    )


def _thinned(history: Sequence[Sample]) -> list[Sample]:
    """At most about 120 of them, the last one always."""
    step = -(-len(history) // _POINTS)
    return [*history[:-1:step], history[-1]]


def _y(ratio: float | None) -> float:
    """Where a ratio lies; what is open or beyond the scale lies on its edge."""
    bounded = _MOST if ratio is None else min(max(ratio, _LEAST), _MOST)
    share = (log2(bounded) - log2(_LEAST)) / (log2(_MOST) - log2(_LEAST))
    return round(HEIGHT - _BOTTOM - (HEIGHT - _BOTTOM - _TOP) * share, 1)


def _points(pairs: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pairs)


def _words(last: Sample) -> str:
    ratio = "not known" if last.ratio is None else f"{last.ratio:.2f}"
    upper = "open" if last.hi is None else f"{last.hi:.2f}"
    lower = 0.0 if last.lo is None else last.lo
    return f"Ratio of the canary to the control: {ratio}, 95 % interval {lower:.2f} to {upper}"
