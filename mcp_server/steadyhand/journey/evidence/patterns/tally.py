"""What is kept of many lines: counts per second of each kind of message, and a few lines of each."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from steadyhand.journey.evidence.model import ClockOffset, Coverage
from steadyhand.journey.evidence.patterns.mine import UNCLUSTERED, templates_of
from steadyhand.journey.evidence.patterns.template import Template

MOST_CELLS = 400_000
_GOLDEN = 0.618033988749895


@dataclass(frozen=True, slots=True)
class Example:
    """One line of a kind: when (unix seconds), its text, its columns, and where it can be opened again."""

    at: float
    text: str
    fields: Mapping[str, str]
    ref: str


@dataclass(frozen=True, slots=True)
class Kind:
    """What makes lines one kind of message. `template` is not merged yet."""

    service: str
    severity: str
    codes: str
    template: Template


@dataclass(slots=True)
class Tally:
    """Lines of one kind: how many in each second (keys are multiples of the width), first, last, samples."""

    first: Example
    last: float
    seconds: Counter[int] = field(default_factory=Counter)
    samples: list[Example] = field(default_factory=list)

    def copy(self) -> "Tally":
        """The same, to be added to without a change here."""
        return Tally(self.first, self.last, Counter(self.seconds), list(self.samples))

    def add(self, other: "Tally") -> None:
        """Take another's lines in."""
        if other.first.at < self.first.at:
            self.first = other.first
        self.last = max(self.last, other.last)
        self.seconds.update(other.seconds)
        self.samples.extend(other.samples)


@dataclass(slots=True)
class Tallies:
    """All kinds of messages of a window. Memory follows the kinds and the seconds, not the lines."""

    kinds: dict[Kind, Tally] = field(default_factory=dict)
    lines: int = 0
    unclustered: int = 0
    assumptions: set[str] = field(default_factory=set)
    width: int = 1

    def add(self, kind: Kind, tally: Tally, most: int) -> None:
        """Count a kind in; beyond `most` kinds a new one's lines are only counted as unclustered."""
        known = self.kinds.get(kind)
        if kind.template == UNCLUSTERED:
            self.unclustered += tally.seconds.total()
        elif known is not None:
            known.add(tally)
        elif len(self.kinds) < most:
            self.kinds[kind] = tally
        else:
            self.unclustered += tally.seconds.total()
        self.lines += tally.seconds.total()

    def merge(self, other: "Tallies", most: int) -> None:
        """Take in what was kept of another block; the order of blocks decides who fits."""
        self.lines += other.unclustered
        self.unclustered += other.unclustered
        self.assumptions |= other.assumptions
        width = max(self.width, other.width)
        self.widen(width)
        other.widen(width)
        for kind, tally in other.kinds.items():
            self.add(kind, tally, most)
        while sum(len(one.seconds) for one in self.kinds.values()) > MOST_CELLS:
            self.widen(self.width * 2)

    def widen(self, width: int) -> None:
        """Count per `width` seconds from here on."""
        if width == self.width:
            return
        self.width = width
        for tally in self.kinds.values():
            cells: Counter[int] = Counter()
            for second, count in tally.seconds.items():
                cells[second - second % width] += count
            tally.seconds = cells


@dataclass(frozen=True, slots=True)
class TalliedLogs:
    """What one log source counted and could not give, of whom it holds no log, whose clock is off."""

    tallies: Tallies
    gaps: tuple[str, ...] = ()
    unlogged: tuple[str, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    offsets: tuple[ClockOffset, ...] = ()


def picked(count: int, most: int) -> list[int]:
    """At most `most` of `count` places, the first among them; in no even step, as replicas log in turn."""
    if count <= most:
        return list(range(count))
    stride = count / most
    return [0, *(int((at + at * _GOLDEN % 1.0) * stride) for at in range(1, most))]


def total(parts: Iterable[Tallies], most: int) -> Tallies:
    """The parts of a window together, in their order. What does not fit is merged before it is given up."""
    whole = Tallies()
    for part in parts:
        take_in(whole, part, most)
    return whole


def take_in(whole: Tallies, part: Tallies, most: int) -> None:
    """The next part of a window, put to those before it."""
    if len(whole.kinds) + len(part.kinds) > most:
        whole.kinds = compacted(whole.kinds)
        part.kinds = compacted(part.kinds)
    whole.merge(part, most)


def compacted(kinds: Mapping[Kind, Tally]) -> dict[Kind, Tally]:
    """The kinds with their templates merged, among all those of one service."""
    templates: dict[str, set[Template]] = defaultdict(set)
    for kind in kinds:
        templates[kind.service].add(kind.template)
    home = {service: templates_of(sorted(own)) for service, own in templates.items()}
    out: dict[Kind, Tally] = {}
    for kind, tally in kinds.items():
        wide = replace(kind, template=home[kind.service][kind.template])
        if wide in out:
            out[wide].add(tally)
        else:
            out[wide] = tally.copy()
    return out
