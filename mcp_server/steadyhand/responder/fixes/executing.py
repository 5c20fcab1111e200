"""Start a plan that was approved, if its start was missed. The approval is looked up, never passed in."""

from steadyhand.journey.approval.consent import objection
from steadyhand.journey.commands import ActorKind, Arm, Record
from steadyhand.journey.remedy.plan import Plan
from steadyhand.responder.fixes.deciding import Refused
from steadyhand.responder.outside import Outside


def execute(outside: Outside, plan_id: str, by: str = "model", kind: ActorKind = "agent") -> str:
    """What became of the wish. Raises Refused with the reason, which is recorded too; LedgerError.

    An approval starts its rollout by itself, so this is rarely needed; it never starts anything twice.
    """
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        plan = tx.get("plan", plan_id, Plan)
        decision = tx.decision(plan_id)
        if plan is not None and decision is not None and decision.used_at is not None:
            return f"{plan_id} was started already; get_rollout shows it"
        why = "there is no such plan" if plan is None else objection(plan, decision, now)
        incident = tx.incident(plan.incident) if plan else None
        if not why and (incident is None or incident.status != "rolling_out"):
            why = "its incident is not waiting for it any more"
        if plan is None or why:
            body = {"plan": plan_id[:80], "why": why}
            record = Record(action="execution.refused", actor=by, actor_kind=kind, via="mcp", body=body)
            tx.record(plan.incident if plan else "", record, now)
        else:
            key = f"{plan.incident}:rollout"
            tx.arm(plan.incident, Arm(kind="rollout", key=key, due_at=now, payload={"plan": plan.id}))
            return f"{plan_id} is starting; get_rollout shows it"
    raise Refused(f"execute_fix refused: {why}. A human approves in the console or with `steadyhand approve`")
