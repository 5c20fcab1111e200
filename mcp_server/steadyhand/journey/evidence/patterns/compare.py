"""Kinds of messages, counted in the calm part of the window and after it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log, log2, sqrt
from statistics import median
from typing import Literal

from steadyhand.journey.evidence.model import Window
from steadyhand.journey.evidence.patterns.tally import Example, Kind, Tallies, Tally, compacted
from steadyhand.journey.evidence.patterns.template import Template, shown

_SURGE = 2.0
_ENOUGH_LINES = 20
_ENOUGH_KINDS = 5
_MOST_TRAFFIC = 8.0
_SEVERITY_RANK = {
    **dict.fromkeys(("fatal", "critical", "crit", "panic", "emerg", "emergency", "alert"), 4),
    **dict.fromkeys(("error", "err", "severe"), 3),
    **dict.fromkeys(("warning", "warn"), 2),
}
Change = Literal["new", "vanished", "surged", "dropped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One kind of message of one service, before and after.

    `expected` is what the calm part would give by the lengths of both; `traffic` how many times more
    the service's other messages came than that; `seconds` the counts by unix second, `width` seconds each.
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
    first: float
    last: float
    seconds: Mapping[int, int]
    width: int
    samples: tuple[Example, ...]

    @property
    def template(self) -> str:
        """The template as one reads it."""
        return shown(self.tokens)

    @property
    def rank(self) -> int:
        """4 fatal, 3 error, 2 warning, 1 all else."""
        return _SEVERITY_RANK.get(self.severity.lower(), 1)

    @property
    def _expectations(self) -> tuple[float, float]:
        return self.expected, self.expected * self.traffic

    @property
    def surprise(self) -> float:
        """Signed root of the Poisson deviance of the count now against what calm would have given.

        Of the two expectations, with and without traffic, the one that surprises less.
        """
        return min((_deviance(self.now, one) for one in self._expectations), key=abs)

    @property
    def change(self) -> Change | None:
        """How its count changed; None while it is as before."""
        if not self.before:
            return "new" if self.now else None
        if not self.now:
            return "vanished" if min(self._expectations) >= _ENOUGH_LINES else None
        ratios = [log2(self.now / one) for one in self._expectations]
        if min(ratios) >= _SURGE and self.now >= _ENOUGH_LINES:
            return "surged"
        return "dropped" if max(ratios) <= -_SURGE and min(self._expectations) >= _ENOUGH_LINES else None


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
    stretch = (window.end.timestamp() - border) / calm_s
    by_service: dict[str, list[_Counted]] = defaultdict(list)
    for kind, tally in compacted(tallies.kinds).items():
        if (one := _counted(kind, tally, window, border, tallies.width)) is not None:
            by_service[kind.service].append(one)
    found = [
        _pattern(one, stretch, traffic, tallies.width)
        for same in by_service.values()
        for traffic in [_traffic(same, stretch)]
        for one in same
    ]
    found.sort(key=lambda one: (one.first, one.service, one.template, one.codes, one.severity))
    lines = sum(one.before + one.now for one in found) + tallies.unclustered
    return Patterns(tuple(found), lines, tallies.unclustered, tuple(sorted(tallies.assumptions)))


@dataclass(frozen=True, slots=True)
class _Counted:
    kind: Kind
    seconds: Mapping[int, int]
    samples: tuple[Example, ...]
    before: int
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
    samples = sorted((one for one in tally.samples if start <= one.at < end), key=lambda one: one.at)
    later = (one for one in samples if one.at >= border)
    before = sum(count for at, count in seconds.items() if at + middle < border)
    exemplar = next(later, samples[0] if samples else tally.first)
    return _Counted(kind, seconds, tuple(samples), before, exemplar, min(tally.last, end))


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


def _pattern(one: _Counted, stretch: float, traffic: float, width: int) -> Pattern:
    return Pattern(
        service=one.kind.service,
        tokens=one.kind.template,
        codes=one.kind.codes,
        severity=one.kind.severity,
        exemplar=one.exemplar,
        before=one.before,
        now=one.now,
        expected=one.before * stretch,
        traffic=traffic,
        first=one.samples[0].at if one.samples else one.exemplar.at,
        last=one.last,
        seconds=one.seconds,
        width=width,
        samples=one.samples,
    )


def _deviance(now: int, expected: float) -> float:
    expected = max(expected, 0.5)
    deviance = 2 * (now * log(now / expected) if now else 0.0) - 2 * (now - expected)
    return sqrt(max(deviance, 0.0)) * (1 if now >= expected else -1)
