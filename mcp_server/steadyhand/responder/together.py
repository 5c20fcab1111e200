"""What comes at the same time shares one commit: each waits for the disk, and all wait for it once."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from steadyhand.ports import LedgerError

log = logging.getLogger("steadyhand.together")
Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Most:
    """How much one commit may hold: it may not take for ever."""

    items: int
    weight: int


class Together(Generic[Item, Answer]):
    """Group commit. Whatever waits when a commit ends goes into the next one.

    `write` stores items in one transaction, in a thread, and returns an answer for each: its result, or the
    exception its caller gets. Where it raises anything but a LedgerError each is tried alone, so that a bug
    which one of them wakes harms no other.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Sequence[Answer | Exception]],
        most: Most,
        weight: Callable[[Item], int] = lambda _: 1,
    ) -> None:
        self._write = write
        self._most = most
        self._weight = weight
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "together")  # the common ones may all be waiting for the store

    async def put(self, item: Item) -> Answer:
        """Returns once it is on disk. Raises LedgerError or what it was answered: then nothing of it is."""
        done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._drain())
        return await done

    async def _drain(self) -> None:
        while self._waiting:
            part = self._next()
            try:
                await self._commit(part)
            except Exception as error:  # whoever waits must be answered, whatever went wrong
                log.exception("a round of writes failed")
                _fail(part, error)
            except BaseException as error:  # the process is ending: nobody may wait for what never comes
                _fail([*part, *self._waiting], error)
                raise

    def _next(self) -> list[tuple[Item, "asyncio.Future[Answer]"]]:
        """The first that wait, bounded."""
        weight = count = 0
        for item, _ in self._waiting[: self._most.items]:
            weight += self._weight(item)
            if count and weight > self._most.weight:
                break
            count += 1
        part, self._waiting = self._waiting[:count], self._waiting[count:]
        return part

    async def _commit(self, part: Sequence[tuple[Item, "asyncio.Future[Answer]"]]) -> None:
        """Together; where a bug in one spoils that, each for itself."""
        try:
            items = [item for item, _ in part]
            answers = await asyncio.get_running_loop().run_in_executor(self._thread, self._write, items)
        except LedgerError as error:
            _fail(part, error)
        except Exception:  # a bug that one wakes must not lose the others of its round
            if len(part) == 1:
                raise
            log.exception("a round of %d writes failed; each is tried alone", len(part))
            for one in part:
                await self._alone(one)
        else:
            for (_, done), answer in zip(part, answers, strict=True):
                _answer(done, answer)

    async def _alone(self, one: tuple[Item, "asyncio.Future[Answer]"]) -> None:
        try:
            await self._commit([one])
        except Exception as error:  # the next one must have its turn
            log.exception("a write failed")
            _fail([one], error)


def _answer(done: "asyncio.Future[Answer]", answer: Answer | Exception) -> None:
    if done.done():  # whoever waited has gone; it is stored all the same
        return
    if isinstance(answer, Exception):
        done.set_exception(answer)
    else:
        done.set_result(answer)


def _fail(part: Sequence[tuple[Item, "asyncio.Future[Answer]"]], error: BaseException) -> None:
    for _, done in part:
        if not done.done():
            done.set_exception(error)
