from datetime import timedelta
from typing import get_args

import pytest
from canary_story import INDEPENDENT, NOTHING, RULE, SECOND, Story, counts, started
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from steadyhand.journey.rollout.judge import judge
from steadyhand.journey.rollout.model import Back, Counts, Hold, Metric, Promote, Undecided, Verdict
from steadyhand.journey.rollout.rule import CanaryRule

GOOD, SICK = counts(5), counts(95, 19)
PATIENT = CanaryRule(longest=timedelta(hours=1))
IMPATIENT = CanaryRule(soak=timedelta(0))
ADAPTER: TypeAdapter[Verdict] = TypeAdapter(Verdict)


def back(story: Story) -> str:
    """Why it is taken back, or the kind of the other verdict."""
    verdict = story.verdict
    return verdict.reason if isinstance(verdict, Back) else verdict.kind


# --- rule 1: integrity, from the first tick on


def test_counters_that_stand_still_in_time_are_stale_after_three_seconds() -> None:
    story = Story(started(target="errors")).seconds(40, GOOD, SICK)
    assert isinstance(judge(story.watch, story.now + 3 * SECOND, RULE), Promote)
    story.now += timedelta(seconds=3.1)
    assert back(story) == "stale"


def test_fresh_counters_that_do_not_move_are_stale_too() -> None:
    story = Story(started(target="errors")).seconds(25, GOOD, SICK).seconds(3, NOTHING, NOTHING)
    assert story.verdict.kind == "hold"
    assert back(story.second(NOTHING, NOTHING)) == "stale"


def test_a_quiet_service_is_not_stale_between_two_requests() -> None:
    story = Story(started())
    for second in range(60):
        story.second(NOTHING, counts(1 if second % 6 == 0 else 0))
        assert story.verdict.kind == "hold"


def test_a_reset_is_said_before_anything_else() -> None:
    story = Story(started()).seconds(2, counts(5, 5), counts(95))
    last = story.watch.last
    story.watch = story.watch.model_copy(update={"broken": "reset", "healthy": False, "last": last})
    story.now += timedelta(hours=1)
    assert back(story) == "reset"


def test_a_share_far_above_the_asked_one_goes_back_once_it_is_known() -> None:
    story = Story(started()).seconds(3, counts(12), counts(88))
    assert story.verdict.kind == "hold"
    assert back(story.second(counts(12), counts(88))) == "share off"


def test_twice_the_share_and_a_point_is_still_chance() -> None:
    assert Story(started()).seconds(20, counts(11), counts(89)).verdict.kind == "hold"


# --- rule 1b: no traffic


@pytest.mark.parametrize(
    ("rps", "seconds"),
    [(100, 10), (40, 10), (20, 12), (10, 23), (2, 97), (0, 10)],
)
def test_silence_is_no_traffic_after_a_time_that_fits_the_rate(rps: int, seconds: int) -> None:
    story = Story(started(), rule=PATIENT.model_copy(update={"longest": timedelta(seconds=300)}))
    story.seconds(seconds - 1, NOTHING, counts(rps))
    assert story.verdict.kind == "hold"
    assert back(story.second(NOTHING, counts(rps))) == "no traffic"


def test_silence_never_lasts_longer_than_an_observation() -> None:
    story = Story(started(), rule=RULE)
    for second in range(300):
        story.second(NOTHING, counts(1 if second % 10 == 0 else 0))
    assert back(story) == "no traffic"


def test_traffic_that_stops_in_the_middle_is_no_traffic_even_when_proof_was_there() -> None:
    story = Story(started(target="errors")).seconds(20, GOOD, SICK).seconds(10, NOTHING, SICK)
    assert back(story) == "no traffic"


def test_no_events_with_requests_is_data() -> None:
    assert Story(started()).seconds(40, GOOD, counts(95)).verdict.kind == "hold"


# --- rule 2: hard stop


