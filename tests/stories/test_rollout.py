"""Five percent, watched, then all of it or none of it; and nothing is promoted unobserved."""

import asyncio
from datetime import timedelta

import pytest

from steadyhand.journey.audit.proof import find_problem
from steadyhand.ports import EffectUnknown, SourceUnavailable
from steadyhand.responder.rollouts.interventions import abort_rollout
from stories.night import BUILD_INDEX, Night


async def _until(night: Night, incident: str, phase: str, most: int = 400) -> None:
    for _ in range(most):
        rollout = night.view(incident).rollout
        if rollout is not None and rollout.phase == phase:
            return
        await night.pass_time(1)
    rollout = night.view(incident).rollout
    raise AssertionError(f"never {phase}: {rollout and (rollout.phase, rollout.reason)}")


def test_a_good_fix_goes_to_five_percent_then_to_all_and_the_incident_is_resolved(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.answer(plan)
        await _until(night, plan.incident, "watching")
        began = night.clock.now()
        assert (await night.traffic.observe()).share == pytest.approx(0.05)
        await _until(night, plan.incident, "verifying")
        assert night.clock.now() - began >= timedelta(seconds=30)
        await _until(night, plan.incident, "verified")
        view = night.view(plan.incident)
        assert view.incident.status == "resolved"
        assert night.traffic.stable.version == "1.0"
        assert (await night.traffic.observe()).share == 0
        await night.turn()
        assert night.phone.rings[-1].subject.endswith("resolved")

    asyncio.run(story())


def test_a_fix_that_fails_on_its_share_is_taken_back_by_itself(night: Night) -> None:
    async def story() -> None:
        night.traffic.stable.error_rate = 0.05
        plan = night.propose(night.alert())
        await night.answer(plan)
        night.traffic.canary.error_rate = 0.6
        await _until(night, plan.incident, "reverted", most=60)
        assert (await night.traffic.observe()).share == 0
        assert night.traffic.stable.version == "1.1"
        assert night.view(plan.incident).incident.status == "needs_human"

    asyncio.run(story())


@pytest.mark.parametrize("trouble", ["lost", "stale"])
def test_no_traffic_and_stale_counters_are_no_success(night: Night, trouble: str) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.answer(plan)
        await _until(night, plan.incident, "watching")
        setattr(night.traffic, trouble, True)
        await _until(night, plan.incident, "reverted", most=120)
        assert night.view(plan.incident).incident.status == "needs_human"

    asyncio.run(story())


@pytest.mark.parametrize("phase", ["watching", "verifying"])
def test_a_controller_killed_in_the_middle_observes_a_full_new_window(night: Night, phase: str) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.answer(plan)
        await _until(night, plan.incident, phase)
        await night.clock.advance(seconds=20)
        assert (await night.traffic.observe()).share == 0  # the lease brought traffic home
        night.restart()
        await _until(night, plan.incident, "watching")
        again = night.clock.now()
        await _until(night, plan.incident, "verifying")
        assert night.clock.now() - again >= timedelta(seconds=30)
        await _until(night, plan.incident, "verified")
        assert "rollout.taken_over" in night.actions(plan.incident)

    asyncio.run(story())


def test_a_controller_killed_before_its_first_step_still_starts_the_approved_plan(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.answer(plan)
        night.restart()
        await _until(night, plan.incident, "verified")
        assert night.view(plan.incident).incident.attempts == 1

    asyncio.run(story())


def test_an_abort_brings_the_traffic_back_and_asks_nobody(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.answer(plan)
        await _until(night, plan.incident, "watching")
        await abort_rollout(night.outside, plan.incident, "ana", "changed my mind")
        await night.pass_time(2)
        assert (await night.traffic.observe()).share == 0
        assert night.view(plan.incident).rollout.phase == "reverted"

    asyncio.run(story())


def test_a_foreign_hand_on_the_share_ends_the_rollout(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.answer(plan)
        await _until(night, plan.incident, "watching")
        night.users.blind = False
        night.traffic.stable.error_rate = 0.0
        night.users.override = None
        night.traffic.failure = SourceUnavailable("shop", "connection refused")
        await night.pass_time(6)
        night.traffic.failure = None
        await _until(night, plan.incident, "reverted", most=20)

    asyncio.run(story())


def test_a_way_back_that_fails_is_stuck_and_pages(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.answer(plan)
        await _until(night, plan.incident, "watching")
        night.traffic.failure = EffectUnknown("shop", "no answer")
        await _until(night, plan.incident, "stuck", most=60)
        await night.turn()
        assert any("STUCK" in ring.body for ring in night.phone.rings)

    asyncio.run(story())


def test_no_samples_after_the_promotion_are_no_recovery(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.answer(plan)
        await _until(night, plan.incident, "verifying")
        night.users.blind = True
        await _until(night, plan.incident, "reverted", most=200)
        assert "no samples" in night.view(plan.incident).rollout.reason

    asyncio.run(story())


def test_an_index_is_built_verified_and_kept(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert(), BUILD_INDEX)
        await night.answer(plan)
        await _until(night, plan.incident, "verified")
        assert night.database.statements == ["create ix_orders_email"]
        assert night.view(plan.incident).incident.status == "resolved"

    asyncio.run(story())


def test_an_index_that_does_not_help_is_dropped_again(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert(), BUILD_INDEX)
        await night.answer(plan)
        night.users.override = 0.3
        await _until(night, plan.incident, "reverted")
        assert night.database.statements == ["create ix_orders_email", "drop ix_orders_email"]

    asyncio.run(story())


def test_an_alert_that_fires_again_soon_after_reopens_and_pages_anew(night: Night) -> None:
    async def story() -> None:
        incident = night.alert()
        plan = night.propose(incident)
        await night.answer(plan)
        await _until(night, incident, "verified")
        await night.turn()
        night.alert(status="resolved")
        rings = night.phone.rang("ana")
        await night.clock.advance(minutes=3)
        assert night.alert() == incident
        await night.turn()
        assert night.phone.rang("ana") == rings + 1
        assert night.view(incident).incident.episode == 1

    asyncio.run(story())


def test_two_fixes_tried_leave_the_third_to_a_human(night: Night) -> None:
    async def story() -> None:
        incident = night.alert()
        night.traffic.stable.error_rate = 0.05
        for _ in range(2):
            plan = night.propose(incident)
            await night.answer(plan)
            await night.pass_time(2)
            night.traffic.canary.error_rate = 0.9
            await _until(night, incident, "reverted", most=60)
            night.traffic.canary.error_rate = 0.0
            with night.outside.ledger.write() as tx:
                stored = tx.incident(incident)
                tx.save(stored.model_copy(update={"status": "investigating"}), (), night.clock.now())
        night.propose(incident)
        assert night.view(incident).incident.status == "needs_human"
        assert "a human leads" in night.view(incident).incident.note

    asyncio.run(story())


def test_the_audit_trail_of_a_whole_night_holds_and_a_changed_letter_shows(night: Night) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.answer(plan)
        await _until(night, plan.incident, "verified")
        with night.outside.ledger.read() as tx:
            rows = list(tx.audit.rows())
        assert find_problem(rows) == ""
        forged = {**rows[3], "actor": rows[3]["actor"] + "x"}
        assert "row 4 was changed" in find_problem([*rows[:3], forged, *rows[4:]])
        assert "missing" in find_problem([*rows[:3], *rows[4:]])

    asyncio.run(story())
