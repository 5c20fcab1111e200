"""Samples of many series on one grid of time, so that replicas can be added up."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import isfinite
from statistics import median
from typing import TypeGuard

from steadyhand.journey.evidence.model import Series, Window

Track = Sequence[float | None]  # tuples where many are kept: the collector need not look at them again
_SAMPLED_SERIES = 100
_FEWEST_CHANGES = 4
_MOST_POINTS = 20_000


@dataclass(frozen=True, slots=True)
class Grid:
    """Equal steps in unix seconds."""

    start: float
    step: float
    size: int

    def times(self) -> tuple[float, ...]:
        """The instant of every step; the same tuple each time, as thousands of signals hold it."""
        return _instants(self)

    def steps(self, seconds: float) -> int:
        """How many steps make up this span; at least one."""
        return max(1, round(seconds / self.step))

    def track(self, series: Series) -> Track:
        """The samples of one series, None where it has none."""
        places = _places(self, series.times)
        if places is None and is_whole(series.values):
            return series.values
        track: list[float | None] = [None] * self.size
        for index, value in zip(places or range(self.size), series.values, strict=True):
            if 0 <= index < self.size and isfinite(value):
                track[index] = value
        return tuple(track)


@lru_cache(maxsize=16)
def _instants(grid: Grid) -> tuple[float, ...]:
    return tuple(grid.start + index * grid.step for index in range(grid.size))


@lru_cache(maxsize=256)
def _places(grid: Grid, times: tuple[float, ...]) -> list[int] | None:
    """The step of each sample; None where each step has exactly one, as series of one query mostly do."""
    places = [round((at - grid.start) / grid.step) for at in times]
    return None if places == list(range(grid.size)) else places


def is_whole(track: Sequence[float | None]) -> TypeGuard[Sequence[float]]:
    """Whether every step has a finite number; adding them up is the cheapest way to find out."""
    try:
        return isfinite(sum(track))  # type: ignore[arg-type] # None is what is looked for
    except TypeError:
        return False


def lead(track: Track) -> int:
    """How many steps pass before the first number."""
    if track and track[0] is not None:
        return 0
    return next((index for index, value in enumerate(track) if value is not None), len(track))


def middle_of(ranked: Sequence[float]) -> float:
    """The median of sorted values, of which there is one at least."""
    half = len(ranked) // 2
    return ranked[half] if len(ranked) % 2 else (ranked[half - 1] + ranked[half]) / 2


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
    return Grid(start, step, max(0, int(span / step - 0.5) + 1))


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


def total(tracks: Sequence[Track]) -> Track:
    """The sum over replicas, None where none of them has a sample."""
    if len(tracks) == 1:
        return tracks[0]
    if all(map(is_whole, tracks)):
        return tuple(map(sum, zip(*tracks, strict=True)))
    return tuple([_add(column) for column in zip(*tracks, strict=True)])


def highest(tracks: Sequence[Track]) -> Track:
    """The maximum over replicas, None where none of them has a sample."""
    if len(tracks) == 1:
        return tracks[0]
    return [
        max((one for one in column if one is not None), default=None) for column in zip(*tracks, strict=True)
    ]


def _add(column: Sequence[float | None]) -> float | None:
    known = [one for one in column if one is not None]
    return sum(known) if known else None
