"""Kinds of messages, counted in the calm part of the window and after it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log, log2, sqrt
from statistics import median
from typing import Literal

from steadyhand.journey.evidence.model import Window
from steadyhand.journey.evidence.patterns.skew import Skew, skew_of, usual_columns
from steadyhand.journey.evidence.patterns.tally import Example, Kind, Tallies, Tally, compacted
from steadyhand.journey.evidence.patterns.template import Template, shown

_SURGE = 2.0
_ENOUGH_LINES = 20
_ENOUGH_KINDS = 5
_MOST_TRAFFIC = 8.0
LATE_SHARE = 8  # the last eighth of the part that is compared
_LONG_SILENCE = 3.0  # times its longest one before
_LEAST_EXPECTED = 0.5
_MANY_STRAYS = 3
_SEVERITY_RANK = {
    **dict.fromkeys(("fatal", "critical", "crit", "panic", "emerg", "emergency", "alert"), 4),
    **dict.fromkeys(("error", "err", "severe"), 3),
    **dict.fromkeys(("warning", "warn"), 2),
}
_SURE = 5.0  # sigmas; there are many messages, each with several values
Change = Literal["new", "vanished", "surged", "dropped", "shifted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One kind of message of one service, before and after.

    `expected` is what the calm part would give by the lengths of both; `traffic` how many times more
    the service's other messages came than that; `unseen` what a message not seen before may give by chance.
    `lately` are the lines of the window's last stretch and how many calm would give; `missed` how many calm
    would give since the last line, where that is an unusual silence. `seconds` are the counts by unix
    second, `width` seconds each.
    """

    service: str
    tokens: Template
    codes: str
    severity: str
    exemplar: Example
    before: int
    now: int
    expected: float
    traffic: float
    unseen: float
    lately: tuple[int, float]
    missed: float
    first: float
    last: float
    seconds: Mapping[int, int]
    width: int
    samples: tuple[Example, ...]
    skew: Skew | None

    @property
    def template(self) -> str:
        """The template as one reads it."""
        return shown(self.tokens)

    @property
    def rank(self) -> int:
        """4 fatal, 3 error, 2 warning, 1 all else."""
        return _SEVERITY_RANK.get(self.severity.lower(), 1)

    @property
    def surprise(self) -> float:
        """Signed root of the Poisson deviance of the count now against what calm would have given.

        Of the two expectations, with and without traffic, the one that surprises less.
        """
        match self.change:
            case "new":
                return _deviance(self.now, self.unseen)
            case "shifted" if self.skew:
                return self.skew.sigmas
            case "vanished":
                return _deviance(0, self.missed)
            case _:
                return max(self._surprise(self.now, self.expected), self._surprise(*self.lately), key=abs)

    def _surprise(self, count: int, expected: float) -> float:
        return min(_deviance(count, expected), _deviance(count, expected * self.traffic), key=abs)

    @property
    def change(self) -> Change | None:
        """How its count changed, or what it says ("shifted"); None while it is as before."""
        if not self.before:
            return "new" if self.now else None
        if self.missed * min(1.0, self.traffic) >= _ENOUGH_LINES:
            return "vanished"
        if self._surged(self.now, self.expected) or self._surged(*self.lately):
            return "surged"
        if self._dropped():
            return "dropped"
        return "shifted" if self.skew and self.skew.sigmas >= _SURE else None

    def _surged(self, count: int, expected: float) -> bool:
        usual = max(expected, expected * self.traffic, _LEAST_EXPECTED)
        return count >= _ENOUGH_LINES and log2(count / usual) >= _SURGE

    def _dropped(self) -> bool:
        usual = min(self.expected, self.expected * self.traffic)
        return usual >= _ENOUGH_LINES and self.now <= usual / 2**_SURGE


@dataclass(frozen=True, slots=True)
class Patterns:
    """All kinds of messages, how many lines were beyond the budget, and what had to be assumed."""

    found: tuple[Pattern, ...]
    lines: int
    unclustered: int
    assumptions: tuple[str, ...] = ()

    @property
    def unclustered_share(self) -> float:
        """Which share of all lines is in no kind, 0 to 1."""
        return self.unclustered / self.lines if self.lines else 0.0


def compare(tallies: Tallies, window: Window, baseline: Window) -> Patterns:
    """Every kind of message in the calm part of the window and after it.

    Counts before are scaled by the lengths of the two parts, and once more by how the service's
    messages as a whole came: a change must show under both.
    """
    border = baseline.end.timestamp()
    calm_s = max(1e-3, baseline.length.total_seconds())
    by_service: dict[str, list[_Counted]] = defaultdict(list)
    for kind, tally in compacted(tallies.kinds).items():
        if (one := _counted(kind, tally, window, border, tallies.width)) is not None:
            by_service[kind.service].append(one)
    rule = _Calm(border, calm_s, window.end.timestamp(), tallies.width)
    found = [one for same in by_service.values() for one in _patterns(same, rule)]
    found.sort(key=lambda one: (one.first, one.service, one.template, one.codes, one.severity))
    lines = sum(one.before + one.now for one in found) + tallies.unclustered
    return Patterns(tuple(found), lines, tallies.unclustered, tuple(sorted(tallies.assumptions)))