def test_a_canary_that_fails_its_health_check_goes_back_at_once() -> None:
    assert back(Story(started()).second(GOOD, counts(95), healthy=False)) == "failing"


def test_a_canary_that_fails_most_requests_goes_back_within_the_cold_start() -> None:
    story = Story(started()).seconds(3, counts(5, 3), counts(95, 9))
    assert story.verdict.kind == "hold"
    assert back(story.second(counts(5, 3), counts(95, 9))) == "failing"


def test_a_canary_no_sicker_than_its_control_is_no_hard_stop() -> None:
    assert Story(started(target="errors")).seconds(4, counts(5, 3), counts(95, 10)).verdict.kind == "hold"


def test_half_of_the_requests_is_not_most() -> None:
    assert Story(started()).seconds(5, counts(6, 3), counts(94)).verdict.kind == "hold"


# --- rule 3: worse


@pytest.mark.parametrize("metric", get_args(Metric))
def test_each_guard_alone_can_take_it_back(metric: Metric) -> None:
    bad, normal = counts(5).model_copy(update={metric: 1}), counts(95).model_copy(update={metric: 1})
    story = Story(started()).seconds(30, bad, normal)
    verdict = story.verdict
    assert isinstance(verdict, Back)
    assert (verdict.reason, verdict.figures.metric) == ("worse", metric)
    assert verdict.figures.lower > 1


def test_worse_needs_no_soak_and_no_known_burstiness() -> None:
    story = Story(started(phi=None)).seconds(5, GOOD, counts(95, 1)).seconds(4, counts(5, 2), counts(95, 1))
    assert back(story) == "worse"


def test_a_better_target_does_not_excuse_a_worse_guard() -> None:
    story = Story(started(target="errors")).seconds(40, counts(5, 0, 2), counts(95, 19, 9))
    assert back(story) == "worse"


def test_a_cure_is_not_called_slow_because_its_control_fails_fast() -> None:
    """Slow answers are one in ten of those that succeed, in both arms."""
    story = Story(started(target="errors")).seconds(60, counts(50, 0, 5), counts(950, 475, 47))
    assert isinstance(story.verdict, Promote)


def test_with_very_much_traffic_five_percent_more_errors_are_no_reason() -> None:
    much = Story(started(share=0.5), rule=PATIENT).seconds(240, counts(1_000, 105), counts(1_000, 100))
    assert much.watch.evidence["errors"].bounds(0.01, "one")[0] >= 1
    assert much.verdict.kind == "hold"


def test_the_rule_may_ask_for_more_than_no_change_before_it_calls_it_worse() -> None:
    story = Story(started()).seconds(30, counts(25, 4), counts(475, 40))
    assert back(story) == "worse"
    story.rule = CanaryRule(worse_than=2)
    assert story.verdict.kind == "hold"


# --- rule 4: the target is proven better


def test_a_fix_is_promoted_as_proven_better_when_the_soak_is_over() -> None:
    story = Story(started(target="errors")).seconds(29, GOOD, SICK)
    assert story.verdict.kind == "hold"
    verdict = story.second(GOOD, SICK).verdict
    assert isinstance(verdict, Promote)
    assert verdict.grade == "proven better"
    assert verdict.figures.upper is not None
    assert verdict.figures.upper <= 0.5


@pytest.mark.parametrize("target", ["slow90", "slow99"])
def test_the_target_may_be_slowness(target: Metric) -> None:
    slow = counts(95).model_copy(update={target: 30})
    story = Story(started(target=target)).seconds(30, GOOD, slow)
    assert isinstance(story.verdict, Promote)


def test_better_but_not_as_much_as_wanted_is_not_enough() -> None:
    story = Story(started(target="errors")).seconds(60, counts(10, 1), counts(90, 18))
    assert story.verdict.kind == "hold"
    story.rule = CanaryRule(want=0.99)
    assert isinstance(story.verdict, Promote)


