"""Series that stopped: silence is evidence, not zero."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from steadyhand.journey.evidence.grid import Grid
from steadyhand.journey.evidence.model import Onset, Window
from steadyhand.journey.evidence.screen import Deviation
from steadyhand.journey.evidence.signal import Signal

_SILENT_S = 5.0
_PRESENT = 0.8
_LASTING = frozenset({"up", "resource", "saturation", "waiting"})
_STRENGTH = 50.0


def silenced(signals: Sequence[Signal], grid: Grid, baseline: Window) -> list[tuple[Deviation, int]]:
    """One deviation for each entity whose gauges ended, with how many of them did.

    Counters are left out: after a restart they are missing until the first event, which is no silence.
    """
    ended: dict[str, list[Signal]] = defaultdict(list)
    for one in signals:
        if one.role in _LASTING and not one.smoothing and _ended(one, grid, baseline):
            ended[one.entity].append(one)
    return [(_gone(min(same, key=lambda one: one.times[-1]), grid), len(same)) for same in ended.values()]


def _ended(signal: Signal, grid: Grid, baseline: Window) -> bool:
    start, end = max(grid.start, baseline.start.timestamp()), baseline.end.timestamp()
    expected = max(1.0, (end - start) / grid.step)
    present = bisect_left(signal.times, end) - bisect_left(signal.times, start)
    last = grid.start + (grid.size - 1) * grid.step
    return present >= _PRESENT * expected and last - signal.times[-1] > max(_SILENT_S, 5 * grid.step)


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
