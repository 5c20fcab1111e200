"""The statements with which a person does what a fix would do, in each database's own words."""

from typing import Literal, assert_never

from steadyhand.journey.remedy.model import (
    CancelBackend,
    CreateIndex,
    DatabaseAction,
    DropIndex,
    EndSession,
    SetSetting,
)

System = Literal["postgresql", "mysql", "sqlite"]


def statement(action: DatabaseAction, system: System) -> str:
    """The statement; "" where this system has none for it."""
    match system:
        case "postgresql":
            return _postgresql(action)
        case "mysql":
            return _mysql(action)
        case "sqlite":
            return _sqlite(action)
        case _:
            assert_never(system)


def _postgresql(action: DatabaseAction) -> str:
    match action:
        case CreateIndex():
            return f"CREATE INDEX CONCURRENTLY {action.name} ON {action.table} ({', '.join(action.columns)});"
        case DropIndex():
            return f"DROP INDEX CONCURRENTLY IF EXISTS {action.name};"
        case CancelBackend():
            return f"SELECT pg_cancel_backend({action.pid});"
        case EndSession():
            return f"SELECT pg_terminate_backend({action.pid});"
        case SetSetting(value=None):
            return f"ALTER SYSTEM RESET {action.name}; SELECT pg_reload_conf();"
        case SetSetting():
            return f"ALTER SYSTEM SET {action.name} = '{action.value}'; SELECT pg_reload_conf();"
        case _:
            assert_never(action)


def _mysql(action: DatabaseAction) -> str:
    """Of MySQL from 5.6 and MariaDB from 10.0 on; where it would have to lock, the server refuses."""
    match action:
        case CreateIndex():
            index = f"ADD INDEX {action.name} ({', '.join(action.columns)})"
            return f"ALTER TABLE {action.table} {index}, ALGORITHM=INPLACE, LOCK=NONE;"
        case CancelBackend():
            return f"KILL QUERY {action.pid};"
        case EndSession():
            return f"KILL CONNECTION {action.pid};"
        case DropIndex() | SetSetting():
            return ""
        case _:
            assert_never(action)


def _sqlite(action: DatabaseAction) -> str:
    """Writers wait while an index is built: it knows no other way."""
    if not isinstance(action, CreateIndex):
        return ""
    columns = ", ".join(action.columns)
    return f"CREATE INDEX {action.name} ON {action.table} ({columns}); -- writers wait while it is built"
