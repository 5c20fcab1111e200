"""The signals and messages of one incident as the bearings take them."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from statistics import median
from typing import NamedTuple

from steadyhand.journey.evidence.bearings.arrows import arrows
from steadyhand.journey.evidence.bearings.features import of_entities
from steadyhand.journey.evidence.bearings.observed import Calls, Gauge, Kind, Observed, Said
from steadyhand.journey.evidence.bearings.scene import Scene
from steadyhand.journey.evidence.bearings.strength import signed_g
from steadyhand.journey.evidence.model import Bearing, Role, Span, Traced, Window
from steadyhand.journey.evidence.patterns.compare import Pattern, Patterns
from steadyhand.journey.evidence.roles import words
from steadyhand.journey.evidence.signal import Signal
from steadyhand.journey.evidence.traces import by_call, middle_and_high, peer_of, ways
from steadyhand.journey.seen import service_name
from steadyhand.journey.topology import Topology

_WARNING = 2
_KIND_OF: dict[Role, Kind] = {
    "latency": "latency",
    "errors": "errors",
    "traffic": "load",
    "up": "up",
    "saturation": "resource",
    "waiting": "resource",
    "work": "resource",
}
_PROCESSOR = frozenset({"cpu", "load", "load1"})
_MEMORY = frozenset({"memory", "mem", "rss", "resident", "heap"})
_STEADY = 10
_BACK_S = (240.0, 180.0, 120.0, 60.0, 30.0)


def divided(
    patterns: Patterns, window: Window, alert_at: float, calm_until: float
) -> tuple[tuple[Said, ...], float]:
    """How often each kind of message came before and after the instant that divides them best.

    Of the end of calm and a few instants before the alert it is the one where one service's own mix of
    messages changes most; all in unix seconds.
    """
    start, end = window.start.timestamp(), window.end.timestamp()
    instants = (calm_until, *(at for back in _BACK_S if calm_until < (at := alert_at - back) < end))
    told = [_Told(one) for one in patterns.found]
    ways = [(tuple(one.said(start, at, end) for one in told), at) for at in instants if at > start]
    return max(ways, key=lambda way: _contrast(way[0]), default=((), calm_until))


class _Told:
    """One kind of message over time."""

    def __init__(self, pattern: Pattern) -> None:
        self._pattern = pattern
        self._seconds = sorted(pattern.seconds)
        self._until = (0, *accumulate(pattern.seconds[at] for at in self._seconds))

    def said(self, start: float, until: float, end: float) -> Said:
        """How often it came, calm, which ends at `until`, and since."""
        one, calm = self._pattern, self._before(until)
        lately = max(until - (end - until), (start + until) / 2)
        return Said(
            entity=one.service,
            calm=float(calm),
            since=float(self._until[-1] - calm),
            error=one.rank >= _WARNING or "exception" in one.template.lower(),
            lately=float(calm - self._before(lately)),
        )

    def _before(self, at: float) -> int:
        return self._until[bisect_left(self._seconds, at - self._pattern.width / 2)]


def _contrast(said: Iterable[Said]) -> float:
    """The strongest change of one kind of message against the rest its service says."""
    by_entity: dict[str, list[Said]] = defaultdict(list)
    for one in said:
        by_entity[one.entity].append(one)
    return max(
        (
            abs(signed_g(one.calm, one.since, sum(o.calm for o in own), sum(o.since for o in own)))
            for own in by_entity.values()
            for one in own
        ),
        default=0.0,
    )


class Taken(NamedTuple):
    """The bearings of one incident."""

    places: tuple[Bearing, ...]
    arrows: tuple[Bearing, ...]


def bearings_of(
    known: Sequence[Signal],
    said: Sequence[Said],
    calls: Sequence[Calls],
    topology: Topology,
    service: str,
    baseline: Window,
) -> Taken:
    """The bearings of every entity around the service that alerts, and of the arrows between them."""
    seen = Observed(
        target=service,
        symptom=None,
        depends_on={one.name: one.depends_on for one in topology.services},
        gauges=tuple(gauges_of(known, topology, baseline)),
        said=tuple(said),
        calls=tuple(calls),
        hidden=frozenset(one.name for one in topology.services if one.kind == "client"),
    )
    return taken(seen)


def calls_of(traced: Iterable[Traced], topology: Topology) -> Iterator[Calls]:
    """Each operation along each arrow between two that are known; times in microseconds."""
    for one in traced:
        calm, since = by_call(one.calm.spans), by_call(one.since.spans)
        then, now = ways(one.calm.spans), ways(one.since.spans)
        for call in sorted({*calm, *since}) if calm and since else ():
            old, new = calm.get(call, []), since.get(call, [])
            peer = peer_of(old, new)
            caller, callee = map(service_name, (call[1], peer) if peer else call[:2])
            if caller != callee and topology.get(caller) and topology.get(callee):
                yield Calls(
                    caller,
                    callee,
                    calm=len(old),
                    since=len(new),
                    calm_slow=_slow(old),
                    since_slow=_slow(new),
                    calm_way=_way(then.get(call)),
                    since_way=_way(now.get(call)),
                )


def _slow(spans: Sequence[Span]) -> float:
    return 1e3 * middle_and_high([one.duration_ms for one in spans])[1] if spans else 0.0


def _way(told: Sequence[float] | None) -> float | None:
    return 1e3 * median(told) if told else None


def taken(seen: Observed) -> Taken:
    """What was seen, as one bearing of each entity and of each arrow."""
    scene = Scene(seen)
    return Taken(
        tuple(Bearing(entity=name, figures=found) for name, found in of_entities(scene).items()),
        tuple(
            Bearing(entity=callee, caller=caller, figures=found)
            for (caller, callee), found in sorted(arrows(scene).items())
        ),
    )


def gauges_of(known: Iterable[Signal], topology: Topology, baseline: Window) -> Iterator[Gauge]:
    """Each signal as calm and suspect samples of the entity it speaks of.

    What a service measures of its calls to a known target speaks of the target.
    """
    border = baseline.end.timestamp()
    for one in known:
        kind = _kind(one)
        if kind is None:
            continue
        outside = one.target not in {"", one.entity} and topology.get(one.target) is not None
        until = bisect_left(one.times, border)
        calm, since = one.values[:until], one.values[until:]
        yield Gauge(
            entity=one.target if outside else one.entity,
            kind="edge_far" if outside and kind == "latency" else kind,
            calm=calm,
            since=since,
            other=one.entity if outside else "",
            stopped=len(calm) >= _STEADY and not since,
            calm_of=one.answers[:until],
            since_of=one.answers[until:],
        )


def _kind(signal: Signal) -> Kind | None:
    if signal.role == "resource":
        known = words(signal.metric)
        if known & _PROCESSOR:
            return "cpu"
        return "memory" if known & _MEMORY else "resource"
    return _KIND_OF.get(signal.role)
