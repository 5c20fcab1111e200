"""The database refuses to rewrite the trail, by whatever statement, on both databases."""

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from ledger.shelf import NOW
from stores import Place

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.journey.audit.proof import find_problem
from steadyhand.journey.commands import Record

ROWS = 6
COLUMNS = ("seq", "n", "ts", "incident", "actor", "actor_kind", "via", "action", "body", "prev", "hash")


def copied(**changed: str) -> str:
    """All of row 3 with these values changed, put where they say."""
    values = ", ".join(changed.get(one, one) for one in COLUMNS)
    names = ", ".join(COLUMNS)
    return f"into audit ({names}) select {values} from audit where seq = 3"  # noqa: S608 - our own names


SAME_NUMBER = copied(actor="'eve'", hash="'x'", n="99")
SAME_HASH = copied(actor="'eve'", seq="99", n="99")
SAME_PLACE = copied(actor="'eve'", hash="'x'", seq="99")
EVERYWHERE = ("update audit set actor = 'eve'", "delete from audit where seq = 3")
SQLITE = tuple(
    f"{verb} {one}"
    for one in (SAME_NUMBER, SAME_HASH, SAME_PLACE)
    for verb in ("insert or replace", "replace")
)
POSTGRES = (
    "truncate audit",
    f"insert {SAME_NUMBER} on conflict (seq) do update set actor = excluded.actor",
    f"insert {SAME_HASH} on conflict (hash) do update set actor = excluded.actor",
)


def refused(place: Place, statement: str) -> str:
    """How the database refuses it."""
    if isinstance(place, Path):
        with closing(sqlite3.connect(place)) as db, pytest.raises(sqlite3.IntegrityError) as error, db:
            db.execute(statement)
        return str(error.value)
    with (
        psycopg.connect(place.get_secret_value()) as remote,
        pytest.raises(psycopg.IntegrityError) as refusal,
    ):
        remote.execute(statement)  # type: ignore[call-overload]
    return str(refusal.value)


def test_no_statement_puts_a_row_in_the_place_of_another(place: Place) -> None:
    ledger = SqlLedger(place)
    with ledger.write() as tx:
        for number in range(ROWS):
            tx.record("inc-1", Record(action=f"step.{number}"), NOW)
    for one in (*EVERYWHERE, *(SQLITE if isinstance(place, Path) else POSTGRES)):
        assert "only grow" in refused(place, one), one
    with ledger.read() as tx:
        rows = list(tx.audit.rows())
        assert len(rows) == ROWS
        assert find_problem(rows) == ""
    ledger.close()
