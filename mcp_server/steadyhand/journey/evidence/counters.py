"""Counters: what they gained in each step and over a trailing span; restarts and gaps are seen through."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from operator import sub

from steadyhand.journey.evidence.grid import Track, is_whole, total


@dataclass(frozen=True)
class Rising:
    """Counters without a gap or a restart, added up: most are so, and their differences tell all."""

    counts: Sequence[float]

    @cached_property
    def steps(self) -> Track:
        """What was gained in each step; of the first nothing is known."""
        return (None, *map(sub, self.counts[1:], self.counts))

    def over(self, width: int) -> Track:
        """At each step what was gained in this one and the `width - 1` before it."""
        counts = self.counts
        first = [one - counts[0] for one in counts[1:width]]
        return (None, *first, *map(sub, counts[width:], counts))


@dataclass(frozen=True)
class Stepped:
    """Counters by what they gained in each step, None where that is not known."""

    steps: Track

    def over(self, width: int) -> Track:
        """At each step what was gained in this one and the `width - 1` before it."""
        return trailing_sum(self.steps, width)


Gains = Rising | Stepped


def gains(counters: Iterable[tuple[Track, bool]]) -> Gains:
    """What these gained together; each comes with whether it began to exist inside the grid."""
    known = list(counters)
    tracks = [track for track, _ in known]
    if all(map(_rises, tracks)):
        return Rising(total(tracks))  # type: ignore[arg-type] # no None in them
    return Stepped(total([increments(track, born_here=born) for track, born in known]))


def _rises(track: Track) -> bool:
    """Whether every step has a number, none smaller than the one before; sorting finds that out in C."""
    return bool(track) and is_whole(track) and sorted(track) == list(track)


def increments(track: Track, born_here: bool) -> Track:  # noqa: FBT001 - a property of the track
    """What a counter added in each step; a smaller value is a restart from zero.

    `born_here`: the counter began to exist inside the grid, so its first value is an increment too.
    A gap's increase is spread evenly over the gap.
    """
    out: list[float | None] = [None] * len(track)
    last: tuple[int, float] | None = None
    for index, value in enumerate(track):
        if value is None:
            continue
        if last is None:
            out[index] = value if born_here and index else None
        else:
            at, before = last
            gain = value - before if value >= before else value
            out[at + 1 : index + 1] = [gain / (index - at)] * (index - at)
        last = (index, value)
    return tuple(out)


def trailing_sum(track: Track, width: int) -> Track:
    """At each step the sum of this one and the `width - 1` before it; None at None."""
    if is_whole(track):
        return _trailing(track, width)
    if is_whole(later := track[1:]):  # a counter has no increment in its first step
        return (None, *_trailing((0.0, *later), width)[1:])
    out: list[float | None] = []
    running = 0.0
    for index, value in enumerate(track):
        running += value or 0.0
        if index >= width:
            running -= track[index - width] or 0.0
        out.append(None if value is None else max(running, 0.0))
    return out


def _trailing(track: Sequence[float], width: int) -> tuple[float, ...]:
    if width == 1:
        return tuple(track)
    sums = tuple(accumulate(track))
    out = (*sums[:width], *map(sub, sums[width:], sums))
    return out if min(out) >= 0 else tuple([max(one, 0.0) for one in out])  # less is rounding
