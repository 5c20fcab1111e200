"""The store: transactions, and the two queues that workers claim from under a lease."""

import weakref
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import SecretStr
from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Table,
    bindparam,
    func,
    select,
    true,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from steadyhand.adapters.ledger import fleet, outbox
from steadyhand.adapters.ledger import schema as s
from steadyhand.adapters.ledger.engine import Doors, from_ms, named, to_ms
from steadyhand.adapters.ledger.schema import is_state
from steadyhand.adapters.ledger.sqlite import open_sqlite
from steadyhand.adapters.ledger.timers import KINDS, claim, due, held_by, in_order, ours
from steadyhand.adapters.ledger.transaction import SqlTransaction
from steadyhand.adapters.ledger.vault_key import VaultKey
from steadyhand.journey.commands import TimerKind
from steadyhand.ports import LeaseLost
from steadyhand.store import Figures, Message, Timer

VAULT_KEY = "vault.key"


Claimed = TypeVar("Claimed", Timer, Message)
_Read = Callable[[Connection, Sequence[RowMapping]], Sequence[Claimed]]


class SqlLedger:
    """The store: a SQLite file for the processes of one host, or a PostgreSQL database for several hosts.

    Safe to use from any thread. `key` is that of the vault; a file's is beside it unless another is given.
    Raises LedgerError when it cannot be opened.
    """

    def __init__(self, place: Path | SecretStr, key: VaultKey | None = None) -> None:
        self.place = place
        self._key = key or (VaultKey(place.with_name(VAULT_KEY)) if isinstance(place, Path) else None)
        self.doors = _open(place)
        self._company: fleet.Company | None = None
        weakref.finalize(self, self.doors.close)  # a server keeps connections that nobody closes

    @contextmanager
    def write(self, *, first: bool = False) -> Iterator[SqlTransaction]:
        """Commits when the block ends well; `first` goes before those who wait. Raises LedgerError."""
        with self.doors.writing(alone=True, first=first) as connection:
            tx = SqlTransaction(connection, self._key)
            yield tx
            tx.flush()

    @contextmanager
    def read(self) -> Iterator[SqlTransaction]:
        """A consistent look that writes nothing. Raises LedgerError."""
        with named(), self.doors.reader.connect() as connection:
            yield SqlTransaction(connection, self._key)

    def close(self) -> None:
        """Close every connection."""
        self.doors.close()
        if self._company:
            self._company.close()

    def claim_timers(
        self, owner: str, now: datetime, lease: timedelta, most: int, kinds: Collection[TimerKind] = KINDS
    ) -> Sequence[Timer]:
        """Lease timers of these kinds that are due, earliest first; none of a newer release's incident."""
        return self._claim(_timers(frozenset(kinds)), _lease(owner, now, lease, most), _in_order)

    def claim_messages(self, owner: str, now: datetime, lease: timedelta, most: int) -> Sequence[Message]:
        """Lease messages that wait to be sent, oldest first."""
        return self._claim(_MESSAGES, _lease(owner, now, lease, most), outbox.with_first)

    def extend(self, timer: Timer, until: datetime) -> None:
        """Hold a timer's lease for longer. Raises LeaseLost when it is gone."""
        if not self._set(s.timer, held_by(timer), lease_until=to_ms(until)):
            raise LeaseLost(f"timer {timer.key} was taken over")

    def release(self, timer: Timer, due_at: datetime) -> None:
        """Give a timer back for another try; nothing happens to one that was lost."""
        self._set(s.timer, held_by(timer), state="armed", due_at=to_ms(due_at), owner=None)

    def reclaim(self, now: datetime, *, all_owners: bool) -> int:
        """Take back what dead processes held; `all_owners` when no other process can be alive."""
        timers, mail = (
            true() if all_owners else table.c.lease_until < to_ms(now) for table in (s.timer, s.outbox)
        )
        count = self._set(s.timer, is_state(s.timer, "leased") & timers, state="armed", owner=None)
        with self.doors.writing(alone=False) as db:
            return count + outbox.reclaim(db, mail)

    def next_due(self) -> datetime | None:
        """When the earliest timer or message is due, of those this release can do something about now."""
        with named(), self.doors.reader.connect() as db:
            found = [db.execute(one).scalar() for one in _FIRST_DUE]
        known = [one for one in found if one is not None]
        return from_ms(min(known)) if known else None

    def stranded(self, since: datetime) -> Sequence[str]:
        """What has been due since before this instant and only a newer release can do: incidents, or keys."""
        left = is_state(s.timer, "armed") & (s.timer.c.due_at < to_ms(since)) & ~ours(KINDS)
        query = select(func.coalesce(s.timer.c.incident, s.timer.c.key)).where(left).distinct().limit(10)
        with named(), self.doors.reader.connect() as db:
            return list(db.execute(query).scalars())

    def figures(self, now: datetime) -> Figures:
        """What the health door shows of the two queues and of those who work on them."""
        lost = is_state(s.outbox, "failed") | is_state(s.outbox, "unknown")
        first = self.next_due()
        with named(), self.doors.reader.connect() as db:
            return Figures(
                overdue=max(now - first, timedelta()) if first else timedelta(),
                dead_timers=_count(db, s.timer, is_state(s.timer, "dead")),
                dead_messages=_count(db, s.outbox, lost),
                processes=fleet.present(db, now),
                backlog=SqlTransaction(db).backlog(now),
            )

    def skew(self, now: datetime) -> timedelta:
        """How far the clock of the database's host is from `now`; nothing for a file, which has none."""
        if isinstance(self.place, Path):
            return timedelta()
        with named(), self.doors.reader.connect() as db:
            there: datetime = db.execute(select(func.clock_timestamp())).scalar_one()
        return abs(there - now)

    def sign_in(self, owner: str, host: str, now: datetime) -> None:
        """Say that this process works on the store; to be said again every ten seconds.

        Raises LedgerError when the store is a file and another host works on it.
        """
        with self.doors.writing(alone=False) as db:
            fleet.sign_in(db, owner, host, now, one_host=isinstance(self.place, Path))

    def sign_out(self, owner: str) -> None:
        """This process works on the store no more."""
        with self.doors.writing(alone=False) as db:
            fleet.sign_out(db, owner)

    def take_over(self, now: datetime) -> int:
        """Take back what the dead held: at once on a file nobody else works on, else when leases end."""
        if not isinstance(self.place, Path):
            return self.reclaim(now, all_owners=False)
        self._company = fleet.Company(self.place)
        with self._company:
            return self.reclaim(now, all_owners=self._company.alone)

    def _claim(
        self, wanted: "_Claim", lease: Mapping[str, object], read: _Read[Claimed]
    ) -> Sequence[Claimed]:
        """What is read of the rows that are ours from now on."""
        if self.doors.one_writer and not self._any(wanted, lease):
            return ()  # who finds nothing to claim waits for no writer
        with self.doors.writing(alone=False) as db:
            return read(db, db.execute(wanted.claim, lease).mappings().all())

    def _any(self, wanted: "_Claim", lease: Mapping[str, object]) -> bool:
        with named(), self.doors.reader.connect() as db:
            return db.execute(wanted.look, lease).first() is not None

    def _set(self, table: Table, where: ColumnElement[bool], **values: object) -> int:
        with self.doors.writing(alone=False) as db:
            return db.execute(update(table).where(where).values(**values)).rowcount


