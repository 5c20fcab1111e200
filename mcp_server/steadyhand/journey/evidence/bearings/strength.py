"""How far samples and counts are from calm."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import copysign, log, log1p, sqrt
from statistics import median, pstdev

from steadyhand.journey.evidence.bearings.observed import Gauge

_FEWEST_CALM = 10
_MOST_SIGMAS = 1000.0
_AWAY = 5.0  # sigmas
_FALLING = frozenset({"success", "up"})
_EITHER = frozenset({"load", "cpu", "memory", "resource"})
_SPARED = 0.01  # of calm may be a short trouble of its own
_SURELY = 10.0  # sigmas, from which on what calm once reached is far too
_SOME = 3.0  # sigmas, from which on a loss is counted
_MANY_STEPS = 4
_PERCENT = 1.5  # a share above this is one of a hundred
_FAILING: frozenset[str] = frozenset({"success", "errors"})


@dataclass(frozen=True, slots=True)
class Bend:
    """A gauge's strength (log1p of sigmas in its bad direction), and its first step away, -1 if none.

    Of four or more steps the second worst counts, of many the worst but a twentieth: a spike is not lasting.
    `lost` is what it cost beyond calm, where it is known of how many requests its values are: requests
    that failed, or time times requests; 0 where it did not leave its calm range. `drop` is the strength
    the other way, of what can also fall: load and resources.
    """

    gauge: Gauge
    strength: float
    first: int
    lost: float = 0.0
    drop: float = 0.0

    @property
    def away(self) -> bool:
        """Whether it left its calm range."""
        return self.first >= 0


def calm_range(calm: Sequence[float | None]) -> tuple[float, float] | None:
    """Median and scale; None with fewer than ten samples.

    Scale: the largest of 1.4826 MAD, IQR/1.349, a third of the 99th percentile of the distance from the
    median and 3 % of the median; where all are 0 the standard deviation.
    """
    ranked = sorted(one for one in calm if one is not None)
    if len(ranked) < _FEWEST_CALM:
        return None
    middle = median(ranked)
    apart = sorted(abs(one - middle) for one in ranked)
    quartiles = ranked[3 * len(ranked) // 4] - ranked[len(ranked) // 4]
    far = apart[min(len(apart) - 1, int(0.99 * len(apart)))]
    scale = max(1.4826 * median(apart), quartiles / 1.349, far / 3, 0.03 * abs(middle))
    return middle, scale or max(pstdev(ranked), 1e-3)


def sigmas(gauge: Gauge) -> list[float]:
    """Sigmas of each suspect sample from calm, rises positive; 0 where a sample or calm is missing."""
    found = _far(gauge)
    least = 0.0 if _unusual(gauge, spared=0) else _SURELY
    return [one if abs(one) >= least else 0.0 for one in found]


def _far(gauge: Gauge) -> list[float]:
    known = calm_range(gauge.calm) if _unusual(gauge, spared=_SPARED) else None
    if known is None:
        return [0.0] * len(gauge.since)
    if gauge.counted and gauge.kind in _FAILING:
        return _of_counts(gauge)
    middle, scale = known
    return [
        0.0 if one is None else max(-_MOST_SIGMAS, min(_MOST_SIGMAS, (one - middle) / scale * held))
        for one, held in zip(gauge.since, _steadiness(gauge), strict=True)
    ]


def _of_counts(gauge: Gauge) -> list[float]:
    """Sigmas of a share of requests, by how many they are: one failure of one is little, five of 100 much.

    The signed root of the binomial deviance from the calm share, over what calm itself reaches by it.
    """
    calm, since = failed_of(gauge, gauge.calm, gauge.calm_of), failed_of(gauge, gauge.since, gauge.since_of)
    known = [one for one in calm if one is not None]
    share = (sum(bad for bad, _ in known) + 0.5) / (sum(of for _, of in known) + 1.0)
    usual = sorted(abs(_deviance(*one, share)) for one in known)
    scale = max(1.0, usual[min(len(usual) - 1, int(0.99 * len(usual)))] / 3) if usual else 1.0
    sign = -1.0 if gauge.kind in _FALLING else 1.0
    far = [0.0 if one is None else sign * _deviance(*one, share) / scale for one in since]
    return [max(-_MOST_SIGMAS, min(_MOST_SIGMAS, one)) for one in far]


def failed_of(
    gauge: Gauge, values: Sequence[float | None], counts: Sequence[float | None]
) -> list[tuple[float, float] | None]:
    """Of each sample how many requests failed of how many; None where either is unknown."""
    whole = 100.0 if max((one for one in gauge.calm if one is not None), default=0.0) > _PERCENT else 1.0
    return [
        None if value is None or of is None or of <= 0 else (_failed(gauge, value / whole) * of, of)
        for value, of in zip(values, counts, strict=True)
    ]


def _failed(gauge: Gauge, share: float) -> float:
    return min(1.0, max(0.0, 1.0 - share if gauge.kind == "success" else share))


def _deviance(bad: float, of: float, share: float) -> float:
    good = of - bad
    twice = (bad * log(bad / (of * share)) if bad > 0 else 0.0) + (
        good * log(good / (of * (1.0 - share))) if good > 0 else 0.0
    )
    return copysign(sqrt(max(0.0, 2 * twice)), bad - of * share)


def _steadiness(gauge: Gauge) -> list[float]:
    """How much of its calm steadiness each suspect sample has: a mean of few requests wanders more."""
    if not gauge.counted:
        return [1.0] * len(gauge.since)
    usual = median([one for one in gauge.calm_of if one is not None] or [0.0])
    return [
        1.0 if one is None or usual <= 0 else min(1.0, sqrt(max(one, 0.0) / usual)) for one in gauge.since_of
    ]


def _unusual(gauge: Gauge, spared: float) -> bool:
    """Whether any suspect sample lies outside all calm ones but the spared share of them at either end."""
    calm = sorted(one for one in gauge.calm if one is not None)
    since = [one for one in gauge.since if one is not None]
    few = int(spared * len(calm))
    return bool(calm and since) and (max(since) > calm[-1 - few] or min(since) < calm[few])


def bend_of(gauge: Gauge) -> Bend:
    """How far the gauge went in the direction that is bad for its kind."""
    found = sigmas(gauge)
    bad = [-one for one in found] if gauge.kind in _FALLING else found
    either = map(abs, bad) if gauge.kind in _EITHER else bad
    first = next((index for index, one in enumerate(either) if one > _AWAY), -1)
    return Bend(
        gauge=gauge,
        strength=log1p(max(_lasting(bad), 0.0)),
        first=first,
        lost=_lost(gauge) if max(bad, default=0.0) > _SOME else 0.0,
        drop=log1p(max(_lasting([-one for one in bad]), 0.0)) if gauge.kind in _EITHER else 0.0,
    )


def _lasting(bad: Sequence[float]) -> float:
    ranked = sorted(bad, reverse=True)
    return ranked[1 + len(ranked) // 20] if len(ranked) >= _MANY_STEPS else max(bad, default=0.0)


def _lost(gauge: Gauge) -> float:
    """Failed requests, or time times requests, beyond what calm would have had."""
    if not gauge.counted:
        return 0.0
    if gauge.kind in _FAILING:
        calm = [one for one in failed_of(gauge, gauge.calm, gauge.calm_of) if one]
        share = sum(bad for bad, _ in calm) / max(1.0, sum(of for _, of in calm))
        since = [one for one in failed_of(gauge, gauge.since, gauge.since_of) if one]
        return max(0.0, sum(bad - share * of for bad, of in since))
    middle = median([one for one in gauge.calm if one is not None])
    pairs = zip(gauge.since, gauge.since_of, strict=True)
    return max(0.0, sum((one - middle) * of for one, of in pairs if one is not None and of))


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


def beyond_usual(found: float, usual: float) -> float:
    """A signed figure less what calm reaches by itself, whatever its direction; never past 0."""
    return copysign(max(0.0, abs(found) - abs(usual)), found)
