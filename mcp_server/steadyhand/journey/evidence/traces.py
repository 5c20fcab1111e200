"""From spans to who calls whom, and to what the same requests do now that they did not do before."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import ceil, log, sqrt
from statistics import quantiles

from pydantic import Field

from steadyhand.journey.evidence.model import Span
from steadyhand.journey.rule import Instant, Value
from steadyhand.journey.seen import CallEdge
from steadyhand.journey.topology import Kind

_SURE = 3.0  # sigmas of the signed root of G
_SLOWER = 2.0  # times
_BY_CHANCE = 0.05
_FEW = 5  # spans: fewer say nothing of how long they take
_Call = tuple[str, str, str]


def edges_of(spans: Iterable[Span], source: str) -> tuple[CallEdge, ...]:
    """Each pair of services with its calls: a span whose parent is another service's, or a named peer.

    Durations are the callee's own where it is traced, else those the caller saw.
    """
    known = list(spans)
    own = {(one.trace, one.id): one for one in known}
    calls: dict[tuple[str, str], list[Span]] = defaultdict(list)
    kinds: dict[tuple[str, str], Kind] = {}
    answered: set[tuple[str, str]] = set()
    for one in known:
        parent = own.get((one.trace, one.parent))
        if parent is not None and parent.service != one.service:
            calls[parent.service, one.service].append(one)
            kinds[parent.service, one.service] = "service"
            answered.add((parent.trace, parent.id))
    for one in known:
        if one.peer and one.peer != one.service and (one.trace, one.id) not in answered:
            calls[one.service, one.peer].append(one)
            kinds.setdefault((one.service, one.peer), one.peer_kind)
    return tuple(_edge(pair, calls[pair], kinds[pair], source) for pair in sorted(calls))


def _edge(pair: tuple[str, str], spans: Sequence[Span], kind: Kind, source: str) -> CallEdge:
    middle, high = middle_and_high([one.duration_ms for one in spans])
    return CallEdge(
        caller=pair[0],
        callee=pair[1],
        callee_kind=kind,
        calls=len(spans),
        errors=sum(one.failed for one in spans),
        p50_ms=middle,
        p95_ms=high,
        source=source,
        seen_at=max(one.start for one in spans),
    )


def middle_and_high(durations: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile of at least one duration."""
    if len(durations) == 1:
        return durations[0], durations[0]
    cuts = quantiles(durations, n=20, method="inclusive")
    return cuts[9], cuts[18]


class SpanChange(Value):
    """One call of one service that is not what it was: made more or less often, slower, or failing."""

    caller: str = Field(description="Who makes the call; empty at the root.")
    service: str
    operation: str
    peer: str = Field(default="", description="The uninstrumented system that is asked by it, if any.")
    before: int = Field(ge=0, description="Spans in the calm window.")
    now: int = Field(ge=0, description="Spans in the window of the incident.")
    missing: float = Field(
        default=0, description="Sigmas by which it is made less often than before, per trace."
    )
    more: float = Field(default=0, description="Sigmas by which it is made more often.")
    slower: float = Field(default=1, gt=0, description="95th percentile now by that before.")
    failing: float = Field(default=0, description="Sigmas by which it fails more often.")
    example: str = Field(default="", description="Id of a trace that shows it; of a missing call, the last.")
    usual: Instant | None = Field(default=None, description="When it was seen last as it used to be.")
    first: Instant | None = Field(default=None, description="When it was first seen otherwise.")

    @property
    def slow(self) -> bool:
        """Whether it takes long enough now to be told."""
        return self.slower >= _SLOWER

    @property
    def surprise(self) -> float:
        """How unusual it is, in sigmas; a call twice as slow counts as the least that is told."""
        return max(self.missing, self.more, self.failing, _SURE * log(self.slower) / log(_SLOWER))

    @property
    def blamed(self) -> str:
        """Of whom it speaks: a call that is no longer made is its caller's doing."""
        return self.caller if self.missing and self.caller else self.service


def span_changes(before: Sequence[Span], now: Sequence[Span]) -> tuple[SpanChange, ...]:
    """The calls that changed, most surprising first; counts per trace, by the signed root of G."""
    traces = len({one.trace for one in before}), len({one.trace for one in now})
    if not all(traces):
        return ()
    old, new = by_call(before), by_call(now)
    found = (_change(call, old.get(call, []), new.get(call, []), traces) for call in sorted({*old, *new}))
    dated = (_dated(one, old, new, (*before, *now)) for one in found if one)
    return tuple(sorted(dated, key=_by_surprise, reverse=True))


def by_call(spans: Sequence[Span]) -> Mapping[_Call, list[Span]]:
    """The spans by their parent's service (empty at the root), their own, and the operation."""
    own = {(one.trace, one.id): one.service for one in spans}
    out: dict[_Call, list[Span]] = defaultdict(list)
    for one in spans:
        out[own.get((one.trace, one.parent), ""), one.service, one.operation].append(one)
    return out


