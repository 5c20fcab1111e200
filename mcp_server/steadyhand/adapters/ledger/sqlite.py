"""A SQLite file in WAL mode with full sync: what was committed survives a power cut."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event

from steadyhand.adapters.ledger.engine import Doors, named
from steadyhand.adapters.ledger.migrations import bring_up
from steadyhand.ports import LedgerError

_BUSY_S = 10
_AGAIN_S = 0.05


def open_sqlite(path: Path) -> Doors:
    """The store in this file, created or brought up to this version if need be. Raises LedgerError."""
    _keep_private(path)
    _write_ahead(path)
    engine = _engine(path, "ON")
    # A migration copies tables: references are checked again afterwards, by everybody else.
    building = _engine(path, "OFF")
    with named(), building.begin() as connection:
        bring_up(connection, str(path))
    building.dispose()
    return Doors(writer=engine, queue=engine, reader=engine.execution_options(reads=True), one_writer=True)


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


def _engine(path: Path, foreign_keys: str) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY_S})

    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        # sqlite3 begins late and deferred by itself; transactions are begun by _on_begin instead.
        connection.isolation_level = None
        for pragma in ("synchronous=FULL", f"foreign_keys={foreign_keys}"):
            connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
