"""Logs in Splunk, by search jobs: one is made, looked at until it is done, read page by page, and taken away.

The search language can write and delete, so what the configuration gives is a condition without commands.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote, urlencode

import httpx2
from pydantic import BaseModel, Field, SecretStr, field_validator

from steadyhand.adapters.access import FORM, Access, told, web_for
from steadyhand.adapters.logs.remote import Batch, Counts, RemoteLogSettings, hash_of, instant_of, line_of
from steadyhand.adapters.logs.text import phrases, read_text
from steadyhand.journey.evidence.model import Finding, LogLine, Window
from steadyhand.journey.evidence.sampling import Cell, Slice
from steadyhand.ports import SourceError, SourceRefused

_FEW = 5
_MOST_RARE = 200
_CLEAN_UP_S = 1.0
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.05, 1.0
_ROWS = 10_000


class SplunkLogSettings(Access, RemoteLogSettings):
    """Which events are a service's, as a search condition says it."""

    kind: Literal["splunk"]
    name: str = "splunk"
    level_field: str = Field(default="level", pattern=r"^[\w.]+$")
    page_lines: int = Field(
        default=5_000, ge=1, le=50_000, description="At most maxresultrows of limits.conf."
    )

    @field_validator("services")
    @classmethod
    def _conditions(cls, services: dict[str, str]) -> dict[str, str]:
        for name, one in services.items():
            if re.search(r"[|\[\]`]", one):
                raise ValueError(f"{name}: write a condition without pipes, subsearches and macros")
        return services


class _Made(BaseModel):
    sid: str


class _Content(BaseModel):
    state: str = Field(alias="dispatchState")
    done: bool = Field(default=False, alias="isDone")
    messages: list[dict[str, Any]] | dict[str, Any] = []


class _Entry(BaseModel):
    content: _Content


class _Job(BaseModel):
    entry: list[_Entry] = Field(min_length=1)


class _Message(BaseModel):
    type: str = ""
    text: str = ""


class _Results(BaseModel):
    results: list[dict[str, str | list[str]]] = []
    messages: list[_Message] = []


