"""How far samples and counts are from calm."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import copysign, log, log1p, sqrt
from statistics import median, pstdev

from steadyhand.journey.evidence.bearings.observed import Gauge
from steadyhand.journey.evidence.grid import is_whole, middle_of

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
    the other way, of what can also fall: load and resources. `lowest` is the sigmas of the lowest sample.
    """

    gauge: Gauge
    strength: float
    first: int
    lost: float = 0.0
    drop: float = 0.0
    lowest: float = 0.0

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
    at = bisect_left(ranked, middle)
    below, above = [middle - one for one in ranked[:at][::-1]], [one - middle for one in ranked[at:]]
    apart = sorted([*below, *above])  # two runs in order: merged, not sorted
    quartiles = ranked[3 * len(ranked) // 4] - ranked[len(ranked) // 4]
    far = apart[min(len(apart) - 1, int(0.99 * len(apart)))]
    scale = max(1.4826 * middle_of(apart), quartiles / 1.349, far / 3, 0.03 * abs(middle))
    return middle, scale or max(pstdev(ranked), 1e-3)


def _known(samples: Sequence[float | None]) -> Sequence[float]:
    return samples if is_whole(samples) else [one for one in samples if one is not None]


def sigmas(gauge: Gauge) -> list[float]:
    """Sigmas of each suspect sample from calm, rises positive; 0 where a sample or calm is missing."""
    found = _unusual(gauge)
    return [0.0] * len(gauge.since) if found is None else found


def _unusual(gauge: Gauge) -> list[float] | None:
    """Sigmas of the suspect samples; None where none lies outside calm, the spared share of it apart.

    What only lies outside because a little of calm is spared has to be far.
    """
    calm, since = sorted(_known(gauge.calm)), _known(gauge.since)
    if not calm or not since:
        return None
    highest, lowest, spared = max(since), min(since), int(_SPARED * len(calm))
    known = _range_of(calm) if highest > calm[-1 - spared] or lowest < calm[spared] else None
    if known is None:
        return None
    least = 0.0 if highest > calm[-1] or lowest < calm[0] else _SURELY
    return _kept(_news(_far(gauge, *known), _before(gauge, *known)), least)


def _before(gauge: Gauge, middle: float, scale: float) -> float:
    """How far it was right before, in sigmas."""
    known = [at for at in range(len(gauge.calm))[-gauge.recent :] if gauge.calm[at] is not None]
    if not gauge.recent or not known:
        return 0.0
    just = replace(
        gauge,
        since=tuple(gauge.calm[at] for at in known),
        since_of=tuple(gauge.calm_of[at] for at in known) if gauge.counted else (),
    )
    return median(_far(just, middle, scale))


def _news(far: list[float], before: float) -> list[float]:
    """What was as far right before is no part of this incident."""
    if abs(before) < _SOME:
        return far
    return [copysign(max(0.0, abs(one) - abs(before)), one) if one * before > 0 else one for one in far]


def _kept(far: list[float], least: float) -> list[float]:
    if least <= 0 and min(far) >= -_MOST_SIGMAS and max(far) <= _MOST_SIGMAS:
        return far
    return [max(-_MOST_SIGMAS, min(_MOST_SIGMAS, one)) if abs(one) >= least else 0.0 for one in far]


def _far(gauge: Gauge, middle: float, scale: float) -> list[float]:
    if gauge.counted:
        return _of_counts(gauge) if gauge.kind in _FAILING else _of_means(gauge, middle, scale)
    if is_whole(gauge.since):
        return [(one - middle) / scale for one in gauge.since]
    return [0.0 if one is None else (one - middle) / scale for one in gauge.since]


def _of_means(gauge: Gauge, middle: float, scale: float) -> list[float]:
    """Sigmas of means of requests: one of few wanders more, and counts by the root of how many it is of."""
    usual = median([one for one in gauge.calm_of if one is not None] or [0.0])
    return [
        0.0
        if one is None
        else (one - middle)
        / scale
        * (1.0 if of is None or usual <= 0 else min(1.0, sqrt(max(of, 0.0) / usual)))
        for one, of in zip(gauge.since, gauge.since_of, strict=True)
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
    return [0.0 if one is None else sign * _deviance(*one, share) / scale for one in since]


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


def bend_of(gauge: Gauge) -> Bend:
    """How far the gauge went in the direction that is bad for its kind."""
    found = _unusual(gauge)
    if found is None:
        return Bend(gauge, 0.0, -1)
    ranked = sorted(found)
    over = (
        1 + len(ranked) // 20 if len(ranked) >= _MANY_STEPS else 0
    )  # so many of the worst are no lasting ones
    rise, fall = ranked[~over], -ranked[over]
    falls, either = gauge.kind in _FALLING, gauge.kind in _EITHER
    return Bend(
        gauge=gauge,
        strength=log1p(max(fall if falls else rise, 0.0)),
        first=_first(
            found, up=not falls and ranked[-1] > _AWAY, down=(falls or either) and ranked[0] < -_AWAY
        ),
        lost=_lost(gauge) if (-ranked[0] if falls else ranked[-1]) > _SOME else 0.0,
        drop=log1p(max(fall, 0.0)) if either else 0.0,
        lowest=ranked[0],
    )


def _first(found: Sequence[float], *, up: bool, down: bool) -> int:
    """The first step away in a direction that counts; -1 if none."""
    if not (up or down):
        return -1
    return next(
        (at for at, one in enumerate(found) if (up and one > _AWAY) or (down and one < -_AWAY)),
        -1,
    )


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


def beyond_usual(found: float, usual: float) -> float:
    """A signed figure less what calm reaches by itself, whatever its direction; never past 0."""
    return copysign(max(0.0, abs(found) - abs(usual)), found)
