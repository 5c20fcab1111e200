"""Hypotheses somebody submits stand only on evidence that exists, in the right order."""

from collections.abc import Callable

import pytest
from journey.diagnosis.pages import RULE, at, change, leak, page, told

from steadyhand.journey.diagnosis.admit import check
from steadyhand.journey.diagnosis.model import Hypothesis, Step
from steadyhand.journey.evidence.model import Onset

SHOWN = page(*leak(), change("dep-2", -5), change("dep-3", 40))
FOUND = told(SHOWN)
TOP = FOUND.hypotheses[0]


def _with(**changed: object) -> Hypothesis:
    return TOP.model_copy(update={"by": "model", **changed})


def _blaming(change_id: str) -> Hypothesis:
    return _with(cause=TOP.cause.model_copy(update={"change_id": change_id}))


def _of(fault_class: str, confidence: float) -> Hypothesis:
    cause = TOP.cause.model_copy(update={"fault_class": fault_class})
    return _with(cause=cause, confidence=confidence)


def test_the_engine_s_own_hypothesis_with_a_lowered_confidence_stands() -> None:
    assert check([_with(confidence=TOP.confidence / 2)], SHOWN, FOUND, RULE) == ()


@pytest.mark.parametrize(
    ("submitted", "word"),
    [
        (_with(supports=("m-pool", "m99")), "'m99' is not on the page"),
        (_with(supports=()), "cite at least one"),
        (_with(confidence=min(TOP.confidence + 0.05, 1.0)), "may only be lowered"),
        (_of("cosmic_rays", 0.99), "above the engine's"),
        (_with(path=(Step(source="shop", target="edge", evidence=()),)), "must end at 'shop'"),
        (_with(path=()), "must end at 'shop'"),
        (
            _with(
                path=(
                    Step(source="dep-2", target="edge", evidence=()),
                    Step(source="orders-db", target="shop", evidence=()),
                )
            ),
            "breaks after 'edge'",
        ),
        (_blaming("dep-3"), "began 35 s after the onset"),
        (_blaming("dep-77"), "'dep-77' is not on the page"),
        (_with(onset=None), "is not known"),
        (_with(onset=Onset(at=at(24), lo=at(23), hi=at(24))), "m-pool began before the onset"),
    ],
)
def test_a_hypothesis_that_does_not_hold_is_refused_with_the_way_to_mend_it(
    submitted: Hypothesis, word: str
) -> None:
    problems = check([submitted], SHOWN, FOUND, RULE)
    assert any(word in one for one in problems), problems
    assert all(one.startswith("h1: ") for one in problems)


def test_a_cause_the_engine_does_not_name_may_weigh_what_none_of_these_weighs() -> None:
    assert check([_of("cosmic_rays", FOUND.none_of_these)], SHOWN, FOUND, RULE) == ()


def test_confidences_that_add_up_to_more_than_one_are_refused() -> None:
    problems = check([TOP, TOP], SHOWN, FOUND, RULE)
    assert problems == (
        f"all confidences add up to {2 * TOP.confidence:.2f}; lower them until they add up to at most 1",
    )


@pytest.mark.parametrize("where", ["contradicts", "path", "ruled_out"])
def test_an_invented_id_is_found_wherever_it_is_cited(where: str) -> None:
    invented: dict[str, Callable[[], Hypothesis]] = {
        "contradicts": lambda: _with(contradicts=("m99",)),
        "path": lambda: _with(path=(*TOP.path[:-1], TOP.path[-1].model_copy(update={"evidence": ("m99",)}))),
        "ruled_out": lambda: _with(
            ruled_out=(TOP.ruled_out[0].model_copy(update={"evidence": ("m99",)}),),
        ),
    }
    assert any("'m99'" in one for one in check([invented[where]()], SHOWN, FOUND, RULE))
