"""Generated worlds: the same from the same seed, each with one known answer that can be seen in time."""

import pytest

from steadyhand.evaluation.case import Case
from steadyhand.evaluation.engines import engine
from steadyhand.evaluation.errors import NoCases
from steadyhand.evaluation.sources import find_cases
from steadyhand.evaluation.worlds.generate import Plan, generated
from steadyhand.evaluation.worlds.story import FAMILIES
from steadyhand.evaluation.worlds.traps import TRAPS

UNSEEN = 77_000


def _case(plan: Plan) -> Case:
    return Case("one", "generated", plan.look, plan.reveal)


def test_the_same_seed_gives_the_same_world() -> None:
    one, other = (Plan(UNSEEN, "missing index", 2).look().page for _ in range(2))
    assert one == other
    assert one != Plan(UNSEEN + 1, "missing index", 2).look().page


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_an_easy_world_of_each_family_is_diagnosed(family: str) -> None:
    plan = Plan(UNSEEN, family, 1)
    case = _case(plan)
    truth, found = case.reveal(), engine(case)
    assert found.components[0] == truth.component
    assert found.fault_class == truth.fault_class


@pytest.mark.parametrize("trap", sorted(TRAPS))
def test_no_trap_shows_its_own_future(trap: str) -> None:
    plan = Plan(UNSEEN, trap, 1)
    page = plan.look().page
    assert all(one.onset is None or one.onset.at <= page.window.end for one in page.items)
    assert plan.reveal().component is not None


def test_a_deploy_after_the_onset_is_never_blamed() -> None:
    case = _case(Plan(UNSEEN, "deploy after onset", 1))
    assert engine(case).change is None


def test_a_world_without_a_fault_has_nobody_to_blame() -> None:
    case = _case(Plan(UNSEEN, "fault-free", 1))
    assert case.reveal().healthy
    assert engine(case).abstained


def test_so_many_worlds_hold_families_traps_and_calm() -> None:
    kinds = {one.system for one in generated(6, 1)}
    assert kinds == {"generated", "generated traps", "generated fault-free"}


@pytest.mark.parametrize("wanted", ["generated:", "generated:none", "generated:0"])
def test_a_number_of_worlds_that_is_none_is_refused(wanted: str) -> None:
    with pytest.raises(NoCases, match="generated:"):
        find_cases(wanted)
