"""The figures of each entity that the ranker weighs; none of them knows a name."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import log, log1p, sqrt

from steadyhand.journey.evidence.bearings.graph import reachable, reversed_arrows, walked
from steadyhand.journey.evidence.bearings.observed import SYMPTOMS, Gauge, Observed
from steadyhand.journey.evidence.bearings.residual import unexplained_by
from steadyhand.journey.evidence.bearings.strength import Bend, bend_of, deepest_drop, signed_g

_OTHER_SYMPTOM = 0.6  # a symptom of another kind than the alert's counts less
_LEAST_US = 1000.0
_FAILURES = frozenset({"success", "errors", "up"})
Figures = dict[str, float]


@dataclass(frozen=True)
class _Scene:
    """What the figures of all entities share."""

    seen: Observed

    @cached_property
    def bends(self) -> dict[str, list[Bend]]:
        found: dict[str, list[Bend]] = defaultdict(list)
        for gauge in self.seen.gauges:
            found[gauge.entity].append(bend_of(gauge))
        return found

    @cached_property
    def calling(self) -> dict[str, list[Bend]]:
        """Of each caller how slow it sees those it calls."""
        found: dict[str, list[Bend]] = defaultdict(list)
        for one in (one for many in self.bends.values() for one in many):
            if one.gauge.kind == "edge_far":
                found[one.gauge.other].append(one)
        return found

    @cached_property
    def callers(self) -> dict[str, tuple[str, ...]]:
        return reversed_arrows(self.seen.depends_on)

    def symptom(self, name: str) -> float:
        return max((self._worth(one) for one in self.bends.get(name, ())), default=0.0)

    def _worth(self, bend: Bend) -> float:
        if bend.gauge.kind not in SYMPTOMS:
            return 0.0
        return bend.strength if self._of_the_alert(bend.gauge) else _OTHER_SYMPTOM * bend.strength

    def strongest(self, name: str, *kinds: str) -> float:
        return max((one.strength for one in self.bends.get(name, ()) if one.gauge.kind in kinds), default=0.0)

    @cached_property
    def sick(self) -> set[str]:
        return {
            name
            for name, bends in self.bends.items()
            if any(one.away and self._of_the_alert(one.gauge) for one in bends)
        }

    def _of_the_alert(self, gauge: Gauge) -> bool:
        """Whether it shows the kind of symptom that alerts; failures show as success, errors or silence."""
        if self.seen.symptom in {None, "up"}:
            return gauge.kind in SYMPTOMS
        if self.seen.symptom in _FAILURES:
            return gauge.kind in _FAILURES
        return gauge.kind == self.seen.symptom

    @cached_property
    def ends(self) -> set[str]:
        """Where a walk over sick neighbours ends; from everywhere if nobody knows who alerts."""
        starts = (self.seen.target,) if self.seen.target else tuple(sorted(self.sick))
        return {end for one in starts for end in walked(one, self.seen.depends_on, self.sick)}

    @cached_property
    def totals(self) -> tuple[float, float]:
        return sum(one.calm for one in self.seen.said), sum(one.since for one in self.seen.said)

    @cached_property
    def call_totals(self) -> tuple[float, float]:
        return sum(one.calm for one in self.seen.calls), sum(one.since for one in self.seen.calls)

    @cached_property
    def loads(self) -> dict[str, list[Gauge]]:
        found: dict[str, list[Gauge]] = defaultdict(list)
        for one in self.seen.gauges:
            if one.kind == "load":
                found[one.entity].append(one)
        return found

    @cached_property
    def worst_symptoms(self) -> dict[str, Gauge]:
        """Of each entity the gauge of its worst symptom."""
        found = {}
        for name, bends in self.bends.items():
            own = [one for one in bends if one.gauge.kind in SYMPTOMS]
            if own:
                found[name] = max(own, key=self._worth).gauge
        return found

    def residual(self, name: str) -> float:
        gauge = self.worst_symptoms.get(name)
        if gauge is None:
            return 0.0
        callees = [self.worst_symptoms[one] for one in self.callees(name) if one in self.worst_symptoms]
        parents = sorted(callees, key=lambda one: -bend_of(one).strength) + self.loads.get(name, [])[:1]
        return bend_of(unexplained_by(gauge, parents)).strength

    def callees(self, name: str) -> tuple[str, ...]:
        return tuple(one for one in self.seen.depends_on.get(name, ()) if one != name)


def figures(seen: Observed) -> dict[str, Figures]:
    """The figures of every entity of one incident."""
    scene = _Scene(seen)
    slow = {name: _slow(name, scene) for name in seen.entities}
    return {name: _of(name, scene, slow) for name in seen.entities}


def _of(name: str, scene: _Scene, slow: Mapping[str, float]) -> Figures:
    return {
        **_health(name, scene),
        **_place(name, scene),
        **_arrows(name, scene, slow),
        **_messages(name, scene),
    }


def _health(name: str, scene: _Scene) -> Figures:
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
        "silent": max((deepest_drop(one) for one in bends if one.gauge.kind == "load"), default=0.0),
        "stopped": 1.0 if any(one.gauge.stopped for one in bends) else 0.0,
        "unexplained": max(0.0, own - worst),
        "explained": min(own, worst),
        "residual": scene.residual(name),
        "early": 1 / (1 + min(firsts)) if firsts else 0.0,
        "away": log1p(len(firsts)),
    }


def _place(name: str, scene: _Scene) -> Figures:
    sick = scene.sick
    reach = reachable(name, scene.callers).keys() & sick
    deep = name in sick and not any(one in sick for one in scene.callees(name))
    return {
        "reach": len(reach - {name}) / len(sick) if sick else 0.0,
        "callers_sick": _share(scene.callers.get(name, ()), sick),
        "leaf": float(deep),
        "end_of_walk": scene.symptom(name) if name in scene.ends else 0.0,
        "leaf_residual": scene.residual(name) if deep else 0.0,
    }


def _share(names: Iterable[str], sick: set[str]) -> float:
    known = set(names)
    return len(known & sick) / len(known) if known else 0.0


def _slow(name: str, scene: _Scene) -> float:
    return max(
        (
            log(max(1.0, one.since_slow / max(one.calm_slow, _LEAST_US)))
            for one in scene.seen.calls
            if one.callee == name and one.calm > 0 and one.since > 0
        ),
        default=0.0,
    )


def _slow_typical(name: str, scene: _Scene) -> float:
    """Mean log ratio of the slow calls to it, each operation weighted by the root of its calls."""
    own = [one for one in scene.seen.calls if one.callee == name and one.calm > 0 and one.since > 0]
    weights = [sqrt(min(one.calm, one.since)) for one in own]
    ratios = [log(max(one.since_slow, 1.0) / max(one.calm_slow, 1.0)) for one in own]
    total = sum(weights)
    return max(0.0, sum(w * r for w, r in zip(weights, ratios, strict=True)) / total) if total else 0.0


def _arrows(name: str, scene: _Scene, slow: Mapping[str, float]) -> Figures:
    """Calls to and from it. Missing calls are blamed on the caller."""
    g = [(one, signed_g(one.calm, one.since, *scene.call_totals)) for one in scene.seen.calls]
    mine = [one for one in scene.seen.calls if one.caller == name]
    total = sum(one.calm for one in mine), sum(one.since for one in mine)
    mix = [signed_g(one.calm, one.since, *total) for one in mine]
    far = {one.gauge.other: one.strength for one in scene.bends.get(name, ()) if one.gauge.kind == "edge_far"}
    near = {
        one.gauge.other: one.strength for one in scene.bends.get(name, ()) if one.gauge.kind == "edge_near"
    }
    out = [one.strength for one in scene.calling.get(name, ())]
    return {
        "calls_missing": max((-x for one, x in g if one.caller == name and x < 0), default=0.0),
        "calls_mix": max((-x for x in mix if x < 0), default=0.0),
        "slow": slow[name],
        "slow_typical": _slow_typical(name, scene),
        "slow_unexplained": slow[name]
        - max((slow.get(one, 0.0) for one in scene.callees(name)), default=0.0),
        "edge_far": max(far.values(), default=0.0),
        "edge_near": max(near.values(), default=0.0),
        "edge_between": max((far[one] - near.get(one, 0.0) for one in far), default=0.0),
        "edge_out": max(out, default=0.0),
        "edge_far_all": min(far.values(), default=0.0),
    }


def _messages(name: str, scene: _Scene) -> Figures:
    """What it says, against what all say and, as `mix`, against the rest of what it says itself."""
    said = [one for one in scene.seen.said if one.entity == name]
    own = sum(one.calm for one in said), sum(one.since for one in said)
    g = [(one, signed_g(one.calm, one.since, *scene.totals)) for one in said]
    mix = [(one, signed_g(one.calm, one.since, *own)) for one in said]
    return {
        "log_change": max((abs(x) for _, x in g), default=0.0),
        "log_fewer": max((-x for _, x in g if x < 0), default=0.0),
        "log_errors": max((x for one, x in g if one.error and x > 0), default=0.0),
        "log_mix": max((abs(x) for _, x in mix), default=0.0),
        "log_mix_fewer": max((-x for _, x in mix if x < 0), default=0.0),
        "log_mix_errors": max((x for one, x in mix if one.error and x > 0), default=0.0),
        "log_new": log1p(sum(1 for one in said if one.calm == 0)),
        "log_gone": log1p(sum(1 for one in said if one.since == 0 and one.calm > 1)),
        "log_new_errors": log1p(sum(one.since for one in said if one.calm == 0 and one.error)),
    }
