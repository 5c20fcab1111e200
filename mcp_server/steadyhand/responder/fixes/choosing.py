"""Put a plan before the humans: the guardrails weigh it, then the question is asked."""

from datetime import datetime

from steadyhand.journey.commands import ActorKind, Record
from steadyhand.journey.incident.state import Incident, PlanChosen
from steadyhand.journey.remedy.plan import Plan
from steadyhand.responder.alerts.intake import happen
from steadyhand.responder.fixes.deciding import Refused
from steadyhand.responder.fixes.planning import weigh
from steadyhand.responder.outside import Outside
from steadyhand.responder.refusals import noted
from steadyhand.store import Transaction

_MOST_QUESTIONS = 6


def choose(outside: Outside, plan_id: str, by: str, kind: ActorKind = "human") -> Incident:
    """Ask the humans about this plan instead. Raises Refused with what would help, LedgerError.

    A plan that is about to expire, or was decided before, is asked about as a new one: same fix, new digest.
    What a human rejected only a human may bring up again: being asked until one gives in is no consent.
    """
    with outside.ledger.read() as tx:
        known = tx.get("plan", plan_id, Plan)
    via = "mcp" if kind == "agent" else "console"
    deed = Record(action="plan.chosen", actor=by, actor_kind=kind, via=via, body={"plan": plan_id[:80]})
    with noted(outside, known.incident if known else "", deed):
        return _choose(outside, plan_id, by, kind)


def _choose(outside: Outside, plan_id: str, by: str, kind: ActorKind) -> Incident:
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        plan = tx.get("plan", plan_id, Plan)
        incident = tx.incident(plan.incident) if plan else None
        if plan is None or incident is None:
            raise Refused(f"there is no plan {plan_id}; get_incident lists the plans")
        if incident.status not in ("awaiting_approval", "needs_human"):
            raise Refused(f"incident {incident.id} is {incident.status}: no question can be asked now")
        if kind == "agent":
            _spare_the_humans(tx, incident, plan)
        asked = incident.plan == plan.id and incident.status == "awaiting_approval"
        if asked and now < plan.expires_at:
            return incident
        fresh = _fresh(outside, tx, plan, now)
        event = PlanChosen(plan=fresh, verdict=weigh(outside, tx, incident, fresh), by=by)
        return happen(tx, incident.id, event, now)


def _spare_the_humans(tx: Transaction, incident: Incident, plan: Plan) -> None:
    """A model may neither repeat what was rejected nor ask without end. Raises Refused."""
    if len(incident.plans) >= _MOST_QUESTIONS and plan.id not in incident.plans:
        raise Refused(f"{len(incident.plans)} plans were proposed already: a human leads now")
    for asked in incident.plans:
        decided, before = tx.decision(asked), tx.get("plan", asked, Plan)
        if decided and decided.answer == "reject" and before and before.fix.action == plan.fix.action:
            raise Refused(f"{decided.by} rejected this fix ({decided.reason}); propose something else")


def _fresh(outside: Outside, tx: Transaction, plan: Plan, now: datetime) -> Plan:
    rule = outside.rules.approval
    if tx.decision(plan.id) is None and plan.expires_at - now >= rule.answer_within:
        return plan
    update = {"id": outside.new_id("plan"), "created_at": now, "expires_at": now + rule.expires_after}
    again = plan.model_copy(update=update)
    tx.put("plan", again.id, again.incident, again, now)
    return again
