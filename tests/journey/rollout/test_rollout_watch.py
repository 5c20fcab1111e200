from datetime import timedelta

import pytest
from canary_story import EARLIER, INDEPENDENT, NOTHING, SECOND, T0, Story, counts, plus, started
from hypothesis import given, settings
from hypothesis import strategies as st

from steadyhand.journey.rollout.model import Arms, Back, Promote
from steadyhand.journey.rollout.watch import METRICS, Watch, begin, measured_phi, tick


def test_what_the_counters_held_before_the_start_is_nobodys_evidence() -> None:
    watch = started()
    assert (watch.whole.canary, watch.whole.stable) == (NOTHING, NOTHING)


def test_the_first_five_seconds_are_no_evidence() -> None:
    story = Story(started()).seconds(5, counts(5, 5), counts(95))
    assert story.watch.evidence == started().evidence
    story.second(counts(5, 5), counts(95))
    assert story.watch.evidence["errors"] != started().evidence["errors"]
    assert story.watch.evidence["slow90"] == started().evidence["slow90"]
    assert (story.watch.used.canary.requests, story.watch.whole.canary.requests) == (5, 30)


def test_slow_answers_end_later_so_the_evidence_can_wait_for_the_proxys_timeout() -> None:
    story = Story(started(settle=15 * SECOND)).seconds(15, counts(5), counts(95, 19))
    assert story.watch.settled is None
    assert story.second(counts(5), counts(95, 19)).watch.settled is not None


def test_the_settling_time_is_never_below_five_seconds() -> None:
    assert started(settle=timedelta(0)).settle == 5 * SECOND


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 30), st.integers(1, 500), st.integers(0, 40))
def test_a_tick_without_one_arm_changes_no_evidence(before: int, requests: int, errors: int) -> None:
    story = Story(started()).seconds(before, counts(5, 1), counts(95, 2))
    known = story.watch.evidence
    assert story.second(NOTHING, counts(requests, errors)).watch.evidence == known
    assert story.second(counts(requests, errors), NOTHING).watch.evidence == known


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=8, max_size=20), st.booleans())
def test_it_survives_json(ticks: list[tuple[int, int]], measured: bool) -> None:  # noqa: FBT001 drawn by hypothesis
    story = Story(started(target="errors", phi=INDEPENDENT if measured else None))
    for errors, slow in ticks:
        story.second(counts(20, errors, slow), counts(300, slow, errors))
    assert Watch.model_validate_json(story.watch.model_dump_json()) == story.watch


@settings(deadline=None, max_examples=25)
@given(st.permutations([(0, 1), (1, 2), (0, 0), (3, 9), (1, 0), (2, 4)]))
def test_with_equal_arms_the_order_of_ticks_moves_no_bound(order: list[tuple[int, int]]) -> None:
    def bounds(ticks: list[tuple[int, int]]) -> tuple[float, float]:
        story = Story(started()).seconds(5, counts(20), counts(380))
        for canary, stable in ticks:
            story.second(counts(20, canary), counts(380, stable))
        return story.watch.evidence["errors"].bounds(0.01, "two")

    assert bounds(order) == bounds(sorted(order))


def test_a_known_history_is_believed_whatever_the_watch_shows() -> None:
    known = {**INDEPENDENT, "errors": 4.0}
    watch = bursts(Story(started(phi=known)), 30).watch
    assert (watch.phi_of("errors"), watch.harm_phi_of("errors"), watch.harm_phi_of("slow90")) == (4, 4, 1)


def bursts(story: Story, seconds: int, control: int = 0, canary: int = 0) -> Story:
    """Every fifth second so many errors at once."""
    for second in range(seconds):
        sick = second % 5 == 0
        story.second(counts(20, canary * sick), counts(380, control * sick))
    return story


def test_without_a_history_the_burstiness_is_known_after_twenty_seconds_of_evidence() -> None:
    story = Story(started(phi=None)).seconds(24, counts(5), counts(95, 19))
    assert not story.watch.knows_phi
    assert story.second(counts(5), counts(95, 19)).watch.knows_phi


def test_without_a_history_bursts_in_the_control_count_against_all_proof() -> None:
    watch = bursts(Story(started(phi=None)), 40, control=20).watch
    assert watch.phi_of("errors") > 10
    assert watch.harm_phi_of("errors") == watch.phi_of("errors")
    assert watch.phi_of("slow90") == 1.0


def test_without_a_history_bursts_in_the_canary_count_against_the_proof_of_harm_alone() -> None:
    watch = bursts(Story(started(phi=None)), 40, canary=10).watch
    assert watch.phi_of("errors") == 1.0
    assert watch.harm_phi_of("errors") > 5


def test_the_settling_time_is_no_sign_of_bursts() -> None:
    story = Story(started(phi=None)).seconds(4, counts(5), counts(95)).second(counts(5, 5), counts(95, 95))
    assert story.watch.stable_bursts == started().stable_bursts
    assert story.watch.canary_bursts == started().canary_bursts


def test_a_watch_does_not_grow_with_time() -> None:
    long = bursts(Story(started(phi=None)), 600, control=20, canary=2)
    assert len(long.watch.model_dump_json(include={"stable_bursts", "canary_bursts"})) < 600


