"""The guarded statements a fix may run in one PostgreSQL database (12 or later): build or drop an index.

An index build that is cancelled or cannot get a lock leaves an invalid index behind, which IF NOT EXISTS
then takes for a built one. So the state is looked up first, leftovers are dropped, and validity is verified.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, SecretStr

from steadyhand.journey.remedy.model import CreateIndex, DropIndex, IndexState
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import EffectUnknown, SourceError, SourceRefused, SourceUnavailable

if TYPE_CHECKING:
    from steadyhand.adapters.databases.link import Link

_FIND = """
select t.relname::text,
       array(select coalesce(a.attname::text, '(expression)') from generate_series(0, x.indnkeyatts - 1) as k
             left join pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[k] and a.attnum > 0
             order by k),
       x.indpred is not null,
       x.indisvalid,
       exists (select from pg_stat_progress_create_index p where p.index_relid = x.indexrelid)
from pg_index x join pg_class t on t.oid = x.indrelid
where x.indexrelid = to_regclass(quote_ident(%s))
"""
_CREATE = "create index concurrently if not exists {name} on {table} ({columns})"
_DROP = "drop index concurrently if exists {name}"


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


@dataclass(frozen=True, slots=True)
class _Found:
    table: str
    columns: tuple[str, ...]
    partial: bool
    valid: bool
    building: bool

    @property
    def state(self) -> IndexState:
        if self.building:
            return "building"
        return "valid" if self.valid else "invalid"

    def is_what(self, action: CreateIndex) -> bool:
        return not self.partial and (self.table, self.columns) == (action.table, action.columns)


class PostgresHand:
    """A DatabaseHand. Every call is safe to repeat."""

    def __init__(self, settings: PostgresHandSettings, dsn: SecretStr) -> None:
        self.name = settings.name
        self._settings = settings
        self._dsn = dsn

    async def index_state(self, index: str) -> IndexState:
        """One of absent, building, invalid, valid. Raises SourceError."""
        async with self._link(self._settings.connect_timeout) as link:
            found = await _find(link, index)
        return found.state if found else "absent"

    async def create_index(self, action: CreateIndex) -> None:
        """Build it concurrently and verify it; an index that is there already must be the very same.

        Raises SourceUnavailable when somebody is building it or a lock was not to be had, SourceRefused
        when another index has its name, EffectUnknown when the connection broke while it was built.
        """
        self._must_be_here(action.database)
        async with self._link(self._settings.build_timeout) as link:
            found = await _find(link, action.name)
            if found and not found.is_what(action):
                raise SourceRefused(self.name, f"another index has the name {action.name}")
            if found and found.building:
                raise SourceUnavailable(self.name, f"{action.name} is being built already")
            if found and not found.valid:
                await self._drop_leftover(action)
            await self._build(link, action)
            built = await _find(link, action.name)
        if not built or built.state != "valid":
            raise SourceUnavailable(self.name, f"{action.name} was built but is not valid")

    async def drop_index(self, action: DropIndex) -> None:
        """Drop it concurrently if it exists. Raises SourceError, EffectUnknown."""
        self._must_be_here(action.database)
        async with self._link(self._settings.build_timeout) as link:
            await link.act(_DROP, name=action.name)

    async def _build(self, link: "Link", action: CreateIndex) -> None:
        try:
            await link.act(_CREATE, name=action.name, table=action.table, columns=action.columns)
        except EffectUnknown:
            raise
        except SourceError:
            await self._drop_leftover(action)
            raise

    async def _drop_leftover(self, action: CreateIndex) -> None:
        """Waits for old transactions on the table; unlike a plain DROP that holds up nobody else."""
        limit = self._settings.cleanup_timeout
        try:
            async with self._link(limit, lock_timeout=limit) as link:
                found = await _find(link, action.name)
                if found and found.state == "invalid" and found.is_what(action):
                    await link.act(_DROP, name=action.name)
        except SourceError as error:
            why = f"an unfinished index {action.name} is left and could not be dropped: {error.why}"
            raise SourceUnavailable(self.name, why) from error

    def _must_be_here(self, database: str) -> None:
        if database != self.name:
            raise SourceRefused(self.name, f"this hand is not for the database {database}")

    @asynccontextmanager
    async def _link(
        self, statement_timeout: timedelta, lock_timeout: timedelta | None = None
    ) -> AsyncIterator["Link"]:
        from steadyhand.adapters.databases.link import connected  # noqa: PLC0415 -- psycopg is heavy

        limits = {
            "application_name": "steadyhand-fix",
            "statement_timeout": _milliseconds(statement_timeout),
            "lock_timeout": _milliseconds(lock_timeout or self._settings.lock_timeout),
        }
        async with connected(self.name, self._dsn, self._settings.connect_timeout, limits) as link:
            yield link


async def _find(link: "Link", index: str) -> _Found | None:
    rows: Any = await link.rows(_FIND, index)
    for table, columns, *flags in rows:
        return _Found(table, tuple(columns), *flags)
    return None


def _milliseconds(span: timedelta) -> str:
    return f"{span.total_seconds() * 1000:.0f}"
