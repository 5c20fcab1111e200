"""Edges from metrics: a mesh's counters, or the span metrics of Tempo and the OpenTelemetry collector."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import Field

from steadyhand.journey.evidence.model import Series, Window
from steadyhand.journey.rule import Rule
from steadyhand.journey.seen import CallEdge
from steadyhand.journey.topology import Kind
from steadyhand.ports import MetricSource

_POINTS = 60
_KINDS: Mapping[str, Kind] = {
    "database": "database",
    "messaging_system": "queue",
    "virtual_node": "third_party",
}
_UNKNOWN = frozenset({"", "unknown", "user"})


class EdgeSettings(Rule):
    """Counters with a label for the caller and one for the callee. The defaults are Tempo's."""

    kind: Literal["promql"]
    name: str = Field(default="service-graph", description="How get_topology calls it.")
    source: str = Field(default="prometheus", description="The name of one of connections.metrics.")
    calls: str = Field(
        default="sum by (client, server, connection_type) (rate(traces_service_graph_request_total[2m]))",
        description="Calls per second. Istio: sum by (source_workload, destination_workload) "
        "(rate(istio_requests_total[2m]))",
    )
    errors: str = Field(
        default="sum by (client, server) (rate(traces_service_graph_request_failed_total[2m]))",
        description="Failed ones per second; empty: not known.",
    )
    caller_label: str = "client"
    callee_label: str = "server"
    kind_label: str = "connection_type"
    names: dict[str, str] = Field(default={}, description="As the metrics call it -> as services do.")


class PromqlEdges:
    """An EdgeSource over one metrics source."""

    def __init__(self, settings: EdgeSettings, source: MetricSource) -> None:
        self.name = settings.name
        self._settings = settings
        self._source = source

    async def edges(self, window: Window) -> Sequence[CallEdge]:
        """Every pair with a call in the window. Raises SourceError."""
        step = max(window.length / _POINTS, timedelta(seconds=1))
        calls, errors = await asyncio.gather(
            self._rates(self._settings.calls, window, step), self._rates(self._settings.errors, window, step)
        )
        failed = {self._pair(one): _sum(one, step) for one in errors}
        found = [(self._pair(one), one) for one in calls if _sum(one, step) > 0]
        return [
            CallEdge(
                caller=pair[0],
                callee=pair[1],
                callee_kind=_KINDS.get(one.labels.get(self._settings.kind_label, ""), "service"),
                calls=_sum(one, step),
                errors=min(failed.get(pair, 0.0), _sum(one, step)),
                source=self.name,
                seen_at=_last(one),
            )
            for pair, one in found
            if not set(pair) & _UNKNOWN
        ]

    async def _rates(self, expression: str, window: Window, step: timedelta) -> Sequence[Series]:
        return await self._source.series(expression, window, step) if expression else ()

    def _pair(self, series: Series) -> tuple[str, str]:
        one = self._settings
        caller, callee = series.labels.get(one.caller_label, ""), series.labels.get(one.callee_label, "")
        return one.names.get(caller, caller)[:200], one.names.get(callee, callee)[:200]


def _sum(series: Series, step: timedelta) -> float:
    """Calls in the window: each rate stands for one step."""
    return sum(value for value in series.values if value > 0) * step.total_seconds()


def _last(series: Series) -> datetime:
    busy = [time for time, value in zip(series.times, series.values, strict=True) if value > 0]
    return datetime.fromtimestamp(max(busy), tz=UTC)