def test_an_old_reading_is_no_reading() -> None:
    story = Story(started()).seconds(3, counts(5), counts(95))
    again = tick(story.watch, story.watch.last, story.now + SECOND, healthy=True)
    assert again == story.watch


def test_a_clock_that_runs_ahead_does_not_make_counters_fresh() -> None:
    ahead = EARLIER.model_copy(update={"at": T0 + timedelta(hours=1)})
    watch = begin(ahead, T0, target=None, asked_share=0.05, phi=None)
    assert watch.seen_at == T0


@pytest.mark.parametrize("name", ["requests", "errors", "slow90", "slow99"])
@pytest.mark.parametrize("arm", ["canary", "stable"])
def test_a_counter_that_goes_backwards_breaks_the_observation_for_good(arm: str, name: str) -> None:
    story = Story(started()).seconds(10, counts(5, 1, 1, 1), counts(95, 2, 9, 1))
    last = story.watch.last
    was = getattr(last, arm)
    less = was.model_copy(update={name: getattr(was, name) - 1})
    reset = last.model_copy(update={"at": story.now + SECOND, arm: less})
    watch = tick(story.watch, reset, story.now + SECOND, healthy=True)
    assert (watch.broken, watch.last) == ("reset", last)
    grown = Arms(
        at=story.now + 2 * SECOND,
        canary=plus(last.canary, counts(9)),
        stable=plus(last.stable, counts(99)),
    )
    assert tick(watch, grown, story.now + 2 * SECOND, healthy=True).broken == "reset"


def test_a_pause_of_the_watcher_breaks_the_observation() -> None:
    story = Story(started(target="errors")).seconds(20, counts(5), counts(95, 19))
    story.now += 60 * SECOND
    story.second(counts(300), counts(5_700, 1_140))
    assert story.watch.broken == "stale"
    assert isinstance(story.seconds(60, counts(5), counts(95, 19)).verdict, Back)


def test_a_failed_health_check_is_not_forgotten() -> None:
    story = Story(started()).second(counts(5), counts(95), healthy=False).second(counts(5), counts(95))
    assert not story.watch.healthy


def test_who_comes_back_begins_afresh_and_needs_a_whole_soak_again() -> None:
    died = Story(started(target="errors")).seconds(29, counts(5), counts(95, 19))
    later = died.now + timedelta(minutes=2)
    unobserved = Arms(
        at=later,
        canary=plus(died.watch.last.canary, counts(600)),
        stable=plus(died.watch.last.stable, counts(11_400, 2_280)),
    )
    continued = Story(tick(died.watch, unobserved, later, healthy=True), later)
    assert isinstance(continued.verdict, Back)

    afresh = Story(begin(unobserved, later, target="errors", asked_share=0.05, phi=INDEPENDENT), later)
    assert afresh.watch.evidence == started().evidence
    assert not isinstance(afresh.seconds(29, counts(5), counts(95, 19)).verdict, Promote)
    assert isinstance(afresh.second(counts(5), counts(95, 19)).verdict, Promote)


def test_burstiness_is_measured_over_two_minutes_of_both_kinds_of_event() -> None:
    history = [NOTHING]
    for second in range(200):
        history.append(plus(history[-1], counts(95, 10 * (second % 2), 9, 0)))
    phi = measured_phi(history)
    assert phi is not None
    assert set(phi) == set(METRICS)
    assert phi["errors"] == pytest.approx(5.98, abs=0.01), "5.32, and its upper 80 % bound after 120 seconds"
    assert (phi["slow90"], phi["slow99"]) == (1.0, 1.0)


def test_a_burst_in_the_canary_counts_where_the_history_showed_bursts_and_only_there() -> None:
    def burst_after(phi: float) -> float:
        watch = begin(
            Arms(at=T0, canary=NOTHING, stable=NOTHING),
            T0,
            target=None,
            asked_share=0.05,
            phi=dict.fromkeys(METRICS, phi),
        )
        canary, stable = NOTHING, NOTHING
        for second in range(1, 30):
            canary = plus(canary, counts(50, 25 if second == 20 else 0))
            stable = plus(stable, counts(950, 9))
            now = T0 + second * SECOND
            watch = tick(watch, Arms(at=now, canary=canary, stable=stable), now, healthy=True)
        return watch.harm_phi_of("errors")

    assert burst_after(1.0) == 1.0
    assert burst_after(3.0) > 10


def test_what_independent_events_measure_by_chance_is_no_burstiness() -> None:
    history = [NOTHING]
    for second in range(120):
        history.append(plus(history[-1], counts(95, (0, 0, 1, 1, 3)[second % 5])))
    phi = measured_phi(history)
    assert phi is not None
    assert phi["errors"] == 1.0


def test_less_than_two_minutes_of_history_measures_nothing() -> None:
    assert measured_phi([NOTHING] * 120) is None
    assert measured_phi([NOTHING] * 121) is not None


def test_a_history_with_a_restart_in_it_measures_nothing() -> None:
    history = [counts(100 * second) for second in range(100)] + [counts(100 * second) for second in range(50)]
    assert measured_phi(history) is None
    assert measured_phi(history + [counts(100 * second) for second in range(50, 121)]) is not None
