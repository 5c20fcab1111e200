"""How much may happen without a human."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from journey.incident_case import NOW, plan, said_yes
from stories.night import BUILD_INDEX, ROLL_BACK

from steadyhand.journey.approval.consent import objection, prove_fence
from steadyhand.journey.approval.guardrails import Allow, AskHuman, Refuse, Situation, verdict
from steadyhand.journey.approval.policy import AutonomyRule, GuardrailRule
from steadyhand.journey.remedy.plan import Plan

RULE = GuardrailRule()


def around(**changes: Any) -> Situation:
    return Situation.model_validate({"now": NOW, "level": "guarded", "attempts": 0} | changes)


def test_guarded_consents_to_what_is_certain_reversible_and_canaried() -> None:
    assert isinstance(verdict(plan(), around(), RULE), Allow)


@pytest.mark.parametrize("level", ["approve", "guarded"])
def test_a_production_database_always_asks_a_human(level: str) -> None:
    found = verdict(plan(BUILD_INDEX, confidence=1.0), around(level=level), RULE)
    assert isinstance(found, AskHuman)
    assert "it changes a production database: always a human" in found.reasons


@pytest.mark.parametrize(
    ("changes", "fix", "word"),
    [
        ({"calibrated": False}, {}, "calibrated"),
        ({"confidence": 0.84}, {}, "below"),
        ({}, {"reversible": False}, "taken back"),
        ({}, {"canaryable": False}, "share of traffic"),
        ({}, {"blast_radius": ("shop", "cart")}, "touches shop, cart"),
    ],
)
def test_each_doubt_asks_a_human(changes: dict[str, Any], fix: dict[str, Any], word: str) -> None:
    found = verdict(plan(ROLL_BACK.model_copy(update=fix), **changes), around(), RULE)
    assert isinstance(found, AskHuman)
    assert [word in one for one in found.reasons] == [True]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"level": "observe"}, "only watches"),
        ({"now": NOW + timedelta(minutes=15)}, "expired"),
        ({"busy_with": "roll-7"}, "roll-7"),
        ({"attempts": 2}, "a human leads"),
    ],
)
def test_what_may_not_happen_is_refused_human_or_not(changes: dict[str, Any], word: str) -> None:
    found = verdict(plan(), around(**changes), RULE)
    assert isinstance(found, Refuse)
    assert word in found.reasons[0]


def test_a_frozen_service_is_refused_by_name_and_every_reason_is_given() -> None:
    found = verdict(plan(), around(attempts=2), GuardrailRule(frozen=("shop",)))
    assert isinstance(found, Refuse)
    assert len(found.reasons) == 2
    assert found.reasons[1] == "frozen: shop"


def test_a_service_has_its_own_level_and_the_strictest_of_all_it_concerns_holds() -> None:
    rule = AutonomyRule(level="guarded", services={"payments": "observe", "shop": "approve"})
    assert (rule.level_for("payments"), rule.level_for("cart")) == ("observe", "guarded")
    assert rule.strictest(("cart", "shop")) == "approve"
    assert rule.strictest(("cart", "shop", "payments")) == "observe"


def test_an_approval_in_time_of_this_very_plan_holds_once() -> None:
    assert objection(plan(), said_yes(plan()), NOW) == ""


@pytest.mark.parametrize(
    ("changes", "at", "word"),
    [
        ({"plan": "plan-2"}, NOW, "another plan"),
        ({"digest": "0" * 64}, NOW, "digest differs"),
        ({"answer": "reject"}, NOW, "no reason given"),
        ({"answer": "reject", "reason": "not tonight"}, NOW, "not tonight"),
        ({"used_at": NOW}, NOW, "used already"),
        ({"at": NOW - timedelta(seconds=1)}, NOW, "outside the plan's lifetime"),
        ({"at": NOW + timedelta(minutes=15)}, NOW, "outside the plan's lifetime"),
        ({}, NOW + timedelta(minutes=15), "has expired"),
    ],
)
def test_any_other_approval_does_not(changes: dict[str, Any], at: datetime, word: str) -> None:
    assert word in objection(plan(), said_yes(plan(), **changes), at)


def test_no_approval_is_no_approval() -> None:
    assert objection(plan(), None, NOW) == "nobody has approved this plan"


def test_the_fence_proves_itself_and_says_when_it_is_shut_even_to_consent() -> None:
    assert prove_fence(plan(), NOW) == ()
    assert prove_fence(plan(), NOW + timedelta(hours=1)) == (
        "closed to consent: it was approved outside the plan's lifetime",
    )


def test_any_change_of_a_plan_is_another_plan() -> None:
    first = plan()
    assert plan().digest == first.digest
    assert Plan.model_validate_json(first.model_dump_json()).digest == first.digest
    assert plan(service="cart").digest != first.digest
    assert plan(expires_at=NOW + timedelta(minutes=16)).digest != first.digest
