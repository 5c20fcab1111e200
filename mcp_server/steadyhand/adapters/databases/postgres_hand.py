"""The guarded statements a fix may run in one PostgreSQL database (12 or later).

Indexes are in postgres_index.py, server parameters in postgres_setting.py; both have traps of their own. Here
are those that stop a session, and the one place that opens connections with limits on all of them.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, assert_never

from pydantic import Field, SecretStr

from steadyhand.adapters.databases.postgres_index import IndexHand
from steadyhand.adapters.databases.postgres_setting import SettingHand
from steadyhand.journey.remedy.by_hand import statement
from steadyhand.journey.remedy.model import (
    CancelBackend,
    CreateIndex,
    DatabaseAction,
    DropIndex,
    EffectState,
    EndSession,
    SetSetting,
)
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import SourceRefused, SourceUnavailable

if TYPE_CHECKING:
    from steadyhand.adapters.databases.link import Link

_RUNNING = """
select pid from pg_stat_activity
where pid = %s and backend_start = %s and query_start = %s
  and state = 'active' and backend_type = 'client backend'
"""
_IDLING = """
select pid from pg_stat_activity
where pid = %s and backend_start = %s and xact_start = %s
  and state in ('idle in transaction', 'idle in transaction (aborted)') and backend_type = 'client backend'
"""
# One statement looks and acts: between two, the process id or the session could become another's.
_CANCEL = f"with target as materialized ({_RUNNING}) select pg_cancel_backend(pid) from target"  # noqa: S608 - of the words above
_END = f"with target as materialized ({_IDLING}) select pg_terminate_backend(pid) from target"  # noqa: S608 - same
_PAUSE = "select pg_sleep(0.1)"
_LOOKS = 20


class PostgresHandSettings(Rule):
    """Which database, and how long a build may wait and run."""

    kind: Literal["postgres"] = "postgres"
    name: str = Field(description="The database's name among the services.")
    dsn_env: str = Field(
        description="Environment variable with the address of the role that owns the tables."
    )
    connect_timeout: Duration = timedelta(seconds=5)
    lock_timeout: Duration = Field(
        default=timedelta(seconds=3), description="Give up when a lock, or an old transaction, takes longer."
    )
    build_timeout: Duration = timedelta(minutes=30)
    cleanup_timeout: Duration = Field(
        default=timedelta(seconds=60), description="Wait this long to drop what a build left; blocks nobody."
    )


class PostgresHand:
    """A DatabaseHand. Every call is safe to repeat."""

    def __init__(self, settings: PostgresHandSettings, dsn: SecretStr) -> None:
        self.name = settings.name
        self._settings = settings
        self._dsn = dsn
        self._indexes = IndexHand(
            name=settings.name,
            connect=self._link,
            quick=settings.connect_timeout,
            build_timeout=settings.build_timeout,
            lock_timeout=settings.lock_timeout,
            cleanup_timeout=settings.cleanup_timeout,
        )
        self._parameters = SettingHand(settings.name, self._quick_link)

    async def state(self, action: DatabaseAction) -> EffectState:
        """How far the database is from what the action wants. Raises SourceError."""
        self._must_be_here(action.database)
        match action:
            case CreateIndex() | DropIndex():
                return await self._indexes.state(action)
            case CancelBackend() | EndSession():
                async with self._quick_link() as link:
                    return "not done" if await _is_there(link, action) else "done"
            case SetSetting():
                return await self._parameters.state(action)
            case _:
                assert_never(action)

    async def act(self, action: DatabaseAction) -> None:
        """Run the statement and verify its effect. Raises SourceError, EffectUnknown."""
        self._must_be_here(action.database)
        match action:
            case CreateIndex():
                await self._indexes.create(action)
            case DropIndex():
                await self._indexes.drop(action)
            case CancelBackend() | EndSession():
                await self._stop(action)
            case SetSetting():
                await self._parameters.set(action)
            case _:
                assert_never(action)

    def by_hand(self, action: DatabaseAction) -> str:
        """The statement with which a person does the same."""
        return statement(action, "postgresql")

    async def _stop(self, action: CancelBackend | EndSession) -> None:
        """That statement, or that idle session, if it still is the one; another one is never touched."""
        order = _CANCEL if isinstance(action, CancelBackend) else _END
        async with self._quick_link() as link:
            await link.rows(order, *_identity(action))
            for _ in range(_LOOKS):
                if not await _is_there(link, action):
                    return
                await link.rows(_PAUSE)
        raise SourceUnavailable(self.name, f"pid {action.pid} was told to stop and is still at it")

    def _must_be_here(self, database: str) -> None:
        if database != self.name:
            raise SourceRefused(self.name, f"this hand is not for the database {database}")

    @asynccontextmanager
    async def _quick_link(self) -> AsyncIterator["Link"]:
        async with self._link(self._settings.connect_timeout, self._settings.lock_timeout) as link:
            yield link

    @asynccontextmanager
    async def _link(self, statement_timeout: timedelta, lock_timeout: timedelta) -> AsyncIterator["Link"]:
        from steadyhand.adapters.databases.link import connected  # noqa: PLC0415 -- psycopg is heavy

        limits = {
            "application_name": "steadyhand-fix",
            "statement_timeout": _milliseconds(statement_timeout),
            "lock_timeout": _milliseconds(lock_timeout),
        }
        async with connected(self.name, self._dsn, self._settings.connect_timeout, limits) as link:
            yield link


async def _is_there(link: "Link", action: CancelBackend | EndSession) -> bool:
    look = _RUNNING if isinstance(action, CancelBackend) else _IDLING
    return bool(await link.rows(look, *_identity(action)))


def _identity(action: CancelBackend | EndSession) -> tuple[object, ...]:
    began = action.query_start if isinstance(action, CancelBackend) else action.transaction_start
    return action.pid, action.backend_start, began


def _milliseconds(span: timedelta) -> str:
    return f"{span.total_seconds() * 1000:.0f}"
