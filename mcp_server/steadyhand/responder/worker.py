"""The loop that keeps every promise: timers that are due, messages that wait."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import assert_never

from steadyhand.journey.incident.state import ApprovalSilent, Event, InvestigationFailed, TierSilent
from steadyhand.ports import LeaseLost, LedgerError, SteadyhandError
from steadyhand.responder.alarm import Alarm
from steadyhand.responder.intake import happen
from steadyhand.responder.investigate import investigate
from steadyhand.responder.mail import deliver
from steadyhand.responder.outside import Outside
from steadyhand.responder.rollouts import drive
from steadyhand.store import Timer

log = logging.getLogger("steadyhand.worker")
_LEASE = timedelta(seconds=30)
_BATCH = 10
_TRIES = 3
_AGAIN = timedelta(seconds=2)
_POLL = timedelta(seconds=0.2)


class Worker:
    """Claims due work under a lease and does it; several may run on one store."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._alarm = Alarm(outside)
        self._busy: set[asyncio.Task[None]] = set()
        self._mail: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Work until cancelled. A store that fails is alarmed about and tried again."""
        while True:
            try:
                await self.turn()
            except LedgerError as error:
                log.error("the store failed: %s", error)  # noqa: TRY400 - the cause is in the text
                await self._alarm.ring(f"Steadyhand cannot use its store: {error}")
            await self._outside.clock.sleep(_POLL)

    async def turn(self) -> None:
        """Claim and begin what is due now; wait for none of it. Raises LedgerError."""
        outside = self._outside
        now = outside.clock.now()
        await asyncio.to_thread(outside.ledger.reclaim, now, all_owners=False)
        due = await asyncio.to_thread(outside.ledger.claim_timers, outside.owner, now, _LEASE, _BATCH)
        for timer in due:
            self._start(self._work(timer), timer.key)
        if self._mail is None or self._mail.done():
            # Beside the timers: a slow receiver must not keep a rollout from being watched.
            self._mail = self._start(self._post(), "mail")

    async def settle(self) -> None:
        """Wait until everything begun so far is done."""
        while self._busy:
            await asyncio.wait(self._busy)

    def _start(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)
        return task

    async def _post(self) -> None:
        try:
            await deliver(self._outside)
        except LedgerError as error:
            log.error("mail waits: %s", error)  # noqa: TRY400 - the cause is in the text
            await self._alarm.ring(f"Steadyhand cannot use its store: {error}")

    async def _work(self, timer: Timer) -> None:
        try:
            async with self._held(timer):
                await self._handle(timer)
        except LeaseLost as error:
            log.warning("%s", error)
        except LedgerError as error:
            await self._alarm.ring(f"Steadyhand cannot use its store: {error}")
            await self._retry(timer, str(error))
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
                await asyncio.to_thread(outside.ledger.extend, timer, until)

        task = asyncio.create_task(extend())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _handle(self, timer: Timer) -> None:
        match timer.kind:
            case "investigate":
                await investigate(self._outside, timer)
            case "rollout":
                await drive(self._outside, timer)
            case "escalate":
                event = TierSilent(rung=int(timer.payload["rung"]), due_at=timer.due_at)
                await asyncio.to_thread(self._fire, timer, event)
            case "approval":
                silent = ApprovalSilent(plan=timer.payload["plan"], due_at=timer.due_at)
                await asyncio.to_thread(self._fire, timer, silent)
            case _:
                assert_never(timer.kind)

    def _fire(self, timer: Timer, event: Event) -> None:
        now = self._outside.clock.now()
        with self._outside.ledger.write() as tx:
            tx.finish(timer)
            happen(tx, timer.incident, event, now)

    async def _retry(self, timer: Timer, why: str) -> None:
        """Give it back. What failed too often is dead, and a dead promise pages; a rollout never dies."""
        outside = self._outside
        tired = timer.attempts >= _TRIES
        dead = tired and timer.kind != "rollout"
        again = outside.clock.now() + _AGAIN * timer.attempts
        await asyncio.to_thread(self._release, timer, again, dead, why)
        if tired:
            await self._alarm.ring(f"{timer.kind} of {timer.incident} keeps failing: {why}")

    def _release(self, timer: Timer, again: datetime, dead: bool, why: str) -> None:  # noqa: FBT001
        outside = self._outside
        try:
            outside.ledger.release(timer, again, dead=dead)
            if dead and timer.kind == "investigate":
                with outside.ledger.write() as tx:
                    happen(tx, timer.incident, InvestigationFailed(why=why[:200]), outside.clock.now())
        except LedgerError as error:
            # The lease runs out by itself and the timer is claimed again then.
            log.error("timer %s not released: %s", timer.key, error)  # noqa: TRY400 - cause in the text
