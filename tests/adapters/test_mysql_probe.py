"""The probe against a real MariaDB and a real MySQL."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pymysql
import pytest
from mysql.servers import SERVERS, session
from pydantic import SecretStr
from servers import free_port

from steadyhand.adapters.databases.mysql import MysqlProbe, MysqlSettings
from steadyhand.adapters.databases.mysql_link import connected
from steadyhand.adapters.databases.mysql_text import compared_columns, mask, plannable
from steadyhand.journey.evidence.database_items import database_items
from steadyhand.journey.evidence.masking import Masker
from steadyhand.journey.evidence.model import DatabaseReport, Statement
from steadyhand.journey.remedy.by_hand import statement
from steadyhand.journey.remedy.model import CancelBackend, CreateIndex, EndSession
from steadyhand.ports import SourceRefused, SourceUnavailable
from steadyhand.tools.telling import tell_database

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
pytestmark = pytest.mark.anyio
RULE = MysqlSettings(name="orders-db", dsn_env="X")


@pytest.fixture(scope="module", params=SERVERS, ids=lambda one: one.__name__)
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    with request.param(counts=True) as found:
        yield found


@pytest.fixture(scope="module", params=SERVERS, ids=lambda one: one.__name__)
def uncounted(request: pytest.FixtureRequest) -> Iterator[int]:
    """A server as Debian sets MariaDB up: it counts no statements."""
    with request.param(counts=False) as found:
        yield found


def _dsn(port: int) -> SecretStr:
    return SecretStr(f"mysql://reader:secret@127.0.0.1:{port}/shop")


async def _look_until(port: int, what: str) -> DatabaseReport:
    until = time.monotonic() + 10
    while True:
        report = await MysqlProbe(RULE, _dsn(port)).look(NOW)
        seen = any(one.blocked_by for one in report.sessions) if what == "lock" else bool(report.scans)
        if seen or time.monotonic() > until:
            return report


def _sessions_of(port: int, user: str) -> int:
    with closing(session(port)) as root, root.cursor() as cursor:
        cursor.execute("select count(*) from information_schema.processlist where user = %s", (user,))
        return int(cursor.fetchone()[0])


MARIA = "locks: a session waits for a metadata lock; this server does not tell its holder"


@contextmanager
def _waiting(port: int, pid: int) -> Iterator[None]:
    """Entered once this session waits for its table."""
    with closing(session(port)) as root, root.cursor() as cursor:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            cursor.execute("select state from information_schema.processlist where id = %s", (pid,))
            if "metadata lock" in str(cursor.fetchone()):
                break
    yield


@contextmanager
def _working(port: int, statement: str) -> Iterator[int]:
    """A session of the shop that runs this; yields its id. It is ended with the block."""
    connection = session(port, "shopper", "shop")

    def work() -> None:
        with connection.cursor() as cursor:
            try:
                cursor.execute(statement)
            except pymysql.MySQLError:
                return  # the end of the block killed it

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield connection.thread_id()
    finally:
        with closing(session(port)) as root, root.cursor() as cursor:
            cursor.execute(f"kill query {connection.thread_id()}")
        worker.join(10)
        connection.close()


async def test_who_waits_for_a_row_is_seen_with_its_blocker_and_every_client_is_counted(port: int) -> None:
    holder = session(port, "shopper", "shop")
    with closing(holder), holder.cursor() as cursor:
        cursor.execute("begin")
        cursor.execute("update orders set total = 0 where id = 7")
        with _working(port, "update orders set total = 1 where id = 7") as waiter:
            report = await _look_until(port, "lock")
    sessions = {one.pid: one for one in report.sessions}
    assert sessions[waiter].blocked_by == (holder.thread_id(),)
    assert sessions[waiter].query == "update orders set total = ? where id = ?"
    assert sessions[holder.thread_id()].state == "idle in transaction"
    assert {(one.role, one.address, one.state, one.count) for one in report.clients} >= {
        ("shopper", "127.0.0.1", "active", 1),
        ("shopper", "127.0.0.1", "idle in transaction", 1),
    }
    assert report.max_connections == 151
    assert [(one.table, one.live_rows > 10_000) for one in report.health] == [("orders", True)]


async def test_a_change_of_a_table_waits_for_who_reads_it_and_later_readers_for_the_change(port: int) -> None:
    reader = session(port, "shopper", "shop")
    with closing(reader), reader.cursor() as cursor:
        cursor.execute("begin")
        cursor.execute("select id from orders limit 1")
        with (
            _working(port, "alter table orders add column note int") as change,
            _waiting(port, change),
            _working(port, "select id from orders limit 1") as late,
            _waiting(port, late),
        ):
            report = await MysqlProbe(RULE, _dsn(port)).look(NOW)
            assert _sessions_of(port, "reader") == 0
    blockers = {one.pid: one.blocked_by for one in report.sessions}
    if MARIA in report.gaps:
        assert (blockers[change], blockers[late]) == ((), ())
    else:
        assert (blockers[change], blockers[late]) == ((reader.thread_id(),), (change,))


async def test_a_running_scan_of_a_big_table_names_the_index_it_lacks(port: int) -> None:
    slow = "select id from orders o where o.email = 'u7@x.test' and sleep(20) = 0"
    with _working(port, slow):
        report = await _look_until(port, "scan")
    assert [(one.table, one.columns) for one in report.scans] == [("orders", ("email",))], report.gaps
    assert "u7@x" not in report.model_dump_json()
    (found,) = [one for one in database_items(report, Masker()) if one.role == "full_scan"]
    assert found.facts["index"] == "none"


def test_an_index_in_the_words_given_to_people_is_built_without_a_lock_and_a_session_ended(port: int) -> None:
    index = CreateIndex(database="shop", table="orders", columns=("total",), name="ix_orders_total")
    _run(port, statement(index, "mysql"), user="root")
    with closing(session(port)) as root, root.cursor() as cursor:
        cursor.execute(
            "select column_name from information_schema.statistics where index_name = 'ix_orders_total'"
        )
        assert cursor.fetchall() == (("total",),)
        cursor.execute("drop index ix_orders_total on shop.orders")
    began = {"database": "shop", "backend_start": NOW}
    with _working(port, "select sleep(20)") as pid:
        _run(port, statement(CancelBackend(pid=pid, query_start=NOW, **began), "mysql"), user="root")
    with closing(session(port, "shopper", "shop")) as idle:
        end = EndSession(pid=idle.thread_id(), transaction_start=NOW, **began)
        _run(port, statement(end, "mysql"), user="root")
        with pytest.raises(pymysql.OperationalError), idle.cursor() as cursor:
            cursor.execute("select 1")


def _run(port: int, *statements: str, user: str = "shopper") -> None:
    with closing(session(port, user, "shop")) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


async def test_statements_that_took_the_most_time_are_told_and_planned_from_their_digest(port: int) -> None:
    slow = "select id from orders where total = {} and email in ('a@secret.test', 'b@secret.test') limit 5"
    _run(port, *(slow.format(number) for number in range(12)))
    now = datetime.now(UTC)
    report = await MysqlProbe(RULE, _dsn(port)).look(now)
    found = next((one for one in report.statements if "`email` IN" in one.query), None)
    assert found, [one.query for one in report.statements]
    assert (found.calls, found.rows_read) == (12, 20_000)
    assert found.first_seen is not None
    assert abs(found.first_seen - now) < timedelta(minutes=1)
    scan = next(one for one in report.scans if set(one.columns) == {"email", "total"})
    assert scan.calls == 12
    assert "secret" not in report.model_dump_json()
    assert not any("information_schema" in one.query.lower() for one in report.statements)
    assert any("12 calls" in line and "20000 rows read each" in line for line in tell_database(report))
    earlier = await MysqlProbe(RULE, _dsn(port)).look(now + timedelta(hours=1))
    assert earlier.statements == ()


async def test_without_counters_the_slow_log_is_read_and_without_both_the_gap_is_told(uncounted: int) -> None:
    silent = await MysqlProbe(RULE, _dsn(uncounted)).look(datetime.now(UTC))
    assert any("performance_schema is off and the slow log is not kept" in one for one in silent.gaps)
    on = "slow_query_log = on", "log_output = 'TABLE'", "long_query_time = 0"
    _run(uncounted, *(f"set global {one}" for one in on), user="root")
    slow = "select id from orders where email = 'u{}@secret.test'"
    _run(uncounted, *(slow.format(number) for number in range(3)))
    _run(uncounted, "set global long_query_time = 10", user="root")
    report = await MysqlProbe(RULE, _dsn(uncounted)).look(datetime.now(UTC))
    found = next(one for one in report.statements if "email" in one.query)
    assert (found.calls, found.rows_read) == (3, 20_000)
    assert [(one.columns, one.calls) for one in report.scans] == [(("email",), 3)]
    assert any("the slow log tells only" in one for one in report.gaps)
    assert "secret" not in report.model_dump_json()


def test_a_slow_statement_is_news_where_the_server_has_counted_for_long() -> None:
    def seen(ago: timedelta, mean_ms: float, query: str) -> Statement:
        return Statement(query=query, calls=4, mean_ms=mean_ms, first_seen=NOW - ago)

    new = seen(timedelta(minutes=5), 800, "select new")
    old = seen(timedelta(days=2), 900, "select old")
    quick = seen(timedelta(minutes=5), 1, "select quick")
    report = DatabaseReport(database="orders-db", at=NOW, statements=(new, old, quick))
    (item,) = database_items(report, Masker())
    assert "select new" in item.title
    assert item.onset is not None
    assert item.onset.at == NOW - timedelta(minutes=5)
    assert database_items(report.model_copy(update={"statements": (new,)}), Masker()) == []


async def test_a_server_that_is_gone_is_named_unavailable_and_a_gap() -> None:
    dsn = _dsn(free_port())
    with pytest.raises(SourceUnavailable), connected("orders-db", dsn, RULE.connect_timeout, RULE.deadline):
        pass
    report = await MysqlProbe(RULE, dsn).look(NOW)
    assert report.gaps[0].startswith("connection: ")
    assert "secret" not in report.model_dump_json()


@pytest.mark.parametrize("statement", ["delete from orders", "create table t (a int)"])
def test_the_read_only_role_cannot_write(port: int, statement: str) -> None:
    with (
        connected("orders-db", _dsn(port), RULE.connect_timeout, RULE.statement_timeout) as link,
        pytest.raises(SourceRefused),
    ):
        link.rows(statement)


def test_a_slow_question_ends_at_the_statement_timeout(port: int) -> None:
    short = MysqlSettings(name="a", dsn_env="X", statement_timeout=timedelta(seconds=0.2))
    with (
        connected("orders-db", _dsn(port), short.connect_timeout, short.statement_timeout) as link,
        pytest.raises(SourceUnavailable),
    ):
        link.rows("select count(*) from shop.orders a, shop.orders b where a.total + b.total = -1")


def test_literals_of_either_quote_are_masked_and_what_writes_is_not_planned() -> None:
    assert mask(r"select 'it\'s', " + '"a\'b", `n1`, 0xff # secret') == "select ?, ?, `n1`, ?"
    assert compared_columns("(`shop`.`o`.`a` = 5) and o.b > 'x or y'") == ("a", "b")
    assert not plannable("select 1 into outfile '/tmp/x'")
