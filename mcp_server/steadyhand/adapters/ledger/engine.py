"""How the store's database is opened, and what both kinds have in common."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from steadyhand.ports import LedgerError


class Turns:
    """One writer at a time. Who comes first does so before all others that wait."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken = False
        self._first = 0
        self.waiting = 0

    @contextmanager
    def mine(self, *, first: bool = False, limit_s: float = 10) -> Iterator[None]:
        """Wait for one's turn, not for ever. Raises LedgerError."""
        with self._changed:
            self._wait(1, first=first)
            free = self._changed.wait_for(lambda: self._is_free(first=first), limit_s)
            self._wait(-1, first=first)
            if not free:
                raise LedgerError("the store failed: another writer of this process does not end")
            self._taken = True
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()

    def _wait(self, more: int, *, first: bool) -> None:
        self.waiting += more
        self._first += more if first else 0

    def _is_free(self, *, first: bool) -> bool:
        return not self._taken and (first or not self._first)


@dataclass(frozen=True, slots=True)
class Doors:
    """Three ways into one database.

    `writer`: one at a time over all processes, so that what is decided there is decided on what is true.
    `queue`: single statements that claim, extend or give back a lease.
    `reader`: a consistent look that waits for nobody.
    `turns`: whose turn among this process's writers; the database's own queue is polled and lets anybody in.
    `one_writer`: whoever claims is a writer like any other: in a file there is no more than one at a time.
    """

    writer: Engine
    queue: Engine
    reader: Engine
    turns: Turns = field(default_factory=Turns)
    one_writer: bool = False

    @contextmanager
    def writing(self, *, alone: bool, first: bool = False) -> Iterator[Connection]:
        """A transaction that commits if the block ends well; `alone` for what decides. Raises LedgerError."""
        turn = self.turns.mine(first=first) if alone or self.one_writer else nullcontext()
        with named(), turn, (self.writer if alone else self.queue).begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self.queue.dispose()


@contextmanager
def named() -> Iterator[None]:
    """Give a failure of the database its name in our tree."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise LedgerError(f"the store failed: {cause}") from error


def insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that knows `on_conflict_do_update` and `on_conflict_do_nothing` in this database's words."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def to_ms(at: datetime) -> int:
    """Unix milliseconds of an aware instant."""
    return round(at.timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """The instant of these unix milliseconds, in UTC."""
    return datetime.fromtimestamp(ms / 1000, tz=UTC)
