"""A store in a real place, and small things to put into it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from pydantic import SecretStr
from stores import Place
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


def filled(place: Place) -> SqlLedger:
    """A store that holds one fresh incident."""
    ledger = SqlLedger(place)
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


def raw(place: Place, *statements: str) -> list[tuple[object, ...]]:
    """What the last statement gives, past all of our code; the guards of the trail are taken down first."""
    with _connected(place) as db:
        for verb in ("update", "delete", "replace"):
            db.execute(f"drop trigger if exists audit_no_{verb}" + _ON_AUDIT[type(place)])
        return [row for one in statements for row in _rows(db.execute(one))]


def sizes(place: Place) -> dict[str, int]:
    """Rows of each table."""
    with _connected(place) as db:
        return {one: db.execute(f"select count(*) from {one}").fetchone()[0] for one in TABLES}  # noqa: S608 - our own names


def break_at(place: Place, table: str) -> None:
    """From now on no row can be written into this table."""
    with _connected(place) as db:
        if isinstance(place, Path):
            db.execute(f"create trigger boom before insert on {table} begin select raise(abort, 'boom'); end")
        else:
            boom = "returns trigger language plpgsql as $$ begin raise exception 'boom'; end $$"
            db.execute(f"create function boom() {boom}")
            db.execute(f"create trigger boom before insert on {table} for each row execute function boom()")


_ON_AUDIT = {type(Path()): "", SecretStr: " on audit"}


@contextmanager
def _connected(place: Place) -> Iterator[Any]:
    """A plain connection that commits at the end."""
    if isinstance(place, Path):
        with closing(sqlite3.connect(place)) as db, db:
            yield db
    else:
        with psycopg.connect(place.get_secret_value()) as other:
            yield other


def _rows(done: Any) -> list[tuple[object, ...]]:
    return list(done.fetchall()) if done.description else []
