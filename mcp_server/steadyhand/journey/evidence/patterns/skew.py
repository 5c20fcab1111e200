"""Which value of which parameter is over-represented in a message now, and by how much."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from steadyhand.journey.evidence.patterns.compare import Pattern
from steadyhand.journey.evidence.patterns.masks import PUNCTUATION, VALUE
from steadyhand.journey.evidence.patterns.tally import Example
from steadyhand.journey.evidence.patterns.template import Template

_FEWEST = 5.0
_LEAST_SHARE = 0.5
_LEAST_RISE = 0.3
_LONGEST = 80
Shares = Mapping[str, Counter[str]]


@dataclass(frozen=True, slots=True)
class Skew:
    """One value's share of a message's lines now and of what it is compared with before, 0 to 1."""

    name: str
    value: str
    now: float
    before: float

    def __str__(self) -> str:
        return f"{self.name}={self.value} {100 * self.now:.0f} % (was {100 * self.before:.0f} %)"


def usual_columns(patterns: Iterable[Pattern], border: float) -> Mapping[str, Shares]:
    """How often each value stands in each column of each service's lines before `border`."""
    out: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for one in patterns:
        _count(
            out[one.service],
            (
                (name, value, e.weight)
                for e in one.samples
                if e.at < border
                for name, value in e.fields.items()
            ),
        )
    return out


def skew_of(pattern: Pattern, border: float, usual: Shares) -> Skew | None:
    """The value that most gained: over the same message before, for a new one over all lines' columns.

    A gain of less than 30 points, or a value in less than half of the lines, is none.
    """
    now = _shares(pattern.tokens, (one for one in pattern.samples if one.at >= border))
    before = _shares(pattern.tokens, (one for one in pattern.samples if one.at < border))
    if not pattern.before:
        before = {name: values for name, values in usual.items() if name in now}
    found = [one for name in now if name in before for one in _gains(name, now[name], before[name])]
    return max(found, key=lambda one: (one.now - one.before, one.name), default=None)


def _gains(name: str, now: Counter[str], before: Counter[str]) -> Iterator[Skew]:
    many_now, many_before = now.total(), before.total()
    if min(many_now, many_before) < _FEWEST:
        return
    for value, count in now.most_common(3):
        one = Skew(name, value, count / many_now, before[value] / many_before)
        if one.now >= _LEAST_SHARE and one.now - one.before >= _LEAST_RISE:
            yield one


def _shares(template: Template, examples: Iterable[Example]) -> dict[str, Counter[str]]:
    out: dict[str, Counter[str]] = defaultdict(Counter)
    for one in examples:
        values = (*one.fields.items(), *_parameters(template, one.text))
        _count(out, ((name, value, one.weight) for name, value in values))
    return out


def _count(out: dict[str, Counter[str]], values: Iterable[tuple[str, str, float]]) -> None:
    for name, value, weight in values:
        out[name][value[:_LONGEST]] += round(weight)


def _parameters(template: Template, text: str) -> Iterator[tuple[str, str]]:
    """The values in a template's line, each named by the word before it; none where it reads otherwise."""
    found: list[tuple[str, str]] = []
    at, word, open_name = 0, "", ""
    for token in template:
        if token == VALUE:
            open_name = word or "first"
            continue
        start = text.find(token, at)
        if start < 0:
            return
        if open_name:
            found.append((open_name, text[at:start].strip()))
            open_name = ""
        at = start + len(token)
        word = word if token in PUNCTUATION else token
    if open_name:
        found.append((open_name, text[at:].strip()))
    yield from found
