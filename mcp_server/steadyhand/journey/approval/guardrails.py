"""May this plan go ahead? A verdict with every reason, never only the first."""

from datetime import datetime

from pydantic import Field

from steadyhand.journey.approval.policy import GuardrailRule, Level
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rule import Value


class Refuse(Value):
    """It may not happen, human or not."""

    reasons: tuple[str, ...] = Field(min_length=1)


class AskHuman(Value):
    """It may happen once a human said yes to this very plan."""

    reasons: tuple[str, ...] = Field(min_length=1)


class Allow(Value):
    """The policy itself consents; the canary and its judge still stand in between."""

    reasons: tuple[str, ...] = Field(min_length=1)


GuardrailVerdict = Refuse | AskHuman | Allow


class Situation(Value):
    """What is so around the plan, looked up by the server and never given by a caller."""

    now: datetime
    level: Level
    attempts: int = Field(ge=0, description="Fixes already tried in this incident.")
    busy_with: str = Field(default="", description="A rollout that runs on the service now.")
    stopped_by: str = Field(default="", description="Who rejected or took back a fix of this incident.")


def verdict(plan: Plan, around: Situation, rule: GuardrailRule) -> GuardrailVerdict:
    """Weigh a plan. A production database is never changed without a human, at any level."""
    against = _against(plan, around, rule)
    if against:
        return Refuse(reasons=against)
    doubts = _doubts(plan, around, rule)
    if doubts:
        return AskHuman(reasons=doubts)
    return Allow(reasons=("guarded: calibrated, reversible, canaried, inside the blast radius",))


def _against(plan: Plan, around: Situation, rule: GuardrailRule) -> tuple[str, ...]:
    touched = set(plan.fix.blast_radius)
    found = (
        (around.level == "observe", "autonomy is observe: Steadyhand only watches this service"),
        (around.now >= plan.expires_at, "the plan has expired; propose it again on fresh evidence"),
        (bool(around.busy_with), f"rollout {around.busy_with} is still running there"),
        (around.attempts >= rule.max_attempts, f"{around.attempts} fixes were tried: a human leads now"),
        (bool(touched & set(rule.frozen)), f"frozen: {', '.join(sorted(touched & set(rule.frozen)))}"),
    )
    return tuple(why for holds, why in found if holds)


def _doubts(plan: Plan, around: Situation, rule: GuardrailRule) -> tuple[str, ...]:
    fix = plan.fix
    found = (
        (around.level == "approve", "autonomy is approve: a human decides every fix"),
        (bool(around.stopped_by), f"{around.stopped_by} said no to a fix here, or took one back"),
        (fix.production_database, "it changes a production database: always a human"),
        (not plan.calibrated, "the confidence is not calibrated"),
        (plan.confidence < rule.min_confidence, f"confidence {plan.confidence:.2f} is below the guardrail"),
        (not fix.reversible, "it cannot be taken back"),
        (not fix.canaryable, "it cannot be tried on a share of traffic"),
        (len(fix.blast_radius) > rule.max_blast_radius, f"it touches {', '.join(fix.blast_radius)}"),
    )
    return tuple(why for holds, why in found if holds)
