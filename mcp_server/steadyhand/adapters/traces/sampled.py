"""What every source of traces is told and does alike."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pydantic import Field

from steadyhand.journey.evidence.model import Coverage, Span, SpanReport, Window
from steadyhand.journey.evidence.traces import edges_of
from steadyhand.journey.rule import Rule
from steadyhand.journey.seen import CallEdge

_log = logging.getLogger(__name__)
ALL = "all services"


class TraceRule(Rule):
    """What every source of traces is told."""

    names: dict[str, str] = Field(default={}, description="Its name of a service -> ours, where they differ.")


def renamed(spans: Iterable[Span], names: Mapping[str, str]) -> list[Span]:
    """The spans with services called as the configuration calls them."""
    return [
        one.model_copy(
            update={"service": names.get(one.service, one.service), "peer": names.get(one.peer, one.peer)}
        )
        for one in spans
    ]


def theirs(services: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """Our services as the source calls them."""
    back = {ours: their for their, ours in names.items()}
    return [back.get(one, one) for one in services]


def coverage_of(
    source: str, traces: Sequence[Sequence[Span]], window: Window, services: str, matched: int | None = None
) -> tuple[Coverage, ...]:
    """How many traces were read, of how many where that is known."""
    read = len(traces)
    sampled = ("newest and failed ones first",) if matched is None or matched > read else ()
    return (
        Coverage(
            source=source,
            service=services,
            matched=matched,
            read=read,
            sampled=sampled,
            window=window,
            unit="traces",
        ),
    )


def picked(
    spans: Iterable[Span], services: Sequence[str], window: Window, most: int, source: str
) -> SpanReport:
    """Of these spans the traces that pass one of `services` (empty: any), failed and newest ones first."""
    traces: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        traces[span.trace].append(span)
    wanted = [one for one in traces.values() if not services or any(span.service in services for span in one)]
    wanted.sort(key=lambda one: (not any(span.failed for span in one), -one[-1].start.timestamp()))
    shown = wanted[:most]
    who = ", ".join(services) or ALL
    return SpanReport(
        spans=tuple(span for one in shown for span in one),
        coverage=coverage_of(source, shown, window, who, len(wanted)),
    )


def edges_from(report: SpanReport, source: str) -> tuple[CallEdge, ...]:
    """Who called whom in the traces that were read; what could not be read is in our own log."""
    for gap in report.gaps:
        _log.warning("traces.partial source=%s gap=%s", source, gap)
    return edges_of(report.spans, source)


def inside(spans: Iterable[Span], window: Window) -> Iterator[Span]:
    """The spans that began in the window."""
    return (one for one in spans if window.start <= one.start < window.end)
