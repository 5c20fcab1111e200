"""What tools answer: compact, bounded, and honest about what was left out."""

from collections.abc import Sequence
from typing import assert_never

from pydantic import Field

from steadyhand.journey.diagnosis.model import Diagnosis
from steadyhand.journey.escalation.delivery import Receipt
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.recovery.model import Goal
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rollout.words import foresee
from steadyhand.journey.rule import Value, show_duration
from steadyhand.responder.views import IncidentView

USUAL = 6_000  # characters: 2,000 tokens at three characters each
MOST = 24_000  # for what was asked for in full


class IncidentLine(Value):
    """One incident in a list."""

    id: str
    severity: str
    status: str
    service: str
    title: str
    note: str
    opened_at: str


class IncidentList(Value):
    """Incidents, newest first."""

    incidents: tuple[IncidentLine, ...]
    returned: int
    truncated: bool


class PlanAnswer(Value):
    """A plan. Only a human can approve it: in the console or with `steadyhand approve`."""

    id: str
    title: str
    action: dict[str, object]
    rollback: dict[str, object]
    risk: str
    why_this_risk: str
    recovery_s: int
    cost: str
    canaryable: bool
    production_database: bool
    blast_radius: tuple[str, ...]
    steps: str
    goals: tuple[str, ...]
    confidence: str
    digest: str
    expires_at: str
    decision: str = "none yet"
    options: tuple[str, ...] = ()
    refused_before: tuple[str, ...] = ()


class IncidentAnswer(Value):
    """One incident: where it stands and what to look at next."""

    incident: IncidentLine
    severity_why: str
    escalation: str
    told: tuple[str, ...] = Field(description="Who was told what, and whether the message left.")
    alerts: tuple[str, ...]
    hypotheses: tuple[str, ...]
    submitted: tuple[str, ...] = Field(description="Hypotheses of a model.")
    plan: str
    other_plans: tuple[str, ...]
    rollout: str
    milestones: dict[str, str]
    next: str


def line(incident: Incident, most: int = 300) -> IncidentLine:
    """The incident in one line, its note cut to so many characters."""
    return IncidentLine(
        id=incident.id,
        severity=incident.severity,
        status=incident.status,
        service=incident.service,
        title=incident.title[: min(most, 200)],
        note=incident.note[:most],
        opened_at=incident.opened_at.isoformat(timespec="seconds"),
    )


def plan_answer(plan: Plan, decision: str = "none yet", options: tuple[str, ...] = ()) -> PlanAnswer:
    """The plan as a model reads it."""
    return PlanAnswer(
        id=plan.id,
        title=plan.fix.title,
        action=plan.fix.action.model_dump(),
        rollback=plan.fix.rollback.model_dump(),
        risk=plan.fix.risk,
        why_this_risk=plan.fix.why_this_risk,
        recovery_s=plan.fix.recovery_s,
        cost=plan.fix.cost,
        canaryable=plan.fix.canaryable,
        production_database=plan.fix.production_database,
        blast_radius=plan.fix.blast_radius,
        steps=_steps(plan),
        goals=tuple(wanted(one) for one in plan.goals),
        confidence=f"{plan.confidence:.0%}, {'calibrated' if plan.calibrated else 'uncalibrated'}",
        digest=plan.digest,
        expires_at=plan.expires_at.isoformat(timespec="seconds"),
        decision=decision,
        options=options,
    )


def wanted(goal: Goal) -> str:
    """What a goal asks for."""
    return f"{goal.name} {goal.comparison} {goal.bound:.3g} {goal.unit}".rstrip()


def _steps(plan: Plan) -> str:
    held = f"then the goals must hold {show_duration(plan.recovery.hold)}, against before and after"
    if not plan.fix.canaryable:
        return f"no share of traffic can try it: applied in place and looked at; {held}"
    canary = plan.canary
    first = f"{canary.share:.0%} of traffic, judged for {show_duration(canary.soak)} or longer"
    if plan.shared:
        first += f" for no harm alone: all traffic shares {plan.shared}, so that no part of it shows the cure"
    return f"{first} ({' '.join(foresee(plan.sight))}); all of it; {held}"


