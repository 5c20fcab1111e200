"""Figures of the calls to and from an entity, by spans and by the latency both sides measure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from math import log, sqrt

from steadyhand.journey.evidence.bearings.observed import Calls
from steadyhand.journey.evidence.bearings.scene import Figures, Scene
from steadyhand.journey.evidence.bearings.strength import beyond_usual, signed_g

_LEAST_US = 1000.0
_TWICE = log(2)
_FAR = "edge_far"
_NEAR = "edge_near"


class Traffic:
    """All calls of one incident."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._all = scene.seen.calls

    @cached_property
    def slow(self) -> Mapping[str, float]:
        """Of each entity how many times (as a logarithm) longer the slow calls of one kind take."""
        return {name: _slow(self.to(name)) for name in self._scene.seen.entities}

    @cached_property
    def _counts(self) -> tuple[float, float, float]:
        return _totals(self._all)

    def to(self, name: str) -> list[Calls]:
        """The calls it answers that both sides of the onset have."""
        return [one for one in self._all if one.callee == name and one.calm > 0 and one.since > 0]

    def slow_unexplained(self, name: str) -> float:
        """What of its slowness that of its slowest callee does not explain."""
        return max(
            0.0,
            self.slow[name]
            - max((self.slow.get(one, 0.0) for one in self._scene.callees(name)), default=0.0),
        )

    def figures(self, name: str) -> Figures:
        """Calls to and from it. Missing calls are blamed on the caller."""
        mine = [one for one in self._all if one.caller == name]
        own = _totals(mine)
        callers = [one for one in self._scene.callers.get(name, ()) if one != name and self.to(one)]
        return {
            "calls_missing": max((-_beyond(one, self._counts) for one in mine), default=0.0),
            "calls_mix": max((-_beyond(one, own) for one in mine), default=0.0),
            "slow": self.slow[name],
            "slow_typical": _slow_typical(self.to(name)),
            "slow_unexplained": self.slow_unexplained(name),
            "way": _way(self.to(name)),
            "callers_slow": min((self.slow_unexplained(one) for one in callers), default=0.0),
            **self._arrows(name),
        }

    def _arrows(self, name: str) -> Figures:
        bends = self._scene.bends
        far = {one.gauge.other: one.strength for one in bends.get(name, ()) if one.gauge.kind == _FAR}
        near = {one.gauge.other: one.strength for one in bends.get(name, ()) if one.gauge.kind == _NEAR}
        out = [one.strength for one in self._scene.calling.get(name, ())]
        return {
            "edge_far": max(far.values(), default=0.0),
            "edge_near": max(near.values(), default=0.0),
            "edge_between": max((far[one] - near.get(one, 0.0) for one in far), default=0.0),
            "edge_out": max(out, default=0.0),
            "edge_far_all": min(far.values(), default=0.0),
        }


def _totals(calls: Sequence[Calls]) -> tuple[float, float, float]:
    return sum(one.calm for one in calls), sum(one.since for one in calls), sum(one.lately for one in calls)


def _beyond(one: Calls, totals: tuple[float, float, float]) -> float:
    """How surely there are more of them, beyond what calm itself wanders; negative: fewer."""
    calm, since, lately = totals
    return beyond_usual(
        signed_g(one.calm, one.since, calm, since), signed_g(one.calm, one.lately, calm, lately)
    )


def _slow(calls: Sequence[Calls]) -> float:
    return max((log(max(1.0, one.since_slow / max(one.calm_slow, _LEAST_US))) for one in calls), default=0.0)


def _slow_typical(calls: Sequence[Calls]) -> float:
    """Mean log ratio of the slow calls to it, each operation weighted by the root of its calls."""
    weights = [sqrt(min(one.calm, one.since)) for one in calls]
    ratios = [log(max(one.since_slow, 1.0) / max(one.calm_slow, 1.0)) for one in calls]
    total = sum(weights)
    return max(0.0, sum(w * r for w, r in zip(weights, ratios, strict=True)) / total) if total else 0.0


def _way(calls: Sequence[Calls]) -> float:
    """How many times (as a logarithm) longer calls to it are on the way than in calm, as its callers agree.

    What only the way costs shows in no span of the callee. Callers are independent witnesses
    (Stouffer 1949); of few calls each tells less. Less than twice as long is none.
    """
    by_caller: dict[str, list[Calls]] = defaultdict(list)
    for one in calls:
        if one.calm_way is not None and one.since_way is not None:
            by_caller[one.caller].append(one)
    told = [_longer(some) for some in by_caller.values()]
    found = sum(told) / sqrt(len(told)) if told else 0.0
    return found if found > _TWICE else 0.0


def _longer(calls: Sequence[Calls]) -> float:
    weights = [sqrt(min(one.calm, one.since)) for one in calls]
    ratios = [log(max(1.0, (one.since_way or 0.0) / max(one.calm_way or 0.0, _LEAST_US))) for one in calls]
    return sum(w * r for w, r in zip(weights, ratios, strict=True)) / (1.0 + sum(weights))
