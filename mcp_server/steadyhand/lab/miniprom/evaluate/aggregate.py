"""Aggregation of an instant vector by groups of labels."""

import heapq
import math
from collections.abc import Callable, Mapping, Sequence

from steadyhand.lab.miniprom.evaluate.functions import largest, mean, smallest, total
from steadyhand.lab.miniprom.evaluate.plan import EvaluationError
from steadyhand.lab.miniprom.evaluate.vector import Sample, Vector
from steadyhand.lab.miniprom.labels import Labels, only, without

AGGREGATIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": total,
    "avg": mean,
    "max": largest,
    "min": smallest,
    "count": lambda values: float(len(values)),
}


def aggregate(operator: str, vector: Vector, labels: Sequence[str], *, drop: bool) -> Vector:
    """Return one sample per group: by the labels, or with `drop` by all the others."""
    combine = AGGREGATIONS[operator]
    return [
        Sample(group, combine([sample.value for sample in members]))
        for group, members in _groups(vector, labels, drop=drop).items()
    ]


def topk(limit: float, vector: Vector, labels: Sequence[str], *, drop: bool) -> Vector:
    """Return the `limit` largest samples of each group with their own labels, largest first.

    Raises EvaluationError when the limit is no finite number.
    """
    if not math.isfinite(limit):
        raise EvaluationError(f"Scalar value {limit} overflows int64")
    count = max(int(limit), 0)
    return [
        sample
        for members in _groups(vector, labels, drop=drop).values()
        for sample in heapq.nlargest(count, members, key=_rank)
    ]


def _groups(vector: Vector, labels: Sequence[str], *, drop: bool) -> dict[Labels, Vector]:
    key = without if drop else only
    groups: dict[Labels, Vector] = {}
    for sample in vector:
        groups.setdefault(key(sample.labels, labels), []).append(sample)
    return groups


def _rank(sample: Sample) -> tuple[bool, float]:
    return not math.isnan(sample.value), sample.value
