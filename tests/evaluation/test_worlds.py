"""Generated worlds: the same from the same seed, each with one known answer that can be seen in time."""

import pytest
from shape.tree import ROOT

from steadyhand.evaluation.answers import Answer
from steadyhand.evaluation.case import Case
from steadyhand.evaluation.engines import engine
from steadyhand.evaluation.errors import NoCases
from steadyhand.evaluation.score import rows, score
from steadyhand.evaluation.sources import find_cases
from steadyhand.evaluation.worlds.further import FURTHER
from steadyhand.evaluation.worlds.generate import Plan, generated
from steadyhand.evaluation.worlds.story import FAMILIES
from steadyhand.evaluation.worlds.traps import EVERY_TRAP
from steadyhand.evaluation.worlds.twins import TWINS
from steadyhand.journey.diagnosis.admit import check
from steadyhand.journey.diagnosis.engine import diagnose
from steadyhand.journey.diagnosis.rule import DiagnosisRule
from steadyhand.journey.diagnosis.scene import Scene
from steadyhand.wiring import playbooks

UNSEEN = 77_000
RULE = DiagnosisRule()


def _case(plan: Plan) -> Case:
    return Case("one", "generated", plan.look, plan.reveal)


def test_the_same_seed_gives_the_same_world() -> None:
    one, other = (Plan(UNSEEN, "missing index", 2).look().page for _ in range(2))
    assert one == other
    assert one != Plan(UNSEEN + 1, "missing index", 2).look().page


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_an_easy_world_of_each_family_is_diagnosed(family: str) -> None:
    case = _case(Plan(UNSEEN + 2, family, 1))
    truth, found = case.reveal(), engine(case)
    assert found.components[0] == truth.component
    assert found.fault_class == truth.fault_class


@pytest.mark.parametrize("trap", sorted(EVERY_TRAP))
def test_no_trap_shows_its_own_future(trap: str) -> None:
    plan = Plan(UNSEEN, trap, 1)
    page = plan.look().page
    assert all(one.onset is None or one.onset.at <= page.window.end for one in page.items)
    assert plan.reveal().component is not None


@pytest.mark.parametrize("seed", [3, 5])
@pytest.mark.parametrize("kind", [*sorted(FAMILIES), "coincidental deploy", "symptom against cause"])
def test_what_the_engine_says_of_a_world_passes_its_own_gate(kind: str, seed: int) -> None:
    inputs = Plan(UNSEEN + seed, kind, 1).look()
    found = diagnose(inputs.page, inputs.topology, RULE, playbooks=playbooks())
    rested = [one for one in found.hypotheses if one.supports]
    assert rested
    assert check(rested, Scene(inputs.page, inputs.topology, RULE), found) == ()


def test_a_deploy_after_the_onset_is_never_blamed() -> None:
    case = _case(Plan(UNSEEN, "deploy after onset", 1))
    assert engine(case).change is None


def test_a_world_without_a_fault_has_nobody_to_blame() -> None:
    case = _case(Plan(UNSEEN, "fault-free", 1))
    assert case.reveal().healthy
    assert engine(case).abstained


def test_so_many_worlds_hold_families_traps_and_calm() -> None:
    kinds = {one.system for one in generated(7, 1)}
    assert kinds == {"generated", "generated traps", "generated further", "generated fault-free"}


@pytest.mark.parametrize("wanted", ["generated:", "generated:none", "generated:0", "twins:x", "traps:-1"])
def test_a_number_of_worlds_that_is_none_is_refused(wanted: str) -> None:
    with pytest.raises(NoCases, match=wanted.partition(":")[0]):
        find_cases(wanted)


def _both(kind: str, level: int = 1) -> tuple[Case, Case]:
    one, other = (Plan(UNSEEN, kind, level, side) for side in (0, 1))
    return Case("a", "twins", one.look, one.reveal), Case("b", "twins", other.look, other.reveal)


@pytest.mark.parametrize("kind", sorted(TWINS))
def test_twins_differ_in_the_cause_and_share_all_that_has_nothing_to_do_with_it(kind: str) -> None:
    one, other = (case.reveal() for case in _both(kind))
    assert (one.component, one.fault_class, one.changes) != (
        other.component,
        other.fault_class,
        other.changes,
    )
    assert one.twin == other.twin
    stories = [Plan(UNSEEN, kind, 1, side).story for side in (0, 1)]
    assert stories[0].world == stories[1].world
    assert [one.service for one in stories[0].deploys] == [one.service for one in stories[1].deploys]
    outsiders = set(stories[0].world.outsiders) - {one.component, other.component}
    for name in outsiders:
        assert stories[0].course.latency[name] == stories[1].course.latency[name]


