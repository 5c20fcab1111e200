"""Goals are the service's own levels with what was read, nothing made up."""

from steadyhand.journey.recovery.model import Goal, Reading
from steadyhand.journey.remedy.goals import GoalRule, goals

P95 = GoalRule(name="p95", expression="p95_seconds", bound=0.4, unit="s")
OK = GoalRule(name="ok", expression="ok_share", comparison=">=", bound=0.99)


def test_each_rule_becomes_a_goal_with_its_readings() -> None:
    filled = goals([P95, OK], [Reading(name="p95", value=0.01)], [Reading(name="p95", value=4.9)])
    assert filled == (
        Goal(name="p95", expression="p95_seconds", bound=0.4, unit="s", normal=0.01, at_incident=4.9),
        Goal(name="ok", expression="ok_share", comparison=">=", bound=0.99),
    )


def test_what_was_not_measured_stays_unknown() -> None:
    (goal,) = goals([P95], [], [Reading(name="p95", value=None)])
    assert goal.normal is None
    assert goal.at_incident is None
