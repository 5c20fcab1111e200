"""The loop that keeps every promise: timers that are due, messages that wait."""

import asyncio
import logging
from collections.abc import Collection, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from steadyhand.journey.commands import TimerKind
from steadyhand.ports import LedgerError, SourceError
from steadyhand.responder.alerts.hearing import hear_all, left
from steadyhand.responder.engine.alarm import Alarm
from steadyhand.responder.engine.distress import find_stranded, unheard
from steadyhand.responder.engine.duties import STEPS, WORKS
from steadyhand.responder.engine.labour import LEASE, Labour, step_through
from steadyhand.responder.engine.retention import prune
from steadyhand.responder.engine.sealing import Sealer
from steadyhand.responder.outside import Outside
from steadyhand.responder.people.handoffs import arm_handoffs
from steadyhand.responder.people.mail import Mail
from steadyhand.responder.people.throttling import Bundle
from steadyhand.store import Timer

log = logging.getLogger("steadyhand.worker")
_WORKERS = 20  # works under way at once; what waits longer waits in the store
_BATCH = 300  # steps in one transaction: others wait for the store no longer than it takes
_MAIL = 20  # messages under way at once
_POLL = timedelta(seconds=0.2)
_SOON = timedelta(seconds=0.02)
_STEPS_FIRST = timedelta(seconds=2)  # so long at most messages leave the store to steps that are due
_RECLAIM = timedelta(seconds=1)
_HEAR = timedelta(seconds=1)
_SIGN_IN = timedelta(seconds=10)
_PRUNE = timedelta(minutes=10)
_HANDOFFS = timedelta(minutes=10)
# Steps have a thread of their own: neither do they wait for delivery and doors, nor these for them.
_STEPPING = ThreadPoolExecutor(1, "steps")


