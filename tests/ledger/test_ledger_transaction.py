"""State, timers, messages and the trail are true together or not at all."""

from pathlib import Path

import pytest
from ledger.shelf import LEASE, NOW, TABLES, arm, break_at, filled, opening, raw, send, sizes
from stores import Place

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.journey.audit.proof import find_problem
from steadyhand.journey.commands import Record, Unsend
from steadyhand.ports import LedgerError
from steadyhand.store import Person

EMPTY = dict.fromkeys(TABLES, 0)


def test_all_parts_of_a_step_are_written_together(place: Place) -> None:
    filled(place)
    assert sizes(place) == {"incident": 1, "timer": 2, "outbox": 1, "audit": 1}


@pytest.mark.parametrize("table", TABLES)
def test_a_part_that_cannot_be_written_takes_the_others_with_it(place: Place, table: str) -> None:
    ledger = SqlLedger(place)
    break_at(place, table)
    with pytest.raises(LedgerError, match="boom"), ledger.write() as tx:
        tx.save(*opening(), NOW)
    assert sizes(place) == EMPTY


def test_a_failure_of_the_caller_after_the_last_write_takes_all_back(place: Place) -> None:
    ledger = SqlLedger(place)

    def stumble() -> None:
        with ledger.write() as tx:
            tx.save(*opening(), NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stumble()
    assert sizes(place) == EMPTY


def test_a_look_writes_nothing_and_waits_for_no_writer(place: Place) -> None:
    ledger = filled(place)
    with ledger.write() as writing:
        incident = writing.incident("inc-1")
        assert incident is not None
        writing.save(incident.model_copy(update={"note": "new"}), (), NOW)
        with ledger.read() as reading:
            before = reading.incident("inc-1")
            assert before is not None
            assert before.note == "Reading the evidence."


def test_an_incident_that_was_changed_meanwhile_is_not_overwritten(place: Place) -> None:
    ledger = filled(place)
    with ledger.read() as tx:
        stale = tx.incident("inc-1")
    assert stale is not None
    with ledger.write() as tx:
        tx.save(stale.model_copy(update={"note": "first"}), (), NOW)
    with pytest.raises(LedgerError, match="changed meanwhile"), ledger.write() as tx:
        tx.save(stale.model_copy(update={"note": "second"}), (), NOW)
    with ledger.read() as tx:
        assert tx.incident("inc-1").note == "first"


def test_a_transaction_sees_what_it_wrote_in_the_order_in_which_it_wrote_it(place: Place) -> None:
    ledger = SqlLedger(place)
    with ledger.write() as tx:
        opened = tx.save(*opening(), NOW)
        tx.arm("inc-1", arm(NOW, "again"))
        tx.disarm("again")
        tx.save(opened.model_copy(update={"note": "second"}), (Unsend(),), NOW)
        tx.send("inc-1", send("inc-1:9:page:0::phone:bo"), NOW)
        tx.record("inc-1", Record(action="last"), NOW)
        assert tx.incident("inc-1").note == "second"
        assert [one.action for one in tx.trail("inc-1")][-1] == "last"
    with ledger.read() as tx:
        assert sorted(one.state for one in tx.receipts("inc-1")) == ["cancelled", "queued"]
        assert find_problem(tx.audit.rows()) == ""
    assert [one.key for one in ledger.claim_timers("a", NOW, LEASE, 9) if one.key == "again"] == []


def test_whoever_got_an_account_in_a_transaction_is_kept_apart_in_its_words(place: Place) -> None:
    ledger = SqlLedger(place)
    with ledger.write() as tx:
        tx.record("", Record(action="one", body={"why": "because zoe said so"}), NOW)
        tx.save_person(Person(name="zoe", role="approver", pin_hash="x", locked_until=NOW))
        tx.record("", Record(action="two", body={"why": "because zoe said so"}), NOW)
    told = [str(*row) for row in raw(place, "select body from audit order by seq")]
    assert ["zoe" in one for one in told] == [True, False]


def test_what_is_stored_is_there_for_the_next_process(place: Place) -> None:
    filled(place).close()
    again = SqlLedger(place)
    with again.read() as tx:
        assert tx.incident("inc-1") is not None
    assert len(again.claim_timers("b", NOW, LEASE, 10)) == 1
    assert again.next_due() == NOW  # the page


def test_a_store_of_another_version_is_not_touched(place: Place) -> None:
    filled(place).close()
    raw(place, "update alembic_version set version_num = '9999'")
    with pytest.raises(LedgerError, match="schema 9999"):
        SqlLedger(place)


def test_a_file_that_is_no_store_and_a_place_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    (tmp_path / "prose.db").write_text("this is no database, " * 100)
    for path in (tmp_path / "prose.db", tmp_path / "nowhere" / "store.db"):
        with pytest.raises(LedgerError, match="the store failed"):
            SqlLedger(path)


def test_a_text_with_a_nul_in_it_is_kept_and_not_refused(place: Place) -> None:
    ledger = SqlLedger(place)
    message = send().model_copy(update={"subject": "a\0b"})
    with ledger.write() as tx:
        tx.send("", message, NOW)
    (kept,) = ledger.claim_messages("a", NOW, LEASE, 9)
    assert kept.subject.replace("\ufffd", "\0") == message.subject
