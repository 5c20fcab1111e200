"""What also happened at the same hour a day or a week ago is usual: a batch, a backup, the evening's peak."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from steadyhand.journey.evidence.model import Series, Window
from steadyhand.journey.evidence.rule import EvidenceRule
from steadyhand.journey.evidence.screen import Deviation, calm_of, deviation
from steadyhand.journey.evidence.signal import Signal

Key = tuple[str, str, str]
_SLACK_S = 60.0  # a job of every night does not begin to the second
_PAIN = frozenset({"errors", "latency", "up"})


@dataclass(frozen=True, slots=True)
class Season:
    """The same hour that long ago, its samples moved to now."""

    ago: timedelta
    series: tuple[Series, ...]


def moved_to_now(found: Sequence[Series], ago: timedelta) -> tuple[Series, ...]:
    """These series as if they were sampled that much later."""
    by = ago.total_seconds()
    return tuple(
        one.model_copy(update={"times": tuple(at + by for at in one.times)}) for one in found if one.times
    )


def key(signal: Signal) -> Key:
    """What tells a signal from all others of a page."""
    return signal.entity, signal.name, signal.shown_labels


class Usual:
    """The signals of earlier days, by what they are."""

    def __init__(self, days: Sequence[Sequence[Signal]], baseline: Window, rule: EvidenceRule) -> None:
        """`days` are already moved to now."""
        self._days: list[Mapping[Key, Signal]] = [{key(one): one for one in day} for day in days]
        self._baseline, self._rule = baseline, rule

    def departures(self, signal: Signal) -> list[tuple[Signal, Deviation]]:
        """Those of the same signal, in days that left their own calm at this hour."""
        same = [day[key(signal)] for day in self._days if key(signal) in day]
        found = [(one, deviation(one, self._baseline, (), self._rule)) for one in same]
        return [(one, moved) for one, moved in found if moved is not None]

    def without(self, signal: Signal) -> Signal:
        """The signal less what it did at this hour before; pain of users is never taken away."""
        if signal.role in _PAIN:
            return signal
        found = self.departures(signal)
        calm = calm_of(signal, self._baseline, ()) if found else None
        for before, moved in found if calm else ():
            signal = _less(signal, before, moved, calm.normal if calm else 0.0)
        return signal

    def is_pain_as_usual(self, moved: Deviation) -> bool:
        """Whether users suffered at this hour before: then it is no news, though it is shown."""
        same = (was for _, was in self.departures(moved.signal) if was.direction == moved.direction)
        return moved.signal.role in _PAIN and any(True for _ in same)


def _less(signal: Signal, before: Signal, moved: Deviation, normal: float) -> Signal:
    """Each value less the farthest that day was from its normal within a minute; at most down to normal."""
    sign = 1.0 if moved.direction == "up" else -1.0
    usual = [_farthest(before, at, moved.normal, sign) for at in signal.times]

    def less(values: Sequence[float]) -> tuple[float, ...]:
        far = (max(0.0, sign * (value - normal)) for value in values)
        return tuple(
            value - sign * min(was, excess) for value, was, excess in zip(values, usual, far, strict=True)
        )

    return replace(signal, values=less(signal.values), fine=less(signal.fine))


def _farthest(before: Signal, at: float, normal: float, sign: float) -> float:
    first, last = bisect_left(before.times, at - _SLACK_S), bisect_right(before.times, at + _SLACK_S)
    return max(0.0, *(sign * (one - normal) for one in before.values[first:last]))
