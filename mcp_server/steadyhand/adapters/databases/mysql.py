"""A read-only look into one MariaDB (10.11 tested) or MySQL 8 (its own tables; not tested) database.

The role needs PROCESS, and SELECT on the application's tables so that statements can be planned.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field, SecretStr

from steadyhand.journey.evidence.model import DatabaseReport
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import SourceError


class MysqlSettings(Rule):
    """Which database, and how little a look may cost it."""

    kind: Literal["mysql"] = "mysql"
    name: str = Field(description="The database's name among the services.")
    dsn_env: str = Field(description="Environment variable with mysql://user:password@host:port/database.")
    connect_timeout: Duration = timedelta(seconds=3)
    statement_timeout: Duration = timedelta(seconds=2)
    deadline: Duration = Field(default=timedelta(seconds=12), description="For the whole look.")
    recent: Duration = Field(
        default=timedelta(minutes=15), description="Statements that ran within this are told."
    )
    big_table: int = Field(default=10_000, gt=0, description="Scans of smaller tables are no news. Rows.")


class MysqlProbe:
    """A DatabaseProbe: sessions, row locks, clients, bloat, indexes, slow statements; plans, never run."""

    def __init__(self, settings: MysqlSettings, dsn: SecretStr) -> None:
        self.name = settings.name
        self._settings = settings
        self._dsn = dsn

    async def look(self, at: datetime) -> DatabaseReport:
        """What it is doing now, stamped `at`. Raises nothing: what cannot be seen is a gap in the report."""
        try:
            return await asyncio.to_thread(self._look, at)
        except SourceError as error:
            return DatabaseReport(database=self.name, at=at, gaps=(f"connection: {error.why}",))

    def _look(self, at: datetime) -> DatabaseReport:
        from steadyhand.adapters.databases.mysql_link import connected  # noqa: PLC0415 -- PyMySQL is rare
        from steadyhand.adapters.databases.mysql_look import Look  # noqa: PLC0415 -- same

        rule = self._settings
        with connected(self.name, self._dsn, rule.connect_timeout, rule.statement_timeout) as link:
            look = Look(
                link,
                at=at,
                recent=rule.recent,
                total_s=rule.deadline.total_seconds(),
                big_table=rule.big_table,
            )
            look.run()
        return DatabaseReport(
            database=self.name,
            at=at,
            system="mysql",
            sessions=look.sessions,
            max_connections=look.max_connections,
            scans=look.scans,
            statements=look.statements,
            indexes=look.indexes,
            clients=look.clients,
            health=look.health,
            gaps=tuple(dict.fromkeys(look.gaps)),
        )
