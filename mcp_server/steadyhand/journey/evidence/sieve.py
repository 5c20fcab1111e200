"""Which of thousands of signals deserve a close look: cheap for each, and no mover is turned away.

The standard library sorts and adds up lists in C; with that, 10,000 signals take less than a second and
no package for arrays is needed (docs/decisions/0001).
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from steadyhand.journey.evidence.grid import middle_of
from steadyhand.journey.evidence.model import Window
from steadyhand.journey.evidence.rule import EvidenceRule
from steadyhand.journey.evidence.screen import FEWEST_AWAY, Calm, Span, calm_of, floor_of, quiet, sigmas
from steadyhand.journey.evidence.signal import Signal


@dataclass(frozen=True, slots=True)
class Sifted:
    """The signals to look at closely, the worst of each thing first, and for how many there was no room."""

    kept: tuple[Signal, ...]
    beyond: int


def sift(signals: Sequence[Signal], baseline: Window, masked: Sequence[Span], rule: EvidenceRule) -> Sifted:
    """Those that may have left their calm range or paused; at most `rule.max_analysed`.

    A signal is turned away only where the close look would find nothing: fewer than three samples far
    enough from normal, and no step without an event. Where too many remain, the worst of each role of
    each entity go first, so that one loud service cannot hide a quiet one.
    """
    scored = [(score, one) for one in signals if (score := _score(one, baseline, masked, rule)) > 0]
    ordered = _fairly(scored)
    return Sifted(tuple(ordered[: rule.max_analysed]), max(0, len(ordered) - rule.max_analysed))


def _fairly(scored: Sequence[tuple[float, Signal]]) -> list[Signal]:
    """The worst of each role of each entity, then the second worst, and so on."""
    queues: dict[tuple[str, str], list[tuple[float, Signal]]] = defaultdict(list)
    for score, signal in scored:
        queues[signal.entity, signal.role].append((score, signal))
    ranked = [
        (place, -score, signal)
        for queue in queues.values()
        for place, (score, signal) in enumerate(sorted(queue, key=lambda pair: -pair[0]))
    ]
    return [signal for _, _, signal in sorted(ranked, key=lambda one: one[:2])]


def _score(signal: Signal, baseline: Window, masked: Sequence[Span], rule: EvidenceRule) -> float:
    """How far the third farthest sample after calm is away, in least changes; 0 where none can matter."""
    later = bisect_left(signal.times, baseline.end.timestamp())
    if len(signal.times) - later < FEWEST_AWAY:
        return 0.0
    paused = float(signal.counted and signal.bad != "up" and min(signal.fine[later:]) <= 0)
    ranked = quiet(signal, baseline, masked)
    if ranked is None or not _may_be_far(signal.values[later:], signal, middle_of(ranked)):
        return paused
    calm = calm_of(signal, baseline, masked)
    return max(paused, *_distances(signal, calm, later, rule)) if calm else paused


def _may_be_far(values: Sequence[float], signal: Signal, normal: float) -> bool:
    """Whether one sample is far enough to be worth a scale: most signals end here."""
    least = floor_of(signal, normal)
    return max(values) - normal >= least or normal - min(values) >= least


def _distances(signal: Signal, calm: Calm, later: int, rule: EvidenceRule) -> Iterator[float]:
    ranked = sorted(signal.values[later:])
    for sign, third in ((1, ranked[-FEWEST_AWAY]), (-1, ranked[FEWEST_AWAY - 1])):
        far = sign * (third - calm.normal)
        judged = signal.bad in {"both", "up" if sign > 0 else "down"}
        reached = judged and far >= calm.floor and sigmas(signal, calm, sign, third) >= rule.sigmas
        yield far / calm.floor if reached else 0.0
