"""From hypotheses to plans a human can say yes or no to."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from steadyhand.journey.approval.guardrails import GuardrailVerdict, Situation, verdict
from steadyhand.journey.diagnosis.model import Diagnosis, Hypothesis
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.recovery.criteria import assess
from steadyhand.journey.recovery.model import Goal, Reading
from steadyhand.journey.remedy.by_hand import System, statement
from steadyhand.journey.remedy.goals import GoalRule, goals
from steadyhand.journey.remedy.model import Fix, SetRelease
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.remedy.propose import propose
from steadyhand.journey.rollout.gauges import GaugeRule
from steadyhand.journey.rollout.planning import sight_of
from steadyhand.ports import SourceError
from steadyhand.responder.outside import Outside
from steadyhand.store import Transaction

log = logging.getLogger("steadyhand.planning")
_SLOW_FACTOR = 5.0
_SLOW_MS = 1000.0
_READ_S = 2.0


async def read_goals(
    outside: Outside, wanted: Sequence[Goal | GoalRule | GaugeRule], at: datetime
) -> tuple[Reading, ...]:
    """Each number at an instant; None where no source gave one in time."""
    values = await asyncio.gather(*(_read(outside, one, at) for one in wanted))
    return tuple(Reading(name=one.name, value=value) for one, value in zip(wanted, values, strict=True))


async def _read(outside: Outside, goal: Goal | GoalRule | GaugeRule, at: datetime) -> float | None:
    named = "" if isinstance(goal, GaugeRule) else goal.source
    for source in outside.numbers(named):
        try:
            # A rollout waits for this under a lease: better no number than a late one.
            async with asyncio.timeout(_READ_S):
                return await source.value(goal.expression, at)
        except (SourceError, TimeoutError):
            continue  # the next source may know; no reading at all is named as such by the criteria
        except Exception:  # a bug in one adapter is no reading, and must not stop a rollout's watch
            log.exception("%s failed", source.name)
    return None


async def goals_for(outside: Outside, service: str, calm: datetime, now: datetime) -> tuple[Goal, ...]:
    """The service's goals with what they were before the incident and what they are now."""
    rules = outside.rules.goals.get(service, ())
    before = await read_goals(outside, rules, calm)
    after = await read_goals(outside, rules, now)
    return goals(rules, before, after)


async def goals_around(outside: Outside, service: str, calm: datetime, now: datetime) -> tuple[Goal, ...]:
    """The same of its direct callers and of all it depends on, each named with its service."""
    found: list[Goal] = []
    for name in outside.rules.topology.neighbourhood(service)[1:]:
        theirs = await goals_for(outside, name, calm, now)
        found += [one.model_copy(update={"name": f"{one.name} of {name}"}) for one in theirs]
    return tuple(found)


def make_plans(
    outside: Outside,
    incident: Incident,
    diagnosis: Diagnosis,
    best: Hypothesis,
    goals: Sequence[Goal],
    watched: Sequence[Goal] = (),
) -> tuple[Plan, ...]:
    """A plan for each typed fix of a hypothesis, best first; none without a goal to verify it by.

    Nobody is asked about a statement that no hand of ours may run. `watched` are the goals of the services
    around, which must not get worse.
    """
    if not goals:
        return ()
    fixes = propose(best, diagnosis, outside.rules.topology, outside.rules.remedy)
    return tuple(
        _plan(outside, incident, diagnosis, best, fix, tuple(goals), tuple(watched))
        for fix in fixes
        if _may_run(outside, best, fix)
    )


def left_to_people(outside: Outside, diagnosis: Diagnosis, best: Hypothesis) -> str:
    """What would help that no hand of ours may run, as a person would run it; "" where there is none."""
    fixes = propose(best, diagnosis, outside.rules.topology, outside.rules.remedy)
    left = [one.action for one in fixes if not _may_run(outside, best, one)]
    for action in left:
        if not isinstance(action, SetRelease) and (words := statement(action, _system(best))):
            return f"Nothing here may change {action.database}; by hand: {words}"
    return ""


