"""Who was seen to call whom, beside what incident-config.yaml says, and where the two disagree.

What the configuration says stays in force; what was only seen is added to it, so that a cause is looked for
along arrows nobody wrote down. An arrow that was written down and not seen stays too: silence is no proof.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

from pydantic import Field

from steadyhand.journey.rule import Instant, Value
from steadyhand.journey.topology import Kind, Service, Topology

CONFIG = "config"
_UNFIT = re.compile(r"[^a-z0-9._-]+")
_RARE = 3.0  # fewer calls than this in a window may be a probe or a test


class CallEdge(Value):
    """One caller and one callee as one source saw them in a window."""

    caller: str = Field(min_length=1, max_length=200)
    callee: str = Field(min_length=1, max_length=200)
    callee_kind: Kind = "service"
    calls: float = Field(ge=0, description="In the whole window.")
    errors: float = Field(default=0.0, ge=0, description="Of these.")
    p50_ms: float | None = Field(default=None, ge=0, description="Median, in ms; None where not known.")
    p95_ms: float | None = Field(default=None, ge=0, description="As the caller waited, in ms.")
    source: str = Field(description="Name of the source, e.g. tempo.")
    seen_at: Instant = Field(description="When it was seen last.")


class KnownEdge(Value):
    """An arrow of the graph and all that is known of it."""

    caller: str
    callee: str
    known_from: tuple[str, ...] = Field(description="`config` and the names of sources.")
    last_seen: Instant | None = None
    calls: float = 0.0
    errors: float = 0.0
    p95_ms: float | None = None


class Conflict(Value):
    """One arrow, or one name, of which config and sight say different things."""

    caller: str
    callee: str = Field(default="", description="Empty where it is about the caller's name.")
    words: str


class Graph(Value):
    """The topology with what was seen."""

    topology: Topology
    edges: tuple[KnownEdge, ...]
    unlisted: tuple[str, ...] = Field(default=(), description="Seen, and not among the services.")
    conflicts: tuple[Conflict, ...] = Field(default=(), description="Where config and sight disagree.")

    def beyond(self, written: Topology, names: Collection[str]) -> tuple[Service, ...]:
        """Those of these names of whom more was seen than is written."""
        return tuple(
            one
            for one in self.topology.services
            if written.get(one.name) != one
            and (one.name in names or set(self.topology.callers(one.name)) & {*names})
        )


def graph(written: Topology, seen: Iterable[CallEdge]) -> Graph:
    """What the configuration says, together with what was seen."""
    fit = [_fit(one) for one in seen]
    edges = tuple(_joined(written, [one for one in fit if one.caller != one.callee]))
    known = {one.name for one in written.services}
    kinds = {one.callee: one.callee_kind for one in fit} | {one.name: one.kind for one in written.services}
    nodes = dict.fromkeys(name for one in edges for name in (one.caller, one.callee))
    unlisted = tuple(name for name in nodes if name not in known)
    names = (*(one.name for one in written.services), *unlisted)
    return Graph(
        topology=Topology(services=tuple(_service(name, written, edges, kinds) for name in names)),
        edges=edges,
        unlisted=unlisted,
        conflicts=tuple(_conflicts(written, edges, unlisted)),
    )


def _fit(edge: CallEdge) -> CallEdge:
    """The edge with names as the configuration may write them."""
    return edge.model_copy(update={"caller": service_name(edge.caller), "callee": service_name(edge.callee)})


def service_name(text: str) -> str:
    """A name as the configuration may write it."""
    return _UNFIT.sub("-", text.lower()).strip("-._") or "unnamed"


def _joined(written: Topology, seen: Sequence[CallEdge]) -> Iterator[KnownEdge]:
    """Each arrow once: those of the configuration first, then those only seen, the busiest first."""
    pairs = {(one.name, other): [CONFIG] for one in written.services for other in one.depends_on}
    for edge in sorted(seen, key=lambda one: -one.calls):
        pairs.setdefault((edge.caller, edge.callee), []).append(edge.source)
    for (caller, callee), sources in pairs.items():
        mine = [one for one in seen if (one.caller, one.callee) == (caller, callee)]
        yield KnownEdge(
            caller=caller,
            callee=callee,
            known_from=tuple(dict.fromkeys(sources)),
            last_seen=max((one.seen_at for one in mine), default=None),
            calls=max((one.calls for one in mine), default=0.0),  # sources see the same calls
            errors=max((one.errors for one in mine), default=0.0),
            p95_ms=max((one.p95_ms for one in mine if one.p95_ms is not None), default=None),
        )


def _service(name: str, written: Topology, edges: Sequence[KnownEdge], kinds: dict[str, Kind]) -> Service:
    known = written.get(name)
    mine = known.depends_on if known else ()
    below = tuple(one.callee for one in edges if one.caller == name and one.callee not in mine)
    if known:
        return known.model_copy(update={"depends_on": (*mine, *below)})
    return Service(name=name, kind=kinds.get(name, "service"), depends_on=below)


def _conflicts(written: Topology, edges: Sequence[KnownEdge], unlisted: Sequence[str]) -> Iterator[Conflict]:
    """One sentence each: what was seen and not written, and what was written and not seen."""
    heard = {one.caller for one in edges if one.last_seen}
    for one in edges:
        sources = [source for source in one.known_from if source != CONFIG]
        if CONFIG not in one.known_from and one.calls >= _RARE:
            where = "is no service there" if one.caller in unlisted else "does not name it"
            told = f"{one.caller} calls {one.callee} ({one.calls:.0f} calls, {', '.join(sources)})"
            words = f"{told}, but services.{one.caller} {where}"
            yield Conflict(caller=one.caller, callee=one.callee, words=words)
        elif one.last_seen is None and one.caller in heard:
            words = f"services.{one.caller}.depends_on names {one.callee}, but no call to it was seen"
            yield Conflict(caller=one.caller, callee=one.callee, words=words)
    for name in unlisted:
        twin = next((one.name for one in written.services if _bare(one.name) == _bare(name)), None)
        if twin is not None:
            words = f"{name} may be services.{twin} under another name: tell the source by `names`"
            yield Conflict(caller=name, words=words)


def _bare(name: str) -> str:
    """Without what namespaces and endings add."""
    return re.sub(r"[-_.](svc|service|deployment|prod|production|v\d+)$", "", name).replace("_", "-")


def last_seen(edges: Iterable[KnownEdge], name: str) -> datetime | None:
    """When a node was seen last, on either side of a call."""
    return max(
        (one.last_seen for one in edges if name in {one.caller, one.callee} and one.last_seen), default=None
    )
