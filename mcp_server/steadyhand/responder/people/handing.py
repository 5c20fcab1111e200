"""What a person does so that it changes hands: snooze, give to somebody else, delegate a question."""

from datetime import timedelta

from steadyhand.journey.commands import Record
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.people import Reach
from steadyhand.journey.incident.state import Delegated, Incident, Reassigned, Snoozed
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rule import show_duration
from steadyhand.responder.alerts.intake import happen
from steadyhand.responder.fixes.deciding import Refused
from steadyhand.responder.outside import Outside
from steadyhand.responder.refusals import noted
from steadyhand.store import Person, Transaction

LONGEST_SNOOZE = timedelta(hours=24)


def snooze(outside: Outside, incident: str, by: str, via: str, span: timedelta) -> Incident:
    """Quiet for this long; then the same tier is told again. Raises UnknownIncident, Refused, LedgerError."""
    now = outside.clock.now()
    with noted(outside, incident, _deed("incident.snoozed", by, via, span=show_duration(span))):
        if not timedelta() < span <= LONGEST_SNOOZE:
            raise Refused(f"a snooze lasts at most {show_duration(LONGEST_SNOOZE)}, and longer than nothing")
        with outside.ledger.write() as tx:
            after = happen(tx, incident, Snoozed(by=by, via=via, until=now + span), now)
        return _still_open(after)


def reassign(outside: Outside, incident: str, by: str, via: str, to: str) -> Incident:
    """Give it to somebody, who is told now. Raises UnknownIncident, Refused, LedgerError."""
    now = outside.clock.now()
    with noted(outside, incident, _deed("incident.reassigned", by, via, to=to[:80])):
        with outside.ledger.write() as tx:
            found = tx.incident(incident)
            reach = _reach(outside, tx, to, found)
            after = happen(tx, incident, Reassigned(by=by, via=via, to=reach), now)
        return _still_open(after)


def _deed(action: str, by: str, via: str, **body: str) -> Record:
    return Record(action=action, actor=by, actor_kind="human", via=via, body=body)


def delegate(outside: Outside, person: Person, plan_id: str, to: str, via: str) -> Incident:
    """Hand the open question to another approver; its deadline stays. Raises Refused, LedgerError.

    Whoever hands it over must be allowed to answer, and so must the one who gets it. A refusal is recorded.
    """
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        plan = tx.get("plan", plan_id, Plan)
        incident = tx.incident(plan.incident) if plan else None
        why = _why_not(outside, tx, person, to, incident, plan_id)
        if incident is not None and not why:
            reach = _reach(outside, tx, to, incident)
            event = Delegated(plan=plan_id, by=person.name, via=via, to=reach)
            return happen(tx, incident.id, event, now)
        body = {"plan": plan_id[:80], "to": to[:80], "why": why}
        refused = Record(
            action="delegation.refused", actor=person.name, actor_kind="human", via=via, body=body
        )
        tx.record(incident.id if incident else "", refused, now)
    raise Refused(why)


def _why_not(
    outside: Outside, tx: Transaction, person: Person, to: str, incident: Incident | None, plan: str
) -> str:
    approvers = outside.rules.approval.approvers
    other = tx.person(to)
    able = ", ".join(one.name for one in tx.people() if one.role in approvers and one.name != person.name)
    open_question = incident is not None and incident.status == "awaiting_approval" and incident.plan == plan
    found = (
        (incident is None, "there is no such plan"),
        (not open_question, "this plan is not the one in question now"),
        (person.role not in approvers, f"{person.name} may not approve, so there is nothing to hand over"),
        (to == person.name, "it is with you already"),
        (
            other is None or other.role not in approvers,
            f"{to} may not approve; who may: {able or 'nobody else'}",
        ),
    )
    return next((why for holds, why in found if holds), "")


def _reach(outside: Outside, tx: Transaction, name: str, incident: Incident | None) -> Reach:
    """How this person is reached; one who signs in but has no rule sees it on the console. Raises Refused."""
    severity = incident.severity if incident else "SEV1"
    rule = next((one for one in outside.rules.people if one.name == name), None)
    reach = rule.reach(severity) if rule else None
    if reach is not None and reach.contacts:
        return reach
    if tx.person(name) is not None:
        return Reach(who=name, contacts=(Contact(type="console", target=name),))
    known = sorted({one.name for one in outside.rules.people} | {one.name for one in tx.people()})
    raise Refused(f"nobody here is called {name!r}; there are {', '.join(known) or 'none'}")


def _still_open(after: Incident) -> Incident:
    if after.status == "resolved":
        raise Refused(f"incident {after.id} is resolved")
    return after
