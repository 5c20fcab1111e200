"""Figures of what lies between a caller and a callee: what the one sees and the other does not."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from steadyhand.journey.evidence.bearings.scene import Figures, Scene
from steadyhand.journey.evidence.bearings.strength import Bend

Arrow = tuple[str, str]
_FAILURES = frozenset({"errors", "success"})
_SEEN = _FAILURES | {"edge_far"}
_OWN = _FAILURES | {"latency"}


def arrows(scene: Scene) -> dict[Arrow, Figures]:
    """The figures of each (caller, callee) of whose calls both ends measure the same.

    `between` is how much slower, or oftener failing, the caller sees them than the callee; `alone` how much
    of it no other caller sees; `of_caller` and `of_callee` how many arrows of either end are as bad.
    """
    found = {
        (caller, callee): gap
        for callee, bends in scene.bends.items()
        for caller, gap in _gaps(callee, bends).items()
    }
    return {arrow: _figures(arrow, found) for arrow in found}


def _gaps(callee: str, bends: Iterable[Bend]) -> dict[str, float]:
    """By caller how far what it sees of the callee is from what the callee measures itself."""
    far: dict[str, dict[str, float]] = defaultdict(dict)
    near: dict[tuple[str, str], float] = {}
    for one in bends:
        gauge, way = one.gauge, _way(one)
        if gauge.other and gauge.kind in _SEEN:
            far[gauge.other][way] = max(one.strength, far[gauge.other].get(way, 0.0))
        elif _measured(one):
            near[gauge.other, way] = max(one.strength, near.get((gauge.other, way), 0.0))
    return {
        caller: max(gaps)
        for caller, ways in far.items()
        if caller != callee and (gaps := [*_beyond(caller, ways, near)])
    }


def _beyond(caller: str, ways: Mapping[str, float], near: Mapping[tuple[str, str], float]) -> Iterable[float]:
    for way, strength in ways.items():
        own = near.get((caller, way), near.get(("", way)))
        if own is not None:
            yield max(0.0, strength - own)


def _measured(bend: Bend) -> bool:
    """Whether the callee itself measured it, lately too."""
    gauge = bend.gauge
    known = (gauge.kind in _OWN and not gauge.other) or gauge.kind == "edge_near"
    return known and not gauge.stopped and any(one is not None for one in gauge.since)


def _way(bend: Bend) -> str:
    return "failing" if bend.gauge.kind in _FAILURES else "slow"


def _figures(arrow: Arrow, found: Mapping[Arrow, float]) -> Figures:
    (caller, callee), gap = arrow, found[arrow]
    others = [one for (source, target), one in found.items() if target == callee and source != caller]
    return {
        "between": gap,
        "alone": max(0.0, gap - max(others, default=0.0)),
        "of_caller": float(sum(one >= gap / 2 > 0 for (source, _), one in found.items() if source == caller)),
        "of_callee": float(sum(one >= gap / 2 > 0 for (_, target), one in found.items() if target == callee)),
    }
