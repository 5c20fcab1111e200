"""How late timers wake: many due at once, or spread out, beside many idle ones, through the real worker loop.

    python bench/engine.py                           all of it on SQLite
    STORE=postgresql://user@host/name python bench/engine.py --postgres STORE

Two real steps are measured. `answered`: the timer finds that somebody has the incident already, so claiming
it, loading the incident, deciding and finishing is all there is: the engine's own cost. `escalate`: the next
tier is paged, with the new state, the next timer, the message and the line of the trail in one transaction.
Late is from the instant a timer was due to the commit of what it caused; a page is late until its channel,
which answers at once here, has taken it and that is on the disk. At the end: what a line of the trail costs.
"""

import argparse
import asyncio
import json
import resource
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import Connection, insert, text

from steadyhand.adapters.ledger import schema as s
from steadyhand.adapters.ledger.engine import to_ms
from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.adapters.ledger.transaction import SqlTransaction
from steadyhand.adapters.machine import SystemClock, secret
from steadyhand.journey.alert.model import Alert
from steadyhand.journey.audit.proof import find_problem
from steadyhand.journey.commands import Record, TimerKind
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.ladder import Tier
from steadyhand.journey.escalation.policy import EscalationRule
from steadyhand.journey.incident.open import open_incident
from steadyhand.journey.incident.versions import MACHINE
from steadyhand.responder.engine.worker import Worker
from steadyhand.responder.outside import Outside
from steadyhand.responder.rules import Rules
from steadyhand.store import Message, Timer
from steadyhand.testing.clock import START
from steadyhand.testing.phone import Phone

CASES = ("answered", "escalate")
TIERS = tuple(Tier(name=who, contacts=(Contact(type="console", user=who),)) for who in ("ana", "bo", "cy"))
RULES = Rules(escalation=EscalationRule(tiers=TIERS))
FAR = timedelta(days=30)
ROWS = 1_000


