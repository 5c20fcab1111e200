"""A storm of posts is taken quickly, and yet no alert waits for its end to be heard."""

import asyncio
from collections import deque
from datetime import timedelta

import pytest
from ledger.shelf import raw

from steadyhand.journey.alert.model import Alert, Delivery
from steadyhand.responder.alerts.ears import Ears
from steadyhand.responder.alerts.gate import PATIENCE, Gate
from steadyhand.responder.alerts.hearing import hear_all, hear_round
from steadyhand.responder.alerts.inbox import Arrival, Inbox, receive
from stories.night import Night

ALERTS, SENDERS = 50, 8
TICK = timedelta(milliseconds=10)
HEARD = 100  # alerts in a tick, a quarter of what is stored in one


class Storm:
    """Senders that never pause; hearing takes a fifth of its speed until it is late."""

    def __init__(self, heard: int = HEARD) -> None:
        self.gate = Gate()
        self._fastest = heard
        self.now = timedelta()
        self.stored: deque[timedelta] = deque()
        self.longest = timedelta()
        self.taken = 0
        self._room = 0.0
        self._ticked = asyncio.Event()

    async def last(self, ticks: int) -> None:
        senders = [asyncio.create_task(self._send()) for _ in range(SENDERS)]
        for _ in range(ticks):
            self.now += TICK
            self._hear()
            self._ticked.set()
            self._ticked = asyncio.Event()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        for one in senders:
            one.cancel()

    async def _send(self) -> None:
        while True:
            await self.gate.enter(ALERTS)
            self.stored.append(self.now)
            self.taken += 1
            await self._ticked.wait()

    def _hear(self) -> None:
        self._room += self._fastest if self.gate.late else self._fastest / 5
        heard, waited = 0, timedelta()
        while self.stored and self._room >= ALERTS:
            waited = max(waited, self.now - self.stored.popleft())
            self._room -= ALERTS
            heard += ALERTS
        if heard:
            self.longest = max(self.longest, waited)
            self.gate.heard(heard, waited)


@pytest.mark.parametrize("heard", [HEARD, HEARD * 2 // 5])
def test_an_alert_is_heard_within_seconds_however_long_a_storm_lasts(heard: int) -> None:
    storm = Storm(heard)
    asyncio.run(storm.last(12_000))
    assert storm.now == timedelta(minutes=2)
    assert storm.longest < timedelta(seconds=15)
    assert storm.taken * ALERTS > 12_000 * heard / 3  # and what can be heard is taken


def test_a_short_storm_is_taken_without_waiting_for_anybody() -> None:
    storm = Storm()
    asyncio.run(storm.last(100))
    assert storm.taken >= 99 * SENDERS


def arrival(night: Night, key: str) -> Arrival:
    given = {"source": "test", "dedup_key": key, "name": key, "service": "shop", "status": "firing"}
    alert = Alert.model_validate(given | {"starts_at": night.clock.now()})
    return Arrival(Delivery(source="test", alerts=(alert,)), b"{}")


def test_where_hearing_falls_behind_a_post_is_stored_only_once_others_are_heard(night: Night) -> None:
    async def story() -> None:
        ears, inbox = night.outside.ears, Inbox(night.outside)
        receive(night.outside, [arrival(night, f"early-{number}") for number in range(600)])
        await night.clock.advance(seconds=PATIENCE.total_seconds() + 1)
        assert ears.begin()
        ears.tell(hear_round(night.outside))
        late = asyncio.create_task(inbox.take(arrival(night, "late")))
        await asyncio.sleep(0)
        assert _posts(night) == 600
        ears.end()
        await hear_all(night.outside)
        await late
        assert _posts(night) == 601

    asyncio.run(story())


def test_posts_that_were_held_when_hearing_breaks_off_are_stored() -> None:
    async def story() -> None:
        ears = Ears()
        assert ears.begin()
        ears.gate.heard(1, PATIENCE * 2)
        held = asyncio.create_task(ears.gate.enter(1))
        await asyncio.sleep(0)
        assert not held.done()
        ears.end()
        await held

    asyncio.run(story())


def _posts(night: Night) -> int:
    return int(raw(night.path, "select count(*) from alert_post")[0][0])


def test_rounds_are_short_while_posts_keep_coming_and_long_once_hearing_is_late() -> None:
    ears = Ears()
    with ears.knock():
        assert ears.yields
        ears.pace.took(0.02, yields=ears.yields)
        short = ears.pace.alerts
        ears.gate.heard(1, PATIENCE * 2)
        assert not ears.yields
        assert ears.rest_s < ears.pace.worked_s
        ears.pace.took(0.02, yields=ears.yields)
        assert ears.pace.alerts > short


def test_a_burst_is_stored_before_any_of_it_is_heard_and_heard_as_soon_as_no_more_comes() -> None:
    async def story() -> None:
        ears = Ears()
        ears.begin()
        with ears.knock():
            turn = asyncio.create_task(ears.turn())
            await asyncio.sleep(0)
            assert not turn.done()
        await turn

    asyncio.run(story())


def test_a_burst_that_does_not_end_is_heard_all_the_same() -> None:
    async def story() -> None:
        ears = Ears()
        ears.begin()
        with ears.knock():
            await ears.turn()
            assert ears.yields

    asyncio.run(story())


def test_an_alert_that_comes_alone_is_heard_at_once() -> None:
    ears = Ears()
    with ears.knock():
        pass
    ears.begin()
    turn = ears.turn()
    with pytest.raises(StopIteration):
        turn.send(None)
