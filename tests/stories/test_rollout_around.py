"""Around a rollout: what was so before it, who else is there, and what comes after it."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from steadyhand.journey.recovery.model import Goal
from steadyhand.journey.rollout.gauges import GaugeRule
from steadyhand.journey.rollout.rule import CanaryRule
from steadyhand.journey.rollout.state import Rollout
from steadyhand.ports import SourceUnavailable
from steadyhand.responder.engine.worker import Worker
from steadyhand.responder.rollouts.interventions import abort_rollout
from steadyhand.responder.rollouts.listening import listen
from steadyhand.responder.rollouts.orphans import find_orphans
from stories.night import Night

LEASE = timedelta(seconds=3)


def rollout_of(night: Night, incident: str) -> Rollout:
    found = night.view(incident).rollout
    assert found is not None
    return found


async def until(night: Night, incident: str, *phases: str, most: int = 200) -> Rollout:
    for _ in range(most):
        found = night.view(incident).rollout
        if found is not None and found.phase in phases:
            return found
        await night.pass_time(1)
    raise AssertionError(f"never {phases}: {rollout_of(night, incident).reason}")


# before it


def test_nothing_is_moved_while_somebody_else_holds_the_traffic(night: Night) -> None:
    async def story() -> None:
        night.traffic.canary.version, night.traffic.canary.replicas = "2.0", 3
        night.traffic.seize(0.2, "bo")
        plan = night.propose(night.alert())
        await night.answer(plan)
        over = await until(night, plan.incident, "reverted")
        assert "Nothing was moved" in over.reason
        assert "bo holds its traffic" in over.reason
        seen = await night.traffic.observe()
        assert (seen.share, seen.canary_version) == (0.2, "2.0")

    asyncio.run(story())


def test_a_way_back_that_does_not_work_is_found_before_anything_moves(night: Night) -> None:
    async def story() -> None:
        async def broken() -> None:
            raise SourceUnavailable("shop", "no permission")

        night.traffic.revert = broken
        plan = night.propose(night.alert())
        await night.answer(plan)
        over = await until(night, plan.incident, "stuck")
        assert night.traffic.canary.version == ""
        assert over.share == 0

    asyncio.run(story())


def test_what_was_heard_before_gives_the_rollout_its_burstiness_and_the_plan_its_sight(night: Night) -> None:
    async def story() -> None:
        incident = night.alert()
        await hear(night, 125)
        rate = night.outside.baselines.rate("shop", night.clock.now())
        assert rate is not None
        assert rate.rps == pytest.approx(100, rel=0.05)
        assert rate.failing == pytest.approx(0.3, rel=0.05)
        limits = night.outside.baselines.limits("shop")
        assert limits == (200.0, 900.0)
        plan = night.propose(incident, slow_ms=limits)
        await night.answer(plan)
        watching = await until(night, incident, "watching")
        assert watching.phi is not None
        assert watching.phi["errors"] == 1.0

    asyncio.run(story())


def test_after_a_gap_the_past_is_not_taken_for_one_history(night: Night) -> None:
    async def story() -> None:
        night.alert()
        await hear(night, 100)
        night.traffic.failure = SourceUnavailable("shop", "connection refused")
        await hear(night, 3)
        night.traffic.failure = None
        await hear(night, 60)
        assert night.outside.baselines.phi("shop", (200.0, 900.0)) is None
        assert night.outside.baselines.rate("shop", night.clock.now()) is not None

    asyncio.run(story())


def test_without_an_incident_a_target_is_asked_each_half_minute_only(night: Night) -> None:
    async def story() -> None:
        asked = []
        counters = night.traffic.counters

        async def counted(slow_ms: tuple[float, float]) -> object:
            asked.append(night.clock.now())
            return await counters(slow_ms)

        night.traffic.counters = counted
        await hear(night, 61)
        assert len(asked) == 3

    asyncio.run(story())


async def hear(night: Night, seconds: int) -> None:
    for _ in range(seconds):
        await listen(night.outside)
        await night.clock.advance(seconds=1)


# who else is there


def test_a_share_that_another_hand_takes_in_the_middle_is_left_and_a_human_gets_the_command(
    night: Night,
) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.answer(plan)
        await until(night, plan.incident, "watching")
        night.traffic.seize(0.4, "bo")
        over = await until(night, plan.incident, "stuck", most=10)
        assert "simulator shop share 0" in over.reason
        assert (await night.traffic.observe()).share == 0.4
        await night.turn()
        assert any("STUCK" in ring.body and "bo" in ring.body for ring in night.phone.rings)

    asyncio.run(story())


def test_somebody_who_brings_the_share_home_by_hand_is_not_fought(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.answer(plan)
        await until(night, plan.incident, "watching")
        await night.traffic.set_share(0.0, LEASE)
        over = await until(night, plan.incident, "reverted", most=10)
        assert "somebody brought it home" in over.reason

    asyncio.run(story())


def test_traffic_that_no_rollout_accounts_for_is_found_at_the_start(night: Night) -> None:
    async def story() -> None:
        await night.traffic.prepare("2.0", 1)
        await night.traffic.set_share(0.1, timedelta(minutes=5))
        (said,) = await find_orphans(night.outside)
        assert "bore our mark and was brought home" in said
        assert (await night.traffic.observe()).share == 0
        assert said in night.phone.rings[-1].body
        assert await find_orphans(night.outside) == ()

    asyncio.run(story())


def test_an_orphan_of_another_hand_is_told_and_left(night: Night) -> None:
    async def story() -> None:
        night.traffic.seize(0.1, "bo")
        (said,) = await find_orphans(night.outside)
        assert "it is bo's, and was left. By hand: simulator shop share 0" in said
        assert (await night.traffic.observe()).share == 0.1

    asyncio.run(story())


def test_a_rollout_that_is_under_way_is_no_orphan(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.answer(plan)
        await until(night, plan.incident, "watching")
        assert await find_orphans(night.outside) == ()

    asyncio.run(story())


# what is around it


def test_a_gauge_over_its_limit_takes_the_canary_back(night: Night) -> None:
    async def story() -> None:
        pool = GaugeRule(name="connections", expression="pool of the canary", limit=20)
        told = answers(night, {"pool of the canary": 25.0})
        plan = night.propose(night.alert(), gauges=(pool,))
        await night.answer(plan)
        over = await until(night, plan.incident, "reverted")
        assert "saturated, connections is 25" in over.reason
        assert "pool of the canary" in told

    asyncio.run(story())


def test_a_canary_that_leaks_beside_a_steady_control_goes_back(night: Night) -> None:
    async def story() -> None:
        memory = GaugeRule(name="memory", expression="canary", limit=1e9, growth=60, control="control")
        began = night.clock.now()
        told = answers(night, {"control": 100.0})
        steady = night.users.value

        async def growing(expression: str, at: datetime) -> float | None:
            return (
                (at - began).total_seconds() * 5 if expression == "canary" else await steady(expression, at)
            )

        night.users.value = growing  # type: ignore[method-assign]
        plan = night.propose(night.alert(), gauges=(memory,), canary=CanaryRule(soak=timedelta(seconds=120)))
        await night.answer(plan)
        over = await until(night, plan.incident, "reverted")
        assert "saturated, memory grows by 300" in over.reason
        assert "more than the control's" in over.reason
        assert "control" in told

    asyncio.run(story())


def test_a_neighbour_that_gets_worse_takes_the_canary_back(night: Night) -> None:
    async def story() -> None:
        goal = Goal(name="errors of cart", expression="errors of cart", bound=0.02, at_incident=0.0)
        answers(night, {"errors of cart": 0.5})
        plan = night.propose(night.alert(), watched=(goal,))
        await night.answer(plan)
        over = await until(night, plan.incident, "reverted")
        assert "It got worse meanwhile: errors of cart" in over.reason

    asyncio.run(story())


def test_what_hurt_already_may_hurt_more_while_the_old_version_still_has_the_traffic(night: Night) -> None:
    async def story() -> None:
        goal = Goal(name="errors of cart", expression="errors of cart", bound=0.02, at_incident=0.2)
        answers(night, {"errors of cart": 0.9})
        own = Goal(name="errors", expression="own errors", bound=0.02, at_incident=0.05)
        plan = night.propose(night.alert(), watched=(goal,), goals=(own,))
        await night.answer(plan)
        await until(night, plan.incident, "verifying")

    asyncio.run(story())


def answers(night: Night, known: dict[str, float]) -> list[str]:
    """Give these numbers for these expressions, the users' own for all others; what was asked is returned."""
    asked, theirs = list[str](), night.users.value

    async def value(expression: str, at: object) -> float | None:
        asked.append(expression)
        return known[expression] if expression in known else await theirs(expression, at)

    night.users.value = value
    return asked


