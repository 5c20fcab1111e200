"""Earlier incidents that looked like today's: how alike, in which parts, how old, and with what record.

Similarity is the weighted share of the parts that agree, messages and signals 0.35 each, order and
participants 0.15 each, over the parts either side has. It is no confidence in a cause and never becomes one:
the record of what people confirmed stands beside it. An old case counts less, by half for each half-life.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import Field

from steadyhand.journey.evidence.model import Item, Page
from steadyhand.journey.memory.case import Case, RejectedFix, Sign
from steadyhand.journey.memory.remember import sign_of, signature_of
from steadyhand.journey.memory.rule import MemoryRule
from steadyhand.journey.rule import Share, Value

_WEIGHTS = {"messages": 0.35, "signals": 0.35, "order": 0.15, "participants": 0.15}
_ALIKE = 0.6  # shared words of two messages: numbers and names differ, the sentence does not
_DAY_S = 86_400.0


class Part(Value):
    """One part of a signature beside today's: what of it is there again, and what is not."""

    name: str
    share: Share
    same: tuple[str, ...] = Field(default=(), description="With the evidence of today that shows it.")
    missing: tuple[str, ...] = ()


class Recalled(Value):
    """An earlier incident beside today's."""

    case: Case
    similarity: Share
    age_days: float
    weight: Share = Field(description="Similarity, less for age: what it is ranked by.")
    parts: tuple[Part, ...]


class Record(Value):
    """What people confirmed of one fault class, and how its fixes did."""

    fault_class: str
    confirmed: int
    worked: int
    failed: int


class _Found(NamedTuple):
    text: str
    evidence: tuple[str, ...]


def recall(cases: Iterable[Case], page: Page, now: datetime, rule: MemoryRule) -> tuple[Recalled, ...]:
    """The cases most like this page, best first. One nobody judged, or judged unknown, teaches nothing."""
    found = [compare(one, page, now, rule) for one in cases if one.counts and one.incident != page.incident]
    alike = [one for one in found if one.similarity >= rule.least]
    return tuple(sorted(alike, key=lambda one: (-one.weight, one.case.id))[: rule.most])


def compare(case: Case, page: Page, now: datetime, rule: MemoryRule) -> Recalled:
    """One case beside today's evidence, part by part."""
    parts = tuple(one for one in _parts(case, page) if one is not None)
    whole = sum(_WEIGHTS[one.name] for one in parts)
    similarity = sum(_WEIGHTS[one.name] * one.share for one in parts) / whole if whole else 0.0
    age = max((now - case.at).total_seconds(), 0.0)
    weight = similarity * 0.5 ** (age / rule.half_life.total_seconds())
    return Recalled(
        case=case,
        similarity=min(similarity, 1.0),
        age_days=age / _DAY_S,
        weight=min(weight, 1.0),
        parts=parts,
    )


def records(cases: Iterable[Case]) -> tuple[Record, ...]:
    """What people confirmed, by fault class; a fix that was rejected never ran and counts nowhere."""
    judged = [one for one in cases if one.counts and one.fault_class]
    return tuple(
        Record(
            fault_class=name,
            confirmed=len(same),
            worked=sum(one.worked == "yes" for one in same),
            failed=sum(one.worked == "no" for one in same),
        )
        for name in sorted({one.fault_class for one in judged})
        if (same := [one for one in judged if one.fault_class == name])
    )


def refusals(cases: Iterable[Case], fault_class: str, service: str, action: str) -> tuple[str, ...]:
    """What engineers said when they refused this kind of fix for this kind of incident, newest first."""
    alike = sorted(
        (one for one in cases if _kind(one) == fault_class and one.service == service),
        key=lambda one: one.at,
        reverse=True,
    )
    return tuple(_refused(one, no) for one in alike for no in one.rejected if no.action == action)


def _kind(case: Case) -> str:
    """Judged class, else what it was taken for when the fix was refused."""
    return case.fault_class or case.suspected


def _refused(case: Case, no: RejectedFix) -> str:
    return f"{case.id} ({case.at:%Y-%m-%d}): {no.title!r} was rejected: {no.reason or 'no reason given'!r}"


def _parts(case: Case, page: Page) -> Iterable[Part | None]:
    then, today = case.signature, signature_of(page)
    messages = [(one, _word_set(one.facts.get("template", ""))) for one in page.items if one.kind == "log"]
    yield _part(
        "messages", then.templates, len(today.templates), [_message(one, messages) for one in then.templates]
    )
    moved = [one for one in page.items if one.direction != "none"]
    names = [one.words for one in then.signs]
    yield _part("signals", names, len(today.signs), [_signal(one, moved) for one in then.signs])
    yield _order(then.order, today.order)
    both = set(then.entities) & set(today.entities)
    seen = [_Found(one, ()) if one in both else None for one in then.entities]
    yield _part("participants", then.entities, len(today.entities), seen)


def _part(name: str, then: Sequence[str], today: int, seen: Sequence[_Found | None]) -> Part | None:
    """Shared over all of both (Jaccard); None where neither side has any."""
    found = [one for one in seen if one is not None]
    union = len(then) + today - len(found)
    if not then and not today:
        return None
    return Part(
        name=name,
        share=min(len(found) / union, 1.0) if union else 0.0,
        same=tuple(_cite(one) for one in found),
        missing=tuple(text for text, one in zip(then, seen, strict=True) if one is None),
    )


def _cite(found: _Found) -> str:
    return f"{found.text[:80]} [{' '.join(found.evidence)}]" if found.evidence else found.text[:80]


def _message(template: str, today: Sequence[tuple[Item, frozenset[str]]]) -> _Found | None:
    words = _word_set(template)
    ids = tuple(item.id for item, others in today if _jaccard(words, others) >= _ALIKE)
    return _Found(template, ids) if ids else None


def _signal(sign: Sign, today: Sequence[Item]) -> _Found | None:
    ids = tuple(one.id for one in today if _same(sign, sign_of(one)))
    return _Found(sign.words, ids) if ids else None


def _same(then: Sign, today: Sign) -> bool:
    """Of the same metric and way; where a case names no metric, as an imported one, of the same role."""
    named = not then.metric or then.metric == today.metric
    return (then.role, then.direction) == (today.role, today.direction) and named


def _order(then: Sequence[str], today: Sequence[str]) -> Part | None:
    """Share of the pairs of roles both sides have that came in the same order."""
    common = [one for one in then if one in today]
    pairs = [(a, b) for index, a in enumerate(common) for b in common[index + 1 :]]
    if not then or not today:
        return None
    kept = [(a, b) for a, b in pairs if today.index(a) < today.index(b)]
    turned = tuple(f"{a} before {b}" for a, b in pairs if (a, b) not in kept)
    same = (" > ".join(common),) if kept and not turned else ()
    return Part(name="order", share=len(kept) / len(pairs) if pairs else 0.0, same=same, missing=turned)


def _word_set(text: str) -> frozenset[str]:
    return frozenset(one for one in re.split(r"[^a-z]+", text.lower()) if len(one) > 1)


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    union = one | other
    return len(one & other) / len(union) if union else 0.0
