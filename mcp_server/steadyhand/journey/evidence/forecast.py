"""When a signal that climbs will reach its limit, with an interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from statistics import median

from steadyhand.journey.evidence.signal import Signal

_CELLS = 40
_FEWEST = 12
_SIGMAS = 3.0
_REACHED = 0.98
_STILL = 0.4  # of the whole slope: a climb that slowed down that much has ended
_LONGEST_MIN = 12 * 60.0
_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """Change per minute, and in how many minutes the limit is reached: likely, soonest, latest."""

    per_min: float
    minutes: float
    soonest: float
    latest: float


def forecast(signal: Signal, since: float) -> Forecast | None:
    """What the samples from `since` (unix seconds) on promise; None without a limit or a lasting trend.

    Slope: the median of all slopes between pairs of cells, with its interval from the ranks (Sen 1968).
    The trend must be sure in the whole and still go on in its second half. At most twelve hours ahead.
    """
    limit = bound(signal)
    cells = _cells(signal, since)
    if limit is None or len(cells) < _FEWEST:
        return None
    toward = 1.0 if limit > cells[-1][1] else -1.0
    points = [(at / _MINUTE, toward * value) for at, value in cells]
    low, slope, high = _slopes(points)
    late = _slopes(points[len(points) // 2 :])
    if low <= 0 or late[0] <= 0 or late[1] < _STILL * slope:
        return None
    left = toward * limit - _level(points, slope)
    if left <= 0 or (limit and cells[-1][1] / limit > _REACHED) or left / slope > _LONGEST_MIN:
        return None
    return Forecast(toward * slope, left / slope, left / high, left / low)


def bound(signal: Signal) -> float | None:
    """The limit of a signal: another series', what its name declares, or nothing left of what is scarce."""
    if signal.limit:
        return signal.limit
    if signal.role == "resource" and signal.bad == "down":
        return 0.0
    declared = {"share": 1.0, "percent": 100.0, "pct": 100.0, "ratio": 1.0}
    names = {signal.unit, signal.metric.rsplit("_", 1)[-1]} & declared.keys()
    highest = max(signal.values, default=0.0)
    if signal.role not in {"saturation", "resource"} or not names:
        return None
    return next((declared[one] for one in sorted(names) if highest <= declared[one]), None)


def _cells(signal: Signal, since: float) -> list[tuple[float, float]]:
    """Medians of up to forty equal parts: noise and its memory from sample to sample are mostly gone."""
    pairs = [one for one in zip(signal.times, signal.values, strict=True) if one[0] >= since]
    width = max(1, -(-len(pairs) // _CELLS))
    parts = [pairs[index : index + width] for index in range(0, len(pairs) - width + 1, width)]
    return [(median(at for at, _ in part), median(value for _, value in part)) for part in parts]


def _slopes(points: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Lower end, median and upper end of the slope."""
    found = sorted(
        (later[1] - one[1]) / (later[0] - one[0])
        for index, one in enumerate(points)
        for later in points[index + 1 :]
    )
    size = len(points)
    if not found or not all(map(isfinite, (found[0], found[-1]))):
        return 0.0, 0.0, 0.0
    off = _SIGMAS * sqrt(size * (size - 1) * (2 * size + 5) / 18)
    low = max(0, int((len(found) - off) / 2))
    high = min(len(found) - 1, int((len(found) + off) / 2) + 1)
    return found[low], median(found), found[high]


def _level(points: Sequence[tuple[float, float]], slope: float) -> float:
    """Where the line stands at the last point."""
    last = points[-1][0]
    return median(value + slope * (last - at) for at, value in points[len(points) // 2 :])
