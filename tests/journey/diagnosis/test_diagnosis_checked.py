"""What a validation check showed moves the ranking by a stated, bounded rule."""

import math

import pytest
from journey.diagnosis.pages import change, leak, page, told

from steadyhand.journey.diagnosis.checked import carried_over, find_check, update, with_checks
from steadyhand.journey.diagnosis.model import Diagnosis, Outcome
from steadyhand.journey.evidence.model import Item

FOUND = told(page(*leak(), change("dep-2", -5)))
TOP = FOUND.hypotheses[0]


def outcome(what: str, hypothesis: str = TOP.id, number: int = 0) -> Outcome:
    name = next(one for one in FOUND.hypotheses if one.id == hypothesis).checks[number].name
    return Outcome.model_validate(
        {"hypothesis": hypothesis, "check": name, "outcome": what, "seen": "ten sessions, each older"}
    )


def sure(diagnosis: Diagnosis, hypothesis: str = TOP.id) -> float:
    return next(one.confidence for one in diagnosis.hypotheses if one.id == hypothesis)


def test_an_outcome_as_if_true_multiplies_the_odds_by_three() -> None:
    after = update(FOUND, [outcome("as_if_true")])
    assert sure(after) / (1 - sure(after)) == pytest.approx(3 * TOP.confidence / (1 - TOP.confidence))


def test_an_outcome_as_if_false_divides_them_by_five_and_may_dethrone_the_first() -> None:
    after = update(FOUND, [outcome("as_if_false"), outcome("as_if_false", number=1)])
    assert sure(after) / (1 - sure(after)) == pytest.approx(0.05 * TOP.confidence / (1 - TOP.confidence))
    assert [one.rank for one in after.hypotheses] == list(range(1, len(after.hypotheses) + 1))
    ordered = [one.confidence for one in after.hypotheses]
    assert ordered == sorted(ordered, reverse=True)


def test_all_weights_still_add_up_to_one() -> None:
    after = update(FOUND, [outcome("as_if_true"), outcome("as_if_false", FOUND.hypotheses[1].id)])
    assert math.fsum(one.confidence for one in after.hypotheses) + after.none_of_these == pytest.approx(1)


def test_the_same_check_told_twice_counts_once_and_the_later_word_stands() -> None:
    once = update(FOUND, [outcome("as_if_true")])
    assert sure(update(once, [outcome("as_if_true")])) == pytest.approx(sure(once))
    assert sure(update(once, [outcome("unclear")])) == pytest.approx(TOP.confidence)


def test_a_ranking_that_stated_factors_touched_is_called_uncalibrated() -> None:
    calibrated = FOUND.model_copy(update={"calibrated_on": "a set"})
    assert update(calibrated, [outcome("unclear")]).calibrated_on == "a set"
    assert update(calibrated, [outcome("as_if_true")]).calibrated_on == "uncalibrated"


def test_a_check_nobody_listed_is_refused_with_those_that_are() -> None:
    unknown = outcome("unclear").model_copy(update={"check": "tea leaves"})
    assert "it has 'idle sessions keep ageing'" in str(find_check(unknown, FOUND))
    assert "get_diagnosis lists h1" in str(find_check(unknown.model_copy(update={"hypothesis": "h9"}), FOUND))


def test_outcomes_outlive_a_second_look_at_the_evidence() -> None:
    earlier = update(FOUND, [outcome("as_if_false")])
    again = carried_over(earlier, FOUND)
    assert sure(again) == pytest.approx(sure(earlier))
    assert carried_over(None, FOUND) == FOUND


def test_what_a_check_showed_stays_on_the_page_under_its_id() -> None:
    kept = Item(id="k1", kind="check", entity="shop", title="check 'x' as if true")
    earlier = page(*leak(), kept)
    assert with_checks(page(*leak()), earlier).item("k1") == kept
    assert with_checks(page(*leak()), None).item("k1") is None
