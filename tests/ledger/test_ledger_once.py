"""What may happen once happens once, however many try."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from ledger.shelf import NOW, decision, filled, opening, plan
from stores import Place

from steadyhand.journey.approval.consent import Decision
from steadyhand.journey.rollout.machine import start
from steadyhand.ports import LedgerError


def test_of_two_answers_at_once_the_first_stands_and_both_are_told_it(place: Place) -> None:
    ledger = filled(place)
    ready = Barrier(2)

    def answer(by: str) -> Decision:
        ready.wait(5)
        with ledger.write() as tx:
            return tx.decide("inc-1", decision(by, "approve" if by == "ana" else "reject"))

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(answer, ("ana", "bo")))
    with ledger.read() as tx:
        stored = tx.decision("plan-1")
    assert told == [stored, stored]


def test_an_approval_is_used_once_even_by_two_at_once(place: Place) -> None:
    ledger = filled(place)
    with ledger.write() as tx:
        tx.decide("inc-1", decision("ana"))
    ready = Barrier(2)

    def use(_who: int) -> bool:
        ready.wait(5)
        with ledger.write() as tx:
            return tx.use_decision("plan-1", NOW + timedelta(seconds=1))

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(use, range(2))) == [False, True]
    with ledger.read() as tx:
        assert tx.decision("plan-1").used_at == NOW + timedelta(seconds=1)


def test_a_use_that_was_not_committed_was_none(place: Place) -> None:
    ledger = filled(place)
    with ledger.write() as tx:
        tx.decide("inc-1", decision("ana"))

    def stumble() -> None:
        with ledger.write() as tx:
            assert tx.use_decision("plan-1", NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stumble()
    with ledger.write() as tx:
        assert tx.use_decision("plan-1", NOW)


def test_what_nobody_decided_cannot_be_used(place: Place) -> None:
    ledger = filled(place)
    with ledger.write() as tx:
        assert tx.decision("plan-1") is None
        assert not tx.use_decision("plan-1", NOW)


def test_the_store_itself_refuses_a_second_rollout_on_what_one_is_moving(place: Place) -> None:
    ledger = filled(place)
    first = start("roll-1", plan(), "a", NOW)
    # Another incident, on another service, with a fix for the same one.
    other = start("roll-2", plan("plan-2", "inc-2", service="checkout"), "b", NOW)
    with ledger.write() as tx:
        tx.save(*opening("inc-2", "checkout"), NOW)
        tx.save_rollout(first)
        assert tx.running_on("shop") == first
    with pytest.raises(LedgerError, match="another rollout runs on shop"), ledger.write() as tx:
        tx.save_rollout(other)
    with ledger.write() as tx:
        tx.save_rollout(first.model_copy(update={"phase": "reverted"}))
        tx.save_rollout(other)
        assert tx.running_on("shop") == other
