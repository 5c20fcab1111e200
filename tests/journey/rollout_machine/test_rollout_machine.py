"""The table of phases: what follows from what was seen, and from what could not be seen."""

from datetime import timedelta
from typing import Any

import pytest
from journey.incident_case import NOW, plan
from stories.night import BUILD_INDEX

from steadyhand.journey.recovery.model import Goal, Reading
from steadyhand.journey.remedy.model import DropIndex, Fix, Nothing
from steadyhand.journey.rollout.machine import (
    abort,
    advance,
    failed,
    overtaken,
    resume,
    start,
)
from steadyhand.journey.rollout.model import Arms, Counts, Observed
from steadyhand.journey.rollout.state import OVER, Phase, Rollout, Seen
from steadyhand.journey.rollout.watch import METRICS

SECOND = timedelta(seconds=1)
LONG = timedelta(seconds=91)
ARMS = Arms(at=NOW, stable=Counts(requests=1000, errors=10), canary=Counts(requests=0, errors=0))
DROP_INDEX = BUILD_INDEX.model_copy(
    update={"action": BUILD_INDEX.rollback, "rollback": BUILD_INDEX.action, "title": "Drop the index"}
)


def observed(**changes: Any) -> Observed:
    given = {
        "share": 0.0,
        "stable_version": "1.1",
        "stable_ready": 3,
        "canary_version": "1.0",
        "canary_ready": 3,
    }
    return Observed.model_validate(given | changes)


def at(phase: Phase, share: float = 0.0, fix: Fix | None = None, **changes: Any) -> Rollout:
    begun = start("roll-1", plan(fix) if fix else plan(), "a", NOW)
    return begun.model_copy(update={"phase": phase, "share": share} | changes)


def watching(**changes: Any) -> Rollout:
    seen = Seen(observed=observed(share=0.05), arms=ARMS)
    return advance(at("shifting", 0.05), seen, NOW).model_copy(update=changes)


def reading(value: float | None, answers: int = 2000) -> Seen:
    """A look while verifying: the goal's number, and what the fix has answered since it has all traffic."""
    arms = Arms(at=NOW, stable=ARMS.stable, canary=Counts(requests=answers, errors=0))
    return Seen(readings=(Reading(name="errors", value=value),), arms=arms)


# where it begins


def test_a_release_begins_beside_the_old_one_and_an_index_is_applied() -> None:
    assert (start("r", plan(), "a", NOW).phase, plan().fix.moves) == ("preflight", "shop")
    index = plan(BUILD_INDEX)
    assert (start("r", index, "a", NOW).phase, index.fix.moves) == ("applying", "postgres")


# phases that wait for the target


@pytest.mark.parametrize(
    ("phase", "share", "seen", "then"),
    [
        ("preflight", 0.0, {}, "preparing"),
        ("preparing", 0.0, {}, "shifting"),
        ("promoting", 1.0, {"share": 1.0}, "verifying"),
        ("settling", 1.0, {"stable_version": "1.0"}, "verified"),
        ("reverting", 0.0, {}, "reverted"),
    ],
)
def test_a_phase_is_over_when_the_target_shows_it(
    phase: Phase, share: float, seen: dict[str, Any], then: Phase
) -> None:
    assert advance(at(phase, share), Seen(observed=observed(**seen)), NOW + SECOND).phase == then


@pytest.mark.parametrize(
    ("phase", "share", "seen", "then"),
    [
        ("preflight", 0.0, {"share": 0.05}, "reverting"),
        ("preparing", 0.0, {"canary_ready": 2}, "reverting"),
        ("preparing", 0.0, {"canary_version": "0.9"}, "reverting"),
        ("shifting", 0.05, {"share": 0.0}, "reverting"),
        ("promoting", 1.0, {"share": 0.05}, "reverting"),
        ("settling", 1.0, {"stable_version": "1.1"}, "reverting"),
        ("settling", 1.0, {"stable_version": "1.0", "share": 1.0}, "reverting"),
        ("reverting", 0.0, {"share": 0.05}, "stuck"),
    ],
)
def test_what_never_comes_about_is_waited_for_and_then_taken_back(
    phase: Phase, share: float, seen: dict[str, Any], then: Phase
) -> None:
    before, shown = at(phase, share), Seen(observed=observed(**seen))
    assert advance(before, shown, NOW + SECOND).phase == phase
    late = advance(before, shown, NOW + LONG)
    assert late.phase == then
    assert "it never came about" in late.reason


