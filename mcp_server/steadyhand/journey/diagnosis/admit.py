"""Whether hypotheses somebody submits may stand: they must rest on the page, in the right order."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from steadyhand.journey.diagnosis.model import Cause, Diagnosis, Hypothesis
from steadyhand.journey.diagnosis.rule import DiagnosisRule
from steadyhand.journey.diagnosis.scene import started, surely_before
from steadyhand.journey.evidence.model import Item, Page

_ROUNDING = 0.005


def check(
    hypotheses: Sequence[Hypothesis], page: Page, engine: Diagnosis, rule: DiagnosisRule
) -> tuple[str, ...]:
    """What is wrong with them, each in words that say how to mend it; empty if all may stand.

    The engine's confidence in the same cause is the ceiling; for a cause the engine does not
    name it is the weight of "none of these". All confidences together are at most 1.
    """
    problems = [f"{one.id}: {text}" for one in hypotheses for text in _problems(one, page, engine, rule)]
    total = sum(one.confidence for one in hypotheses)
    if total > 1 + _ROUNDING:
        problems.append(f"all confidences add up to {total:.2f}; lower them until they add up to at most 1")
    return tuple(problems)


def _problems(one: Hypothesis, page: Page, engine: Diagnosis, rule: DiagnosisRule) -> Iterator[str]:
    yield from _citations(one, page)
    yield from _change(one, page, rule)
    yield from _way(one, page)
    yield from _order(one, page, rule)
    yield from _confidence(one, engine)


def _citations(one: Hypothesis, page: Page) -> Iterator[str]:
    known = {item.id for item in page.items}
    cited = {*one.supports, *one.contradicts}
    cited.update(text for step in one.path for text in step.evidence)
    cited.update(text for other in one.ruled_out for text in other.evidence)
    for lost in sorted(cited - known):
        yield f"evidence {lost!r} is not on the page; cite ids that get_evidence lists"
    if not one.supports:
        yield "nothing supports it; cite at least one piece of evidence"


def _change(one: Hypothesis, page: Page, rule: DiagnosisRule) -> Iterator[str]:
    wanted = one.cause.change_id
    if wanted is None:
        return
    change = _find_change(wanted, page)
    if change is None:
        yield f"change {wanted!r} is not on the page; name a change it lists, or none"
        return
    began = started(change)
    if one.onset is None or began is None:
        yield f"the order of change {wanted!r} and the onset is not known; give the onset or name no change"
    elif began > one.onset.hi + rule.clock_allowance:
        late = (began - one.onset.hi).total_seconds()
        yield f"change {wanted!r} began {late:.0f} s after the onset; name an earlier one or none"


def _find_change(wanted: str, page: Page) -> Item | None:
    changes = (item for item in page.items if item.role == "change")
    return next((item for item in changes if wanted == item.facts.get("change_id", item.id)), None)


def _way(one: Hypothesis, page: Page) -> Iterator[str]:
    if not one.path or one.path[-1].target != page.service:
        yield f"the path must end at {page.service!r}, the service that alerts; add the missing steps"
    for before, after in pairwise(one.path):
        if before.target != after.source:
            yield f"the path breaks after {before.target!r}; the next step must start there"


def _order(one: Hypothesis, page: Page, rule: DiagnosisRule) -> Iterator[str]:
    """An effect on the way that surely came before the onset must be owned up to."""
    if one.onset is None:
        return
    cited = {text for step in one.path for text in step.evidence} - set(one.contradicts)
    for item in page.items:
        if item.id in cited and item.role != "change" and surely_before(item, one.onset, rule):
            yield f"{item.id} began before the onset it is said to follow; move the onset or list it against"


def _confidence(one: Hypothesis, engine: Diagnosis) -> Iterator[str]:
    ceiling = next(
        (known.confidence for known in engine.hypotheses if _same(known.cause, one.cause)),
        engine.none_of_these,
    )
    if one.confidence > ceiling + _ROUNDING:
        yield f"confidence {one.confidence:.2f} is above the engine's {ceiling:.2f}; it may only be lowered"


def _same(one: Cause, other: Cause) -> bool:
    return (one.entity, one.fault_class) == (other.entity, other.fault_class)
