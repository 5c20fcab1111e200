"""How right and how sure: the figures of the scoreboard, each with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import sqrt

_Z = 1.96
_BINS = 5
SURE = 0.85


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        """The share; None of none."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of Wilson (1927); 0 to 1 of none."""
        if not self.of:
            return 0.0, 1.0
        n, p = self.of, self.hits / self.of
        middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Bin:
    """Answers about equally sure: mean confidence and how many were right."""

    confidence: float
    right: Share


def bins(pairs: Sequence[tuple[float, bool]]) -> tuple[Bin, ...]:
    """Five bins of about equal counts, the least sure first; answers equally sure stay together."""
    ranked = sorted(pairs, key=lambda pair: pair[0])
    found: list[list[tuple[float, bool]]] = [[]]
    for sure, same in groupby(ranked, key=lambda pair: pair[0]):
        if len(found[-1]) >= len(ranked) / _BINS:
            found.append([])
        found[-1].extend((sure, right) for _, right in same)
    return tuple(
        Bin(sum(sure for sure, _ in part) / len(part), Share(sum(right for _, right in part), len(part)))
        for part in found
        if part
    )


def calibration_error(found: Sequence[Bin]) -> float | None:
    """Expected calibration error: mean distance of confidence from being right, weighted by count."""
    total = sum(one.right.of for one in found)
    if not total:
        return None
    return sum(abs(one.confidence * one.right.of - one.right.hits) for one in found) / total


def hits_within(ranks: Sequence[int | None], most: int) -> Share:
    """AC@k: how many true causes are among the first k."""
    return Share(sum(one is not None and one <= most for one in ranks), len(ranks))


def average_of_five(ranks: Sequence[int | None]) -> float | None:
    """Avg@5: the mean of AC@1 to AC@5."""
    shares = [hits_within(ranks, k).value for k in range(1, 6)]
    return sum(one or 0.0 for one in shares) / len(shares) if ranks else None