def _may_run(outside: Outside, best: Hypothesis, fix: Fix) -> bool:
    if isinstance(fix.action, SetRelease):
        return True
    return fix.action.database in outside.hands and _system(best) == "postgresql"


def _system(best: Hypothesis) -> System:
    """Which kind of database the cause is in."""
    told = best.cause.facts.get("system", "")
    return "mysql" if told == "mysql" else "sqlite" if told == "sqlite" else "postgresql"


def _plan(
    outside: Outside,
    incident: Incident,
    diagnosis: Diagnosis,
    best: Hypothesis,
    fix: Fix,
    goals: tuple[Goal, ...],
    watched: tuple[Goal, ...],
) -> Plan:
    now, rules = outside.clock.now(), outside.rules
    shared = _shared(best, fix)
    plan = Plan(
        id=outside.new_id("plan"),
        incident=incident.id,
        hypothesis=best.id,
        service=incident.service,
        fix=fix,
        confidence=best.confidence,
        # Figures were compared with outcomes for the engine only: a model's own number is its word.
        calibrated=diagnosis.calibrated_on != "uncalibrated" and best.by == "engine",
        canary=rules.canary,
        judged_by=None if shared else _judged_by(goals),
        shared=shared,
        recovery=rules.recovery,
        goals=goals,
        watched=watched,
        created_at=now,
        expires_at=now + rules.approval.expires_after,
        proposed_by=best.by,
    )
    return _with_baseline(outside, plan) if fix.canaryable else plan


def _with_baseline(outside: Outside, plan: Plan) -> Plan:
    """What counts as slow is fixed now, and so is what the canary can see at today's traffic."""
    service, canary = plan.fix.moves, plan.canary
    slow = next((one.bound for one in plan.goals if one.kind == "latency"), None)
    promised = (slow * _SLOW_MS, slow * _SLOW_MS * _SLOW_FACTOR) if slow else plan.slow_ms
    rate = outside.baselines.rate(service, outside.clock.now())
    return plan.model_copy(
        update={
            "slow_ms": outside.baselines.limits(service) or promised,
            "gauges": outside.rules.saturation.get(service, ()),
            "sight": sight_of(rate.rps, rate.failing, canary.share, canary.soak.total_seconds(), canary.want)
            if rate
            else None,
        }
    )


def _shared(best: Hypothesis, fix: Fix) -> str:
    """The sick thing that all traffic shares, where the fix moves something else than that thing."""
    shared = best.cause.entity_kind in ("database", "cache", "third_party")
    return best.cause.entity if shared and fix.canaryable and best.cause.entity != fix.moves else ""


def _judged_by(goals: Sequence[Goal]) -> Literal["errors", "slow90"]:
    """The canary must be proven better at what hurts: errors first, then slowness."""
    now = [Reading(name=one.name, value=one.at_incident) for one in goals]
    missed = assess(goals, now).missed
    hurting = [one.kind for one in goals if one.name in missed]
    return "slow90" if "latency" in hurting and "errors" not in hurting else "errors"


def weigh(outside: Outside, tx: Transaction, incident: Incident, plan: Plan) -> GuardrailVerdict:
    """What the guardrails say of a plan, given what the server itself knows."""
    running = tx.running_on(plan.fix.moves)
    around = Situation(
        now=outside.clock.now(),
        level=outside.rules.autonomy.strictest((plan.service, *plan.fix.blast_radius)),
        attempts=incident.attempts,
        busy_with=running.id if running else "",
        stopped_by=_stopped_by(tx, incident.id),
    )
    return verdict(plan, around, outside.rules.guardrails)


def _stopped_by(tx: Transaction, incident: str) -> str:
    """The last person who said no to a fix of this incident, or took one back."""
    no = ("plan.rejected", "rollout.aborted")
    said = [one.actor for one in tx.trail(incident) if one.action in no and one.actor_kind == "human"]
    return said[-1] if said else ""
