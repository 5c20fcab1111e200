"""Series that stopped: silence is evidence, not zero."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import sub

from steadyhand.journey.evidence.grid import Grid
from steadyhand.journey.evidence.model import Onset, Window
from steadyhand.journey.evidence.screen import Deviation
from steadyhand.journey.evidence.signal import Signal

_SILENT_S = 8.0
_UNUSUAL = 2.0  # so many times as long as the longest hole before
_PRESENT = 0.8
_LASTING = frozenset({"up", "resource", "saturation", "waiting"})
_STRENGTH = 50.0


@dataclass(frozen=True, slots=True)
class Silence:
    """Entities that stopped reporting, each with how many of its gauges; and collectors that did."""

    gone: tuple[tuple[Deviation, int], ...]
    collectors: tuple[str, ...]


def silenced(signals: Sequence[Signal], grid: Grid, baseline: Window) -> Silence:
    """Whose gauges ended while others went on.

    Counters are left out: after a restart they are missing until the first event, which is no silence.
    Where one address that was asked for several entities falls silent, it is the collector that did, and
    nothing is known of them; but if it bears one's name, that one stopped.
    """
    lasting = [one for one in signals if one.role in _LASTING and not one.smoothing]
    newest = max((one.times[-1] for one in lasting), default=0.0)
    silent = [one for one in lasting if _ended(one, grid, baseline, newest)]
    spoken_for: dict[str, set[str]] = defaultdict(set)
    for one in silent:
        spoken_for[one.origin].add(one.entity)
    shared = {origin: _named(origin, found) for origin, found in spoken_for.items() if len(found) > 1}
    ended: dict[str, list[Signal]] = defaultdict(list)
    for one in silent:
        if shared.get(one.origin, one.entity) == one.entity:
            ended[one.entity].append(one)
    gone = [(_gone(min(same, key=lambda one: one.times[-1]), grid), len(same)) for same in ended.values()]
    return Silence(tuple(gone), tuple(sorted(origin for origin, name in shared.items() if not name)))


def _named(origin: str, entities: set[str]) -> str:
    """The entity whose own address it is; empty if it only speaks for others."""
    return next(iter(sorted(entities.intersection(origin.split("/")))), "")


def _ended(signal: Signal, grid: Grid, baseline: Window, newest: float) -> bool:
    """Whether it was there through calm and has been silent far longer than it ever was before."""
    start, end = max(grid.start, baseline.start.timestamp()), baseline.end.timestamp()
    expected = max(1.0, (end - start) / grid.step)
    present = bisect_left(signal.times, end) - bisect_left(signal.times, start)
    silent_s = newest - signal.times[-1]
    if present < _PRESENT * expected or silent_s <= max(_SILENT_S, 5 * grid.step):
        return False
    return silent_s > _UNUSUAL * max(map(sub, signal.times[1:], signal.times), default=0.0)


def _gone(signal: Signal, grid: Grid) -> Deviation:
    last, first_missing = (
        datetime.fromtimestamp(at, UTC) for at in (signal.times[-1], signal.times[-1] + grid.step)
    )
    return Deviation(
        signal=signal,
        direction="gone",
        shape="gone",
        strength=_STRENGTH,
        normal=signal.values[0],
        now=0.0,
        onset=Onset(at=first_missing, lo=last, hi=first_missing),
    )
