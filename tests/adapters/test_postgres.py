import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import AsyncConnection
from pydantic import SecretStr
from servers import free_port, postgres

from steadyhand.adapters.databases.postgres import PostgresProbe, PostgresSettings
from steadyhand.adapters.databases.postgres_hand import PostgresHand, PostgresHandSettings
from steadyhand.journey.evidence.model import DatabaseReport
from steadyhand.journey.remedy.model import CreateIndex, DropIndex
from steadyhand.ports import EffectUnknown, SourceRefused, SourceUnavailable

pytestmark = pytest.mark.anyio
AT = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
INDEX = CreateIndex(database="pg", table="orders", columns=("customer_email",), name="orders_customer_email")
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
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres("shared_preload_libraries=pg_stat_statements") as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(ORDERS)
        yield dsn


@pytest.fixture(autouse=True)
def clean(server: str) -> None:
    with psycopg.connect(server, autocommit=True, options="-c lock_timeout=5s") as connection:
        connection.execute(f"drop index if exists {INDEX.name}")


def probe(dsn: str, **settings: object) -> PostgresProbe:
    given = {"name": "pg", "dsn_env": "X", "sample": timedelta(seconds=0.3)} | settings
    return PostgresProbe(PostgresSettings.model_validate(given), SecretStr(dsn))


def hand(dsn: str, **settings: object) -> PostgresHand:
    given = {"name": "pg", "dsn_env": "X", "lock_timeout": timedelta(seconds=0.3)} | settings
    return PostgresHand(PostgresHandSettings.model_validate(given), SecretStr(dsn))


async def look(dsn: str, **settings: object) -> DatabaseReport:
    return await probe(dsn, **settings).look(AT)


@asynccontextmanager
async def session(dsn: str, application: str) -> AsyncIterator[AsyncConnection]:
    connection = await AsyncConnection.connect(dsn, application_name=application)
    try:
        yield connection
    finally:
        await connection.close()


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


async def until(ready: Callable[[], object]) -> None:
    for _ in range(500):
        found = ready()
        if await found if asyncio.iscoroutine(found) else found:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("did not happen within 10 s")


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
    await hand(server).create_index(INDEX)
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


async def test_an_index_is_built_valid_and_dropped_again(server: str) -> None:
    one = hand(server)
    assert await one.index_state(INDEX.name) == "absent"
    await one.create_index(INDEX)
    await one.create_index(INDEX)
    assert await one.index_state(INDEX.name) == "valid"
    await one.drop_index(DropIndex(database="pg", name=INDEX.name))
    await one.drop_index(DropIndex(database="pg", name=INDEX.name))
    assert await one.index_state(INDEX.name) == "absent"


async def test_a_build_that_cannot_get_its_lock_gives_up_and_leaves_nothing(server: str) -> None:
    async with session(server, "migration") as alter:
        await alter.execute("lock table orders in share update exclusive mode")
        began = time.monotonic()
        with pytest.raises(SourceUnavailable, match="lock timeout"):
            await hand(server).create_index(INDEX)
        assert time.monotonic() - began < 5
    assert await hand(server).index_state(INDEX.name) == "absent"


async def test_a_build_that_waits_for_an_old_transaction_gives_up_and_cleans_up_once_it_ends(
    server: str,
) -> None:
    one = hand(server)
    async with session(server, "shop") as shop:
        await shop.execute("update orders set total = total where id = 1")
        build = asyncio.create_task(one.create_index(INDEX))
        await until(lambda: _is(one, "invalid"))
        await asyncio.sleep(0.5)
        await asyncio.wait_for(shop.execute("select count(*) from orders"), 2)
        await shop.rollback()
        with pytest.raises(SourceUnavailable, match="lock timeout"):
            await build
    assert await one.index_state(INDEX.name) == "absent"


async def test_a_leftover_that_cannot_be_dropped_is_told_by_name(server: str) -> None:
    one = hand(server, cleanup_timeout=timedelta(seconds=0.3))
    async with session(server, "shop") as shop:
        await shop.execute("update orders set total = total where id = 1")
        with pytest.raises(SourceUnavailable, match=f"unfinished index {INDEX.name} is left"):
            await one.create_index(INDEX)
    assert await one.index_state(INDEX.name) == "invalid"
    await one.create_index(INDEX)
    assert await one.index_state(INDEX.name) == "valid"


async def test_a_build_killed_half_way_is_found_invalid_and_replaced(server: str) -> None:
    one = hand(server, lock_timeout=timedelta(seconds=20))
    async with session(server, "shop") as shop:
        await shop.execute("update orders set total = total where id = 1")
        build = asyncio.create_task(one.create_index(INDEX))
        await until(lambda: _is(one, "building"))
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'steadyhand-fix' and query like 'create index%'"
            )
        with pytest.raises(EffectUnknown, match=r"broke while it ran"):
            await build
        assert await one.index_state(INDEX.name) == "invalid"
    await one.create_index(INDEX)
    assert await one.index_state(INDEX.name) == "valid"


async def test_a_build_by_somebody_else_is_left_alone(server: str) -> None:
    one = hand(server, lock_timeout=timedelta(seconds=20))
    async with session(server, "shop") as shop:
        await shop.execute("update orders set total = total where id = 1")
        build = asyncio.create_task(one.create_index(INDEX))
        await until(lambda: _is(one, "building"))
        with pytest.raises(SourceUnavailable, match="is being built already"):
            await hand(server).create_index(INDEX)
        await shop.rollback()
        await build
    assert await one.index_state(INDEX.name) == "valid"


async def test_another_index_of_that_name_is_never_touched(server: str) -> None:
    other = INDEX.model_copy(update={"columns": ("total",)})
    await hand(server).create_index(other)
    with pytest.raises(SourceRefused, match="another index has the name"):
        await hand(server).create_index(INDEX)
    taken = INDEX.model_copy(update={"name": "orders_status_paid", "columns": ("status",)})
    with pytest.raises(SourceRefused, match="another index has the name"):
        await hand(server).create_index(taken)
    assert await hand(server).index_state("orders_status_paid") == "valid"


async def test_a_hand_acts_in_its_own_database_only(server: str) -> None:
    with pytest.raises(SourceRefused, match="not for the database other"):
        await hand(server).create_index(INDEX.model_copy(update={"database": "other"}))


async def _is(one: PostgresHand, state: str) -> bool:
    return await one.index_state(INDEX.name) == state
