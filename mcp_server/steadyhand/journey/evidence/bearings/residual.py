"""What of an entity's symptoms its callees and its load do not explain (after CIRCA, KDD 2022)."""

from collections.abc import Sequence
from statistics import fmean

from steadyhand.journey.evidence.bearings.observed import Gauge
from steadyhand.journey.evidence.bearings.strength import calm_range

_MOST_PARENTS = 4
_FEWEST = 20
_RIDGE = 1e-3
Row = list[float]


def unexplained_by(gauge: Gauge, parents: Sequence[Gauge]) -> Gauge:
    """The gauge less what a least-squares fit over calm makes of its parents; itself without enough data.

    All gauges must come from one table: equal positions are equal instants.
    """
    fit = [_Scaled(one) for one in parents if _alike(gauge, one)][:_MOST_PARENTS]
    known = [at for at, value in enumerate(gauge.calm) if value is not None]
    if not fit or len(known) < _FEWEST:
        return gauge
    middle = fmean(_values(gauge.calm))
    rows = [[one.of(one.gauge.calm[at]) for one in fit] for at in known]
    weights = _solved(rows, [one - middle for one in _values(gauge.calm)])
    calm = (value - middle - _dot(weights, row) for value, row in zip(_values(gauge.calm), rows, strict=True))
    since = (
        None
        if value is None
        else value - middle - _dot(weights, [one.of(one.gauge.since[at]) for one in fit])
        for at, value in enumerate(gauge.since)
    )
    return Gauge(gauge.entity, gauge.kind, tuple(calm), tuple(since), gauge.other, recent=gauge.recent)


def _values(samples: Sequence[float | None]) -> list[float]:
    return [one for one in samples if one is not None]


def _alike(one: Gauge, other: Gauge) -> bool:
    return len(one.calm) == len(other.calm) and len(one.since) == len(other.since)


class _Scaled:
    """A parent in units of its calm scale, so that one ridge suits all; a missing sample is its mean."""

    def __init__(self, gauge: Gauge) -> None:
        self.gauge = gauge
        _, self._scale = calm_range(gauge.calm) or (0.0, 1.0)
        self._middle = fmean(_values(gauge.calm) or [0.0])

    def of(self, value: float | None) -> float:
        return 0.0 if value is None else (value - self._middle) / self._scale


def _dot(weights: Row, row: Row) -> float:
    return sum(one * other for one, other in zip(weights, row, strict=True))


def _solved(rows: list[Row], wanted: Row) -> Row:
    """Ridge regression by its normal equations and Gaussian elimination."""
    size = len(rows[0])
    left = [
        [sum(row[i] * row[j] for row in rows) + (_RIDGE * len(rows) if i == j else 0.0) for j in range(size)]
        for i in range(size)
    ]
    right = [sum(row[i] * value for row, value in zip(rows, wanted, strict=True)) for i in range(size)]
    for i in range(size):
        for k in range(i + 1, size):
            share = left[k][i] / left[i][i]
            left[k] = [one - share * other for one, other in zip(left[k], left[i], strict=True)]
            right[k] -= share * right[i]
    out = [0.0] * size
    for i in reversed(range(size)):
        out[i] = (right[i] - sum(left[i][j] * out[j] for j in range(i + 1, size))) / left[i][i]
    return out
