"""A SQLite file in WAL mode with full sync: what was committed survives a power cut."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, select, text
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from steadyhand.adapters.ledger import schema as s
from steadyhand.ports import LedgerError

_BUSY_S = 10
_AGAIN_S = 0.05


def open_engine(path: Path) -> Engine:
    """An engine on this file, created with its tables if need be. Raises LedgerError."""
    _keep_private(path)
    _write_ahead(path)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY_S})
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    with named(), engine.begin() as connection:
        found = _create(connection)
    if found != str(s.VERSION):
        raise LedgerError(f"{path} has schema {found}; this version of Steadyhand needs {s.VERSION}")
    return engine


def _keep_private(path: Path) -> None:
    """A new file is its owner's alone, whatever its folder allows: it holds hashes of PINs."""
    try:
        if not path.exists():
            path.touch(mode=0o600)  # SQLite gives the files beside it the same rights
    except OSError as error:
        raise LedgerError(f"the store failed: {path}: {error.strerror}") from error


def _write_ahead(path: Path) -> None:
    """Make it a WAL file, for good. SQLite waits for nobody here, so several that begin at once try again."""
    ends = time.monotonic() + _BUSY_S
    while True:
        try:
            with closing(sqlite3.connect(path, timeout=_BUSY_S)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.Error as error:
            if "locked" not in str(error) or time.monotonic() > ends:
                raise LedgerError(f"the store failed: {path}: {error}") from error
            time.sleep(_AGAIN_S)
        else:
            return


def _create(connection: Connection) -> str:
    s.metadata.create_all(connection)
    for guard in s.GUARDS:
        connection.execute(text(guard))
    row = insert(s.meta).values(key="schema", value=str(s.VERSION))
    connection.execute(row.on_conflict_do_nothing())
    return str(connection.execute(select(s.meta.c.value).where(s.meta.c.key == "schema")).scalar_one())


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    # sqlite3 begins late and deferred by itself; transactions are begun by _on_begin instead.
    connection.isolation_level = None
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


@contextmanager
def named() -> Iterator[None]:
    """Give a failure of the database its name in our tree."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise LedgerError(f"the store failed: {cause}") from error


def to_ms(at: datetime) -> int:
    """Unix milliseconds of an aware instant."""
    return round(at.timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """The instant of these unix milliseconds, in UTC."""
    return datetime.fromtimestamp(ms / 1000, tz=UTC)
