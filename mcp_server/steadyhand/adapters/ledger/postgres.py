"""A PostgreSQL database: the store of several hosts."""

from typing import Any

import psycopg
from pydantic import SecretStr
from sqlalchemy import Connection, create_engine, event

from steadyhand.adapters.ledger.engine import Doors, named
from steadyhand.adapters.ledger.migrations import bring_up
from steadyhand.ports import LedgerError

_WRITER = 7_316_042  # the advisory lock of whoever writes; any number, the same for all
_CONNECT_S = 10
_SETTINGS = {
    "synchronous_commit": "on",  # an approval that was committed survives a power cut
    "lock_timeout": "10s",
    "statement_timeout": "30s",
    # A host that froze inside a transaction must not keep the others out for ever.
    "idle_in_transaction_session_timeout": "30s",
    # Queues are walked in the order of their index, up to a limit. Statistics of a queue that has just filled
    # call it empty; believing them the planner would fetch all of it, to sort it.
    "enable_bitmapscan": "off",
}


def open_postgres(dsn: SecretStr) -> Doors:
    """The store in this database, filled or brought up to this version if need be. Raises LedgerError."""
    options = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())

    def connect() -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            dsn.get_secret_value(),
            options=options,
            connect_timeout=_CONNECT_S,
            application_name="steadyhand",
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
        )

    engine = create_engine("postgresql+psycopg://", creator=connect, pool_pre_ping=True)
    event.listen(engine, "begin", _on_begin)
    event.listen(engine, "before_cursor_execute", _before_execute, retval=True)
    doors = Doors(
        writer=engine.execution_options(alone=True),
        queue=engine,
        reader=engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True),
    )
    try:
        with named(), doors.writer.begin() as connection:
            bring_up(connection, "the database")
    except LedgerError:
        doors.close()
        raise
    return doors


def _before_execute(
    _connection: object,
    _cursor: object,
    statement: str,
    given: Any,  # noqa: ANN401 - whatever a driver takes as parameters
    *_: object,
) -> tuple[str, Any]:
    """PostgreSQL keeps no NUL in text; what came with one is kept without it rather than lost."""
    return statement, [_clean(one) for one in given] if isinstance(given, list) else _clean(given)


def _clean(row: Any) -> Any:  # noqa: ANN401 - whatever a driver takes as parameters
    if not isinstance(row, dict):
        return row
    return {
        name: value.replace("\0", "\ufffd") if isinstance(value, str) and "\0" in value else value
        for name, value in row.items()
    }


def _on_begin(connection: Connection) -> None:
    """Writers take turns, as SQLite has it: whoever decides sees everything decided before."""
    if connection.get_execution_options().get("alone", False):
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({_WRITER})")
