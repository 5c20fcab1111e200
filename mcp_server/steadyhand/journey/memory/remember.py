"""From a closed incident and its documents to the case that is remembered."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from steadyhand.journey.diagnosis.model import Diagnosis, Hypothesis
from steadyhand.journey.evidence.model import Item, Page
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.memory.case import Case, Judgement, RejectedFix, Sign, Signature, Worked
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rollout.state import Rollout

_MOST = 20  # of each kind: the strongest tell, the rest is noise
_MEASURED = frozenset({"metric", "database"})
_HELD: dict[str, Worked] = {"verified": "yes", "reverted": "no", "stuck": "no"}


class Papers(NamedTuple):
    """What the store holds of one closed incident."""

    incident: Incident
    page: Page | None = None
    diagnosis: Diagnosis | None = None
    opinion: Diagnosis | None = None
    plan: Plan | None = None
    rollout: Rollout | None = None
    rejected: Sequence[RejectedFix] = ()
    judgement: Judgement | None = None


def case_of(papers: Papers) -> Case:
    """The case of a closed incident. Without a judgement of its last end it says what it looked like only."""
    incident, judged = papers.incident, papers.judgement
    if judged is not None and judged.episode != incident.episode:
        judged = None
    first = papers.diagnosis.best if papers.diagnosis else None
    meant = _meant(papers, judged)
    return Case(
        id=incident.id,
        incident=incident.id,
        service=incident.service,
        title=incident.title[:300],
        at=incident.opened_at,
        signature=signature_of(papers.page) if papers.page else Signature(),
        verdict=judged.verdict if judged else "unjudged",
        fault_class=meant.cause.fault_class if meant else (judged.fault_class if judged else ""),
        entity=meant.cause.entity if meant else "",
        cause=meant.claim if meant else (judged.cause if judged else ""),
        remediation=meant.remediation if meant else "none",
        fix=papers.plan.fix.title if papers.plan and papers.rollout else "",
        action=papers.plan.fix.action.kind if papers.plan and papers.rollout else "",
        worked=_worked(papers, judged),
        rejected=tuple(papers.rejected),
        suspected=first.cause.fault_class if first else "",
        confidence=_untouched(first, papers.diagnosis),
        right=_right(first, meant, judged),
    )


def _meant(papers: Papers, judged: Judgement | None) -> Hypothesis | None:
    """The hypothesis a person confirmed; the engine's first where they named none."""
    if judged is None or judged.verdict != "confirmed" or papers.diagnosis is None:
        return None
    if not judged.hypothesis:
        return papers.diagnosis.best
    both = (papers.diagnosis, papers.opinion)
    every = [one for diagnosis in both if diagnosis for one in diagnosis.hypotheses]
    return next((one for one in every if one.id == judged.hypothesis), None)


def _untouched(first: Hypothesis | None, diagnosis: Diagnosis | None) -> float | None:
    """What the engine said before any check moved it; that is what outcomes are compared with."""
    if first is None or diagnosis is None:
        return None
    return diagnosis.before.get(first.id, first.confidence)


def _right(first: Hypothesis | None, meant: Hypothesis | None, judged: Judgement | None) -> bool | None:
    if first is None or judged is None or judged.verdict == "unknown":
        return None
    return meant is not None and (meant.cause.entity, meant.cause.fault_class) == (
        first.cause.entity,
        first.cause.fault_class,
    )


def _worked(papers: Papers, judged: Judgement | None) -> Worked:
    """A person's word, else what was measured; a fix after which it came back did not work."""
    if judged is not None and judged.worked is not None:
        return judged.worked
    return _HELD.get(papers.rollout.phase, "unknown") if papers.rollout else "unknown"


def signature_of(page: Page) -> Signature:
    """What a page looks like, to be compared with others: its strongest messages and signals."""
    moved = [one for one in page.items if one.direction != "none"]
    logs = _strongest(one for one in moved if one.kind == "log")
    signals = _strongest(one for one in moved if one.kind in _MEASURED)
    return Signature(
        templates=tuple(one.facts.get("template", one.title)[:300] for one in logs),
        signs=tuple(sign_of(one) for one in signals),
        order=roles_in_order(page),
        entities=tuple(sorted({page.service, *(one.entity for one in moved)})),
    )


def sign_of(item: Item) -> Sign:
    """The item as a sign."""
    named = item.facts.get("metric", item.facts.get("table", ""))
    return Sign(role=item.role, direction=item.direction, metric=named, entity=item.entity)


def roles_in_order(page: Page) -> tuple[str, ...]:
    """The roles on the page by their first onset."""
    dated = sorted((one.onset.at, one.role) for one in page.items if one.onset)
    return tuple(dict.fromkeys(role for _, role in dated))


def _strongest(items: Iterable[Item]) -> list[Item]:
    return sorted(items, key=lambda one: (-one.strength, one.id))[:_MOST]
