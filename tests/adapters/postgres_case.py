"""PostgreSQL for real: a probe, a hand, and sessions that get in their way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from psycopg import AsyncConnection
from pydantic import SecretStr

from steadyhand.adapters.databases.postgres import PostgresProbe, PostgresSettings
from steadyhand.adapters.databases.postgres_hand import PostgresHand, PostgresHandSettings
from steadyhand.journey.evidence.model import DatabaseReport
from steadyhand.journey.remedy.model import CreateIndex

AT = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
INDEX = CreateIndex(database="pg", table="orders", columns=("customer_email",), name="orders_customer_email")


def probe(dsn: str, **settings: object) -> PostgresProbe:
    given = {"name": "pg", "dsn_env": "X", "sample": timedelta(seconds=0.3)} | settings
    return PostgresProbe(PostgresSettings.model_validate(given), SecretStr(dsn))


async def look(dsn: str, **settings: object) -> DatabaseReport:
    return await probe(dsn, **settings).look(AT)


def hand(dsn: str, **settings: object) -> PostgresHand:
    given = {"name": "pg", "dsn_env": "X", "lock_timeout": timedelta(seconds=0.3)} | settings
    return PostgresHand(PostgresHandSettings.model_validate(given), SecretStr(dsn))


@asynccontextmanager
async def session(dsn: str, application: str) -> AsyncIterator[AsyncConnection]:
    connection = await AsyncConnection.connect(dsn, application_name=application)
    try:
        yield connection
    finally:
        await connection.close()


async def until(ready: Callable[[], object]) -> None:
    for _ in range(500):
        found = ready()
        if await found if asyncio.iscoroutine(found) else found:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("did not happen within 10 s")
