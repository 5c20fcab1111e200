"""The probe against real SQLite files, held by real processes."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from steadyhand.adapters.checks.inside import DatabaseCheck
from steadyhand.adapters.databases.sqlite import SqliteProbe, SqliteSettings
from steadyhand.adapters.databases.sqlite_link import connected
from steadyhand.adapters.databases.sqlite_locks import told
from steadyhand.journey.evidence.database_items import database_items
from steadyhand.journey.evidence.masking import Masker
from steadyhand.journey.evidence.model import DatabaseReport
from steadyhand.ports import SourceUnavailable
from steadyhand.tools.telling import tell_database

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
pytestmark = pytest.mark.anyio
needs_linux = pytest.mark.skipif(not told(), reason="only Linux lists who holds a file")
SCHEMA = """
create table orders (id integer primary key, email text, status text, total int, created int);
create index by_created on orders (created);
create table customers (id integer primary key, mail text);
create table small (id integer primary key, email text);
create view open_orders as select id from orders where status = 'open';
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "a shop's #1.db"
    with closing(sqlite3.connect(found)) as database:
        database.executescript(SCHEMA)
        rows = [(f"u{n}@x.test", ("open", "paid")[n % 2], n, n) for n in range(20_000)]
        database.executemany("insert into orders (email, status, total, created) values (?, ?, ?, ?)", rows)
        database.executemany("insert into customers (mail) values (?)", [row[:1] for row in rows])
        database.executemany("insert into small (email) values (?)", [row[:1] for row in rows[:50]])
        database.commit()
    return found


async def look(path: Path, *statements: str, **more: Any) -> DatabaseReport:
    quick = {"sample": timedelta(seconds=0.1)} | more
    return await SqliteProbe(SqliteSettings(name="shop-db", path=path, statements=statements, **quick)).look(
        NOW
    )


@contextmanager
def process(path: Path, *statements: str, ends: str = "sys.stdin.read()") -> Iterator[int]:
    """Another process that has run these in one connection and keeps it open; yields its id."""
    script = "import os, sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n" + (
        "".join(f"c.execute({one!r}).fetchone()\n" for one in statements)
        + f"print('there', flush=True)\n{ends}"
    )
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"there\n"
        yield other.pid


def beside(path: Path) -> dict[str, tuple[int, int]]:
    """Every file of the folder, with its size and the moment it was last written."""
    return {one.name: (one.stat().st_size, one.stat().st_mtime_ns) for one in path.parent.iterdir()}


@pytest.mark.parametrize(
    ("statement", "table", "columns"),
    [
        (
            "select * from orders o where o.email = 'bob@secret.test' and o.total > 5",
            "orders",
            ("email", "total"),
        ),
        ("update orders set total = total + 1 where email = :email", "orders", ("email",)),
        ("delete from customers where mail in (?, ?2)", "customers", ("mail",)),
        (
            "select * from orders o join customers c on c.mail = o.email where o.id = $id",
            "customers",
            ("mail",),
        ),
        ("with x as (select * from customers) select * from x where mail = @mail", "customers", ("mail",)),
    ],
)
async def test_a_statement_that_reads_a_big_table_whole_names_the_index_the_planner_would_use(
    path: Path, statement: str, table: str, columns: tuple[str, ...]
) -> None:
    report = await look(path, statement)
    ((found, *_), _) = report.scans, report.gaps
    assert (found.table, found.columns, found.rows) == (table, columns, 20_000), report.gaps
    assert found.verdict.startswith(f"the planner would use it: SEARCH {table} ({columns[0]}=?")
    assert "bob@secret" not in report.model_dump_json()
    (item,) = [one for one in database_items(report, Masker()) if one.role == "full_scan"]
    assert item.facts["index"] == "none"


@pytest.mark.parametrize(
    "statement",
    [
        "select * from orders where created = 7",  # has its index
        "select * from orders where status = 'open'",  # leaves half of the table
        "select * from orders where total > 7",  # nobody knows how much it leaves
        "select * from orders where total = 7 or email = 'a'",  # no one index serves it
        "select count(*) from orders",  # wants all rows
        "select * from small where email = 'a'",  # is no news
    ],
)
async def test_what_no_index_would_spare_is_no_finding(path: Path, statement: str) -> None:
    report = await look(path, statement)
    assert report.scans == ()
    assert report.gaps == ()


async def test_statements_that_the_application_wrote_down_are_planned_and_never_run(
    path: Path, tmp_path: Path
) -> None:
    written = tmp_path / "statements.log"
    written.write_text(
        "starting up\n"
        "select * from orders where email = 'u1@x.test'\n"
        "select * from orders where email = 'u2@x.test';\n"
        "delete from orders where email = 'u3@x.test'; drop table orders\n"
        "pragma user_version = 7\n"
        "attach '/tmp/other' as other\n"
    )
    before = beside(path)
    report = await look(path, statements_file=written)
    assert [(one.table, one.columns) for one in report.scans] == [("orders", ("email",))]
    assert beside(path) == before


async def test_a_statement_that_cannot_be_planned_is_a_gap_and_the_others_go_on(path: Path) -> None:
    good = "select * from orders where email = ?"
    report = await look(path, "select * from nowhere where a = 'secret'", "vacuum", good)
    assert [one.query for one in report.scans] == [good]
    assert report.gaps == (
        "statements: 'vacuum' is not planned: only one statement that reads or changes rows can be",
        "plan: select * from nowhere where a = ?: no such table: nowhere",
    )


