"""A read-only look into one SQLite file (tested with 3.40): its plans, its schema, its size and who holds it.

There is no server to ask: its statements come from the configuration or from a file the application writes.
Nothing is written, in the file or beside it, and no writer is kept out for longer than one short question.
"""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field

from steadyhand.journey.evidence.model import DatabaseReport
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import SourceError


class SqliteSettings(Rule):
    """Which file, what is asked of it, and how little a look may cost it."""

    kind: Literal["sqlite"] = "sqlite"
    name: str = Field(description="The database's name among the services.")
    path: Path = Field(description="The database file; only read.")
    statements: tuple[str, ...] = Field(default=(), description="Statements to plan; never executed.")
    statements_file: Path | None = Field(
        default=None,
        description="Where the application writes its statements, one on each line; its end is read.",
    )
    busy_timeout: Duration = Field(default=timedelta(seconds=1), description="Wait this long for a writer.")
    statement_timeout: Duration = timedelta(milliseconds=500)
    deadline: Duration = Field(default=timedelta(seconds=12), description="For the whole look.")
    sample: Duration = Field(
        default=timedelta(seconds=1), description="Who holds locks is watched this long."
    )
    big_table: int = Field(default=10_000, gt=0, description="Scans of smaller tables are no news. Rows.")


class SqliteProbe:
    """A DatabaseProbe: whole scans with the index they lack, lock holders, log, free pages, broken schema."""

    def __init__(self, settings: SqliteSettings) -> None:
        self.name = settings.name
        self._settings = settings

    async def look(self, at: datetime) -> DatabaseReport:
        """What it is doing now, stamped `at`. Raises nothing: what cannot be seen is a gap in the report."""
        return await asyncio.to_thread(self._look, at)

    def _look(self, at: datetime) -> DatabaseReport:
        """Who holds it comes first: that is seen even while a writer lets nobody in."""
        from steadyhand.adapters.databases import sqlite_locks as locks  # noqa: PLC0415 -- rare
        from steadyhand.adapters.databases.sqlite_link import beside, connected  # noqa: PLC0415 -- rare
        from steadyhand.adapters.databases.sqlite_look import Look  # noqa: PLC0415 -- rare

        rule = self._settings
        sessions = locks.watched(rule.path, beside(rule.path, "shm"), rule.sample.total_seconds())
        unseen = () if locks.told() else ("locks: who holds the file is told on Linux only",)
        try:
            with connected(rule) as link:
                look = Look(link, rule)
                look.run()
        except SourceError as error:
            gaps = (f"connection: {error.why}", *unseen)
            return DatabaseReport(database=self.name, at=at, system="sqlite", sessions=sessions, gaps=gaps)
        return DatabaseReport(
            database=self.name,
            at=at,
            system="sqlite",
            sessions=sessions,
            scans=look.scans,
            indexes=look.indexes,
            health=look.health,
            file=look.file,
            gaps=tuple(dict.fromkeys((*look.gaps, *unseen))),
        )