class Worker:
    """Claims due work under a lease and does it; several may run on one store."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._alarm = Alarm(outside)
        self._labour = Labour(outside, self._alarm)
        self._sealer = Sealer(outside, self._alarm)
        self._busy: set[asyncio.Task[None]] = set()
        self._works: set[asyncio.Task[None]] = set()
        self._mail = Mail(outside)
        self._letters: set[asyncio.Task[None]] = set()
        self._filling: asyncio.Task[None] | None = None
        self._stepping: asyncio.Task[None] | None = None
        self._many_since: datetime | None = None
        self._pinging: asyncio.Task[None] | None = None
        self._done_at: dict[str, datetime] = {}

    async def run(self) -> None:
        """Work until cancelled, whatever fails: it is alarmed about and tried again.

        What is under way at the end is dropped; whoever takes it over looks before acting.
        """
        try:
            while True:
                pause = await self.guarded_turn()
                await self._outside.clock.sleep(pause)
        finally:
            for one in self._busy:
                one.cancel()
            await self.settle()

    async def guarded_turn(self) -> timedelta:
        """One turn; what fails is alarmed about, and the watchdog hears of one that went well."""
        try:
            pause = await self.turn()
        except LedgerError as error:
            await self._labour.store_failed(error)
        except Exception as error:  # no bug may end the loop that keeps every promise
            log.exception("a turn of the worker failed")
            await self._alarm.ring(f"Steadyhand's worker stumbles: {error!r}")
        else:
            self._ping()
            return pause
        return _POLL

    async def turn(self) -> timedelta:
        """Claim and begin what is due now, and wait for none of it. Raises LedgerError.

        Returns how long to pause before the next turn.
        """
        outside = self._outside
        now = outside.clock.now()
        outside.pulse.turned_at = now
        await self._keep_house(now)
        due = await asyncio.to_thread(outside.ledger.next_due)
        if due is None or due > now:
            return min(due - now, _POLL) if due else _POLL
        # All is claimed before anything is begun: a message of this turn's timers leaves with the next turn.
        mail = () if self._leaves_room(now) else await self._mail.claim(_MAIL - len(self._letters))
        works = await self._claim(WORKS, _WORKERS - len(self._works))
        self._begin(works, mail)
        return _SOON

    def _begin(self, works: Sequence[Timer], mail: Sequence[Bundle]) -> None:
        if not _runs(self._stepping):
            self._stepping = self._start(self._step(), "steps")
        for timer in works:
            before = {one for one in self._works if one.get_name() == timer.key}
            task = self._start(self._labour.do(timer, before), timer.key)
            self._works.add(task)
            task.add_done_callback(self._works.discard)
        self._begin_letters(mail)
        if len(self._letters) >= _MAIL and not _runs(self._filling):
            self._filling = self._start(self._fill(), "letters")

    def _begin_letters(self, mail: Sequence[Bundle]) -> None:
        """Beside the timers and each for itself: a slow receiver keeps nobody else waiting."""
        for bundle in mail:
            task = self._start(self._post(bundle), bundle[0].key)
            self._letters.add(task)
            task.add_done_callback(self._letters.discard)

    def _leaves_room(self, now: datetime) -> bool:
        """Whether this turn claims no messages: those that leave are replaced anyhow, or steps go first.

        Steps do so where many are due, for who is woken next hangs on them; but not for long.
        """
        many = self._many_since is not None and abs(now - self._many_since) < _STEPS_FIRST
        return many or _runs(self._filling)

    async def _fill(self) -> None:
        """In a storm of messages those that left are replaced at once, not with the next turn."""
        room = claimed = _MAIL
        try:
            while claimed == room:
                if self._letters:
                    await asyncio.wait(self._letters, timeout=_SOON.total_seconds())
                room = _MAIL - len(self._letters)
                mail = await self._mail.claim(room)
                self._begin_letters(mail)
                claimed = len(mail)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and the next turn claims again
            await self._labour.stumbled(error)

    async def settle(self) -> None:
        """Wait until everything begun so far is done."""
        while self._busy:
            await asyncio.wait(self._busy)

    def _start(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)
        return task

    async def _keep_house(self, now: datetime) -> None:
        """What is to be done now and then, by each process for all."""
        outside = self._outside
        ledger = outside.ledger
        if self._time_for("sign in", now, _SIGN_IN):
            await asyncio.to_thread(ledger.sign_in, outside.owner, outside.host, now)
            await asyncio.to_thread(find_stranded, outside)
        if self._time_for("prune", now, _PRUNE):
            self._start(self._prune(), "prune")
        if outside.rules.schedules and self._time_for("hand-offs", now, _HANDOFFS):
            await asyncio.to_thread(arm_handoffs, outside)
        if self._time_for("hear", now, _HEAR) and await asyncio.to_thread(left, outside):
            self._start(self._hear(), "hear")
        if self._time_for("reclaim", now, _RECLAIM):
            await asyncio.to_thread(ledger.reclaim, now, all_owners=False)
        if self._time_for("seal", now, _POLL):
            await self._sealer.turn()

    async def _hear(self) -> None:
        try:
            await hear_all(self._outside)
        except Exception as error:  # what waits still waits, and is tried again in a second
            log.exception("posts were not heard")
            await self._labour.stumbled(error)

    async def _prune(self) -> None:
        try:
            await asyncio.to_thread(prune, self._outside)
        except (LedgerError, OSError) as error:
            await self._alarm.ring(f"Steadyhand cannot archive closed incidents: {error}")

    def _time_for(self, what: str, now: datetime, every: timedelta) -> bool:
        last = self._done_at.get(what)
        if last is not None and abs(now - last) < every:  # a clock that was set back makes nobody wait for it
            return False
        self._done_at[what] = now
        return True

    async def _step(self) -> None:
        """Steps that are due, many in one transaction. Where that fails each is tried alone."""
        loop = asyncio.get_running_loop()
        try:
            while await loop.run_in_executor(_STEPPING, step_through, self._outside, _BATCH) == _BATCH:
                self._many_since = self._many_since or self._outside.clock.now()
        except Exception as error:  # noqa: BLE001 - each of them is tried again below, and its failure named
            log.warning("steps are taken one by one: %r", error)
            await self._step_alone()
        finally:
            self._many_since = None

    async def _step_alone(self) -> None:
        try:
            for timer in await self._claim(STEPS, _BATCH):
                await self._labour.do(timer, ())
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told and tried again
            await self._labour.stumbled(error)

    async def _claim(self, kinds: Collection[TimerKind], most: int) -> Sequence[Timer]:
        outside = self._outside
        now = outside.clock.now()
        found = await asyncio.to_thread(outside.ledger.claim_timers, outside.owner, now, LEASE, most, kinds)
        outside.pulse.woke(found, now)
        return found

    async def _post(self, bundle: Bundle) -> None:
        try:
            await self._mail.deliver(bundle)
        except Exception as error:  # its lease runs out by itself; then it is sent again with the same key
            log.exception("what became of %s is not written", bundle[0].key)
            await self._labour.stumbled(error)

    def _ping(self) -> None:
        """Tell the outside watchdog that a turn went well; it pages when we fall silent."""
        outside = self._outside
        if outside.watchdog is None or _runs(self._pinging):
            return
        if self._time_for("ping", outside.clock.now(), outside.watchdog.every):
            self._pinging = self._start(self._ping_once(), "watchdog")

    async def _ping_once(self) -> None:
        assert self._outside.watchdog is not None, "only called where there is one"
        try:
            lost = await asyncio.to_thread(self._unheard)
            if lost:  # the one voice left that wakes a human is the watchdog's own
                log.error("the watchdog hears nothing of us: %d calls for help reached nobody", lost)
                return
            await self._outside.watchdog.ping()
        except (SourceError, LedgerError) as error:
            log.warning("the watchdog was not reached: %s", error)

    def _unheard(self) -> int:
        with self._outside.ledger.read() as tx:
            return unheard(self._outside, tx)


def _runs(task: asyncio.Task[None] | None) -> bool:
    return task is not None and not task.done()
