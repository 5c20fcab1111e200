"""Processes that live through a night on call or take posts, and may be killed at any commit by kill -9."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ledger.shelf import NOW
from sqlalchemy import event
from stores import Place
from stories.night import RULES

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.journey.alert.model import Alert, Delivery
from steadyhand.journey.incident.state import Acknowledged
from steadyhand.ports import Letter
from steadyhand.responder.alerts.hearing import hear_round
from steadyhand.responder.alerts.inbox import Arrival, receive
from steadyhand.responder.alerts.intake import tell_incident
from steadyhand.responder.engine.worker import Worker
from steadyhand.responder.outside import Outside
from steadyhand.testing.clock import VirtualClock
from steadyhand.testing.phone import Phone

ACKED = "acknowledged"


class PhoneBook(Phone):
    """A channel whose calls outlive the process: one line of a file each."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    async def send(self, letter: Letter) -> str:
        self.note(letter.key)
        return letter.key

    def note(self, line: str) -> None:
        with self.path.open("a") as out:
            out.write(line + "\n")

    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []


@dataclass(frozen=True)
class Failpoint:
    """Dies just before the commit of this number, or just after it; at none it only counts."""

    commit: int = 0
    after: bool = False

    def watch(self, ledger: SqlLedger) -> Callable[[], int]:
        count, lock, done = [0], threading.Lock(), threading.local()

        def on_commit(_connection: object) -> None:
            with lock:
                count[0] += 1
                done.here = count[0] == self.commit
            if done.here and not self.after:
                os.kill(os.getpid(), signal.SIGKILL)

        def on_checkin(_connection: object, _record: object) -> None:
            if getattr(done, "here", False):
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(ledger.doors.queue, "commit", on_commit)
        event.listen(ledger.doors.queue, "checkin", on_checkin)
        return lambda: count[0]


def outside(ledger: SqlLedger, phone: Phone, now: datetime, owner: str) -> Outside:
    return Outside(
        rules=RULES,
        clock=VirtualClock(now),
        ledger=ledger,
        new_id=lambda prefix: f"{prefix}-{owner}",
        owner=owner,
        channels={"phone": phone},
    )


async def turns(worker: Worker, count: int = 3) -> None:
    for _ in range(count):
        await worker.turn()
        await worker.settle()


class NightShift:
    """Nobody answers for a quarter of an hour; then somebody has it, and hours go by."""

    def __init__(self, place: Place, book: Path, incident: str, owner: str) -> None:
        self.ledger = SqlLedger(place)
        self.phone = PhoneBook(book)
        self.progress = book.with_suffix(".hour")
        self.incident = incident
        self.owner = owner
        self.hours = (self.alert, self.silence, self.answer, self.peace)

    def live(self) -> None:
        """From the hour in which the one before died."""
        reached = int(self.progress.read_text()) if self.progress.exists() else 0
        for number in range(reached, len(self.hours)):
            self.progress.write_text(str(number))
            self.hours[number]()

    def alert(self) -> None:
        self._turns(NOW, 3)

    def silence(self) -> None:
        self._turns(NOW + timedelta(minutes=15), 2)

    def answer(self) -> None:
        at = outside(self.ledger, self.phone, NOW + timedelta(minutes=16), self.owner)
        tell_incident(at, self.incident, Acknowledged(by="ana", via="test"))
        self.phone.note(ACKED)

    def peace(self) -> None:
        self._turns(NOW + timedelta(hours=2), 2)

    def _turns(self, now: datetime, count: int) -> None:
        asyncio.run(turns(Worker(outside(self.ledger, self.phone, now, self.owner)), count))


def live_until(place: Place, book: Path, incident: str, point: Failpoint) -> None:
    """What the doomed process does."""
    shift = NightShift(place, book, incident, f"doomed-{incident}")
    counted = point.watch(shift.ledger)
    shift.live()
    book.with_suffix(".commits").write_text(str(counted()))


_MOST_TURNS = 400


def work_until(place: Place, book: Path, now: datetime, point: Failpoint) -> None:
    """One of several workers, which goes on until nothing is due, or dies."""
    ledger = SqlLedger(place)
    point.watch(ledger)
    worker = Worker(outside(ledger, PhoneBook(book), now, f"{os.getpid()}"))

    ledger.reclaim(now, all_owners=False)

    async def go_on() -> None:
        # Bounded: what waits behind a message that a dead process holds is due, and not to be had.
        for _ in range(_MOST_TURNS):
            if (due := ledger.next_due()) is None or due > now:
                return
            await turns(worker, 1)

    asyncio.run(go_on())


POSTS = (("firing", "a"), ("firing", "a"), ("resolved", "a"), ("firing", "b"))


def posted(source: str, number: int) -> Arrival:
    """A post of one alert, under an id that stays the same when its sender tries again."""
    status, key = POSTS[number]
    alert = Alert.model_validate(
        {"source": source, "dedup_key": key, "name": key, "service": source, "status": status}
        | {"starts_at": NOW}
    )
    return Arrival(Delivery(source=source, id=f"wh-{number}", alerts=(alert,)), b"{}")


def take_posts(place: Place, book: Path, source: str, point: Failpoint) -> None:
    """Receives all of them, hears now and then, and notes each that its sender was told is stored."""
    ledger, answers = SqlLedger(place), PhoneBook(book)
    here = outside(ledger, answers, NOW, f"doomed-{source}")
    counted = point.watch(ledger)
    for number in range(len(POSTS)):
        receive(here, [posted(source, number)])
        answers.note(str(number))
        if number % 2:
            hear_round(here)
    book.with_suffix(".commits").write_text(str(counted()))
