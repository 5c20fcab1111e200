"""A connection to PostgreSQL whose failures have our names. Nothing of its address is ever in one."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from steadyhand.ports import EffectUnknown, SourceError, SourceRefused, SourceUnavailable

Row = tuple[object, ...]
Statement = LiteralString | bytes | sql.SQL | sql.Composed
Named = str | Sequence[str] | sql.Composable
_LOST = ("57P01", "57P02", "57P03")  # the server is going away or not there yet


class Link:
    """One session; every statement is its own transaction unless `reading` says otherwise."""

    def __init__(self, source: str, connection: psycopg.AsyncConnection[Row]) -> None:
        self._source = source
        self._connection = connection

    async def rows(self, statement: Statement, *values: object) -> Sequence[Row]:
        """All rows of one statement. Raises SourceError."""
        try:
            cursor = await self._connection.execute(statement, values or None, binary=True)
            return await cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise _failure(self._source, error) from error

    async def act(self, text: LiteralString, **names: Named) -> None:
        """Run one statement that changes something, its {placeholders} filled as `named` does.

        Raises SourceError, EffectUnknown when the connection broke while it ran.
        """
        try:
            await self._connection.execute(named(text, **names))
        except psycopg.Error as error:
            if self._connection.broken:
                raise EffectUnknown(self._source, "the connection broke while it ran") from error
            raise _failure(self._source, error) from error

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """One read-only transaction that is always rolled back."""
        async with self._connection.transaction(force_rollback=True):
            await self.rows("set transaction read only")
            yield


@asynccontextmanager
async def connected(
    source: str, dsn: SecretStr, within: timedelta, settings: Mapping[str, str]
) -> AsyncIterator[Link]:
    """A session with these server settings. Raises SourceError."""
    try:
        conninfo_to_dict(dsn.get_secret_value())
    except psycopg.ProgrammingError:
        raise SourceRefused(source, "its address is no valid PostgreSQL DSN") from None
    try:
        async with asyncio.timeout(within.total_seconds()):
            connection = await psycopg.AsyncConnection.connect(
                dsn.get_secret_value(),
                autocommit=True,
                keepalives_idle=5,
                keepalives_interval=2,
                tcp_user_timeout=15000,
            )
    except TimeoutError as error:
        raise SourceUnavailable(source, f"no connection within {within.total_seconds():g} s") from error
    except psycopg.Error as error:
        raise _failure(source, error) from error
    async with connection:
        link = Link(source, connection)
        for name, value in settings.items():
            await link.rows("select set_config(%s, %s, false)", name, value)
        yield link


def named(text: LiteralString, **names: Named) -> sql.Composed:
    """A statement whose {placeholders} become quoted identifiers, lists of them, or the given part."""
    return sql.SQL(text).format(**{key: _quoted(given) for key, given in names.items()})


def _quoted(given: Named) -> sql.Composable:
    if isinstance(given, sql.Composable):
        return given
    return sql.SQL(", ").join(map(sql.Identifier, [given] if isinstance(given, str) else given))


def _failure(source: str, error: psycopg.Error) -> SourceError:
    why = error.diag.message_primary or str(error).strip().split("\n", maxsplit=1)[0] or type(error).__name__
    why = why[:300]
    if error.sqlstate is None or error.sqlstate in _LOST or error.sqlstate[:2] in {"08", "53"}:
        return SourceUnavailable(source, why)
    if isinstance(error, psycopg.errors.LockNotAvailable | psycopg.errors.QueryCanceled):
        return SourceUnavailable(source, why)
    return SourceRefused(source, why)