@dataclass(frozen=True, slots=True)
class _Counted:
    kind: Kind
    seconds: Mapping[int, int]
    samples: tuple[Example, ...]
    before: int
    late: int
    exemplar: Example
    last: float

    @property
    def now(self) -> int:
        return sum(self.seconds.values()) - self.before


def _counted(kind: Kind, tally: Tally, window: Window, border: float, width: int) -> _Counted | None:
    """One kind's lines in the window; None if it has none there."""
    start, end, middle = window.start.timestamp(), window.end.timestamp(), width / 2
    seconds = {at: count for at, count in sorted(tally.seconds.items()) if start <= at + middle < end}
    if not seconds:
        return None
    samples = sorted((one for one in tally.samples if start <= one.at < end), key=_when)
    later = (one for one in samples if one.at >= border)
    exemplar = next(later, samples[0] if samples else tally.first)
    before = _between(seconds, start - middle, border - middle)
    late = _between(seconds, end - (end - border) / LATE_SHARE - middle, end)
    return _Counted(kind, seconds, tuple(samples), before, late, exemplar, min(tally.last, end))


def _when(example: Example) -> float:
    return example.at


def _between(seconds: Mapping[int, int], start: float, end: float) -> int:
    return sum(count for at, count in seconds.items() if start <= at < end)


def _silence(seconds: Mapping[int, int], end: float) -> float:
    """How long nothing has come, in seconds, if that is far longer than ever before; else 0."""
    longest = max((after - one for one, after in pairwise(seconds)), default=0)
    tail = end - max(seconds)
    return tail if tail > _LONG_SILENCE * longest else 0.0


def _traffic(counted: Sequence[_Counted], stretch: float) -> float:
    """How many times more the service's usual messages came than their calm rate; 1 with few of them.

    The middle one of all usual kinds: one kind that floods the log does not make the others look rare.
    """
    usual = [
        one.now / (one.before * stretch) for one in counted if one.before >= _ENOUGH_LINES and stretch > 0
    ]
    if len(usual) < _ENOUGH_KINDS:
        return 1.0
    return min(_MOST_TRAFFIC, max(1 / _MOST_TRAFFIC, median(usual)))


def _unseen(counted: Sequence[_Counted], stretch: float) -> float:
    """How many lines a message not seen before gives by chance: none, or, in a log of many stray ones, one.

    The share of lines that are of messages not seen yet is that of those seen once (Good-Turing).
    """
    once = sum(one.before == 1 for one in counted)
    return max(_LEAST_EXPECTED, stretch) if once * stretch >= _MANY_STRAYS else _LEAST_EXPECTED


@dataclass(frozen=True, slots=True)
class _Calm:
    """The calm part: its end and length, and where what is compared with it ends. Seconds."""

    border: float
    length: float
    end: float
    width: int

    @property
    def stretch(self) -> float:
        """How many times longer the part after it is."""
        return (self.end - self.border) / self.length


def _patterns(same: Sequence[_Counted], calm: _Calm) -> Iterator[Pattern]:
    """The messages of one service."""
    stretch = calm.stretch
    traffic, unseen = _traffic(same, stretch), _unseen(same, stretch)
    usual = usual_columns((sample for one in same for sample in one.samples), calm.border)
    for one in same:
        yield Pattern(
            service=one.kind.service,
            tokens=one.kind.template,
            codes=one.kind.codes,
            severity=one.kind.severity,
            exemplar=one.exemplar,
            before=one.before,
            now=one.now,
            expected=one.before * stretch,
            traffic=traffic,
            unseen=unseen,
            lately=(one.late, one.before * stretch / LATE_SHARE),
            missed=one.before / calm.length * _silence(one.seconds, calm.end),
            first=one.samples[0].at if one.samples else one.exemplar.at,
            last=one.last,
            seconds=one.seconds,
            width=calm.width,
            samples=one.samples,
            skew=skew_of(one.kind.template, one.samples, calm.border, usual),
        )


def _deviance(now: int, expected: float) -> float:
    expected = max(expected, _LEAST_EXPECTED)
    deviance = 2 * (now * log(now / expected) if now else 0.0) - 2 * (now - expected)
    return sqrt(max(deviance, 0.0)) * (1 if now >= expected else -1)
