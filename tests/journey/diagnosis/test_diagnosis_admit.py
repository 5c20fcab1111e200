"""Hypotheses somebody submits stand only on evidence that exists, in the right order."""

from collections.abc import Callable

import pytest
from journey.diagnosis.pages import RULE, TOPOLOGY, at, change, leak, page, told

from steadyhand.journey.diagnosis.admit import check
from steadyhand.journey.diagnosis.chain import Link, links
from steadyhand.journey.diagnosis.model import Check, Hypothesis, Step
from steadyhand.journey.diagnosis.scene import Scene
from steadyhand.journey.evidence.model import Onset

SHOWN = page(*leak(), change("dep-2", -5), change("dep-3", 40))
FOUND = told(SHOWN)
SCENE = Scene(SHOWN, TOPOLOGY, RULE)
TOP = FOUND.hypotheses[0]


def _with(**changed: object) -> Hypothesis:
    return TOP.model_copy(update={"by": "model", **changed})


def _check(tool: str) -> Check:
    return Check.model_construct(name="n", tool=tool, look_at="l", expect_if_true="t", expect_if_false="f")


def _blaming(change_id: str) -> Hypothesis:
    return _with(cause=TOP.cause.model_copy(update={"change_id": change_id}))


def _of(fault_class: str, confidence: float) -> Hypothesis:
    cause = TOP.cause.model_copy(update={"fault_class": fault_class})
    return _with(cause=cause, confidence=confidence)


def test_the_engine_s_own_hypothesis_with_a_lowered_confidence_stands() -> None:
    assert check([_with(confidence=TOP.confidence / 2)], SCENE, FOUND) == ()


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
        (
            _with(path=(Step(source="shop", target="shop", evidence=("c-dep-2",)),)),
            "path[0].evidence: cite how",
        ),
        (
            _with(
                cause=TOP.cause.model_copy(update={"change_id": None, "entity": "payments"}),
                onset=Onset(at=at(25), lo=at(24), hi=at(25)),
                confidence=0.0,
                contradicts=("m-waiting",),
                path=(Step(source="payments", target="shop", evidence=("m-calls", "m-pool")),),
            ),
            "payments began 19 s after shop",
        ),
        (_with(checks=(_check("execute_fix"),)), "checks[0].tool: 'execute_fix' is no read-only look"),
        (_with(unexplained=("m99",)), "unexplained: evidence 'm99'"),
    ],
)
def test_a_hypothesis_that_does_not_hold_is_refused_with_the_way_to_mend_it(
    submitted: Hypothesis, word: str
) -> None:
    problems = check([submitted], SCENE, FOUND)
    assert any(word in one for one in problems), problems
    assert all(one.startswith("h1: ") for one in problems)


@pytest.mark.parametrize("owned_up", [(), ("m-calls",)])
def test_a_late_sign_breaks_the_order_of_its_step_owned_up_to_or_not(owned_up: tuple[str, ...]) -> None:
    submitted = _with(
        cause=TOP.cause.model_copy(update={"change_id": None, "entity": "orders-db"}),
        onset=Onset(at=at(4), lo=at(3), hi=at(4)),
        confidence=0.0,
        supports=("m-pool",),
        contradicts=owned_up,
        path=(
            Step(source="orders-db", target="payments", evidence=()),
            Step(source="payments", target="shop", evidence=("m-calls", "m-pool")),
        ),
    )
    problems = check([submitted], SCENE, FOUND)
    assert any("payments began 19 s after shop" in one for one in problems), problems


def test_a_cause_the_engine_does_not_name_may_weigh_what_none_of_these_weighs() -> None:
    assert check([_of("cosmic_rays", FOUND.none_of_these)], SCENE, FOUND) == ()


def test_confidences_that_add_up_to_more_than_one_are_refused() -> None:
    problems = check([TOP, TOP], SCENE, FOUND)
    assert problems == (
        "h1: the cause of h1 again; submit each cause once",
        f"confidence: all add up to {2 * TOP.confidence:.2f}; lower them until they add up to at most 1",
    )


def test_a_cause_stands_as_often_as_the_engine_names_it_by_other_facts() -> None:
    other = TOP.cause.model_copy(update={"facts": {**TOP.cause.facts, "index": "another"}})
    second = TOP.model_copy(update={"id": "h2", "cause": other, "confidence": 0.1})
    first = TOP.model_copy(update={"confidence": 0.5})
    engine = FOUND.model_copy(update={"hypotheses": (first, second)})
    assert check([first, second], SCENE, engine) == ()
    third = second.model_copy(update={"id": "h3"})
    assert check([first, second, third], SCENE, engine) == (
        "h3: the cause of h2 again; submit each cause once",
    )
    raised = second.model_copy(update={"confidence": 0.2})
    assert any("above the engine's 0.10" in one for one in check([first, raised], SCENE, engine))


@pytest.mark.parametrize("where", ["contradicts", "path", "ruled_out"])
def test_an_invented_id_is_found_wherever_it_is_cited(where: str) -> None:
    invented: dict[str, Callable[[], Hypothesis]] = {
        "contradicts": lambda: _with(contradicts=("m99",)),
        "path": lambda: _with(path=(*TOP.path[:-1], TOP.path[-1].model_copy(update={"evidence": ("m99",)}))),
        "ruled_out": lambda: _with(
            ruled_out=(TOP.ruled_out[0].model_copy(update={"evidence": ("m99",)}),),
        ),
    }
    assert any("'m99'" in one for one in check([invented[where]()], SCENE, FOUND))


def _walk(*steps: tuple[str, str, tuple[str, ...]]) -> tuple[Link, ...]:
    path = tuple(Step(source=source, target=target, evidence=cited) for source, target, cited in steps)
    return links(_with(path=path, supports=("m-pool",), contradicts=()), SCENE)


def test_each_step_of_a_chain_says_whether_its_order_and_its_edge_are_shown() -> None:
    brought, unknown = _walk(("dep-2", "shop", ("c-dep-2", "m-pool")), ("moon", "shop", ("m-latency",)))
    assert (brought.order, brought.edge) == ("ok", "ok")
    assert (unknown.order, unknown.edge, unknown.why) == (
        "not shown",
        "unknown",
        "no onset of moon is known from what is cited",
    )


def test_onsets_that_overlap_have_no_order() -> None:
    [step] = links(
        _with(
            path=(Step(source="payments", target="shop", evidence=("m-calls", "m-errors")),),
            supports=("m-errors",),
            contradicts=(),
        ),
        SCENE,
    )
    assert (step.order, step.edge, step.why) == ("not shown", "ok", "their onsets overlap")
