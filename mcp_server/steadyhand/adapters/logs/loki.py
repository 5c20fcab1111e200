"""Logs in Grafana Loki: query_range for counts and lines, the patterns it has found for what is rare."""

import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Literal

import httpx2
from pydantic import BaseModel, Field, SecretStr, field_validator

from steadyhand.adapters.access import Access, scope_of, told, web_for
from steadyhand.adapters.http import Answer
from steadyhand.adapters.logs.remote import Batch, Counts, RemoteLogSettings, hash_of, line_of
from steadyhand.adapters.logs.text import read_text
from steadyhand.journey.evidence.model import Finding, LogLine, Window
from steadyhand.journey.evidence.sampling import Cell, Slice

_FEW = 5
_MOST_RARE = 20
_HOLE = "<_>"


class LokiLogSettings(Access, RemoteLogSettings):
    """Which streams are a service's, as LogQL selects them."""

    kind: Literal["loki"]
    name: str = "loki"
    level_label: str = Field(
        default="detected_level", pattern=r"^[a-zA-Z_]\w*$", description="A label, or structured metadata."
    )
    page_lines: int = Field(
        default=5_000, ge=1, description="At most max_entries_limit_per_query of the server."
    )

    @field_validator("services")
    @classmethod
    def _selectors(cls, services: dict[str, str]) -> dict[str, str]:
        for name, one in services.items():
            if not one.strip().startswith("{"):
                raise ValueError(f'{name}: a LogQL query begins with a selector such as {{app="{name}"}}')
        return services


class _Stream(BaseModel):
    stream: dict[str, str]
    values: list[list[str | dict[str, object]]]


class _Counted(BaseModel):
    metric: dict[str, str]
    values: list[tuple[float, float]]


class _Streams(BaseModel):
    kind: Literal["streams"] = Field(alias="resultType")
    result: list[_Stream]


class _Matrix(BaseModel):
    kind: Literal["matrix"] = Field(alias="resultType")
    result: list[_Counted]


class _Lines(BaseModel):
    data: _Streams


class _Numbers(BaseModel):
    data: _Matrix


class _Pattern(BaseModel):
    pattern: str
    samples: list[tuple[float, float]]


class _Patterns(BaseModel):
    data: list[_Pattern] = []


