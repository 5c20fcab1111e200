"""Reads and writes inside one transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, select, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.exc import IntegrityError

from steadyhand.adapters.ledger import outbox, retention
from steadyhand.adapters.ledger import schema as s
from steadyhand.adapters.ledger.alerts import AlertRows
from steadyhand.adapters.ledger.batch import Batch
from steadyhand.adapters.ledger.cases import MemoryRows
from steadyhand.adapters.ledger.commands import arm_timer, carry_out, keep_decision
from steadyhand.adapters.ledger.engine import from_ms, insert, to_ms
from steadyhand.adapters.ledger.posts import PostRows
from steadyhand.adapters.ledger.reading import incident_of, person_of, state_hash
from steadyhand.adapters.ledger.rings import RingRows
from steadyhand.adapters.ledger.schema import is_state
from steadyhand.adapters.ledger.shifts import ShiftRows
from steadyhand.adapters.ledger.timers import TimerRows
from steadyhand.adapters.ledger.told import ToldRows
from steadyhand.adapters.ledger.trail import SqlTrail
from steadyhand.adapters.ledger.vault import SqlVault
from steadyhand.adapters.ledger.vault_key import VaultKey
from steadyhand.journey.alert.heartbeat import Pulse
from steadyhand.journey.approval.consent import Decision
from steadyhand.journey.audit.entry import Entry
from steadyhand.journey.commands import Arm, Command, Record, Send
from steadyhand.journey.evidence.model import Change, Window
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.incident.versions import MACHINE
from steadyhand.journey.rollout.state import OVER, Rollout
from steadyhand.ports import LedgerError
from steadyhand.store import Arrival, Body, DocumentKind, Ending, Message, Person


class SqlTransaction(AlertRows, PostRows, MemoryRows, RingRows, ShiftRows, TimerRows, ToldRows):
    """One open transaction; made by `SqlLedger.write` and `SqlLedger.read`."""

    def __init__(self, connection: Connection, key: VaultKey | None = None) -> None:
        self._db = Batch(connection)
        self._foreseen: dict[str, tuple[str, int]] = {}
        self._states: dict[str, str] = {}
        self._held: set[tuple[str, int]] = set()
        self.vault = SqlVault(self._db, key)
        self.audit = SqlTrail(self._db, self.vault)

    def flush(self) -> None:
        """Send what waits to be written. Raises LedgerError if an incident was changed meanwhile."""
        self._db.flush()

    # incidents

    def incident(self, wanted: str) -> Incident | None:
        """The incident of this id. Raises NewerRelease."""
        row = self._foreseen.pop(wanted, None)
        return self._known(row or self._db.execute(_INCIDENT, {"wanted": wanted}).one_or_none())

    def foresee(self, wanted: Collection[str]) -> None:
        """Read these incidents at once: each will be asked for, and changed by nobody else until then."""
        self.audit.foresee(wanted)
        columns = s.incident.c.id, s.incident.c.state, s.incident.c.machine
        rows = self._db.execute(select(*columns).where(s.incident.c.id.in_(sorted(set(wanted)))))
        self._foreseen = {name: (state, machine) for name, state, machine in rows}

    def incidents(self, limit: int, *, open_first: bool = False) -> Sequence[Incident]:
        """The latest incidents, newest first, but for those that only a newer release can read."""
        readable = select(s.incident.c.state, s.incident.c.machine).where(s.incident.c.machine <= MACHINE)
        over = case((s.incident.c.status == "resolved", 1), else_=0)
        ordered = readable.order_by(over) if open_first else readable
        newest = ordered.order_by(s.incident.c.opened_at.desc(), s.incident.c.id.desc())
        rows = self._db.execute(newest.limit(limit))
        return [found for row in rows if (found := incident_of(row))]

    def save(self, incident: Incident, commands: Sequence[Command], now: datetime) -> Incident:
        """Write the incident and carry out the commands.

        If it was changed meanwhile this, a later question or the end of the block raises LedgerError.
        """
        after = incident.model_copy(update={"version": incident.version + 1})
        self._foreseen.pop(after.id, None)
        resolved = after.milestones.get("resolved")
        state = after.model_dump_json()
        values = {
            "version": after.version,
            "status": after.status,
            "service": after.service,
            "resolved_at": to_ms(resolved) if resolved else None,
            "state": state,
            "machine": MACHINE,
        }
        if incident.version == 0:
            opened = {"id": after.id, "opened_at": to_ms(after.opened_at), **values}
            self._db.later(_OPEN, opened, leads=True)
        else:
            self._db.later(_SAVE, {"same": after.id, "before": incident.version, **values})
        changed = {"before_hash": self._state_hash(incident), "after_hash": state_hash(state)}
        self._states[after.id] = state
        for command in commands:
            one = command.model_copy(update=changed) if isinstance(command, Record) else command
            carry_out(self._db, self.audit, after, one, now)
        return after

    def _state_hash(self, before: Incident) -> str:
        """Of the state as it is stored; empty for an incident that opens now."""
        if before.version and before.id not in self._states:
            self.incident(before.id)
        return state_hash(self._states.get(before.id, ""))

    def arm(self, incident: str, arm: Arm) -> None:
        """Arm a timer, or move it; it may belong to no incident ("")."""
        arm_timer(self._db, incident, arm)

    def disarm(self, key: str) -> None:
        """Let the timer of this key be; nothing happens when there is none that waits."""
        waiting = (s.timer.c.key == key) & is_state(s.timer, "armed")
        self._db.execute(update(s.timer).where(waiting).values(state="cancelled"))

    def send(self, incident: str, message: Send, now: datetime) -> None:
        """Put a message into the outbox; it may belong to no incident ("")."""
        outbox.send(self._db, incident, message, now)

    def record(self, incident: str, record: Record, now: datetime) -> None:
        """Add a line to the audit trail."""
        self.audit.record(incident, record, now)

    # documents

    def put(self, kind: DocumentKind, key: str, incident: str, body: Body, now: datetime) -> None:
        """Write a document, or write it anew."""
        values = {"incident": incident, "at": to_ms(now), "body": body.model_dump_json()}
        row = insert(self._db.dialect, s.document).values(kind=kind, id=key, **values)
        self._db.execute(row.on_conflict_do_update(index_elements=["kind", "id"], set_=values))

    def get(self, kind: DocumentKind, key: str, as_type: type[Body]) -> Body | None:
        """The document of this kind and key."""
        one = select(s.document.c.body).where(s.document.c.kind == kind, s.document.c.id == key)
        return self._as(one, as_type)

    def latest(self, kind: DocumentKind, incident: str, as_type: type[Body]) -> Body | None:
        """The newest document of this kind in an incident."""
        newest = (
            select(s.document.c.body)
            .where(s.document.c.kind == kind, s.document.c.incident == incident)
            .order_by(s.document.c.at.desc(), s.document.c.id.desc())
            .limit(1)
        )
        return self._as(newest, as_type)

    def _as(self, query: Select[str], as_type: type[Body]) -> Body | None:
        found = self._db.execute(query).scalar()
        return as_type.model_validate_json(found) if found else None

    # decisions

    def decide(self, incident: str, decision: Decision) -> Decision:
        """Store the decision, or return the one that was first."""
        keep_decision(self._db, incident, decision)
        first = self.decision(decision.plan)
        assert first is not None, "a decision just written can be read"
        return first

    def decision(self, plan: str) -> Decision | None:
        """What was decided about a plan."""
        row = self._db.execute(select(s.decision).where(s.decision.c.plan == plan)).one_or_none()
        if row is None:
            return None
        decision = Decision.model_validate_json(row.state)
        return decision.model_copy(update={"used_at": from_ms(row.used_at)}) if row.used_at else decision

    def use_decision(self, plan: str, now: datetime) -> bool:
        """Mark it used; False if it was used before."""
        unused = (s.decision.c.plan == plan) & s.decision.c.used_at.is_(None)
        done = self._db.execute(update(s.decision).where(unused).values(used_at=to_ms(now)))
        return done.rowcount == 1

    # rollouts

    def rollout(self, wanted: str) -> Rollout | None:
        """The rollout of this id."""
        found = self._db.execute(select(s.rollout.c.state).where(s.rollout.c.id == wanted)).scalar()
        return Rollout.model_validate_json(found) if found else None

    def running_on(self, service: str) -> Rollout | None:
        """The rollout that is under way on a service or database."""
        running = (s.rollout.c.service == service) & (s.rollout.c.running == 1)
        found = self._db.execute(select(s.rollout.c.state).where(running)).scalar()
        return Rollout.model_validate_json(found) if found else None

    def save_rollout(self, rollout: Rollout) -> None:
        """Write a rollout. Raises LedgerError when another one moves the same thing."""
        values = {
            "incident": rollout.incident,
            "service": rollout.plan.fix.moves,
            "running": int(rollout.phase not in OVER),
            "state": rollout.model_dump_json(),
        }
        row = insert(self._db.dialect, s.rollout).values(id=rollout.id, **values)
        self._db.flush()
        try:
            self._db.execute(row.on_conflict_do_update(index_elements=["id"], set_=values))
        except IntegrityError as error:
            raise LedgerError(f"another rollout runs on {rollout.plan.fix.moves}") from error

    # changes

    def keep_change(self, change: Change) -> None:
        """Write a change, or what is known of it by now."""
        values = {
            "service": change.service,
            "started_at": to_ms(change.started_at),
            "body": change.model_dump_json(),
        }
        row = insert(self._db.dialect, s.change).values(id=change.id, **values)
        self._db.execute(row.on_conflict_do_update(index_elements=["id"], set_=values))

    def change(self, wanted: str) -> Change | None:
        """The change of this id."""
        found = self._db.execute(select(s.change.c.body).where(s.change.c.id == wanted)).scalar()
        return Change.model_validate_json(found) if found else None

    def changes(self, services: Sequence[str], window: Window) -> Sequence[Change]:
        """Changes to these services (all, if none is named) that began in the window, oldest first."""
        began = s.change.c.started_at
        query = select(s.change.c.body).where(began >= to_ms(window.start), began < to_ms(window.end))
        if services:
            query = query.where(s.change.c.service.in_(services))
        rows = self._db.execute(query.order_by(began)).scalars()
        return [Change.model_validate_json(one) for one in rows]

    # people

    def person(self, name: str) -> Person | None:
        """The person of this name."""
        row = self._db.execute(select(s.person).where(s.person.c.name == name)).one_or_none()
        return person_of(row) if row else None

    def people(self) -> Sequence[Person]:
        """Everybody who can sign in."""
        return [person_of(one) for one in self._db.execute(select(s.person).order_by(s.person.c.name))]

    def save_person(self, person: Person) -> None:
        """Write a person, or write them anew."""
        values = {
            "role": person.role,
            "pin_hash": person.pin_hash,
            "wrong": person.wrong,
            "locked_until": to_ms(person.locked_until),
        }
        row = insert(self._db.dialect, s.person).values(name=person.name, **values)
        self._db.execute(row.on_conflict_do_update(index_elements=["name"], set_=values))
        self.audit.forget_accounts()

    # heartbeats

    def pulse(self, name: str) -> Pulse | None:
        """What is known of a monitor."""
        row = self._db.execute(select(s.heartbeat).where(s.heartbeat.c.name == name)).one_or_none()
        if row is None:
            return None
        seen, missed = (None if one is None else from_ms(one) for one in (row.seen_at, row.missed_at))
        return Pulse(name=row.name, seen_at=seen, missed_at=missed)

    def save_pulse(self, pulse: Pulse) -> None:
        """Write what is known of a monitor."""
        times = {"seen_at": pulse.seen_at, "missed_at": pulse.missed_at}
        values = {name: None if at is None else to_ms(at) for name, at in times.items()}
        row = insert(self._db.dialect, s.heartbeat).values(name=pulse.name, **values)
        self._db.execute(row.on_conflict_do_update(index_elements=["name"], set_=values))

    # what happened

    def trail(self, incident: str = "") -> Sequence[Entry]:
        """The audit trail, whole or of one incident, oldest first."""
        return self.audit.entries(incident)

    # messages

    def sent(self, message: Message, receipt: str) -> bool:
        """The channel took it. False when somebody else has it by now."""
        if (message.key, message.attempts) not in self._held:
            self.foresee_ends([message])
        held = (message.key, message.attempts) in self._held
        if held:
            self._held.discard((message.key, message.attempts))
            outbox.sent(self._db, message, receipt)
        return held

    def foresee_ends(self, messages: Sequence[Message]) -> None:
        """Look at once which of these messages this process still holds: their ends are written next."""
        self._held |= outbox.held(self._db, messages)
        self.audit.foresee([one.incident for one in messages])

    def unsent(
        self, message: Message, why: str, again_at: datetime | None, *, ending: Ending, lost: bool
    ) -> bool:
        """The channel did not take it. False when somebody else has it by now."""
        return outbox.unsent(self._db, message, why, again_at, ending=ending, lost=lost)

    def hold(self, message: Message, until: datetime) -> None:
        """It must wait until an instant, and this was no try."""
        outbox.hold(self._db, message, until)

    def companions(self, message: Message) -> Sequence[Message]:
        """Other messages that left together with this one."""
        return outbox.companions(self._db, message)

    def arrived(self, key: str, how: Arrival) -> Message | None:
        """Its receiver says what became of it. None when that is no news."""
        return outbox.arrived(self._db, key, how)

    def message(self, key: str) -> tuple[Message, str] | None:
        """A message and its state."""
        return outbox.message(self._db, key)

    # what has had its time

    def closed(self, before: datetime, most: int) -> Sequence[str]:
        """Incidents resolved before this instant for which nothing is left to be done, oldest first."""
        return retention.closed(self._db, before, most)

    def rows_of(self, incident: str) -> dict[str, list[dict[str, Any]]]:
        """Every row of an incident by its table, those of its trail too."""
        return retention.rows_of(self._db, incident)

    def forget(self, incident: str) -> None:
        """Delete an incident with all that belongs to it; its trail stays."""
        retention.forget(self._db, incident)

    def sweep(self, before: datetime) -> None:
        """Delete what belongs to no incident and was over before this instant."""
        retention.sweep(self._db, before)


_INCIDENT = select(s.incident.c.state, s.incident.c.machine).where(s.incident.c.id == bindparam("wanted"))


# Made once: building a statement costs more than running it.
_OPEN = plain_insert(s.incident)
_SAVE = (
    update(s.incident)
    .where(s.incident.c.id == bindparam("same"), s.incident.c.version == bindparam("before"))
    .values(
        {
            name: bindparam(name)
            for name in ("version", "status", "service", "resolved_at", "state", "machine")
        }
    )
)
