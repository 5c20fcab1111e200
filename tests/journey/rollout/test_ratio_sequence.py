from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steadyhand.journey.rollout.ratio import GRID, RatioSequence, Sided, rate_upper

Tick = tuple[int, int, int, int]


def after(ticks: list[Tick]) -> RatioSequence:
    known = RatioSequence()
    for one in ticks:
        known = known.add(*one)
    return known


@pytest.mark.parametrize(
    ("ticks", "phi", "expected"),
    [
        ([(116, 9, 2316, 23)], 1.0, (1.4125, 31.6228)),
        ([(170, 1, 2996, 620)], 1.0, (0.0, 0.2985)),
        ([(5, 1, 95, 1)] * 10, 1.0, (2.9854, inf)),
        ([(5, 1, 95, 1)] * 10, 2.0, (1.3335, inf)),
        ([(5, 1, 95, 1)] * 30, 1.0, (6.6834, 56.2341)),
        ([(5, 0, 95, 1)] * 30, 1.0, (0.0, 4.2170)),
        ([(5, 0, 95, 19)] * 15, 1.0, (0.0, 0.5012)),
        ([(5, 0, 95, 19)] * 20, 1.0, (0.0, 0.3758)),
        ([(5, 0, 95, 19)] * 30, 1.0, (0.0, 0.2661)),
        ([(0, 0, 95, 19)] * 30, 1.0, (0.0, inf)),
        ([(5, 0, 95, 0)] * 300, 1.0, (0.0, inf)),
    ],
)
def test_bounds_are_those_computed_by_hand(
    ticks: list[Tick], phi: float, expected: tuple[float, float]
) -> None:
    assert after(ticks).bounds(0.01, "two", phi) == pytest.approx(expected, abs=5e-5)


def test_no_change_is_a_point_of_the_grid_to_the_last_bit() -> None:
    assert GRID[80] == 1.0
    assert (GRID[0], GRID[160]) == pytest.approx((0.01, 100))
    assert list(GRID) == sorted(GRID)


def test_equal_arms_with_very_much_traffic_are_not_called_different() -> None:
    known = after([(250, 3, 4_750, 57)] * 600)
    lower, upper = known.bounds(0.01, "two")
    assert lower < 1 < upper < 1.2
    assert known.bounds(0.01, "one")[0] < 1


def test_the_one_sided_question_rules_out_no_change_sooner() -> None:
    known = after([(5, 1, 95, 3)] * 3)
    assert known.bounds(0.01, "two")[0] < known.bounds(0.01, "one")[0]


def test_a_stricter_level_gives_a_wider_interval() -> None:
    known = after([(50, 3, 950, 30)] * 20)
    (shown_low, shown_high), (strict_low, strict_high) = known.bounds(0.05, "two"), known.bounds(0.001, "two")
    assert strict_low < shown_low < 1.9 < shown_high < strict_high


ticks = st.tuples(st.integers(1, 500), st.integers(0, 50), st.integers(1, 9_000), st.integers(0, 900))


@settings(deadline=None, max_examples=60)
@given(st.lists(ticks, max_size=12), st.randoms(use_true_random=False), st.floats(1, 10))
def test_the_order_of_ticks_does_not_matter(some: list[Tick], chance: object, phi: float) -> None:
    other = list(some)
    chance.shuffle(other)  # type: ignore[attr-defined] # hypothesis gives a random.Random
    one, two = after(some), after(other)
    assert one.log_likelihood == pytest.approx(two.log_likelihood, rel=1e-9, abs=1e-6)
    assert one.bounds(0.01, "two", phi) == two.bounds(0.01, "two", phi)


@settings(deadline=None, max_examples=60)
@given(st.lists(ticks, max_size=6), ticks)
def test_a_tick_without_both_arms_or_without_events_changes_nothing(some: list[Tick], last: Tick) -> None:
    known = after(some)
    n_c, k_c, n_b, k_b = last
    assert known.add(0, k_c, n_b, k_b) == known
    assert known.add(n_c, k_c, 0, k_b) == known
    assert known.add(n_c, 0, n_b, 0) == known


@settings(deadline=None, max_examples=60)
@given(st.lists(ticks, max_size=6))
def test_it_survives_json(some: list[Tick]) -> None:
    known = after(some)
    assert RatioSequence.model_validate_json(known.model_dump_json()) == known


@settings(deadline=None, max_examples=60)
@given(st.lists(ticks, min_size=1, max_size=8), st.floats(1.5, 8))
def test_burstiness_only_ever_widens_the_interval(some: list[Tick], phi: float) -> None:
    known = after(some)
    (low, high), (wide_low, wide_high) = known.bounds(0.01, "two"), known.bounds(0.01, "two", phi)
    assert wide_low <= low
    assert high <= wide_high


@pytest.mark.parametrize("sided", ["one", "two"])
def test_while_nothing_is_known_of_the_bursts_nothing_is_ruled_out(sided: Sided) -> None:
    assert after([(5, 5, 95, 0)] * 60).bounds(0.01, sided, inf) == (0.0, inf)


def test_an_arm_without_a_request_may_fail_always() -> None:
    assert rate_upper(0, 0, 0.01) == 1.0
    assert rate_upper(7, 7, 0.01) == 1.0


def test_the_bound_of_one_rate_closes_in_on_it() -> None:
    assert rate_upper(0, 1_500, 0.01) == pytest.approx(0.00587, abs=1e-5)
    few, many = rate_upper(10, 1_000, 0.01), rate_upper(1_000, 100_000, 0.01)
    assert 0.01 < many < 0.012 < few < 0.03
