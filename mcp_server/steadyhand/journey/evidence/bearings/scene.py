"""What the figures of all entities of one incident share."""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

from steadyhand.journey.evidence.bearings.graph import reversed_arrows, walked
from steadyhand.journey.evidence.bearings.observed import SYMPTOMS, Gauge, Kind, Observed
from steadyhand.journey.evidence.bearings.residual import unexplained_by
from steadyhand.journey.evidence.bearings.strength import Bend, bend_of

Figures = dict[str, float]

_OTHER_SYMPTOM = 0.6  # a symptom of another kind than the alert's counts less
_FAILURES = frozenset({"success", "errors", "up"})


@dataclass(frozen=True)
class Scene:
    """One incident, as the figures ask about it."""

    seen: Observed

    @cached_property
    def bends(self) -> dict[str, list[Bend]]:
        """Of each entity how far each of its gauges went."""
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
    def asking(self) -> dict[str, list[Bend]]:
        """Of each caller how much it asks of those it calls, by its own count."""
        found: dict[str, list[Bend]] = defaultdict(list)
        for one in (one for many in self.bends.values() for one in many):
            if one.gauge.kind == "load" and one.gauge.other:
                found[one.gauge.other].append(one)
        return found

    @cached_property
    def callers(self) -> dict[str, tuple[str, ...]]:
        """Who calls each."""
        return reversed_arrows(self.seen.depends_on)

    def callees(self, name: str) -> tuple[str, ...]:
        """Whom it calls, itself apart."""
        return tuple(one for one in self.seen.depends_on.get(name, ()) if one != name)

    def symptom(self, name: str) -> float:
        """How badly its callers suffer."""
        return max((self.worth(one) for one in self.bends.get(name, ())), default=0.0)

    def unexplained(self, name: str) -> float:
        """What of that its worst callee does not explain."""
        return max(0.0, self.symptom(name) - max(map(self.symptom, self.callees(name)), default=0.0))

    def worth(self, bend: Bend) -> float:
        """Its strength as a symptom."""
        if bend.gauge.kind not in SYMPTOMS:
            return 0.0
        return bend.strength if self.alerts(bend.gauge.kind) else _OTHER_SYMPTOM * bend.strength

    def strongest(self, name: str, *kinds: str) -> float:
        """The farthest of its gauges of these kinds."""
        return max((one.strength for one in self.bends.get(name, ()) if one.gauge.kind in kinds), default=0.0)

    def starved(self, name: str) -> float:
        """How far its load, or what it uses to bear it, fell."""
        return max((one.drop for one in self.bends.get(name, ())), default=0.0)

    @cached_property
    def sick(self) -> set[str]:
        """Who shows the kind of symptom that alerts."""
        return {
            name
            for name, bends in self.bends.items()
            if any(one.away and self.alerts(one.gauge.kind) for one in bends)
        }

    def alerts(self, kind: Kind) -> bool:
        """Whether it is the kind of symptom that alerts; failures show as success, errors or silence."""
        if self.seen.symptom in {None, "up"}:
            return kind in SYMPTOMS
        if self.seen.symptom in _FAILURES:
            return kind in _FAILURES
        return kind == self.seen.symptom

    @cached_property
    def ends(self) -> set[str]:
        """Where a walk over sick neighbours ends; from everywhere if nobody knows who alerts."""
        starts = (self.seen.target,) if self.seen.target else tuple(sorted(self.sick))
        return {end for one in starts for end in walked(one, self.seen.depends_on, self.sick)}

    @cached_property
    def loads(self) -> dict[str, list[Gauge]]:
        """Of each entity the gauges of its load."""
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
                found[name] = max(own, key=self.worth).gauge
        return found

    def residual(self, name: str) -> float:
        """How far its worst symptom went beyond what those of its callees and its load explain."""
        gauge = self.worst_symptoms.get(name)
        if gauge is None:
            return 0.0
        callees = [self.worst_symptoms[one] for one in self.callees(name) if one in self.worst_symptoms]
        parents = sorted(callees, key=lambda one: -bend_of(one).strength) + self.loads.get(name, [])[:1]
        return bend_of(unexplained_by(gauge, parents)).strength
