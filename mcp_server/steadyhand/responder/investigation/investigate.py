"""One investigation: evidence, hypotheses and plans, stored with what follows from them."""

import asyncio
from datetime import datetime, timedelta
from typing import NamedTuple

from steadyhand.journey.alert.impact import Impact
from steadyhand.journey.diagnosis.checked import carried_over, with_checks
from steadyhand.journey.diagnosis.engine import diagnose
from steadyhand.journey.diagnosis.model import Diagnosis
from steadyhand.journey.evidence.model import Page
from steadyhand.journey.incident.state import Incident, Investigated
from steadyhand.journey.remedy.plan import Plan
from steadyhand.responder.alerts.intake import UnknownIncident, happen
from steadyhand.responder.fixes.planning import goals_around, goals_for, left_to_people, make_plans, weigh
from steadyhand.responder.investigation.gather import gather
from steadyhand.responder.investigation.grading import measure, regrade
from steadyhand.responder.investigation.opinion import hold_to_engine
from steadyhand.responder.investigation.recalling import from_outcomes
from steadyhand.responder.outside import Outside
from steadyhand.store import Timer


async def investigate(outside: Outside, timer: Timer) -> None:
    """Read the evidence of the timer's incident and put the outcome. Raises LedgerError, UnknownIncident."""
    incident, previous, earlier = await asyncio.to_thread(_load, outside, timer.incident)
    page, seen = await asyncio.gather(gather(outside, incident, previous), measure(outside, incident.service))
    page = with_checks(page, previous)
    diagnosis = carried_over(earlier, await asyncio.to_thread(_diagnose, outside, page))
    plans = await _plans(outside, incident, page, diagnosis)
    best = diagnosis.best
    left = left_to_people(outside, diagnosis, best) if best and not plans else ""
    await asyncio.to_thread(_store, outside, timer, Found(page, seen, diagnosis, plans, left))


def _load(outside: Outside, wanted: str) -> tuple[Incident, Page | None, Diagnosis | None]:
    with outside.ledger.read() as tx:
        incident, page = tx.incident(wanted), tx.latest("page", wanted, Page)
        earlier = tx.latest("diagnosis", wanted, Diagnosis)
    if incident is None:
        raise UnknownIncident(f"there is no incident {wanted}")
    return incident, page, earlier


def _diagnose(outside: Outside, page: Page) -> Diagnosis:
    """A wide page takes a second or more: off the loop, where timers and posts do not wait for it."""
    topology = outside.rules.topology.with_seen(page.seen)
    found = diagnose(page, topology, outside.rules.diagnosis, playbooks=outside.playbooks)
    return from_outcomes(outside, found)


async def _plans(outside: Outside, incident: Incident, page: Page, diagnosis: Diagnosis) -> tuple[Plan, ...]:
    if diagnosis.best is None:
        return ()
    calm = page.baseline.end - timedelta(seconds=1)
    now = outside.clock.now()
    goals = await goals_for(outside, incident.service, calm, now)
    watched = await goals_around(outside, incident.service, calm, now)
    return make_plans(outside, incident, diagnosis, diagnosis.best, goals, watched)


class Found(NamedTuple):
    """What one investigation brought."""

    page: Page
    seen: Impact
    diagnosis: Diagnosis
    plans: tuple[Plan, ...]
    left_to_people: str


def _store(outside: Outside, timer: Timer, found: Found) -> None:
    now = outside.clock.now()
    page, seen, diagnosis, plans, left = found
    with outside.ledger.write() as tx:
        tx.finish(timer)
        incident = tx.incident(timer.incident)
        if incident is None:
            raise UnknownIncident(f"there is no incident {timer.incident}")
        tx.put("page", outside.new_id("page"), incident.id, page, now)
        tx.put("diagnosis", outside.new_id("diag"), incident.id, diagnosis, now)
        hold_to_engine(outside, tx, incident.id, diagnosis, now)
        for plan in plans:
            tx.put("plan", plan.id, incident.id, plan, now)
        incident = regrade(outside, tx, incident, seen, now)
        event = Investigated(
            evidence_at=now,
            started_at=_started(page, diagnosis),
            headline=" ".join(one for one in (headline(diagnosis), left) if one),
            plans=plans,
            verdict=weigh(outside, tx, incident, plans[0]) if plans else None,
        )
        happen(tx, incident.id, event, now)


def _started(page: Page, diagnosis: Diagnosis) -> datetime | None:
    if diagnosis.best and diagnosis.best.onset:
        return diagnosis.best.onset.at
    onsets = [one.onset.at for one in page.items if one.onset]
    return min(onsets, default=None)


def headline(diagnosis: Diagnosis) -> str:
    """The diagnosis in one sentence."""
    best = diagnosis.best
    if best is None:
        return "None of the known causes explains it."
    return f"{best.claim} Confidence {best.confidence:.0%} ({diagnosis.calibrated_on})."
