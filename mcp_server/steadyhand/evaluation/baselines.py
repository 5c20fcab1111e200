"""The plain methods every answer is compared with: n-sigma, the BARO scorer, a walk over the graph."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, median, pstdev

from steadyhand.evaluation.case import Inputs
from steadyhand.journey.evidence.bearings.graph import walked
from steadyhand.journey.evidence.bearings.observed import SYMPTOMS, Gauge

_LEAST = 1e-3
_AWAY = 3.0
_FEWEST = 2


def _known(samples: Sequence[float | None]) -> list[float]:
    return [one for one in samples if one is not None]


def _n_sigma(gauge: Gauge) -> float:
    """The largest distance from the mean in standard deviations."""
    calm, since = _known(gauge.calm), _known(gauge.since)
    if len(calm) < _FEWEST or not since:
        return 0.0
    middle, scale = fmean(calm), max(pstdev(calm), _LEAST)
    return max(abs(one - middle) / scale for one in since)


def _baro(gauge: Gauge) -> float:
    """The largest distance from the median in interquartile ranges (RobustScorer of BARO, FSE 2024)."""
    calm, since = sorted(_known(gauge.calm)), _known(gauge.since)
    if len(calm) < _FEWEST or not since:
        return 0.0
    spread = calm[3 * len(calm) // 4] - calm[len(calm) // 4]
    return max(abs(one - median(calm)) / max(spread, _LEAST) for one in since)


def _ranked(inputs: Inputs, score: Callable[[Gauge], float]) -> tuple[str, ...]:
    best: dict[str, float] = defaultdict(float)
    for gauge in inputs.gauges():
        best[gauge.entity] = max(best[gauge.entity], score(gauge))
    return tuple(sorted(best, key=lambda name: (-best[name], name)))


def _by_sigmas(inputs: Inputs) -> tuple[str, ...]:
    return _ranked(inputs, _n_sigma)


def _by_spread(inputs: Inputs) -> tuple[str, ...]:
    return _ranked(inputs, _baro)


def _by_walk(inputs: Inputs) -> tuple[str, ...]:
    """From who alerts along the calls to those that deviate too; the ends first, by n-sigma."""
    worst: dict[str, float] = defaultdict(float)
    for gauge in inputs.gauges():
        if gauge.kind in SYMPTOMS:
            worst[gauge.entity] = max(worst[gauge.entity], _n_sigma(gauge))
    arrows = {one.name: one.depends_on for one in inputs.topology.services}
    sick = {name for name, far in worst.items() if far > _AWAY}
    ends = walked(inputs.page.service, arrows, sick)
    return tuple(sorted(worst, key=lambda name: (name not in ends, -worst[name], name)))


BASELINES: Mapping[str, Callable[[Inputs], tuple[str, ...]]] = {
    "n-sigma": _by_sigmas,
    "BARO scorer": _by_spread,
    "graph traversal": _by_walk,
}
