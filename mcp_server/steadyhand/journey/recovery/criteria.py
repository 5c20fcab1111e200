"""Did it help? Missing data is never success."""

from collections.abc import Sequence

from steadyhand.journey.recovery.model import Goal, Reading
from steadyhand.journey.rule import Value

_WORSE = 1.5


class Assessment(Value):
    """Where the goals stand at one instant."""

    met: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()

    @property
    def recovered(self) -> bool:
        """Every goal was measured and every goal is met."""
        return bool(self.met) and not self.missed and not self.unknown

    @property
    def words(self) -> str:
        """The assessment in one line."""
        parts = (
            ("recovered: ", self.met),
            ("not yet: ", self.missed),
            ("no samples: ", self.unknown),
        )
        return "; ".join(head + ", ".join(names) for head, names in parts if names)


def assess(goals: Sequence[Goal], readings: Sequence[Reading], baseline: float = 1.0) -> Assessment:
    """Compare each goal with its reading. A goal without a reading is unknown, and so is None.

    `baseline` says how far from its normal value towards its bound a number may stay and count as
    recovered: at 0 it must be normal again, at 1 the bound alone counts.
    """
    values = {one.name: one.value for one in readings}
    unknown = tuple(one.name for one in goals if values.get(one.name) is None)
    read = [(one, value) for one in goals if (value := values.get(one.name)) is not None]
    return Assessment(
        met=tuple(goal.name for goal, value in read if _on_side(goal, value, limit(goal, baseline))),
        missed=tuple(goal.name for goal, value in read if not _on_side(goal, value, limit(goal, baseline))),
        unknown=unknown,
        worse=tuple(goal.name for goal, value in read if _is_worse(goal, value)),
    )


def were_well(goals: Sequence[Goal]) -> tuple[Goal, ...]:
    """Those that were within their bound when the plan was made; one without a reading is none of them."""
    return tuple(
        one for one in goals if one.at_incident is not None and _on_side(one, one.at_incident, one.bound)
    )


def limit(goal: Goal, baseline: float) -> float:
    """The value a number must come back to: its bound, and near to what it was before the incident.

    Where it was beyond its bound already, no fix has to do better than that.
    """
    if goal.normal is None:
        return goal.bound
    if not _on_side(goal, goal.normal, goal.bound):
        return goal.normal
    return goal.normal + baseline * (goal.bound - goal.normal)


def _on_side(goal: Goal, value: float, bound: float) -> bool:
    return value <= bound if goal.comparison == "<=" else value >= bound


def _is_worse(goal: Goal, value: float) -> bool:
    """Clearly beyond both the bound and what it was when it hurt."""
    if goal.at_incident is None or _on_side(goal, value, goal.bound):
        return False
    if goal.comparison == "<=":
        return value > _WORSE * max(goal.at_incident, goal.bound)
    return value * _WORSE < min(goal.at_incident, goal.bound)