class _Claim(NamedTuple):
    """Made once: building a statement costs more than running it."""

    look: Select[Any]
    claim: ReturningUpdate[Any]


def _claim(table: Table, due: ColumnElement[bool], **values: object) -> _Claim:
    lease = {"owner": bindparam("who"), "lease_until": bindparam("until"), **values}
    return _Claim(select(table.c.key).where(due).limit(1), claim(table, due, **lease))


def _lease(owner: str, now: datetime, lease: timedelta, most: int) -> Mapping[str, object]:
    return {"at": to_ms(now), "most": most, "who": owner, "until": to_ms(now + lease)}


def _in_order(_db: Connection, rows: Sequence[RowMapping]) -> Sequence[Timer]:
    return in_order(rows)


@cache
def _timers(kinds: frozenset[TimerKind]) -> _Claim:
    return _claim(s.timer, due(kinds), state="leased", epoch=s.timer.c.epoch + 1)


_MESSAGES = _claim(s.outbox, outbox.due(), state="sending")
_FIRST_DUE = tuple(
    select(table.c.due_at).where(is_state(table, state), free).order_by(table.c.due_at).limit(1)
    for table, state, free in ((s.timer, "armed", ours(KINDS)), (s.outbox, "queued", outbox.free()))
)


def _count(db: Connection, table: Table, where: ColumnElement[bool]) -> int:
    return db.execute(select(func.count()).select_from(table).where(where)).scalar_one()


def open_store(dsn: SecretStr | None, folder: Path, vault: SecretStr | None = None) -> SqlLedger:
    """The store at this address, or without one in the data directory; its vault's key too, unless given.

    Raises LedgerError.
    """
    return SqlLedger(dsn or folder / "steadyhand.db", VaultKey(folder / VAULT_KEY, vault))


def _open(place: Path | SecretStr) -> Doors:
    if isinstance(place, Path):
        return open_sqlite(place)
    from steadyhand.adapters.ledger.postgres import open_postgres  # noqa: PLC0415 - most stores are a file

    return open_postgres(place)
