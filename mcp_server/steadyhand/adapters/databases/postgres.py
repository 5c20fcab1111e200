"""A read-only look into one PostgreSQL database (13 or later).

The role needs pg_monitor, and pg_read_all_data where statements shall be planned. It should own nothing
and be no superuser: planning somebody's statement may run functions that call themselves immutable.
"""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field, SecretStr

from steadyhand.journey.evidence.model import DatabaseReport
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import SourceError


class PostgresSettings(Rule):
    """Which database, and how little a look may cost it."""

    kind: Literal["postgres"] = "postgres"
    name: str = Field(description="The database's name among the services.")
    dsn_env: str = Field(description="Environment variable with the address of a read-only role.")
    connect_timeout: Duration = timedelta(seconds=3)
    statement_timeout: Duration = timedelta(seconds=2)
    lock_timeout: Duration = timedelta(milliseconds=300)
    deadline: Duration = Field(default=timedelta(seconds=12), description="For the whole look.")
    sample: Duration = Field(default=timedelta(seconds=1), description="Rates are taken over this.")
    big_table: int = Field(default=10_000, gt=0, description="Scans of smaller tables are no news. Rows.")


class PostgresProbe:
    """A DatabaseProbe: sessions, locks, table and statement rates, indexes, and plans, never executed."""

    def __init__(self, settings: PostgresSettings, dsn: SecretStr) -> None:
        self.name = settings.name
        self._settings = settings
        self._dsn = dsn

    async def look(self, at: datetime) -> DatabaseReport:
        """What it is doing now, stamped `at`. Raises nothing: what cannot be seen is a gap in the report."""
        from steadyhand.adapters.databases.link import connected  # noqa: PLC0415 -- psycopg is heavy
        from steadyhand.adapters.databases.look import Look  # noqa: PLC0415 -- same

        rule = self._settings
        try:
            async with connected(self.name, self._dsn, rule.connect_timeout, self._session()) as link:
                look = Look(
                    link,
                    each_s=rule.statement_timeout.total_seconds() + 0.5,
                    total_s=rule.deadline.total_seconds(),
                    sample_s=rule.sample.total_seconds(),
                    big_table=rule.big_table,
                )
                await look.run()
        except SourceError as error:
            return DatabaseReport(database=self.name, at=at, gaps=(f"connection: {error.why}",))
        return DatabaseReport(
            database=self.name,
            at=at,
            sessions=look.sessions,
            max_connections=look.max_connections,
            waits_for_restart=look.waits_for_restart,
            idle_timeout_ms=look.idle_timeout_ms,
            tables=look.tables,
            scans=look.scans,
            statements=look.statements,
            indexes=look.indexes,
            clients=look.clients,
            health=look.health,
            replicas=look.replicas,
            ids=look.ids,
            gaps=tuple(dict.fromkeys(look.gaps)),
        )

    def _session(self) -> dict[str, str]:
        return {
            "application_name": "steadyhand",
            "default_transaction_read_only": "on",
            "statement_timeout": f"{self._settings.statement_timeout.total_seconds() * 1000:.0f}",
            "lock_timeout": f"{self._settings.lock_timeout.total_seconds() * 1000:.0f}",
        }
