"""Transitions from evidence to a human's answer."""

from datetime import datetime
from typing import assert_never

from steadyhand.journey.approval.consent import GUARDRAILS, Decision
from steadyhand.journey.approval.guardrails import Allow, AskHuman, GuardrailVerdict, Refuse
from steadyhand.journey.commands import ActorKind, Arm, Command, Consent, Disarm, Record, Unsend
from steadyhand.journey.incident.paging import LADDER, call, lateness, tell
from steadyhand.journey.incident.state import (
    ApprovalSilent,
    Decided,
    Incident,
    Investigated,
    InvestigationFailed,
    Outcome,
    PlanChosen,
)
from steadyhand.journey.remedy.plan import Plan

ConsentEvent = Investigated | InvestigationFailed | PlanChosen | Decided | ApprovalSilent


def reduce(incident: Incident, event: ConsentEvent, now: datetime) -> Outcome:
    """What follows from evidence, plans and answers."""
    match event:
        case Investigated():
            return _investigated(incident, event, now)
        case InvestigationFailed():
            return _investigation_failed(incident, event)
        case PlanChosen():
            return _plan_chosen(incident, event, now)
        case Decided():
            return _decided(incident, event.decision, now)
        case ApprovalSilent():
            return _unanswered(incident, event, now)
        case _:
            assert_never(event)


def _investigated(incident: Incident, event: Investigated, now: datetime) -> Outcome:
    if incident.status != "investigating":
        return incident, ()
    started = {"started": event.started_at} if event.started_at else {}
    seen = incident.model_copy(
        update={
            "milestones": {**incident.milestones, **started, "evidence_ready": event.evidence_at},
            "plans": tuple(one.id for one in event.plans),
        }
    )
    record = Record(action="incident.diagnosed", body={"headline": event.headline})
    if incident.recovered_at is not None:  # kept, and nobody is asked: there is nothing to mend now
        return seen, (record,)
    if not event.plans or event.verdict is None:
        after, commands = _for_human(seen, "plan.none", f"{event.headline} No safe fix is known.")
        return after, (record, *commands)
    after, commands = _put_question(seen, event.plans[0], event.verdict, now)
    return after, (record, *commands)


def _investigation_failed(incident: Incident, event: InvestigationFailed) -> Outcome:
    if incident.status != "investigating":
        return incident, ()
    return _for_human(incident, "investigation.failed", f"No diagnosis: {event.why}")


def _plan_chosen(incident: Incident, event: PlanChosen, now: datetime) -> Outcome:
    if incident.status not in ("awaiting_approval", "needs_human"):
        return incident, (Record(action="plan.refused", actor=event.by, body={"status": incident.status}),)
    plans = (*incident.plans, *(() if event.plan.id in incident.plans else (event.plan.id,)))
    return _put_question(incident.model_copy(update={"plans": plans}), event.plan, event.verdict, now)


def _put_question(incident: Incident, plan: Plan, verdict: GuardrailVerdict, now: datetime) -> Outcome:
    weighed = verdict_record(plan, verdict)
    match verdict:
        case Refuse():
            after, commands = _for_human(incident, "guardrail.refused", f"Refused: {verdict.reasons[0]}.")
            return after, (weighed, *commands)
        case AskHuman():
            after, commands = _ask(incident, plan, now)
            return after, (weighed, *commands)
        case Allow():
            decision = Decision(
                plan=plan.id, digest=plan.digest, answer="approve", by="policy", via=GUARDRAILS, at=now
            )
            asked = _with_plan(incident, plan, now, "The policy consents.")
            after, commands = _decided(asked, decision, now)
            return after, (weighed, Consent(decision=decision), *commands)
        case _:
            assert_never(verdict)


def verdict_record(plan: Plan, verdict: GuardrailVerdict) -> Record:
    """What the guardrails said of a plan, with every reason."""
    words = {Refuse: "refuse", AskHuman: "ask_human", Allow: "allow"}
    body = {"plan": plan.id, "digest": plan.digest, "reasons": "; ".join(verdict.reasons)}
    return Record(action="guardrail.verdict", body=body | {"verdict": words[type(verdict)]})


