"""Traces in Jaeger, by the JSON API of its query service."""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Literal

import httpx2
from pydantic import BaseModel, Field, SecretStr

from steadyhand.adapters.access import Access, scope_of, told, web_for
from steadyhand.adapters.http import Answer
from steadyhand.adapters.traces.otlp import peer_of
from steadyhand.adapters.traces.sampled import TraceRule, edges_from, renamed, theirs
from steadyhand.journey.evidence.chosen_traces import ALL, coverage_of, inside
from steadyhand.journey.evidence.model import Span, SpanReport, Window
from steadyhand.journey.seen import CallEdge
from steadyhand.ports import SourceError, SourceRefused

_log = logging.getLogger(__name__)
_AT_ONCE = 4
_MOST_SERVICES = 40
_LONGEST = 300
_CALLS = {"client", "producer"}


class JaegerSettings(Access, TraceRule):
    """Where its query service listens."""

    kind: Literal["jaeger"]
    name: str = "jaeger"
    most_traces: int = Field(default=200, ge=1, le=1500, description="Read at most so many for the edges.")


class _Tag(BaseModel):
    key: str
    value: Any = ""


class _Reference(BaseModel):
    kind: str = Field(alias="refType")
    span: str = Field(alias="spanID")


class _Span(BaseModel):
    trace: str = Field(alias="traceID")
    id: str = Field(alias="spanID")
    operation: str = Field(default="", alias="operationName")
    references: list[_Reference] = []
    start_us: int = Field(alias="startTime")
    duration_us: int = Field(alias="duration")
    tags: list[_Tag] = []
    process: str = Field(alias="processID")


class _Process(BaseModel):
    service: str = Field(alias="serviceName")


class _Trace(BaseModel):
    id: str = Field(alias="traceID")
    spans: list[_Span] = []
    processes: dict[str, _Process] = {}


class _Traces(BaseModel):
    data: list[_Trace] | None = None


class _Link(BaseModel):
    parent: str
    child: str
    calls: int = Field(alias="callCount")


class _Links(BaseModel):
    data: list[_Link] | None = None


class _Services(BaseModel):
    data: list[str] | None = None


class Jaeger:
    """A TraceSource. Latency and errors of edges come from traces, their number from Jaeger's own count."""

    def __init__(
        self, settings: JaegerSettings, client: httpx2.AsyncClient, secret: SecretStr | None
    ) -> None:
        self.name = settings.name
        self._settings = settings
        self._web = web_for(settings.name, settings, client, secret, scope_of(settings))

    async def edges(self, window: Window) -> Sequence[CallEdge]:
        """From its dependencies, which some stores only compute once a day, and from traces of the window."""
        names = self._settings.names
        known = (told(self._web, await self._ask("services", {}), _Services).data or [])[:_MOST_SERVICES]
        report, links = await asyncio.gather(
            self.spans([names.get(one, one) for one in known], window, self._settings.most_traces),
            self._links(window),
        )
        edges = {(one.caller, one.callee): one for one in edges_from(report, self.name)}
        for link in links:
            caller, callee = (names.get(one, one)[:_LONGEST] for one in (link.parent, link.child))
            bare = CallEdge(caller=caller, callee=callee, calls=0, source=self.name, seen_at=window.end)
            edges[caller, callee] = _counted(edges.get((caller, callee), bare), link.calls)
        return [edges[pair] for pair in sorted(edges)]

    async def spans(self, services: Sequence[str], window: Window, most: int) -> SpanReport:
        """Of each service its newest traces and its failed ones; what is found twice is told once."""
        if not services:
            return SpanReport()
        each = max(1, most // (2 * len(services)))
        turns = asyncio.Semaphore(_AT_ONCE)
        tags: tuple[dict[str, str], ...] = ({}, {"tags": json.dumps({"error": "true"})})
        asks = [
            self._traces(one, window, each, tag, turns)
            for one in theirs(services, self._settings.names)
            for tag in tags
        ]
        answers = await asyncio.gather(*asks)
        failures = [one for one in answers if isinstance(one, SourceError)]
        if len(failures) == len(answers):
            raise failures[0]
        traces = {one.id: one for some in answers if not isinstance(some, SourceError) for one in some}
        read = [renamed(self._read(one), self._settings.names) for one in list(traces.values())[:most]]
        spans = [span for some in read for span in inside(some, window)]
        gaps = tuple(dict.fromkeys(str(one) for one in failures))
        who = ", ".join(services) if len(services) < _AT_ONCE else ALL
        return SpanReport(spans=tuple(spans), gaps=gaps, coverage=coverage_of(self.name, read, window, who))

    async def _traces(
        self, service: str, window: Window, most: int, tags: Mapping[str, str], turns: asyncio.Semaphore
    ) -> Sequence[_Trace] | SourceError:
        params = {"service": service, "limit": str(most), "start": _us(window.start), "end": _us(window.end)}
        async with turns:
            try:
                answer = await self._ask("traces", {**params, **tags})
                if answer.status == HTTPStatus.NOT_FOUND:  # no trace there
                    return []
                return told(self._web, answer, _Traces, _why(answer)).data or []
            except SourceError as error:
                return error

    async def _links(self, window: Window) -> Sequence[_Link]:
        lookback = f"{window.length.total_seconds() * 1000:.0f}"
        try:
            answer = await self._ask("dependencies", {"endTs": _ms(window.end), "lookback": lookback})
            return told(self._web, answer, _Links, _why(answer)).data or []
        except SourceError as error:
            _log.warning("traces.partial source=%s gap=dependencies: %s", self.name, error.why)
            return []

    def _read(self, trace: _Trace) -> list[Span]:
        try:
            return [_span(one, trace.processes[one.process].service) for one in trace.spans]
        except KeyError as error:
            raise SourceRefused(self.name, f"trace {trace.id[:_LONGEST]} lacks a process") from error

    async def _ask(self, path: str, params: Mapping[str, str]) -> Answer:
        return await self._web.read(f"{self._settings.url}/api/{path}", params)


def _counted(edge: CallEdge, calls: int) -> CallEdge:
    """The edge with the number of calls that Jaeger counted; errors keep their share."""
    share = edge.errors / edge.calls if edge.calls else 0.0
    return edge.model_copy(update={"calls": calls, "errors": share * calls})


def _span(span: _Span, service: str) -> Span:
    tags = {one.key: str(one.value) for one in span.tags}
    peer, kind = peer_of(tags) if tags.get("span.kind") in _CALLS else ("", "service")
    parents = [one.span for one in span.references if one.kind == "CHILD_OF"]
    return Span(
        trace=span.trace[:_LONGEST],
        id=span.id[:_LONGEST],
        parent=parents[0][:_LONGEST] if parents else "",
        service=service[:_LONGEST],
        operation=span.operation[:_LONGEST],
        start=datetime.fromtimestamp(span.start_us / 1_000_000, UTC),
        duration_ms=max(0, span.duration_us) / 1000,
        failed=tags.get("error", "").lower() == "true" or tags.get("otel.status_code") == "ERROR",
        peer=peer,
        peer_kind=kind,
    )


def _why(answer: Answer) -> str:
    body = answer.json()
    errors = body.get("errors") if isinstance(body, dict) else None
    return str(errors[0].get("msg", "")) if isinstance(errors, list) and isinstance(errors[0], dict) else ""


def _us(at: datetime) -> str:
    return f"{at.timestamp() * 1_000_000:.0f}"


def _ms(at: datetime) -> str:
    return f"{at.timestamp() * 1000:.0f}"
