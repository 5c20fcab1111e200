"""What a hand may change in a real PostgreSQL: each statement verified, none in the way of users."""

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from postgres_case import INDEX, hand, look, session, until
from psycopg import AsyncConnection
from servers import postgres

from steadyhand.adapters.databases.postgres_hand import PostgresHand
from steadyhand.journey.remedy.model import CancelBackend, DropIndex, EndSession, SetSetting
from steadyhand.ports import EffectUnknown, SourceRefused, SourceUnavailable

pytestmark = pytest.mark.anyio
ORDERS = """
create table orders (id bigserial primary key, customer_email text, status text, total numeric);
insert into orders (customer_email, status, total)
    select 'user' || n || '@example.org', 'paid', n from generate_series(1, 30000) n;
create table small (id int, customer_email text);
create index orders_status_paid on orders (status) where status = 'paid';
analyze;
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(ORDERS)
        yield dsn


@pytest.fixture(autouse=True)
def clean(server: str) -> None:
    with psycopg.connect(server, autocommit=True, options="-c lock_timeout=5s") as connection:
        connection.execute(f"drop index if exists {INDEX.name}")


async def test_an_index_is_built_valid_and_dropped_again(server: str) -> None:
    one = hand(server)
    assert await one.state(INDEX) == "not done"
    await one.act(INDEX)
    await one.act(INDEX)
    assert await one.state(INDEX) == "done"
    await one.act(DropIndex(database="pg", name=INDEX.name))
    await one.act(DropIndex(database="pg", name=INDEX.name))
    assert await one.state(INDEX) == "not done"


async def test_a_build_that_cannot_get_its_lock_gives_up_and_leaves_nothing(server: str) -> None:
    async with session(server, "migration") as alter:
        await alter.execute("lock table orders in share update exclusive mode")
        began = time.monotonic()
        with pytest.raises(SourceUnavailable, match="lock timeout"):
            await hand(server).act(INDEX)
        assert time.monotonic() - began < 5
    assert await hand(server).state(INDEX) == "not done"


async def test_a_build_that_waits_for_an_old_transaction_gives_up_and_cleans_up_once_it_ends(
    server: str,
) -> None:
    one = hand(server)
    async with session(server, "shop") as shop:
        await shop.execute("update orders set total = total where id = 1")
        build = asyncio.create_task(one.act(INDEX))
        await until(lambda: _is(one, "broken"))
        await asyncio.sleep(0.5)
        await asyncio.wait_for(shop.execute("select count(*) from orders"), 2)
        await shop.rollback()
        with pytest.raises(SourceUnavailable, match="lock timeout"):
            await build
    assert await one.state(INDEX) == "not done"


async def test_a_leftover_that_cannot_be_dropped_is_told_by_name(server: str) -> None:
    one = hand(server, cleanup_timeout=timedelta(seconds=0.3))
    async with session(server, "shop") as shop:
        await shop.execute("update orders set total = total where id = 1")
        with pytest.raises(SourceUnavailable, match=f"unfinished index {INDEX.name} is left"):
            await one.act(INDEX)
    assert await one.state(INDEX) == "broken"
    await one.act(INDEX)
    assert await one.state(INDEX) == "done"


async def test_a_build_killed_half_way_is_found_invalid_and_replaced(server: str) -> None:
    one = hand(server, lock_timeout=timedelta(seconds=20))
    async with session(server, "shop") as shop:
        await shop.execute("update orders set total = total where id = 1")
        build = asyncio.create_task(one.act(INDEX))
        await until(lambda: _is(one, "under way"))
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'steadyhand-fix' and query like 'create index%'"
            )
        with pytest.raises(EffectUnknown, match=r"broke while it ran"):
            await build
        assert await one.state(INDEX) == "broken"
    await one.act(INDEX)
    assert await one.state(INDEX) == "done"


async def test_a_build_by_somebody_else_is_left_alone(server: str) -> None:
    one = hand(server, lock_timeout=timedelta(seconds=20))
    async with session(server, "shop") as shop:
        await shop.execute("update orders set total = total where id = 1")
        build = asyncio.create_task(one.act(INDEX))
        await until(lambda: _is(one, "under way"))
        with pytest.raises(SourceUnavailable, match="is being built already"):
            await hand(server).act(INDEX)
        await shop.rollback()
        await build
    assert await one.state(INDEX) == "done"


async def test_another_index_of_that_name_is_never_touched(server: str) -> None:
    other = INDEX.model_copy(update={"columns": ("total",)})
    await hand(server).act(other)
    with pytest.raises(SourceRefused, match="another index has the name"):
        await hand(server).act(INDEX)
    taken = INDEX.model_copy(update={"name": "orders_status_paid", "columns": ("status",)})
    with pytest.raises(SourceRefused, match="another index has the name"):
        await hand(server).act(taken)
    assert await hand(server).state(taken) == "done"


async def test_a_hand_acts_in_its_own_database_only(server: str) -> None:
    with pytest.raises(SourceRefused, match="not for the database other"):
        await hand(server).act(INDEX.model_copy(update={"database": "other"}))


async def _is(one: PostgresHand, state: str) -> bool:
    return await one.state(INDEX) == state


# cancelling a statement


async def running(connection: AsyncConnection, server: str) -> CancelBackend:
    """What would cancel the statement that this session runs now."""
    found: list[CancelBackend] = []

    async def looked() -> bool:
        async with session(server, "look") as other:
            rows = await other.execute(
                "select backend_start, query_start from pg_stat_activity where pid = %s and state = 'active'",
                [connection.info.backend_pid],
            )
            for start, began in await rows.fetchall():
                found.append(
                    CancelBackend(
                        database="pg",
                        pid=connection.info.backend_pid,
                        backend_start=start,
                        query_start=began,
                    )
                )
        return bool(found)

    await until(looked)
    return found[0]


async def test_a_statement_is_cancelled_by_its_own_identity_and_its_session_lives_on(server: str) -> None:
    async with session(server, "report") as one:
        statement = asyncio.create_task(one.execute("select pg_sleep(60)"))
        action = await running(one, server)
        assert await hand(server).state(action) == "not done"
        await hand(server).act(action)
        with pytest.raises(psycopg.errors.QueryCanceled):
            await statement
        assert await hand(server).state(action) == "done"
        await one.rollback()
        await one.execute("select 1")


@pytest.mark.parametrize("field", ["backend_start", "query_start"])
async def test_the_next_statement_or_session_under_the_same_pid_is_never_touched(
    server: str, field: str
) -> None:
    async with session(server, "report") as one:
        statement = asyncio.create_task(one.execute("select pg_sleep(5)"))
        action = await running(one, server)
        earlier = getattr(action, field) - timedelta(seconds=1)
        await hand(server).act(action.model_copy(update={field: earlier}))
        await statement


async def test_the_probe_names_the_statement_at_the_root_so_that_it_can_be_cancelled(server: str) -> None:
    async with session(server, "migration") as one, session(server, "shop") as other:
        statement = asyncio.create_task(one.execute("lock table small; select pg_sleep(60)"))
        action = await running(one, server)
        waiting = asyncio.create_task(other.execute("select * from small"))
        await until(lambda: _waits(server))
        root = next(item for item in (await look(server)).sessions if item.pid == action.pid)
        assert (root.backend_start, root.query_start) == (action.backend_start, action.query_start)
        await hand(server).act(action)
        with pytest.raises(psycopg.errors.QueryCanceled):
            await statement
        await one.rollback()
        await waiting


# ending a session that idles in a transaction


async def idling(server: str, pid: int) -> EndSession:
    """What would end this session, as the probe gives it."""

    async def seen() -> bool:
        return any(
            one.pid == pid and one.state == "idle in transaction" for one in (await look(server)).sessions
        )

    await until(seen)
    one = next(one for one in (await look(server)).sessions if one.pid == pid)
    assert one.backend_start is not None
    assert one.transaction_start is not None
    return EndSession(
        database="pg", pid=pid, backend_start=one.backend_start, transaction_start=one.transaction_start
    )


async def test_a_session_that_idles_in_a_transaction_is_ended_and_its_waiters_go_on(server: str) -> None:
    async with session(server, "console") as one, session(server, "shop") as other:
        await one.execute("lock table small")
        waiting = asyncio.create_task(other.execute("select * from small"))
        action = await idling(server, one.info.backend_pid)
        assert await hand(server).state(action) == "not done"
        await hand(server).act(action)
        assert await hand(server).state(action) == "done"
        await waiting
        with pytest.raises(psycopg.OperationalError):
            await one.execute("select 1")
        await hand(server).act(action)


@pytest.mark.parametrize("field", ["backend_start", "transaction_start"])
async def test_another_session_or_a_later_transaction_is_never_ended(server: str, field: str) -> None:
    async with session(server, "console") as one:
        await one.execute("select 1")
        action = await idling(server, one.info.backend_pid)
        earlier = getattr(action, field) - timedelta(seconds=1)
        await hand(server).act(action.model_copy(update={field: earlier}))
        await one.execute("select 1")


async def test_a_session_that_is_at_work_again_is_not_ended(server: str) -> None:
    async with session(server, "console") as one:
        await one.execute("select 1")
        action = await idling(server, one.info.backend_pid)
        at_work = asyncio.create_task(one.execute("select pg_sleep(1)"))
        await running(one, server)
        await hand(server).act(action)
        await at_work


async def _waits(server: str) -> bool:
    async with session(server, "look") as other:
        rows = await other.execute("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")
        return await rows.fetchone() == (1,)


# server parameters


@pytest.fixture
def settings_as_before(server: str) -> Iterator[None]:
    yield
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("alter system reset all")
        connection.execute("select pg_reload_conf()")


@pytest.mark.usefixtures("settings_as_before")
async def test_a_parameter_is_in_force_when_it_is_called_done_and_a_reset_brings_the_old_one_back(
    server: str,
) -> None:
    one = hand(server)
    wanted = SetSetting(database="pg", name="work_mem", value="12MB")
    reset = SetSetting(database="pg", name="work_mem", value=None)
    assert await one.state(wanted) == "not done"
    await one.act(wanted)
    assert await one.state(wanted) == "done"
    assert _shown(server, "work_mem") == "12MB"
    await one.act(reset)
    assert await one.state(reset) == "done"
    assert _shown(server, "work_mem") == "4MB"


@pytest.mark.usefixtures("settings_as_before")
async def test_a_parameter_that_waits_for_a_restart_is_seen_and_not_called_applied(server: str) -> None:
    wanted = SetSetting(database="pg", name="max_connections", value="150")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("alter system set max_connections = 150")
        connection.execute("select pg_reload_conf()")
    await until(lambda: _state_is(server, wanted, "broken"))


@pytest.mark.usefixtures("settings_as_before")
async def test_a_limit_on_idle_transactions_ends_what_idles_from_then_on_and_is_taken_back_whole(
    server: str,
) -> None:
    name = "idle_in_transaction_session_timeout"
    assert (await look(server)).idle_timeout_ms == 0
    await hand(server).act(SetSetting(database="pg", name=name, value="1s"))
    assert (await look(server)).idle_timeout_ms is None, "somebody has set it: it is not ours to propose"
    async with session(server, "leaky") as one:
        await one.execute("select 1")
        pid = one.info.backend_pid

        async def gone() -> bool:
            return all(other.pid != pid for other in (await look(server)).sessions)

        await until(gone)
    await hand(server).act(SetSetting(database="pg", name=name, value=None))
    assert (await look(server)).idle_timeout_ms == 0


@pytest.mark.usefixtures("settings_as_before")
async def test_the_probe_tells_what_waits_for_a_restart(server: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("alter system set max_connections = 150")
        connection.execute("select pg_reload_conf()")

    async def seen() -> bool:
        return (await look(server)).waits_for_restart == ("max_connections",)

    await until(seen)


@pytest.mark.usefixtures("settings_as_before")
async def test_what_needs_a_restart_is_refused_before_anything_is_written(server: str) -> None:
    wanted = SetSetting(database="pg", name="max_connections", value="150")
    with pytest.raises(SourceRefused, match="needs a restart of the server: nothing was written"):
        await hand(server).act(wanted)
    assert await hand(server).state(wanted) == "not done"


@pytest.mark.usefixtures("settings_as_before")
@pytest.mark.parametrize(
    ("name", "value", "why"),
    [("work_mem", "much", "invalid value"), ("no_such_thing", "1", "it has no parameter no_such_thing")],
)
async def test_what_the_server_cannot_use_is_refused_in_its_words(
    server: str, name: str, value: str, why: str
) -> None:
    with pytest.raises(SourceRefused, match=why):
        await hand(server).act(SetSetting(database="pg", name=name, value=value))


async def test_a_value_is_a_literal_whatever_it_holds(server: str) -> None:
    with pytest.raises(SourceRefused, match="invalid value"):
        await hand(server).act(SetSetting(database="pg", name="work_mem", value="1'; drop table small; --"))
    assert _shown(server, "work_mem") == "4MB"


async def _state_is(server: str, action: SetSetting, wanted: str) -> bool:
    return await hand(server).state(action) == wanted


def _shown(server: str, name: str) -> str:
    with psycopg.connect(server, autocommit=True) as connection:
        row = connection.execute("select current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])
