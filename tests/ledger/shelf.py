"""A store on a real file, and small things to put into it."""

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from stories.night import ROLL_BACK, RULES

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.journey.alert.model import Alert
from steadyhand.journey.approval.consent import Decision
from steadyhand.journey.commands import Arm, Command, Send
from steadyhand.journey.incident.open import open_incident
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.recovery.model import Goal
from steadyhand.journey.remedy.plan import Plan
from steadyhand.testing.clock import START

NOW = START
LEASE = timedelta(seconds=30)
TABLES = ("incident", "timer", "outbox", "audit")


def alert(service: str = "shop", at: datetime = NOW) -> Alert:
    return Alert(
        source="test",
        dedup_key=f"{service}:errors",
        name="HighErrorRate",
        service=service,
        status="firing",
        severity="critical",
        starts_at=at,
    )


def opening(wanted: str = "inc-1", service: str = "shop") -> tuple[Incident, tuple[Command, ...]]:
    """A new incident with its commands: two timers, one page, one line of the trail."""
    return open_incident(wanted, alert(service), ("SEV2", "test"), RULES.policy("SEV2"), NOW)


def filled(path: Path) -> SqlLedger:
    """A store that holds one fresh incident."""
    ledger = SqlLedger(path)
    with ledger.write() as tx:
        tx.save(*opening(), NOW)
    return ledger


def arm(due_at: datetime = NOW, key: str = "inc-1:escalate") -> Arm:
    return Arm(kind="escalate", key=key, due_at=due_at, payload={"rung": "0"})


def send(key: str = "inc-1:0:page:0::phone:ana") -> Send:
    return Send(key=key, channel="phone", target="ana", subject="s", body="b")


def plan(wanted: str = "plan-1", incident: str = "inc-1", service: str = "shop") -> Plan:
    return Plan(
        id=wanted,
        incident=incident,
        hypothesis="h1",
        service=service,
        fix=ROLL_BACK,
        confidence=0.9,
        calibrated=False,
        canary=RULES.canary,
        recovery=RULES.recovery,
        goals=(Goal(name="errors", expression="e", bound=0.02),),
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=15),
    )


def decision(by: str, answer: str = "approve", on: Plan | None = None) -> Decision:
    about = on or plan()
    return Decision.model_validate(
        {"plan": about.id, "digest": about.digest, "answer": answer, "by": by, "via": "test", "at": NOW}
    )


def raw(path: Path, *statements: str) -> list[tuple[object, ...]]:
    """What the last statement gives, past all of our code; the guards of the trail are taken down first."""
    with closing(sqlite3.connect(path)) as db, db:
        for verb in ("update", "delete"):
            db.execute(f"drop trigger if exists audit_no_{verb}")
        return [row for one in statements for row in db.execute(one).fetchall()]


def sizes(path: Path) -> dict[str, int]:
    """Rows of each table."""
    with closing(sqlite3.connect(path)) as db:
        return {one: db.execute(f"select count(*) from {one}").fetchone()[0] for one in TABLES}  # noqa: S608 - our own names
