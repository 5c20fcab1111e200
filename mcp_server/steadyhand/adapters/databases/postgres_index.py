"""Building and dropping an index of a live PostgreSQL table, without blocking its writers.

A build that is cancelled or cannot get a lock leaves an invalid index behind, which IF NOT EXISTS then takes
for a built one. So the state is looked up first, leftovers are dropped, and validity is verified.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from steadyhand.journey.remedy.model import CreateIndex, DropIndex, EffectState
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

Connect = Callable[[timedelta, timedelta], AbstractAsyncContextManager["Link"]]


@dataclass(frozen=True, slots=True)
class _Found:
    table: str
    columns: tuple[str, ...]
    partial: bool
    valid: bool
    building: bool

    @property
    def state(self) -> EffectState:
        if self.building:
            return "under way"
        return "done" if self.valid else "broken"

    def is_what(self, action: CreateIndex) -> bool:
        return not self.partial and (self.table, self.columns) == (action.table, action.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexHand:
    """Builds and drops indexes of one database; `connect` takes the statement and the lock timeout."""

    name: str
    connect: Connect
    quick: timedelta
    build_timeout: timedelta
    lock_timeout: timedelta
    cleanup_timeout: timedelta

    async def state(self, action: CreateIndex | DropIndex) -> EffectState:
        """How far the index is from what the action wants. Raises SourceError."""
        async with self.connect(self.quick, self.lock_timeout) as link:
            found = await _find(link, action.name)
        if isinstance(action, DropIndex):
            return "not done" if found else "done"
        return found.state if found else "not done"

    async def create(self, action: CreateIndex) -> None:
        """Build it concurrently and verify it; an index that is there already must be the very same.

        Raises SourceUnavailable when somebody is building it or a lock was not to be had, SourceRefused
        when another index has its name, EffectUnknown when the connection broke while it was built.
        """
        async with self.connect(self.build_timeout, self.lock_timeout) as link:
            found = await _find(link, action.name)
            if found and not found.is_what(action):
                raise SourceRefused(self.name, f"another index has the name {action.name}")
            if found and found.building:
                raise SourceUnavailable(self.name, f"{action.name} is being built already")
            if found and not found.valid:
                await self._drop_leftover(action)
            await self._build(link, action)
            built = await _find(link, action.name)
        if not built or built.state != "done":
            raise SourceUnavailable(self.name, f"{action.name} was built but is not valid")

    async def drop(self, action: DropIndex) -> None:
        """Drop it concurrently if it exists. Raises SourceError, EffectUnknown."""
        async with self.connect(self.build_timeout, self.lock_timeout) as link:
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
        limit = self.cleanup_timeout
        try:
            async with self.connect(limit, limit) as link:
                found = await _find(link, action.name)
                if found and found.state == "broken" and found.is_what(action):
                    await link.act(_DROP, name=action.name)
        except SourceError as error:
            why = f"an unfinished index {action.name} is left and could not be dropped: {error.why}"
            raise SourceUnavailable(self.name, why) from error


async def _find(link: "Link", index: str) -> _Found | None:
    rows: Any = await link.rows(_FIND, index)
    for table, columns, *flags in rows:
        return _Found(table, tuple(columns), *flags)
    return None
