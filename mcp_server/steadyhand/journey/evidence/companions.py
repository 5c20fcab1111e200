"""Which signals moved together with the one that hurts, and how long before or after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from operator import mul

from steadyhand.journey.evidence.screen import Deviation
from steadyhand.journey.evidence.signal import Signal

_LEAST = 0.8
_FEWEST = 12
_LONGEST_LAG_S = 60.0
_BEFORE_S = 60.0
_HURTS = ("errors", "latency", "up", "waiting", "saturation")


@dataclass(frozen=True, slots=True)
class Company:
    """How well a signal follows the headline: Pearson's r, and by how many seconds it is later."""

    r: float
    lag_s: float


def headline(moved: Sequence[Deviation], service: str) -> Deviation | None:
    """The strongest signal by which the alerting service hurts, failures before slowness."""
    own = [one for one in moved if one.signal.entity == service and not one.signal.target]
    ranked = [one for role in _HURTS for one in sorted(own, key=_surest) if one.signal.role == role]
    return next(iter(ranked), None)


def _surest(one: Deviation) -> tuple[float, str, str]:
    return -one.strength, one.signal.name, one.signal.shown_labels


def company(one: Deviation, head: Deviation, step: float) -> Company | None:
    """The lag, of up to a minute either way, at which both follow each other best; None below r = 0.8.

    Looked at from a minute before the earlier onset on, so that calm noise and the change both count.
    """
    since = min(one.onset.at, head.onset.at).timestamp() - _BEFORE_S
    first, second = _steps(head.signal, since, step), _steps(one.signal, since, step)
    lags = range(-round(_LONGEST_LAG_S / step), round(_LONGEST_LAG_S / step) + 1)
    found = [(r, -abs(lag), lag) for lag in lags if (r := _pearson(first, second, lag)) is not None]
    best = max(found, key=lambda pair: (abs(pair[0]), pair[1]), default=None)
    if best is None or abs(best[0]) < _LEAST:
        return None
    return Company(best[0], best[2] * step)


def _steps(signal: Signal, since: float, step: float) -> dict[int, float]:
    return {
        round(at / step): value for at, value in zip(signal.times, signal.values, strict=True) if at >= since
    }


def _pearson(head: dict[int, float], other: dict[int, float], lag: int) -> float | None:
    pairs = [(value, other[at + lag]) for at, value in head.items() if at + lag in other]
    if len(pairs) < max(_FEWEST, len(head) // 2):
        return None
    first, second = ([one - sum(row) / len(row) for one in row] for row in zip(*pairs, strict=True))
    spread = sqrt(sum(map(mul, first, first)) * sum(map(mul, second, second)))
    return sum(map(mul, first, second)) / spread if spread else None
