"""A severity that changes: who is told, and how fast, follows it."""

from datetime import datetime

from steadyhand.journey.alert.severity import worse
from steadyhand.journey.commands import Command, Disarm, Record, Send, Unsend
from steadyhand.journey.incident.paging import LADDER, call, message, next_page, tell
from steadyhand.journey.incident.state import Incident, Outcome, SeverityChanged


def reduce(incident: Incident, event: SeverityChanged, now: datetime) -> Outcome:
    """What follows from another severity. Refused ones are recorded and change nothing."""
    if event.severity == incident.severity:
        return incident, ()
    why_not = objection(incident, event)
    record = _record(incident, event, why_not)
    if why_not:
        return incident, (record,)
    after = _graded(incident, event)
    if event.unheard and not incident.acked_by:
        return _before_anybody(after, record, now)
    if incident.acked_by:  # somebody has it: they are told, and nobody is woken
        return after, (record, *_shown(after, incident, event, now))
    if worse(event.severity, incident.severity):
        return _raised(after, incident, event, record, now)
    return after, (Disarm(kinds=LADDER), record, *_shown(after, incident, event, now), *next_page(after, now))


def objection(incident: Incident, event: SeverityChanged) -> str:
    """Why the severity stays as it is; empty when it may change.

    Once a page has left, what is measured may raise and never lower by itself; a model may lower anything but
    a person's own word.
    """
    raising = worse(event.severity, incident.severity)
    first_word = event.unheard and incident.severity_by == "system"
    found = (
        (incident.status == "resolved", "the incident is over"),
        (not event.why.strip(), "another severity needs a reason"),
        (event.kind == "system" and incident.severity_by == "human", "a person has set it"),
        (event.kind == "system" and not raising and not first_word, "a measurement does not lower it"),
        (event.kind == "agent" and not raising and incident.severity_by == "human", "a person has set it"),
    )
    return next((why for holds, why in found if holds), "")


def _record(incident: Incident, event: SeverityChanged, why_not: str) -> Record:
    body = {"from": incident.severity, "to": event.severity, "why": event.why}
    return Record(
        action="severity.refused" if why_not else "severity.changed",
        actor=event.by,
        actor_kind=event.kind,
        via=event.via,
        body=body | ({"refused": why_not} if why_not else {}),
    )


def _graded(incident: Incident, event: SeverityChanged) -> Incident:
    """Under the ladder of the new severity, from its first rung; a question that is open keeps its rules."""
    policy = incident.policy.model_copy(
        update={"ladder": event.policy.ladder, "treatment": event.policy.treatment}
    )
    return incident.model_copy(
        update={
            "severity": event.severity,
            "severity_why": f"{event.why} (by {event.by})",
            "severity_by": event.kind,
            "policy": policy,
            "rung": 0,
            "calls": incident.calls + 1,
        }
    )


def _before_anybody(after: Incident, record: Record, now: datetime) -> Outcome:
    """Nobody has heard of it: the pages of the new severity leave in place of those that wait."""
    firing = next((one.name for one in after.alerts if one.status == "firing"), "An alert")
    called, pages = call(after.model_copy(update={"told": (), "called": ()}), now, f"{firing} is firing.")
    return called, (Disarm(kinds=LADDER), Unsend(), record, *pages)


def _raised(
    after: Incident, before: Incident, event: SeverityChanged, record: Record, now: datetime
) -> Outcome:
    called, pages = call(after, now, f"Raised from {before.severity}: {event.why}")
    reached = {(one.channel, one.target) for one in pages if isinstance(one, Send)}
    others = (one for one in _shown(after, before, event, now) if (one.channel, one.target) not in reached)
    commands: tuple[Command, ...] = (Disarm(kinds=LADDER), Unsend(), record, *others, *pages)
    return called, commands


def _shown(after: Incident, before: Incident, event: SeverityChanged, now: datetime) -> tuple[Send, ...]:
    """Everybody told so far learns of it, and by whom; so does whom a graver one is for."""
    subject = f"{after.severity} {after.service}: was {before.severity}"
    body = f"{event.by} changed {before.severity} to {after.severity}: {event.why} Incident {after.id}."
    step = f"severity:{after.calls}"
    told = tell(before, step, subject, body)
    if not worse(after.severity, before.severity):
        return told
    ladder = after.policy.ladder
    first = (one.contacts[0] for one in ladder.reach(ladder.tier(0), after.severity, now))
    more = (message(after, step, way, subject, body) for way in first)
    return tuple({one.key: one for one in (*told, *more)}.values())
