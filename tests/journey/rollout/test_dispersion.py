from math import inf
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steadyhand.journey.rollout.dispersion import Dispersion

Tick = tuple[int, int]


def after(ticks: list[Tick]) -> Dispersion:
    known = Dispersion()
    for trials, events in ticks:
        known = known.add(trials, events)
    return known


def binomial(chance: Random, trials: int, rate: float) -> int:
    return sum(chance.random() < rate for _ in range(trials))


def test_steady_events_are_not_bursty() -> None:
    assert after([(100, 3)] * 120).estimate == 1.0


def test_bursts_have_the_chi_square_computed_by_hand() -> None:
    """Rate 0.05, 5 expected of 100: (5 - 0)^2 and (5 - 10)^2 by 4.75, over n - 1 ticks."""
    assert after([(100, 0), (100, 10)] * 60).estimate == pytest.approx(120 / 119 * 25 / 4.75)


def test_errors_that_follow_the_traffic_are_not_bursty() -> None:
    assert after([(10, 1), (200, 20), (100, 10), (40, 4)] * 10).estimate == 1.0


@pytest.mark.parametrize("rate", [0.05, 0.6, 0.95])
def test_independent_events_measure_about_one_however_frequent_they_are(rate: float) -> None:
    chance = Random(4)  # noqa: S311 simulated traffic, not a secret
    known = after([(50, binomial(chance, 50, rate)) for _ in range(2_000)])
    assert known.estimate == pytest.approx(1, abs=0.1)
    assert known.upper == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("ticks", "factor"), [(2, 15.6), (3, 4.48), (10, 1.673), (20, 1.386), (120, 1.131)])
def test_the_bound_is_that_of_the_chi_square_tables(ticks: int, factor: float) -> None:
    """Freedom by its 20 % point; the cube root is 15 % off at one degree of freedom, on the safe side."""
    known = after([(100, 0 if tick % 2 else 40) for tick in range(ticks)])
    assert known.upper / known.estimate == pytest.approx(factor, rel=0.2 if ticks == 2 else 0.01)


def test_the_bound_holds_in_four_of_five_short_watches() -> None:
    chance = Random(4)  # noqa: S311 simulated traffic, not a secret
    short = [after([(60, binomial(chance, 20, 0.2) * 3) for _ in range(20)]) for _ in range(400)]
    truly = after([(60, binomial(chance, 20, 0.2) * 3) for _ in range(4_000)]).estimate
    assert 0.76 < sum(one.upper >= truly for one in short) / 400 < 0.86


@pytest.mark.parametrize("ticks", [[], [(100, 0)] * 9, [(5, 5)] * 9, [(5, 9)] * 9, [(100, 0)]])
def test_none_or_all_is_no_sign_of_bursts(ticks: list[Tick]) -> None:
    assert (after(ticks).estimate, after(ticks).upper) == (1.0, 1.0)


def test_one_tick_tells_nothing_of_its_events() -> None:
    assert (after([(100, 4)]).estimate, after([(100, 4)]).upper) == (inf, inf)


ticks = st.lists(
    st.tuples(st.integers(1, 300), st.integers(0, 300)).map(sorted).map(lambda two: (two[1], two[0]))
)


@settings(deadline=None)
@given(ticks)
def test_the_bound_is_never_below_the_estimate_nor_that_below_one(some: list[Tick]) -> None:
    known = after(some)
    assert 1 <= known.estimate <= known.upper


@settings(deadline=None)
@given(ticks, st.integers(-9, 0), st.integers(0, 9))
def test_a_tick_without_trials_changes_nothing(some: list[Tick], trials: int, events: int) -> None:
    assert after(some).add(trials, events) == after(some)


@settings(deadline=None)
@given(ticks, st.randoms(use_true_random=False))
def test_the_order_of_ticks_does_not_matter(some: list[Tick], chance: Random) -> None:
    other = list(some)
    chance.shuffle(other)
    assert after(other).upper == pytest.approx(after(some).upper)


@settings(deadline=None)
@given(ticks)
def test_it_survives_json(some: list[Tick]) -> None:
    assert Dispersion.model_validate_json(after(some).model_dump_json()) == after(some)
