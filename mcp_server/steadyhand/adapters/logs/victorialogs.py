"""Logs in VictoriaLogs: hits for counts, LogsQL for lines and for messages that are alike but for numbers."""

import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Literal
from urllib.parse import urlencode

import httpx2
from pydantic import BaseModel, Field, SecretStr, TypeAdapter, ValidationError, field_validator

from steadyhand.adapters.access import FORM, Access, gone, told, web_for
from steadyhand.adapters.http import Answer
from steadyhand.adapters.logs.remote import Batch, Counts, RemoteLogSettings, hash_of, line_of
from steadyhand.journey.evidence.model import Finding, LogLine, Window
from steadyhand.journey.evidence.patterns.formats.parsed import severity_in
from steadyhand.journey.evidence.sampling import Cell, Slice
from steadyhand.ports import SourceRefused

_FEW = 5
_MOST_RARE = 40
_MOST_LEVELS = 30


class VictoriaLogSettings(Access, RemoteLogSettings):
    """Which logs are a service's, as a LogsQL filter says it."""

    kind: Literal["victorialogs"]
    name: str = "victorialogs"
    tenant: str = Field(default="", pattern=r"^(\d+:\d+)?$", description="AccountID:ProjectID, e.g. 12:0.")
    level_field: str = Field(default="level", pattern=r"^[\w.@-]+$")
    page_lines: int = Field(default=5_000, ge=1, le=50_000)

    @field_validator("services")
    @classmethod
    def _filters(cls, services: dict[str, str]) -> dict[str, str]:
        for name, one in services.items():
            if "|" in one:
                raise ValueError(f"{name}: write a filter without pipes; counting and paging are added to it")
        return services


class _Series(BaseModel):
    fields: dict[str, str]
    timestamps: list[datetime]
    values: list[int]


class _Hits(BaseModel):
    hits: list[_Series] = []


_Row = dict[str, str]
_ROW = TypeAdapter(_Row)


class VictoriaStore:
    """A LogStore over /select/logsql."""

    evenly = False

    def __init__(
        self, settings: VictoriaLogSettings, client: httpx2.AsyncClient, secret: SecretStr | None
    ) -> None:
        self.name = settings.name
        self._settings = settings
        account, _, project = settings.tenant.partition(":")
        tenant = {"AccountID": account, "ProjectID": project} if account else {}
        self._web = web_for(settings.name, settings, client, secret, tenant)

    def finds(self, text: str) -> Finding:  # noqa: ARG002 - it finds any
        """By an expression that the message matches."""
        return "text"

    async def counts(self, service: str, wanted: Slice, width: timedelta) -> Counts:
        """By the hits endpoint, for each value of the level field."""
        field = self._settings.level_field
        asked = {"query": self._query(service, wanted), "step": f"{width.total_seconds():.0f}s"}
        asked |= {"field": field, "fields_limit": str(_MOST_LEVELS), **_span(wanted.window)}
        found = told(self._web, await self._ask("hits", asked), _Hits)
        return Counts(
            [
                Cell(at.timestamp(), one.fields.get(field, ""), count)
                for one in found.hits
                for at, count in zip(one.timestamps, one.values, strict=False)
                if count
            ]
        )

    async def rare(self, service: str, window: Window) -> Sequence[Slice]:
        """Messages of which there are few, numbers and ids left out; an older server cannot tell."""
        alike = "collapse_nums at _msg prettify | stats by (_msg) count() as lines"
        query = (
            f"{self._query(service, Slice(window, 0))} | {alike} | filter lines:<={_FEW} | limit {_MOST_RARE}"
        )
        answer = await self._ask("query", {"query": query, **_span(window)})
        if answer.status == HTTPStatus.BAD_REQUEST:
            return ()
        forms = [one["_msg"] for one in self._rows(answer) if one.get("_msg")]
        if not forms:
            return ()
        either = " or ".join(f"pattern_match({_quoted(one)})" for one in forms)
        return [Slice(window, _FEW * len(forms), narrow=f" ({either})")]

    async def pages(self, service: str, wanted: Slice) -> AsyncGenerator[Batch, None]:
        """Newest first, by offset: what is past does not move."""
        read = 0
        while read < wanted.most:
            size = min(wanted.most - read, self._settings.page_lines)
            page = f"sort by (_time desc) offset {read} limit {size}"
            query = f"{self._query(service, wanted)} | {page}"
            rows = self._rows(await self._ask("query", {"query": query, **_span(wanted.window)}))
            streams = [one.get("_stream_id", "") for one in rows]
            yield Batch([self._line(service, one) for one in rows], streams=streams)
            read += size
            if len(rows) < size:
                return

    def _query(self, service: str, wanted: Slice) -> str:
        start, end = (
            one.isoformat().replace("+00:00", "Z") for one in (wanted.window.start, wanted.window.end)
        )
        levels = ""
        if wanted.levels is not None:
            levels = f" {self._settings.level_field}:in({','.join(_quoted(one) for one in wanted.levels)})"
        more = f"{levels}{_holding(wanted.text)}{wanted.narrow}"
        return f"_time:[{start}, {end}) ({self._settings.services[service]}){more}"

    def _rows(self, answer: Answer) -> list[_Row]:
        if not answer.ok:
            raise gone(self._web, answer)
        try:
            return [_ROW.validate_json(one) for one in answer.body.splitlines() if one.strip()]
        except ValidationError as error:
            raise SourceRefused(
                self.name, "its answer is not JSON lines: it broke off or is no VictoriaLogs"
            ) from error

    def _line(self, service: str, row: _Row) -> LogLine:
        fields: dict[str, object] = {key: one for key, one in row.items() if key[:1] != "_" and one}
        message, stamp = row.get("_msg", ""), row.get("_time", "")
        try:
            at = datetime.fromisoformat(stamp)
        except ValueError as error:
            raise SourceRefused(self.name, "gave a line without _time") from error
        severity = str(fields.pop(self._settings.level_field, "")) or severity_in(message)
        place = f"{row.get('_stream_id', '')}:{stamp}:{hash_of(json.dumps(row))}"
        return line_of(
            at=at,
            service=service,
            severity=severity,
            message=message,
            fields=fields,
            ref=f"{self.name}:{place}",
        )

    async def _ask(self, path: str, asked: Mapping[str, str]) -> Answer:
        url = f"{self._settings.url}/select/logsql/{path}"
        return await self._web.ask(url, content=urlencode(asked).encode(), headers=FORM)


def _holding(text: str) -> str:
    return f" _msg:~{_quoted('(?i)' + re.escape(text))}" if text else ""


def _quoted(text: str) -> str:
    """As LogsQL reads it: Go's escapes, which know no halves of a character."""
    return json.dumps(text, ensure_ascii=False)


def _span(window: Window) -> dict[str, str]:
    return {"start": f"{window.start.timestamp():.6f}", "end": f"{window.end.timestamp():.6f}"}
