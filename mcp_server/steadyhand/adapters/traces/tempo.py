"""Traces in Grafana Tempo: TraceQL search, traces by id, and the service graph it writes as metrics."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Literal
from urllib.parse import quote

import httpx2
from pydantic import BaseModel, Field, SecretStr

from steadyhand.adapters.access import Access, gone, scope_of, told, web_for
from steadyhand.adapters.http import Answer
from steadyhand.adapters.traces.otlp import ResourceSpans, spans_of
from steadyhand.adapters.traces.sampled import TraceRule, edges_from, renamed, theirs
from steadyhand.journey.evidence.chosen_traces import ALL, coverage_of, inside
from steadyhand.journey.evidence.model import Span, SpanReport, Window
from steadyhand.journey.seen import CallEdge
from steadyhand.journey.topology import Kind
from steadyhand.ports import MetricSource, SourceError

_AT_ONCE = 4
_Pair = tuple[str, str, str]
_INSTANT = timedelta(seconds=1)
_GRAPH = "traces_service_graph_request"
_BY = "client, server, connection_type"
_KINDS: Mapping[str, Kind] = {"database": "database", "virtual_node": "third_party"}


class TempoSettings(Access, TraceRule):
    """Where its query frontend listens."""

    kind: Literal["tempo"]
    name: str = "tempo"
    most_traces: int = Field(default=100, ge=1, le=1000, description="Read at most so many for the edges.")
    service_graph: str = Field(
        default="",
        description="One of connections.metrics that holds its service graph; empty: edges from traces.",
    )


class _Hit(BaseModel):
    id: str = Field(alias="traceID")


class _Effort(BaseModel):
    done: int = Field(default=0, alias="completedJobs")
    total: int = Field(default=0, alias="totalJobs")


class _Search(BaseModel):
    traces: list[_Hit] = []
    metrics: _Effort = _Effort()


class _Whole(BaseModel):
    batches: list[ResourceSpans] = []
    resources: list[ResourceSpans] = Field(default=[], alias="resourceSpans")


class Tempo:
    """A TraceSource over /api/search and /api/traces."""

    def __init__(
        self,
        settings: TempoSettings,
        client: httpx2.AsyncClient,
        secret: SecretStr | None,
        graph: MetricSource | None = None,
    ) -> None:
        self.name = settings.name
        self._settings = settings
        self._graph = graph
        headers = {**scope_of(settings), "Accept": "application/json"}
        self._web = web_for(settings.name, settings, client, secret, headers)

    async def edges(self, window: Window) -> Sequence[CallEdge]:
        """From the service graph where there is one: all calls; else from the traces that were read."""
        if self._graph is None:
            return edges_from(await self.spans((), window, self._settings.most_traces), self.name)
        span = f"[{max(1, round(window.length.total_seconds()))}s]"
        at = Window(start=window.end, end=window.end + _INSTANT)
        seconds = f"sum by ({_BY}, le) (increase({_GRAPH}_server_seconds_bucket{span}))"
        asked = (
            f"sum by ({_BY}) (increase({_GRAPH}_total{span}))",
            f"sum by ({_BY}) (increase({_GRAPH}_failed_total{span}))",
            f"histogram_quantile(0.5, {seconds})",
            f"histogram_quantile(0.95, {seconds})",
        )
        answers = await asyncio.gather(*(self._numbers(self._graph, one, at) for one in asked))
        calls, *others = answers
        return [self._edge(pair, calls[pair], others, window) for pair in sorted(calls) if calls[pair]]

    async def _numbers(self, graph: MetricSource, query: str, at: Window) -> Mapping[_Pair, float]:
        found = await graph.series(query, at, _INSTANT)
        names = ("client", "server", "connection_type")
        return {
            (
                one.labels.get(names[0], ""),
                one.labels.get(names[1], ""),
                one.labels.get(names[2], ""),
            ): one.values[-1]
            for one in found
            if one.values
        }

    async def spans(self, services: Sequence[str], window: Window, most: int) -> SpanReport:
        """Half of the room is for failed traces, the rest for any; `services` empty means all."""
        either = " || ".join(
            f"resource.service.name = {json.dumps(one)}" for one in theirs(services, self._settings.names)
        )
        conditions = [f"({either})"] if either else []
        queries = [_braces([*conditions, "status = error"]), _braces(conditions)]
        found = [await self._search(one, window, max(1, most // 2)) for one in queries]
        ids = list(dict.fromkeys(hit.id for one in found for hit in one.traces))[:most]
        turns = asyncio.Semaphore(_AT_ONCE)
        answers = await asyncio.gather(*(self._trace(one, turns) for one in ids))
        failures = [one for one in answers if isinstance(one, SourceError)]
        if failures and len(failures) == len(answers):
            raise failures[0]
        read = [one for one in answers if not isinstance(one, SourceError)]
        gaps = list(dict.fromkeys(str(one) for one in failures))
        unfinished = [one.metrics for one in found if one.metrics.done < one.metrics.total]
        gaps += [f"{self.name}: searched {one.done} of {one.total} parts" for one in unfinished[:1]]
        spans = tuple(span for some in read for span in inside(renamed(some, self._settings.names), window))
        who = ", ".join(services) or ALL
        return SpanReport(spans=spans, gaps=tuple(gaps), coverage=coverage_of(self.name, read, window, who))

    async def _search(self, query: str, window: Window, most: int) -> _Search:
        start, end = (f"{one.timestamp():.0f}" for one in (window.start, window.end))
        params = {"q": query, "start": start, "end": end, "limit": str(most), "spss": "1"}
        return told(self._web, await self._ask("search", params), _Search)

    async def _trace(self, trace: str, turns: asyncio.Semaphore) -> list[Span] | SourceError:
        async with turns:
            try:
                answer = await self._ask(f"traces/{quote(trace, safe='')}", {})
                if answer.status == HTTPStatus.NOT_FOUND:
                    return gone(self._web, answer)
                whole = told(self._web, answer, _Whole)
                return list(spans_of((*whole.batches, *whole.resources)))
            except SourceError as error:
                return error

    def _edge(
        self, pair: _Pair, calls: float, others: Sequence[Mapping[_Pair, float]], window: Window
    ) -> CallEdge:
        errors, middle, high = (one.get(pair) for one in others)
        names = self._settings.names
        return CallEdge(
            caller=names.get(pair[0], pair[0]),
            callee=names.get(pair[1], pair[1]),
            callee_kind=_KINDS.get(pair[2], "service"),
            calls=calls,
            errors=min(calls, errors or 0.0),
            p50_ms=None if middle is None else middle * 1000,
            p95_ms=None if high is None else high * 1000,
            source=self.name,
            seen_at=window.end,
        )

    async def _ask(self, path: str, params: Mapping[str, str]) -> Answer:
        return await self._web.read(f"{self._settings.url}/api/{path}", params)


def _braces(conditions: Sequence[str]) -> str:
    return f"{{ {' && '.join(conditions)} }}"
