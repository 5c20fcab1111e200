"""histogram_quantile over cumulative buckets."""

import math
from collections.abc import Sequence
from itertools import accumulate

from steadyhand.lab.miniprom.evaluate.operators import divide
from steadyhand.lab.miniprom.evaluate.vector import Sample, Vector
from steadyhand.lab.miniprom.labels import Labels, without

Bucket = tuple[float, float]
"""Upper bound and cumulative count."""


def histogram_quantile(quantile: float, vector: Vector) -> Vector:
    """Return the estimated quantile of each histogram; samples without a readable `le` are left out."""
    histograms: dict[Labels, dict[float, float]] = {}
    for sample in vector:
        bound = _bound(sample.labels)
        if bound is not None:
            counts = histograms.setdefault(without(sample.labels, ("le",)), {})
            counts[bound] = counts.get(bound, 0.0) + sample.value
    return [
        Sample(labels, bucket_quantile(quantile, sorted(counts.items())))
        for labels, counts in histograms.items()
    ]


def bucket_quantile(quantile: float, buckets: Sequence[Bucket]) -> float:
    """Return the quantile by linear interpolation within the bucket it falls into.

    NaN without a +Inf bucket, with fewer than two buckets or without observations; beyond the
    highest finite bound that bound is returned.
    """
    if math.isnan(quantile) or len(buckets) < 2 or buckets[-1][0] != math.inf:  # noqa: PLR2004 - +Inf and one more
        return math.nan
    if not 0 <= quantile <= 1:
        return math.copysign(math.inf, quantile)
    bounds = [bound for bound, _ in buckets]
    counts = list(accumulate((count for _, count in buckets), max))
    if counts[-1] == 0:
        return math.nan
    return _interpolate(quantile * counts[-1], bounds, counts)


def _interpolate(rank: float, bounds: Sequence[float], counts: Sequence[float]) -> float:
    last = len(bounds) - 1
    index = next((i for i, count in enumerate(counts[:last]) if count >= rank), last)
    if index == last:
        return bounds[last - 1]
    if index == 0 and bounds[0] <= 0:
        return bounds[0]
    lower_bound, lower_count = (bounds[index - 1], counts[index - 1]) if index else (0.0, 0.0)
    share = divide(rank - lower_count, counts[index] - lower_count)
    return lower_bound + (bounds[index] - lower_bound) * share


def _bound(labels: Labels) -> float | None:
    try:
        return float(dict(labels).get("le", ""))
    except ValueError:
        return None
