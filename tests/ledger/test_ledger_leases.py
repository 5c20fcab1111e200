"""One owner at a time: who lost the lease writes nothing."""

from datetime import timedelta

import pytest
from ledger.shelf import LEASE, NOW, arm, filled, raw, send
from stores import Place

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.journey.commands import Disarm, Record, Unsend
from steadyhand.ports import LeaseLost
from steadyhand.store import Ending, Message, Timer

LATER = NOW + timedelta(minutes=20)


def claim(ledger: SqlLedger, owner: str = "a", at: object = LATER) -> dict[str, Timer]:
    return {one.kind: one for one in ledger.claim_timers(owner, at, LEASE, 10)}


def post(ledger: SqlLedger, owner: str = "a", at: object = NOW) -> list[Message]:
    return list(ledger.claim_messages(owner, at, LEASE, 10))


def state(ledger: SqlLedger, table: str = "outbox") -> str:
    found = raw(ledger.place, f"select state from {table} order by due_at, key limit 1")  # noqa: S608 - our own names
    return str(found[0][0])


def sent(ledger: SqlLedger, message: Message) -> None:
    with ledger.write() as tx:
        tx.sent(message, "r-1")


def put_off(ledger: SqlLedger, message: Message) -> None:
    with ledger.write() as tx:
        tx.unsent(message, "busy", NOW + timedelta(seconds=4), ending="failed", lost=False)


def give_up(ledger: SqlLedger, message: Message, ending: Ending = "failed") -> None:
    with ledger.write() as tx:
        tx.unsent(message, "no", None, ending=ending, lost=True)


@pytest.fixture
def ledger(place: Place) -> SqlLedger:
    return filled(place)


def test_what_one_owner_holds_the_other_does_not_get(ledger: SqlLedger) -> None:
    assert set(claim(ledger, "a")) == {"investigate", "escalate"}
    assert claim(ledger, "b") == {}
    assert len(post(ledger, "a")) == 1
    assert post(ledger, "b") == []


def test_the_earliest_come_first_and_no_more_than_asked_for(ledger: SqlLedger) -> None:
    assert [one.kind for one in ledger.claim_timers("a", LATER, LEASE, 1)] == ["investigate"]


def test_before_it_is_due_nothing_is_claimed(ledger: SqlLedger) -> None:
    assert set(claim(ledger, at=NOW)) == {"investigate"}


def test_a_lost_lease_writes_nothing(ledger: SqlLedger) -> None:
    old = claim(ledger, "a")["escalate"]
    assert ledger.reclaim(LATER + LEASE + timedelta(seconds=1), all_owners=False) == 2
    new = claim(ledger, "b")["escalate"]

    def too_late() -> None:
        with ledger.write() as tx:
            tx.record("inc-1", Record(action="by.the.dead"), LATER)
            tx.finish(old)

    with pytest.raises(LeaseLost):
        too_late()
    with ledger.write() as tx:
        tx.finish(new)
        assert "by.the.dead" not in [one.action for one in tx.trail()]


def test_a_reclaimed_lease_is_lost_even_before_somebody_else_has_it(ledger: SqlLedger) -> None:
    old = claim(ledger, "a")["escalate"]
    ledger.reclaim(LATER, all_owners=True)
    with pytest.raises(LeaseLost), ledger.write() as tx:
        tx.finish(old)


def test_a_lease_that_holds_is_not_reclaimed_and_one_extended_holds_on(ledger: SqlLedger) -> None:
    held = claim(ledger, "a")["escalate"]
    assert ledger.reclaim(LATER + LEASE, all_owners=False) == 0
    ledger.extend(held, LATER + 3 * LEASE)
    assert ledger.reclaim(LATER + 2 * LEASE, all_owners=False) == 1  # the other one
    with ledger.write() as tx:
        tx.finish(held)


def test_to_extend_a_lost_lease_is_an_error(ledger: SqlLedger) -> None:
    held = claim(ledger, "a")["escalate"]
    ledger.reclaim(LATER, all_owners=True)
    with pytest.raises(LeaseLost):
        ledger.extend(held, LATER + LEASE)


def test_whoever_holds_a_lease_can_prove_it_before_acting(ledger: SqlLedger) -> None:
    held = claim(ledger, "a")["escalate"]
    with ledger.read() as tx:
        tx.holds(held)
    ledger.reclaim(LATER, all_owners=True)
    claim(ledger, "b")
    with pytest.raises(LeaseLost), ledger.read() as tx:
        tx.holds(held)


def test_a_timer_armed_anew_while_it_is_held_belongs_to_its_new_time(ledger: SqlLedger) -> None:
    held = claim(ledger, "a")["escalate"]
    with ledger.write() as tx:
        tx.arm("inc-1", arm(LATER + timedelta(minutes=5)))
    with pytest.raises(LeaseLost), ledger.write() as tx:
        tx.finish(held)
    ledger.release(held, LATER)
    assert claim(ledger, "b") == {}
    assert claim(ledger, "b", LATER + timedelta(minutes=5))["escalate"].attempts == 1


