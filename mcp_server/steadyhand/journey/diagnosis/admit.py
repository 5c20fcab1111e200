"""Whether hypotheses somebody submits may stand: they must rest on the page, in the right order."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import get_args

from steadyhand.journey.diagnosis.chain import links
from steadyhand.journey.diagnosis.model import Cause, Diagnosis, Hypothesis, ReadOnly
from steadyhand.journey.diagnosis.rule import DiagnosisRule
from steadyhand.journey.diagnosis.scene import Scene, ids, started, surely_before
from steadyhand.journey.evidence.model import Item, Page

_ROUNDING = 0.005
_NAMED = 3
_OURS = frozenset({"service", "database", "cache", "node"})


def check(hypotheses: Sequence[Hypothesis], scene: Scene, engine: Diagnosis) -> tuple[str, ...]:
    """What is wrong with them, each with its field and how to mend it; empty if all may stand.

    The engine's confidence in the same cause is the ceiling, after all checks that ran; for a cause the
    engine does not name it is the weight of "none of these", which all such causes share. All confidences
    together are at most 1, and no cause is named twice.
    """
    problems = [f"{one.id}: {text}" for one in hypotheses for text in _problems(one, scene, engine)]
    problems += [*_twice(hypotheses, engine), *_unnamed(hypotheses, engine)]
    total = sum(one.confidence for one in hypotheses)
    if total > 1 + _ROUNDING:
        problems.append(f"confidence: all add up to {total:.2f}; lower them until they add up to at most 1")
    return tuple(problems)


def _twice(hypotheses: Sequence[Hypothesis], engine: Diagnosis) -> Iterator[str]:
    """The same cause in two hypotheses would weigh more than it may in one.

    The engine may name one twice, by different facts: two indexes that a database lacks.
    """
    for place, one in enumerate(hypotheses):
        twins = [other for other in hypotheses[:place] if _same(one.cause, other.cause)]
        named = sum(_same(known.cause, one.cause) for known in engine.hypotheses)
        if len(twins) >= max(named, 1):
            yield f"{one.id}: the cause of {twins[-1].id} again; submit each cause once"


def _unnamed(hypotheses: Sequence[Hypothesis], engine: Diagnosis) -> Iterator[str]:
    known = [one.cause for one in engine.hypotheses]
    fresh = [one for one in hypotheses if not any(_same(one.cause, cause) for cause in known)]
    total = sum(one.confidence for one in fresh)
    if len(fresh) > 1 and total > engine.none_of_these + _ROUNDING:
        yield (
            f"confidence: causes the engine does not name weigh {total:.2f} together, above its "
            f'{engine.none_of_these:.2f} for "none of these"; lower {", ".join(one.id for one in fresh)}'
        )


def _problems(one: Hypothesis, scene: Scene, engine: Diagnosis) -> Iterator[str]:
    yield from _named(one, scene)
    yield from _citations(one, scene.page)
    yield from _change(one, scene.page, scene.rule)
    yield from _way(one, scene)
    yield from _order(one, scene.page, scene.rule)
    yield from _steps(one, scene)
    yield from _looks(one)
    yield from _confidence(one, engine)


def _named(one: Hypothesis, scene: Scene) -> Iterator[str]:
    """What runs here is known by name; what lies outside, or is no thing at all, may be new."""
    known = {name for item in scene.page.items for name in (item.entity, item.facts.get("target", ""))}
    known |= {service.name for service in scene.topology.services}
    if one.cause.entity_kind in _OURS and one.cause.entity not in known:
        yield (
            f"entity: nothing here is called {one.cause.entity!r}; name what get_topology or get_evidence "
            "names, or say by entity_kind that it lies outside (third_party)"
        )


def _citations(one: Hypothesis, page: Page) -> Iterator[str]:
    known = {item.id for item in page.items}
    for field, cited in _cited(one):
        for lost in sorted(set(cited) - known):
            yield f"{field}: evidence {lost!r} is not on the page; cite ids that get_evidence lists"
    if not one.supports:
        yield "supports: nothing supports it; cite at least one piece of evidence"
    for both in sorted(set(one.supports) & set(one.contradicts)):
        yield f"supports: {both!r} stands under contradicts too; leave it in one of them"


def _cited(one: Hypothesis) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "supports", one.supports
    yield "contradicts", one.contradicts
    yield "unexplained", one.unexplained
    for index, step in enumerate(one.path):
        yield f"path[{index}].evidence", step.evidence
    for index, other in enumerate(one.ruled_out):
        yield f"ruled_out[{index}].evidence", other.evidence


def _change(one: Hypothesis, page: Page, rule: DiagnosisRule) -> Iterator[str]:
    wanted = one.cause.change_id
    if wanted is None:
        return
    change = _find_change(wanted, page)
    if change is None:
        yield f"change_id: change {wanted!r} is not on the page; name a change it lists, or none"
        return
    began = started(change)
    if one.onset is None or began is None:
        yield f"change_id: the order of change {wanted!r} and the onset is not known; name no change"
    elif began > one.onset.hi + rule.clock_allowance:
        late = (began - one.onset.hi).total_seconds()
        yield f"change_id: change {wanted!r} began {late:.0f} s after the onset; name an earlier one or none"


def _find_change(wanted: str, page: Page) -> Item | None:
    changes = (item for item in page.items if item.role == "change")
    return next((item for item in changes if wanted == item.facts.get("change_id", item.id)), None)


def _way(one: Hypothesis, scene: Scene) -> Iterator[str]:
    service, suffers = scene.page.service, ids(scene.harm)
    if not one.path or one.path[-1].target != service:
        yield f"path: the path must end at {service!r}, the service that alerts; add the missing steps"
    elif suffers and not set(one.path[-1].evidence) & set(suffers):
        shown = ", ".join(suffers[:_NAMED])
        yield f"path[{len(one.path) - 1}].evidence: cite how {service!r} itself suffers, such as {shown}"
    begins = {one.cause.entity, one.cause.change_id, *_ends(one.cause)}
    first = one.path[0].source if one.path else one.cause.entity
    if first not in begins and _find_change(first, scene.page) is None:
        yield (
            f"path[0].source: the path begins at {first!r}; begin at the cause, "
            f"{one.cause.entity!r}, or at its change"
        )
    for index, (before, after) in enumerate(pairwise(one.path)):
        if before.target != after.source:
            yield f"path[{index + 1}].source: the path breaks after {before.target!r}; start there"


def _ends(cause: Cause) -> tuple[str, ...]:
    """Of a way between two services both ends, by either of which it may be named."""
    return tuple(cause.facts[key] for key in ("caller", "callee") if key in cause.facts)


def _steps(one: Hypothesis, scene: Scene) -> Iterator[str]:
    """A step whose effect surely came before its cause is none."""
    for index, link in enumerate(links(one, scene)):
        if link.order == "against":
            yield f"path[{index}]: {link.why}; no cause follows its effect, mend or leave out the step"


def _looks(one: Hypothesis) -> Iterator[str]:
    allowed = get_args(ReadOnly)
    for index, look in enumerate(one.checks):
        if look.tool is not None and look.tool not in allowed:
            yield f"checks[{index}].tool: {look.tool!r} is no read-only look; use one of {', '.join(allowed)}"


def _order(one: Hypothesis, page: Page, rule: DiagnosisRule) -> Iterator[str]:
    """An effect on the way that surely came before the onset must be owned up to."""
    if one.onset is None:
        return
    cited = {text for step in one.path for text in step.evidence} - set(one.contradicts)
    for item in page.items:
        if item.id in cited and item.role != "change" and surely_before(item, one.onset, rule):
            yield f"path: {item.id} began before the onset it is said to follow; list it under contradicts"


def _confidence(one: Hypothesis, engine: Diagnosis) -> Iterator[str]:
    ceiling = _ceiling(one, engine)
    if one.confidence > ceiling + _ROUNDING:
        yield (
            f"confidence: {one.confidence:.2f} is above the engine's {ceiling:.2f}; it may only be lowered, "
            "unless a check ran: report it under checked"
        )


def held_to(opinion: Diagnosis, engine: Diagnosis) -> Diagnosis:
    """What was admitted once, no surer than the engine is by now; a check may have lowered a cause since."""
    held = tuple(
        one.model_copy(update={"confidence": min(one.confidence, _ceiling(one, engine))})
        for one in opinion.hypotheses
    )
    rest = max(0.0, 1.0 - sum(one.confidence for one in held))
    return opinion.model_copy(update={"hypotheses": held, "none_of_these": rest}) if held else opinion


def _ceiling(one: Hypothesis, engine: Diagnosis) -> float:
    """The engine's confidence in the same cause, else its weight of none of these."""
    known = [each for each in engine.hypotheses if _same(each.cause, one.cause)]
    meant = [each for each in known if each.cause.facts == one.cause.facts] or known
    return meant[0].confidence if meant else engine.none_of_these


def _same(one: Cause, other: Cause) -> bool:
    return (one.entity, one.fault_class) == (other.entity, other.fault_class)
