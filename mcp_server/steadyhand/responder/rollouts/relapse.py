"""After a fix was verified: is it still well? If not, the incident is reopened as by an alert."""

import asyncio
from datetime import datetime, timedelta

from steadyhand.journey.alert.model import Alert
from steadyhand.journey.commands import Arm
from steadyhand.journey.recovery.criteria import assess
from steadyhand.journey.rollout.state import Rollout
from steadyhand.responder.alerts.intake import take_alert
from steadyhand.responder.fixes.planning import read_goals
from steadyhand.responder.outside import Outside
from steadyhand.store import Timer

_EVERY = timedelta(seconds=15)
_IN_A_ROW = 3


def first_look(timer: Timer, rollout: Rollout, now: datetime) -> Arm:
    """The timer that looks again, in the place of the one that drove the rollout."""
    return _next(timer, rollout, now, 0)


async def watch_for_relapse(outside: Outside, timer: Timer, rollout: Rollout) -> None:
    """One look at the goals. Three in a row that miss a bound are a relapse; no sample is none of them.

    Raises LeaseLost, LedgerError.
    """
    plan = rollout.plan
    readings = await read_goals(outside, plan.goals, outside.clock.now())
    missed = assess(plan.goals, readings).missed
    again = await asyncio.to_thread(_note, outside, timer, rollout, bad=bool(missed))
    if again:
        alert = _alert(outside, rollout, missed)
        await asyncio.to_thread(take_alert, outside, alert, alert.model_dump_json())


def _note(outside: Outside, timer: Timer, rollout: Rollout, *, bad: bool) -> bool:
    """Whether it has relapsed; else look again until the time for it is over, or others have taken over."""
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        tx.finish(timer)
        incident = tx.incident(timer.incident)
        if incident is None or incident.status != "resolved" or incident.rollout != rollout.id:
            return False
        in_a_row = int(timer.payload["in_a_row"]) + 1 if bad else 0
        over = now - incident.milestones["resolved"] >= rollout.plan.recovery.relapse
        if in_a_row >= _IN_A_ROW or over:
            return in_a_row >= _IN_A_ROW
        tx.arm(timer.incident, _next(timer, rollout, now, in_a_row))
        return False


def _next(timer: Timer, rollout: Rollout, now: datetime, in_a_row: int) -> Arm:
    payload = {"relapse": rollout.id, "in_a_row": str(in_a_row)}
    return Arm(kind="rollout", key=timer.key, due_at=now + _EVERY, payload=payload)


def _alert(outside: Outside, rollout: Rollout, missed: tuple[str, ...]) -> Alert:
    summary = f"Bad again after a verified fix: {', '.join(missed)}"
    return Alert(
        source="steadyhand",
        dedup_key=f"steadyhand:relapse:{rollout.id}",
        name="Relapse",
        service=rollout.plan.service,
        status="firing",
        severity="critical",
        starts_at=outside.clock.now(),
        summary=summary,
    )
