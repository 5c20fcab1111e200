"""Metrics in InfluxDB, by InfluxQL over /query: the door that versions 1, 2 and 3 share."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

import httpx2
from pydantic import BaseModel, Field, SecretStr, field_validator

from steadyhand.adapters.access import Access, told, web_for
from steadyhand.adapters.metrics.queried import QueriedRule
from steadyhand.journey.evidence.model import Series, Window
from steadyhand.ports import SourceRefused

_Cell = float | str | bool | None


_WRITE_SO = "write one SELECT without INTO that holds `WHERE $time`"


class InfluxSettings(Access, QueriedRule):
    """SELECT statements in which $time and $step stand for the window and the step."""

    kind: Literal["influxdb"]
    name: str = "influxdb"
    database: str = Field(description="A database, or with version 2 the bucket mapped to one.")

    @field_validator("services")
    @classmethod
    def _only_read(cls, services: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for name, queries in services.items():
            for one in queries:
                if not _reads(one):
                    raise ValueError(f"{name}: {_WRITE_SO}")
        return services


class _Series(BaseModel):
    name: str = ""
    tags: dict[str, str] = {}
    columns: list[str]
    values: list[list[_Cell]] = []


class _Statement(BaseModel):
    series: list[_Series] = []
    error: str = ""


class _Answer(BaseModel):
    results: list[_Statement]


class Influx:
    """A MetricStore over /query. Each column of numbers is a series."""

    def __init__(
        self, settings: InfluxSettings, client: httpx2.AsyncClient, secret: SecretStr | None
    ) -> None:
        self.name = settings.name
        self._settings = settings
        self._web = web_for(settings.name, settings, client, secret)

    async def query(self, query: str, window: Window, step: timedelta) -> Sequence[Series]:
        """Every series of the statement."""
        if not _reads(query):
            raise SourceRefused(self.name, _WRITE_SO)
        start, end = (f"{one.timestamp() * 1000:.0f}ms" for one in (window.start, window.end))
        filled = query.replace("$time", f"time >= {start} AND time < {end}")
        filled = filled.replace("$step", f"{max(1, round(step.total_seconds()))}s")
        params = {"db": self._settings.database, "q": filled, "epoch": "ms"}
        answer = await self._web.read(f"{self._settings.url}/query", params)
        found = told(self._web, answer, _Answer)
        for one in found.results:
            if one.error:
                raise SourceRefused(self.name, self._web.clean(one.error))
        return [series for one in found.results for table in one.series for series in _told(table)]


def _reads(query: str) -> bool:
    """Whether it is one statement that reads, over a window that is filled in."""
    words = query.upper().split()
    return words[:1] == ["SELECT"] and "INTO" not in words and ";" not in query and "$time" in query


def _told(table: _Series) -> Sequence[Series]:
    """A series for each column but the time."""
    if "time" not in table.columns:
        return ()
    place = table.columns.index("time")
    columns = [(at, name) for at, name in enumerate(table.columns) if at != place]
    return [_column(table, place, at, name) for at, name in columns]


def _column(table: _Series, place: int, at: int, name: str) -> Series:
    points = [
        (float(time) / 1000, float(value))
        for row in table.values
        if isinstance(time := row[place], int | float) and isinstance(value := row[at], int | float)
    ]
    return Series(
        name=f"{table.name}.{name}" if table.name else name,
        labels=table.tags,
        times=tuple(time for time, _ in points),
        values=tuple(value for _, value in points),
    )
