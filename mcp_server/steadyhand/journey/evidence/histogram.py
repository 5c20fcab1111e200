"""Percentiles from cumulative bucket counts, as Prometheus computes them."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median

from steadyhand.journey.evidence.counters import Gains
from steadyhand.journey.evidence.grid import Grid, Track, is_whole

SPANS = (5.0, 15.0, 30.0, 60.0)
FEWEST = 10.0
_ENOUGH = 20.0


def quantiles(
    share: float, bounds: Sequence[float], rows: Iterable[Sequence[float]]
) -> Iterator[float | None]:
    """Of each row of bucket counts the value below which `share` of its observations lie.

    None with fewer than ten observations. `bounds` ascend and end with infinity, counts are
    cumulative. Linear within a bucket; beyond the last finite bound that bound is the answer.
    Source: Prometheus, `histogram_quantile`.
    """
    lows, last = (0.0, *bounds), len(bounds) - 1
    for counts in rows:
        if (answers := counts[last]) < FEWEST or not last:  # one bucket has no width
            yield None
            continue
        wanted = share * answers
        at = bisect_left(counts, wanted, 0, last)
        below = counts[at - 1] if at else 0.0
        low, inside = lows[at], counts[at] - below
        if at == last:
            yield low
        else:
            yield low + (bounds[at] - low) * ((wanted - below) / inside) if inside > 0 else bounds[at]


def steps_for(answers: Gains, grid: Grid) -> int:
    """The fewest steps that usually hold enough answers for a percentile; at most a minute's."""
    for span in SPANS:
        sums = [one for one in answers.over(grid.steps(span)) if one is not None]
        if sums and median(sums) >= _ENOUGH:
            return grid.steps(span)
    return grid.steps(SPANS[-1])


def percentile(share: float, buckets: Mapping[float, Gains], grid: Grid) -> tuple[Track, float]:
    """A percentile at every step over a trailing span, and that span in seconds.

    None where fewer than ten answers were seen: a p95 of three requests is no evidence.
    """
    bounds = sorted(buckets)
    steps = steps_for(buckets[bounds[-1]], grid)
    sums = [_filled(buckets[bound].over(steps)) for bound in bounds]
    return tuple(quantiles(share, bounds, zip(*sums, strict=True))), steps * grid.step


def _filled(track: Track) -> Sequence[float]:
    if is_whole(later := track[1:]):
        return (track[0] or 0.0, *later)
    return [one or 0.0 for one in track]


def ratio(parts: Gains, wholes: Gains, grid: Grid) -> tuple[Track, Track, float]:
    """Part over whole at every step over a trailing span, the whole, and that span in seconds.

    None where the whole is less than ten.
    """
    steps = steps_for(wholes, grid)
    summed = wholes.over(steps)
    out = [
        (part or 0.0) / whole if whole is not None and whole >= FEWEST else None
        for part, whole in zip(parts.over(steps), summed, strict=True)
    ]
    return tuple(out), summed, steps * grid.step
