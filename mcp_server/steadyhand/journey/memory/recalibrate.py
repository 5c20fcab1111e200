"""Confidence held against what people confirmed here.

Outcomes of like confidence are binned; in a bin with enough of them the true share lies, at 90 %, within the
Wilson score interval (Wilson 1927) of what was observed. A confidence outside it is moved to its nearer end,
never further: upward only to what at least so many outcomes support, downward as far as they demand.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import fsum, sqrt
from typing import NamedTuple

from steadyhand.journey.diagnosis.checked import UNCALIBRATED
from steadyhand.journey.diagnosis.model import Diagnosis
from steadyhand.journey.memory.case import Case

_EDGES = (0.0, 0.3, 0.5, 0.7, 0.85, 1.0)
_Z = 1.645  # two-sided 90 %: each end is wrong in at most one of twenty


class Bin(NamedTuple):
    """Outcomes of confidences from `low` to `high`, and the interval of the share that was right."""

    low: float
    high: float
    n: int
    right: int
    least: float
    most: float


def bins(cases: Sequence[Case], minimum: int) -> tuple[Bin, ...]:
    """Bins with at least `minimum` judged outcomes; thin ones, and ones out of order, are joined."""
    judged = [
        (one.confidence, one.right) for one in cases if one.confidence is not None and one.right is not None
    ]
    found: list[Bin] = []
    for low, high in pairwise(_EDGES):
        inside = [right for sure, right in judged if low <= sure < high or (high == 1.0 == sure)]
        found.append(_bin(low, high, len(inside), sum(inside)))
        while len(found) > 1 and _disordered(found[-2], found[-1], minimum):
            found[-2:] = [_joined(found[-2], found[-1])]
    return tuple(one for one in found if one.n >= minimum)


def _disordered(below: Bin, above: Bin, minimum: int) -> bool:
    """A bin too thin to speak, or one that would rank the surer below the less sure."""
    if below.n < minimum or above.n < minimum:
        return below.n < minimum and above.n < minimum
    return below.least > above.least or below.most > above.most


def _joined(one: Bin, other: Bin) -> Bin:
    return _bin(one.low, other.high, one.n + other.n, one.right + other.right)


def _bin(low: float, high: float, n: int, right: int) -> Bin:
    if not n:
        return Bin(low, high, 0, 0, 0.0, 1.0)
    share, z2 = right / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Bin(low, high, n, right, max(middle - half, 0.0), min(middle + half, 1.0))


def held_against(value: float, known: Sequence[Bin]) -> tuple[float, int]:
    """The confidence within its bin's interval, and on how many outcomes that rests; 0: as it was."""
    for one in known:
        if one.low <= value < one.high or value == one.high == 1.0:
            return min(max(value, one.least), one.most), one.n
    return value, 0


def recalibrated(diagnosis: Diagnosis, cases: Sequence[Case], minimum: int) -> Diagnosis:
    """The ranking with the first cause's confidence held against outcomes here; the order never changes.

    When it rises, the rest share what is left. When it falls, the others fall with it and "none of these"
    gains: that the first is often wrong here makes no other right.
    """
    best = diagnosis.best
    if best is None:
        return diagnosis
    after, n = held_against(best.confidence, bins(cases, minimum))
    if not n:
        return diagnosis
    before = best.confidence
    up = after >= before
    scale = ((1.0 - after) / (1.0 - before) if before < 1.0 else 1.0) if up else after / before
    moved = tuple(
        one.model_copy(update={"confidence": after if one.id == best.id else one.confidence * scale})
        for one in diagnosis.hypotheses
    )
    rest = min(max(1.0 - fsum(one.confidence for one in moved), 0.0), 1.0)
    known = "" if diagnosis.calibrated_on == UNCALIBRATED else f"{diagnosis.calibrated_on} and "
    name = f"{known}{n} judged outcomes here"
    return diagnosis.model_copy(update={"hypotheses": moved, "none_of_these": rest, "calibrated_on": name})
