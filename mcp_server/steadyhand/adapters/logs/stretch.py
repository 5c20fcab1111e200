"""Which bytes of a log file a window lies in, told by stamps read here and there.

To skip is an optimisation for lines in order. What is seen out of order widens what is read.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from statistics import median

DISORDER_S = 5.0  # threads and buffers write lines late by less than this
APART = 64 * 1024  # bytes; nothing is skipped that is nearer
_PLACES = 64
_NEARER = 16
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Probe:
    """The first few records from a place on: where they begin, and their unix seconds as they follow."""

    offset: int
    stamps: Sequence[float]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes [start, end) of a file that may hold a window's lines; `back_s`: how far stamps jump back."""

    start: int
    end: int
    back_s: float


Look = Callable[[int], Probe | None]


def stretch_of(look: Look, size: int, first: float, last: float, room: int) -> Stretch:
    """Where in `size` bytes the lines stamped from `first` to `last` (unix seconds) are.

    Whatever the probes saw is read, with as much disorder around it as they saw. Where that is more than
    `room` bytes, stray stamps are left aside: the middle one of a probe speaks for it.
    """
    probes = _looked(look, range(0, size, max(APART, size // _PLACES)))
    if not probes:
        return Stretch(size, size, 0.0)
    probes[0] = Probe(0, probes[0].stamps)
    back_s = _back(probes)
    reach = max(DISORDER_S, back_s)
    start, end = _narrowed(look, probes, size, first - reach, last + reach)
    if end - start > room and back_s > DISORDER_S:
        level = [_level(one) for one in probes]
        start, end = _narrowed(
            lambda place: (one := look(place)) and _level(one),
            level,
            size,
            first - DISORDER_S,
            last + DISORDER_S,
        )
    return Stretch(start, end, back_s)


def _level(probe: Probe) -> Probe:
    return Probe(probe.offset, (median(probe.stamps),))


def _narrowed(look: Look, probes: Sequence[Probe], size: int, first: float, last: float) -> tuple[int, int]:
    """From the first to the last part that may hold such stamps; its ends are looked at closer."""
    for _ in range(_ROUNDS):
        held = _held(probes, size, first, last)
        if not held:
            return size, size
        edges = {one for one in (held[0], held[-1]) if one[1] - one[0] > APART}
        found = {one.offset: one for one in probes}
        for start, end in edges:
            step = max(APART, (end - start) // _NEARER)
            nearer = _looked(look, range(start + step, end, step))
            found |= {one.offset: one for one in nearer if start < one.offset < end}
        if len(found) == len(probes):
            break
        probes = sorted(found.values(), key=lambda one: one.offset)
    held = _held(probes, size, first, last)
    return (held[0][0], held[-1][1]) if held else (size, size)


def _held(probes: Sequence[Probe], size: int, first: float, last: float) -> list[tuple[int, int]]:
    """The parts between probes whose stamps may meet [first, last]; nobody knows how the last part ends."""
    parts = [
        (one.offset, after.offset)
        for one, after in pairwise(probes)
        if min(*one.stamps, *after.stamps) <= last and max(*one.stamps, *after.stamps) >= first
    ]
    end = probes[-1]
    return [*parts, (end.offset, size)] if min(end.stamps) <= last else parts


def _looked(look: Look, places: Iterable[int]) -> list[Probe]:
    found = {one.offset: one for place in places if (one := look(place)) is not None}
    return list(found.values())


def _back(probes: Sequence[Probe]) -> float:
    """The furthest that a stamp lies before one that stands above it, in seconds."""
    newest, back = -inf, 0.0
    for stamp in (stamp for one in probes for stamp in one.stamps):
        back = max(back, newest - stamp)
        newest = max(newest, stamp)
    return back
