"""What the bearings are taken from: calm and suspect samples, messages and calls of each entity."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "latency", "success", "errors", "load", "cpu", "memory", "resource", "up", "edge_far", "edge_near"
]

SYMPTOMS: frozenset[Kind] = frozenset({"latency", "success", "errors", "up"})
"""Kinds by which an entity shows that its callers suffer."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """One series of one entity, before and since it may have gone wrong.

    `edge_far` is the latency of calls to the entity as its caller `other` sees it, `edge_near` the
    same as the entity sees it. `since` holds one entry per suspect step, None where no sample came.
    `calm_of` and `since_of` tell of how many requests each value is, where that is known. The last `recent`
    of the calm samples came right before the suspect ones, where the others are of another day. `mean` says
    that its values are means of requests.
    """

    entity: str
    kind: Kind
    calm: tuple[float | None, ...]
    since: tuple[float | None, ...]
    other: str = ""
    stopped: bool = False
    calm_of: tuple[float | None, ...] = ()
    since_of: tuple[float | None, ...] = ()
    recent: int = 0
    mean: bool = False

    @property
    def counted(self) -> bool:
        """Whether it is known of how many requests its values are."""
        return len(self.calm_of) == len(self.calm) > 0 and len(self.since_of) == len(self.since)


@dataclass(frozen=True, slots=True)
class Said:
    """How often an entity said one kind of message, calm and since.

    `lately` of the calm ones came in the last stretch of calm, about as long as what is compared.
    """

    entity: str
    calm: float
    since: float
    error: bool = False
    lately: float = 0.0


@dataclass(frozen=True, slots=True)
class Calls:
    """One operation called along one arrow: how often, and how long its slow calls took (any unit).

    `lately` calls came in a last stretch of calm that `calm` does not count. `calm_way` and `since_way`
    are how much longer the caller waited than the callee took; None where only one of them tells.
    """

    caller: str
    callee: str
    calm: float
    since: float
    calm_slow: float
    since_slow: float
    lately: float = 0.0
    calm_way: float | None = None
    since_way: float | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything seen of one incident. `target` is who alerts and `symptom` by what, where known."""

    target: str
    symptom: Kind | None
    depends_on: Mapping[str, tuple[str, ...]]
    gauges: tuple[Gauge, ...] = ()
    said: tuple[Said, ...] = ()
    calls: tuple[Calls, ...] = ()
    hidden: frozenset[str] = field(default=frozenset())

    @property
    def entities(self) -> tuple[str, ...]:
        """Everybody who can be to blame, by name."""
        known = set(self.depends_on) | {one for many in self.depends_on.values() for one in many}
        known |= {one.entity for one in self.gauges} | {one.entity for one in self.said}
        known |= {one.callee for one in self.calls} | {one.caller for one in self.calls}
        return tuple(sorted(known - self.hidden - {""}))
