"""When no proof will come: a human is asked, may answer in three ways, and silence brings it back."""

import asyncio
from datetime import timedelta

import pytest

from steadyhand.journey.rollout.state import Rollout
from steadyhand.responder.fixes.deciding import Refused
from steadyhand.responder.rollouts.interventions import abort_rollout, promote_without_proof, widen_rollout
from steadyhand.store import Person
from stories.night import Night


def rollout_of(night: Night, incident: str) -> Rollout:
    found = night.view(incident).rollout
    assert found is not None
    return found


async def until(night: Night, incident: str, *phases: str, most: int = 400) -> Rollout:
    for _ in range(most):
        found = night.view(incident).rollout
        if found is not None and found.phase in phases:
            return found
        await night.pass_time(1)
    raise AssertionError(f"never {phases}: {rollout_of(night, incident).reason}")


async def undecided(night: Night) -> str:
    """So little traffic that no cure could be proven in time: asked as soon as the soak is over."""
    night.traffic.rps = 2
    plan = night.propose(night.alert())
    await night.answer(plan)
    await until(night, plan.incident, "asking")
    return plan.incident


def person(night: Night, name: str = "ana") -> Person:
    with night.outside.ledger.read() as tx:
        found = tx.person(name)
    assert found is not None
    return found


def make_severe(night: Night, incident: str, severity: str) -> None:
    with night.outside.ledger.write() as tx:
        found = tx.incident(incident)
        assert found is not None
        tx.save(found.model_copy(update={"severity": severity}), (), night.clock.now())


def test_where_no_proof_can_come_a_human_is_asked_at_once_and_the_share_stays(night: Night) -> None:
    async def story() -> None:
        incident = await undecided(night)
        rollout = rollout_of(night, incident)
        assert rollout.watch is not None
        assert night.clock.now() - rollout.watch.started_at <= timedelta(seconds=32)
        await night.turn()
        assert "undecided" in night.phone.rings[-1].body
        await night.pass_time(120)
        assert rollout_of(night, incident).phase == "asking"
        assert (await night.traffic.observe()).share == pytest.approx(0.05)

    asyncio.run(story())


def test_silence_brings_it_back_after_five_minutes(night: Night) -> None:
    async def story() -> None:
        incident = await undecided(night)
        asked = night.clock.now()
        back = await until(night, incident, "reverted")
        assert night.clock.now() - asked == pytest.approx(timedelta(minutes=5), abs=timedelta(seconds=5))
        assert "Nobody answered in time" in back.reason
        assert (await night.traffic.observe()).share == 0

    asyncio.run(story())


def test_while_it_waits_for_the_answer_a_canary_that_fails_is_taken_back_at_once(night: Night) -> None:
    async def story() -> None:
        incident = await undecided(night)
        night.traffic.rps = 200
        night.traffic.stable.error_rate = 0.01
        night.traffic.canary.error_rate = 1.0
        back = await until(night, incident, "reverted", most=30)
        assert "take it back" in back.reason

    asyncio.run(story())


def test_in_a_sev1_a_human_may_promote_without_proof_and_the_audit_says_so(night: Night) -> None:
    async def story() -> None:
        incident = await undecided(night)
        make_severe(night, incident, "SEV1")
        await promote_without_proof(night.outside, person(night), incident, "checkout is down", "console")
        done = await until(night, incident, "verified")
        assert "promoted without proof" in done.reason
        assert done.grade == "promoted without proof"
        (entry,) = [
            one for one in night.view(incident).trail if one.action == "rollout.promoted_without_proof"
        ]
        assert (entry.actor, entry.actor_kind, entry.body["why"]) == ("ana", "human", "checkout is down")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("severity", "who", "why", "refusal"),
    [
        ("SEV2", "ana", "please", "only in a SEV1"),
        ("SEV1", "ana", " ", "needs a reason"),
        ("SEV1", "eve", "please", "may not decide"),
    ],
)
def test_nobody_else_and_nothing_less_promotes_without_proof(
    night: Night, severity: str, who: str, why: str, refusal: str
) -> None:
    async def story() -> None:
        night.hire("eve", role="viewer")
        incident = await undecided(night)
        make_severe(night, incident, severity)
        with pytest.raises(Refused, match=refusal):
            await promote_without_proof(night.outside, person(night, who), incident, why, "console")
        assert rollout_of(night, incident).phase == "asking"

    asyncio.run(story())


def test_what_the_judge_still_watches_cannot_be_promoted_by_hand(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.answer(plan)
        await until(night, plan.incident, "watching")
        make_severe(night, plan.incident, "SEV1")
        with pytest.raises(Refused, match="still watching"):
            await promote_without_proof(night.outside, person(night), plan.incident, "hurry", "console")

    asyncio.run(story())


def test_a_human_may_give_it_more_traffic_and_a_whole_new_observation_begins(night: Night) -> None:
    async def story() -> None:
        incident = await undecided(night)
        with pytest.raises(Refused, match="10%, 25%"):
            await widen_rollout(night.outside, person(night), incident, 0.5, "console")
        await widen_rollout(night.outside, person(night), incident, 0.25, "console")
        watching = await until(night, incident, "watching")
        assert (await night.traffic.observe()).share == pytest.approx(0.25)
        assert watching.watch is not None
        began = watching.watch.started_at
        await until(night, incident, "verifying", "asking")
        assert night.clock.now() - began >= timedelta(seconds=30)

    asyncio.run(story())


def test_an_abort_ends_the_question(night: Night) -> None:
    async def story() -> None:
        incident = await undecided(night)
        await abort_rollout(night.outside, incident, "ana", "no")
        await until(night, incident, "reverted", most=5)

    asyncio.run(story())


def test_a_fix_that_changes_nothing_is_asked_about_in_the_end_and_never_promoted(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.answer(plan)
        night.traffic.canary.error_rate = 0.3
        await until(night, plan.incident, "asking", most=400)
        await until(night, plan.incident, "reverted", most=400)
        assert all(one.body.get("phase") != "verifying" for one in night.view(plan.incident).trail)

    asyncio.run(story())
