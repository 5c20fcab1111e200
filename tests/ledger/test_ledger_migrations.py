"""A store of any released version is brought up to this one, with all it holds."""

import multiprocessing
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from ledger.shelf import LEASE, NOW, arm, raw, send
from pydantic import SecretStr
from sqlalchemy import create_engine, inspect
from stores import KINDS, Place, new_database

from steadyhand.adapters.ledger import migrations, schema
from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.journey.audit.proof import find_problem
from steadyhand.ports import LedgerError

FIRST_RELEASE = Path(__file__).with_name("first_release.sql").read_text(encoding="utf-8")
TIMERS = "select * from timer order by key"
MAIL = (
    "select key, incident, channel, target, subject, body, state, due_at, attempts, receipt, error "
    "from outbox order by key"
)
INDEXES = (
    "select name, lower(sql) from sqlite_master where type = 'index' and sql is not null",
    "select indexname, lower(indexdef) from pg_indexes where schemaname = 'public'",
)


def first_release(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(FIRST_RELEASE)


def history() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER))
    return ScriptDirectory.from_config(config)


@pytest.fixture(params=KINDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place nothing was ever written to."""
    if request.param == "sqlite":
        yield tmp_path / "empty.db"
        return
    with new_database(request.getfixturevalue("postgres_server"), "template0") as dsn:
        yield dsn


def test_history_is_one_line_and_its_end_is_the_highest_number() -> None:
    assert history().get_heads() == [migrations.head()]
    assert [one.revision for one in history().walk_revisions()][-1] == migrations.FIRST


def test_the_revisions_lead_to_exactly_the_tables_we_use(empty: Place) -> None:
    ledger = SqlLedger(empty)
    with ledger.doors.writer.begin() as connection:
        compare = {"compare_type": True, "compare_server_default": False}
        context = MigrationContext.configure(connection, opts=compare)
        found = [
            one for one in compare_metadata(context, schema.metadata) if "alembic_version" not in str(one)
        ]
    assert found == []


def test_the_partial_indexes_are_partial(empty: Place) -> None:
    SqlLedger(empty)
    written = dict(raw(empty, INDEXES[isinstance(empty, SecretStr)]))
    for table in schema.metadata.tables.values():
        for index in table.indexes:
            predicate = index.dialect_options["sqlite"]["where"]
            only = "" if predicate is None else str(predicate).partition("=")[2]
            assert only in str(written[index.name]), index.name


def test_the_first_revision_is_exactly_the_first_release(tmp_path: Path) -> None:
    first_release(tmp_path / "released.db")
    fresh = tmp_path / "fresh.db"
    _only_the_first_revision(fresh)
    assert _shape(fresh) == _shape(tmp_path / "released.db")


def _only_the_first_revision(path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, migrations.FIRST)
    engine.dispose()


def _shape(path: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("select name, sql from sqlite_master where sql is not null").fetchall()
    return {(name, " ".join(sql.split()).lower()) for name, sql in rows if name != "alembic_version"}


def test_the_first_released_store_comes_up_with_all_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    first_release(path)
    before = raw(path, TIMERS), raw(path, MAIL)
    ledger = SqlLedger(path)
    assert (raw(path, TIMERS), raw(path, MAIL)) == before
    assert len(before[0]) == 4
    with ledger.read() as tx:
        assert [one.id for one in tx.incidents(9)] == ["inc-2", "inc-1"]
        assert find_problem(tx.audit.rows()) == ""
        assert tx.person("ana") is not None
        assert [one.state for one in tx.receipts("inc-1")] == ["sent", "sent"]
    assert {one.kind for one in ledger.claim_timers("a", NOW, NOW - NOW, 10)} == {"investigate"}
    assert raw(path, "select count(*) from document") == [(2,)]


def test_its_trail_still_may_only_grow(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    first_release(path)
    SqlLedger(path).close()
    with closing(sqlite3.connect(path)) as db, pytest.raises(sqlite3.IntegrityError, match="only grow"):
        db.execute("delete from audit")


def test_a_release_that_knew_no_revisions_leaves_a_newer_store_alone(empty: Place) -> None:
    SqlLedger(empty)
    assert raw(empty, "select value from meta where key = 'schema'") == [(migrations.head(),)]


def test_a_store_of_no_known_release_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    first_release(path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("update meta set value = '99'")
    shape = _shape(path)
    with pytest.raises(LedgerError, match="schema 0099"):
        SqlLedger(path)
    assert _shape(path) == shape


def _open(place: Place, how_many: object) -> None:
    SqlLedger(place).close()
    how_many.put(1)  # type: ignore[attr-defined]


def test_several_that_open_a_new_store_at_once_all_get_in(empty: Place) -> None:
    context = multiprocessing.get_context("spawn")
    opened = context.Queue()
    several = [context.Process(target=_open, args=(empty, opened)) for _ in range(3)]
    for one in several:
        one.start()
    for one in several:
        one.join(60)
    assert [one.exitcode for one in several] == [0, 0, 0]
    ledger = SqlLedger(empty)
    with ledger.doors.reader.connect() as connection:
        assert "timer" in inspect(connection).get_table_names()


def test_timers_and_messages_may_belong_to_no_incident(place: Place) -> None:
    ledger = SqlLedger(place)
    with ledger.write() as tx:
        tx.arm("", arm(NOW, "handoff:shop"))
        tx.arm("", arm(NOW, "handoff:other"))
        tx.disarm("handoff:other")
        tx.send("", send("handoff:shop:1"), NOW)
    timers, mail = ledger.claim_timers("a", NOW, LEASE, 9), ledger.claim_messages("a", NOW, LEASE, 9)
    assert [(one.key, one.incident) for one in timers] == [("handoff:shop", "")]
    assert [(one.key, one.incident) for one in mail] == [("handoff:shop:1", "")]
