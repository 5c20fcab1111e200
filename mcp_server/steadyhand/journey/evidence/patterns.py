"""Log lines become templates, counted in the calm part and after it."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log, log2, sqrt
from typing import Literal

from steadyhand.journey.evidence.merge import merged
from steadyhand.journey.evidence.model import LogLine, Window
from steadyhand.journey.evidence.wildcard import Template, shown, template_of

_WITHOUT_DIGITS = str.maketrans("", "", "0123456789")
_LONGEST = 1_000
_CODE_FIELDS = ("status", "status_code", "code", "sqlstate", "exit_code", "errno")
_REASON_FIELDS = ("error", "err", "exception", "exc_info", "reason", "cause")
_CODE = re.compile(
    r"""\b(?:status(?:_code)?|code|sqlstate|errno|exit(?:ed\ with)?(?:\ code)?)"""
    r"""["']?\s*[=:\ ]\s*["']?(\d[0-9A-Z]{0,4})\b"""
    r"""|HTTP/\d(?:\.\d)?"\s(\d{3})\b""",
    re.IGNORECASE | re.VERBOSE,
)
_SURGE = 2.0
_ENOUGH_LINES = 20
_SEVERITY_RANK = {
    "fatal": 4,
    "critical": 4,
    "panic": 4,
    "emerg": 4,
    "error": 3,
    "err": 3,
    "warning": 2,
    "warn": 2,
}

Key = tuple[str, str, str]
Kind = Literal["new", "vanished", "surged", "dropped"]


@dataclass(slots=True)
class _Tally:
    """What is kept of all lines that share a key: their times and the first one."""

    exemplar: LogLine
    text: str
    times: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One kind of message of one service, before and after."""

    service: str
    template: str
    codes: str
    severity: str
    exemplar: LogLine
    text: str
    before: int
    now: int
    expected: float
    times: tuple[float, ...]

    @property
    def rank(self) -> int:
        """4 fatal, 3 error, 2 warning, 1 all else."""
        return _SEVERITY_RANK.get(self.severity.lower(), 1)

    @property
    def surprise(self) -> float:
        """Signed root of the Poisson deviance of the count now against what calm would have given."""
        expected = max(self.expected, 0.5)
        deviance = 2 * (self.now * log(self.now / expected) if self.now else 0.0) - 2 * (self.now - expected)
        return sqrt(max(deviance, 0.0)) * (1 if self.now >= expected else -1)

    @property
    def change(self) -> Kind | None:
        """How its count changed; None while it is as before."""
        if not self.before:
            return "new" if self.now else None
        if not self.now:
            return "vanished" if self.expected >= _ENOUGH_LINES else None
        ratio = log2(self.now / self.expected)
        if ratio >= _SURGE and self.now >= _ENOUGH_LINES:
            return "surged"
        return "dropped" if ratio <= -_SURGE and self.expected >= _ENOUGH_LINES else None


@dataclass(frozen=True, slots=True)
class Patterns:
    """All kinds of messages, and how many lines were beyond the budget."""

    found: tuple[Pattern, ...]
    lines: int
    unclustered: int


def compare(lines: Sequence[LogLine], window: Window, baseline: Window, budget: int) -> Patterns:
    """Count every kind of message in the calm part of the window and after it.

    At most `budget` distinct keys are kept; memory follows them and the lines' times. Counts before
    are scaled by the lengths of the two parts.
    """
    inside = [one for one in lines if window.start <= one.at < window.end]
    tallies, unclustered = _tallied(inside, budget)
    border = baseline.end.timestamp()
    calm_s = max(1e-3, baseline.length.total_seconds())
    stretch = (window.end.timestamp() - border) / calm_s
    found = [
        _pattern(service, codes, template, same, border, stretch)
        for (service, codes), by_template in _clustered(tallies).items()
        for template, same in by_template.items()
    ]
    found.sort(key=lambda one: (one.times[0], one.service, one.template))
    return Patterns(tuple(found), len(inside), unclustered)


def _tallied(lines: Sequence[LogLine], budget: int) -> tuple[dict[Key, _Tally], int]:
    tallies: dict[Key, _Tally] = {}
    unclustered = 0
    for line in lines:
        text = _text(line)
        key = (line.service, _codes(line, text), text.translate(_WITHOUT_DIGITS))
        tally = tallies.get(key)
        if tally is None:
            if len(tallies) >= budget:
                unclustered += 1
                continue
            tally = tallies[key] = _Tally(line, text)
        tally.times.append(line.at.timestamp())
    return tallies, unclustered


def _text(line: LogLine) -> str:
    """The message with the error it carries, so that two errors are not one message."""
    reasons = [line.fields[name] for name in _REASON_FIELDS if line.fields.get(name)]
    fresh = [one for one in reasons if one not in line.message]
    return ": ".join([line.message, *fresh])[:_LONGEST]


def _codes(line: LogLine, text: str) -> str:
    """Status, exit and SQLSTATE codes, which digit deletion would make equal."""
    given = [f"{name}={line.fields[name]}" for name in _CODE_FIELDS if line.fields.get(name)]
    match = _CODE.search(text)
    if match is not None and not given:
        given.append(f"code={match[1] or match[2]}")
    return " ".join(given)[:60]


def _clustered(tallies: dict[Key, _Tally]) -> dict[tuple[str, str], dict[Template, list[_Tally]]]:
    by_group: dict[tuple[str, str], dict[Template, list[_Tally]]] = defaultdict(lambda: defaultdict(list))
    for (service, codes, _), tally in tallies.items():
        by_group[service, codes][template_of(tally.text)].append(tally)
    out: dict[tuple[str, str], dict[Template, list[_Tally]]] = {}
    for group, by_template in by_group.items():
        home = merged(by_template)
        wider: dict[Template, list[_Tally]] = defaultdict(list)
        for template, same in by_template.items():
            wider[home[template]].extend(same)
        out[group] = wider
    return out


def _pattern(
    service: str, codes: str, template: Template, same: Sequence[_Tally], border: float, stretch: float
) -> Pattern:
    times = sorted(at for one in same for at in one.times)
    before = sum(at < border for at in times)
    first = next((one for one in same if one.exemplar.at.timestamp() >= border), same[0])
    return Pattern(
        service=service,
        template=shown(template),
        codes=codes,
        severity=first.exemplar.severity,
        exemplar=first.exemplar,
        text=first.text,
        before=before,
        now=len(times) - before,
        expected=before * stretch,
        times=tuple(times),
    )
