"""Steps that are due are taken and ended in one transaction; letters under way are few, however many wait."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from ledger.doomed import outside
from ledger.shelf import LEASE, NOW, arm, filled, raw, send
from stores import Place

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.adapters.ledger.transaction import SqlTransaction
from steadyhand.ports import LedgerError, Letter
from steadyhand.responder.engine.duties import STEPS
from steadyhand.responder.engine.worker import Worker
from steadyhand.testing.phone import Phone

LATER = NOW + timedelta(minutes=20)
UNDER_WAY = 20
IN_ONE = 300  # steps in one transaction


@pytest.fixture
def ledger(place: Place) -> SqlLedger:
    """A store whose incident has two more steps due, besides what it opened with."""
    ledger = filled(place)
    with ledger.write() as tx:
        for minutes in (2, 1):
            tx.arm("inc-1", arm(NOW + timedelta(minutes=minutes), f"step-{minutes}"))
    return ledger


def take(ledger: SqlLedger, most: int = 9) -> Sequence[str]:
    with ledger.write() as tx:
        return [one.key for one in tx.take_due(LATER, most, STEPS)]


def test_the_earliest_are_taken_first_no_more_than_asked_for_and_none_twice(ledger: SqlLedger) -> None:
    assert take(ledger, 2) == ["step-1", "step-2"]
    assert take(ledger) == ["inc-1:escalate"]
    assert take(ledger) == []


def test_works_are_not_taken_and_what_was_taken_cannot_be_claimed(ledger: SqlLedger) -> None:
    take(ledger)
    assert [one.kind for one in ledger.claim_timers("a", LATER, LEASE, 9)] == ["investigate"]


def test_what_another_holds_is_not_taken(ledger: SqlLedger) -> None:
    ledger.claim_timers("a", LATER, LEASE, 9, STEPS)
    assert take(ledger) == []


def test_where_the_transaction_fails_all_of_them_are_due_as_before(ledger: SqlLedger) -> None:
    def stumble() -> None:
        with ledger.write() as tx:
            assert len(tx.take_due(LATER, 9, STEPS)) == 3
            raise LedgerError("boom")

    with pytest.raises(LedgerError):
        stumble()
    assert raw(ledger.place, "select distinct state, attempts from timer") == [("armed", 0)]
    assert len(take(ledger)) == 3


class Gate(Phone):
    """A phone that answers nobody until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = asyncio.Event()
        self.ringing = 0

    async def send(self, letter: Letter) -> str:
        self.ringing += 1
        await self.opened.wait()
        return await super().send(letter)


def test_of_many_messages_to_a_slow_channel_few_are_under_way_and_all_arrive(place: Place) -> None:
    ledger = SqlLedger(place)
    with ledger.write() as tx:
        for number in range(3 * UNDER_WAY):
            tx.send("", send(f"k-{number}").model_copy(update={"target": f"t-{number}"}), NOW)

    async def story() -> None:
        phone = Gate()
        # Channels without a limit of their own: nothing leaves together.
        worker = Worker(replace(outside(ledger, phone, NOW, "a"), channels={"phone": phone}))
        for _ in range(3):
            await worker.turn()
            await asyncio.sleep(0)
        assert phone.ringing == UNDER_WAY
        assert raw(place, "select count(*) from outbox where state = 'sending'") == [(UNDER_WAY,)]
        phone.opened.set()
        for _ in range(3):
            await worker.settle()
            await worker.turn()
        await worker.settle()
        assert len(phone.rings) == 3 * UNDER_WAY

    asyncio.run(story())


def test_in_a_storm_those_that_left_are_replaced_without_another_turn(place: Place) -> None:
    ledger = SqlLedger(place)
    with ledger.write() as tx:
        for number in range(3 * UNDER_WAY):
            tx.send("", send(f"k-{number}").model_copy(update={"target": f"t-{number}"}), NOW)

    async def story() -> None:
        phone = Phone()
        worker = Worker(replace(outside(ledger, phone, NOW, "a"), channels={"phone": phone}))
        await worker.turn()
        await worker.settle()
        assert len(phone.rings) == 3 * UNDER_WAY

    asyncio.run(story())


class Toiling(SqlLedger):
    """A store in which steps take as long as one likes, after the first ones."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.toils, self.done = threading.Event(), threading.Event()
        self._rounds = 0

    @contextmanager
    def write(self, *, first: bool = False) -> Iterator[SqlTransaction]:
        if threading.current_thread().name.startswith("steps"):
            self._rounds += 1
            if self._rounds > 1:
                self.toils.set()
                assert self.done.wait(20)
        with super().write(first=first) as tx:
            yield tx


@pytest.mark.parametrize(("waited_s", "waiting"), [(1, 1), (3, 0)])
def test_messages_leave_the_store_to_steps_where_many_are_due_but_not_for_long(
    place: Place, waited_s: int, waiting: int
) -> None:
    ledger = Toiling(place)
    filled(place)
    with ledger.write() as tx:
        for number in range(IN_ONE + 1):
            tx.arm("inc-1", arm(NOW, f"step-{number}"))

    async def story() -> None:
        phone = Phone()
        there = outside(ledger, phone, NOW, "a")
        worker = Worker(replace(there, channels={"phone": phone}))
        await there.clock.advance(minutes=20)
        await worker.turn()
        assert await asyncio.to_thread(ledger.toils.wait, 20)
        with ledger.write() as tx:
            tx.send("", send("news"), there.clock.now())
        await worker.turn()
        await there.clock.advance(seconds=waited_s)
        await worker.turn()
        kept = raw(place, "select count(*) from outbox where key = 'news' and state = 'queued'")
        assert kept == [(waiting,)]
        ledger.done.set()
        await worker.settle()

    asyncio.run(story())


def test_an_answer_in_a_thread_knows_the_first_that_was_said_in_it_to_the_same_receiver(
    ledger: SqlLedger,
) -> None:
    page = "inc-1:0:page:0::phone:ana"
    said = {
        "answer": {"thread": "inc-1:0"},
        "news": {"thread": "inc-1:0"},
        "to-bo": {"thread": "inc-1:0", "target": "bo"},
        "another-thread": {"thread": "inc-1:1"},
        "none": {},
    }
    with ledger.write() as tx:
        for second, (key, about) in enumerate(said.items(), start=1):
            tx.send("inc-1", send(key).model_copy(update=about), NOW + timedelta(seconds=second))
    first = {}
    for _ in said:
        for one in ledger.claim_messages("a", LATER, LEASE, 9):
            first[one.key] = one.first
            with ledger.write() as tx:
                tx.sent(one, f"receipt of {one.key}")
    known = f"receipt of {page}"
    assert first == {page: "", "answer": known, "news": known, "to-bo": "", "another-thread": "", "none": ""}