def test_a_share_without_counters_is_not_watched_yet_and_not_for_ever() -> None:
    before, shown = at("shifting", 0.05), Seen(observed=observed(share=0.05))
    assert advance(before, shown, NOW + SECOND).phase == "shifting"
    assert advance(before, shown, NOW + LONG).phase == "reverting"


@pytest.mark.parametrize("phase", OVER)
def test_what_is_over_stays_as_it_is(phase: Phase) -> None:
    assert advance(at(phase), Seen(), NOW).phase == phase
    assert overtaken(at(phase), "somebody", NOW).phase == phase
    assert abort(at("verified"), "ana", "?", NOW).phase == "verified"


def test_what_is_stuck_can_be_told_to_try_again() -> None:
    assert abort(at("stuck"), "ana", "the platform is up again", NOW).phase == "reverting"


# watching


def test_a_watch_holds_until_the_judge_has_seen_enough() -> None:
    seen = Seen(observed=observed(share=0.05), arms=ARMS.model_copy(update={"at": NOW + SECOND}))
    after = advance(watching(), seen, NOW + SECOND)
    assert after.phase == "watching"
    assert len(after.history) == 1


def test_another_hand_on_the_share_ends_the_watch() -> None:
    after = advance(watching(), Seen(observed=observed(share=0.5), arms=ARMS), NOW + SECOND)
    assert (after.phase, after.reason) == ("reverting", "Somebody else set the share to 50%")


def test_a_share_that_is_back_home_ends_the_watch_and_says_what_that_may_mean() -> None:
    after = advance(watching(), Seen(observed=observed(share=0.0)), NOW + SECOND)
    assert after.phase == "reverting"
    assert "the lease ran out, or somebody brought it home" in after.reason


@pytest.mark.parametrize("phase", ["preflight", "preparing"])
def test_a_target_in_another_hand_is_not_touched_before_the_start(phase: Phase) -> None:
    after = overtaken(at(phase), "shop: bo holds its traffic", NOW)
    assert (after.phase, after.reason) == ("reverted", "Nothing was moved: shop: bo holds its traffic")


@pytest.mark.parametrize("phase", ["watching", "asking", "verifying", "reverting"])
def test_a_target_taken_over_in_the_middle_is_left_to_a_human_with_the_command(phase: Phase) -> None:
    after = overtaken(at(phase, 0.05, by_hand="bring it home"), "shop: bo holds its traffic", NOW)
    assert after.phase == "stuck"
    assert after.reason.endswith("bo holds its traffic. By hand: bring it home")


@pytest.mark.parametrize("seen", [Seen(), Seen(observed=observed(share=0.05)), Seen(arms=ARMS)])
def test_counters_that_stay_unread_end_the_watch_before_long(seen: Seen) -> None:
    rollout, now = watching(), NOW
    while rollout.phase == "watching":
        now += SECOND
        rollout = advance(rollout, seen, now)
        assert now < NOW + timedelta(seconds=30)
    assert rollout.phase == "reverting"


def test_a_failure_while_watching_is_for_the_judge() -> None:
    rollout, now = watching(), NOW
    while rollout.phase == "watching":
        now += SECOND
        rollout = failed(rollout, "connection refused", now)
        assert now < NOW + timedelta(seconds=30)
    assert rollout.phase == "reverting"


def test_a_canary_without_a_healthy_replica_goes_back() -> None:
    rollout, now = watching(), NOW
    while rollout.phase == "watching":
        now += SECOND
        arms = Arms(
            at=now,
            stable=Counts(requests=1000 + 95 * int((now - NOW).total_seconds()), errors=10),
            canary=Counts(requests=0, errors=0),
        )
        rollout = advance(rollout, Seen(observed=observed(share=0.05, canary_ready=0), arms=arms), now)
        assert now < NOW + timedelta(seconds=30)
    assert rollout.phase == "reverting"


# verifying


def verifying(**changes: Any) -> Rollout:
    return at("verifying", 1.0, whole=ARMS, **changes)


def test_recovery_must_hold_without_a_break() -> None:
    rollout = verifying()
    for second in range(1, 21):
        rollout = advance(rollout, reading(0.5 if second == 10 else 0.0), NOW + second * SECOND)
        assert rollout.phase == "verifying"
    assert advance(rollout, reading(0.0), NOW + 21 * SECOND).phase == "settling"


