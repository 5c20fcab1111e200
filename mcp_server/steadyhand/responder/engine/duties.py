"""What is done when a timer of each kind is due: the one table."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from steadyhand.journey.commands import TimerKind
from steadyhand.journey.incident.clocks import run_out
from steadyhand.journey.incident.state import (
    InvestigationFailed,
    QuietLongEnough,
    UpdateDue,
)
from steadyhand.responder.alerts.enrich import enrich
from steadyhand.responder.alerts.heartbeats import missed
from steadyhand.responder.alerts.intake import happen
from steadyhand.responder.alerts.silencing import calm_down, unsilence
from steadyhand.responder.engine.distress import nobody_reached
from steadyhand.responder.investigation.investigate import investigate
from steadyhand.responder.outside import Outside
from steadyhand.responder.people.handoffs import hand_off
from steadyhand.responder.people.mail import receipt_missing
from steadyhand.responder.rollouts.driving import drive
from steadyhand.store import Timer, Transaction

GiveUp = Callable[[Transaction, Timer, str, datetime], None]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens in the store alone, in one transaction with the end of its timer.

    `write(outside, tx, timer, now)` reads and writes through `tx`; it waits for nothing and nobody.
    """

    write: Callable[[Outside, Transaction, Timer, datetime], None]


@dataclass(frozen=True, slots=True)
class Work:
    """Something that takes time and speaks with the outside; it ends its timer itself with `tx.finish`.

    `give_up(tx, timer, why, now)` says in the store what it means that every try failed. Without it the
    timer is dead and pages a human, unless the work `never_dies`: then it is tried for ever.
    """

    run: Callable[[Outside, Timer], Awaitable[None]]
    give_up: GiveUp | None = None
    never_dies: bool = False


Duty = Step | Work


def _run_out(_outside: Outside, tx: Transaction, timer: Timer, now: datetime) -> None:
    event = run_out(timer.kind, timer.payload, timer.due_at)
    if event is not None:
        happen(tx, timer.incident, event, now)


def _not_investigated(tx: Transaction, timer: Timer, why: str, now: datetime) -> None:
    happen(tx, timer.incident, InvestigationFailed(why=why[:200]), now)


def _update_due(_outside: Outside, tx: Transaction, timer: Timer, now: datetime) -> None:
    happen(tx, timer.incident, UpdateDue(number=int(timer.payload["number"]), due_at=timer.due_at), now)


def _quiet_long_enough(_outside: Outside, tx: Transaction, timer: Timer, now: datetime) -> None:
    happen(tx, timer.incident, QuietLongEnough(), now)


DUTIES: Mapping[TimerKind, Duty] = {
    "investigate": Work(investigate, give_up=_not_investigated),
    "enrich": Work(enrich),
    "close": Step(_quiet_long_enough),
    "calm": Step(calm_down),
    "unsilence": Step(unsilence),
    "escalate": Step(_run_out),
    "reach": Step(_run_out),
    "help": Step(nobody_reached),
    "resume": Step(_run_out),
    "approval": Step(_run_out),
    "rollout": Work(drive, never_dies=True),
    "handoff": Step(hand_off),
    "update": Step(_update_due),
    "receipt": Step(receipt_missing),
    "heartbeat": Work(missed),
}
STEPS = frozenset(kind for kind, duty in DUTIES.items() if isinstance(duty, Step))
WORKS = frozenset(kind for kind, duty in DUTIES.items() if isinstance(duty, Work))