def decided(view: IncidentView) -> str:
    """What was decided about the plan in question."""
    return f"{view.decision.answer} by {view.decision.by}" if view.decision else "none yet"


def incident_answer(view: IncidentView) -> IncidentAnswer:
    """Everything a model needs to know where an incident stands."""
    incident = view.incident
    others = [one for one in view.options if one.id != incident.plan]
    return IncidentAnswer(
        incident=line(incident),
        severity_why=incident.severity_why,
        escalation=_escalation(incident),
        told=tuple(_told(one) for one in view.receipts[-8:]),
        alerts=tuple(f"{one.name[:100]} ({one.status})" for one in incident.alerts[-8:]),
        hypotheses=_ranked(view.diagnosis),
        submitted=_ranked(view.opinion),
        plan=f"{view.plan.id}: {view.plan.fix.title}; decision: {decided(view)}" if view.plan else "none",
        other_plans=tuple(f"{one.id}: {one.fix.title}" for one in others[:5]),
        rollout=f"{view.rollout.phase}: {view.rollout.reason}" if view.rollout else "none",
        milestones={name: at.isoformat(timespec="seconds") for name, at in incident.milestones.items()},
        next=next_step(incident),
    )


def _escalation(incident: Incident) -> str:
    ladder = incident.policy.ladder
    tier = ladder.tier(incident.rung)
    if incident.acked_by:
        return f"{tier.name} was told; {incident.acked_by} has it"
    if incident.status == "resolved":
        return f"{tier.name} was told; it is over"
    if not (incident.policy.treatment.auto_escalate and ladder.has_next(incident.rung)):
        return f"{tier.name} was told; nobody has it yet, and the clock tells nobody else"
    after = ladder.tier(incident.rung + 1).name
    wait = show_duration(tier.escalate_after)
    return f"{tier.name} was told; nobody has it yet: {after} is told {wait} after them"


def _told(receipt: Receipt) -> str:
    failed = f", {receipt.error[:100]}" if receipt.error else ""
    return f"{receipt.channel} {receipt.target}: {receipt.subject[:80]!r} {receipt.state}{failed}"


def _ranked(found: Diagnosis | None) -> tuple[str, ...]:
    return tuple(f"{one.id} {one.confidence:.0%} {one.claim}" for one in found.hypotheses) if found else ()


def next_step(incident: Incident) -> str:
    """What comes next, and who does it."""
    match incident.status:
        case "investigating":
            return "The service reads the evidence; ask again in a few seconds."
        case "awaiting_approval":
            return (
                f"A person answers on the console's page /incidents/{incident.id} or in a terminal with "
                f"`steadyhand approve {incident.id}`. A yes starts {incident.plan} by itself."
            )
        case "rolling_out":
            return "The service carries it out; get_rollout shows it, abort_rollout takes it back."
        case "needs_human":
            return "No plan is in question: propose_fix makes one, request_approval asks about it."
        case "resolved":
            return "get_report has the record; draft_report adds what it cannot know."
        case _:
            assert_never(incident.status)


def bounded(text: str, limit: int = USUAL, narrower: str = "ask narrower") -> str:
    """The text, or its beginning with a word on how much is missing and how to see it."""
    if len(text) <= limit:
        return text
    missing = len(text) - limit
    return f"{text[:limit]}\n[truncated: {missing} of {len(text)} characters left out; {narrower}]"


def newest(lines: Sequence[str], most: int, limit: int = USUAL) -> Sequence[str]:
    """The last of these lines, as many as may be shown."""
    kept: list[str] = []
    for one in reversed(lines[-most:]):
        limit -= len(one) + 1
        if limit < 0:
            break
        kept.insert(0, one)
    return kept
