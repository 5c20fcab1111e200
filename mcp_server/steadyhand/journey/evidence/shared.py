"""Many services busier at the same time: what they share is short, or more is asked of all of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from steadyhand.journey.evidence.desk import Desk
from steadyhand.journey.evidence.model import Item, Series
from steadyhand.journey.evidence.owners import Owners
from steadyhand.journey.evidence.roles import words
from steadyhand.journey.evidence.screen import Deviation
from steadyhand.journey.evidence.signal import Signal
from steadyhand.journey.evidence.wording import since
from steadyhand.journey.topology import Topology

SHARED_HOST = "shared-host"
"""Stands for what several services run on where no label names it."""

NODE_LABELS = ("node", "kubernetes_node", "k8s_node_name", "nodename", "host", "hostname")
_TOGETHER_S = 60.0
_FEWEST = 3
_FEWEST_OF_A_NODE = 2
_MOST = 2 / 3
_ELSEWHERE = 1 / 3
_SHOWN = 8
Hosts = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class _Busy:
    """Who has processor time measured, who of them takes more since about one instant, who is asked more."""

    measured: frozenset[str]
    moved: Mapping[str, Deviation]
    asked: frozenset[str]


def hosts_of(series: Sequence[Series], topology: Topology, owners: Owners) -> Hosts:
    """The services on each node, by the labels of their series or by the configuration."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in series:
        node = next((one.labels[label] for label in NODE_LABELS if one.labels.get(label)), "")
        if node:
            found[node].add(owners.of(one.name, one.labels))
    for service in topology.services:
        for name in service.depends_on:
            known = topology.get(name)
            if known is not None and known.kind == "node":
                found[name].add(service.name)
    return {node: frozenset(names - {node}) for node, names in found.items()}


def shared_item(
    known: Sequence[Signal], moved: Sequence[Deviation], hosts: Hosts, desk: Desk
) -> tuple[Item, ...]:
    """The item that tells it, if several services take more processor time since about one instant."""
    busy = _busy(known, moved)
    where = _where(busy, hosts)
    if where is None:
        return ()
    place, of = where
    alike = {name: one for name, one in busy.moved.items() if name in of}
    return (_item(place, alike, of, busy, desk),)


def _busy(known: Sequence[Signal], moved: Sequence[Deviation]) -> _Busy:
    rising: dict[str, Deviation] = {}
    for one in moved:
        if _is_processor(one.signal) and one.direction == "up" and one.shape != "spike":
            best = rising.get(one.signal.entity)
            rising[one.signal.entity] = one if best is None or one.strength > best.strength else best
    middle = median(_at(one) for one in rising.values()) if rising else 0.0
    return _Busy(
        frozenset(one.entity for one in known if _is_processor(one)),
        {name: one for name, one in rising.items() if abs(_at(one) - middle) <= _TOGETHER_S},
        frozenset(one.signal.entity for one in moved if _is_more_asked(one)),
    )


def _where(busy: _Busy, hosts: Hosts) -> tuple[str, frozenset[str]] | None:
    """The place they share and who is measured there: one node alone, else what all of them share."""
    together = busy.moved.keys()
    for node, names in sorted(hosts.items()):
        here, elsewhere = names & busy.measured, busy.measured - names
        alone = elsewhere and len(together & elsewhere) <= _ELSEWHERE * len(elsewhere)
        if alone and len(here) >= _FEWEST_OF_A_NODE and here <= together:
            return node, here
    if len(together) < _FEWEST or len(together) < _MOST * len(busy.measured):
        return None
    under_all = [node for node, names in sorted(hosts.items()) if busy.measured <= names]
    return (under_all[0] if len(under_all) == 1 else SHARED_HOST), busy.measured


def _item(place: str, alike: Mapping[str, Deviation], of: frozenset[str], busy: _Busy, desk: Desk) -> Item:
    first = min(alike.values(), key=lambda one: (_at(one), one.signal.entity))
    times = median(one.now / max(one.normal, 1e-9) for one in alike.values())
    more = len(busy.asked & alike.keys())
    who = f"{len(alike)} of {len(of)} services"
    title = (
        f"processor time of {who} up {times:.2g} times together, since {since(first.onset)};"
        f" requests up at {more} of these"
    )
    facts = {
        "metric": "cpu of several services",
        "signal": "processor time together",
        "shape": "step",
        "services": desk.masker.text(", ".join(sorted(alike)[:_SHOWN]), 300),
        "share": f"{len(alike) / len(of):.2f}",
        "asked_more": f"{more / len(alike):.2f}",
    }
    return Item(
        id="",
        kind="metric",
        role="resource",
        entity=place,
        title=title,
        onset=first.onset,
        direction="up",
        strength=round(median(one.strength for one in alike.values()), 1),
        facts=facts,
    )


def _at(one: Deviation) -> float:
    return one.onset.at.timestamp()


def _is_processor(signal: Signal) -> bool:
    return signal.role == "resource" and "cpu" in words(signal.metric) and not signal.target


def _is_more_asked(one: Deviation) -> bool:
    return one.signal.role == "traffic" and one.direction == "up" and not one.signal.target
