"""The trail on both databases: chains and joints, secrets and names, and whoever is erased."""

import json
import multiprocessing
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ledger.shelf import NOW, filled, raw
from ledger.test_ledger_migrations import first_release
from sqlalchemy import text as sql
from stores import Place

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.adapters.ledger.vault_key import VaultKey
from steadyhand.journey.audit.proof import FIRST, JOINED, SEALED, find_problem, person_token
from steadyhand.journey.audit.redact import ERASED
from steadyhand.journey.commands import Record
from steadyhand.ports import LedgerError
from steadyhand.store import Person

SECRET = "ghp_c4n4ry5ecretc4n4ry5ecret0001"


def ana(action: str = "plan.approved", **body: str) -> Record:
    return Record(action=action, actor="ana", actor_kind="human", via="console", body=body)


def hire(ledger: SqlLedger, name: str = "ana") -> None:
    with ledger.write() as tx:
        tx.save_person(Person(name=name, role="approver", pin_hash="x", locked_until=NOW))


def write(ledger: SqlLedger, *records: tuple[str, Record]) -> None:
    with ledger.write() as tx:
        for incident, record in records:
            tx.record(incident, record, NOW)


def rows(ledger: SqlLedger) -> list[dict[str, Any]]:
    with ledger.read() as tx:
        return [dict(one) for one in tx.audit.rows()]


def stored(place: Place) -> str:
    """Everything that stands in the trail's own table."""
    return str(raw(place, "select * from audit order by seq"))


# chains and joints


def test_each_incident_has_a_chain_of_its_own_and_numbers_have_no_gap(place: Place) -> None:
    ledger = SqlLedger(place)
    step = Record(action="step")
    write(ledger, ("inc-1", step), ("inc-2", step), ("inc-1", step), ("", step))
    found = [(one["seq"], one["incident"], one["n"]) for one in rows(ledger)]
    assert found == [(1, "inc-1", 1), (2, "inc-2", 1), (3, "inc-1", 2), (4, "", 1)]
    assert find_problem(rows(ledger)) == ""


def test_a_joint_names_the_chains_that_grew_and_only_those(place: Place) -> None:
    ledger = SqlLedger(place)
    write(ledger, ("inc-1", Record(action="a")), ("inc-2", Record(action="b")))
    with ledger.write() as tx:
        assert tx.audit.unsealed().rows == 2
        assert sorted(tx.audit.join(NOW)["body"]) == ["inc-1", "inc-2"]
    write(ledger, ("inc-2", Record(action="rollout.started")))
    with ledger.write() as tx:
        waiting = tx.audit.unsealed()
        assert (waiting.rows, waiting.weighty) == (1, True)
        joint = tx.audit.join(NOW)
        assert joint["body"] == {"inc-2": f"2:{rows_of(tx, 'inc-2')[-1]['hash']}"}
        assert tx.audit.unsealed().rows == 0
        assert tx.audit.joint() == joint
    assert find_problem(rows(ledger)) == ""


def rows_of(tx: Any, chain: str) -> list[dict[str, Any]]:
    return list(tx.audit.rows(chain))


def test_a_line_that_is_rolled_back_leaves_no_gap(place: Place) -> None:
    ledger = SqlLedger(place)
    write(ledger, ("inc-1", Record(action="a")))
    with pytest.raises(ZeroDivisionError):
        _write_half(ledger)
    write(ledger, ("inc-1", Record(action="b")))
    assert [one["action"] for one in rows(ledger)] == ["a", "b"]
    assert find_problem(rows(ledger)) == ""


def _write_half(ledger: SqlLedger) -> None:
    with ledger.write() as tx:
        tx.record("inc-1", Record(action="never"), NOW)
        _ = 1 / 0


def _append(place: Place, who: str, count: int, go: Callable[[], object]) -> None:
    ledger = SqlLedger(place)
    go()
    for number in range(count):
        with ledger.write() as tx:
            tx.record(f"inc-{number % 2}", Record(action=f"{who}.{number}"), NOW)
            if number % 5 == 0:
                tx.audit.join(NOW)


def test_two_processes_that_append_and_join_keep_every_chain_whole(place: Place) -> None:
    SqlLedger(place).close()
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Barrier(2)
    crowd = [spawn.Process(target=_append, args=(place, who, 20, ready.wait)) for who in ("a", "b")]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(60)
    assert [one.exitcode for one in crowd] == [0, 0]
    found = rows(SqlLedger(place))
    assert find_problem(found) == ""
    steps = sorted(one["action"] for one in found if one["action"] != JOINED)
    assert steps == sorted(f"{who}.{n}" for who in "ab" for n in range(20))


