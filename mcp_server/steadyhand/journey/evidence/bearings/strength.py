"""How far samples and counts are from calm."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, log1p, sqrt
from statistics import pstdev

from steadyhand.journey.evidence.bearings.observed import Gauge
from steadyhand.journey.evidence.grid import is_whole, middle_of

_FEWEST_CALM = 10
_MOST_SIGMAS = 1000.0
_AWAY = 5.0  # sigmas
_FALLING = frozenset({"success", "up"})
_EITHER = frozenset({"load", "cpu", "memory", "resource"})
_MANY_STEPS = 4


@dataclass(frozen=True, slots=True)
class Bend:
    """A gauge's strength (log1p of sigmas in its bad direction), and its first step away, -1 if none.

    Of four or more steps the second worst counts, of many the worst but a twentieth: a spike is not lasting.
    """

    gauge: Gauge
    strength: float
    first: int

    @property
    def away(self) -> bool:
        """Whether it left its calm range."""
        return self.first >= 0


def calm_range(calm: Sequence[float | None]) -> tuple[float, float] | None:
    """Median and scale; None with fewer than ten samples.

    Scale: the largest of 1.4826 MAD, IQR/1.349, a third of the 99th percentile of the distance from the
    median and 3 % of the median; where all are 0 the standard deviation.
    """
    ranked = sorted(_known(calm))
    if len(ranked) < _FEWEST_CALM:
        return None
    middle = middle_of(ranked)
    apart = sorted([abs(one - middle) for one in ranked])
    quartiles = ranked[3 * len(ranked) // 4] - ranked[len(ranked) // 4]
    far = apart[min(len(apart) - 1, int(0.99 * len(apart)))]
    scale = max(1.4826 * middle_of(apart), quartiles / 1.349, far / 3, 0.03 * abs(middle))
    return middle, scale or max(pstdev(ranked), 1e-3)


def _known(samples: Sequence[float | None]) -> Sequence[float]:
    return samples if is_whole(samples) else [one for one in samples if one is not None]


def sigmas(gauge: Gauge) -> list[float]:
    """Sigmas of each suspect sample from calm, rises positive; 0 where a sample or calm is missing."""
    known = calm_range(gauge.calm) if _beyond(gauge) else None
    if known is None:
        return [0.0] * len(gauge.since)
    middle, scale = known
    most, least = middle + _MOST_SIGMAS * scale, middle - _MOST_SIGMAS * scale
    if is_whole(gauge.since) and least <= min(gauge.since) and max(gauge.since) <= most:
        return [(one - middle) / scale for one in gauge.since]
    return [
        0.0 if one is None else max(-_MOST_SIGMAS, min(_MOST_SIGMAS, (one - middle) / scale))
        for one in gauge.since
    ]


def _beyond(gauge: Gauge) -> bool:
    """Whether any suspect sample lies outside all calm ones: cheaper than a scale, and most are not."""
    calm, since = _known(gauge.calm), _known(gauge.since)
    return bool(calm and since) and (max(since) > max(calm) or min(since) < min(calm))


def bend_of(gauge: Gauge) -> Bend:
    """How far the gauge went in the direction that is bad for its kind."""
    found = sigmas(gauge)
    if gauge.kind in _FALLING:
        bad = [-one for one in found]
    elif gauge.kind in _EITHER:
        bad = list(map(abs, found))
    else:
        bad = found
    ranked = sorted(bad, reverse=True)
    away = bool(ranked) and ranked[0] > _AWAY
    first = next(index for index, one in enumerate(bad) if one > _AWAY) if away else -1
    lasting = ranked[1 + len(ranked) // 20] if len(ranked) >= _MANY_STEPS else max(bad, default=0.0)
    return Bend(gauge, log1p(max(lasting, 0.0)), first)


def deepest_drop(gauge: Gauge) -> float:
    """log1p of the deepest drop in sigmas; what stopped to report dropped all the way."""
    if gauge.stopped:
        return log1p(_AWAY)
    return log1p(max(0.0, -min(sigmas(gauge), default=0.0)))


def signed_g(calm: float, since: float, calm_total: float, since_total: float) -> float:
    """Signed root of the G statistic: positive where the count grew more than the whole did."""
    if calm_total <= 0 or since_total <= 0 or calm + since <= 0:
        return 0.0
    both = calm + since
    expected = both * since_total / (calm_total + since_total)
    g = 2 * (
        since * log((since + 0.5) / (expected + 0.5)) + calm * log((calm + 0.5) / (both - expected + 0.5))
    )
    return (1 if since > expected else -1) * sqrt(max(g, 0.0))
