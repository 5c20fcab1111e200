import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
import pytest
from postgres_case import INDEX, hand, look, session
from servers import free_port, postgres

pytestmark = [pytest.mark.anyio, pytest.mark.timed]
SLOW = "select count(*) from orders where customer_email = %s"

ORDERS = """
create extension pg_stat_statements;
create table orders (id bigserial primary key, customer_email text, status text, total numeric);
insert into orders (customer_email, status, total)
    select 'user' || n || '@example.org', 'paid', n from generate_series(1, 30000) n;
create table small (id int, customer_email text);
create index orders_status_paid on orders (status) where status = 'paid';
analyze;
create role blind login;
create role reader login;
grant pg_monitor, pg_read_all_data to reader;
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres("shared_preload_libraries=pg_stat_statements") as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(ORDERS)
        yield dsn


@pytest.fixture(autouse=True)
def clean(server: str) -> None:
    """No index of another test."""
    with psycopg.connect(server, autocommit=True, options="-c lock_timeout=5s") as connection:
        connection.execute(f"drop index if exists {INDEX.name}")


@asynccontextmanager
async def repeating(dsn: str, statement: str, value: str) -> AsyncIterator[None]:
    """A client that runs one statement over and over."""

    async def run() -> None:
        async with session(dsn, "shop") as connection:
            while True:
                await connection.execute(statement, [value])
                await connection.commit()

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_calm_database_shows_its_limits_and_indexes_and_no_gap(server: str) -> None:
    report = await look(server)
    assert report.gaps == ()
    assert report.max_connections == 100
    assert report.scans == ()
    assert {one.name: one.columns for one in report.indexes} == {
        "orders_pkey": ("id",),
        "orders_status_paid": ("status (partial)",),
    }


async def test_idle_in_transaction_shows_its_application_age_and_masked_statement(server: str) -> None:
    async with session(server, "shop-1") as leak:
        await leak.execute("select 1 from orders where customer_email = 'ann@example.org'")
        await asyncio.sleep(0.1)
        report = await look(server)
    (found,) = [one for one in report.sessions if one.application == "shop-1"]
    assert found.state == "idle in transaction"
    assert found.wait == "Client/ClientRead"
    assert found.transaction_s >= 0.1
    assert found.query == "select ? from orders where customer_email = ?"


async def test_a_lock_queue_names_who_blocks_whom(server: str) -> None:
    async with (
        session(server, "reporting") as root,
        session(server, "migration") as alter,
        session(server, "shop") as shop,
    ):
        await root.execute("lock table orders in access share mode")
        waiting = []
        for one, statement in ((alter, "alter table orders add x int"), (shop, "select 1 from orders")):
            waiting.append(asyncio.create_task(one.execute(statement)))
            await asyncio.sleep(0.3)
        report = await look(server)
        await root.rollback()
        await waiting[0]
        await alter.rollback()
        await waiting[1]
    by_name = {one.application: one for one in report.sessions}
    assert by_name["migration"].blocked_by == (by_name["reporting"].pid,)
    assert by_name["shop"].blocked_by == (by_name["migration"].pid,)
    assert by_name["shop"].wait == "Lock/relation"
    assert by_name["reporting"].blocked_by == ()


async def test_a_locked_table_delays_no_look_and_leaves_a_gap_at_most(server: str) -> None:
    async with session(server, "migration") as alter, repeating(server, SLOW, "x"):
        await asyncio.sleep(0.2)
        await alter.execute("lock table orders in access exclusive mode")
        began = time.monotonic()
        report = await look(server, lock_timeout=timedelta(seconds=0.1))
        spent = time.monotonic() - began
    assert spent < 5
    assert any(one.application == "shop" and one.blocked_by for one in report.sessions)
    assert any("lock timeout" in gap for gap in report.gaps)


async def test_a_missing_index_is_found_with_table_column_rows_and_cost(server: str) -> None:
    async with repeating(server, SLOW, "user77@example.org"):
        await asyncio.sleep(0.3)
        report = await look(server, sample=timedelta(seconds=1.5))
    (scan,) = report.scans
    assert (scan.table, scan.columns, scan.rows) == ("orders", ("customer_email",), 30_000)
    assert scan.query == "select count(*) from orders where customer_email = $1"
    assert scan.mean_ms is not None
    assert 0.1 < scan.mean_ms < 1000
    assert scan.calls is not None
    assert report.tables[0].table == "orders"
    assert report.tables[0].seq_rows_per_s > 30_000


async def test_without_statement_counters_the_sessions_show_the_missing_index(server: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("drop extension pg_stat_statements")
    try:
        async with repeating(server, SLOW, "user77@example.org"):
            await asyncio.sleep(0.2)
            report = await look(server)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("create extension pg_stat_statements")
    assert [one.columns for one in report.scans] == [("customer_email",)]
    assert any("pg_stat_statements is not installed" in gap for gap in report.gaps)


async def test_once_the_index_is_there_nothing_is_missing(server: str) -> None:
    await hand(server).act(INDEX)
    async with repeating(server, SLOW, "user77@example.org"):
        await asyncio.sleep(0.2)
        report = await look(server)
    assert report.scans == ()


async def test_small_tables_and_broad_filters_are_no_news(server: str) -> None:
    broad = "select count(*) from orders where status = %s"
    small = "select count(*) from small where customer_email = %s"
    async with repeating(server, broad, "paid"), repeating(server, small, "x"):
        await asyncio.sleep(0.2)
        report = await look(server)
    assert report.scans == ()


async def test_the_probe_cannot_write(server: str) -> None:
    with psycopg.connect(server) as connection:
        before = connection.execute("select sum(total) from orders").fetchone()
    async with repeating(server, "update orders set total = 0 where customer_email = %s", "nobody"):
        await asyncio.sleep(0.2)
        report = await look(server)
    assert [one.columns for one in report.scans] == [("customer_email",)]
    with psycopg.connect(server) as connection:
        assert connection.execute("select sum(total) from orders").fetchone() == before


async def test_a_role_that_may_only_read_is_never_refused_by_the_server(server: str) -> None:
    written = "update orders set total = 0 where customer_email = %s"
    async with repeating(server, written, "nobody"), repeating(server, SLOW, "nobody"):
        await asyncio.sleep(0.2)
        report = await look(server.replace("postgres@", "reader@"))
    assert [one.columns for one in report.scans] == [("customer_email",)]
    assert "plan: what writes orders is not planned, this role may only read" in report.gaps
    assert not any("permission denied" in one for one in report.gaps)


async def test_a_role_that_may_not_see_says_so(server: str) -> None:
    async with session(server, "shop") as other:
        await other.execute("select 1")
        report = await look(server.replace("postgres@", "blind@"))
    assert "sessions: other roles' statements are hidden; grant pg_monitor" in report.gaps


async def test_a_dead_database_is_a_gap_without_the_password() -> None:
    report = await look(f"postgresql://me:hunter2@127.0.0.1:{free_port()}/x")
    assert report.gaps[0].startswith("connection: ")
    assert "hunter2" not in str(report)


async def test_a_malformed_address_is_a_gap_without_the_password() -> None:
    report = await look("host=x hunter2")
    assert report.gaps == ("connection: its address is no valid PostgreSQL DSN",)
