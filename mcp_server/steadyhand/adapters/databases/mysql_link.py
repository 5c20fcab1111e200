"""A read-only session with MariaDB or MySQL whose failures have our names."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import pymysql
from pydantic import SecretStr

from steadyhand.ports import SourceError, SourceRefused, SourceUnavailable

_LOST = frozenset({1040, 1053, 1205, 1969, 2003, 2006, 2013, 3024})  # full, closing, timed out, unreachable


class Link:
    """One session; `schema` is the database it looks into, `mariadb` which of the two servers it is."""

    def __init__(self, source: str, connection: "pymysql.Connection[Any]") -> None:
        self._source = source
        self._connection = connection
        self.schema = str(connection.db.decode() if isinstance(connection.db, bytes) else connection.db)
        self.mariadb = "mariadb" in str(connection.get_server_info()).lower()

    def rows(self, statement: str, *values: object) -> Sequence[tuple[Any, ...]]:
        """All rows of one statement. Raises SourceError."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return tuple(cursor.fetchall())
        except (pymysql.MySQLError, OSError) as error:
            raise _failure(self._source, error) from error


@contextmanager
def connected(source: str, dsn: SecretStr, connect: timedelta, statement: timedelta) -> Iterator[Link]:
    """A read-only session in which no statement takes longer. Raises SourceError."""
    address, port = _address(source, dsn)
    try:
        connection = pymysql.connect(
            host=address.hostname,
            port=port,
            user=unquote(address.username or ""),
            password=unquote(address.password or ""),
            database=unquote(address.path.strip("/")),
            connect_timeout=max(1, round(connect.total_seconds())),
            read_timeout=statement.total_seconds() + 1,
            write_timeout=statement.total_seconds() + 1,
            autocommit=True,
            charset="utf8mb4",
            program_name="steadyhand",
        )
    except (pymysql.MySQLError, OSError) as error:
        raise _failure(source, error) from error
    try:
        link = Link(source, connection)
        seconds = statement.total_seconds()
        limit = (
            f"max_statement_time={seconds:g}" if link.mariadb else f"max_execution_time={seconds * 1000:.0f}"
        )
        link.rows(f"set session {limit}")
        link.rows("set session transaction read only")
        link.rows("set session lock_wait_timeout = 1")  # no plan queues behind a change of its table
        if not link.mariadb:
            with suppress(SourceRefused):  # before 8.3 there is only this form of a plan, and no such word
                link.rows("set session explain_json_format_version = 1")
        yield link
    finally:
        connection.close()


def _address(source: str, dsn: SecretStr) -> tuple[SplitResult, int]:
    try:
        address = urlsplit(dsn.get_secret_value())
        port = address.port or 3306
    except ValueError:
        raise SourceRefused(source, "its address is no valid URL") from None
    if address.scheme not in {"mysql", "mariadb"} or not address.hostname or not address.path.strip("/"):
        raise SourceRefused(source, "its address must be mysql://user:password@host:port/database")
    return address, port


def _failure(source: str, error: Exception) -> SourceError:
    code = error.args[0] if error.args else None
    why = str(error.args[-1] if error.args else type(error).__name__)[:300]
    if code in _LOST or isinstance(error, OSError):
        return SourceUnavailable(source, why)
    return SourceRefused(source, why)
