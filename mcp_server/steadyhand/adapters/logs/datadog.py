"""Logs in Datadog: counted by the aggregate endpoint, read by cursor from the search endpoint of API v2."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import httpx2
from pydantic import BaseModel, Field, SecretStr

from steadyhand.adapters.access import JSON, body_of, told
from steadyhand.adapters.datadog import DatadogAccess, base_of, datadog_web
from steadyhand.adapters.logs.remote import Batch, Counts, RemoteLogSettings, flattened, line_of
from steadyhand.adapters.logs.text import phrases
from steadyhand.journey.evidence.model import Finding, LogLine, Window
from steadyhand.journey.evidence.sampling import Cell, Slice

_MOST_LEVELS = 12
_STORAGE = "indexes"


class DatadogLogSettings(DatadogAccess, RemoteLogSettings):
    """Which logs are a service's, as Datadog's search says it."""

    kind: Literal["datadog"]
    name: str = "datadog"
    indexes: tuple[str, ...] = ("*",)
    page_lines: int = Field(default=1_000, ge=1, le=1_000)


class _Point(BaseModel):
    time: datetime
    value: float


class _Bucket(BaseModel):
    by: dict[str, str] = {}
    computes: dict[str, list[_Point]] = {}


class _Buckets(BaseModel):
    buckets: list[_Bucket] = []


class _Page(BaseModel):
    after: str = ""


class _Warning(BaseModel):
    title: str = ""
    detail: str = ""


class _Meta(BaseModel):
    status: Literal["done", "timeout"] = "done"
    page: _Page = _Page()
    warnings: list[_Warning] = []


class _Aggregated(BaseModel):
    data: _Buckets
    meta: _Meta = _Meta()


class _Attributes(BaseModel):
    timestamp: datetime
    status: str = ""
    message: str = ""
    host: str = ""
    service: str = ""
    attributes: dict[str, Any] = {}


class _Log(BaseModel):
    id: str
    attributes: _Attributes


class _Found(BaseModel):
    data: list[_Log]
    meta: _Meta = _Meta()


class DatadogStore:
    """A LogStore over /api/v2/logs. Its public API gives no patterns, so nothing is known to be rare."""

    evenly = False

    def __init__(
        self, settings: DatadogLogSettings, client: httpx2.AsyncClient, api_key: SecretStr, app_key: SecretStr
    ) -> None:
        self.name = settings.name
        self._settings = settings
        self._web = datadog_web(settings, settings.name, client, api_key, app_key)
        self._url = f"{base_of(settings)}/api/v2/logs"

    def finds(self, text: str) -> Finding:
        """By the words of the message."""
        return "words" if phrases(text) else ""

    async def counts(self, service: str, wanted: Slice, width: timedelta) -> Counts:
        """By status, a point for each `width`."""
        count = {"aggregation": "count", "type": "timeseries", "interval": f"{width.total_seconds():.0f}s"}
        question = {
            "filter": self._filter(service, wanted),
            "compute": [count],
            "group_by": [{"facet": "status", "limit": _MOST_LEVELS, "missing": ""}],
        }
        answer = await self._web.ask(
            f"{self._url}/analytics/aggregate", content=body_of(question), headers=JSON
        )
        found = told(self._web, answer, _Aggregated)
        cells = [
            Cell(point.time.timestamp(), one.by.get("status", ""), int(point.value))
            for one in found.data.buckets
            for points in one.computes.values()
            for point in points
            if point.value
        ]
        return Counts(cells, _missing(found.meta))

    async def rare(self, service: str, window: Window) -> Sequence[Slice]:  # noqa: ARG002 - a LogStore's
        """It knows none."""
        return ()

    async def pages(self, service: str, wanted: Slice) -> AsyncGenerator[Batch, None]:
        """Newest first, by cursor."""
        left, cursor = wanted.most, ""
        while left > 0:
            size = min(left, self._settings.page_lines)
            page = {"limit": size} | ({"cursor": cursor} if cursor else {})
            question = {"filter": self._filter(service, wanted), "sort": "-timestamp", "page": page}
            answer = await self._web.ask(
                f"{self._url}/events/search", content=body_of(question), headers=JSON
            )
            found = told(self._web, answer, _Found)
            yield Batch([self._line(service, one) for one in found.data], _missing(found.meta))
            left, cursor = left - len(found.data), found.meta.page.after
            if not cursor or not found.data:
                return

    def _filter(self, service: str, wanted: Slice) -> dict[str, object]:
        query = f"({self._settings.services[service]})"
        query += "".join(f' "{one}"' for one in phrases(wanted.text))
        if wanted.levels is not None:
            query += f" status:({' OR '.join(one or '-*' for one in wanted.levels)})"
        # both ends belong to it there
        times = (_ms(wanted.window.start), _ms(wanted.window.end - timedelta(milliseconds=1)))
        return {
            "query": query,
            "from": times[0],
            "to": times[1],
            "indexes": list(self._settings.indexes),
            "storage_tier": _STORAGE,
        }

    def _line(self, service: str, log: _Log) -> LogLine:
        about = log.attributes
        return line_of(
            at=about.timestamp,
            service=service,
            severity=about.status,
            message=about.message,
            fields={"host": about.host or None, **flattened(about.attributes)},
            ref=f"{self.name}:{log.id}",
        )


def _missing(meta: _Meta) -> tuple[str, ...]:
    late = ("the search timed out there: what it found by then is shown",) if meta.status == "timeout" else ()
    return (*late, *(f"{one.title}: {one.detail}"[:300] for one in meta.warnings))


def _ms(at: datetime) -> str:
    return f"{at.timestamp() * 1000:.0f}"
