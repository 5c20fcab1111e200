"""The page of last resort: straight to the first tier, past the store, when the store itself is sick."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.handmade import ShiftChange
from steadyhand.ports import LedgerError, Letter
from steadyhand.responder.engine.distress import SUBJECT, everybody, last_lines
from steadyhand.responder.outside import Outside
from steadyhand.responder.people.roster import read_schedules

log = logging.getLogger("steadyhand.alarm")
_QUIET = timedelta(minutes=1)
_DEADLINE_S = 10.0
_LOOK_S = 2.0


class Alarm:
    """Rings at most once a minute for the same words, so that a sick store does not become a storm."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._rang: dict[str, datetime] = {}

    async def ring(self, why: str) -> None:
        """Tell the first tier of a SEV1 directly, by every way; where none leads to them, everybody.

        What cannot be reached is logged.
        """
        now = self._outside.clock.now()
        self._rang = {text: at for text, at in self._rang.items() if abs(now - at) < _QUIET}
        if why in self._rang:
            return
        self._rang[why] = now
        log.error("ALARM: %s", why)
        first = last_lines(self._outside, await self._by_hand(now), now)
        if not await self._call_all(first, why, now):
            await self._call_all([one for one in everybody(self._outside) if one not in first], why, now)

    async def _by_hand(self, now: datetime) -> Sequence[ShiftChange]:
        """The shifts changed by hand, as the store says, or as it last said where it cannot say now."""
        try:
            async with asyncio.timeout(_LOOK_S):
                await asyncio.to_thread(read_schedules, self._outside, now)
        except (LedgerError, TimeoutError) as error:
            log.warning("shifts changed by hand are those last read: %r", error)
        return self._outside.by_hand.known

    async def _call_all(self, ways: Sequence[Contact], why: str, now: datetime) -> bool:
        """Whether any of them took it."""
        return any(await asyncio.gather(*(self._call(way, why, now) for way in ways)))

    async def _call(self, contact: Contact, why: str, now: datetime) -> bool:
        channel = self._outside.channels.get(contact.type)
        if channel is None:
            return False
        key = f"alarm:{contact.type}:{contact.whom}:{now.timestamp():.0f}"
        try:
            async with asyncio.timeout(_DEADLINE_S):
                letter = Letter(key=key, target=contact.whom, subject=SUBJECT, body=why)
                await channel.send(letter)
                return True
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one line, the others must ring
            log.error("alarm not delivered by %s: %r", contact.type, error)  # noqa: TRY400 - cause in the text
            return False
