"""A person's yes or no on the console: to the digest they saw, once, and only theirs to give."""

import asyncio

import pytest
from stories.night import BUILD_INDEX
from web.house import House

from steadyhand.journey.remedy.plan import Plan

pytestmark = pytest.mark.anyio


async def asked(house: House) -> Plan:
    plan = house.view(await house.break_shop()).plan
    assert plan is not None
    return plan


async def test_the_page_shows_the_digest_and_posts_the_one_it_shows(house: House) -> None:
    plan = await asked(house)
    text = (await (await house.visit()).get(f"/incidents/{plan.incident}")).text
    assert text.count(f'name="digest" value="{plan.digest}"') == 2
    assert f"<code>{plan.digest}</code>" in text


async def test_a_yes_starts_the_fix_in_the_persons_name(house: House) -> None:
    plan = await asked(house)
    browser = await house.visit()
    answer = await browser.answer(plan.id, plan.digest)
    assert answer.headers["location"] == f"/incidents/{plan.incident}"
    view = house.view(plan.incident)
    assert view.incident.status == "rolling_out"
    assert view.decision is not None
    assert (view.decision.by, view.decision.via, view.decision.digest) == ("ana", "console", plan.digest)


async def test_a_no_needs_a_reason_and_keeps_it(house: House) -> None:
    plan = await asked(house)
    browser = await house.visit()
    refused = await browser.answer(plan.id, plan.digest, "reject", reason="  ")
    assert refused.status_code == 409
    assert "a rejection needs a reason" in refused.text
    assert house.view(plan.incident).decision is None
    await browser.answer(plan.id, plan.digest, "reject", reason="the migration cannot go back")
    decision = house.view(plan.incident).decision
    assert decision is not None
    assert decision.reason == "the migration cannot go back"


async def test_a_yes_to_another_digest_is_refused_and_what_was_typed_is_kept(house: House) -> None:
    plan = await asked(house)
    browser = await house.visit()
    answer = await browser.answer(plan.id, "0" * 64, reason="half a sentence")
    assert answer.status_code == 409
    assert "not the plan that is stored" in answer.text
    assert "half a sentence</textarea>" in answer.text
    assert house.view(plan.incident).decision is None


async def test_an_answer_holds_once(house: House) -> None:
    plan = await asked(house)
    browser = await house.visit()
    await browser.answer(plan.id, plan.digest)
    again = await browser.answer(plan.id, plan.digest)
    assert again.status_code == 409
    assert "ana decided already" in again.text


async def test_of_two_people_the_first_decides_and_the_other_is_told_who(house: House) -> None:
    house.hire("bo")
    plan = await asked(house)
    ana, other = await house.visit(), await house.visit("bo")
    answers = await asyncio.gather(
        ana.answer(plan.id, plan.digest), other.answer(plan.id, plan.digest, "reject", reason="not now")
    )
    assert sorted(one.status_code for one in answers) == [303, 409]
    decision = house.view(plan.incident).decision
    assert decision is not None
    late = next(one for one in answers if one.status_code == 409)
    assert f"{decision.by} decided already" in late.text
    assert house.actions(plan.incident).count("decision.refused") == 1


async def test_whoever_may_not_approve_sees_no_button_and_is_refused(house: House) -> None:
    house.hire("sam", role="watcher")
    plan = await asked(house)
    browser = await house.visit("sam")
    page = await browser.get(f"/incidents/{plan.incident}")
    assert "/decision" not in page.text
    answer = await browser.answer(plan.id, plan.digest)
    assert answer.status_code == 409
    assert "sam may not approve" in answer.text


async def test_an_expired_plan_cannot_be_answered(house: House) -> None:
    plan = await asked(house)
    browser = await house.visit()
    await house.clock.advance(minutes=15)
    page = await browser.get(f"/incidents/{plan.incident}")
    assert "This plan has expired" in page.text
    assert "/decision" not in page.text
    assert (await browser.answer(plan.id, plan.digest)).status_code == 409


async def test_an_expired_plan_can_be_asked_again_under_a_new_digest(house: House) -> None:
    plan = await asked(house)
    browser = await house.visit()
    await house.clock.advance(minutes=15)
    page = await browser.get(f"/incidents/{plan.incident}")
    assert f'name="plan" value="{plan.id}"' in page.text
    await browser.post(f"/incidents/{plan.incident}/choose", plan=plan.id)
    fresh = house.view(plan.incident).plan
    assert fresh is not None
    assert fresh.digest != plan.digest


async def test_another_option_can_be_put_before_the_humans(house: House) -> None:
    first = await asked(house)
    second = house.propose(first.incident, BUILD_INDEX)
    with house.outside.ledger.write() as tx:
        incident = tx.incident(first.incident)
        assert incident is not None
        tx.save(incident.model_copy(update={"plans": (first.id, second.id)}), (), house.clock.now())
    browser = await house.visit()
    page = await browser.get(f"/incidents/{first.incident}")
    assert "Index orders(email)" in page.text
    await browser.post(f"/incidents/{first.incident}/choose", plan=second.id)
    assert house.view(first.incident).incident.plan == second.id


async def test_a_plan_of_another_incident_cannot_be_chosen(house: House) -> None:
    plan = await asked(house)
    other = house.alert(service="elsewhere")
    answer = await (await house.visit()).post(f"/incidents/{other}/choose", plan=plan.id)
    assert answer.status_code == 409
    assert house.view(other).incident.plan == ""


async def test_an_abort_is_one_click_and_needs_no_role_and_no_words(house: House) -> None:
    house.hire("sam", role="watcher")
    plan = await asked(house)
    await house.answer(plan)
    await house.start_rollout(plan.incident)
    browser = await house.visit("sam")
    page = await browser.get(f"/incidents/{plan.incident}")
    assert "Abort: take it back now" in page.text
    assert (await browser.post(f"/incidents/{plan.incident}/abort")).status_code == 303
    await house.pass_time(2)
    rollout = house.view(plan.incident).rollout
    assert rollout is not None
    assert rollout.phase == "reverted"
    assert "Aborted by sam" in rollout.reason


async def test_acknowledging_stops_the_ladder_and_says_who_has_it(house: House) -> None:
    plan = await asked(house)
    browser = await house.visit()
    assert "I have it" in (await browser.get(f"/incidents/{plan.incident}")).text
    await browser.post(f"/incidents/{plan.incident}/ack")
    assert house.view(plan.incident).incident.acked_by == "ana"
    assert "Nobody else is woken" in (await browser.get(f"/incidents/{plan.incident}")).text


async def test_closing_by_hand_needs_a_reason(house: House) -> None:
    plan = await asked(house)
    browser = await house.visit()
    assert (await browser.post(f"/incidents/{plan.incident}/close", why=" ")).status_code == 409
    await browser.post(f"/incidents/{plan.incident}/close", why="a drill")
    assert house.view(plan.incident).incident.status == "resolved"


async def test_a_deed_on_what_does_not_exist_is_not_found(house: House) -> None:
    browser = await house.visit()
    for path in ("/incidents/none/ack", "/incidents/none/abort", "/plans/none/decision"):
        assert (await browser.post(path, why="x")).status_code == 404
