"""The table of transitions: `reduce(incident, event, now)` gives the new incident and its commands."""

from datetime import datetime
from typing import assert_never

from steadyhand.journey.commands import Arm, Record
from steadyhand.journey.incident import answers, consent, delivery, grading, handing, rollout, updates
from steadyhand.journey.incident.following import follow
from steadyhand.journey.incident.handing import still_held
from steadyhand.journey.incident.paging import call, hushed
from steadyhand.journey.incident.state import (
    Acknowledged,
    AlertSeen,
    ApprovalSilent,
    ClosedByHuman,
    ContactSilent,
    Decided,
    Delegated,
    Escalated,
    Event,
    Incident,
    Investigated,
    InvestigationFailed,
    MessageArrived,
    MessageFailed,
    Outcome,
    PlanChosen,
    QuietOver,
    Reassigned,
    RolloutEnded,
    RolloutMoved,
    RolloutStarted,
    SeverityChanged,
    Snoozed,
    TierSilent,
    UpdateDue,
    UpdateWritten,
)


def reduce(incident: Incident, event: Event, now: datetime) -> Outcome:
    """What follows from an event, for the incident and for those around it.

    An event that comes too late changes nothing.
    """
    moved, commands = hushed(still_held(event, _reduced(incident, event, now), now), now)
    after, more = follow(incident, moved, now)
    return after, (*commands, *_moved(incident, after, event), *more)


def _moved(before: Incident, after: Incident, event: Event) -> tuple[Record, ...]:
    """Every change of the status has a line of its own in the trail."""
    if before.status == after.status:
        return ()
    body = {"from": before.status, "to": after.status, "event": type(event).__name__}
    return (Record(action="incident.moved", body=body),)


def _reduced(incident: Incident, event: Event, now: datetime) -> Outcome:  # noqa: PLR0911 - a table
    match event:
        case AlertSeen():
            return _alert_seen(incident, event, now)
        case SeverityChanged():
            return grading.reduce(incident, event, now)
        case Acknowledged() | TierSilent() | Escalated() | ClosedByHuman():
            return answers.reduce(incident, event, now)
        case Snoozed() | Reassigned() | QuietOver() | Delegated():
            return handing.reduce(incident, event, now)
        case ContactSilent() | MessageFailed() | MessageArrived() | UpdateDue() | UpdateWritten():
            return _told(incident, event, now)
        case Investigated() | InvestigationFailed() | PlanChosen() | Decided() | ApprovalSilent():
            return consent.reduce(incident, event, now)
        case RolloutStarted() | RolloutMoved() | RolloutEnded():
            return rollout.reduce(incident, event, now)
        case _:
            assert_never(event)


def _told(incident: Incident, event: delivery.DeliveryEvent | updates.UpdateEvent, now: datetime) -> Outcome:
    match event:
        case UpdateDue() | UpdateWritten():
            return updates.reduce(incident, event, now)
        case _:
            return delivery.reduce(incident, event, now)


def _alert_seen(incident: Incident, event: AlertSeen, now: datetime) -> Outcome:
    """A repeat is counted and restarts no clock; a relapse of a resolved incident reopens it."""
    known = {one.dedup_key: one for one in incident.alerts}
    before = known.get(event.alert.dedup_key)
    known[event.alert.dedup_key] = event.alert
    again = before is not None and before.status == event.alert.status
    after = incident.model_copy(
        update={"alerts": tuple(known.values()), "repeats": incident.repeats + int(again)}
    )
    if incident.status == "resolved" and event.alert.status == "firing":
        # A monitor needs a while to see that it is over; until then it says again what it said before.
        old = again and event.alert.starts_at <= incident.milestones["resolved"]
        return (after, ()) if old else _reopened(after, event, now)
    if again:
        return after, ()
    facts = {"alert": event.alert.name, "status": event.alert.status}
    record = Record(action="alert.seen", body=facts)
    if before is None and incident.status == "needs_human" and not incident.plans:
        return _look_again(after, record, now)
    return after, (record,)


def _look_again(incident: Incident, record: Record, now: datetime) -> Outcome:
    """Something new fires and nothing is proposed yet: the evidence may say more now."""
    after = incident.model_copy(update={"status": "investigating", "note": "Reading the evidence again."})
    return after, (record, Arm(kind="investigate", key=f"{incident.id}:investigate", due_at=now))


def _reopened(incident: Incident, event: AlertSeen, now: datetime) -> Outcome:
    after = incident.model_copy(
        update={
            "status": "investigating",
            "acked_by": "",
            "acks": (),
            "told": (),
            "quiet_until": None,
            "snoozed": False,
            "episode": incident.episode + 1,
            "rung": 0,
            "note": f"Reopened: {event.alert.name} fires again.",
            "milestones": {name: at for name, at in incident.milestones.items() if name != "resolved"},
        }
    )
    called, pages = call(after, now, f"It is back: {event.alert.name} fires again after a fix.")
    return called, (
        Record(action="incident.reopened", body={"alert": event.alert.name}),
        *pages,
        Arm(kind="investigate", key=f"{incident.id}:investigate", due_at=now),
    )
