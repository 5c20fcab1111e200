"""Which of far too many lines to read: rare levels whole, of the others the same share at every moment."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil

from steadyhand.journey.evidence.model import Window

_MOST_STRATA = 36


@dataclass(frozen=True, slots=True)
class Cell:
    """How many lines of one level a source holds from `start` (unix seconds) on, until the next cell."""

    start: float
    level: str
    count: int


@dataclass(frozen=True, slots=True)
class Slice:
    """Lines to read: of a window, of these levels (None: all), at most so many, newest first.

    `share` is the part of them that is wanted, by chance; `text` what they must hold, whatever its case;
    `narrow` a further condition in the source's words.
    """

    window: Window
    most: int
    levels: tuple[str, ...] | None = None
    share: float = 1.0
    narrow: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """The slices to read, and of each level that is not read whole the share that is."""

    slices: tuple[Slice, ...] = ()
    shares: dict[str, float] = field(default_factory=dict)

    @property
    def sampled(self) -> tuple[str, ...]:
        """The shares in words."""
        return tuple(
            f"1 in {1 / share:.3g} of {level or 'lines without a level'}"
            for level, share in self.shares.items()
        )


def plan(cells: Sequence[Cell], window: Window, most: int, *, evenly: bool) -> Reading:
    """What to read so that at most about `most` lines come.

    Each level gets an equal part of the room and leaves what it does not need to the others: so a rare level
    is read whole. A level's share is the same over the whole window, as what is compared are its rates.
    `evenly` says that the source itself can draw lines by chance; else the newest of each stretch are taken.
    """
    counts = _by_level(cells)
    if sum(counts.values()) <= most:
        return Reading((Slice(window, most),)) if counts else Reading()
    whole, shares = _shares(counts, most)
    slices = [Slice(window, sum(counts[one] for one in whole), tuple(whole))] if whole else []
    for level, share in shares.items():
        if evenly:
            slices.append(Slice(window, ceil(1.2 * share * counts[level]), (level,), share))
        else:
            slices += _stretches(cells, window, level, share, max(6, _MOST_STRATA // len(shares)))
    return Reading(tuple(slices), shares)


def _by_level(cells: Sequence[Cell]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for one in cells:
        counts[one.level] += one.count
    return {level: count for level, count in counts.items() if count}


def _shares(counts: dict[str, int], most: int) -> tuple[list[str], dict[str, float]]:
    whole: list[str] = []
    shares: dict[str, float] = {}
    room = most
    for left, level in zip(
        range(len(counts), 0, -1), sorted(counts, key=lambda one: counts[one]), strict=True
    ):
        given = min(counts[level], room // left)
        room -= given
        if given == counts[level]:
            whole.append(level)
        else:
            shares[level] = given / counts[level]
    return whole, shares


def _stretches(cells: Sequence[Cell], window: Window, level: str, share: float, most: int) -> list[Slice]:
    """Stretches of equal length, each with its part of the level's lines."""
    start, length = window.start.timestamp(), window.length.total_seconds()
    counts: dict[int, int] = defaultdict(int)
    for one in cells:
        if one.level == level:
            counts[min(most - 1, max(0, int((one.start - start) / length * most)))] += one.count
    return [
        Slice(
            Window(start=_at(start + length * at / most), end=_at(start + length * (at + 1) / most)),
            max(1, ceil(share * counts[at])),
            (level,),
            1.0,
        )
        for at in sorted(counts)
        if counts[at]
    ]


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