class LokiStore:
    """A LogStore over /loki/api/v1."""

    evenly = False

    def __init__(
        self, settings: LokiLogSettings, client: httpx2.AsyncClient, secret: SecretStr | None
    ) -> None:
        self.name = settings.name
        self._settings = settings
        self._web = web_for(settings.name, settings, client, secret, scope_of(settings))

    def finds(self, text: str) -> Finding:  # noqa: ARG002 - it finds any
        """By an expression that the line's text matches."""
        return "text"

    async def counts(self, service: str, wanted: Slice, width: timedelta) -> Counts:
        """By count_over_time; each point counts the `width` before it."""
        seconds, window = round(width.total_seconds()), wanted.window
        range_ = f"count_over_time({self._settings.services[service]}{_holding(wanted.text)} [{seconds}s])"
        query = f"sum by ({self._settings.level_label}) ({range_})"
        first, last = window.start + width, window.end + width
        answer = await self._ask("query_range", {"query": query, **_span(first, last), "step": f"{seconds}s"})
        found = told(self._web, answer, _Numbers)
        cells = [
            Cell(at - seconds, one.metric.get(self._settings.level_label, ""), int(count))
            for one in found.data.result
            for at, count in one.values
            if at - seconds < window.end.timestamp()
        ]
        return Counts(cells)

    async def rare(self, service: str, window: Window) -> Sequence[Slice]:
        """Its own patterns with few lines; a server without the pattern ingester has none."""
        selector = _selector(self._settings.services[service])
        params = {"query": selector, **_span(window.start, window.end), "step": "10s"}
        answer = await self._ask("patterns", params)
        if answer.status == HTTPStatus.NOT_FOUND:
            return ()
        found = told(self._web, answer, _Patterns).data
        few = [one.pattern for one in found if sum(count for _, count in one.samples) <= _FEW]
        forms = [form for one in few[:_MOST_RARE] if (form := _expression(one))]
        if not forms:
            return ()
        return [Slice(window, _FEW * len(forms), narrow=f" |~ {_quoted('|'.join(forms))}")]

    async def pages(self, service: str, wanted: Slice) -> AsyncGenerator[Batch, None]:
        """Newest first. A page begins with the nanosecond the one before ended in, without its repeats."""
        query = self._settings.services[service] + _holding(wanted.text)
        query += self._of_levels(wanted.levels) + wanted.narrow
        end_ns, left = _ns(wanted.window.end), wanted.most
        seen: set[str] = set()
        while left > 0 and end_ns > _ns(wanted.window.start):
            size = min(left + len(seen), self._settings.page_lines)
            params = {"query": query, "limit": str(size), "direction": "backward"}
            params |= {"start": str(_ns(wanted.window.start)), "end": str(end_ns)}
            found = told(self._web, await self._ask("query_range", params), _Lines)
            read = [
                (int(str(value[0])), self._line(service, one, value), _where(one))
                for one in found.data.result
                for value in one.values
            ]
            new = [(line, stream) for _, line, stream in read if line.ref not in seen]
            yield Batch([line for line, _ in new], streams=[stream for _, stream in new])
            if len(read) < size:
                return
            oldest = min(stamp for stamp, _, _ in read)
            if oldest + 1 >= end_ns:
                yield Batch((), (f"{service}: {self.name} holds more than {size} lines of one nanosecond",))
                return
            seen = {line.ref for stamp, line, _ in read if stamp == oldest}
            left, end_ns = left - len(new), oldest + 1

    def _of_levels(self, levels: Sequence[str] | None) -> str:
        if levels is None:
            return ""
        either = "|".join(re.escape(one) for one in levels)
        return f" | {self._settings.level_label}=~{_quoted(either)}"

    def _line(self, service: str, stream: _Stream, value: Sequence[str | dict[str, object]]) -> LogLine:
        stamp, text = str(value[0]), str(value[1])
        more = value[2].get("structuredMetadata") if len(value) > 2 and isinstance(value[2], dict) else None  # noqa: PLR2004
        fields: dict[str, object] = {**stream.stream, **(more if isinstance(more, dict) else {})}
        level = str(fields.pop(self._settings.level_label, "") or "")
        said = read_text(text)
        return line_of(
            at=datetime.fromtimestamp(int(stamp) // 1000 / 1_000_000, UTC),
            service=service,
            severity=level or said.severity,
            message=said.message,
            fields={**said.fields, **fields},
            ref=f"{self.name}:{stamp}:{hash_of(_where(stream) + text)}",
        )

    async def _ask(self, path: str, params: Mapping[str, str]) -> Answer:
        return await self._web.read(f"{self._settings.url}/loki/api/v1/{path}", params)


def _where(stream: _Stream) -> str:
    return ",".join(f"{key}={one}" for key, one in sorted(stream.stream.items()))


def _holding(text: str) -> str:
    return f" |~ {_quoted('(?i)' + re.escape(text))}" if text else ""


def _quoted(text: str) -> str:
    """As LogQL reads it: Go's escapes, which know no halves of a character."""
    return json.dumps(text, ensure_ascii=False)


def _span(start: datetime, end: datetime) -> dict[str, str]:
    return {"start": str(_ns(start)), "end": str(_ns(end))}


def _ns(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000) * 1_000


def _selector(query: str) -> str:
    """The stream selector a query begins with: patterns are kept by stream."""
    quoted, depth = False, 0
    for at, one in enumerate(query):
        if one == '"' and query[at - 1 : at] != "\\":
            quoted = not quoted
        depth += 0 if quoted else (one == "{") - (one == "}")
        if depth == 0 and one == "}" and not quoted:
            return query[: at + 1]
    return query


def _expression(pattern: str) -> str:
    """An expression that the pattern's lines match; "" for one that says nothing."""
    parts = [one for one in pattern.split(_HOLE) if one.strip()]
    return ".*".join(re.escape(one.strip()) for one in parts)
