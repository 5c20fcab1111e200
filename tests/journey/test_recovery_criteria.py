"""Did it help? Missing data is never success."""

import pytest

from steadyhand.journey.recovery.criteria import Assessment, assess, limit
from steadyhand.journey.recovery.model import Goal, Reading

ERRORS = Goal(name="errors", expression="e", bound=0.02, at_incident=0.2)
RATE = Goal(name="orders", expression="o", comparison=">=", bound=100, at_incident=20)


def read(**values: float | None) -> Assessment:
    return assess((ERRORS, RATE), [Reading(name=name, value=value) for name, value in values.items()])


def test_recovered_is_every_goal_measured_and_met_bounds_included() -> None:
    found = read(errors=0.02, orders=100)
    assert found.recovered
    assert found.words == "recovered: errors, orders"


def test_one_goal_missed_or_unmeasured_is_no_recovery() -> None:
    assert not read(errors=0.021, orders=100).recovered
    assert not read(errors=0.0, orders=None).recovered
    assert read(errors=0.0).unknown == ("orders",)
    assert read(errors=0.5, orders=None).words == "not yet: errors; no samples: orders"


def test_no_goals_at_all_is_no_recovery() -> None:
    assert not assess((), ()).recovered


@pytest.mark.parametrize(
    ("errors", "orders", "worse"),
    [
        (0.2, 20, ()),
        (0.3, 20, ()),
        (0.31, 20, ("errors",)),
        (0.2, 13.3, ("orders",)),
        (0.2, 13.4, ()),
        (0.0, 100, ()),
    ],
)
def test_worse_is_clearly_beyond_both_the_bound_and_the_incident(
    errors: float, orders: float, worse: tuple[str, ...]
) -> None:
    assert read(errors=errors, orders=orders).worse == worse


def test_without_a_number_from_the_incident_nothing_counts_as_worse() -> None:
    goal = ERRORS.model_copy(update={"at_incident": None})
    assert assess((goal,), (Reading(name="errors", value=0.9),)).worse == ()


# against the time before the incident


@pytest.mark.parametrize(
    ("comparison", "normal", "bound", "well_at"),
    [
        ("<=", 0.0, 0.02, 0.01),
        ("<=", 0.1, 0.4, 0.25),
        (">=", 100.0, 60.0, 80.0),
        ("<=", 0.05, 0.02, 0.05),
        (">=", 40.0, 60.0, 40.0),
        ("<=", None, 0.02, 0.02),
    ],
)
def test_recovered_is_near_to_normal_and_not_only_within_the_bound(
    comparison: str, normal: float | None, bound: float, well_at: float
) -> None:
    goal = Goal.model_validate(
        {"name": "g", "expression": "e", "comparison": comparison, "bound": bound, "normal": normal}
    )
    assert limit(goal, 0.5) == pytest.approx(well_at)
    assert assess((goal,), (Reading(name="g", value=well_at),), 0.5).recovered
    beyond = well_at * (1.01 if comparison == "<=" else 0.99)
    assert assess((goal,), (Reading(name="g", value=beyond),), 0.5).missed == ("g",)


def test_how_near_is_for_the_rule_to_say() -> None:
    goal = Goal(name="g", expression="e", bound=0.4, normal=0.1)
    assert (limit(goal, 0.0), limit(goal, 1.0)) == (0.1, 0.4)
