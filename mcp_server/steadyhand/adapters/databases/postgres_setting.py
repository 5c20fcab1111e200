"""Setting a server parameter of PostgreSQL. "Applied" is only what the server itself shows.

ALTER SYSTEM writes a file and says nothing of its effect: a parameter that needs a restart only becomes
`pending_restart`, and a line the server cannot use stays without any. So what cannot apply is refused before
it is written, and what was written is looked at after the reload, in a session that began after it.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steadyhand.journey.remedy.model import EffectState, SetSetting
from steadyhand.ports import SourceRefused, SourceUnavailable

if TYPE_CHECKING:
    from steadyhand.adapters.databases.link import Link

_LOOK = """
select s.context, s.pending_restart, f.setting, f.error
from pg_settings s
left join lateral (
    select setting, error from pg_file_settings
    where name = s.name and sourcefile like '%%postgresql.auto.conf' order by seqno desc limit 1
) f on true
where s.name = %s
"""
_SET = "alter system set {name} = {value}"
_RESET = "alter system reset {name}"
_RELOAD = "select pg_conf_load_time()::text, pg_reload_conf()"
_LOADED = "select pg_conf_load_time()::text"
_PAUSE = "select pg_sleep(0.1)"
_LOOKS = 30
_FIXED = {"internal": "cannot be changed", "postmaster": "needs a restart of the server"}


@dataclass(frozen=True, slots=True)
class _Found:
    context: str
    pending: bool
    written: str | None
    error: str | None

    def state(self, wanted: str | None) -> EffectState:
        if self.written != wanted:
            return "not done"
        return "broken" if self.pending or self.error else "done"


@dataclass(frozen=True, slots=True)
class SettingHand:
    """Sets parameters of one server; `connect` opens a short session."""

    name: str
    connect: Callable[[], AbstractAsyncContextManager["Link"]]

    async def state(self, action: SetSetting) -> EffectState:
        """`broken` is written and not in force: it waits for a restart, or the server cannot use it."""
        async with self.connect() as link:
            return (await self._look(link, action)).state(action.value)

    async def set(self, action: SetSetting) -> None:
        """Write it, reload, and verify that it is in force; what is not is taken out of the file again.

        Raises SourceRefused for what cannot be applied, SourceUnavailable when the reload did not come.
        """
        async with self.connect() as link:
            before = await self._look(link, action)
            if before.context in _FIXED:
                raise SourceRefused(self.name, f"{action.name} {_FIXED[before.context]}: nothing was written")
            await _write(link, action.name, action.value)
            await self._reload(link)
        async with self.connect() as link:
            found = await self._look(link, action)
            if found.state(action.value) == "done":
                return
            await _write(link, action.name, before.written)
            await self._reload(link)
        why = found.error or "it waits for a restart"
        raise SourceRefused(self.name, f"{action.name} was not applied ({why}); what was there is back")

    async def _look(self, link: "Link", action: SetSetting) -> _Found:
        rows: Any = await link.rows(_LOOK, action.name)
        for row in rows:
            return _Found(*row)
        raise SourceRefused(self.name, f"it has no parameter {action.name}")

    async def _reload(self, link: "Link") -> None:
        """Tell the server, and wait until sessions that begin now see it."""
        ((before, told),) = await link.rows(_RELOAD)
        if not told:
            raise SourceUnavailable(self.name, "it could not be told to read its files again")
        for _ in range(_LOOKS):
            async with self.connect() as fresh:
                ((now,),) = await fresh.rows(_LOADED)
            if now != before:
                return
            await link.rows(_PAUSE)
        raise SourceUnavailable(self.name, "it did not read its files again")


async def _write(link: "Link", name: str, value: str | None) -> None:
    from psycopg import sql  # noqa: PLC0415 -- psycopg is heavy

    parameter = sql.SQL(".").join(map(sql.Identifier, name.split(".")))
    if value is None:
        await link.act(_RESET, name=parameter)
    else:
        await link.act(_SET, name=parameter, value=sql.Literal(value))
