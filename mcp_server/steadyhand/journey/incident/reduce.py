"""The table of transitions: `reduce(incident, event, now)` gives the new incident and its commands."""

from datetime import datetime
from typing import assert_never

from steadyhand.journey.commands import Record
from steadyhand.journey.incident import alerts, answers, consent, delivery, grading, handing, rollout, updates
from steadyhand.journey.incident.following import follow
from steadyhand.journey.incident.handing import still_held
from steadyhand.journey.incident.paging import hushed
from steadyhand.journey.incident.state import (
    Acknowledged,
    AlertsSeen,
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
    QuietLongEnough,
    QuietOver,
    Reassigned,
    RolloutEnded,
    RolloutMoved,
    RolloutStarted,
    SeverityChanged,
    ShiftsChanged,
    Snoozed,
    TierSilent,
    UpdateDue,
    UpdateWritten,
)

_CLOCKS = (TierSilent, ContactSilent, ApprovalSilent, QuietOver)


def reduce(incident: Incident, event: Event, now: datetime) -> Outcome:
    """What follows from an event, for the incident and for those around it.

    An event that comes too late changes nothing.
    """
    if incident.recovered_at is not None and isinstance(event, _CLOCKS):
        return incident, ()  # its alerts were over before this clock could be stopped
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
        case AlertsSeen() | QuietLongEnough():
            return alerts.reduce(incident, event, now)
        case SeverityChanged():
            return grading.reduce(incident, event, now)
        case Acknowledged() | TierSilent() | Escalated() | ClosedByHuman():
            return answers.reduce(incident, event, now)
        case Snoozed() | Reassigned() | QuietOver() | Delegated() | ShiftsChanged():
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
