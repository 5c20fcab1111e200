"""A fleet of worker processes in a hurry, any of which may be killed at any instant by kill -9."""

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from ledger.doomed import PhoneBook, outside
from ledger.shelf import NOW
from stores import Place

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.ports import Letter
from steadyhand.responder.engine.worker import Worker

SPEED = 20
"""So many times faster than the sun: a lease of 30 seconds is over in 1.5."""

_HALF = timedelta(seconds=8)


@dataclass(frozen=True)
class FastClock:
    """A Clock that all processes of a host share; it began at this reading of the host's own."""

    began: float

    def now(self) -> datetime:
        return NOW + timedelta(seconds=(time.monotonic() - self.began) * SPEED)

    async def sleep(self, span: timedelta) -> None:
        await asyncio.sleep(max(span.total_seconds(), 0) / SPEED)


class SlowBook(PhoneBook):
    """It takes its time: whoever dies meanwhile does not know whether it rang."""

    def __init__(self, path: Path, clock: FastClock) -> None:
        super().__init__(path)
        self._clock = clock

    async def send(self, letter: Letter) -> str:
        await self._clock.sleep(_HALF)
        self.note(letter.key)
        await self._clock.sleep(_HALF)
        return letter.key


def serve(place: Place, book: Path, clock: FastClock, owner: str) -> None:
    """Work as `steadyhand worker` does, until killed."""
    ledger = SqlLedger(place)
    ledger.take_over(clock.now())
    asyncio.run(Worker(replace(outside(ledger, SlowBook(book, clock), NOW, owner), clock=clock)).run())
