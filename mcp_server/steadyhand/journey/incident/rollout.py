"""Transitions while a fix is on its way."""

from datetime import datetime
from typing import assert_never

from steadyhand.journey.commands import Command, Disarm, Record, Unsend
from steadyhand.journey.incident.paging import EVERY, page, tell
from steadyhand.journey.incident.state import (
    Incident,
    Outcome,
    RolloutEnded,
    RolloutMoved,
    RolloutStarted,
)

RolloutEvent = RolloutStarted | RolloutMoved | RolloutEnded


def reduce(incident: Incident, event: RolloutEvent, now: datetime) -> Outcome:
    """What follows from a rollout's progress."""
    match event:
        case RolloutStarted():
            return _started(incident, event, now)
        case RolloutMoved():
            return _moved(incident, event, now)
        case RolloutEnded():
            return _ended(incident, event, now)
        case _:
            assert_never(event)


def _started(incident: Incident, event: RolloutStarted, now: datetime) -> Outcome:
    after = incident.model_copy(
        update={
            "rollout": event.rollout,
            "attempts": incident.attempts + 1,
            "milestones": {**incident.milestones, "rollout_started": now},
        }
    )
    return after, (Record(action="rollout.started", body={"rollout": event.rollout}),)


def _moved(incident: Incident, event: RolloutMoved, now: datetime) -> Outcome:
    out = {"fully_out": now} if event.phase == "verifying" else {}
    after = incident.model_copy(update={"note": event.note, "milestones": {**incident.milestones, **out}})
    body = {"rollout": event.rollout, "phase": event.phase, "note": event.note}
    record = Record(action="rollout.moved", body=body)
    return after, (record, *_ask(after, event)) if event.phase == "asking" else (record,)


def _ask(incident: Incident, event: RolloutMoved) -> tuple[Command, ...]:
    """The judge could prove nothing: whoever has it decides, or silence brings it back."""
    subject = f"{incident.severity} {incident.service}: no proof either way. Your word?"
    return tell(incident, f"asking:{event.rollout}:{event.note[:40]}", subject, event.note)


def _ended(incident: Incident, event: RolloutEnded, now: datetime) -> Outcome:
    body = {"rollout": event.rollout, "outcome": event.outcome, "reason": event.reason}
    record = Record(action="rollout.ended", body=body)
    if incident.status != "rolling_out":
        return incident, (record,)
    if event.outcome == "verified":
        return _resolved(incident, event, now, record)
    after = incident.model_copy(update={"status": "needs_human", "note": event.reason})
    if event.outcome == "stuck":
        return after, (record, *page(after, f"The rollout is STUCK. {event.reason}", event.rollout))
    subject = f"{incident.severity} {incident.service}: the fix was taken back"
    return after, (record, *tell(after, f"reverted:{event.rollout}", subject, event.reason))


def _resolved(incident: Incident, event: RolloutEnded, now: datetime, record: Record) -> Outcome:
    after = incident.model_copy(
        update={
            "status": "resolved",
            "note": event.reason,
            "milestones": {**incident.milestones, "resolved": now},
        }
    )
    return after, (
        Disarm(kinds=EVERY),
        Unsend(),
        record,
        Record(action="incident.resolved", body={"reason": event.reason}),
    )
