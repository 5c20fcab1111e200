"""A service that is killed at a chosen instant, as kill -9 does it."""

import asyncio
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from stores import Place
from stories.night import RULES

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.adapters.ledger.transaction import SqlTransaction
from steadyhand.ports import Letter
from steadyhand.responder.outside import Outside
from steadyhand.responder.worker import Worker
from steadyhand.store import Message, Timer
from steadyhand.testing.clock import VirtualClock
from steadyhand.testing.phone import Phone

POINTS = ("timers claimed", "messages claimed", "before a commit", "sent, not written down")


class PhoneBook(Phone):
    """A channel whose calls outlive the process: one line of a file each."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    async def send(self, letter: Letter) -> str:
        with self.path.open("a") as out:
            out.write(letter.key + "\n")
        return letter.key

    def keys(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []


class Mortal(SqlLedger):
    """A store whose user dies at the named point."""

    def __init__(self, place: Place, point: str) -> None:
        super().__init__(place)
        self._point = point

    def _die_at(self, point: str) -> None:
        if point == self._point:
            os.kill(os.getpid(), signal.SIGKILL)

    def claim_timers(self, owner: str, now: datetime, lease: timedelta, most: int) -> Sequence[Timer]:
        found = super().claim_timers(owner, now, lease, most)
        if found:
            self._die_at("timers claimed")
        return found

    def claim_messages(self, owner: str, now: datetime, lease: timedelta, most: int) -> Sequence[Message]:
        found = super().claim_messages(owner, now, lease, most)
        if found:
            self._die_at("messages claimed")
        return found

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        with super().write() as tx:
            yield tx
            self._die_at("before a commit")

    def sent(self, message: Message, receipt: str) -> None:
        self._die_at("sent, not written down")
        super().sent(message, receipt)


def service(ledger: SqlLedger, phone: PhoneBook, now: datetime, owner: str) -> Worker:
    return Worker(
        Outside(
            rules=RULES,
            clock=VirtualClock(now),
            ledger=ledger,
            new_id=lambda prefix: f"{prefix}-{owner}",
            owner=owner,
            channels={"phone": phone},
        )
    )


async def turns(worker: Worker, count: int = 3) -> None:
    for _ in range(count):
        await worker.turn()
        await worker.settle()


def live_until(place: Place, book: Path, now: datetime, point: str) -> None:
    """What the doomed process does."""
    worker = service(Mortal(place, point), PhoneBook(book), now, "doomed")
    asyncio.run(turns(worker))
