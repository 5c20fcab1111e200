"""Of many traces the ones that are looked at: whole, failed and newest ones first."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from steadyhand.journey.evidence.model import Coverage, Span, SpanReport, Traced, Window

ALL = "all services"


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


def inside(spans: Iterable[Span], window: Window) -> Iterator[Span]:
    """The spans that began in the window."""
    return (one for one in spans if window.start <= one.start < window.end)


def traced_of(
    source: str, spans: Sequence[Span], calm: Window, since: Window, most: int
) -> tuple[Traced, ...]:
    """What the calm part saw and what came since, as the evidence page takes it; none without spans."""
    if not spans:
        return ()
    before, now = (picked(inside(spans, one), (), one, most, source) for one in (calm, since))
    return (Traced(source=source, calm=before, since=now),)
