"""Prometheus' native histograms as classic ones: cumulative buckets with `le`, a count and a sum.

Their buckets are as fine as the values asked for, so that percentiles read from them are as good.
Source: the HTTP API of Prometheus, "Native histograms".
"""

import math
from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel

from steadyhand.journey.evidence.model import Series

_SAME = 1e-9
_WHOLE = 1e-6


class NativeHistogram(BaseModel):
    """One sample. A bucket: which ends belong to it, left, right, and its own count."""

    count: float
    sum: float
    buckets: list[tuple[int, float, float, float]] = []


Sample = tuple[float, NativeHistogram]


def classic(name: str, labels: Mapping[str, str], samples: Sequence[Sample]) -> Iterator[Series]:
    """The series a classic histogram of the same name would have had."""
    times = tuple(at for at, _ in samples)
    yield Series(
        name=f"{name}_count", labels=dict(labels), times=times, values=tuple(one.count for _, one in samples)
    )
    yield Series(
        name=f"{name}_sum", labels=dict(labels), times=times, values=tuple(one.sum for _, one in samples)
    )
    bounds = _bounds([one for _, one in samples])
    rows = [_cumulative(one, bounds) for _, one in samples]
    for bound, values in zip(bounds, zip(*rows, strict=True), strict=True):
        le = "+Inf" if math.isinf(bound) else f"{bound:g}" if f"{bound:g}" == repr(bound) else repr(bound)
        yield Series(name=f"{name}_bucket", labels={**labels, "le": le}, times=times, values=values)


def _bounds(samples: Sequence[NativeHistogram]) -> list[float]:
    """The right ends all samples share, ascending, infinity last.

    A server may halve the resolution on the way. Then only the ends of the coarser buckets are known of
    all samples: a finer one would seem to fall back there, as a counter does in a restart.
    """
    ends = {right for one in samples for _, _, right, count in one.buckets if count and math.isfinite(right)}
    growths = [growth for one in samples if (growth := _growth(one))]
    coarsest = max(growths, default=0.0)
    if coarsest and min(growths) < coarsest * (1 - _SAME):
        ends = {one for one in ends if one <= 0 or _is_power(one, coarsest)}
    return [*sorted(ends), math.inf]


def _growth(sample: NativeHistogram) -> float:
    """By how much each bucket's end is above the one before; 0 where the buckets are not exponential."""
    found = [right / left for _, left, right, _ in sample.buckets if left > 0 and math.isfinite(right)]
    if not found or max(found) > min(found) * (1 + _WHOLE):
        return 0.0
    return found[0]


def _is_power(end: float, growth: float) -> bool:
    power = math.log(end) / math.log(growth)
    return abs(power - round(power)) < _WHOLE * max(1.0, abs(power))


def _cumulative(sample: NativeHistogram, bounds: Sequence[float]) -> list[float]:
    """How many observations lie at or below each bound."""
    left = sorted(((right, count) for _, _, right, count in sample.buckets), reverse=True)
    below, out = 0.0, []
    for bound in bounds:
        while left and left[-1][0] <= bound * (1 + _SAME if bound > 0 else 1 - _SAME):
            below += left.pop()[1]
        out.append(sample.count if math.isinf(bound) else below)
    return out
