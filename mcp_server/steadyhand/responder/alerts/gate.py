"""What bounds the wait of an alert in a storm: posts are stored no faster than others are heard."""

import asyncio
from collections import deque
from contextlib import suppress
from datetime import timedelta

PATIENCE = timedelta(seconds=2)
_MOST = 50_000  # alerts that wait; some 4,000 new ones are heard in a second
_LONGEST_S = 3.0  # senders give a post up after five seconds and more


class Gate:
    """Posts pass it on their way to the store.

    It is open until the oldest post has waited longer than PATIENCE to be heard, or more alerts wait than are
    heard in some seconds. From then on, for each round that is heard, posts pass that hold half as many
    alerts, the first to come first: so what waits shrinks, and whoever causes the storm feels it. Nobody is
    refused, and a post that was held for three seconds passes: heard late is better than not stored. Used on
    one event loop.
    """

    def __init__(self) -> None:
        self.late = False
        self._unheard = 0
        self._held: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def enter(self, alerts: int) -> None:
        """Returns when a post of so many alerts may be stored."""
        if self.late:
            passes: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._held.append((alerts, passes))
            with suppress(TimeoutError):
                await asyncio.wait_for(passes, _LONGEST_S)
        self._unheard += alerts

    def heard(self, alerts: int, waited: timedelta) -> None:
        """A round of so many alerts was heard, the oldest of which had waited so long."""
        self._unheard = max(self._unheard - alerts, 0)
        self.late = waited > PATIENCE or self._unheard > _MOST
        room = alerts // 2
        while self._held and (room > 0 or not self.late):
            size, passes = self._held.popleft()
            if not passes.done():
                passes.set_result(None)
                room -= size

    def open(self) -> None:
        """Nothing is heard any more, or nothing waits: all pass."""
        self._unheard = 0
        self.heard(0, timedelta())
