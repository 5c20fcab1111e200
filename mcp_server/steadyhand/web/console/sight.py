"""What the canary will be able to see, told before anybody says yes."""

from steadyhand.journey.evidence.model import Item, Page
from steadyhand.journey.recovery.model import Goal
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rollout.planning import sight_of
from steadyhand.journey.rollout.words import foresee

_UNKNOWN = "Not known beforehand: the evidence holds no rate of the requests that fail."


def sight(plan: Plan, page: Page | None) -> tuple[str, ...]:
    """Sentences on harm and proof at the plan's share; empty for a fix that has no canary."""
    if not plan.fix.canaryable:
        return ()
    if plan.sight is not None:
        return foresee(plan.sight)
    traffic, goal = _traffic(plan, page), _hurting(plan)
    if traffic is None or traffic.now is None or goal is None or not goal.at_incident:
        return (_UNKNOWN,)
    canary = plan.canary
    return foresee(
        sight_of(traffic.now, goal.at_incident, canary.share, canary.soak.total_seconds(), canary.want)
    )


def _traffic(plan: Plan, page: Page | None) -> Item | None:
    """The rate of the very metric whose failures hurt, over all labels; another would be a guess."""
    items = [one for one in (page.items if page else ()) if one.entity == plan.service]
    failing = {one.facts.get("metric") for one in items if one.role == "errors"}
    rates = (one for one in items if one.role == "traffic" and "labels" not in one.facts)
    return next((one for one in rates if one.now and one.facts.get("metric") in failing), None)


def _hurting(plan: Plan) -> Goal | None:
    """The failure rate the judge goes by; a slow share is not among the goals."""
    return next((one for one in plan.goals if one.kind == "errors" and plan.judged_by == "errors"), None)
