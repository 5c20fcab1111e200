"""Events that stopped coming: where calls hang, no number rises; the answers are just missing."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from math import log, sqrt
from statistics import median

from steadyhand.journey.evidence.model import Onset, Window
from steadyhand.journey.evidence.rule import EvidenceRule
from steadyhand.journey.evidence.screen import Deviation, Span, inside
from steadyhand.journey.evidence.signal import Signal

_FEWEST_CALM = 10
_FEWEST_STEPS = 3
_SHORTEST_S = 5.0
_UNUSUAL = 2.0  # so many times as long as the longest pause before
_BACK = 0.5  # of normal: less is no return
_RECENT = 5


def standstill(
    signal: Signal, baseline: Window, masked: Sequence[Span], rule: EvidenceRule
) -> Deviation | None:
    """The longest pause after the calm window in a count of events that never paused like that before.

    A step without an event is as likely as the calm steps say, and no less likely than a Poisson count
    of the calm mean allows; so neither a busy moment nor events that come in clumps make a pause look
    odd. Unlike a distance in sigmas it stands firm where the calm rate itself was uneven. Steps in a
    rollout are left out. Strength: the sigmas of a normal tail as unlikely as the pause.
    """
    if not signal.counted or signal.bad == "up":
        return None
    start, border = baseline.start.timestamp(), baseline.end.timestamp()
    steps = [
        (at, value) for at, value in zip(signal.times, signal.fine, strict=True) if not inside(at, masked)
    ]
    calm = [value for at, value in steps if start <= at < border]
    later = [pause for pause in _pauses(steps) if steps[pause[0]][0] >= border]
    if len(calm) < _FEWEST_CALM or not later:
        return None
    first, last = max(later, key=lambda pause: pause[1] - pause[0])
    length, spacing = last - first + 1, (steps[-1][0] - steps[0][0]) / (len(steps) - 1)
    sigmas = sqrt(2 * length * _nats(calm, spacing))
    usual = max((end - begin + 1 for begin, end in _pauses(steps[:first])), default=0)
    shortest = max(_FEWEST_STEPS, _SHORTEST_S / spacing, _UNUSUAL * usual)
    if length < shortest or sigmas < rule.sigmas:
        return None
    return _deviation(signal, median(calm), sigmas, (steps[max(0, first - 1)][0], steps[first][0]))


def _pauses(steps: Sequence[tuple[float, float]]) -> Iterator[tuple[int, int]]:
    """First and last index of each run of steps without an event."""
    begin: int | None = None
    for index, (_, value) in enumerate(steps):
        if value > 0:
            if begin is not None:
                yield begin, index - 1
            begin = None
        elif begin is None:
            begin = index
    if begin is not None:
        yield begin, len(steps) - 1


def _nats(calm: Sequence[float], spacing: float) -> float:
    """How unlikely one step without an event is: minus the logarithm of its probability.

    The share of such steps has half a step added (Krichevsky-Trofimov), as none seen is not none ever.
    """
    empty = sum(one <= 0 for one in calm)
    by_share = log((len(calm) + 1) / (empty + 0.5))
    return min(by_share, spacing * sum(calm) / len(calm))


def _deviation(signal: Signal, normal: float, sigmas: float, between: tuple[float, float]) -> Deviation:
    """The pause as a deviation; a count that came back is a spike."""
    now = median(signal.fine[-_RECENT:])
    over = now >= _BACK * normal
    last, missing = (datetime.fromtimestamp(one, UTC) for one in between)
    return Deviation(
        signal=signal,
        direction="down",
        shape="spike" if over else "step",
        strength=sigmas,
        normal=normal,
        now=0.0 if over else now,
        onset=Onset(at=missing, lo=last, hi=missing),
    )
