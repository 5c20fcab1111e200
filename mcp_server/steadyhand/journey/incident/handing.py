"""Transitions by which it changes hands: snoozed, given to somebody else, taken up again after silence."""

from datetime import datetime, timedelta
from typing import assert_never

from steadyhand.journey.commands import Arm, Disarm, Record, Unsend
from steadyhand.journey.incident.answers import looked_at
from steadyhand.journey.incident.paging import (
    LADDER,
    call,
    message,
    next_page,
    page,
    patience,
    with_called,
)
from steadyhand.journey.incident.state import (
    Acknowledged,
    Decided,
    Delegated,
    Escalated,
    Event,
    Incident,
    Outcome,
    PlanChosen,
    QuietOver,
    Reassigned,
    ShiftsChanged,
    Snoozed,
)

_LOOK_AGAIN = timedelta(minutes=5)
HandingEvent = Snoozed | Reassigned | QuietOver | Delegated | ShiftsChanged


def reduce(incident: Incident, event: HandingEvent, now: datetime) -> Outcome:
    """What follows when it changes hands."""
    match event:
        case Snoozed():
            return _snoozed(incident, event, now)
        case Reassigned():
            return _reassigned(incident, event, now)
        case QuietOver():
            return _quiet_over(incident, now)
        case Delegated():
            return _delegated(incident, event)
        case ShiftsChanged():
            return _shifts_changed(incident, event)
        case _:
            assert_never(event)


def _snoozed(incident: Incident, event: Snoozed, now: datetime) -> Outcome:
    if incident.status == "resolved" or event.until <= now:
        return incident, ()
    update = {
        "acked_by": incident.acked_by or event.by,
        "quiet_until": event.until,
        "snoozed": True,
    }
    body = {"until": event.until.isoformat(timespec="seconds")}
    record = Record(action="incident.snoozed", actor=event.by, actor_kind="human", via=event.via, body=body)
    after = incident.model_copy(update=update)
    seen = looked_at(incident, event.by)
    return after, (Disarm(kinds=LADDER), Unsend(), *seen, _resume(after, event.until), record)


def _resume(incident: Incident, at: datetime) -> Arm:
    return Arm(kind="resume", key=f"{incident.id}:resume", due_at=at)


def _reassigned(incident: Incident, event: Reassigned, now: datetime) -> Outcome:
    """The one it is given to is told now and has the rung's time; who takes it for themselves has it."""
    if incident.status == "resolved":
        return incident, ()
    taken = event.to.who == event.by
    record = Record(
        action="incident.reassigned",
        actor=event.by,
        actor_kind="human",
        via=event.via,
        body={"to": event.to.who},
    )
    quiet = (Disarm(kinds=(*LADDER, "resume")), Unsend(), record)
    after = with_called(_fresh(incident, event.by if taken else ""), (event.to,), ())
    if taken:
        return after, quiet
    why = f"{event.by} gives it to {event.to.who}."
    return after, (*quiet, *page(after, why), *patience(after, now), *next_page(after, now))


def _fresh(incident: Incident, acked_by: str = "") -> Incident:
    """Nobody's yet, and called anew: its pages are other pages than those before."""
    update = {
        "acked_by": acked_by,
        "acks": (),
        "calls": incident.calls + 1,
        "quiet_until": None,
        "snoozed": False,
    }
    return incident.model_copy(update=update)


def _quiet_over(incident: Incident, now: datetime) -> Outcome:
    """Back to the rung where it was; nothing that is on its way is disturbed."""
    until = incident.quiet_until
    if incident.status == "resolved" or not incident.acked_by or until is None or now < until:
        return incident, ()
    if incident.status == "rolling_out":
        return _put_off(incident, now + (incident.policy.ladder.unack_after or _LOOK_AGAIN))
    why = (
        f"The snooze of {incident.acked_by} is over."
        if incident.snoozed
        else f"Nothing was heard of {incident.acked_by}, who has it."
    )
    record = Record(action="incident.unacknowledged", body={"why": why})
    after, commands = call(_fresh(incident), now, why)
    return after, (record, *commands)


def _put_off(incident: Incident, until: datetime) -> Outcome:
    after = incident.model_copy(update={"quiet_until": until})
    return after, (_resume(after, until),)


def _delegated(incident: Incident, event: Delegated) -> Outcome:
    if incident.status != "awaiting_approval" or event.plan != incident.plan:
        return incident, ()
    told = incident.told if event.to in incident.told else (*incident.told, event.to)
    after = incident.model_copy(update={"delegate": event.to.who, "told": told})
    body = {"plan": event.plan, "to": event.to.who}
    record = Record(action="approval.delegated", actor=event.by, actor_kind="human", via=event.via, body=body)
    subject = f"{incident.severity} {incident.service}: {event.by} asks you for a yes or no"
    text = f"Plan {event.plan} waits for your answer; its deadline stays. Incident {incident.id}."
    step = f"delegated:{event.plan}:{event.to.who}"
    return after, (record, *(message(after, step, way, subject, text) for way in event.to.contacts[:1]))


def _shifts_changed(incident: Incident, event: ShiftsChanged) -> Outcome:
    """Whoever is told from now on follows the changed shifts; who was told stays told.

    A shift that changes hands is a deed of a person, no edited configuration: a running incident obeys it.
    """
    ladder = incident.policy.ladder
    if all(one.name != event.schedule for one in ladder.schedules):
        return incident, ()
    known = {one.name for one in ladder.people}
    update = {
        "people": (*ladder.people, *(one for one in event.people if one.name not in known)),
        "schedules": tuple(
            one.model_copy(update={"changes": event.changes}) if one.name == event.schedule else one
            for one in ladder.schedules
        ),
    }
    policy = incident.policy.model_copy(update={"ladder": ladder.model_copy(update=update)})
    body = {"schedule": event.schedule, "what": event.what}
    record = Record(action="schedule.changed", actor=event.by, actor_kind="human", via=event.via, body=body)
    return incident.model_copy(update={"policy": policy}), (record,)


def still_held(event: Event, outcome: Outcome, now: datetime) -> Outcome:
    """Whatever a person does says that somebody is at it: the answer's time begins anew."""
    after, commands = outcome
    if not _by_a_person(event) or not after.acked_by or after.snoozed or after.status == "resolved":
        return outcome
    lasts = after.policy.ladder.unack_after
    if lasts is None:
        return outcome
    held, more = _put_off(after, now + lasts)
    return held, (*commands, *more)


def _by_a_person(event: Event) -> bool:
    match event:
        case Acknowledged() | Reassigned() | Delegated():
            return True
        case Decided():
            return event.decision.by != "policy"
        case Escalated() | PlanChosen():
            return event.by not in ("model", "steadyhand")
        case _:
            return False
