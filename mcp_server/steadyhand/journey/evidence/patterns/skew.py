"""Which value of which parameter is over-represented in a message now, by how much, and since when."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import log, sqrt
from statistics import fmean

from steadyhand.journey.evidence.patterns.masks import PUNCTUATION, VALUE
from steadyhand.journey.evidence.patterns.tally import Example
from steadyhand.journey.evidence.patterns.template import Template

_FEWEST = 5
_NO_BURST = 20  # lines since; one user at work gives a few in a row
_LEAST_SHARE = 0.5
_LEAST_RISE = 0.3
_WORTH_A_LOOK = 0.2  # a part of what is now may be as before
_LONGEST = 80
_MOST_VALUES = 3
_PARTS = (0.0, 0.5, 0.75)
_CONFIDENCE = 3.7  # covers a change point in 95 of 100 (Siegmund, Int. Statistical Review 56, 1988)
Shares = Mapping[str, Counter[str]]


@dataclass(frozen=True, slots=True)
class Skew:
    """One value's share of a message's lines now and of what it is compared with before, 0 to 1.

    `sigmas`: how surely they differ, by the number of lines looked at (two-proportion z). `at`: when the
    value took over, in unix seconds, surely between `lo` and `hi`.
    """

    name: str
    value: str
    now: float
    before: float
    sigmas: float
    lo: float
    at: float
    hi: float

    def __str__(self) -> str:
        return f"{self.name}={self.value} {100 * self.now:.0f} % (was {100 * self.before:.0f} %)"


def usual_columns(examples: Iterable[Example], border: float) -> Shares:
    """How often each value stands in each column of these lines before `border`."""
    return _shares(one.fields.items() for one in examples if one.at < border)


def skew_of(template: Template, examples: Sequence[Example], border: float, usual: Shares) -> Skew | None:
    """The value that most surely gained: over the same message before, for a new one over `usual` columns.

    `examples` are in order of time, evenly picked. What is now is all since its share changed. A gain of less
    than 30 points, or a value in less than half of the lines, is none.
    """
    read = [(one.at, dict(_values(template, one))) for one in examples]
    calm = _shares(values.items() for at, values in read if at < border)
    end = read[-1][0] if read else border
    starts = [border + (end - border) * share for share in _PARTS]
    likely = {pair for start in starts if (pair := _likely(read, start, calm or usual)) is not None}
    found = [one for name, value in likely if (one := _skew(read, name, value, border, calm or usual))]
    return max(found, key=lambda one: (one.sigmas, one.name, one.value), default=None)


def _likely(
    read: Sequence[tuple[float, Mapping[str, str]]], start: float, before: Shares
) -> tuple[str, str] | None:
    """The column and the value that gained most from `start` on, be it for a part of that only."""
    now = _shares(values.items() for at, values in read if at >= start)
    gains = [
        (gain, name, value)
        for name in now
        if name in before
        for gain, value in _gains(now[name], before[name])
    ]
    return max(gains)[1:] if gains else None


def _gains(now: Counter[str], before: Counter[str]) -> Iterator[tuple[float, str]]:
    if min(now.total(), before.total()) < _FEWEST:
        return
    for value, count in now.most_common(_MOST_VALUES):
        gain = count / now.total() - before[value] / before.total()
        if gain >= _WORTH_A_LOOK:
            yield gain, value


def _skew(
    read: Sequence[tuple[float, Mapping[str, str]]], name: str, value: str, border: float, before: Shares
) -> Skew | None:
    """How much this value gained since its share changed, against all the lines before."""
    seen = [(at, values[name] == value) for at, values in read if name in values]
    lo, at, hi = _since(seen)
    now = [hit for when, hit in seen if when >= max(at, border)]
    share, was = fmean(now) if now else 0.0, before[name][value] / before[name].total()
    later = sum(when >= border for when, _ in seen)
    enough = max(_FEWEST, min(_NO_BURST, later // 4))
    if len(now) < enough or share < _LEAST_SHARE or share - was < _LEAST_RISE:
        return None
    earlier = [hit for when, hit in seen if when < max(at, border)]
    others = (fmean(earlier), len(earlier)) if earlier else (was, before[name].total())
    return Skew(name, value, share, was, _sigmas(share, len(now), *others), lo, at, hi)


def _sigmas(now: float, many_now: int, before: float, many_before: int) -> float:
    both = (now * many_now + before * many_before + 1) / (many_now + many_before + 2)
    return (now - before) / sqrt(both * (1 - both) * (1 / many_now + 1 / many_before))


def _since(seen: Sequence[tuple[float, bool]]) -> tuple[float, float, float]:
    """When the value's share changed: earliest, likeliest and latest (likelihood interval of 95 %)."""
    hits = [0, *accumulate(int(hit) for _, hit in seen)]
    size, total = len(seen), hits[-1]
    fits = [_likelihood(hits[k], k) + _likelihood(total - hits[k], size - k) for k in range(size)]
    best = max(range(size), key=fits.__getitem__)
    near = [k for k in range(size) if fits[k] >= fits[best] - _CONFIDENCE]
    return seen[max(0, near[0] - 1)][0], seen[best][0], seen[near[-1]][0]


def _likelihood(hits: int, size: int) -> float:
    """The log-likelihood of `hits` of `size` under their own share."""
    return sum(part * log(part / size) for part in (hits, size - hits) if part)


def _shares(lines: Iterable[Iterable[tuple[str, str]]]) -> dict[str, Counter[str]]:
    out: dict[str, Counter[str]] = defaultdict(Counter)
    for values in lines:
        for name, value in values:
            out[name][value[:_LONGEST]] += 1
    return out


def _values(template: Template, example: Example) -> Iterator[tuple[str, str]]:
    """Columns and parameters of one line; a parameter is named by the word before it."""
    yield from ((name, value[:_LONGEST]) for name, value in example.fields.items())
    found: list[tuple[str, str]] = []
    at, word, open_name = 0, "", ""
    for token in template:
        if token == VALUE:
            open_name = word or "first"
            continue
        start = example.text.find(token, at)
        if start < 0:
            return
        if open_name:
            found.append((open_name, example.text[at:start].strip()[:_LONGEST]))
            open_name = ""
        at = start + len(token)
        word = word if token in PUNCTUATION else token
    if open_name:
        found.append((open_name, example.text[at:].strip()[:_LONGEST]))
    yield from found
