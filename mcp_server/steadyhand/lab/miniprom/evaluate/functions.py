"""Functions of one series' window and of single values, as Prometheus 2.42 computes them."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

EXTRAPOLATION_LIMIT = 1.1
"""A gap to the window's edge below this many average sample distances is extrapolated over."""


class Points(NamedTuple):
    """The samples of one series in a window from `low` to `high` (ms, both included); never empty."""

    times: Sequence[int]
    values: Sequence[float]
    low: int
    high: int


def increase(points: Points) -> float | None:
    """Return a counter's growth over the window, resets included, extrapolated to its edges."""
    return _extrapolated(points, counter=True)


def rate(points: Points) -> float | None:
    """Return a counter's growth per second."""
    growth = increase(points)
    return None if growth is None else growth * 1000 / (points.high - points.low)


def delta(points: Points) -> float | None:
    """Return a gauge's change over the window, extrapolated to its edges."""
    return _extrapolated(points, counter=False)


def irate(points: Points) -> float | None:
    """Return a counter's growth per second between the last two samples."""
    if len(points.values) < 2:  # noqa: PLR2004 - a slope needs two samples
        return None
    before, last = points.values[-2:]
    seconds = (points.times[-1] - points.times[-2]) / 1000
    return (last if last < before else last - before) / seconds


def deriv(points: Points) -> float | None:
    """Return the least-squares slope per second."""
    if len(points.values) < 2:  # noqa: PLR2004 - a slope needs two samples
        return None
    origin = points.times[0]
    seconds = [(time - origin) / 1000 for time in points.times]
    mean_x = math.fsum(seconds) / len(seconds)
    mean_y = mean(points.values)
    covariance = math.fsum((x - mean_x) * (y - mean_y) for x, y in zip(seconds, points.values, strict=True))
    return covariance / math.fsum((x - mean_x) ** 2 for x in seconds)


def changes(points: Points) -> float:
    """Return how often the value changed."""
    return float(sum(_differ(before, after) for before, after in pairwise(points.values)))


def resets(points: Points) -> float:
    """Return how often the value fell."""
    return float(sum(after < before for before, after in pairwise(points.values)))


def smallest(values: Sequence[float]) -> float:
    """Return the minimum; NaN only when nothing else is there."""
    return min((value for value in values if not math.isnan(value)), default=math.nan)


def largest(values: Sequence[float]) -> float:
    """Return the maximum; NaN only when nothing else is there."""
    return max((value for value in values if not math.isnan(value)), default=math.nan)


def total(values: Sequence[float]) -> float:
    """Return the sum; plain addition, so that infinities of both signs give NaN."""
    return sum(values, 0.0)


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean."""
    return total(values) / len(values)


def _extrapolated(points: Points, *, counter: bool) -> float | None:
    values, times = points.values, points.times
    gaps = len(values) - 1
    if gaps < 1:
        return None
    growth = values[-1] - values[0]
    if counter:
        growth += sum(before for before, after in pairwise(values) if after < before)
    sampled = (times[-1] - times[0]) / 1000
    to_start, to_end = (times[0] - points.low) / 1000, (points.high - times[-1]) / 1000
    if counter and growth > 0 and values[0] >= 0:
        to_start = min(to_start, sampled * values[0] / growth)
    step = sampled / gaps
    covered = sampled + sum(
        edge if edge < step * EXTRAPOLATION_LIMIT else step / 2 for edge in (to_start, to_end)
    )
    return growth * covered / sampled


def _differ(before: float, after: float) -> bool:
    return before != after and not (math.isnan(before) and math.isnan(after))


def _floor(value: float) -> float:
    return float(math.floor(value)) if math.isfinite(value) else value


def _ceil(value: float) -> float:
    return float(math.ceil(value)) if math.isfinite(value) else value


OVER_TIME: Mapping[str, Callable[[Points], float | None]] = {
    "rate": rate,
    "increase": increase,
    "delta": delta,
    "irate": irate,
    "deriv": deriv,
    "changes": changes,
    "resets": resets,
    "avg_over_time": lambda points: mean(points.values),
    "min_over_time": lambda points: smallest(points.values),
    "max_over_time": lambda points: largest(points.values),
    "sum_over_time": lambda points: total(points.values),
    "count_over_time": lambda points: float(len(points.values)),
    "last_over_time": lambda points: points.values[-1],
}

ROUNDING: Mapping[str, Callable[[float], float]] = {"abs": abs, "ceil": _ceil, "floor": _floor}

KEEPS_NAME = frozenset({"last_over_time"})
