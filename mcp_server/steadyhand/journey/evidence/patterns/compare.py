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
        counted = _counted(kind, tally, border, tallies.width)
        by_service[kind.service].append(counted)
    found = [
        _pattern(one, stretch, traffic, tallies.width)
        for same in by_service.values()
        for traffic in [_traffic(same, stretch)]
        for one in same
    ]
    found.sort(key=lambda one: (one.first, one.service, one.template, one.codes, one.severity))
    return Patterns(tuple(found), tallies.lines, tallies.unclustered, tuple(sorted(tallies.assumptions)))


@dataclass(frozen=True, slots=True)
class _Counted:
    kind: Kind
    tally: Tally
    before: int
    now: int
    exemplar: Example


def _counted(kind: Kind, tally: Tally, border: float, width: int) -> _Counted:
    before = sum(count for second, count in tally.seconds.items() if second + width / 2 < border)
    later = [one for one in tally.samples if one.at >= border]
    exemplar = min(later, key=lambda one: one.at) if later else tally.first
    return _Counted(kind, tally, before, tally.seconds.total() - before, exemplar)


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
        first=one.tally.first.at,
        last=one.tally.last,
        seconds=dict(sorted(one.tally.seconds.items())),
        width=width,
        samples=tuple(sorted(one.tally.samples, key=lambda sample: sample.at)),
    )


def _deviance(now: int, expected: float) -> float:
    expected = max(expected, 0.5)
    deviance = 2 * (now * log(now / expected) if now else 0.0) - 2 * (now - expected)
    return sqrt(max(deviance, 0.0)) * (1 if now >= expected else -1)