def test_a_guard_that_only_looks_worse_brakes_the_promotion() -> None:
    story = Story(started(target="errors")).seconds(35, GOOD, SICK)
    looks_worse = counts(5, 0, 0, 1), counts(95, 19, 0, 6)
    assert isinstance(story.seconds(4, *looks_worse).verdict, Promote)
    assert isinstance(story.second(*looks_worse).verdict, Hold)


def test_without_a_history_a_fix_is_promoted_once_the_burstiness_was_seen() -> None:
    story = Story(started(target="errors", phi=None), rule=IMPATIENT).seconds(24, GOOD, SICK)
    watching = story.verdict
    assert isinstance(watching, Hold)
    assert (watching.verdict_in, watching.figures.phi) == (None, None)
    verdict = story.second(GOOD, SICK).verdict
    assert isinstance(verdict, Promote)
    assert verdict.figures.phi == 1.0


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 95)), min_size=24, max_size=24))
def test_without_a_history_nothing_is_promoted_before_twenty_seconds_of_evidence(
    seconds: list[tuple[int, int]],
) -> None:
    stories = [
        Story(started(target=target, phi=None), rule=IMPATIENT) for target in (None, *get_args(Metric))
    ]
    for canary, errors in seconds:
        for story in stories:
            story.second(counts(canary), counts(95, errors))
            assert not isinstance(story.verdict, Promote)


def seconds_to_proof(errors: list[int]) -> int:
    """When a canary without errors is proven better than a control with these, again and again."""
    story = Story(started(target="errors", phi=None), rule=IMPATIENT)
    for second in range(1, 300):
        story.second(GOOD, counts(95, errors[second % len(errors)]))
        if isinstance(story.verdict, Promote):
            return second
    raise AssertionError(story.verdict)


def test_without_a_history_a_bursty_control_takes_longer_to_be_beaten() -> None:
    assert seconds_to_proof([19]) == 25
    assert 25 < seconds_to_proof([14, 24]) < seconds_to_proof([9, 29])


def test_without_a_history_one_burst_in_the_canary_is_no_proof_of_harm() -> None:
    """With independent errors it would be."""
    for phi, kind in ((INDEPENDENT, "worse"), (None, "hold")):
        story = Story(started(phi=phi)).seconds(15, GOOD, counts(95, 1)).second(counts(9, 9), counts(95, 1))
        assert back(story) == kind


def test_a_canary_that_answers_less_than_half_its_share_is_not_promoted() -> None:
    """The requests it does not answer may be the ones that hang."""
    story = Story(started(target="errors")).seconds(40, counts(2), counts(95, 19))
    assert story.verdict.figures.upper is not None
    assert story.verdict.figures.upper <= 0.5
    assert isinstance(story.verdict, Hold)


def test_an_exhausted_control_that_answers_little_costs_time_but_not_truth() -> None:
    story = Story(started(target="errors")).seconds(30, GOOD, counts(45, 20))
    assert isinstance(story.verdict, Promote)
    assert Story(started(target="errors")).seconds(30, counts(5, 2), counts(45, 18)).verdict.kind == "hold"


# --- rule 5: without a target, not worse


def healthy_pair(errors: int = 20) -> tuple[Counts, Counts]:
    """1,000 rps with plenty of each event, equal in both arms."""
    return counts(50, 1, 5, 1), counts(950, errors, 95, 19)


def test_equal_arms_are_promoted_as_not_worse() -> None:
    story = Story(started()).seconds(60, *healthy_pair())
    verdict = story.verdict
    assert isinstance(verdict, Promote)
    assert verdict.grade == "not worse"


def test_every_guard_has_to_pass() -> None:
    canary, stable = healthy_pair()
    unmeasured = stable.model_copy(update={"slow99": 0}), canary.model_copy(update={"slow99": 0})
    assert Story(started()).seconds(200, unmeasured[1], unmeasured[0]).verdict.kind == "hold"


