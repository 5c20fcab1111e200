"""Before anybody says yes, the console tells what the canary can see, or that nobody knows."""

from datetime import UTC, datetime, timedelta

from stories.night import ROLL_BACK

from steadyhand.journey.evidence.model import Item, Page, Window
from steadyhand.journey.recovery.model import Goal, RecoveryRule
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rollout.planning import sight_of
from steadyhand.journey.rollout.rule import CanaryRule
from steadyhand.web.console.sight import sight

AT = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
SPAN = Window(start=AT - timedelta(minutes=5), end=AT)
PLAN = Plan(
    id="plan-1",
    incident="inc-1",
    hypothesis="h1",
    service="shop",
    fix=ROLL_BACK,
    confidence=0.9,
    calibrated=False,
    canary=CanaryRule(),
    recovery=RecoveryRule(),
    goals=(Goal(name="failed", kind="errors", expression="e", bound=0.02, normal=0.001, at_incident=0.3),),
    created_at=AT,
    expires_at=AT + timedelta(minutes=15),
)


def rate(name: str, now: float, **facts: str) -> Item:
    known = {"metric": "requests_total", "unit": "/s"}
    return Item(
        id=name, kind="metric", role="traffic", entity="shop", title=name, now=now, facts=known | facts
    )


def page(*items: Item) -> Page:
    failing = Item(
        id="m1", kind="metric", role="errors", entity="shop", title="x", facts={"metric": "requests_total"}
    )
    return Page(incident="inc-1", service="shop", window=SPAN, baseline=SPAN, items=(failing, *items))


def test_the_rate_of_all_requests_tells_what_the_canary_sees() -> None:
    one_route = rate("m2", 3.0, labels="route=/orders")
    told = sight(PLAN, page(one_route, rate("m3", 60.0)))
    assert "At 60 requests/s, 30.0% of them failing, 5% to the fix:" in told


def test_what_the_balancer_counted_itself_is_told_before_any_series() -> None:
    seen = PLAN.model_copy(update={"sight": sight_of(100, 0.01, 0.05, 30, 0.5)})
    told = " ".join(sight(seen, page(rate("m3", 60.0))))
    assert "At 100 requests/s, 1.0% of them failing" in told
    assert "harm from 5.6x" in told


def test_the_rate_of_one_route_alone_is_no_ground_to_promise_anything() -> None:
    (told,) = sight(PLAN, page(rate("m2", 3.0, labels="route=/orders")))
    assert "Not known beforehand" in told
