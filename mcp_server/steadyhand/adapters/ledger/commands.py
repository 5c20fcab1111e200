"""Commands of the journey, carried out as rows of the open transaction."""

import json
from datetime import datetime
from functools import cache
from typing import assert_never

from sqlalchemy import Insert, update

from steadyhand.adapters.ledger import outbox
from steadyhand.adapters.ledger import schema as s
from steadyhand.adapters.ledger.batch import Batch
from steadyhand.adapters.ledger.engine import insert, to_ms
from steadyhand.adapters.ledger.schema import is_state
from steadyhand.adapters.ledger.trail import SqlTrail
from steadyhand.journey.approval.consent import Decision
from steadyhand.journey.commands import (
    Arm,
    Command,
    Consent,
    Disarm,
    FollowUp,
    LookedAt,
    Record,
    Send,
    Unsend,
)
from steadyhand.journey.incident.state import Incident
from steadyhand.store import Message, told


def carry_out(db: Batch, trail: SqlTrail, incident: Incident, command: Command, now: datetime) -> None:
    """Write what one command asks for."""
    match command:
        case Arm():
            arm_timer(db, incident.id, command)
        case Disarm():
            _disarm(db, incident.id, command)
        case Send() | FollowUp() | Unsend() | LookedAt():
            for action, one in _message(db, incident.id, command, now):
                trail.record(incident.id, told(action, one), now)
        case Consent():
            keep_decision(db, incident.id, command.decision)
        case Record():
            trail.record(incident.id, command, now)
        case _:
            assert_never(command)


def _message(
    db: Batch, incident: str, command: Send | FollowUp | Unsend | LookedAt, now: datetime
) -> list[tuple[str, Message]]:
    """Carry it out; what became of messages by it, each to be told in the trail."""
    match command:
        case Send():
            outbox.send(db, incident, command, now)
            return []
        case FollowUp():
            return [("message.taken_back", one) for one in outbox.follow_up(db, incident, command, now)]
        case Unsend():
            return [("message.taken_back", one) for one in outbox.unsend(db, incident, command)]
        case LookedAt():
            return [("message.seen", one) for one in outbox.looked_at(db, incident, command)]
        case _:
            assert_never(command)


def arm_timer(db: Batch, incident: str, command: Arm) -> None:
    """Arm a timer, or move it; whoever holds its lease loses it."""
    values = {
        "key": command.key,
        "incident": incident or None,
        "kind": command.kind,
        "state": "armed",
        "due_at": to_ms(command.due_at),
        "owner": None,
        "epoch": 0,
        "lease_until": None,
        "attempts": 0,
        "payload": json.dumps(command.payload),
    }
    db.later(_arming(db.dialect), values)


@cache
def _arming(dialect: str) -> Insert:
    row = insert(dialect, s.timer)
    moved = ("kind", "state", "due_at", "owner", "lease_until", "attempts", "payload")
    again = {**{name: row.excluded[name] for name in moved}, "epoch": s.timer.c.epoch + 1}
    return row.on_conflict_do_update(index_elements=["key"], set_=again)


def keep_decision(db: Batch, incident: str, decision: Decision) -> None:
    """Store a decision about a plan; the first one stands."""
    row = insert(db.dialect, s.decision).values(
        plan=decision.plan, incident=incident, state=decision.model_dump_json()
    )
    db.execute(row.on_conflict_do_nothing())


def _disarm(db: Batch, incident: str, command: Disarm) -> None:
    armed = (s.timer.c.incident == incident) & is_state(s.timer, "armed") & s.timer.c.kind.in_(command.kinds)
    db.execute(update(s.timer).where(armed).values(state="cancelled"))
