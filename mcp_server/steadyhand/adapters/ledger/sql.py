"""The store: transactions, and the two queues that workers claim from under a lease."""

import json
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import ColumnElement, Table, func, select, update

from steadyhand.adapters.ledger import schema as s
from steadyhand.adapters.ledger.engine import Doors, from_ms, named, to_ms
from steadyhand.adapters.ledger.schema import is_state
from steadyhand.adapters.ledger.sqlite import open_sqlite
from steadyhand.adapters.ledger.transaction import SqlTransaction, held_by
from steadyhand.ports import LeaseLost
from steadyhand.store import Message, Timer


class SqlLedger:
    """The store: a SQLite file for the processes of one host, or a PostgreSQL database for several hosts.

    Safe to use from any thread. Raises LedgerError when it cannot be opened.
    """

    def __init__(self, place: Path | SecretStr) -> None:
        self.place = place
        self.doors = _open(place)
        weakref.finalize(self, self.doors.close)  # a server keeps connections that nobody closes

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        """A transaction that commits when the block ends well. Raises LedgerError."""
        with named(), self.doors.writer.begin() as connection:
            yield SqlTransaction(connection)

    @contextmanager
    def read(self) -> Iterator[SqlTransaction]:
        """A consistent look that writes nothing. Raises LedgerError."""
        with named(), self.doors.reader.connect() as connection:
            yield SqlTransaction(connection)

    def close(self) -> None:
        """Close every connection."""
        self.doors.close()

    def claim_timers(self, owner: str, now: datetime, lease: timedelta, most: int) -> Sequence[Timer]:
        """Lease timers that are due, earliest first."""
        due = is_state(s.timer, "armed") & (s.timer.c.due_at <= to_ms(now))
        rows = self._claim(s.timer, due, "leased", owner, now + lease, most)
        return [
            Timer(
                key=row["key"],
                incident=row["incident"] or "",
                kind=row["kind"],
                epoch=row["epoch"],
                due_at=from_ms(row["due_at"]),
                attempts=row["attempts"],
                payload=json.loads(row["payload"]),
            )
            for row in rows
        ]

    def claim_messages(self, owner: str, now: datetime, lease: timedelta, most: int) -> Sequence[Message]:
        """Lease messages that wait to be sent, oldest first."""
        due = is_state(s.outbox, "queued") & (s.outbox.c.due_at <= to_ms(now))
        rows = self._claim(s.outbox, due, "sending", owner, now + lease, most)
        wanted = Message.model_fields.keys()
        whole = ({**row, "incident": row["incident"] or ""} for row in rows)
        return [Message.model_validate({name: row[name] for name in wanted}) for row in whole]

    def extend(self, timer: Timer, until: datetime) -> None:
        """Hold a timer's lease for longer. Raises LeaseLost when it is gone."""
        if not self._set(s.timer, held_by(timer), lease_until=to_ms(until)):
            raise LeaseLost(f"timer {timer.key} was taken over")

    def release(self, timer: Timer, due_at: datetime, *, dead: bool) -> None:
        """Give a timer back for another try, or declare it dead; nothing happens to one that was lost."""
        state = "dead" if dead else "armed"
        self._set(s.timer, held_by(timer), state=state, due_at=to_ms(due_at), owner=None)

    def sent(self, message: Message, receipt: str) -> None:
        """The channel took the message, taken back meanwhile or not."""
        gone = _same_try(message) & s.outbox.c.state.in_(("sending", "cancelled"))
        self._set(s.outbox, gone, state="sent", receipt=receipt, error="")

    def unsent(self, message: Message, why: str, again_at: datetime | None, *, unknown: bool) -> None:
        """The channel did not take it: try again at an instant, or give up. Unknown is its own state."""
        state = "queued" if again_at else ("unknown" if unknown else "failed")
        values: dict[str, object] = {"state": state, "error": why}
        if again_at:
            values["due_at"] = to_ms(again_at)
        self._set(s.outbox, _same_try(message) & (s.outbox.c.state == "sending"), **values)

    def reclaim(self, now: datetime, *, all_owners: bool) -> int:
        """Take back what dead processes held; `all_owners` when no other process can be alive."""
        count = 0
        for table, held, free in ((s.timer, "leased", "armed"), (s.outbox, "sending", "queued")):
            late = is_state(table, held)
            if not all_owners:
                late &= table.c.lease_until < to_ms(now)
            count += self._set(table, late, state=free, owner=None)
        return count

    def next_due(self) -> datetime | None:
        """When the earliest timer or message is due."""
        first = {
            table: select(func.min(table.c.due_at)).where(is_state(table, state)).scalar_subquery()
            for table, state in ((s.timer, "armed"), (s.outbox, "queued"))
        }
        with named(), self.doors.reader.connect() as db:
            found = db.execute(select(*first.values())).one()
        known = [one for one in found if one is not None]
        return from_ms(min(known)) if known else None

    def _claim(
        self, table: Table, due: ColumnElement[bool], state: str, owner: str, until: datetime, most: int
    ) -> Sequence[dict[str, Any]]:
        """Whoever claims at the same moment skips what we lock; only PostgreSQL needs to be told so."""
        free = select(table.c.key).where(due).order_by(table.c.due_at).limit(most)
        chosen = free.with_for_update(skip_locked=True).cte("chosen")
        values: dict[str, object] = {
            "state": state,
            "owner": owner,
            "lease_until": to_ms(until),
            "attempts": table.c.attempts + 1,
        }
        if "epoch" in table.c:
            values["epoch"] = table.c.epoch + 1
        mine = table.c.key.in_(select(chosen.c.key))
        claim = update(table).where(mine).values(values).returning(*table.c)
        with named(), self.doors.queue.begin() as db:
            rows = [dict(one) for one in db.execute(claim).mappings()]
        return sorted(rows, key=lambda row: (row["due_at"], row["key"]))

    def _set(self, table: Table, where: ColumnElement[bool], **values: object) -> int:
        with named(), self.doors.queue.begin() as db:
            return db.execute(update(table).where(where).values(**values)).rowcount


def open_store(dsn: SecretStr | None, folder: Path) -> SqlLedger:
    """The store at this address, or without one in the data directory. Raises LedgerError."""
    return SqlLedger(dsn or folder / "steadyhand.db")


def _open(place: Path | SecretStr) -> Doors:
    if isinstance(place, Path):
        return open_sqlite(place)
    from steadyhand.adapters.ledger.postgres import open_postgres  # noqa: PLC0415 - most stores are a file

    return open_postgres(place)


def _same_try(message: Message) -> ColumnElement[bool]:
    """Each claim counts a try, so the number tells who claimed it last."""
    return (s.outbox.c.key == message.key) & (s.outbox.c.attempts == message.attempts)
