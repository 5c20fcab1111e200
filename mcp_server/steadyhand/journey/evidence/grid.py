"""Samples of many series on one grid of time, so that replicas can be added up."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from statistics import median

from steadyhand.journey.evidence.model import Series, Window

Track = list[float | None]
_SAMPLED_SERIES = 100
_FEWEST_CHANGES = 4
_MOST_POINTS = 20_000


@dataclass(frozen=True, slots=True)
class Grid:
    """Equal steps in unix seconds."""

    start: float
    step: float
    size: int

    def times(self) -> list[float]:
        """The instant of every step."""
        return [self.start + index * self.step for index in range(self.size)]

    def steps(self, seconds: float) -> int:
        """How many steps make up this span; at least one."""
        return max(1, round(seconds / self.step))

    def track(self, series: Series) -> Track:
        """The samples of one series, None where it has none."""
        track: Track = [None] * self.size
        for at, value in zip(series.times, series.values, strict=True):
            index = round((at - self.start) / self.step)
            if 0 <= index < self.size and isfinite(value):
                track[index] = value
        return track


def grid_for(series: Sequence[Series], window: Window) -> Grid:
    """The grid most of these series were sampled on, over the part of the window that has data.

    A range query may ask for finer steps than were scraped and then repeats each sample; the grid takes
    the spacing at which values really change.
    """
    some = series[:: max(1, len(series) // _SAMPLED_SERIES)]
    gaps = [median(_gaps(one.times)) for one in some if len(one.times) > 1]
    starts = [one.times[0] for one in series if one.times]
    if not gaps or not starts:
        return Grid(window.start.timestamp(), 1.0, 0)
    start = max(min(starts), window.start.timestamp())
    span = window.end.timestamp() - start
    step = max(median(gaps), _resolution(some), span / _MOST_POINTS, 1e-3)
    return Grid(start, step, max(0, int(span / step) + 1))


def _gaps(times: Sequence[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


def _resolution(series: Sequence[Series]) -> float:
    """The spacing, in seconds, at which the liveliest of these series usually change; 0 if none does."""
    usual = []
    for one in series:
        known = zip(one.times[1:], pairwise(one.values), strict=True)
        gaps = sorted(_gaps([at for at, (before, now) in known if now != before]))
        if len(gaps) >= _FEWEST_CHANGES:
            usual.append(gaps[len(gaps) // 4])
    return min(usual, default=0.0)


def increments(track: Track, born_here: bool) -> Track:  # noqa: FBT001 - a property of the track
    """What a counter added in each step; a smaller value is a restart from zero.

    `born_here`: the counter began to exist inside the grid, so its first value is an increment too.
    A gap's increase is spread evenly over the gap.
    """
    out: Track = [None] * len(track)
    last: tuple[int, float] | None = None
    for index, value in enumerate(track):
        if value is None:
            continue
        if last is None:
            out[index] = value if born_here and index else None
        else:
            at, before = last
            added = value - before if value >= before else value
            out[at + 1 : index + 1] = [added / (index - at)] * (index - at)
        last = (index, value)
    return out


def total(tracks: Sequence[Track]) -> Track:
    """The sum over replicas, None where none of them has a sample."""
    if len(tracks) == 1:
        return tracks[0]
    return [_add(column) for column in zip(*tracks, strict=True)]


def highest(tracks: Sequence[Track]) -> Track:
    """The maximum over replicas, None where none of them has a sample."""
    return [
        max((one for one in column if one is not None), default=None) for column in zip(*tracks, strict=True)
    ]


def _add(column: Sequence[float | None]) -> float | None:
    known = [one for one in column if one is not None]
    return sum(known) if known else None


def trailing_sum(track: Track, width: int) -> Track:
    """At each step the sum of this one and the `width - 1` before it; None at None."""
    out: Track = []
    running = 0.0
    for index, value in enumerate(track):
        running += value or 0.0
        if index >= width:
            running -= track[index - width] or 0.0
        out.append(None if value is None else max(running, 0.0))
    return out
