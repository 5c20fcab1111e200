"""The trail may only grow, and any change of the past shows.

One thing a chain alone cannot show: a tail that was cut off. What is left is a whole, shorter chain; only
a head noted elsewhere tells. The test that says so keeps us honest.
"""

import multiprocessing
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from ledger.shelf import NOW, raw

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.journey.audit.proof import find_problem
from steadyhand.journey.commands import Record

ROWS = 6
COLUMNS = ("ts", "n", "incident", "actor", "actor_kind", "via", "action", "body", "prev", "hash", "object")


def written(path: Path, rows: int = ROWS) -> SqlLedger:
    ledger = SqlLedger(path)
    with ledger.write() as tx:
        for number in range(1, rows + 1):
            body = {"number": str(number), "word": "marker-ä" if number == 4 else "plain"}
            tx.record("inc-1", Record(action=f"step.{number}", body=body), NOW)
    return ledger


def problem(path: Path) -> str:
    with SqlLedger(path).read() as tx:
        return find_problem(tx.audit.rows())


def test_an_untouched_trail_holds_and_an_empty_one_too(tmp_path: Path) -> None:
    written(tmp_path / "store.db")
    assert problem(tmp_path / "store.db") == ""
    assert problem(tmp_path / "empty.db") == ""


@pytest.mark.parametrize("statement", ["update audit set actor='eve'", "delete from audit where seq=3"])
def test_the_store_itself_refuses_to_rewrite_the_past(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "store.db"
    written(path)
    with closing(sqlite3.connect(path)) as db, pytest.raises(sqlite3.IntegrityError, match="only grow"):
        db.execute(statement)
    assert problem(path) == ""


@pytest.mark.parametrize("column", COLUMNS)
def test_a_change_of_any_column_is_found_in_its_row(tmp_path: Path, column: str) -> None:
    path = tmp_path / "store.db"
    written(path)
    value = f"{column} + 9" if column in ("ts", "n") else f"'x' || {column}"
    raw(path, f"update audit set {column} = {value} where seq = 4")  # noqa: S608 - our own names
    assert "row 4" in problem(path)


@pytest.mark.parametrize("body", ['{"number":"5"}', "no json", "[]", '{"number" : "4"}', '{"number":4}'])
def test_a_body_of_any_other_text_is_found_and_the_rest_can_still_be_read(tmp_path: Path, body: str) -> None:
    path = tmp_path / "store.db"
    written(path)
    raw(path, f"update audit set body = '{body}' where seq = 4")  # noqa: S608 - our own words
    assert "row 4 was changed" in problem(path)
    with SqlLedger(path).read() as tx:
        assert [one.action for one in tx.trail("inc-1")][4:] == ["step.5", "step.6"]


def test_a_space_more_in_a_body_is_found(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    written(path)
    raw(path, "update audit set body = replace(body, ',', ', ') where seq = 4")
    assert "row 4 was changed" in problem(path)


def test_a_byte_flipped_in_the_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    written(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("pragma wal_checkpoint(truncate)")
    data = bytearray(path.read_bytes())
    at = data.index(b"marker-")
    data[at] ^= 0x01
    path.write_bytes(data)
    assert "row 4 was changed" in problem(path)


@pytest.mark.parametrize(
    ("how", "word"),
    [
        (("delete from audit where seq = 3",), "row 3 is missing"),
        (("delete from audit where seq = 1",), "row 1 is missing"),
        (
            ("delete from audit where seq = 3", "update audit set seq = seq - 1 where seq > 3"),
            "row 3 is not the next of its chain",
        ),
        (
            (
                "update audit set seq = 99 where seq = 3",
                "update audit set seq = 3 where seq = 4",
                "update audit set seq = 4 where seq = 99",
            ),
            "row 3 is not the next of its chain",
        ),
        (
            (
                "create table copy as select * from audit where seq = 6",
                "update copy set seq = 7, n = 7, prev = hash, actor = 'eve'",
                "update copy set hash = 'made up'",
                "insert into audit select * from copy",
            ),
            "row 7 was changed",
        ),
        (
            (
                "create table copy as select * from audit where seq = 1",
                "update copy set seq = 0, n = 0, hash = 'made up', actor = 'eve'",
                "insert into audit select * from copy",
            ),
            "row 1 is missing",
        ),
    ],
    ids=["delete", "delete the first", "delete and close the gap", "reorder", "append", "put before"],
)
def test_rows_taken_out_put_in_or_moved_are_found(tmp_path: Path, how: tuple[str, ...], word: str) -> None:
    path = tmp_path / "store.db"
    written(path)
    raw(path, *how)
    assert word in problem(path)


def test_a_tail_that_was_cut_off_is_not_found_without_a_head_noted_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with written(path).read() as tx:
        noted = tx.trail()[-1]
    raw(path, "delete from audit where seq > 4")
    assert problem(path) == ""
    with SqlLedger(path).read() as tx:
        assert noted.hash not in [one.hash for one in tx.trail()]


def _append(path: Path, who: str, count: int, go: Callable[[], object]) -> None:
    go()
    ledger = SqlLedger(path)
    for number in range(count):
        with ledger.write() as tx:
            tx.record("", Record(action=f"{who}.{number}"), NOW)


def test_processes_that_append_at_once_keep_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "store.db"  # not there yet: they also open it at once
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Barrier(3)
    crowd = [spawn.Process(target=_append, args=(path, who, 25, ready.wait)) for who in ("a", "b", "c")]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(60)
    assert [one.exitcode for one in crowd] == [0, 0, 0]
    with SqlLedger(path).read() as tx:
        trail = tx.trail()
        assert find_problem(tx.audit.rows()) == ""
    assert sorted(one.action for one in trail) == sorted(f"{who}.{n}" for who in "abc" for n in range(25))
