"""A validation check ran: its outcome becomes evidence, and moves the ranking by a stated rule."""

from collections.abc import Sequence
from datetime import datetime

from steadyhand.journey.commands import ActorKind, Record
from steadyhand.journey.diagnosis.checked import find_check, told, update
from steadyhand.journey.diagnosis.model import Diagnosis, Outcome
from steadyhand.journey.evidence.model import Item, Page
from steadyhand.responder.fixes.deciding import Refused
from steadyhand.responder.hiding import hidden
from steadyhand.responder.investigation.opinion import evidence_of, hold_to_engine
from steadyhand.responder.outside import Outside
from steadyhand.store import Transaction

_SEEN = 200


def record_checks(
    outside: Outside, wanted: str, outcomes: Sequence[Outcome], by: str, kind: ActorKind, via: str
) -> tuple[str, ...]:
    """Keep what checks showed, and rank anew; a line for each outcome. Raises Refused with every problem.

    Each outcome gets an id on the evidence page, which hypotheses may cite.
    """
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        page, engine = evidence_of(tx, wanted)
        problems = [text for one in outcomes if (text := _problem(one, engine, kind))]
        if problems:
            raise Refused("; ".join(problems))
        number = sum(one.kind == "check" for one in page.items)
        kept = [_kept(tx, wanted, one, by, number + index) for index, one in enumerate(outcomes, start=1)]
        after = update(engine, kept)
        lines = tuple(f"{one.evidence}: {told(one, engine, after)}" for one in kept)
        _store(outside, tx, wanted, _with_items(page, kept, engine), after, now)
        hold_to_engine(outside, tx, wanted, after, now)
        for outcome, line in zip(kept, lines, strict=True):
            body = {"check": outcome.check, "outcome": outcome.outcome, "seen": outcome.seen, "did": line}
            tx.record(
                wanted, Record(action="check.recorded", actor=by, actor_kind=kind, via=via, body=body), now
            )
        return lines


def _problem(outcome: Outcome, engine: Diagnosis, kind: ActorKind) -> str:
    """Why it cannot be taken, and what to do; empty if it can. A person's look is told by a person."""
    found = find_check(outcome, engine)
    if isinstance(found, str):
        return found
    if kind == "agent" and found.tool == "person":
        return (
            f"checked.check: {outcome.check!r} is no look of a tool; ask a person to look and to say it "
            "on the incident's page or by `steadyhand check`"
        )
    return ""


def _kept(tx: Transaction, wanted: str, outcome: Outcome, by: str, number: int) -> Outcome:
    seen = hidden(tx, wanted, outcome.seen, _SEEN)
    return outcome.model_copy(update={"seen": seen, "by": by, "evidence": f"k{number}"})


def _with_items(page: Page, kept: Sequence[Outcome], engine: Diagnosis) -> Page:
    """What was seen stands on the page under its own id, quoted: it is somebody's word."""
    entities = {one.id: one.cause.entity for one in engine.hypotheses}
    items = tuple(
        Item(
            id=one.evidence,
            kind="check",
            entity=entities[one.hypothesis],
            title=f'check {one.check!r} {one.outcome.replace("_", " ")}, says {one.by}: "{one.seen}"'[:300],
            facts={"check": one.check, "outcome": one.outcome, "by": one.by},
        )
        for one in kept
    )
    return page.model_copy(update={"items": (*page.items, *items)})


def _store(
    outside: Outside, tx: Transaction, wanted: str, page: Page, diagnosis: Diagnosis, now: datetime
) -> None:
    tx.put("page", outside.new_id("page"), wanted, page, now)
    tx.put("diagnosis", outside.new_id("diag"), wanted, diagnosis, now)
