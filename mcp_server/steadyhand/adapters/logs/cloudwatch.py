"""Logs in CloudWatch, by Logs Insights: a query is started, asked for until it is complete, and read at once.

Its queries are billed by bytes scanned: three or so for each look, over the window of the incident only.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar

import httpx2
from pydantic import BaseModel, Field, ValidationError, field_validator

from steadyhand.adapters.logs.remote import Batch, Counts, RemoteLogSettings, instant_of, line_of
from steadyhand.adapters.logs.text import read_text
from steadyhand.adapters.rollouts.aws.api import Aws, AwsAccess
from steadyhand.journey.evidence.model import Finding, LogLine, Window
from steadyhand.journey.evidence.sampling import Cell, Slice
from steadyhand.ports import SourceError, SourceRefused

_API = "Logs_20140328"
_MOST_ROWS = 10_000
_MOST_GROUPS = 50
_FEW = 5
_MOST_RARE = 20
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.05, 1.0
_CLEAN_UP_S = 1.0
Row = Mapping[str, str]
_Told = TypeVar("_Told", bound=BaseModel)


class CloudWatchLogSettings(AwsAccess, RemoteLogSettings):
    """Which log groups are a service's, with commas between them."""

    kind: Literal["cloudwatch"]
    name: str = "cloudwatch"
    level_field: str = Field(
        default="level", pattern=r"^[\w.@]+$", description="A field that Insights finds."
    )
    page_lines: int = Field(default=_MOST_ROWS, ge=1, le=_MOST_ROWS)

    @field_validator("services")
    @classmethod
    def _groups(cls, services: dict[str, str]) -> dict[str, str]:
        for name, one in services.items():
            groups = _names(one)
            if not groups or len(groups) > _MOST_GROUPS or not all(map(_is_group, groups)):
                raise ValueError(
                    f"{name}: write 1 to {_MOST_GROUPS} names of log groups, such as /ecs/{name}"
                )
        return services


class _Started(BaseModel):
    id: str = Field(alias="queryId")


class _Cell(BaseModel):
    field: str
    value: str = ""


class _Statistics(BaseModel):
    matched: float = Field(default=0, alias="recordsMatched")


class _Results(BaseModel):
    status: str
    results: list[list[_Cell]] = []
    statistics: _Statistics = Field(default=_Statistics())


