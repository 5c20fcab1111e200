"""Posts that come at the same time share one commit: each waits for the disk, and all wait for it once."""

import asyncio
import logging
from collections.abc import Sequence

from steadyhand.ports import LedgerError, Replayed
from steadyhand.responder.intake import Arrival, Taken, take
from steadyhand.responder.outside import Outside

log = logging.getLogger("steadyhand.inbox")
_MOST_POSTS = 64
_MOST_ALERTS = 2_000
_Waiting = tuple[Arrival, "asyncio.Future[Taken]"]


class Inbox:
    """Takes posts; whatever waits when a commit ends goes into the next one."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._waiting: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None

    async def take(self, arrival: Arrival) -> Taken:
        """Returns once the post is on disk. Raises LedgerError, Replayed: then nothing of it is."""
        done: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrival, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await done

    async def _write(self) -> None:
        while self._waiting:
            part = self._next()
            try:
                await self._commit(part)
            except Exception as error:  # whoever waits must be answered, whatever went wrong
                log.exception("a round of posts failed")
                _fail(part, error)

    def _next(self) -> list[_Waiting]:
        """The first that wait, bounded: one commit may not take for ever."""
        alerts = count = 0
        for arrival, _ in self._waiting[:_MOST_POSTS]:
            alerts += len(arrival.delivery.alerts)
            if count and alerts > _MOST_ALERTS:
                break
            count += 1
        part, self._waiting = self._waiting[:count], self._waiting[count:]
        return part

    async def _commit(self, part: Sequence[_Waiting]) -> None:
        """Together; where a bug in one post spoils that, each for itself."""
        try:
            taken = await asyncio.to_thread(take, self._outside, [one for one, _ in part])
        except LedgerError as error:
            _fail(part, error)
        except Exception:  # a bug that one post wakes must not lose the others of its round
            if len(part) == 1:
                raise
            log.exception("a round of %d posts failed; each is tried alone", len(part))
            for one in part:
                await self._alone(one)
        else:
            for (_, done), answer in zip(part, taken, strict=True):
                _answer(done, answer)

    async def _alone(self, one: _Waiting) -> None:
        try:
            await self._commit([one])
        except Exception as error:  # the next one must have its turn
            log.exception("a post failed")
            _fail([one], error)


def _answer(done: "asyncio.Future[Taken]", taken: Taken | Replayed) -> None:
    if done.done():  # its sender has gone; it is stored all the same
        return
    if isinstance(taken, Replayed):
        done.set_exception(taken)
    else:
        done.set_result(taken)


def _fail(part: Sequence[_Waiting], error: Exception) -> None:
    for _, done in part:
        if not done.done():
            done.set_exception(error)