def _ask(incident: Incident, plan: Plan, now: datetime) -> Outcome:
    after = _with_plan(incident, plan, now, f"Waiting for a yes or no to: {plan.fix.title}.")
    due = _answer_by(incident, now)
    arm = Arm(kind="approval", key=f"{incident.id}:approval", due_at=due, payload={"plan": plan.id})
    subject = f"{incident.severity} {incident.service}: yes or no? {plan.fix.title}"
    text = f"Plan {plan.id} (digest {plan.digest[:12]}) waits for your answer. Incident {incident.id}."
    return after, (arm, *tell(after, f"ask:{plan.id}", subject, text, "ask"))


def _answer_by(incident: Incident, now: datetime) -> datetime:
    return incident.policy.ladder.heard(incident.severity, now) + incident.policy.approval.answer_within


def _with_plan(incident: Incident, plan: Plan, now: datetime, note: str) -> Incident:
    return incident.model_copy(
        update={
            "status": "awaiting_approval",
            "plan": plan.id,
            "delegate": "",
            "note": note,
            "milestones": {**incident.milestones, "fix_ready": now},
        }
    )


def _decided(incident: Incident, decision: Decision, now: datetime) -> Outcome:
    """First writer wins: a decision about anything but the open question changes nothing."""
    if incident.status != "awaiting_approval" or decision.plan != incident.plan:
        return incident, ()
    kind: ActorKind = "system" if decision.via == GUARDRAILS else "human"
    record = Record(
        action=f"plan.{'approved' if decision.answer == 'approve' else 'rejected'}",
        actor=decision.by,
        actor_kind=kind,
        via=decision.via,
        body={"plan": decision.plan, "digest": decision.digest, "reason": decision.reason},
    )
    decided = incident.model_copy(update={"milestones": {**incident.milestones, "decided": now}})
    quiet: tuple[Command, ...] = (Disarm(kinds=("approval",)),)
    if kind == "human":  # who answers has it; the policy wakes and quiets nobody
        decided = decided.model_copy(
            update={"acked_by": incident.acked_by or decision.by, "snoozed": False, "quiet_until": None}
        )
        quiet = (Disarm(kinds=("approval", *LADDER)), Unsend())
    if decision.answer == "reject":
        after, commands = _for_human(decided, "plan.set_aside", f"{decision.by} said no: {decision.reason}")
        return after, (*quiet, record, *commands)
    after = decided.model_copy(update={"status": "rolling_out", "note": "Approved; starting."})
    start = Arm(kind="rollout", key=f"{incident.id}:rollout", due_at=now, payload={"plan": decision.plan})
    return after, (*quiet, record, start)


def _unanswered(incident: Incident, event: ApprovalSilent, now: datetime) -> Outcome:
    """No answer in time: the next tier is asked too, and the question stays open.

    The tier gets a clock of its own: the one before was for the rung before.
    """
    if incident.status != "awaiting_approval" or event.plan != incident.plan:
        return incident, ()
    why = f"Nobody answered plan {event.plan} in time{lateness(event.due_at, now)}."
    record = Record(action="approval.unanswered", body={"plan": event.plan})
    if not incident.policy.ladder.has_next(incident.rung):
        return incident, (record,)
    later = incident.model_copy(update={"rung": incident.rung + 1})
    after, pages = call(later, now, f"{why} It waits for a yes or no.")
    due = _answer_by(incident, now)
    again = Arm(kind="approval", key=f"{incident.id}:approval", due_at=due, payload={"plan": event.plan})
    return after, (record, again, *pages)


def _for_human(incident: Incident, action: str, note: str) -> tuple[Incident, tuple[Command, ...]]:
    after = incident.model_copy(update={"status": "needs_human", "note": note})
    subject = f"{incident.severity} {incident.service}: over to you"
    step = f"{action}:{incident.attempts}:{incident.plan}"
    return after, (Record(action=action, body={"note": note}), *tell(after, step, subject, note))
