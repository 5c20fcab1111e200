"""A connection to a SQLite file that cannot write, and whose failures have our names."""

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steadyhand.ports import SourceError, SourceRefused, SourceUnavailable

if TYPE_CHECKING:
    from steadyhand.adapters.databases.sqlite import SqliteSettings

_STEPS = 1000  # of SQLite's machine between two looks at the clock: well under a millisecond
_PRIMARY = 0xFF
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_HOT = "a crash left a transaction half done; it can be read once a writer has rolled it back"
_LOG_UNSEEN = "log: no process has the file open; what its write-ahead log holds was not seen"


class Link:
    """One read-only connection; `wal` tells how the file journals, `gaps` what this way of opening hides."""

    def __init__(self, settings: "SqliteSettings", how: str) -> None:
        self.path = settings.path
        self.wal = False
        self.gaps: list[str] = []
        self._source = settings.name
        self._each_s = settings.statement_timeout.total_seconds()
        wait_s = settings.busy_timeout.total_seconds()
        address = f"{settings.path.absolute().as_uri()}?mode=ro&{how}"
        try:
            self._connection = sqlite3.connect(address, uri=True, timeout=wait_s, isolation_level=None)
            self._connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            self._connection.execute(
                "pragma trusted_schema = off"
            )  # its views may call no function that acts
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def rows(self, statement: str, *values: object) -> Sequence[tuple[Any, ...]]:
        """All rows of one statement, within the time of one statement. Raises SourceError."""
        ends = time.monotonic() + self._each_s
        self._connection.set_progress_handler(lambda: time.monotonic() > ends, _STEPS)
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _failure(self, error: sqlite3.Error) -> SourceError:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        if code == sqlite3.SQLITE_INTERRUPT:
            return SourceUnavailable(self._source, f"no answer within {self._each_s:g} s")
        if code & _PRIMARY in _BUSY:
            return SourceUnavailable(self._source, f"{error}: a writer held it for longer than busy_timeout")
        if code == sqlite3.SQLITE_READONLY_ROLLBACK:
            return SourceUnavailable(self._source, _HOT)
        return SourceRefused(self._source, str(error)[:300])


@contextmanager
def connected(settings: "SqliteSettings") -> Iterator[Link]:
    """The file, opened so that nothing is written in it or beside it. Raises SourceError."""
    path = settings.path
    if not path.is_file():
        raise SourceRefused(settings.name, f"{path}: there is no such file")
    if not os.access(path, os.R_OK):
        raise SourceRefused(settings.name, f"{path}: this service's user may not read it")
    with closing(_opened(settings)) as link:
        link.rows("select count(*) from sqlite_schema")
        yield link


def _opened(settings: "SqliteSettings") -> Link:
    """The way that leaves no trace: a reader that opens a write-ahead log first would create its files."""
    if beside(settings.path, "shm").exists():
        link = Link(settings, "readonly_shm=1")
        link.wal = True
        return link
    if not _wants_a_log(settings):
        return Link(settings, "readonly_shm=1")
    link = Link(settings, "immutable=1")
    link.wal = True
    if size_of(beside(settings.path, "wal")):
        link.gaps.append(_LOG_UNSEEN)
    return link


def _wants_a_log(settings: "SqliteSettings") -> bool:
    """Whether the file is one with a write-ahead log: only those cannot be opened without locks."""
    with closing(Link(settings, "nolock=1")) as link:
        try:
            link.rows("select count(*) from sqlite_schema")
        except SourceError as error:
            return getattr(error.__cause__, "sqlite_errorcode", 0) & _PRIMARY == sqlite3.SQLITE_CANTOPEN
    return False


def beside(path: Path, what: str) -> Path:
    """A file that SQLite keeps beside the database: `wal`, `shm` or `journal`."""
    return path.with_name(f"{path.name}-{what}")


def size_of(path: Path) -> int:
    """Bytes of a file, 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