def ways(spans: Sequence[Span]) -> Mapping[_Call, list[float]]:
    """By call how much longer the caller's own span of it took than the callee's, in ms.

    The caller's own span is one within its work that holds no other: what it does itself is not the way.
    """
    own = {(one.trace, one.id): one for one in spans}
    held = Counter((one.trace, one.parent) for one in spans if one.parent)
    out: dict[_Call, list[float]] = defaultdict(list)
    for one in spans:
        asked = own.get((one.trace, one.parent))
        if asked is None or asked.service == one.service or held[asked.trace, asked.id] > 1:
            continue
        around = own.get((asked.trace, asked.parent))
        if around is not None and around.service == asked.service:
            out[asked.service, one.service, one.operation].append(
                max(0.0, asked.duration_ms - one.duration_ms)
            )
    return out


def _change(call: _Call, old: list[Span], new: list[Span], traces: tuple[int, int]) -> SpanChange | None:
    made = signed_root(_traces(old), _traces(new), *traces)
    failing = 0.0
    if old or new:
        failed = sum(one.failed for one in old), sum(one.failed for one in new)
        failing = signed_root(*failed, max(1, len(old)), max(1, len(new)))
    slower = 1.0
    if min(len(old), len(new)) >= _FEW:
        high = [max(0.1, middle_and_high([one.duration_ms for one in some])[1]) for some in (old, new)]
        slower = high[1] / high[0]
    if max(abs(made), failing) < _SURE and slower < _SLOWER:
        return None
    caller, service, operation = call
    return SpanChange(
        caller=caller,
        service=service,
        operation=operation,
        peer=peer_of(old, new),
        before=len(old),
        now=len(new),
        missing=-made if made <= -_SURE else 0,
        more=made if made >= _SURE else 0,
        slower=slower,
        failing=failing if failing >= _SURE else 0,
        example=_telling(old, new),
    )


def peer_of(*some: Sequence[Span]) -> str:
    """Whom the same call asks outside what is traced; empty where nobody is named."""
    return next((one.peer for spans in some for one in spans if one.peer), "")


def _dated(
    change: SpanChange,
    old: Mapping[_Call, Sequence[Span]],
    new: Mapping[_Call, Sequence[Span]],
    every: Sequence[Span],
) -> SpanChange:
    """The change with the interval in which it began, where single spans tell that."""
    call = (change.caller, change.service, change.operation)
    calm, since = (sorted(some.get(call, ()), key=_start) for some in (old, new))
    usual, odd = _sides(change, calm, since, every)
    if odd is None:
        return change
    before = [one.start for one in usual if one.start <= odd]
    return change.model_copy(update={"first": odd, "usual": max(before, default=None)})


def _sides(
    change: SpanChange, calm: Sequence[Span], since: Sequence[Span], every: Sequence[Span]
) -> tuple[Sequence[Span], datetime | None]:
    """Spans of the call, or of others, that show the usual; and the first instant that does not."""
    if change.missing and not since:
        last = calm[-1].start
        others = [one.start for one in every if one.start > last and one.trace != calm[-1].trace]
        return calm, min(others, default=None)
    if change.more and not calm:
        return [one for one in every if one.start < since[0].start], since[0].start
    if change.failing and not any(one.failed for one in calm):
        odd = [one for one in since if one.failed]
    elif change.slow and calm:
        limit = _limit(calm, change.slower)
        odd = [one for one in since if one.duration_ms > limit]
    else:
        return (), None
    return (_proving(calm, since, odd), odd[0].start) if odd else ((), None)


def _proving(calm: Sequence[Span], since: Sequence[Span], odd: Sequence[Span]) -> Sequence[Span]:
    """The usual spans that show that it had not begun: so many later ones are usual by chance once in 20.

    Where every span is odd since the first, the last usual one shows it; where every second, the fifth last.
    """
    told, first = {id(one) for one in odd}, odd[0].start
    share = len(odd) / sum(one.start >= first for one in since)
    by_chance = ceil(log(_BY_CHANCE) / log(1 - share)) - 1 if share < 1 else 0
    usual = [one for one in (*calm, *since) if id(one) not in told and one.start <= first]
    return usual[: max(0, len(usual) - by_chance)]


def _limit(calm: Sequence[Span], slower: float) -> float:
    """A duration that no calm span had, midway between the high ones of then and of now, in ms."""
    durations = [one.duration_ms for one in calm]
    return max(*durations, middle_and_high(durations)[1] * sqrt(slower))


def _start(span: Span) -> datetime:
    return span.start


def _traces(spans: Sequence[Span]) -> int:
    return len(Counter(one.trace for one in spans))


def _by_surprise(one: SpanChange) -> float:
    return one.surprise


def _telling(old: Sequence[Span], new: Sequence[Span]) -> str:
    """The trace to open first: a failed one, else the slowest; where the call is gone, its last."""
    if new:
        return max(new, key=lambda one: (one.failed, one.duration_ms)).trace
    return max(old, key=lambda one: one.start).trace


def signed_root(before: float, now: float, all_before: float, all_now: float) -> float:
    """Signed root of the G statistic of two shares, halves added against zeros; positive: more than before.

    Dunning, Accurate Methods for the Statistics of Surprise and Coincidence, 1993.
    """
    expected = (before + now) * all_now / (all_before + all_now)
    usual = before + now - expected
    g = 2 * (now * log((now + 0.5) / (expected + 0.5)) + before * log((before + 0.5) / (usual + 0.5)))
    size = sqrt(max(g, 0.0))
    return size if now > expected else -size