def test_hardly_any_errors_pass_below_the_agreed_floor() -> None:
    canary, stable = counts(50, 0, 5, 1), counts(950, 0, 95, 19)
    assert Story(started()).seconds(60, canary, stable).verdict.kind == "hold"
    assert isinstance(Story(started(error_floor=0.01)).seconds(60, canary, stable).verdict, Promote)
    assert Story(started(error_floor=0.001)).seconds(60, canary, stable).verdict.kind == "hold"


def test_a_target_does_not_pass_by_being_not_worse() -> None:
    assert Story(started(target="errors")).seconds(120, *healthy_pair()).verdict.kind == "hold"


# --- rule 6: extend, then ask


def test_it_says_how_long_it_goes_on() -> None:
    story = Story(started()).seconds(10, GOOD, counts(95, 1))
    watching = story.verdict
    assert isinstance(watching, Hold)
    assert (watching.name, watching.seconds_left) == ("watching", 20)
    extended = story.seconds(30, GOOD, counts(95, 1)).verdict
    assert isinstance(extended, Hold)
    assert (extended.name, extended.seconds_left) == ("undecided so far", 260)


def test_it_says_when_proof_is_to_be_expected() -> None:
    soon = Story(started()).seconds(20, *healthy_pair()).verdict
    never = Story(started(target="errors")).seconds(20, *healthy_pair()).verdict
    fixed = Story(started(target="errors")).seconds(12, GOOD, SICK).verdict
    assert isinstance(soon, Hold)
    assert isinstance(never, Hold)
    assert isinstance(fixed, Hold)
    assert soon.verdict_in is not None
    assert 0 < soon.verdict_in < 60
    assert never.verdict_in is None
    assert fixed.verdict_in is not None
    assert fixed.verdict_in < 20


def test_after_the_longest_watch_a_human_is_asked_and_told_what_could_have_been_seen() -> None:
    story = Story(started()).seconds(300, GOOD, counts(95, 1))
    verdict = story.verdict
    assert isinstance(verdict, Undecided)
    assert verdict.name == "no evidence of harm"
    assert verdict.figures.could_have_seen == pytest.approx(2.1, abs=0.1)


def test_without_any_event_there_is_no_evidence_of_anything() -> None:
    verdict = Story(started()).seconds(300, GOOD, counts(95)).verdict
    assert isinstance(verdict, Undecided)
    assert verdict.name == "undecided"
    assert (verdict.figures.ratio, verdict.figures.could_have_seen) == (1.0, None)


def test_equal_and_bad_stays_undecided() -> None:
    story = Story(started(target="errors")).seconds(300, counts(5, 1), SICK)
    assert isinstance(story.verdict, Undecided)
    assert story.verdict.name == "undecided"


def test_events_in_the_canary_alone_have_no_finite_ratio() -> None:
    story = Story(started()).seconds(6, GOOD, counts(95)).second(counts(5, 1), counts(95))
    assert story.verdict.figures.ratio is None


# --- what always holds

arm = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 300)), min_size=1, max_size=60),
    st.sampled_from([None, *get_args(Metric)]),
    st.sampled_from([None, 0.5, 1.0]),
)
def test_without_canary_traffic_nothing_is_ever_promoted(
    seconds: list[tuple[int, int]], target: Metric | None, floor: float | None
) -> None:
    story = Story(started(target=target, error_floor=floor), rule=CanaryRule(soak=timedelta(seconds=1)))
    for requests, events in seconds:
        story.second(NOTHING, counts(requests, events, events, events))
        assert not isinstance(story.verdict, Promote)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(arm, arm), min_size=1, max_size=40), st.sampled_from([None, "errors"]))
def test_every_verdict_survives_json(
    seconds: list[tuple[tuple[int, int, int], tuple[int, int, int]]], target: Metric | None
) -> None:
    story = Story(started(target=target, phi=None))
    for canary, stable in seconds:
        story.second(counts(60, *canary), counts(600, *stable))
        verdict = story.verdict
        assert ADAPTER.validate_json(ADAPTER.dump_json(verdict)) == verdict
