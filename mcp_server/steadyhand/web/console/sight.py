"""What the canary will be able to see, told before anybody says yes."""

from math import isfinite

from steadyhand.journey.evidence.model import Item, Page
from steadyhand.journey.recovery.model import Goal
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rollout.planning import min_detectable_ratio, seconds_needed

_UNKNOWN = "Not known beforehand: the evidence holds no rate of the requests that fail."


def sight(plan: Plan, page: Page | None) -> tuple[str, ...]:
    """Sentences on harm and proof at the plan's share; empty for a fix that has no canary."""
    if not plan.fix.canaryable:
        return ()
    traffic, goal = _traffic(plan, page), _hurting(plan)
    if traffic is None or traffic.now is None or goal is None or not goal.at_incident:
        return (_UNKNOWN,)
    return _told(plan, traffic.id, traffic.now, goal.at_incident, goal.normal or 0.0)


def _told(plan: Plan, item: str, rps: float, hurting: float, normal: float) -> tuple[str, ...]:
    share, soak = plan.canary.share, plan.canary.soak.total_seconds()
    seen = min_detectable_ratio(rps, share, hurting, soak)
    proof = seconds_needed(rps, share, hurting, normal / hurting, plan.canary.want)
    harm = "no harm at all" if seen is None else f"harm from {seen:.1f}x the present failure rate"
    help_ = f"in about {proof:.0f} s" if isfinite(proof) else "not in any time"
    return (
        f"At {rps:.0f} requests/s ({item}), {100 * share:.0f} % of them to the fix:",
        f"in {soak:.0f} s the canary sees {harm};",
        f"a full cure is proven {help_} (half of all runs are faster).",
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
