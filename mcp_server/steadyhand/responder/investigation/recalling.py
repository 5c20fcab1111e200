"""Remembered incidents: judged by people, and recalled beside today's evidence."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from steadyhand.journey.commands import Record
from steadyhand.journey.diagnosis.model import Diagnosis
from steadyhand.journey.evidence.model import Page
from steadyhand.journey.memory.case import Case, Judgement
from steadyhand.journey.memory.recalibrate import recalibrated
from steadyhand.journey.memory.recall import Recalled, recall, records, refusals
from steadyhand.journey.memory.recall import Record as Track
from steadyhand.journey.remedy.plan import Plan
from steadyhand.responder.fixes.deciding import Refused
from steadyhand.responder.hiding import hidden
from steadyhand.responder.investigation.remembering import remember
from steadyhand.responder.outside import Outside
from steadyhand.responder.refusals import noted
from steadyhand.store import DocumentKind, Transaction

MOST_CASES = 2_000  # looked through for one recall: some megabytes, a fraction of a second
_TEXT = 500
_MOST_NO = 3
_RANKED: tuple[DocumentKind, ...] = ("diagnosis", "opinion")


def judge(outside: Outside, wanted: str, given: Judgement) -> Case:
    """A person says what it was, once it is over; the case follows. Raises Refused."""
    now = outside.clock.now()
    said = {"verdict": given.verdict, "hypothesis": given.hypothesis}
    deed = Record(action="incident.judged", actor=given.by, actor_kind="human", via=given.via, body=said)
    with noted(outside, wanted, deed), outside.ledger.write() as tx:
        incident = tx.incident(wanted)
        if incident is None:
            raise Refused(f"there is no incident {wanted}")
        if incident.status != "resolved":
            raise Refused(f"{wanted} is {incident.status}: it is judged once it is over")
        cause = hidden(tx, wanted, given.cause, _TEXT)
        judged = given.model_copy(update={"episode": incident.episode, "at": now, "cause": cause})
        _check(tx, wanted, judged)
        tx.put("judgement", outside.new_id("judge"), wanted, judged, now)
        remember(tx, incident)
        body = {"verdict": judged.verdict, "hypothesis": judged.hypothesis, "cause": judged.cause}
        tx.record(wanted, deed.model_copy(update={"body": body}), now)
        case = tx.case(wanted)
    assert case is not None, "it was just kept"
    return case


def _check(tx: Transaction, wanted: str, judged: Judgement) -> None:
    if judged.verdict == "other" and not judged.cause.strip():
        raise Refused("other needs the cause in your words")
    if judged.verdict != "confirmed":
        return
    both = (tx.latest("diagnosis", wanted, Diagnosis), tx.latest("opinion", wanted, Diagnosis))
    known = [one.id for diagnosis in both if diagnosis for one in diagnosis.hypotheses]
    if judged.hypothesis and judged.hypothesis not in known:
        raise Refused(
            f"{wanted} has no hypothesis {judged.hypothesis!r}; it has {', '.join(known) or 'none'}"
        )
    if not judged.hypothesis and (both[0] is None or both[0].best is None):
        raise Refused(f"nothing was named there to confirm; say other, and what it was ({', '.join(known)})")


class Remembered(NamedTuple):
    """What memory has for today's incident."""

    alike: tuple[Recalled, ...]
    track: tuple[Track, ...]
    searched: int


def find_similar(outside: Outside, wanted: str) -> Remembered:
    """Earlier incidents like this one. Raises Refused while it has no evidence.

    A case whose incident is open again teaches nothing until it is over and judged anew.
    """
    with outside.ledger.read() as tx:
        page = tx.latest("page", wanted, Page)
        if page is None:
            raise Refused(f"{wanted} has no evidence yet; wait for it, or check the id with list_incidents")
        cases = closed_cases(tx)
    found = recall(cases, page, outside.clock.now(), outside.rules.memory)
    classes = {one.case.fault_class for one in found}
    track = tuple(one for one in records(cases) if one.fault_class in classes)
    return Remembered(found, track, len(cases))


def closed_cases(tx: Transaction) -> Sequence[Case]:
    """The latest cases but for those of incidents that are open again."""
    cases = tx.cases(MOST_CASES)
    again = tx.open_among({one.incident for one in cases if one.incident})
    return [one for one in cases if one.incident not in again]


def said_no(tx: Transaction, diagnosis: Diagnosis | None, plan: Plan) -> tuple[str, ...]:
    """What engineers said when they refused this kind of fix for this kind of incident of this service."""
    named = diagnosis.hypotheses if diagnosis else ()
    cause = next((one.cause for one in named if one.id == plan.hypothesis), None)
    if cause is None:
        return ()
    return refusals(tx.cases(MOST_CASES), cause.fault_class, plan.service, plan.fix.action.kind)[:_MOST_NO]


def refused_before(outside: Outside, plan: Plan) -> tuple[str, ...]:
    """The same, of a plan of an incident of ours. Raises LedgerError."""
    with outside.ledger.read() as tx:
        both = (tx.latest(kind, plan.incident, Diagnosis) for kind in _RANKED)
        found = [text for one in both for text in said_no(tx, one, plan)]
    return tuple(dict.fromkeys(found))


def from_outcomes(outside: Outside, diagnosis: Diagnosis) -> Diagnosis:
    """The ranking held against what people confirmed of earlier ones. Raises LedgerError."""
    with outside.ledger.read() as tx:
        cases = tx.cases(MOST_CASES)
    return recalibrated(diagnosis, cases, outside.rules.memory.recalibrate_from)


def forget_old(outside: Outside, tx: Transaction, now: datetime) -> None:
    """Delete the cases that have had their time."""
    if outside.rules.memory.keep:
        tx.forget_cases(now - outside.rules.memory.keep)