class Noted(SqlTransaction):
    """Remembers which timers it ended, and which messages have left."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.ended: list[Timer] = []
        self.left: list[Message] = []

    def take_due(self, now: datetime, most: int, kinds: Collection[TimerKind]) -> Sequence[Timer]:
        """As any transaction does."""
        due = super().take_due(now, most, kinds)
        self.ended += due
        return due

    def sent(self, message: Message, receipt: str) -> bool:
        """As any transaction does."""
        self.left.append(message)
        return super().sent(message, receipt)


class Timed(SqlLedger):
    """Notes how late what a timer caused was committed, and how late its page had left, in seconds."""

    def __init__(self, place: Path | SecretStr) -> None:
        super().__init__(place)
        self.due: Sequence[datetime] = ()
        self.late: list[float] = []
        self.pages: list[float] = []

    @contextmanager
    def write(self, *, first: bool = False) -> Iterator[SqlTransaction]:
        """As the store does, and note the time once it is committed."""
        with self.doors.writing(alone=True, first=first) as connection:
            tx = Noted(connection)
            yield tx
            tx.flush()
        now = SystemClock().now()
        self.late += [(now - one.due_at).total_seconds() for one in tx.ended]
        due = [self.due[int(one.incident.removeprefix("inc-"))] for one in tx.left]
        self.pages += [(now - one).total_seconds() for one in due]


def fill(ledger: SqlLedger, case: str, due: Sequence[datetime], idle: int) -> None:
    """An incident for each timer that will be due, and timers that will not."""
    with ledger.doors.writer.begin() as db:
        for table in ("timer", "outbox", "incident"):  # the trail may only grow
            db.execute(text(f"delete from {table}"))  # noqa: S608 - our own names
        for first in range(0, len(due), ROWS):
            part = list(enumerate(due[first : first + ROWS], first))
            db.execute(insert(s.incident), [_incident(number, case, at) for number, at in part])
            db.execute(insert(s.timer), [_timer(f"inc-{number}", case, at) for number, at in part])
        far = due[0] + FAR
        for first in range(0, idle, ROWS):
            rows = [
                {**_timer(None, case, far), "key": f"idle-{number}"} for number in range(first, first + ROWS)
            ]
            db.execute(insert(s.timer), rows)


def _incident(number: int, case: str, at: datetime) -> dict[str, object]:
    name = f"inc-{number}"
    alert = Alert(
        source="bench", dedup_key=name, name="HighErrorRate", service=name, status="firing",
        severity="critical", starts_at=at,
    )  # fmt: skip
    incident, _ = open_incident(name, alert, ("SEV2", "bench"), RULES.policy("SEV2"), at)
    if case == "answered":
        incident = incident.model_copy(update={"acked_by": "ana"})
    return {
        "id": name, "version": 1, "status": incident.status, "service": name, "opened_at": to_ms(at),
        "state": incident.model_copy(update={"version": 1}).model_dump_json(), "machine": MACHINE,
    }  # fmt: skip


def _timer(incident: str | None, _case: str, at: datetime) -> dict[str, object]:
    return {
        "key": f"{incident}:escalate", "incident": incident, "kind": "escalate", "state": "armed",
        "due_at": to_ms(at), "payload": json.dumps({"rung": "0"}),
    }  # fmt: skip


async def measure(ledger: Timed, due: Sequence[datetime], case: str) -> dict[str, float]:
    """Run the worker until every timer that is due has been done, and every page has left."""
    outside = Outside(
        rules=RULES, clock=SystemClock(), ledger=ledger, new_id=lambda prefix: prefix, owner="bench",
        channels={"console": Phone()},
    )  # fmt: skip
    ledger.due = due
    ledger.late.clear()
    ledger.pages.clear()
    pages = len(due) if case == "escalate" else 0
    cpu = time.process_time()
    running = asyncio.create_task(Worker(outside).run())
    while len(ledger.late) < len(due) or len(ledger.pages) < pages:  # noqa: ASYNC110 - the store counts in a thread of its own
        await asyncio.sleep(0.05)
    cpu = time.process_time() - cpu
    running.cancel()
    await asyncio.wait([running])
    late = sorted(ledger.late)
    return {
        "p50_s": late[len(late) // 2],
        "p99_s": late[len(late) * 99 // 100],
        "page_s": sorted(ledger.pages)[pages * 99 // 100] if pages else 0.0,
        "cpu_ms": cpu / len(late) * 1000,
        "per_s": len(late)
        / (late[-1] if due[0] == due[-1] else late[-1] + (due[-1] - due[0]).total_seconds()),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Print a table of figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--postgres", default="", metavar="ENV", help="variable with the address of an empty database"
    )
    parser.add_argument("--due", type=int, default=10_000)
    parser.add_argument("--idle", type=int, default=100_000)
    parser.add_argument(
        "--spread", type=float, default=30.0, help="seconds over which the spread timers are due"
    )
    parser.add_argument("--runs", type=int, default=1)
    given = parser.parse_args()
    dsn = secret(given.postgres)
    print("store     step      due       p50 s   p99 s  page p99 s  CPU ms/timer  timers/s  RSS MB")
    with tempfile.TemporaryDirectory() as folder:
        ledger = Timed(dsn or Path(folder) / "bench.db")
        for _ in range(given.runs):
            for case in CASES:
                for how in ("at once", "spread"):
                    _row(ledger, "postgres" if dsn else "sqlite", case, how, given)
        trail(ledger)
        ledger.close()


def trail(ledger: Timed) -> None:
    """What a line of the audit trail costs: alone in its transaction, with others, and to verify."""
    record, now = Record(action="bench.line", body={"who": "ana", "why": "a line as long as most"}), START
    for each, count in ((1, 500), (100, 10_000)):
        began, cpu = time.perf_counter(), time.process_time()
        for _ in range(count // each):
            with ledger.write() as tx:
                for number in range(each):
                    tx.record(f"inc-{number}", record, now)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        print(
            f"trail: {each:>3} in a transaction: {count / took:7,.0f}/s, {cpu / count * 1000:.3f} ms CPU each"
        )
    began = time.perf_counter()
    with ledger.read() as tx:
        rows = list(tx.audit.rows())
    problem = find_problem(rows)
    print(
        f"trail: {len(rows):,} lines verified, {len(rows) / (time.perf_counter() - began):,.0f}/s {problem}"
    )


def _row(ledger: Timed, store: str, case: str, how: str, given: argparse.Namespace) -> None:
    count = given.due
    ahead = timedelta(seconds=8 + (given.due + given.idle) / 8_000)
    step = timedelta(seconds=given.spread / count if how == "spread" else 0)
    start = SystemClock().now() + ahead
    due = [start + step * number for number in range(count)]
    fill(ledger, case, due, given.idle)
    if SystemClock().now() > start:
        raise SystemExit("filling took too long for this machine: fewer --idle")
    found = asyncio.run(measure(ledger, due, case))
    print(
        f"{store:9} {case:9} {how:8} {found['p50_s']:7.2f} {found['p99_s']:7.2f} {found['page_s']:11.2f}"
        f" {found['cpu_ms']:13.2f}"
        f" {found['per_s']:9.0f} {found['rss_mb']:7.0f}", flush=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()
