"""The loop that keeps every promise: timers that are due, messages that wait."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta

from steadyhand.ports import LeaseLost, LedgerError, SteadyhandError
from steadyhand.responder.alarm import Alarm
from steadyhand.responder.duties import DUTIES, GiveUp, Step, Work
from steadyhand.responder.mail import claim, deliver
from steadyhand.responder.outside import Outside
from steadyhand.store import Message, Timer, Transaction

log = logging.getLogger("steadyhand.worker")
_LEASE = timedelta(seconds=30)
_BATCH = 10
_MAIL = 20
_TRIES = 3
_AGAIN = timedelta(seconds=2)
_LONGEST_PAUSE = timedelta(minutes=1)
_POLL = timedelta(seconds=0.2)


class Worker:
    """Claims due work under a lease and does it; several may run on one store."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._alarm = Alarm(outside)
        self._busy: set[asyncio.Task[None]] = set()
        self._mail: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work until cancelled, whatever fails: it is alarmed about and tried again.

        What is under way at the end is dropped; whoever takes it over looks before acting.
        """
        try:
            while True:
                await self._guarded_turn()
                await self._outside.clock.sleep(_POLL)
        finally:
            for one in self._busy:
                one.cancel()
            await self.settle()

    async def _guarded_turn(self) -> None:
        try:
            await self.turn()
        except LedgerError as error:
            await self._store_failed(error)
        except Exception as error:  # no bug may end the loop that keeps every promise
            log.exception("a turn of the worker failed")
            await self._alarm.ring(f"Steadyhand's worker stumbles: {error!r}")

    async def turn(self) -> None:
        """Claim and begin what is due now; wait for none of it. Raises LedgerError."""
        outside = self._outside
        now = outside.clock.now()
        await asyncio.to_thread(outside.ledger.reclaim, now, all_owners=False)
        due = await asyncio.to_thread(outside.ledger.claim_timers, outside.owner, now, _LEASE, _BATCH)
        mail = await claim(outside, _MAIL - len(self._mail))
        for timer in due:
            before = {one for one in self._busy if one.get_name() == timer.key}
            self._start(self._work(timer, before), timer.key)
        # Beside the timers and each for itself: a slow receiver keeps nobody else waiting.
        for message in mail:
            task = self._start(self._post(message), message.key)
            self._mail.add(task)
            task.add_done_callback(self._mail.discard)

    async def settle(self) -> None:
        """Wait until everything begun so far is done."""
        while self._busy:
            await asyncio.wait(self._busy)

    def _start(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)
        return task

    async def _post(self, message: Message) -> None:
        try:
            await deliver(self._outside, message)
        except LedgerError as error:
            # Its lease runs out by itself; then it is sent again with the same key.
            await self._store_failed(error)

    async def _store_failed(self, error: LedgerError) -> None:
        await self._alarm.ring(f"Steadyhand cannot use its store: {error}")

    async def _work(self, timer: Timer, before: Collection[asyncio.Task[None]]) -> None:
        """Do what a timer asks for, after what it asked for before: effects must not overtake each other."""
        try:
            async with self._held(timer):
                if before:
                    await asyncio.wait(before)
                await self._handle(timer)
        except LeaseLost as error:
            log.warning("%s", error)
        except LedgerError as error:
            await self._store_failed(error)
            await asyncio.to_thread(self._release, timer, dead=False)
        except SteadyhandError as error:
            await self._retry(timer, str(error))
        except Exception as error:  # a bug in one step must not stop the loop that keeps all others
            log.exception("timer %s failed", timer.key)
            await self._retry(timer, repr(error))

    @asynccontextmanager
    async def _held(self, timer: Timer) -> AsyncIterator[None]:
        """Keep the lease while the work is under way."""
        outside = self._outside

        async def extend() -> None:
            while True:
                await outside.clock.sleep(_LEASE / 3)
                until = outside.clock.now() + _LEASE
                try:
                    await asyncio.to_thread(outside.ledger.extend, timer, until)
                except LeaseLost:
                    return  # nothing of this work will be written: finish() sees it too
                except LedgerError as error:
                    await self._store_failed(error)

        task = asyncio.create_task(extend())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _handle(self, timer: Timer) -> None:
        match DUTIES[timer.kind]:
            case Step(write):
                await asyncio.to_thread(self._step, timer, write)
            case Work(run):
                await run(self._outside, timer)

    def _step(self, timer: Timer, write: Callable[[Outside, Transaction, Timer, datetime], None]) -> None:
        now = self._outside.clock.now()
        with self._outside.ledger.write() as tx:
            tx.finish(timer)
            write(self._outside, tx, timer, now)

    async def _retry(self, timer: Timer, why: str) -> None:
        """Give it back. What failed too often is given up or dead, and that pages; some work never dies."""
        duty = DUTIES[timer.kind]
        tired = timer.attempts >= _TRIES
        if tired and isinstance(duty, Work) and duty.give_up:
            await asyncio.to_thread(self._give_up, timer, duty.give_up, why)
        else:
            mortal = isinstance(duty, Step) or not duty.never_dies
            await asyncio.to_thread(self._release, timer, dead=tired and mortal)
        if tired:
            await self._alarm.ring(f"{timer.kind} of {timer.incident or timer.key} keeps failing: {why}")

    def _give_up(self, timer: Timer, give_up: GiveUp, why: str) -> None:
        now = self._outside.clock.now()
        with self._or_later(timer), self._outside.ledger.write() as tx:
            tx.finish(timer)
            give_up(tx, timer, why, now)

    def _release(self, timer: Timer, *, dead: bool) -> None:
        outside = self._outside
        again = outside.clock.now() + min(_AGAIN * timer.attempts, _LONGEST_PAUSE)
        with self._or_later(timer):
            outside.ledger.release(timer, again, dead=dead)

    @contextmanager
    def _or_later(self, timer: Timer) -> Iterator[None]:
        """The lease runs out by itself; the timer is claimed again then."""
        try:
            yield
        except LedgerError as error:
            log.error("timer %s not released: %s", timer.key, error)  # noqa: TRY400 - cause in the text
