"""A random little production: who is there, and who calls whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from steadyhand.journey.topology import Kind, Service, Topology

NODE_LABEL = "nodename"
"""By which the series of a host say whose they are."""

_FIRST = (
    "al",
    "be",
    "cor",
    "dun",
    "el",
    "fa",
    "gri",
    "hol",
    "ir",
    "jo",
    "kel",
    "lo",
    "mar",
    "nor",
    "os",
    "pel",
)
_LAST = ("ba", "dex", "fin", "gar", "lix", "mon", "nis", "pod", "rak", "sten", "tor", "vu", "wen", "zim")


@dataclass(frozen=True)
class World:
    """The entities by kind; `front` is the service users meet and that alerts.

    `nodes` are the hosts, each with those that run on it.
    """

    services: tuple[str, ...]
    databases: tuple[str, ...]
    caches: tuple[str, ...]
    outsiders: tuple[str, ...]
    calls: dict[str, tuple[str, ...]]
    nodes: dict[str, tuple[str, ...]]

    @property
    def front(self) -> str:
        """Who alerts."""
        return self.services[0]

    @property
    def everybody(self) -> tuple[str, ...]:
        """All that is called, callees after their callers."""
        return (*self.services, *self.databases, *self.caches, *self.outsiders)

    def users_of(self, name: str) -> tuple[str, ...]:
        """Who calls it."""
        return tuple(one for one in self.everybody if name in self.calls[one])

    def host_of(self, name: str) -> tuple[str, ...]:
        """The node it runs on; none for what others run."""
        return tuple(node for node, placed in self.nodes.items() if name in placed)

    @property
    def arrows(self) -> tuple[tuple[str, str], ...]:
        """Who calls whom, among services alone."""
        return tuple(
            (caller, callee)
            for caller in self.services
            for callee in self.calls[caller]
            if callee in self.services
        )

    @property
    def topology(self) -> Topology:
        """As the configuration would tell it."""
        kinds: dict[str, Kind] = {
            **dict.fromkeys(self.services, "service"),
            **dict.fromkeys(self.databases, "database"),
            **dict.fromkeys(self.caches, "cache"),
            **dict.fromkeys(self.outsiders, "third_party"),
        }
        return Topology(
            services=(
                *(
                    Service(name=name, kind=kinds[name], depends_on=(*self.calls[name], *self.host_of(name)))
                    for name in self.everybody
                ),
                *(
                    Service(name=node, kind="node", metrics=(f'{{{NODE_LABEL}="{node}"}}',))
                    for node in self.nodes
                ),
            )
        )


def build(chance: Random) -> World:
    """6 to 12 services in front of 1 or 2 databases, a cache and 1 or 2 third parties, on 3 or 4 hosts.

    Every service is reached from the front; calls go down only, so that there is no cycle.
    """
    size = chance.randint(6, 12)
    hosts = chance.randint(3, 4)
    names = _names(chance, size + 5 + hosts)
    names, hosting = names[: size + 5], names[size + 5 :]
    services, rest = names[:size], names[size:]
    databases, caches, outsiders = rest[: chance.randint(1, 2)], rest[2:3], rest[3 : chance.randint(4, 5)]
    calls: dict[str, list[str]] = {name: [] for name in names}
    for index, name in enumerate(services[1:], start=1):
        for caller in chance.sample(services[:index], min(index, chance.choice((1, 1, 2)))):
            calls[caller].append(name)
    for name in (*databases, *caches, *outsiders):
        for user in chance.sample(services, chance.randint(1, 3)):
            calls[user].append(name)
    for name in caches:  # what a cache spares is a database behind the same service
        for user in [one for one in services if name in calls[one]]:
            calls[user] = list(dict.fromkeys([*calls[user], databases[0]]))
    known = (*services, *databases, *caches, *outsiders)
    return World(
        tuple(services),
        tuple(databases),
        tuple(caches),
        tuple(outsiders),
        {name: tuple(calls[name]) for name in known},
        _placed(chance, hosting, (*services, *databases, *caches)),
    )


def _placed(chance: Random, nodes: Sequence[str], names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Everybody who runs here on one of the nodes, as evenly as a scheduler spreads them."""
    mixed = chance.sample(names, len(names))
    return {node: tuple(sorted(mixed[at :: len(nodes)])) for at, node in enumerate(nodes)}


def _names(chance: Random, many: int) -> Sequence[str]:
    """Names that tell nothing."""
    every = [first + last for first in _FIRST for last in _LAST]
    return chance.sample(every, many)
