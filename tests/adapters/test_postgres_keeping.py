"""How a server is kept, and the planner's own word on an index it lacks, on a real PostgreSQL.

HypoPG is Debian's package; without it that test is skipped. The rest runs on whichever PostgreSQL is there.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from adapters.postgres_case import AT, look, session
from servers import postgres, postgres_programs

from steadyhand.journey.evidence.database_items import database_items
from steadyhand.journey.evidence.masking import Masker
from steadyhand.tools.telling import tell_database

pytestmark = pytest.mark.anyio

SHOP = """
create table orders (id bigint primary key, status text, note text);
insert into orders select n, 'new', repeat('x', 200) from generate_series(1, 40000) n;
analyze;
"""
# The 3 AM story: a release adds a column and asks by it; nobody added the index.
MIGRATION = """
alter table orders add column customer_ref text;
update orders set customer_ref = 'ref-' || id;
analyze orders;
"""
SLOW = "select count(*) from orders where customer_ref = %s"


def _shop(dsn: str, *extensions: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for one in extensions:
            connection.execute(f"create extension {one}")  # type: ignore[call-overload]
        connection.execute(SHOP)
        connection.execute(MIGRATION)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres("autovacuum=off") as dsn:
        _shop(dsn)
        yield dsn


@pytest.fixture(scope="module")
def with_hypopg() -> Iterator[str]:
    for one in postgres_programs():
        version = one.parent.name
        if Path(f"/usr/share/postgresql/{version}/extension/hypopg.control").is_file():
            with postgres("autovacuum=off", programs=one) as dsn:
                _shop(dsn, "hypopg")
                yield dsn
            return
    pytest.skip("no HypoPG: Debian's postgresql-NN-hypopg is not installed")


async def test_connections_are_counted_by_application_address_role_and_state(server: str) -> None:
    async with session(server, "shop"), session(server, "shop"), session(server, "cart"):
        report = await look(server)
    found = {(one.application, one.address, one.role): one.count for one in report.clients}
    assert found["shop", "127.0.0.1", "postgres"] == 2
    assert found["cart", "127.0.0.1", "postgres"] == 1


async def test_dead_rows_and_bloat_of_a_table_that_was_rewritten_row_by_row_are_estimated(
    server: str,
) -> None:
    report = await look(server)
    orders = next(one for one in report.health if one.table == "orders")
    assert orders.dead_rows == 40_000
    assert orders.vacuumed_at is None
    assert orders.bloat_bytes is not None
    assert 0.3 < orders.bloat_bytes / orders.bytes < 0.7
    assert report.ids is not None
    assert report.ids.oldest < report.ids.freeze_at
    assert any("(estimate)" in line for line in tell_database(report))


async def test_a_slot_that_keeps_the_log_for_nobody_is_named() -> None:
    with postgres("wal_level=replica") as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("select pg_create_physical_replication_slot('forgotten', true)")
        report = await look(dsn)
    (slot,) = report.replicas
    assert slot.name == "slot forgotten"
    assert "INACTIVE" in slot.state


async def test_a_new_column_without_an_index_is_the_full_scan_and_the_planner_would_use_one(
    with_hypopg: str,
) -> None:
    async def hammer() -> None:
        async with session(with_hypopg, "shop") as connection:
            while True:
                await connection.execute(SLOW, ["ref-77"])
                await connection.commit()

    task = asyncio.create_task(hammer())
    try:
        report = await look(with_hypopg)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    (scan,) = report.scans
    assert (scan.table, scan.columns) == ("orders", ("customer_ref",))
    assert scan.rows >= 40_000
    assert scan.verdict.startswith("the planner would use it: cost")
    (item,) = (one for one in database_items(report, Masker()) if one.role == "full_scan")
    assert "no index on customer_ref" in item.title
    assert "hypothetical_index" in item.facts
    with psycopg.connect(with_hypopg) as connection:
        indexes = connection.execute("select count(*) from pg_indexes where tablename = 'orders'").fetchone()
    assert indexes == (1,)
    assert report.at == AT
