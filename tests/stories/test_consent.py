"""No fix without the consent its guardrails ask for."""

import asyncio

import pytest

from steadyhand.journey.approval.policy import AutonomyRule
from steadyhand.responder.fixes.deciding import Refused, decide, sign_in
from steadyhand.responder.fixes.executing import execute
from stories.night import BUILD_INDEX, PIN, RULES, Night


def test_nothing_moves_before_a_human_said_yes(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.pass_time(30)
        with pytest.raises(Refused, match="nobody has approved"):
            execute(night.outside, plan.id)
        await night.pass_time(5)
        assert night.traffic.canary.version == ""
        assert "execution.refused" in night.actions(plan.incident)

    asyncio.run(story())


def test_a_wrong_digest_is_refused_and_recorded(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        ana = await sign_in(night.outside, "ana", PIN, "test")
        with pytest.raises(Refused, match="not the plan that is stored"):
            await decide(night.outside, ana, plan.id, "0" * 64, "approve", "test")
        assert "decision.refused" in night.actions(plan.incident)
        assert night.view(plan.incident).incident.status == "awaiting_approval"

    asyncio.run(story())


def test_a_rejection_needs_a_reason_and_then_ends_the_question(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        with pytest.raises(Refused, match="needs a reason"):
            await night.answer(plan, "reject")
        await night.answer(plan, "reject", reason="the release holds a security fix")
        assert night.view(plan.incident).incident.status == "needs_human"
        with pytest.raises(Refused, match="decided already"):
            await night.answer(plan)

    asyncio.run(story())


def test_who_is_no_approver_cannot_approve(night: Night) -> None:
    async def story() -> None:
        night.hire("eve", role="viewer")
        plan = night.propose(night.alert())
        with pytest.raises(Refused, match="may not approve"):
            await night.answer(plan, by="eve")

    asyncio.run(story())


def test_wrong_pins_lock_the_door_and_the_right_one_does_not_open_it_then(night: Night) -> None:
    async def story() -> None:
        for _ in range(5):
            with pytest.raises(Refused):
                await sign_in(night.outside, "ana", "000000", "test")
        with pytest.raises(Refused, match="locked"):
            await sign_in(night.outside, "ana", PIN, "test")
        await night.clock.advance(minutes=6)
        assert (await sign_in(night.outside, "ana", PIN, "test")).name == "ana"

    asyncio.run(story())


def test_an_expired_plan_cannot_be_approved(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.clock.advance(minutes=15)
        with pytest.raises(Refused, match="expired"):
            await night.answer(plan)

    asyncio.run(story())


def test_five_minutes_without_an_answer_ask_the_next_tier_and_keep_the_question_open(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.leap(minutes=5)
        assert night.phone.rang("bo") == 1
        await night.answer(plan)
        assert night.view(plan.incident).incident.status == "rolling_out"

    asyncio.run(story())


def test_a_production_database_asks_a_human_even_when_guarded_and_certain(night: Night) -> None:
    async def story() -> None:
        night.rules = RULES.model_copy(update={"autonomy": AutonomyRule(level="guarded")})
        night.restart()
        incident = night.alert()
        night.propose(incident, BUILD_INDEX, calibrated=True, confidence=1.0)
        await night.pass_time(10)
        assert night.view(incident).incident.status == "awaiting_approval"
        assert night.database.statements == []

    asyncio.run(story())


def test_guarded_goes_ahead_alone_only_with_a_calibrated_confidence(night: Night) -> None:
    async def story() -> None:
        night.rules = RULES.model_copy(update={"autonomy": AutonomyRule(level="guarded")})
        night.restart()
        first = night.alert()
        night.propose(first, calibrated=False, confidence=1.0)
        assert night.view(first).incident.status == "awaiting_approval"
        second = night.alert(service="other")
        night.propose(second, calibrated=True, confidence=0.95, service="other")
        assert night.view(second).incident.status == "rolling_out"

    asyncio.run(story())


def test_observe_refuses_even_what_a_human_would_approve(night: Night) -> None:
    night.rules = RULES.model_copy(update={"autonomy": AutonomyRule(level="observe")})
    night.restart()
    incident = night.alert()
    night.propose(incident)
    assert night.view(incident).incident.status == "needs_human"


def test_a_plan_that_was_edited_after_the_approval_does_not_run(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.answer(plan)
        edited = plan.model_copy(update={"fix": plan.fix.model_copy(update={"title": "Something else"})})
        with night.outside.ledger.write() as tx:
            tx.put("plan", plan.id, plan.incident, edited, night.clock.now())
        await night.pass_time(5)
        assert night.traffic.canary.version == ""
        refused = [one for one in night.view(plan.incident).trail if one.action == "execution.refused"]
        assert "digest differs" in refused[0].body["why"]

    asyncio.run(story())


def test_an_approval_is_used_up_by_the_rollout_it_starts(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.answer(plan)
        before = night.view(plan.incident).decision
        assert before is not None
        assert before.used_at is None
        await night.pass_time(2)
        after = night.view(plan.incident).decision
        assert after is not None
        assert after.used_at is not None
        assert "started already" in execute(night.outside, plan.id)

    asyncio.run(story())