def test_recovery_that_was_looked_at_too_seldom_is_not_verified_yet() -> None:
    rollout = verifying()
    for second in (1, 6, 11, 16):
        rollout = advance(rollout, reading(0.0), NOW + second * SECOND)
    assert rollout.phase == "verifying"
    assert advance(rollout, reading(0.0), NOW + 21 * SECOND).phase == "settling"


def test_a_fix_that_hardly_answered_anything_is_not_verified() -> None:
    rollout = verifying()
    for second in range(1, 91):
        rollout = advance(rollout, reading(0.0, answers=49), NOW + second * SECOND)
        assert rollout.phase == "verifying"
    late = advance(rollout, reading(0.0, answers=49), NOW + LONG)
    assert late.phase == "reverting"
    assert "only 49 answers of the fix" in late.reason


def test_a_number_must_come_near_to_what_it_was_before_the_incident() -> None:
    goal = Goal(name="errors", expression="e", bound=0.02, normal=0.002, at_incident=0.2)
    rollout = verifying(plan=plan(goals=(goal,)))
    for second in range(1, 30):
        rollout = advance(rollout, reading(0.015), NOW + second * SECOND)
    assert rollout.phase == "verifying"
    for second in range(30, 41):
        rollout = advance(rollout, reading(0.01), NOW + second * SECOND)
    assert rollout.phase == "settling"


def test_a_neighbour_that_gets_worse_takes_the_fix_back_though_its_own_goal_is_met() -> None:
    neighbour = Goal(name="errors of cart", expression="c", bound=0.02, at_incident=0.0)
    rollout = verifying(plan=plan(watched=(neighbour,)))
    arms = Arms(at=NOW, stable=ARMS.stable, canary=Counts(requests=10, errors=0))
    readings = (Reading(name="errors", value=0.0), Reading(name="errors of cart", value=0.4))
    for second in range(1, 12):
        rollout = advance(rollout, Seen(readings=readings, arms=arms), NOW + second * SECOND)
    assert (rollout.phase, rollout.reason) == ("reverting", "It got worse: errors of cart")


def test_with_all_traffic_the_fix_may_not_be_slower_than_the_old_version_was() -> None:
    watch = watching().watch
    assert watch is not None
    last = Arms(at=NOW, stable=Counts(requests=3000, errors=10, slow90=210), canary=ARMS.canary)
    seen = watch.model_copy(update={"settled": ARMS, "last": last, "phi": dict.fromkeys(METRICS, 1.0)})
    rollout = verifying(watch=seen)
    slow = Arms(at=NOW, stable=ARMS.stable, canary=Counts(requests=1000, errors=0, slow90=500))
    after = advance(rollout, Seen(readings=reading(0.0).readings, arms=slow), NOW + SECOND)
    assert after.phase == "reverting"
    assert "more slow answers than the old version" in after.reason


def test_a_database_fix_that_holds_is_verified_at_once() -> None:
    rollout = at("verifying", fix=BUILD_INDEX)
    for second in range(10):
        rollout = advance(rollout, reading(0.0), NOW + second * SECOND)
    assert advance(rollout, reading(0.0), NOW + 10 * SECOND).phase == "verified"


def test_no_sample_is_no_recovery_and_patience_ends() -> None:
    assert advance(verifying(), reading(None), NOW + SECOND).phase == "verifying"
    late = advance(verifying(), reading(None), NOW + LONG)
    assert late.phase == "reverting"
    assert late.reason == "No recovery in time (no samples: errors)"


def test_worse_that_holds_goes_back_before_patience_ends() -> None:
    goal = Goal(name="errors", expression="e", bound=0.02, at_incident=0.2)
    rollout = verifying(plan=plan(goals=(goal,)))
    for second in (1, 2, 10):
        rollout = advance(rollout, reading(0.5), NOW + second * SECOND)
        assert rollout.phase == "verifying"
    back = advance(rollout, reading(0.5), NOW + 11 * SECOND)
    assert (back.phase, back.reason) == ("reverting", "It got worse: errors")


# the database


@pytest.mark.parametrize("fix", [BUILD_INDEX, DROP_INDEX])
def test_a_database_fix_is_looked_at_in_place_both_ways(fix: Fix) -> None:
    assert advance(at("applying", fix=fix), Seen(effect="done"), NOW).phase == "verifying"
    assert advance(at("undoing", fix=fix), Seen(effect="done"), NOW).phase == "reverted"