def test_a_pair_counts_only_when_both_sides_are_right_and_told_apart() -> None:
    both = _both("lock or missing index")
    right = score(both, lambda case: _told(case.reveal().component, case.reveal().fault_class))
    alike = score(both, lambda case: _told(case.reveal().component, "lock_queue"))
    half = score(both[:1], lambda case: _told(case.reveal().component, "lock_queue"))
    counted = [(rows(found)[-1].pairs.hits, rows(found)[-1].pairs.of) for found in (right, alike, half)]
    assert counted == [(1, 1), (0, 1), (0, 0)]


def _told(component: str | None, fault: str | None) -> Answer:
    return Answer((component or "",), 0.9, abstained=False, fault_class=fault)


def test_the_engine_tells_a_fault_from_its_healthy_twin() -> None:
    found = score(_both("fault or none"), engine)
    assert [one.right for one in found] == [True, True]


def test_in_a_cycle_either_end_is_as_right_and_the_class_must_say_so() -> None:
    case = _case(Plan(UNSEEN, "retry cycle", 1))
    truth, topology = case.reveal(), case.inputs.topology
    (other,) = truth.equally
    ends = {truth.component or "", other}
    assert all(ends - {name} <= set(known.depends_on) for name in ends if (known := topology.get(name)))
    assert truth.fault_class == "retry_storm"
    assert [one.rank for one in score((case, case), lambda _: _told(other, None))] == [1, 1]
    assert engine(case).components


def test_no_name_of_a_release_tells_whether_it_is_guilty() -> None:
    case = _case(Plan(UNSEEN, "coincidental deploy", 4))
    truth = case.reveal()
    known = sorted(one.id for one in case.inputs.held().changes)
    assert known == [f"dep-{number}" for number in range(1, len(known) + 1)]
    assert (truth.changes or frozenset()) | truth.decoys >= set(known)


def test_each_word_draws_in_turn_all_there_is_in_four_difficulties() -> None:
    traps, twins = find_cases("traps:60:1"), find_cases("twins:28:1")
    assert {one.id.rsplit("-", 2)[0] for one in traps} == {name.replace(" ", "-") for name in EVERY_TRAP}
    assert {one.id.rsplit("-", 2)[1] for one in (*traps, *twins)} == {"1", "2", "3", "4"}
    assert len(twins) == 56


def test_the_page_on_worlds_names_every_fault_trap_and_pair() -> None:
    page = (ROOT / "docs/reference/generated-worlds.md").read_text(encoding="utf-8").lower()
    assert all(f"| {name} |" in page for name in (*EVERY_TRAP, *FURTHER, *TWINS))
    assert all(name in page for name in FAMILIES)


def test_a_fault_that_matches_no_playbook_is_still_placed_and_no_class_is_made_up() -> None:
    case = _both("callee or caller")[0]
    found, truth = engine(case), case.reveal()
    assert (found.components[0], found.abstained) == (truth.component, False)
    assert found.fault_class == "service_fault"
    assert playbooks().find("service_fault") is None


def _felt(kind: str, level: int) -> float:
    """How far the culprit leaves its calm, by the middle of five seeds."""
    peaks = []
    for seed in range(UNSEEN, UNSEEN + 5):
        plan = Plan(seed, kind, level)
        latency = list(plan.story.course.latency[plan.reveal().component or ""])
        peaks.append(max(latency) / (sum(latency[:100]) / 100))
    return sorted(peaks)[2]


@pytest.mark.parametrize("kind", ["missing index", "third-party timeout", "symptom against cause"])
def test_each_difficulty_shows_less_of_its_fault_than_the_one_before(kind: str) -> None:
    shown = [_felt(kind, level) for level in (1, 2, 3, 4)]
    assert shown == sorted(shown, reverse=True)
    assert shown[0] > 3 * shown[3]


def test_each_difficulty_has_more_innocent_changes_than_the_one_before() -> None:
    innocent = [
        sum(not one.guilty for one in Plan(UNSEEN, "missing index", level).story.deploys)
        for level in (1, 2, 3, 4)
    ]
    assert innocent == sorted(set(innocent))
