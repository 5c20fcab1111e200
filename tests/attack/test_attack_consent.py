"""Timing, races and replays: one yes is one run of one plan of one incident, in time, or nothing."""

import asyncio
from datetime import timedelta

import pytest
from stories.night import BUILD_INDEX, PIN, Night

from steadyhand.journey.incident.state import ClosedByHuman
from steadyhand.journey.remedy.plan import Plan
from steadyhand.responder.alerts.intake import tell_incident
from steadyhand.responder.fixes.choosing import choose
from steadyhand.responder.fixes.deciding import Refused, decide, sign_in
from steadyhand.responder.fixes.executing import execute
from steadyhand.responder.rollouts.interventions import abort_rollout

pytestmark = pytest.mark.anyio


async def _say(night: Night, plan: Plan, answer: str, by: str) -> str:
    person = await sign_in(night.outside, by, PIN, "test")
    try:
        await decide(night.outside, person, plan.id, plan.digest, answer, "test", "because")
    except Refused as error:
        return str(error)
    return answer


def _started(night: Night, incident: str) -> int:
    return night.actions(incident).count("rollout.started")


async def _until_over(night: Night, incident: str) -> None:
    for _ in range(400):
        await night.pass_time(1)
        if night.view(incident).incident.status != "rolling_out":
            return
    raise AssertionError("the rollout never ended")


@pytest.mark.parametrize("answers", [("approve", "reject"), ("approve", "approve"), ("reject", "approve")])
async def test_of_answers_at_the_same_moment_exactly_one_stands(
    night: Night, answers: tuple[str, str]
) -> None:
    plan = night.propose(night.alert())
    told = await asyncio.gather(
        *(_say(night, plan, answer, by) for answer, by in zip(answers, ("ana", "bo"), strict=True))
    )
    stood = [one for one in told if one in ("approve", "reject")]
    assert len(stood) == 1
    await night.pass_time(3)
    assert _started(night, plan.incident) == (stood == ["approve"])


async def test_an_answer_in_the_very_moment_of_expiry_is_too_late(night: Night) -> None:
    plan = night.propose(night.alert(), expires_at=night.clock.now() + timedelta(seconds=10))
    await night.clock.advance(seconds=10)
    assert "expired" in await _say(night, plan, "approve", "ana")


async def test_a_yes_given_in_time_starts_nothing_once_the_plan_expired(night: Night) -> None:
    plan = night.propose(night.alert(), expires_at=night.clock.now() + timedelta(seconds=10))
    await night.answer(plan)
    await night.leap(seconds=11)
    assert _started(night, plan.incident) == 0
    assert night.view(plan.incident).incident.status == "needs_human"


async def test_a_yes_to_the_question_before_the_present_one_is_refused(night: Night) -> None:
    incident = night.alert()
    old = night.propose(incident)
    new = old.model_copy(update={"id": "plan-new", "fix": BUILD_INDEX})
    with night.outside.ledger.write() as tx:
        tx.put("plan", new.id, incident, new, night.clock.now())
    choose(night.outside, new.id, "model")
    assert "not the one in question" in await _say(night, old, "approve", "ana")
    person = await sign_in(night.outside, "ana", PIN, "test")
    with pytest.raises(Refused, match="not the plan that is stored"):
        await decide(night.outside, person, new.id, old.digest, "approve", "test")
    await night.pass_time(3)
    assert _started(night, incident) == 0


async def test_nothing_is_asked_or_swapped_while_a_fix_is_on_its_way(night: Night) -> None:
    plan = night.propose(night.alert())
    await night.answer(plan)
    with pytest.raises(Refused, match="rolling_out"):
        choose(night.outside, plan.id, "model")
    await night.pass_time(3)
    with pytest.raises(Refused, match="rolling_out"):
        choose(night.outside, plan.id, "model")


async def test_a_yes_is_not_used_again_after_a_relapse(night: Night) -> None:
    plan = night.propose(night.alert())
    await night.answer(plan)
    await _until_over(night, plan.incident)
    assert night.view(plan.incident).incident.status == "resolved"
    night.alert(status="resolved")
    assert night.alert() == plan.incident
    assert "decided already" in await _say(night, plan, "approve", "bo")
    assert "started already" in execute(night.outside, plan.id)
    await night.pass_time(5)
    assert _started(night, plan.incident) == 1


async def test_reopening_forgets_no_attempt(night: Night) -> None:
    plan = night.propose(night.alert())
    await night.answer(plan)
    await _until_over(night, plan.incident)
    tell_incident(night.outside, plan.incident, ClosedByHuman(by="ana", via="console", why="over"))
    night.alert(status="resolved")
    night.alert()
    assert night.view(plan.incident).incident.episode == 1
    assert night.view(plan.incident).incident.attempts == 1


async def test_a_plan_of_a_closed_incident_can_be_neither_approved_nor_started(night: Night) -> None:
    plan = night.propose(night.alert())
    tell_incident(night.outside, plan.incident, ClosedByHuman(by="bo", via="console", why="over"))
    assert "not the one in question" in await _say(night, plan, "approve", "ana")
    with pytest.raises(Refused, match="nobody has approved"):
        execute(night.outside, plan.id)
    with pytest.raises(Refused, match="resolved"):
        choose(night.outside, plan.id, "model")


async def test_the_yes_for_one_incident_opens_nothing_in_another(night: Night) -> None:
    first = night.propose(night.alert())
    second = night.propose(night.alert(service="other"))
    await night.answer(first)
    with pytest.raises(Refused, match="nobody has approved"):
        execute(night.outside, second.id)
    person = await sign_in(night.outside, "ana", PIN, "test")
    with pytest.raises(Refused, match="not the plan that is stored"):
        await decide(night.outside, person, second.id, first.digest, "approve", "test")
    await night.pass_time(3)
    assert _started(night, first.incident) == 1
    assert _started(night, second.incident) == 0


async def test_two_approved_fixes_of_one_service_never_run_at_once(night: Night) -> None:
    first = night.propose(night.alert())
    second = night.propose(night.alert(service="other"))
    await night.answer(first)
    await night.answer(second)
    await night.pass_time(3)
    assert _started(night, first.incident) + _started(night, second.incident) == 1


async def test_an_abort_before_the_first_step_and_a_yes_after_it_do_not_start_it_again(night: Night) -> None:
    plan = night.propose(night.alert())
    await night.answer(plan)
    await night.pass_time(1)
    await abort_rollout(night.outside, plan.incident, "vic", "stop")
    await _until_over(night, plan.incident)
    assert "decided already" in await _say(night, plan, "approve", "ana")
    assert (await night.traffic.observe()).share == 0
    assert _started(night, plan.incident) == 1


async def test_a_yes_changed_in_the_store_to_another_plan_opens_nothing(night: Night) -> None:
    asked, other = night.propose(night.alert()), night.propose(night.alert(service="other"))
    await night.answer(asked)
    moved = asked.model_copy(update={"fix": BUILD_INDEX})
    with night.outside.ledger.write() as tx:
        tx.put("plan", asked.id, other.incident, moved, night.clock.now())
    await night.pass_time(3)
    assert night.database.statements == []
    assert "execution.refused" in night.actions(asked.incident)
