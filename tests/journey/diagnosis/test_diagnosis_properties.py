"""What holds for every page, however odd."""

import math
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st
from journey.diagnosis.pages import (
    RULE,
    TOPOLOGY,
    busy_neighbour,
    change,
    growing_memory,
    leak,
    lock_queue,
    lost_cache,
    page,
    plain_errors,
    seen,
    silent_provider,
    slow_lookup,
    surge,
    told,
)

from steadyhand.journey.diagnosis.admit import check
from steadyhand.journey.diagnosis.mechanisms import MECHANISMS
from steadyhand.journey.diagnosis.model import Diagnosis
from steadyhand.journey.diagnosis.scene import Scene
from steadyhand.journey.diagnosis.signals import TRAITS
from steadyhand.journey.diagnosis.weights import HAND_SET
from steadyhand.journey.evidence.model import Item, Page

KNOWN = [
    item
    for story in (
        leak(),
        slow_lookup(),
        silent_provider(),
        lock_queue(),
        lost_cache(),
        busy_neighbour(),
        growing_memory(),
        surge(),
        plain_errors(),
    )
    for item in story
]
ROLES = ("latency", "errors", "traffic", "saturation", "waiting", "resource", "work", "up")
PLACES = ("shop", "orders-db", "memo", "payments", "edge", "stranger")
RANDOM = [
    seen(f"random-{number}", role, place, second, direction=direction, shape=shape)
    for number, ((role, place), second, direction, shape) in enumerate(
        zip(
            product(ROLES, PLACES),
            [3.0, -20.0, 0.5, 40.0, 11.0] * 10,
            ["up", "down", "gone"] * 16,
            ["step", "ramp", "spike", "gone"] * 12,
            strict=False,
        )
    )
]


def _changes() -> st.SearchStrategy[Item]:
    return st.builds(
        change,
        st.sampled_from(["dep-1", "dep-2", "r7"]),
        st.floats(-600, 60),
        st.sampled_from(["code", "config", "migration", "flag", "schedule"]),
        st.sampled_from(["shop", "orders-db", "edge", "stranger"]),
    )


def _pages() -> st.SearchStrategy[Page]:
    items = st.lists(st.sampled_from(KNOWN + RANDOM), max_size=20, unique_by=lambda one: one.id)
    changes = st.lists(_changes(), max_size=3, unique_by=lambda one: one.id)
    return st.builds(lambda some, more: page(*some, *more), items, changes)


def _cited(found: Diagnosis) -> set[str]:
    return {
        one
        for hypothesis in found.hypotheses
        for ids in (
            hypothesis.supports,
            hypothesis.contradicts,
            *(step.evidence for step in hypothesis.path),
            *(other.evidence for other in hypothesis.ruled_out),
        )
        for one in ids
    }


@given(_pages(), st.randoms(use_true_random=False))
def test_the_order_of_the_evidence_does_not_matter(shown: Page, dice: object) -> None:
    shuffled = list(shown.items)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' own Random
    assert told(shown.model_copy(update={"items": tuple(shuffled)})) == told(shown)


@given(_pages())
def test_confidences_and_none_add_up_to_one_and_fall_with_rank(shown: Page) -> None:
    found = told(shown)
    shares = [one.confidence for one in found.hypotheses]
    assert math.isclose(sum(shares) + found.none_of_these, 1.0, abs_tol=1e-9)
    assert shares == sorted(shares, reverse=True)
    assert [one.rank for one in found.hypotheses] == list(range(1, len(shares) + 1))


@given(_pages())
def test_there_are_three_to_five_hypotheses_or_none_at_all(shown: Page) -> None:
    assert len(told(shown).hypotheses) in {0, 3, 4, 5}


@given(_pages())
def test_every_cited_id_is_on_the_page(shown: Page) -> None:
    found = told(shown)
    assert _cited(found) | set(found.unexplained) <= {one.id for one in shown.items}


@given(_pages())
def test_no_change_is_blamed_for_what_began_before_it(shown: Page) -> None:
    began = {
        one.facts["change_id"]: one.onset.at for one in shown.items if one.role == "change" and one.onset
    }
    for one in told(shown).hypotheses:
        if one.cause.change_id is not None:
            assert one.onset is not None
            assert began[one.cause.change_id] <= one.onset.hi + RULE.clock_allowance


@given(_pages())
@settings(max_examples=60)
def test_what_the_engine_finds_passes_its_own_gate(shown: Page) -> None:
    found = told(shown)
    rested = [one for one in found.hypotheses if one.supports]
    assert check(rested, Scene(shown, TOPOLOGY, RULE), found) == ()


def test_the_table_weighs_each_mechanism_by_traits_that_exist() -> None:
    names = {one.name for one in MECHANISMS}
    assert set(HAND_SET.signals) == set(HAND_SET.prior) == set(HAND_SET.no_change) == names
    assert {trait for pairs in HAND_SET.signals.values() for trait in pairs} <= set(TRAITS)


def test_no_trait_is_left_out_of_the_table() -> None:
    used = {trait for pairs in HAND_SET.signals.values() for trait in pairs}
    assert set(TRAITS) == used | set(HAND_SET.playbook.common)


def test_a_learned_table_replaces_the_hand_set_one() -> None:
    from steadyhand.journey.diagnosis.engine import diagnose  # noqa: PLC0415 - shown where it is used

    learned = HAND_SET.model_copy(update={"version": "fit-7", "calibrated_on": "worlds-1", "none": 50.0})
    found = diagnose(page(*leak()), TOPOLOGY, RULE, learned)
    assert (found.model_version, found.calibrated_on, found.best) == ("fit-7", "worlds-1", None)
