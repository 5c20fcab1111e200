"""Doing what a timer asks for, under its lease, whatever fails."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta

from steadyhand.ports import LeaseLost, LedgerError, SteadyhandError
from steadyhand.responder.engine.alarm import Alarm
from steadyhand.responder.engine.distress import bury
from steadyhand.responder.engine.duties import DUTIES, STEPS, GiveUp, Step, Work
from steadyhand.responder.outside import Outside
from steadyhand.store import Timer, Transaction

log = logging.getLogger("steadyhand.worker")
LEASE = timedelta(seconds=30)
_TRIES = 3
_AGAIN = timedelta(seconds=2)
_LONGEST_PAUSE = timedelta(minutes=1)


def step_through(outside: Outside, most: int) -> int:
    """Take steps that are due and do them, all in one transaction or none; how many they were.

    Raises what any of them raises.
    """
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        due = tx.take_due(now, most, STEPS)
        _carry_out(outside, tx, due, now)
    outside.pulse.woke(due, now)
    return len(due)


def _carry_out(outside: Outside, tx: Transaction, timers: Sequence[Timer], now: datetime) -> None:
    tx.foresee([one.incident for one in timers])
    for timer in timers:
        duty = DUTIES[timer.kind]
        assert isinstance(duty, Step), "only steps are claimed for this"
        duty.write(outside, tx, timer, now)


class Labour:
    """One timer at a time, with its lease kept, its failures retried, and its death told."""

    def __init__(self, outside: Outside, alarm: Alarm) -> None:
        self._outside = outside
        self._alarm = alarm

    async def do(self, timer: Timer, before: Collection[asyncio.Task[None]]) -> None:
        """Do what a timer asks for, after what it asked for before: effects must not overtake each other."""
        try:
            async with self._held(timer):
                if before:
                    await asyncio.wait(before)
                await self._handle(timer)
        except LeaseLost as error:
            log.warning("%s", error)
        except LedgerError as error:
            await self.store_failed(error)
            await asyncio.to_thread(self._release, timer)
        except SteadyhandError as error:
            await self._retry(timer, str(error))
        except Exception as error:  # a bug in one step must not stop the loop that keeps all others
            log.exception("timer %s failed", timer.key)
            await self._retry(timer, repr(error))

    async def store_failed(self, error: LedgerError) -> None:
        """The store is sick: past it, straight to people."""
        await self._alarm.ring(f"Steadyhand cannot use its store: {error}")

    async def stumbled(self, error: Exception) -> None:
        """Something went wrong that is nobody's own failure."""
        if isinstance(error, LedgerError):
            await self.store_failed(error)
        else:
            await self._alarm.ring(f"Steadyhand's worker stumbles: {error!r}")

    @asynccontextmanager
    async def _held(self, timer: Timer) -> AsyncIterator[None]:
        """Keep the lease while the work is under way."""
        outside = self._outside

        async def extend() -> None:
            while True:
                await outside.clock.sleep(LEASE / 3)
                until = outside.clock.now() + LEASE
                try:
                    await asyncio.to_thread(outside.ledger.extend, timer, until)
                except LeaseLost:
                    return  # nothing of this work will be written: finish() sees it too
                except LedgerError as error:
                    await self.store_failed(error)

        task = asyncio.create_task(extend())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _handle(self, timer: Timer) -> None:
        match DUTIES[timer.kind]:
            case Step():
                await asyncio.to_thread(self._step, timer)
            case Work(run):
                await run(self._outside, timer)

    def _step(self, timer: Timer) -> None:
        now = self._outside.clock.now()
        with self._outside.ledger.write() as tx:
            tx.finish(timer)
            _carry_out(self._outside, tx, [timer], now)

    async def _retry(self, timer: Timer, why: str) -> None:
        """Give it back. What failed too often is given up or dead, and that pages; some work never dies."""
        duty = DUTIES[timer.kind]
        tired = timer.attempts >= _TRIES
        if not tired or (isinstance(duty, Work) and duty.never_dies):
            await asyncio.to_thread(self._release, timer)
        elif isinstance(duty, Work) and duty.give_up:
            await asyncio.to_thread(self._give_up, timer, duty.give_up, why)
        else:
            await asyncio.to_thread(self._bury, timer, why)
        if tired:
            await self._alarm.ring(f"{timer.kind} of {timer.incident or timer.key} keeps failing: {why}")

    def _release(self, timer: Timer) -> None:
        outside = self._outside
        again = outside.clock.now() + min(_AGAIN * timer.attempts, _LONGEST_PAUSE)
        with self._or_later(timer):
            outside.ledger.release(timer, again)

    def _give_up(self, timer: Timer, give_up: GiveUp, why: str) -> None:
        now = self._outside.clock.now()
        with self._or_later(timer), self._outside.ledger.write() as tx:
            tx.finish(timer)
            give_up(tx, timer, why, now)

    def _bury(self, timer: Timer, why: str) -> None:
        with self._or_later(timer):
            bury(self._outside, timer, why[:200])

    @contextmanager
    def _or_later(self, timer: Timer) -> Iterator[None]:
        """The lease runs out by itself; the timer is claimed again then."""
        try:
            yield
        except LedgerError as error:
            log.error("timer %s not released: %s", timer.key, error)  # noqa: TRY400 - cause in the text
