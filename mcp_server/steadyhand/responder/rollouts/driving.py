"""Drive a rollout: one step a second, each on a state that was written down before."""

import asyncio
import logging
from datetime import datetime, timedelta

from steadyhand.journey.approval.consent import GUARDRAILS, objection
from steadyhand.journey.approval.guardrails import AskHuman, Refuse
from steadyhand.journey.commands import Arm, Record
from steadyhand.journey.incident.consent import verdict_record
from steadyhand.journey.incident.state import (
    Incident,
    RolloutEnded,
    RolloutMoved,
    RolloutStarted,
)
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rollout.machine import advance, failed, overtaken, resume, start
from steadyhand.journey.rollout.state import OVER, Rollout
from steadyhand.ports import ForeignChange, SourceError
from steadyhand.responder.alerts.intake import UnknownIncident, happen
from steadyhand.responder.fixes.planning import weigh
from steadyhand.responder.outside import Outside
from steadyhand.responder.rollouts.moving import perform
from steadyhand.responder.rollouts.relapse import first_look, watch_for_relapse
from steadyhand.store import Timer, Transaction

log = logging.getLogger("steadyhand.rollouts")
TICK = timedelta(seconds=1)


async def drive(outside: Outside, timer: Timer) -> None:
    """One step of the timer's rollout; the next step is armed in the same transaction as its outcome.

    Raises LeaseLost, before anything was moved or with nothing written: an abort arms the timer anew, so the
    outcome of a step it overtook is dropped.
    """
    rollout = await asyncio.to_thread(_begin, outside, timer)
    if rollout is None:
        return
    if rollout.phase == "verified":
        await watch_for_relapse(outside, timer, rollout)
        return
    after = await _unless_overtaken(outside, timer, rollout)
    await asyncio.to_thread(_store, outside, timer, rollout, after)


def _begin(outside: Outside, timer: Timer) -> Rollout | None:
    """The rollout under way, taken over if another process began it, or a new one if consent holds."""
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        tx.holds(timer)
        incident = _incident(tx, timer.incident)
        running = tx.rollout(incident.rollout) if incident.rollout else None
        if running is not None and running.phase not in OVER:
            return _mine(outside, tx, running, now)
        if running is not None and timer.payload.get("relapse") == running.id:
            return running
        if incident.status != "rolling_out":
            tx.finish(timer)
            return None
        return _admit(outside, tx, timer, incident, now)


def _mine(outside: Outside, tx: Transaction, rollout: Rollout, now: datetime) -> Rollout:
    if rollout.owner == outside.owner:
        return rollout
    taken = resume(rollout, outside.owner, now)
    tx.save_rollout(taken)
    body = {"rollout": rollout.id, "phase": rollout.phase, "now": taken.phase}
    tx.record(rollout.incident, Record(action="rollout.taken_over", body=body), now)
    return taken


def _admit(
    outside: Outside, tx: Transaction, timer: Timer, incident: Incident, now: datetime
) -> Rollout | None:
    """The fence. Everything is looked up here and now; nobody's word is taken for anything."""
    plan = tx.get("plan", incident.plan, Plan)
    why = _why_not(outside, tx, incident, plan, now)
    if plan is None or why:
        tx.finish(timer)
        tx.record(
            incident.id, Record(action="execution.refused", body={"plan": incident.plan, "why": why}), now
        )
        event = RolloutEnded(rollout="", outcome="reverted", reason=f"Nothing was done: {why}.")
        happen(tx, incident.id, event, now)
        return None
    rollout = start(outside.new_id("roll"), plan, outside.owner, now)
    tx.save_rollout(rollout)
    happen(tx, incident.id, RolloutStarted(rollout=rollout.id), now)
    return rollout


def _why_not(outside: Outside, tx: Transaction, incident: Incident, plan: Plan | None, now: datetime) -> str:
    if plan is None:
        return "the plan is gone"
    verdict, decision = weigh(outside, tx, incident, plan), tx.decision(plan.id)
    tx.record(incident.id, verdict_record(plan, verdict), now)
    if isinstance(verdict, Refuse):
        return verdict.reasons[0]
    why = objection(plan, decision, now)
    if why:
        return why
    if decision is not None and decision.via == GUARDRAILS and isinstance(verdict, AskHuman):
        return f"the policy does not consent any more: {verdict.reasons[0]}"
    return "" if tx.use_decision(plan.id, now) else "the approval was used already"


async def _step(outside: Outside, rollout: Rollout) -> Rollout:
    try:
        seen = await perform(outside, rollout)
    except ForeignChange as error:
        return overtaken(rollout, str(error), outside.clock.now())
    except SourceError as error:
        return failed(rollout, str(error), outside.clock.now())
    except Exception as error:  # a bug in a target must not leave traffic where it is
        log.exception("rollout %s failed in %s", rollout.id, rollout.phase)
        return failed(rollout, repr(error), outside.clock.now())
    return advance(rollout, seen, outside.clock.now())


async def _unless_overtaken(outside: Outside, timer: Timer, rollout: Rollout) -> Rollout:
    """The step's outcome; what takes long is dropped in the middle once an abort has overtaken it.

    Raises LeaseLost then: every effect sets an absolute state, so that the way back may begin at once.
    """
    step = asyncio.create_task(_step(outside, rollout))
    try:
        while not step.done():
            pause = asyncio.create_task(outside.clock.sleep(TICK))
            try:
                await asyncio.wait((step, pause), return_when=asyncio.FIRST_COMPLETED)
            finally:
                pause.cancel()
            if not step.done():
                await asyncio.to_thread(_still_ours, outside, timer)
        return await step
    finally:
        step.cancel()


def _still_ours(outside: Outside, timer: Timer) -> None:
    with outside.ledger.read() as tx:
        tx.holds(timer)


def _store(outside: Outside, timer: Timer, before: Rollout, after: Rollout) -> None:
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        tx.finish(timer)
        tx.save_rollout(after)
        if after.phase != before.phase:
            _announce(tx, after, now)
        if after.phase not in OVER:
            turned = after.phase in ("reverting", "undoing") and after.phase != before.phase
            due = now if turned else now + TICK  # the way back waits for nothing
            arm = Arm(kind="rollout", key=timer.key, due_at=due, payload=timer.payload)
            tx.arm(after.incident, arm)
        elif after.phase == "verified":
            tx.arm(after.incident, first_look(timer, after, now))


def _announce(tx: Transaction, rollout: Rollout, now: datetime) -> None:
    match rollout.phase:
        case "verified" | "reverted" | "stuck":
            reason = rollout.reason
            event = RolloutEnded(rollout=rollout.id, outcome=rollout.phase, reason=reason)
            happen(tx, rollout.incident, event, now)
        case _:
            moved = RolloutMoved(rollout=rollout.id, phase=rollout.phase, note=rollout.reason)
            happen(tx, rollout.incident, moved, now)


def _incident(tx: Transaction, wanted: str) -> Incident:
    incident = tx.incident(wanted)
    if incident is None:
        raise UnknownIncident(f"there is no incident {wanted}")
    return incident
