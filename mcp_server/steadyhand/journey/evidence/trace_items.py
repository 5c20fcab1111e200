"""Trace evidence: calls that are no longer made, made more often, slower or failing since the calm part."""

from collections.abc import Iterator, Sequence
from typing import Literal

from steadyhand.journey.evidence.bearings.taken import calls_of
from steadyhand.journey.evidence.desk import Desk, Part
from steadyhand.journey.evidence.masking import quoted
from steadyhand.journey.evidence.model import Item, Onset, SpanReport, Traced
from steadyhand.journey.evidence.traces import SpanChange, span_changes
from steadyhand.journey.evidence.wording import number
from steadyhand.journey.seen import service_name

_NAME = 60
_OPERATION = 80


def traces_part(traced: Sequence[Traced], desk: Desk) -> Part:
    """The calls that changed, most surprising first; each source is compared with itself alone."""
    found = sorted(
        ((change, one) for one in traced for change in span_changes(one.calm.spans, one.since.spans)),
        key=lambda pair: -pair[0].surprise,
    )
    shown = found[: desk.room("trace")]
    read = "; ".join(_read(one) for one in traced)
    told = f"{len(found)} calls changed, {len(found) - len(shown)} left out"
    items = (_item(change, one, desk) for change, one in shown)
    return Part(tuple(items), f"{read}; {told}", calls=tuple(calls_of(traced, desk.topology)))


def trace_gaps(traced: Sequence[Traced]) -> tuple[str, ...]:
    """What the sources could not see, each once; traces in one part only leave nothing to compare."""
    told = [gap for one in traced for report in (one.calm, one.since) for gap in report.gaps]
    return tuple(dict.fromkeys([*told, *_alone(traced)]))


def _alone(traced: Sequence[Traced]) -> Iterator[str]:
    for one in traced:
        if _traces(one.calm) and not _traces(one.since):
            yield f"{one.source}: no trace since the calm part"
        elif _traces(one.since) and not _traces(one.calm):
            yield f"{one.source}: no trace of the calm part, so its calls are compared with nothing"


def _read(one: Traced) -> str:
    return f"{one.source}: {_traces(one.calm)} calm traces and {_traces(one.since)} since"


def _traces(report: SpanReport) -> int:
    return len({one.trace for one in report.spans})


def _item(change: SpanChange, one: Traced, desk: Desk) -> Item:
    """The item that tells one change; its id is given later."""
    blamed = service_name(change.blamed)
    caller, service, peer = (
        desk.masker.text(name, _NAME) for name in (change.caller, change.service, change.peer)
    )
    operation = desk.masker.text(change.operation, _OPERATION)
    now = f"{change.now} spans in {_traces(one.since)} traces now"
    counts = f"{now}, {change.before} in {_traces(one.calm)} before"
    facts = {
        "source": one.source,
        "caller": caller,
        "service": service,
        "peer": peer,
        "operation": operation,
        "count_now": str(change.now),
        "count_before": str(change.before),
        "slower": f"{change.slower:.2f}",
    }
    return Item(
        id="",
        kind="trace",
        role="call",
        entity=blamed if desk.topology.get(blamed) else desk.service,
        title=f"{_call(caller, service, peer)} {quoted(operation)}: {', '.join(_ways(change))}; {counts}"[
            :300
        ],
        onset=_onset(change, one, desk),
        direction=_direction(change),
        strength=round(change.surprise, 1),
        facts={key: value for key, value in facts.items() if value},
        ref=desk.masker.text(change.example, 100),
    )


def _onset(change: SpanChange, one: Traced, desk: Desk) -> Onset | None:
    """When it began: after it was seen last as it used to be, and not after it was first seen otherwise.

    Of a sample nobody knows what the traces that were not read did: then it may have begun any time since
    the calm part.
    """
    if change.first is None:
        return None
    sampled = any(part.sampled for part in one.since.coverage)
    earliest = desk.baseline.end if sampled else change.usual or desk.baseline.end
    seen = Onset(at=change.first, lo=min(earliest, change.first), hi=change.first)
    return desk.clocks.widened(seen, service_name(change.service))


def _call(caller: str, service: str, peer: str) -> str:
    """Who asks whom; what a service does within itself is only its own."""
    if peer:
        return f"{quoted(service)} calls {quoted(peer)}"
    if not caller:
        return f"requests to {quoted(service)}"
    return f"{quoted(caller)} calls {quoted(service)}" if caller != service else f"within {quoted(service)}"


def _ways(change: SpanChange) -> Iterator[str]:
    if change.missing:
        yield "made less often" if change.now else "no longer made"
    if change.more:
        yield "made more often" if change.before else "never made before"
    if change.failing:
        yield "fails more often"
    if change.slow:
        yield f"p95 {number(change.slower)} times as long"


def _direction(change: SpanChange) -> Literal["gone", "down", "new", "up"]:
    if change.missing:
        return "down" if change.now else "gone"
    return "up" if change.before else "new"
