"""Figures of how an entity fares and where it stands among the others."""

from collections.abc import Iterable, Mapping
from math import log1p

from steadyhand.journey.evidence.bearings.blame import blame
from steadyhand.journey.evidence.bearings.graph import reachable
from steadyhand.journey.evidence.bearings.scene import Figures, Scene
from steadyhand.journey.evidence.bearings.strength import deepest_drop

_SURELY = log1p(5.0)  # sigmas from which on less is asked and no noise


def health(name: str, scene: Scene) -> Figures:
    """Its own symptoms and resources."""
    own = scene.symptom(name)
    worst = max((scene.symptom(one) for one in scene.callees(name)), default=0.0)
    bends = scene.bends.get(name, [])
    firsts = [one.first for one in bends if one.away]
    return {
        "symptom": own,
        "cpu": scene.strongest(name, "cpu"),
        "memory": scene.strongest(name, "memory"),
        "resource": scene.strongest(name, "resource"),
        "load": scene.strongest(name, "load"),
        "starved": scene.starved(name),
        "callees_starved": _starving(name, scene),
        "asks_less": _asking_less(name, scene),
        "farthest": max((one.strength for one in bends), default=0.0),
        "silent": max((deepest_drop(one) for one in bends if one.gauge.kind == "load"), default=0.0),
        "stopped": 1.0 if any(one.gauge.stopped for one in bends) else 0.0,
        "unexplained": scene.unexplained(name),
        "explained": min(own, worst),
        "residual": scene.residual(name),
        "early": 1 / (1 + min(firsts)) if firsts else 0.0,
        "away": log1p(len(firsts)),
    }


def _starving(name: str, scene: Scene) -> float:
    """How much less comes to one of those it calls, beyond what comes less to it: it no longer asks."""
    callees = [scene.starved(one) for one in scene.callees(name)]
    return max(0.0, max(callees, default=0.0) - scene.starved(name))


def _asking_less(name: str, scene: Scene) -> float:
    """How much less it asks of one it calls, by its own count, beyond what comes less to it."""
    loads = (one for one in scene.bends.get(name, ()) if one.gauge.kind == "load")
    comes = max((one.drop for one in loads if not one.gauge.other), default=0.0)
    return max(0.0, max((one.drop for one in scene.asking.get(name, ())), default=0.0) - comes)


def place(name: str, scene: Scene) -> Figures:
    """Who of its callers and callees is sick too."""
    sick = scene.sick
    reach = reachable(name, scene.callers).keys() & sick
    deep = name in sick and not any(one in sick for one in scene.callees(name))
    return {
        "reach": len(reach - {name}) / len(sick) if sick else 0.0,
        "callers_sick": _share(scene.callers.get(name, ()), sick),
        "leaf": float(deep),
        "end_of_walk": scene.symptom(name) if name in scene.ends else 0.0,
        "leaf_residual": scene.residual(name) if deep else 0.0,
        "callers_unexplained": _least_of_callers(name, scene),
        "left_undone": _left_undone(name, reach, scene),
    }


def _left_undone(name: str, reach: set[str], scene: Scene) -> float:
    """How surely it asks less of others while somebody above it suffers, and suffers more than it does."""
    less = _asking_less(name, scene)
    hurt = max((scene.symptom(one) for one in reach if one != name), default=0.0)
    return less if less >= _SURELY and hurt > scene.symptom(name) else 0.0


def _share(names: Iterable[str], sick: set[str]) -> float:
    known = set(names)
    return len(known & sick) / len(known) if known else 0.0


def _least_of_callers(name: str, scene: Scene) -> float:
    """What each of its callers suffers for no reason one can see: the way to it may be what is slow."""
    callers = [one for one in scene.callers.get(name, ()) if one != name and one in scene.bends]
    return min((scene.unexplained(one) for one in callers), default=0.0)


def accounts(scene: Scene) -> Mapping[str, Figures]:
    """Of each entity the requests that failed and the time lost beyond calm, and what of it is its own.

    Own is what is lost in it and not in those it calls, whose losses its callers see too.
    """
    failed = {name: _failures(name, scene) for name in scene.seen.entities}
    late = {name: _lateness(name, scene) for name in scene.seen.entities}
    flows = [
        *([blame(failed, scene)] if scene.alerts("success") else []),
        *([blame(late, scene)] if scene.alerts("latency") else []),
    ]
    return {
        name: {
            "failed_own": _own(name, failed, scene),
            "late_own": _own(name, late, scene),
            "blame": max((one.get(name, 0.0) for one in flows), default=0.0),
        }
        for name in scene.seen.entities
    }


def _own(name: str, lost: Mapping[str, float], scene: Scene) -> float:
    """As a logarithm; less than one request, or one unit of time, is none."""
    own = lost[name] - sum(lost[one] for one in scene.callees(name))
    return log1p(own) if own >= 1 else 0.0


def _failures(name: str, scene: Scene) -> float:
    return max(
        (one.lost for one in scene.bends.get(name, ()) if one.gauge.kind in {"success", "errors"}),
        default=0.0,
    )


def _lateness(name: str, scene: Scene) -> float:
    """By its mean where that is known: a high percentile times requests is more time than was lost."""
    own = [one for one in scene.bends.get(name, ()) if one.gauge.kind == "latency"]
    means = [one for one in own if one.gauge.mean]
    return max((one.lost for one in means or own), default=0.0)
