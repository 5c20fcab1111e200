"""Percentiles from cumulative bucket counts, as Prometheus computes them."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from math import inf
from statistics import median

from steadyhand.journey.evidence.grid import Grid, Track, is_whole, trailing_sum

SPANS = (5.0, 15.0, 30.0, 60.0)
FEWEST = 10.0
_ENOUGH = 20.0


def quantile(share: float, bounds: Sequence[float], counts: Sequence[float]) -> float | None:
    """The value below which `share` of the observations lie; None without observations.

    `bounds` ascend and end with infinity, `counts` are cumulative. Linear within a bucket; beyond the
    last finite bound that bound is the answer. Source: Prometheus, `histogram_quantile`.
    """
    if len(bounds) < 2 or counts[-1] <= 0:  # noqa: PLR2004 - one bucket has no width
        return None
    wanted = share * counts[-1]
    at = bisect_left(counts, wanted)
    low, below = (bounds[at - 1], counts[at - 1]) if at else (0.0, 0.0)
    high, inside = bounds[at], counts[at] - below
    if high == inf:
        return low
    return low + (high - low) * ((wanted - below) / inside) if inside > 0 else high


def steps_for(answers: Track, grid: Grid) -> int:
    """The fewest steps that usually hold enough answers for a percentile; at most a minute's."""
    for span in SPANS:
        sums = [one for one in trailing_sum(answers, grid.steps(span)) if one is not None]
        if sums and median(sums) >= _ENOUGH:
            return grid.steps(span)
    return grid.steps(SPANS[-1])


def percentile(share: float, buckets: Mapping[float, Track], grid: Grid) -> tuple[Track, float]:
    """A percentile at every step over a trailing span, and that span in seconds.

    None where fewer than ten answers were seen: a p95 of three requests is no evidence.
    """
    bounds = sorted(buckets)
    steps = steps_for(buckets[bounds[-1]], grid)
    sums = [_filled(trailing_sum(buckets[bound], steps)) for bound in bounds]
    out = [
        quantile(share, bounds, counts) if counts[-1] >= FEWEST else None
        for counts in zip(*sums, strict=True)
    ]
    return tuple(out), steps * grid.step


def _filled(track: Track) -> Sequence[float]:
    return track if is_whole(track) else [one or 0.0 for one in track]


def ratio(parts: Track, wholes: Track, grid: Grid) -> tuple[Track, Track, float]:
    """Part over whole at every step over a trailing span, the whole, and that span in seconds.

    None where the whole is less than ten.
    """
    steps = steps_for(wholes, grid)
    summed = trailing_sum(wholes, steps)
    out = [
        (part or 0.0) / whole if whole is not None and whole >= FEWEST else None
        for part, whole in zip(trailing_sum(parts, steps), summed, strict=True)
    ]
    return tuple(out), summed, steps * grid.step
