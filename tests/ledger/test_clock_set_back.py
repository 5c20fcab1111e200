"""A clock that is set back by hours makes nobody wait for hours."""

import asyncio
from datetime import timedelta

from ledger.doomed import outside
from ledger.shelf import LEASE, NOW, filled, send
from stores import Place
from stories.night import Night

from steadyhand.responder.engine.alarm import Alarm
from steadyhand.responder.engine.worker import Worker
from steadyhand.testing.phone import Phone

HOURS = timedelta(hours=3)


def test_what_the_dead_held_is_taken_back_all_the_same(place: Place) -> None:
    ledger, phone = filled(place), Phone()
    at = outside(ledger, phone, NOW + HOURS, "alive")

    async def story() -> None:
        worker = Worker(at)
        await worker.turn()
        await worker.settle()
        at.clock.set_back(HOURS)
        with ledger.write() as tx:
            tx.send("", send("of-the-dead"), at.clock.now())
        assert len(ledger.claim_messages("dead", at.clock.now(), LEASE, 9)) == 1
        for _ in range(3):
            await at.clock.advance(LEASE + timedelta(seconds=2))
            await worker.turn()
            await worker.settle()
        assert "of-the-dead" in [one.key for one in phone.rings]

    asyncio.run(story())


def test_the_alarm_rings_again_for_the_same_words(night: Night) -> None:
    async def story() -> None:
        alarm = Alarm(night.outside)
        await alarm.ring("the store is sick")
        night.clock.set_back(HOURS)
        await alarm.ring("the store is sick")
        assert night.phone.rang("ana") == 2

    asyncio.run(story())