def test_an_index_that_is_being_built_is_waited_for() -> None:
    assert advance(at("applying", fix=BUILD_INDEX), Seen(effect="under way"), NOW + LONG).phase == "applying"


def test_an_index_that_stays_invalid_is_dropped_and_one_that_stays_is_stuck() -> None:
    rollout = at("applying", fix=BUILD_INDEX)
    for _ in range(3):
        rollout = advance(rollout, Seen(effect="broken", by_hand="drop index ix"), NOW)
    assert (rollout.phase, rollout.tries) == ("undoing", 0)
    for _ in range(3):
        rollout = advance(rollout, Seen(), NOW)
    assert rollout.phase == "stuck"
    assert rollout.reason.endswith("it is unknown in the database. By hand: drop index ix")


def test_what_cannot_be_taken_back_says_so_and_nothing_is_done() -> None:
    cancel = BUILD_INDEX.model_copy(update={"rollback": Nothing(why="the statement is gone")})
    after = advance(at("undoing", fix=cancel, reason="No recovery."), Seen(), NOW)
    assert (after.phase, after.reason) == (
        "reverted",
        "No recovery. Nothing is taken back: the statement is gone",
    )


# failures, aborts, other owners


@pytest.mark.parametrize(
    "phase", ["preflight", "preparing", "shifting", "promoting", "verifying", "settling"]
)
def test_three_failures_in_a_row_turn_round_and_three_on_the_way_back_call_a_human(phase: Phase) -> None:
    rollout = at(phase)
    for _ in range(3):
        assert rollout.phase == phase
        rollout = failed(rollout, "no answer", NOW)
    for _ in range(3):
        assert rollout.phase == "reverting"
        rollout = failed(rollout, "no answer", NOW)
    assert rollout.phase == "stuck"


def test_one_good_step_forgets_failures() -> None:
    rollout = failed(failed(at("preparing"), "no answer", NOW), "no answer", NOW)
    assert advance(rollout, Seen(observed=observed(canary_ready=1)), NOW).tries == 0


def test_an_abort_goes_back_at_once_and_a_second_one_changes_nothing() -> None:
    back = abort(watching(), "ana", "changed my mind", NOW)
    assert (back.phase, back.share) == ("reverting", 0.0)
    assert abort(back, "bo", "me too", NOW) == back
    assert abort(at("applying", fix=BUILD_INDEX), "ana", "no", NOW).phase == "undoing"


@pytest.mark.parametrize(
    ("phase", "fix", "then"),
    [
        ("preflight", None, "preflight"),
        ("preparing", None, "preparing"),
        ("shifting", None, "preparing"),
        ("watching", None, "preparing"),
        ("asking", None, "preparing"),
        ("promoting", None, "preparing"),
        ("verifying", None, "preparing"),
        ("settling", None, "settling"),
        ("reverting", None, "reverting"),
        ("applying", BUILD_INDEX, "applying"),
        ("verifying", BUILD_INDEX, "verifying"),
        ("undoing", BUILD_INDEX, "undoing"),
    ],
)
def test_what_passed_unobserved_counts_for_nothing_to_a_new_owner(
    phase: Phase, fix: Fix | None, then: Phase
) -> None:
    taken = resume(at(phase, 0.5, fix=fix, good_since=NOW, tries=2), "b", NOW + LONG)
    assert (taken.phase, taken.owner, taken.tries, taken.good_since) == (then, "b", 0, None)
    assert taken.phase_at == NOW + LONG
    assert taken.fence > at(phase).fence


def test_a_fix_taken_back_after_it_began_to_be_made_permanent_is_back_only_when_the_old_release_runs() -> (
    None
):
    good = verifying(good_since=NOW, good_samples=4)
    settling = advance(good, reading(0.0), NOW + 10 * SECOND)
    assert settling.phase == "settling"
    back = abort(settling, "ana", "the old one after all", NOW)
    assert advance(back, Seen(observed=observed(stable_version="1.0")), NOW).phase == "reverting"
    assert advance(back, Seen(observed=observed(stable_version="1.1")), NOW).phase == "reverted"


def test_an_index_is_undone_by_its_own_statement() -> None:
    assert isinstance(plan(BUILD_INDEX).fix.rollback, DropIndex)