def test_disarmed_is_not_claimed_and_armed_again_is(ledger: SqlLedger) -> None:
    with ledger.write() as tx:
        incident = tx.incident("inc-1")
        assert incident is not None
        tx.save(incident, (Disarm(kinds=("escalate",)),), NOW)
    assert set(claim(ledger)) == {"investigate"}
    with ledger.write() as tx:
        tx.arm("inc-1", arm(LATER))
    assert set(claim(ledger)) == {"escalate"}


def test_a_released_timer_comes_again_and_counts_its_tries(ledger: SqlLedger) -> None:
    held = claim(ledger)["escalate"]
    ledger.release(held, LATER + timedelta(seconds=2))
    assert claim(ledger) == {}
    assert claim(ledger, at=LATER + timedelta(seconds=2))["escalate"].attempts == 2


def test_a_dead_timer_is_never_claimed_again(ledger: SqlLedger) -> None:
    held = claim(ledger)["escalate"]
    with ledger.write() as tx:
        tx.bury(held)
    assert claim(ledger, at=LATER + timedelta(days=9)) == {}


def test_a_message_with_a_known_key_is_not_stored_twice(ledger: SqlLedger) -> None:
    with ledger.write() as tx:
        incident = tx.incident("inc-1")
        assert incident is not None
        tx.save(incident, (send("k"), send("k"), send("k2")), NOW)
    assert raw(ledger.place, "select count(*) from outbox where key in ('k', 'k2')") == [(2,)]


def test_a_message_put_off_comes_at_its_time_and_one_given_up_never(ledger: SqlLedger) -> None:
    message = post(ledger)[0]
    put_off(ledger, message)
    assert post(ledger) == []
    again = post(ledger, at=NOW + timedelta(seconds=4))[0]
    assert again.attempts == 2
    give_up(ledger, again)
    assert state(ledger) == "failed"


def test_an_outcome_nobody_knows_has_a_state_of_its_own(ledger: SqlLedger) -> None:
    give_up(ledger, post(ledger)[0], "unknown")
    assert state(ledger) == "unknown"


def test_who_lost_a_message_cannot_say_what_became_of_it(ledger: SqlLedger) -> None:
    old = post(ledger, "a")[0]
    ledger.reclaim(NOW + 2 * LEASE, all_owners=False)
    new = post(ledger, "b", NOW + 2 * LEASE)[0]
    sent(ledger, new)
    give_up(ledger, old, "unknown")
    assert state(ledger) == "sent"
    assert post(ledger, "c", NOW + 2 * LEASE) == []


def test_a_page_on_its_way_that_fails_after_the_acknowledgement_is_not_tried_again(
    ledger: SqlLedger,
) -> None:
    message = post(ledger)[0]
    with ledger.write() as tx:
        incident = tx.incident("inc-1")
        assert incident is not None
        tx.save(incident, (Unsend(),), NOW)
    put_off(ledger, message)
    ledger.reclaim(LATER, all_owners=True)
    assert post(ledger, at=LATER) == []


def test_a_page_that_arrives_although_it_was_taken_back_is_known_to_have_arrived(ledger: SqlLedger) -> None:
    message = post(ledger)[0]
    with ledger.write() as tx:
        incident = tx.incident("inc-1")
        assert incident is not None
        tx.save(incident, (Unsend(),), NOW)
    sent(ledger, message)
    assert state(ledger) == "sent"


def test_only_pages_are_taken_back_answers_and_news_still_go(ledger: SqlLedger) -> None:
    with ledger.write() as tx:
        incident = tx.incident("inc-1")
        assert incident is not None
        tx.save(incident, (send("inc-1:0:resolved:r:phone:ana"), Unsend()), NOW)
    told = post(ledger, at=NOW + timedelta(seconds=1))
    assert [one.key for one in told] == ["inc-1:0:resolved:r:phone:ana"]


def test_what_waits_behind_a_message_on_its_way_is_not_due_before_that_has_ended(ledger: SqlLedger) -> None:
    claim(ledger, at=NOW)
    with ledger.write() as tx:
        tx.send("inc-1", send("inc-1:second"), NOW + timedelta(milliseconds=1))
    (first,) = post(ledger)
    assert post(ledger, at=NOW + timedelta(seconds=1)) == []
    assert ledger.next_due() == NOW + timedelta(minutes=15)  # the timer
    sent(ledger, first)
    assert ledger.next_due() == NOW + timedelta(milliseconds=1)


def test_an_empty_store_waits_for_nothing(place: Place) -> None:
    assert SqlLedger(place).next_due() is None