class CloudWatchStore:
    """A LogStore over StartQuery and GetQueryResults."""

    evenly = False

    def __init__(self, settings: CloudWatchLogSettings, client: httpx2.AsyncClient) -> None:
        self.name = settings.name
        self._settings = settings
        self._aws = Aws(settings, client)

    def finds(self, text: str) -> Finding:
        """By an expression that the message matches; any white space is as good as another."""
        return "text" if text.strip() else ""

    async def counts(self, service: str, wanted: Slice, width: timedelta) -> Counts:
        """By stats, in bins of `width`."""
        field = self._settings.level_field
        by = f"bin({width.total_seconds():.0f}s) as time, {field} as severity"
        holding = f"{one} | " if (one := _holding(wanted.text)) else ""
        rows = await self._query(
            service, wanted.window, f"{holding}stats count(*) as lines by {by}", _MOST_ROWS
        )
        return Counts(
            [
                Cell(
                    _at(one.get("time", ""), self.name).timestamp(),
                    one.get("severity", ""),
                    _number(one, "lines"),
                )
                for one in rows
            ]
        )

    async def rare(self, service: str, window: Window) -> Sequence[Slice]:
        """Patterns it finds with few lines."""
        rows = await self._query(service, window, "pattern @message", _MOST_ROWS)
        few = [one.get("@pattern", "") for one in rows if 0 < _number(one, "@sampleCount") <= _FEW]
        forms = [form for one in few[:_MOST_RARE] if (form := _expression(one))]
        if not forms:
            return ()
        return [Slice(window, _FEW * len(forms), narrow=f"filter @message like /{'|'.join(forms)}/")]

    async def pages(self, service: str, wanted: Slice) -> AsyncGenerator[Batch, None]:
        """Newest first. A page begins with the millisecond the one before ended in, without its repeats."""
        field, left, end = self._settings.level_field, wanted.most, _ms(wanted.window.end)
        seen: set[str] = set()
        conditions = (_holding(wanted.text), wanted.narrow, self._of_levels(wanted.levels))
        narrow = "".join(f"{one} | " for one in conditions if one)
        while left > 0:
            size = min(left + len(seen), self._settings.page_lines)
            fields = f"fields @timestamp, @ingestionTime, @message, @logStream, @ptr, {field} as severity"
            shown = f"{fields} | sort @timestamp desc | limit {size}"
            rows = await self._query(service, wanted.window, f"{narrow}{shown}", size, end)
            read = [(one, self._line(service, one)) for one in rows]
            fresh = [(one, line) for one, line in read if line.ref not in seen]
            new = [line for _, line in fresh]
            received = [instant_of(one.get("@ingestionTime")) for one, _ in fresh]
            yield Batch(new, streams=[one.fields.get("stream", "") for one in new], received=received)
            if len(rows) < size:
                return
            if not new:
                yield Batch((), (f"{service}: {self.name} holds more than {size} lines of one millisecond",))
                return
            oldest = min(one.get("@timestamp", "") for one, _ in read)
            seen = {line.ref for one, line in read if one.get("@timestamp", "") == oldest}
            left, end = left - len(new), _ms(_at(oldest, self.name)) + 1

    def _of_levels(self, levels: Sequence[str] | None) -> str:
        if levels is None:
            return ""
        field = self._settings.level_field
        named = ", ".join(_quoted(one) for one in levels if one)
        either = [f"{field} in [{named}]"] if named else []
        either += [f"not ispresent({field})"] if "" in levels else []
        return f"filter {' or '.join(either)}"

    async def _query(
        self, service: str, window: Window, commands: str, most: int, end: int | None = None
    ) -> Sequence[Row]:
        start, end = _ms(window.start), end or _ms(window.end)
        inside = f"filter @timestamp >= {start} and @timestamp < {end}"
        question = {
            "logGroupNames": _names(self._settings.services[service]),
            "startTime": start // 1000,
            "endTime": -(-end // 1000),
            "queryString": f"{inside} | {commands}",
            "limit": most,
        }
        started = _checked(_Started, await self._ask("StartQuery", question), self.name)
        try:
            return await self._complete(started.id)
        except asyncio.CancelledError:
            with suppress(SourceError, TimeoutError):  # it would be billed for nothing
                async with asyncio.timeout(_CLEAN_UP_S):
                    await self._ask("StopQuery", {"queryId": started.id})
            raise

    async def _complete(self, query: str) -> Sequence[Row]:
        pause = _FIRST_LOOK_S
        while True:
            found = _checked(_Results, await self._ask("GetQueryResults", {"queryId": query}), self.name)
            if found.status == "Complete":
                return [{cell.field: cell.value for cell in row} for row in found.results]
            if found.status not in {"Scheduled", "Running", "Unknown"}:
                raise SourceRefused(self.name, f"the query ended as {found.status}; ask for a shorter window")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_LOOK_S)

    async def _ask(self, action: str, question: Mapping[str, object]) -> Mapping[str, object]:
        return await self._aws.target("logs", f"{_API}.{action}", question, asks=True)

    def _line(self, service: str, row: Row) -> LogLine:
        text = read_text(row.get("@message", "").rstrip("\n"))
        return line_of(
            at=_at(row.get("@timestamp", ""), self.name),
            service=service,
            severity=row.get("severity", "") or text.severity,
            message=text.message,
            fields={**text.fields, "stream": row.get("@logStream")},
            ref=f"{self.name}:{row.get('@ptr', '')}",
        )


def _checked(model: type[_Told], body: Mapping[str, object], name: str) -> _Told:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise SourceRefused(name, "its answer is not one of CloudWatch Logs") from error


def _names(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _is_group(name: str) -> bool:
    return re.fullmatch(r"[.\-_/#A-Za-z0-9]{1,512}", name) is not None


def _quoted(text: str) -> str:
    return "'{}'".format(re.sub(r"([\\'])", r"\\\1", text))


def _holding(text: str) -> str:
    words = r"\s+".join(re.escape(one).replace("/", r"\/") for one in text.split())
    return f"filter @message like /(?i){words}/" if words else ""


def _number(row: Row, name: str) -> int:
    text = row.get(name, "0")
    return int(float(text)) if re.fullmatch(r"\d+(\.\d+)?", text) else 0


def _expression(pattern: str) -> str:
    """An expression that the pattern's lines match; "" for one that says nothing."""
    parts = [one.strip() for one in re.split(r"<[^<>]*\*[^<>]*>|<\*>", pattern) if one.strip()]
    return ".*".join(re.escape(one).replace("/", r"\/") for one in parts)


def _at(text: str, name: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as error:
        raise SourceRefused(name, "gave a row without a time") from error


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
