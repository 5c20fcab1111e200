"""What a plan fixes before anybody says yes: what is slow, what can be seen, who else is watched."""

import asyncio

import pytest

from steadyhand.journey.diagnosis.model import Cause, Diagnosis, EntityKind, Hypothesis
from steadyhand.journey.remedy.goals import GoalRule
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rollout.gauges import GaugeRule
from steadyhand.responder.fixes.planning import goals_around, goals_for, make_plans
from steadyhand.responder.rollouts.listening import listen
from steadyhand.tools.answers import plan_answer
from stories.night import ERRORS, RULES, Night

FACTS = {"service": "shop", "version": "1.1", "previous": "1.0", "change_kind": "code"}


def blame(entity: str, kind: EntityKind) -> Hypothesis:
    cause = Cause(entity=entity, entity_kind=kind, fault_class="bad_release", facts=FACTS)
    return Hypothesis(id="h1", rank=1, cause=cause, claim="x", confidence=0.9, score=3.0, supports=())


async def planned(night: Night, entity: str = "shop", kind: EntityKind = "service") -> Plan:
    incident = night.view(night.alert()).incident
    found = Diagnosis(
        incident=incident.id, hypotheses=(), none_of_these=0.1, calibrated_on="nights", model_version="1"
    )
    now = night.clock.now()
    goals = await goals_for(night.outside, "shop", now, now)
    around = await goals_around(night.outside, "shop", now, now)
    (plan,) = make_plans(night.outside, incident, found, blame(entity, kind), goals, around)
    return plan


async def hear(night: Night, seconds: int) -> None:
    for _ in range(seconds):
        await listen(night.outside)
        await night.clock.advance(seconds=1)


def test_what_the_canary_can_see_at_todays_traffic_is_in_the_plan_and_under_its_digest(night: Night) -> None:
    async def story() -> None:
        night.alert()
        await hear(night, 10)
        plan = await planned(night)
        assert plan.sight is not None
        assert plan.sight.rps == pytest.approx(100, rel=0.1)
        assert plan.sight.failing == pytest.approx(0.3, rel=0.1)
        assert plan.sight.smallest_harm == pytest.approx(1.5, abs=0.3)
        assert plan.slow_ms == (200.0, 900.0)
        assert "the canary sees harm from" in plan_answer(plan).steps
        assert plan.model_copy(update={"sight": None}).digest != plan.digest

    asyncio.run(story())


def test_without_any_traffic_heard_the_plan_promises_nothing(night: Night) -> None:
    async def story() -> None:
        plan = await planned(night)
        assert plan.sight is None
        assert "the canary sees" not in plan_answer(plan).steps

    asyncio.run(story())


def test_a_sick_thing_that_all_traffic_shares_is_named_and_judged_before_and_after(night: Night) -> None:
    async def story() -> None:
        plan = await planned(night, "postgres", "database")
        assert (plan.shared, plan.judged_by) == ("postgres", None)
        assert "all traffic shares postgres" in plan_answer(plan).steps
        own = await planned(night)
        assert (own.shared, own.judged_by) == ("", "errors")

    asyncio.run(story())


def test_numbers_of_the_services_around_and_what_the_fix_may_run_out_of_are_watched(night: Night) -> None:
    async def story() -> None:
        pool = GaugeRule(name="connections", expression="pool", limit=20)
        lag = GoalRule(name="lag", expression=ERRORS, bound=5)
        update = {"goals": {**RULES.goals, "postgres": (lag,)}, "saturation": {"shop": (pool,)}}
        night.rules = RULES.model_copy(update=update)
        night.restart()
        plan = await planned(night)
        assert [one.name for one in plan.watched] == ["lag of postgres"]
        assert plan.gauges == (pool,)

    asyncio.run(story())
