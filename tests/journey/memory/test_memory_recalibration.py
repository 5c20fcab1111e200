"""Confidence follows what people confirmed here, once there are enough, and no further than they support."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journey.diagnosis.pages import START, change, leak, page, told

from steadyhand.journey.memory.case import Case
from steadyhand.journey.memory.recalibrate import bins, held_against, recalibrated

FOUND = told(page(*leak(), change("dep-1", 0)))
SURE = FOUND.hypotheses[0].confidence


def outcomes(confidence: float, right: int, wrong: int) -> list[Case]:
    def one(number: int, *, was: bool) -> Case:
        given = {"id": str(number), "service": "shop", "title": "t", "at": START}
        return Case.model_validate({**given, "confidence": confidence, "right": was})

    return [one(number, was=number < right) for number in range(right + wrong)]


def test_below_the_minimum_nothing_moves() -> None:
    assert recalibrated(FOUND, outcomes(SURE, 0, 29), 30) == FOUND


def test_a_confidence_that_was_too_high_comes_down_and_none_of_these_gains() -> None:
    after = recalibrated(FOUND, outcomes(SURE, 3, 27), 30)
    assert after.hypotheses[0].confidence < SURE
    assert after.none_of_these > FOUND.none_of_these
    assert after.calibrated_on == "30 judged outcomes here"


def test_it_rises_only_to_what_the_interval_supports() -> None:
    value, n = held_against(0.71, bins(outcomes(0.75, 30, 0), 30))
    assert n == 30
    assert 0.71 < value < 0.93  # thirty of thirty prove no more than this


def test_a_confidence_within_the_interval_stays_as_it_was() -> None:
    assert held_against(0.75, bins(outcomes(0.75, 23, 7), 30)) == (0.75, 30)


def test_outcomes_of_other_confidences_say_nothing() -> None:
    assert held_against(0.2, bins(outcomes(0.9, 30, 0), 30)) == (0.2, 0)


def test_a_calibrated_ranking_names_both_sets() -> None:
    calibrated = FOUND.model_copy(update={"calibrated_on": "a set"})
    assert (
        recalibrated(calibrated, outcomes(SURE, 30, 0), 30).calibrated_on
        == "a set and 30 judged outcomes here"
    )


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=30, max_size=200))
def test_it_never_ranks_the_surer_below_the_less_sure_within_what_it_knows(
    seen: list[tuple[float, bool]],
) -> None:
    cases = [one for sure, was in seen for one in outcomes(sure, int(was), int(not was))]
    known = bins(cases, 30)
    assert all(one.least <= other.least and one.most <= other.most for one, other in pairwise(known))
    for one in known:
        assert one.least - 1e-9 <= held_against(one.low, known)[0] <= one.most + 1e-9


def test_weights_still_add_up_to_one() -> None:
    for right in (0, 10, 30):
        after = recalibrated(FOUND, outcomes(SURE, right, 30 - right), 30)
        whole = sum(one.confidence for one in after.hypotheses) + after.none_of_these
        assert whole == pytest.approx(1)
        ordered = [one.confidence for one in after.hypotheses]
        assert ordered == sorted(ordered, reverse=True)
