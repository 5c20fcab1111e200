"""A clock that stands still until a test moves it."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count

_TURNS = 20  # loop turns after which tasks woken by a timer have reached their next await

START = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)


class VirtualClock:
    """A Clock whose hours pass in no time: `await clock.advance(minutes=5)`."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._order = count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """The present instant of this clock."""
        return self._now

    async def sleep(self, span: timedelta) -> None:
        """Return once the clock was moved past `span` from now."""
        if span <= timedelta():
            await asyncio.sleep(0)
            return
        waker = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + span, next(self._order), waker))
        await waker

    async def advance(self, span: timedelta = timedelta(), *, minutes: float = 0, seconds: float = 0) -> None:
        """Move on, waking each sleeper at its own instant and letting it run before time goes further."""
        target = self._now + span + timedelta(minutes=minutes, seconds=seconds)
        await _let_run()
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, waker = heapq.heappop(self._sleepers)
            self._now = max(self._now, due)
            if not waker.done():
                waker.set_result(None)
                await _let_run()
        self._now = target

    def set_back(self, span: timedelta) -> None:
        """Somebody corrects it: it shows an earlier instant. Who sleeps does so no longer than meant."""
        self._now -= span
        self._sleepers = [(due - span, order, waker) for due, order, waker in self._sleepers]


async def _let_run() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)
