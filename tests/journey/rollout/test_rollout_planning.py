from math import inf

import pytest

from steadyhand.journey.rollout.planning import min_detectable_ratio, seconds_needed


@pytest.mark.parametrize(
    ("rps", "seen"),
    [
        (10, (174, 25, 15)),
        (50, (43, 8.4, 5.6)),
        (100, (25, 5.6, 4.0)),
        (500, (8.4, 2.7, 2.1)),
        (1_000, (5.6, 2.1, 1.8)),
        (5_000, (2.7, 1.5, 1.3)),
    ],
)
def test_five_percent_for_thirty_seconds_sees_this_much(rps: int, seen: tuple[float, float, float]) -> None:
    found = tuple(min_detectable_ratio(rps, 0.05, base, 30) for base in (0.001, 0.01, 0.02))
    assert found == pytest.approx(seen, rel=0.03)


def test_the_smallest_visible_harm_takes_the_whole_window() -> None:
    ratio = min_detectable_ratio(100, 0.05, 0.01, 30)
    assert ratio is not None
    assert seconds_needed(100, 0.05, 0.01, ratio) == pytest.approx(30, rel=1e-6)


@pytest.mark.parametrize(("rps", "base"), [(1, 0.01), (100, 0.0), (0, 0.01)])
def test_where_nothing_can_be_seen_it_says_so(rps: float, base: float) -> None:
    assert min_detectable_ratio(rps, 0.05, base, 30) is None


def test_a_real_fix_of_a_sick_control_is_proven_in_about_twenty_seconds() -> None:
    assert seconds_needed(100, 0.05, 0.2, 0.05, against=0.5) == pytest.approx(20, abs=2)


def test_a_canary_without_any_event_is_proven_sooner_than_one_with_some() -> None:
    assert seconds_needed(100, 0.05, 0.2, 0.0, 0.5) < seconds_needed(100, 0.05, 0.2, 0.05, 0.5)


@pytest.mark.parametrize(
    ("rps", "share", "base", "ratio"),
    [(0, 0.05, 0.01, 5), (100, 0, 0.01, 5), (100, 0.05, 0, 5), (100, 0.05, 0.01, 1), (100, 1, 0.01, 5)],
    ids=["no traffic", "no canary", "no events", "no difference", "no control"],
)
def test_no_time_is_long_enough_without(rps: float, share: float, base: float, ratio: float) -> None:
    assert seconds_needed(rps, share, base, ratio) == inf
