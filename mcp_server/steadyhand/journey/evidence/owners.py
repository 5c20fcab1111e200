"""Which thing of the topology a series speaks of."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache

from steadyhand.journey.evidence.roles import REPLICA_LABELS, host_label
from steadyhand.journey.topology import Topology

_SELECTOR = re.compile(r"\s*(?P<name>[A-Za-z_:][\w:]*)?\s*(?:\{(?P<body>.*)\})?\s*")
_MATCHER = re.compile(r"""([A-Za-z_]\w*)\s*(=~|!~|!=|=)\s*["']((?:[^"'\\]|\\.)*)["']""")
Matchers = tuple[tuple[str, str, str], ...]  # label, operator, value
OWNER_LABELS = ("service", "service_name", "app", "application", "job")


@lru_cache(maxsize=512)
def _parsed(selector: str) -> Matchers:
    match = _SELECTOR.fullmatch(selector)
    if match is None:
        return ()
    named = (("__name__", "=", match["name"]),) if match["name"] else ()
    return named + tuple(_MATCHER.findall(match["body"] or ""))


def _fits(matcher: tuple[str, str, str], labels: Mapping[str, str]) -> bool:
    label, operator, wanted = matcher
    value = labels.get(label, "")
    same = re.fullmatch(wanted, value) is not None if "~" in operator else value == wanted
    return same is not operator.startswith("!")


class Owners:
    """Finds the owner of each of thousands of series: the selectors are sorted once, by what they demand."""

    def __init__(self, topology: Topology, default: str) -> None:
        """`default` owns what nobody else does."""
        self._default = default
        self._known = {service.name for service in topology.services}
        self._by_demand: dict[tuple[str, str], list[tuple[Matchers, str]]] = defaultdict(list)
        self._undemanding: list[tuple[Matchers, str]] = []
        for service in topology.services:
            for parsed in filter(None, map(_parsed, service.metrics)):
                self._file(parsed, service.name)

    @cached_property
    def of_replicas(self) -> bool:
        """Whether a selector asks for a replica's label: what only that tells apart may have many owners."""
        known = (*self._undemanding, *(one for many in self._by_demand.values() for one in many))
        return any(label in REPLICA_LABELS for parsed, _ in known for label, _, _ in parsed)

    def _file(self, parsed: Matchers, name: str) -> None:
        exact = ((label, value) for label, operator, value in parsed if operator == "=" and value)
        demand = next(exact, None)
        (self._undemanding if demand is None else self._by_demand[demand]).append((parsed, name))

    def of(self, name: str, labels: Mapping[str, str]) -> str:
        """The service whose selector fits best, else whose name labels or metric carry, else the default.

        A series about a host is first of all the host's, if that is known by its name, its port apart.
        """
        given = {**labels, "__name__": name}
        asked = [one for pair in given.items() for one in self._by_demand.get(pair, ())]
        fitting = [
            (len(parsed), service)
            for parsed, service in (*asked, *self._undemanding)
            if all(_fits(one, given) for one in parsed)
        ]
        if fitting:
            return self._first(fitting)
        host = labels.get(host_label(name, labels), "")
        named = (labels.get(one, "") for one in OWNER_LABELS)
        claims = (host, host.rsplit(":", 1)[0], *named, name.split("_", 1)[0])
        return next((one for one in claims if one in self._known), self._default)

    @staticmethod
    def _first(fitting: Sequence[tuple[int, str]]) -> str:
        """The most specific one; of equals the first by name, whatever order they were written in."""
        return min(fitting, key=lambda pair: (-pair[0], pair[1]))[1]