@needs_linux
@pytest.mark.parametrize("journal", ["delete", "wal"])
async def test_who_keeps_writers_out_is_named_with_how_long(path: Path, journal: str) -> None:
    begin = ("begin immediate", "update orders set total = 0 where id = 1")
    with process(path, f"pragma journal_mode = {journal}", *begin) as writer:
        report = await look(path, sample=timedelta(seconds=1.1))
    (session,) = [one for one in report.sessions if one.state == "writes"]
    assert session.pid == writer
    assert session.application.startswith("python")
    assert session.transaction_s > 1
    (item,) = [one for one in database_items(report, Masker()) if one.role == "lock_queue"]
    assert f"pid {writer} " in item.title
    assert item.onset is not None


@needs_linux
async def test_a_commit_that_waits_for_a_reader_names_the_reader_though_nobody_is_let_in(path: Path) -> None:
    left = "import threading\nthreading.Thread(target=lambda: (sys.stdin.read(), os._exit(0))).start()\n"
    half = ("pragma busy_timeout = 60000", "begin", "update orders set total = 0 where id = 1")
    with (
        process(path, "begin", "select * from orders") as reader,
        process(path, *half, ends=f"{left}c.execute('commit')") as writer,
    ):
        ends = time.monotonic() + 10
        while True:
            report = await look(path, busy_timeout=timedelta(seconds=0))
            found = {one.pid: one for one in report.sessions}
            if found[writer].state == "commits" or time.monotonic() > ends:
                break
    assert (found[reader].state, found[writer].blocked_by) == ("reads", (reader,))
    assert report.gaps[0].startswith("connection: database is locked")
    assert not report.saw_nothing


@needs_linux
async def test_a_log_that_a_reader_holds_back_is_told_with_the_reader(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("pragma journal_mode = wal")
        database.execute("pragma wal_autocheckpoint = 0")
        database.execute("create table blobs (it blob)")
        with process(path, "begin", "select * from orders") as reader:
            database.execute("insert into blobs values (zeroblob(45000000))")
            report = await look(path)
        (item,) = [one for one in database_items(report, Masker()) if one.role == "other"]
    assert f"pid {reader}" in item.title
    assert any("write-ahead log: 4" in line for line in tell_database(report))


@pytest.mark.parametrize("state", ["rollback", "closed log", "open log", "crashed log"])
async def test_a_look_leaves_no_trace(path: Path, state: str) -> None:
    insert = ("pragma journal_mode = wal", "insert into orders (email) values ('a')")
    if state == "closed log":
        with process(path, *insert):
            pass
    if state == "crashed log":
        with process(path, *insert, ends="os._exit(1)"):
            pass
    with process(path, *(insert if state == "open log" else ("select 1",))):
        before = beside(path)
        report = await look(path, "select * from orders where email = 'a'")
        after = beside(path)
    assert after == before
    assert [one.columns for one in report.scans] == [("email",)]
    assert report.file is not None
    assert report.file.journal == ("rollback journal" if state == "rollback" else "write-ahead log")


async def test_free_pages_full_pages_and_a_broken_schema_are_told(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("delete from customers")
        database.execute("pragma legacy_alter_table = on")
        database.execute("alter table orders rename to orders_old")
    report = await look(path)
    assert report.file is not None
    assert report.file.free_bytes > 100_000
    assert report.file.problems == ("view open_orders: no such table: main.orders",)
    assert {(one.table, one.live_rows) for one in report.health} >= {("orders_old", 20_000), ("small", 50)}
    lines = "\n".join(tell_database(report))
    assert "BROKEN: view open_orders" in lines
    assert "vacuumed" not in lines
    found = await DatabaseCheck(SqliteProbe(SqliteSettings(name="a", path=path))).run(NOW)
    assert (found.fine, found.words) == (False, "view open_orders: no such table: main.orders")


def _half_done(path: Path) -> None:
    half = ("pragma cache_size = 10", "begin", "update orders set email = email || 'x'")
    with process(path, *half, ends="os._exit(1)"):
        pass


DAMAGES: dict[str, Callable[[Path], object]] = {
    "there is no such file": Path.unlink,
    "file is not a database": lambda path: path.write_text("no database, but long enough to be asked" * 100),
    "a crash left a transaction half done": _half_done,
}


@pytest.mark.parametrize("why", DAMAGES)
async def test_what_cannot_be_opened_is_a_gap_that_says_why(path: Path, why: str) -> None:
    DAMAGES[why](path)
    report = await look(path)
    assert report.gaps[0].startswith("connection: ")
    assert why in report.gaps[0]
    assert report.saw_nothing


def test_a_slow_question_ends_at_the_statement_timeout(path: Path) -> None:
    short = SqliteSettings(name="a", path=path, statement_timeout=timedelta(seconds=0.1))
    with connected(short) as link, pytest.raises(SourceUnavailable, match=r"no answer within 0\.1 s"):
        link.rows("select count(*) from orders a, orders b where a.total + b.total = -1")


async def test_what_is_not_asked_in_time_is_a_gap_and_no_finding(path: Path) -> None:
    report = await look(path, "select * from orders where email = 'u1@x.test'", deadline=timedelta(0))
    assert "schema: not asked, the time for the look is over" in report.gaps
    assert (report.file, report.scans, report.indexes) == (None, (), ())