@pytest.mark.parametrize("statement", ["update audit set actor = 'eve'", "delete from audit"])
def test_the_database_itself_refuses_to_rewrite_the_trail(place: Place, statement: str) -> None:
    ledger = filled(place)
    with pytest.raises(LedgerError, match="only grow"), ledger.write() as tx:
        tx._db.execute(sql(statement))  # noqa: SLF001 - as somebody with the same rights would
    assert find_problem(rows(ledger)) == ""


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("update audit set body = replace(body, 'marker', 'masker')", "row 3 was changed"),
        ("delete from audit where seq = 3", "row 3 is missing"),
        ("update audit set ts = ts + 1 where seq = 4", "row 4 was changed"),
        ("update audit set n = n + 9 where seq = 5", "row 5 is not the next of its chain"),
    ],
)
def test_what_somebody_did_past_the_guards_is_found(place: Place, statement: str, word: str) -> None:
    ledger = SqlLedger(place)
    words = ["", "", "marker", "", "", ""]
    write(ledger, *(("inc-1", Record(action="step", body={"word": one})) for one in words))
    raw(place, statement)
    assert find_problem(rows(ledger)).startswith(word)


# the first release


def test_a_trail_of_the_first_release_is_sealed_by_the_first_row_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    first_release(path)
    with closing(sqlite3.connect(path)) as db:
        count, head = db.execute("select seq, hash from audit order by seq desc").fetchone()
    ledger = SqlLedger(path)
    write(ledger, ("inc-1", Record(action="later")), ("", Record(action="sign_in.refused")))
    seal = next(one for one in rows(ledger) if one["action"] == SEALED)
    assert seal["body"] == {FIRST: f"{count}:{head}"}
    assert find_problem(rows(ledger)) == ""
    raw(path, f"delete from audit where seq = {count}")  # noqa: S608 - a number of ours
    assert f"row {count} is missing" in find_problem(rows(ledger))


# secrets and names


def test_secrets_are_masked_before_they_are_hashed(place: Place, tmp_path: Path) -> None:
    ledger = SqlLedger(place, VaultKey(tmp_path / "vault.key"))
    note = f"first line\ntoken={SECRET}\nmail ana@example.org"
    write(ledger, ("inc-1", Record(action="report.note", body={"notes": note})))
    with ledger.read() as tx:
        shown = tx.trail()[0].body["notes"]
    assert shown == "first line\ntoken=<secret-1>\nmail <email-1>"
    assert SECRET not in stored(place)


def test_the_digest_of_what_was_approved_is_kept_whole(place: Place, tmp_path: Path) -> None:
    ledger = SqlLedger(place, VaultKey(tmp_path / "vault.key"))
    write(ledger, ("inc-1", ana(digest="ab" * 32, reason="c1" * 32)))
    body = rows(ledger)[0]["body"]
    assert body == {"digest": "ab" * 32, "reason": "<token-1>"}


def test_what_a_database_or_another_program_could_not_hold_stops_no_transaction(place: Place) -> None:
    ledger = SqlLedger(place)
    for text in ("a\x00b", "\ud800", "tab\there", "x" * 9000, "\u202eevil"):
        body = {"why": text, "target": text, "ä": text}
        write(ledger, ("inc-1", Record(action="a", actor=text, actor_kind="human", body=body)))
    assert find_problem(rows(ledger)) == ""


def test_names_stand_in_the_chain_only_as_salted_tokens_and_are_read_as_names(place: Place) -> None:
    ledger = SqlLedger(place)
    hire(ledger)
    told = Record(action="message.sent", body={"target": "ana", "why": "ana said so; bananas did not"})
    write(ledger, ("inc-1", ana(reason="ok")), ("inc-1", told))
    assert not re.search(r"\bana\b", stored(place))
    with ledger.read() as tx:
        first, second = tx.trail("inc-1")
        token = rows_of(tx, "inc-1")[0]["actor"]
        salt, name = tx.audit.people([token])[token]
    assert first.actor == "ana"
    assert second.body == {"target": "ana", "why": "ana said so; bananas did not"}
    assert person_token(salt, name) == token


def test_an_erased_person_stands_nowhere_in_the_trail_and_it_still_holds(place: Place) -> None:
    ledger = SqlLedger(place)
    hire(ledger)
    write(ledger, ("inc-1", ana(reason="said ana")), ("inc-1", Record(action="x", body={"target": "bo"})))
    with ledger.write() as tx:
        tx.audit.join(NOW)
    before = rows(ledger)
    with ledger.write() as tx:
        assert tx.audit.erase("ana", Record(action="person.erased", actor="root", actor_kind="human"), NOW)
        assert not tx.audit.erase("nobody", Record(action="person.erased"), NOW)
    after = rows(ledger)
    assert after[: len(before)] == before
    assert find_problem(after) == ""
    with ledger.read() as tx:
        first, second = tx.trail("inc-1")
    assert (first.actor, first.body["reason"]) == (ERASED, f"said {ERASED}")
    assert second.body["target"] == "bo"
    assert "ana" not in str(raw(place, "select * from audit_person"))


def test_somebody_who_comes_back_after_being_erased_is_somebody_new(place: Place) -> None:
    ledger = SqlLedger(place)
    write(ledger, ("inc-1", ana()))
    with ledger.write() as tx:
        tx.audit.erase("ana", Record(action="person.erased"), NOW)
    write(ledger, ("inc-1", ana()))
    tokens = {one["actor"] for one in rows(ledger) if one["incident"] == "inc-1"}
    assert len(tokens) == 2
    assert json.dumps(rows(ledger)).count("~") == 3
