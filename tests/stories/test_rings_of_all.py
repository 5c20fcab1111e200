"""How often one telephone may ring holds for all processes of a store together, and outlives each of them."""

from dataclasses import replace

import pytest

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.ports import EffectUnknown
from steadyhand.responder.engine.worker import Worker
from steadyhand.responder.people.mail import Mail
from stories.shift import Begin, Shift, tell
from stories.test_throttled_pages import shops, storm

pytestmark = pytest.mark.usefixtures("place")  # on both databases


def joined(night: Shift) -> Worker:
    """One more process on the same store, with the same telephones."""
    return Worker(replace(night.outside, ledger=SqlLedger(night.place), owner="another"))


async def turns(worker: Worker) -> None:
    for _ in range(2):
        await worker.turn()
        await worker.settle()


def test_what_one_process_rang_holds_the_pages_of_another_back(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        other = joined(night)
        await storm(night, 0)
        assert night.phone("ana").says("SEV2 s0")
        for number in (1, 2):
            night.leave_alone(night.alert(service=f"s{number}"))
        await turns(other)
        assert night.phone("ana").silent
        await night.clock.advance(minutes=1)
        await turns(other)
        assert night.phone("ana").says("2 pages", "SEV2 s1", "SEV2 s2")

    tell(story(begin(shops(3))))


def test_a_process_that_begins_anew_knows_what_rang_before(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        await storm(night, 0)
        assert night.phone("ana").says("SEV2 s0")
        night.restart()
        await storm(night, 1)
        assert night.phone("ana").silent
        await night.passes(minutes=1)
        assert night.phone("ana").says("SEV2 s1")

    tell(story(begin(shops(2))))


def test_a_page_whose_process_died_before_it_rang_is_not_held_back_by_itself(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        night.leave_alone(night.alert(service="s0"))
        assert await Mail(night.outside).claim(20)  # here its process dies
        night.restart()
        await night.turn()
        assert night.phone("ana").says("SEV2 s0")

    tell(story(begin(shops(1))))


def test_a_call_that_nobody_knows_the_end_of_counts_as_one(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        night.phone.failure = EffectUnknown("phone", "no answer")
        found = await storm(night, 0)
        night.phone.failure = None
        found += await storm(night, 1)
        assert night.phone("ana").silent
        await night.passes(minutes=1)
        assert night.phone("ana").says("2 pages", "SEV2 s0", "SEV2 s1")
        for one in found:
            night.acks(one)

    tell(story(begin(shops(2))))
