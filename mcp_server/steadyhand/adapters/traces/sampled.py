"""What every source of traces is told and does alike."""

import logging
from collections.abc import Iterable, Mapping, Sequence

from pydantic import Field

from steadyhand.journey.evidence.model import Span, SpanReport
from steadyhand.journey.evidence.traces import edges_of
from steadyhand.journey.rule import Rule
from steadyhand.journey.seen import CallEdge

_log = logging.getLogger(__name__)


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


def edges_from(report: SpanReport, source: str) -> tuple[CallEdge, ...]:
    """Who called whom in the traces that were read; what could not be read is in our own log."""
    for gap in report.gaps:
        _log.warning("traces.partial source=%s gap=%s", source, gap)
    return edges_of(report.spans, source)
