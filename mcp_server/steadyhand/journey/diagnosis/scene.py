"""The evidence page as the diagnosis asks about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from steadyhand.journey.diagnosis.rule import DiagnosisRule
from steadyhand.journey.evidence.model import Item, Onset, Page, Role
from steadyhand.journey.topology import Kind, Topology

HARM: frozenset[Role] = frozenset({"latency", "errors", "saturation", "waiting", "up"})
"""Roles by which a service shows that it suffers."""

MEASURED: frozenset[Role] = HARM | {"traffic", "resource", "work"}
"""Roles of numbers: a sign only where they left normal."""

_SAID: frozenset[Role] = frozenset({"new_log", "log_rate"})
_FELT: frozenset[Role] = _SAID | {"latency", "errors", "waiting", "up", "idle_in_transaction", "lock_queue"}
_LEAST_IDLE = 3  # one or two sessions idle in transaction are the ordinary background
_LEAST_BLOCKED = 2


@dataclass(frozen=True)
class Scene:
    """One incident's evidence, topology and rule together."""

    page: Page
    topology: Topology
    rule: DiagnosisRule
    places: Mapping[str, float] = field(default_factory=dict)
    """Entity -> log-odds that it rather than nobody is to blame, by the ranker."""

    @property
    def symptoms(self) -> tuple[Item, ...]:
        """What is out of the ordinary; changes, gaps and standing facts of a database are not.

        Nothing is, while nobody suffers: a cache that hits less, or a database whose probe failed, while
        every service is as ever, has led to nothing and names no cause.
        """
        found = tuple(one for one in self.page.items if self.is_symptom(one))
        return found if any(map(self._is_pain, found)) else ()

    def is_symptom(self, item: Item) -> bool:
        """Whether the item shows something out of the ordinary."""
        if item.role in MEASURED:
            return item.direction != "none" and item.strength >= self.rule.least_sigmas
        if item.role in _SAID:
            return item.direction != "none"
        return (item.role == "idle_in_transaction" and number(item, "count") >= _LEAST_IDLE) or (
            item.role == "lock_queue" and number(item, "waiters") >= _LEAST_BLOCKED
        )

    def shown(self, *roles: Role, about: str | None = None) -> tuple[Item, ...]:
        """Symptoms in one of these roles, of one entity if one is named."""
        return tuple(
            one for one in self.symptoms if one.role in roles and (about is None or speaks_of(one, about))
        )

    def known(self, role: Role, about: str | None = None) -> tuple[Item, ...]:
        """All items in this role, symptom or not, of one entity if one is named."""
        return tuple(
            one for one in self.page.items if one.role == role and (about is None or speaks_of(one, about))
        )

    @property
    def harm(self) -> tuple[Item, ...]:
        """How the alerting service itself suffers, a dependency's own numbers apart."""
        own = (one for one in self.shown(*HARM, about=self.page.service) if is_own(one))
        return tuple(one for one in own if not is_hit_share(one))

    @property
    def felt(self) -> bool:
        """Whether anybody suffers or says so; what is only busier or fuller than before does not."""
        return any(one.role in _FELT and not is_hit_share(one) for one in self.symptoms)

    def _is_pain(self, item: Item) -> bool:
        if item.kind != "metric":
            return True
        return self.kind(item.entity) in {None, "service"} and not is_hit_share(item)

    @property
    def nearby(self) -> tuple[str, ...]:
        """The alerting service, what it depends on and who calls it."""
        return self.topology.neighbourhood(self.page.service)

    def of_kind(self, kind: Kind) -> tuple[str, ...]:
        """Names nearby that are of this kind."""
        return tuple(name for name in self.nearby if self.kind(name) == kind)

    def kind(self, name: str) -> Kind | None:
        """What the topology says this is; None if it does not know it."""
        service = self.topology.get(name)
        return service.kind if service else None

    def looked(self, kind: str) -> bool:
        """Whether this kind of evidence was there to be seen, so that its silence says something.

        The page tells how much of each source was read in the first word of its coverage.
        """
        read = self.page.coverage.get(f"{kind}s", "0").split(maxsplit=1)[0]
        return read != "0" or any(one.kind == kind for one in self.page.items)


def speaks_of(item: Item, name: str) -> bool:
    """Whether the item is about this entity, as its owner or as the target of its calls."""
    return name in (item.entity, item.facts.get("target"))


def is_own(item: Item) -> bool:
    """Whether the item is the entity's own number, not one about something it calls."""
    return item.facts.get("target", item.entity) == item.entity


def is_hit_share(item: Item) -> bool:
    """Whether the item tells how many look-ups a cache answered: fewer hits are no pain by themselves."""
    return item.role == "up" and item.facts.get("unit") == "share"


def number(item: Item, fact: str) -> float:
    """A fact read as a number; 0 where it is missing or no number."""
    try:
        return float(item.facts.get(fact, ""))
    except ValueError:
        return 0.0


def earliest(items: Iterable[Item]) -> Onset | None:
    """The first onset among the items, if any has one."""
    onsets = [one.onset for one in items if one.onset is not None]
    return min(onsets, key=lambda onset: (onset.at, onset.lo, onset.hi), default=None)


def surely_before(item: Item, cause: Onset, rule: DiagnosisRule) -> bool:
    """Whether the item began before the cause could have, beyond what smeared onsets explain."""
    return item.onset is not None and item.onset.hi < cause.lo - rule.onset_allowance


def started(change: Item) -> datetime | None:
    """When a change began; None if nobody knows, and then it cannot be blamed."""
    return change.onset.at if change.onset else None


def ids(items: Iterable[Item]) -> tuple[str, ...]:
    """The ids of the items, without repeats, in a stable order."""
    return tuple(sorted({one.id for one in items}))
