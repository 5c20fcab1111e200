"""How far samples and counts are from calm."""

from collections.abc import Iterable, Sequence
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
    `lowest` is the sigmas of the lowest sample.
    """

    gauge: Gauge
    strength: float
    first: int
    lowest: float

    @property
    def away(self) -> bool:
        """Whether it left its calm range."""
        return self.first >= 0


def calm_range(calm: Sequence[float | None]) -> tuple[float, float] | None:
    """Median and scale; None with fewer than ten samples.

    Scale: the largest of 1.4826 MAD, IQR/1.349, a third of the 99th percentile of the distance from the
    median and 3 % of the median; where all are 0 the standard deviation.
    """
    return _range_of(sorted(_known(calm)))


def _range_of(ranked: Sequence[float]) -> tuple[float, float] | None:
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


@dataclass(frozen=True, slots=True)
class _Ranked:
    """The suspect samples, a missing one as if calm, also in order of size; and the range of calm."""

    since: Sequence[float]
    ranked: Sequence[float]
    middle: float
    scale: float

    def sigmas(self, samples: Iterable[float]) -> list[float]:
        """How far these are from calm, rises positive."""
        middle, scale = self.middle, self.scale
        return [(one - middle) / scale for one in samples]


def _ranked(gauge: Gauge) -> _Ranked | None:
    """None where no suspect sample lies outside all calm ones: most are so, and need no scale."""
    calm, ranked = sorted(_known(gauge.calm)), sorted(_known(gauge.since))
    beyond = calm and ranked and (ranked[-1] > calm[-1] or ranked[0] < calm[0])
    known = _range_of(calm) if beyond else None
    if known is None:
        return None
    if len(ranked) == len(gauge.since):
        return _Ranked(_known(gauge.since), ranked, *known)
    since = [known[0] if one is None else one for one in gauge.since]
    return _Ranked(since, sorted(since), *known)


def sigmas(gauge: Gauge) -> list[float]:
    """Sigmas of each suspect sample from calm, rises positive; 0 where a sample or calm is missing."""
    known = _ranked(gauge)
    if known is None:
        return [0.0] * len(gauge.since)
    return [max(-_MOST_SIGMAS, min(_MOST_SIGMAS, one)) for one in known.sigmas(known.since)]


def bend_of(gauge: Gauge) -> Bend:
    """How far the gauge went in the direction that is bad for its kind."""
    known = _ranked(gauge)
    if known is None:
        return Bend(gauge, 0.0, -1, 0.0)
    size = len(known.ranked)
    over = 1 + size // 20 if size >= _MANY_STEPS else 0  # so many of the worst are no lasting ones
    low, high = known.sigmas(known.ranked[: over + 1]), known.sigmas(known.ranked[~over:])
    worst = _worsts(gauge.kind, low, high)
    first = -1
    if worst[-1] > _AWAY:
        bad = (_worsts(gauge.kind, [one], [one])[-1] for one in known.sigmas(known.since))
        first = next(index for index, one in enumerate(bad) if one > _AWAY)
    return Bend(gauge, log1p(min(max(worst[~over], 0.0), _MOST_SIGMAS)), first, max(low[0], -_MOST_SIGMAS))


def _worsts(kind: str, lowest: Sequence[float], highest: Sequence[float]) -> Sequence[float]:
    """The worst of sigmas last, of which the lowest and the highest are given, each in order of size."""
    if kind in _FALLING:
        return [-one for one in reversed(lowest)]
    return sorted(map(abs, (*lowest, *highest))) if kind in _EITHER else highest


def deepest_drop(bend: Bend) -> float:
    """log1p of the deepest drop in sigmas; what stopped to report dropped all the way."""
    return log1p(_AWAY if bend.gauge.stopped else max(0.0, -bend.lowest))


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
