"""What tools answer: compact, bounded, and honest about what was left out."""

import json

from pydantic import Field

from steadyhand.journey.incident.state import Incident
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rule import Value
from steadyhand.responder.views import IncidentView

MOST_CHARACTERS = 24_000  # 8,000 tokens at three characters each


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
    """A plan in short. Only a human can approve it: in the console or with `steadyhand approve`."""

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
    confidence: float
    digest: str
    expires_at: str
    decision: str = "none yet"


class IncidentAnswer(Value):
    """One incident: where it stands and what to look at next."""

    incident: IncidentLine
    severity_why: str
    acknowledged_by: str
    told: tuple[str, ...] = Field(description="Who was told, and whether the message left.")
    alerts: tuple[str, ...]
    diagnosis: str
    hypotheses: tuple[str, ...]
    plan: PlanAnswer | None
    other_plans: tuple[str, ...]
    rollout: str
    milestones: dict[str, str]


def line(incident: Incident) -> IncidentLine:
    """The incident in one line."""
    return IncidentLine(
        id=incident.id,
        severity=incident.severity,
        status=incident.status,
        service=incident.service,
        title=incident.title[:200],
        note=incident.note[:300],
        opened_at=incident.opened_at.isoformat(),
    )


def plan_answer(plan: Plan, view: IncidentView | None = None) -> PlanAnswer:
    """The plan in short, with what was decided if that is known."""
    decision = view.decision if view else None
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
        confidence=round(plan.confidence, 2),
        digest=plan.digest,
        expires_at=plan.expires_at.isoformat(),
        decision=f"{decision.answer} by {decision.by}" if decision else "none yet",
    )


def incident_answer(view: IncidentView) -> IncidentAnswer:
    """Everything a model needs to know where an incident stands."""
    incident, diagnosis = view.incident, view.diagnosis
    named = diagnosis.hypotheses if diagnosis else ()
    return IncidentAnswer(
        incident=line(incident),
        severity_why=incident.severity_why,
        acknowledged_by=incident.acked_by,
        told=tuple(f"{one.channel} {one.target}: {one.state}" for one in view.receipts[-10:]),
        alerts=tuple(f"{one.name} ({one.status})" for one in incident.alerts[-10:]),
        diagnosis=_diagnosed(view),
        hypotheses=tuple(f"{one.id} {one.confidence:.0%} {one.claim}" for one in named),
        plan=plan_answer(view.plan, view) if view.plan else None,
        other_plans=tuple(f"{one.id}: {one.fix.title}" for one in view.options if one.id != incident.plan),
        rollout=f"{view.rollout.phase}: {view.rollout.reason}" if view.rollout else "none",
        milestones={name: at.isoformat() for name, at in incident.milestones.items()},
    )


def _diagnosed(view: IncidentView) -> str:
    if view.diagnosis is None:
        return "not yet"
    weight = view.diagnosis.none_of_these
    return f"{view.diagnosis.calibrated_on}; none of these: {weight:.0%}"


def bounded(text: str, limit: int = MOST_CHARACTERS) -> str:
    """The text, or its beginning with a word on how much is missing."""
    if len(text) <= limit:
        return text
    missing = len(text) - limit
    return f"{text[:limit]}\n[truncated: {missing} of {len(text)} characters left out; ask narrower]"


def compact(value: Value) -> str:
    """A value as compact JSON, without what is empty."""
    return json.dumps(
        value.model_dump(mode="json", exclude_defaults=True), separators=(",", ":"), ensure_ascii=False
    )
