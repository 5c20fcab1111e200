"""How the store's database is opened, and what both kinds have in common."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Engine, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from steadyhand.ports import LedgerError


@dataclass(frozen=True, slots=True)
class Doors:
    """Three ways into one database.

    `writer`: one at a time over all processes, so that what is decided there is decided on what is true.
    `queue`: single statements that claim, extend or give back a lease.
    `reader`: a consistent look that waits for nobody.
    `turn`: whose turn among this process's writers; the database's own queue is polled and lets anybody in.
    """

    writer: Engine
    queue: Engine
    reader: Engine
    turn: threading.Lock = field(default_factory=threading.Lock)

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


@contextmanager
def in_turn(turn: threading.Lock, limit_s: float = 10) -> Iterator[None]:
    """Wait for one's turn, not for ever. Raises LedgerError."""
    if not turn.acquire(timeout=limit_s):
        raise LedgerError("the store failed: another writer of this process does not end")
    try:
        yield
    finally:
        turn.release()


def insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that knows `on_conflict_do_update` and `on_conflict_do_nothing` in this database's words."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def to_ms(at: datetime) -> int:
    """Unix milliseconds of an aware instant."""
    return round(at.timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """The instant of these unix milliseconds, in UTC."""
    return datetime.fromtimestamp(ms / 1000, tz=UTC)
