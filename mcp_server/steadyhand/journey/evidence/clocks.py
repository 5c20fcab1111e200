"""Whose clock is off, by how much at least, and what order may then still be claimed.

A host that exports its clock tells it itself. A call seen by both its sides tells it too: in true time the
called side begins and ends within the caller's span (Cristian, Probabilistic Clock Synchronization, 1989).
A log file whose last line is later than when it was last written is ahead by as much, and so are lines that a
store took in before the instant they are stamped with.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from heapq import nsmallest
from operator import sub

from steadyhand.journey.evidence.model import ClockOffset, Flag, Onset, Series, Span, Traced
from steadyhand.journey.evidence.owners import Owners
from steadyhand.journey.seen import service_name

_AHEAD_S = 2.0
_BEHIND_S = 30.0  # a clock's sample may be as old as a scrape
_DAY_S = 86_400.0
_CLOCK = "_time_seconds"
_LEAST_S = 0.5  # less than this reverses no order that is claimed
_LEAST_CALLS = 5
_LEAST_LINES = 5  # a stray stamp or two are no clock
_Bounds = tuple[float, float]


class Clocks:
    """Offsets by entity: its clock minus that of the page's other sources, in seconds."""

    def __init__(self, offsets: Iterable[ClockOffset]) -> None:
        self.flags = tuple(Flag(kind="clock_skew", entity=one.entity, text=one.text[:200]) for one in offsets)
        self._bounds: dict[str, list[_Bounds]] = defaultdict(list)
        for one in offsets:
            if one.stamps:
                self._bounds[one.entity].append((one.lo_s, one.hi_s))

    def widened(self, onset: Onset, entity: str) -> Onset:
        """The onset of what this entity stamped, wide enough for its clock as it is and as it should be."""
        bounds = self._bounds.get(entity)
        if not bounds:
            return onset
        lo_s, hi_s = min(one for one, _ in bounds), max(one for _, one in bounds)
        return Onset(
            at=onset.at,
            lo=min(onset.lo, onset.lo - timedelta(seconds=hi_s)),
            hi=max(onset.hi, onset.hi - timedelta(seconds=lo_s)),
        )


def of_hosts(series: Sequence[Series], owners: Owners, sure: Owners) -> Iterator[ClockOffset]:
    """Of hosts that export their clock: the sample nearest to its scrape tells how far it is off.

    `sure` owns a series only where a label or selector says so: a host that may be anybody's widens nothing.
    """
    for one in series:
        if not one.name.endswith(_CLOCK) or not one.times or abs(one.values[-1] - one.times[-1]) > _DAY_S:
            continue
        off = max(map(sub, one.values, one.times))
        if -_BEHIND_S <= off <= _AHEAD_S:
            continue
        host = one.labels.get("instance", "a host")[:60]
        yield ClockOffset(
            entity=owners.of(one.name, one.labels),
            lo_s=off,
            hi_s=off,
            text=f"the clock of {host} is {told(off)} that of the metrics",
            stamps=bool(sure.of(one.name, one.labels)),
        )


def of_calls(traced: Sequence[Traced], reference: str) -> Iterator[ClockOffset]:
    """Of services whose spans fit into their callers' only if a clock is off; relative to `reference`."""
    steps = _steps([span for one in traced for part in (one.calm, one.since) for span in part.spans])
    known: dict[str, _Bounds] = {reference: (0.0, 0.0)}
    waiting = [reference]
    while waiting:
        here = waiting.pop(0)
        for there, (lo_s, hi_s), calls in steps.get(here, ()):
            if there in known:
                continue
            known[there] = (known[here][0] + lo_s, known[here][1] + hi_s)
            waiting.append(there)
            if min(map(abs, known[there])) >= _LEAST_S and known[there][0] * known[there][1] > 0:
                yield _offset(there, reference, known[there], calls)


def _offset(entity: str, reference: str, bounds: _Bounds, calls: int) -> ClockOffset:
    least = min(bounds, key=abs)
    return ClockOffset(
        entity=entity,
        lo_s=bounds[0],
        hi_s=bounds[1],
        text=f"its clock is at least {told(least)} that of {reference}: {calls} calls seen from both sides",
    )


def _steps(spans: Sequence[Span]) -> Mapping[str, list[tuple[str, _Bounds, int]]]:
    """From each service to those it shares calls with: by how much the other's clock is ahead of its own."""
    own = {(one.trace, one.id): one for one in spans}
    pairs: dict[tuple[str, str], list[_Bounds]] = defaultdict(list)
    for one in spans:
        parent = own.get((one.trace, one.parent))
        if parent is not None and parent.service != one.service and one.duration_ms <= parent.duration_ms:
            pairs[service_name(parent.service), service_name(one.service)].append(_room(parent, one))
    found: dict[str, list[tuple[str, _Bounds, int]]] = defaultdict(list)
    for (caller, callee), rooms in sorted(pairs.items()):
        lo_s, hi_s = max(lo for lo, _ in rooms), min(hi for _, hi in rooms)
        if len(rooms) < _LEAST_CALLS or lo_s > hi_s:
            continue  # too few, or no one offset fits them all: some do not wait for the answer
        if lo_s <= 0 <= hi_s:
            lo_s = hi_s = 0.0
        found[caller].append((callee, (lo_s, hi_s), len(rooms)))
        found[callee].append((caller, (-hi_s, -lo_s), len(rooms)))
    return found


def _room(caller: Span, callee: Span) -> _Bounds:
    """Between which offsets of the callee's clock its span lies within the caller's."""
    starts = (callee.start - caller.start).total_seconds()
    return starts - (caller.duration_ms - callee.duration_ms) / 1000, starts


@dataclass(slots=True)
class Arrivals:
    """How long after their stamps the lines of a service were taken in; only the shortest spans are kept."""

    shortest_s: list[float] = field(default_factory=list)

    def take(self, spans_s: Iterable[float]) -> None:
        """Some more lines: seconds from each one's stamp until it was taken in."""
        self.shortest_s = nsmallest(_LEAST_LINES, (*self.shortest_s, *spans_s))


def of_arrivals(entity: str, store: str, seen: Arrivals) -> ClockOffset | None:
    """Of a service whose lines were there before their stamps, or never until long after; else None.

    Nothing arrives before it is sent: a clock is ahead by what lines are early, at least. What always comes
    late was sent late or stamped by a clock that is behind; nobody can tell, so that both are allowed for.
    """
    if len(seen.shortest_s) < _LEAST_LINES:
        return None
    off = -seen.shortest_s[-1]
    if -_BEHIND_S <= off <= _AHEAD_S or abs(off) > _DAY_S:
        return None
    if off > 0:
        text = f"its lines are stamped up to {told(off)} when {store} took them in"
        return ClockOffset(entity=entity, lo_s=off, hi_s=off, text=text)
    late = f"{store} takes its lines in {-off:.0f} s or more after their stamps"
    text = f"{late}: sent late, or its clock is behind"
    return ClockOffset(entity=entity, lo_s=off, hi_s=0.0, text=text)


def told(offset_s: float) -> str:
    """How far and which way, e.g. "90 s ahead of"."""
    amount = f"{abs(offset_s):.0f}" if abs(offset_s) >= 10 else f"{abs(offset_s):.1f}"  # noqa: PLR2004 - two digits
    return f"{amount} s {'ahead of' if offset_s > 0 else 'behind'}"
