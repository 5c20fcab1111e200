"""When a signal first bent: a step in its level, or the start of a slope."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from math import sqrt
from statistics import fmean
from typing import Literal

from steadyhand.journey.evidence.model import Onset

Shape = Literal["step", "ramp"]
_RISEN = 0.6
_JUMP = 0.5  # of the way up
_FAR = 6.0  # times what is left beside a step: counts jump by chance
_TOP = 0.8
_EARLY = 0.75
_LATE = 0.35
_RISING = 0.2
_RAMP_STEPS = 6
_BETTER = 0.8
_FAR_BETTER = 0.6
_CONFIDENCE = 4.0
_SURELY = 3.0
_LONGEST_FIT = 2_000
_COARSE_S = 2.0


@dataclass(frozen=True, slots=True)
class Bend:
    """Index of the first sample away from normal, the indexes it must lie between, and how it left."""

    index: int
    lo: int
    hi: int
    shape: Shape


def _step_gains(excess: Sequence[float]) -> list[float]:
    """For each k how much squared error a level change at k explains."""
    size = len(excess)
    sums = list(accumulate(reversed(excess)))[::-1]
    return [max(total, 0.0) ** 2 / (size - k) for k, total in enumerate(sums)]


def _ramp_gains(excess: Sequence[float]) -> list[float]:
    """For each k how much squared error a straight rise from zero at k explains."""
    size = len(excess)
    gains = [0.0] * size
    total = weighted = 0.0
    for k in range(size - 2, -1, -1):
        total += excess[k + 1]
        weighted += total
        length = size - 1 - k
        squares = length * (length + 1) * (2 * length + 1) / 6
        gains[k] = max(weighted, 0.0) ** 2 / squares
    return gains


def _interval(gains: Sequence[float], best: int, noise: float) -> tuple[int, int]:
    """The neighbours of `best` that explain the samples almost as well: a likelihood interval of 2 sigma."""
    enough = gains[best] - _CONFIDENCE * noise
    lo = hi = best
    while lo > 0 and gains[lo - 1] >= enough:
        lo -= 1
    while hi + 1 < len(gains) and gains[hi + 1] >= enough:
        hi += 1
    return lo, hi


def bend(fine: Sequence[float], smooth: Sequence[float], crossing: int, end: int, smoothing: int) -> Bend:
    """Where a signal left normal.

    Both series are value minus normal, positive in the direction of trouble: `smooth` a trailing mean
    over `smoothing` samples in which `crossing` is the first sample surely away and `end` the last,
    `fine` the least smoothed there is (the same one where there is no finer).

    Two-segment least squares with the first level known: the better of a step and a hinge over the calm
    and the rise; the rise ends at 60 % of the way up. Where only smoothed values exist, a step has become
    a slope: it is dated at its foot and still called a step.
    """
    peak = sorted(smooth[crossing : end + 1])[int(_TOP * (end - crossing))]
    risen = next((i for i in range(crossing, end + 1) if smooth[i] >= _RISEN * peak), crossing)
    first, last = max(0, crossing - _LONGEST_FIT), min(end, risen + 2)
    part = [min(one, peak) for one in fine[first : last + 1]]
    squares = sum(one * one for one in part)
    steps, ramps = _step_gains(part), _ramp_gains(part)
    step_at = max(range(len(part)), key=steps.__getitem__)
    ramp_at = max(range(len(part)), key=ramps.__getitem__)
    rest_step, rest_ramp = squares - steps[step_at], squares - ramps[ramp_at]
    jumps = _jumps(part, step_at, max(_JUMP * peak, _FAR * sqrt(rest_step / len(part))))
    slow = not jumps and _climbs(smooth, first + ramp_at, end, peak, smoothing)
    climbs = slow and rest_step > _FAR_BETTER * rest_ramp
    slopes = climbs or (not jumps and rest_ramp < _BETTER * rest_step)
    gains, best = (ramps, ramp_at) if slopes else (steps, step_at)
    noise = max(squares - gains[best], 0.0) / max(1, len(part) - 2)
    lo, hi = (first + one for one in _interval(gains, best, noise))
    if climbs:
        hi = max(hi, first + _last_normal(part, best, risen - first))
        return Bend(first + best, max(0, lo - smoothing // 2), hi, "ramp")
    if smoothing > 1 and fine is smooth:
        foot = _foot(smooth, crossing, peak)
        return Bend(foot, _earliest(smooth, foot, smoothing), crossing, "step")
    if slopes:
        return Bend(first + best + 1, lo, max(hi, first + best + 1), "step")
    return Bend(first + best, max(0, lo - 1), hi, "step")


def _jumps(part: Sequence[float], at: int, least: float) -> bool:
    """Whether most of the way up is one jump here, as where a calm that swings is left on its way up."""
    return at > 0 and part[at] - part[at - 1] > least


def _last_normal(part: Sequence[float], best: int, risen: int) -> int:
    """The last sample of a climb that calm noise alone could have made; `best` if there is none.

    A straight line fitted to a climb that grows faster and faster begins too early, and is sure of it.
    """
    calm = sorted(abs(one) for one in part[: max(best, 1)])
    noise = _SURELY * 1.4826 * calm[len(calm) // 2]
    return max((k for k in range(best, risen + 1) if part[k] <= noise), default=best)


def _foot(smooth: Sequence[float], crossing: int, peak: float) -> int:
    """The first sample of the rise: back from the crossing while a fifth of the way up is exceeded."""
    foot = crossing
    while foot > 0 and smooth[foot - 1] > _RISING * peak:
        foot -= 1
    return foot


def _earliest(smooth: Sequence[float], foot: int, smoothing: int) -> int:
    """The sample before anything of the rise was seen, at most one smoothing span before its foot."""
    lo = max(0, foot - 1)
    while lo > max(0, foot - smoothing) and smooth[lo] > 0:
        lo -= 1
    return lo


def _climbs(smooth: Sequence[float], start: int, end: int, peak: float, smoothing: int) -> bool:
    """Whether it took its time to the top from `start`.

    A third of the way it was still well below, on the way well above normal (a calm that swings may
    seem to begin what is a step), and, where smoothing has taken the noise away, it did
    rise from the start and not only later.
    """
    top = next((i for i in range(start, end + 1) if smooth[i] >= _TOP * peak), end)
    rise = top - start
    if rise < _RAMP_STEPS + smoothing:
        return False
    if smoothing > 1 and _foot(smooth, top, peak) - start > _LATE * rise + smoothing / 2:
        return False
    third = sorted(smooth[start + rise // 3 - 1 : start + rise // 3 + 2])
    middle = smooth[start + rise // 3 : start + 2 * rise // 3 + 1]
    return third[1] < _EARLY * _TOP * peak and fmean(middle) > _RISING * peak


def onset_between(times: Sequence[float], found: Bend, *, counts: bool = False) -> Onset:
    """The bend as instants.

    A step happened between two samples: where these lie far apart, the middle between them is off by a
    quarter of their distance on average, the later one by half. Of `counts`, each instant is the
    beginning of what was counted, and a step lies in its first high count.
    """
    at, lo, hi = (_instant(times[index]) for index in (found.index, found.lo, min(found.hi, len(times) - 1)))
    before = times[max(0, found.index - 1)]
    if not counts and found.shape == "step" and times[found.index] - before > _COARSE_S:
        at = _instant((before + times[found.index]) / 2)
    return Onset(at=at, lo=min(lo, at), hi=max(hi, at))


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
