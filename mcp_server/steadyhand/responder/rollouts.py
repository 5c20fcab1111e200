"""Drive a rollout: one step a second, each on a state that was written down before."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import assert_never

from steadyhand.journey.approval.consent import GUARDRAILS, objection
from steadyhand.journey.approval.guardrails import AskHuman, Refuse
from steadyhand.journey.commands import ActorKind, Arm, Record
from steadyhand.journey.incident.state import (
    Incident,
    RolloutEnded,
    RolloutMoved,
    RolloutStarted,
)
from steadyhand.journey.remedy.model import CreateIndex, DropIndex, SetRelease
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rollout.machine import OVER, Rollout, Seen, abort, advance, failed, resume, start
from steadyhand.journey.rollout.model import Observed
from steadyhand.ports import DatabaseHand, SourceError, TrafficTarget
from steadyhand.responder.deciding import Refused
from steadyhand.responder.intake import UnknownIncident, happen
from steadyhand.responder.outside import Outside
from steadyhand.responder.planning import read_goals, weigh
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
    after = await _step(outside, rollout)
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
        seen = await _perform(outside, rollout)
    except SourceError as error:
        return failed(rollout, str(error), outside.clock.now())
    except Exception as error:  # a bug in a target must not leave traffic where it is
        log.exception("rollout %s failed in %s", rollout.id, rollout.phase)
        return failed(rollout, repr(error), outside.clock.now())
    return advance(rollout, seen, outside.clock.now())


async def _perform(outside: Outside, rollout: Rollout) -> Seen:
    """Carry out what the phase asks for. Raises SourceError, EffectUnknown."""
    action = rollout.plan.fix.action
    match action:
        case SetRelease():
            return await _move_traffic(outside, _traffic(outside, action.service), rollout, action)
        case CreateIndex() | DropIndex():
            return await _change_database(outside, _hand(outside, action.database), rollout)
        case _:
            assert_never(action)


def _traffic(outside: Outside, service: str) -> TrafficTarget:
    if service not in outside.traffic:
        raise SourceError("connections.traffic", f"nothing there moves the traffic of {service}")
    return outside.traffic[service]


def _hand(outside: Outside, database: str) -> DatabaseHand:
    if database not in outside.hands:
        raise SourceError("connections.hands", f"nothing there may change {database}")
    return outside.hands[database]


async def _move_traffic(
    outside: Outside, target: TrafficTarget, rollout: Rollout, action: SetRelease
) -> Seen:
    lease = rollout.plan.canary.lease
    match rollout.phase:
        case "preparing":
            return Seen(observed=await _prepare(target, action.version, lease))
        case "shifting" | "watching":
            observed = await target.set_share(rollout.share, lease)
            return Seen(observed=observed, arms=await target.counters(rollout.plan.slow_ms))
        case "promoting" | "verifying":
            observed = await target.set_share(rollout.share, lease)
            readings = await read_goals(outside, rollout.plan.goals, outside.clock.now())
            return Seen(observed=observed, readings=readings)
        case "settling":
            async with _kept(outside, target, rollout.share, lease):
                return Seen(observed=await target.settle(action.version))
        case _:
            return Seen(observed=await _bring_back(target, rollout))


async def _bring_back(target: TrafficTarget, rollout: Rollout) -> Observed:
    """Traffic first; then the release before, if the fix had begun to be made permanent."""
    observed = await target.revert()
    before = rollout.plan.fix.rollback
    if rollout.settled and isinstance(before, SetRelease) and observed.stable_version != before.version:
        return await target.settle(before.version)
    return observed


async def _prepare(target: TrafficTarget, version: str, lease: timedelta) -> Observed:
    """Look first: traffic that a dead controller left on the canary arm goes home before it is touched."""
    now = await target.observe()
    if now.share > 0:
        now = await target.set_share(0.0, lease)
    return await target.prepare(version, max(now.stable_ready, 1))


@asynccontextmanager
async def _kept(
    outside: Outside, target: TrafficTarget, share: float, lease: timedelta
) -> AsyncIterator[None]:
    """Renew the lease while something long is done, so that traffic does not go home in the middle."""

    async def renew() -> None:
        while True:
            await outside.clock.sleep(lease / 3)
            await target.set_share(share, lease)

    task = asyncio.create_task(renew())
    try:
        yield
    finally:
        task.cancel()
        # A failed renewal only lets traffic go home early; what settle() saw is what counts.
        with suppress(asyncio.CancelledError, SourceError):
            await task


async def _change_database(outside: Outside, hand: DatabaseHand, rollout: Rollout) -> Seen:
    """Look first, act only if the wanted state is not there, look again."""
    action = rollout.plan.fix.action if rollout.phase == "applying" else rollout.plan.fix.rollback
    if rollout.phase == "verifying":
        return Seen(readings=await read_goals(outside, rollout.plan.goals, outside.clock.now()))
    assert isinstance(action, CreateIndex | DropIndex), "a database fix is undone by a database fix"
    wanted = "valid" if isinstance(action, CreateIndex) else "absent"
    state = await hand.index_state(action.name)
    if state in (wanted, "building"):
        return Seen(index=state)
    if isinstance(action, CreateIndex):
        await hand.create_index(action)
    else:
        await hand.drop_index(action)
    return Seen(index=await hand.index_state(action.name))


def _store(outside: Outside, timer: Timer, before: Rollout, after: Rollout) -> None:
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        tx.finish(timer)
        tx.save_rollout(after)
        if after.phase != before.phase:
            _announce(tx, after, now)
        if after.phase not in OVER:
            arm = Arm(kind="rollout", key=timer.key, due_at=now + TICK, payload=timer.payload)
            tx.arm(after.incident, arm)


def _announce(tx: Transaction, rollout: Rollout, now: datetime) -> None:
    match rollout.phase:
        case "verified" | "reverted" | "stuck":
            reason = rollout.reason
            event = RolloutEnded(rollout=rollout.id, outcome=rollout.phase, reason=reason)
            happen(tx, rollout.incident, event, now)
        case _:
            moved = RolloutMoved(rollout=rollout.id, phase=rollout.phase, note=rollout.reason)
            happen(tx, rollout.incident, moved, now)


async def abort_rollout(
    outside: Outside, incident: str, by: str, why: str, *, kind: ActorKind = "human", via: str = "console"
) -> Rollout:
    """Take the incident's rollout back now. Never asks. Raises UnknownIncident, Refused."""
    record = Record(action="rollout.aborted", actor=by, actor_kind=kind, via=via, body={"why": why})
    return await asyncio.to_thread(_abort, outside, incident, record)


def _abort(outside: Outside, wanted: str, record: Record) -> Rollout:
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        incident = _incident(tx, wanted)
        rollout = tx.rollout(incident.rollout) if incident.rollout else None
        if rollout is None or rollout.phase in OVER:
            raise Refused(f"no rollout is under way in {wanted}")
        after = abort(rollout, record.actor, record.body["why"], now)
        tx.save_rollout(after)
        tx.record(wanted, record, now)
        arm = Arm(kind="rollout", key=f"{wanted}:rollout", due_at=now, payload={"plan": after.plan.id})
        tx.arm(wanted, arm)
    return after


def _incident(tx: Transaction, wanted: str) -> Incident:
    incident = tx.incident(wanted)
    if incident is None:
        raise UnknownIncident(f"there is no incident {wanted}")
    return incident
