"""Metrics in Datadog, by the timeseries query of API v1. How far apart points are is Datadog's choice."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

import httpx2
from pydantic import BaseModel, Field, SecretStr

from steadyhand.adapters.access import told
from steadyhand.adapters.datadog import DatadogAccess, base_of, datadog_web
from steadyhand.adapters.metrics.queried import QueriedRule
from steadyhand.journey.evidence.model import Series, Window
from steadyhand.ports import SourceRefused


class DatadogMetricSettings(DatadogAccess, QueriedRule):
    """Queries such as avg:trace.http.request.duration{service:shop} by {resource_name}."""

    kind: Literal["datadog"]
    name: str = "datadog"


class _Series(BaseModel):
    metric: str = ""
    scope: str = ""
    tags: list[str] = Field(default=[], alias="tag_set")
    points: list[tuple[float, float | None]] = Field(alias="pointlist")


class _Answer(BaseModel):
    status: Literal["ok", "error"]
    error: str = ""
    series: list[_Series] = []


class DatadogMetrics:
    """A MetricStore over /api/v1/query."""

    def __init__(
        self, settings: DatadogMetricSettings, client: httpx2.AsyncClient, api: SecretStr, app: SecretStr
    ) -> None:
        self.name = settings.name
        self._url = f"{base_of(settings)}/api/v1/query"
        self._web = datadog_web(settings, settings.name, client, api, app)

    async def query(self, query: str, window: Window, step: timedelta) -> Sequence[Series]:  # noqa: ARG002 - its choice
        """Every series of the query."""
        span = {"from": f"{window.start.timestamp():.0f}", "to": f"{window.end.timestamp():.0f}"}
        found = told(self._web, await self._web.read(self._url, {**span, "query": query}), _Answer)
        if found.status == "error":
            raise SourceRefused(self.name, self._web.clean(found.error))
        return [_told(one) for one in found.series]


def _told(series: _Series) -> Series:
    points = [(at / 1000, value) for at, value in series.points if value is not None]
    tags = (one.partition(":") for one in series.tags)
    return Series(
        name=series.metric,
        labels={key: value for key, _, value in tags},
        times=tuple(at for at, _ in points),
        values=tuple(value for _, value in points),
    )