class SplunkStore:
    """A LogStore over /services/search/v2/jobs."""

    evenly = True

    def __init__(
        self, settings: SplunkLogSettings, client: httpx2.AsyncClient, secret: SecretStr | None
    ) -> None:
        self.name = settings.name
        self._settings = settings
        self._web = web_for(settings.name, settings, client, secret)
        self._jobs = f"{settings.url}/services/search/v2/jobs"

    def finds(self, text: str) -> Finding:
        """By the words it has indexed."""
        return "words" if phrases(text) else ""

    async def counts(self, service: str, wanted: Slice, width: timedelta) -> Counts:
        """By stats, on times cut to `width`."""
        field = self._settings.level_field
        level = f"eval level=coalesce('{field}', \"\")"
        cut = f"bin _time span={width.total_seconds():.0f}s | stats count by _time, level"
        rows, gaps = await self._whole(service, replace(wanted, most=_ROWS), f"{level} | {cut}")
        cells = [Cell(_at(one).timestamp(), _text(one, "level"), int(_text(one, "count"))) for one in rows]
        return Counts(cells, gaps)

    async def rare(self, service: str, window: Window) -> Sequence[Slice]:  # noqa: ARG002 - a LogStore's
        """Events of clusters that are small, told by the cluster command."""
        return [Slice(window, _MOST_RARE, narrow=f"cluster t=0.8 showcount=t | where cluster_count<={_FEW}")]

    async def pages(self, service: str, wanted: Slice) -> AsyncGenerator[Batch, None]:
        """Newest first, in pages of one job's results."""
        drawn = f"where random() % 1000000 < {wanted.share * 1_000_000:.0f} | " if wanted.share < 1 else ""
        narrow = f"{wanted.narrow} | " if wanted.narrow else ""
        async with self._job(service, wanted, f"{drawn}{narrow}head {wanted.most}") as sid:
            offset, gaps = 0, await self._finished(sid)
            while offset < wanted.most:
                found = await self._results(sid, offset, min(self._settings.page_lines, wanted.most - offset))
                lines = [self._line(service, one) for one in found.results]
                received = [instant_of(_text(one, "_indextime")) for one in found.results]
                yield Batch(lines, (*gaps, *_missing(found)), received=received)
                offset, gaps = offset + len(found.results), ()
                if not found.results:
                    return

    async def _whole(
        self, service: str, wanted: Slice, commands: str
    ) -> tuple[Sequence[dict[str, str | list[str]]], tuple[str, ...]]:
        async with self._job(service, wanted, commands) as sid:
            gaps = await self._finished(sid)
            found = await self._results(sid, 0, _ROWS)
            return found.results, (*gaps, *_missing(found))

    @asynccontextmanager
    async def _job(self, service: str, wanted: Slice, commands: str) -> AsyncGenerator[str, None]:
        asked = {
            "search": f"search {self._condition(service, wanted)} | {commands}",
            "earliest_time": f"{wanted.window.start.timestamp():.3f}",
            "latest_time": f"{wanted.window.end.timestamp():.3f}",
            "max_count": str(max(wanted.most, 1)),
            "exec_mode": "normal",
            "output_mode": "json",
        }
        answer = await self._web.ask(self._jobs, content=urlencode(asked).encode(), headers=FORM)
        sid = told(self._web, answer, _Made).sid
        try:
            yield sid
        finally:
            with suppress(SourceError, TimeoutError):  # it ends by itself after ten minutes
                async with asyncio.timeout(_CLEAN_UP_S):
                    await self._web.ask(f"{self._jobs}/{quote(sid, safe='')}", method="DELETE")

    def _condition(self, service: str, wanted: Slice) -> str:
        condition = f"({self._settings.services[service]})"
        condition += "".join(f' "{one}"' for one in phrases(wanted.text))
        if wanted.levels is None:
            return condition
        field = self._settings.level_field
        named = (f"{field}={json.dumps(one)}" for one in wanted.levels if one)
        bare = (f"NOT {field}=*",) if "" in wanted.levels else ()
        return f"{condition} ({' OR '.join((*named, *bare))})"

    async def _finished(self, sid: str) -> tuple[str, ...]:
        """Returns once the job is done, with what it warns of. Raises SourceRefused where it failed."""
        pause = _FIRST_LOOK_S
        while True:
            answer = await self._web.read(f"{self._jobs}/{quote(sid, safe='')}", {"output_mode": "json"})
            job = told(self._web, answer, _Job).entry[0].content
            messages = [_Message.model_validate(one) for one in job.messages if isinstance(one, dict)]
            said = "; ".join(one.text for one in messages)
            if job.state == "FAILED":
                raise SourceRefused(self.name, self._web.clean(f"the search failed: {said}"))
            if job.done or job.state == "DONE":
                return tuple(one.text[:300] for one in messages if one.type in {"WARN", "ERROR"})
            await self._web.pause(pause)
            pause = min(2 * pause, _LONGEST_LOOK_S)

    async def _results(self, sid: str, offset: int, count: int) -> _Results:
        params = {"output_mode": "json", "offset": str(offset), "count": str(count)}
        url = f"{self._jobs}/{quote(sid, safe='')}/results"
        return told(self._web, await self._web.read(url, params), _Results)

    def _line(self, service: str, row: dict[str, str | list[str]]) -> LogLine:
        raw, level = _text(row, "_raw"), _text(row, self._settings.level_field)
        text = read_text(raw)
        place = _text(row, "_cd") or hash_of(raw)
        own: dict[str, object] = {
            key: _text(row, key) for key in ("host", "source", "sourcetype", "index") if key in row
        }
        return line_of(
            at=_at(row),
            service=service,
            severity=level or text.severity,
            message=text.message,
            fields={**text.fields, **own},
            ref=f"{self.name}:{_text(row, 'index')}:{_text(row, '_bkt')}:{place}:{_text(row, '_time')}",
        )


def _text(row: dict[str, str | list[str]], key: str) -> str:
    value = row.get(key, "")
    return value if isinstance(value, str) else " ".join(value)


def _at(row: dict[str, str | list[str]]) -> datetime:
    try:
        return datetime.fromisoformat(_text(row, "_time"))
    except ValueError as error:
        raise SourceRefused("splunk", "gave an event without _time") from error


def _missing(found: _Results) -> tuple[str, ...]:
    return tuple(one.text[:300] for one in found.messages if one.type in {"WARN", "ERROR", "FATAL"})