# what comes after it


def test_numbers_that_are_bad_again_soon_after_reopen_the_incident_without_any_alert(night: Night) -> None:
    async def story() -> None:
        incident = await resolved(night)
        night.users.override = 0.4
        for _ in range(70):
            await night.pass_time(1)
        view = night.view(incident)
        assert (view.incident.episode, view.incident.status) == (1, "needs_human")
        said = [one.summary for one in view.incident.alerts]
        assert "Bad again after a verified fix: errors" in said

    asyncio.run(story())


def test_one_bad_look_and_no_sample_are_no_relapse(night: Night) -> None:
    async def story() -> None:
        incident = await resolved(night)
        night.users.override = 0.4
        await night.pass_time(20)
        night.users.override = None
        await night.pass_time(20)
        night.users.blind = True
        await night.pass_time(60)
        assert night.view(incident).incident.episode == 0

    asyncio.run(story())


def test_after_the_time_for_a_relapse_nobody_looks_any_more(night: Night) -> None:
    async def story() -> None:
        incident = await resolved(night)
        await night.clock.advance(minutes=11)
        await night.turn()
        assert night.view(incident).incident.status == "resolved"
        asked = answers(night, {})
        await night.pass_time(40)
        assert asked == []

    asyncio.run(story())


async def resolved(night: Night) -> str:
    plan = night.propose(night.alert())
    await night.answer(plan)
    await until(night, plan.incident, "verified")
    return plan.incident


# what takes long


def test_an_abort_ends_a_step_that_takes_long_and_the_way_back_begins_at_once(night: Night) -> None:
    async def story() -> None:
        ended = asyncio.Event()

        async def forever(version: str, replicas: int) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        night.traffic.prepare = forever
        plan = night.propose(night.alert())
        await night.answer(plan)
        worker = Worker(replace(night.outside))
        for _ in range(3):
            await night.clock.advance(seconds=1)
            await worker.turn()
            for _ in range(50):
                await asyncio.sleep(0.002)
        assert rollout_of(night, plan.incident).phase == "preparing"
        await abort_rollout(night.outside, plan.incident, "ana", "too slow")
        for _ in range(4):
            await night.clock.advance(seconds=1)
            await worker.turn()
            for _ in range(50):
                await asyncio.sleep(0.002)
        assert ended.is_set()
        assert rollout_of(night, plan.incident).phase == "reverted"

    asyncio.run(story())
