"""Logs in Elasticsearch or OpenSearch, by the search API both share.

Lines are counted by a date_histogram, sampled by a seeded random_score, and paged by search_after in a point
in time. What is rare is told by categorize_text, where that is not there by significant_text.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

import httpx2
from pydantic import BaseModel, Field, SecretStr

from steadyhand.adapters.access import JSON, Access, body_of, told, web_for
from steadyhand.adapters.logs.remote import Batch, Counts, RemoteLogSettings, flattened, instant_of, line_of
from steadyhand.journey.evidence.model import Finding, LogLine, Window
from steadyhand.journey.evidence.sampling import Cell, Slice
from steadyhand.ports import SourceError, SourceRefused

_KEEP = "1m"
_SEED = 1
_LEVELS = 30
_FEW = 5  # lines of a kind that is rare
_MOST_RARE = 40
_RARE_LINES = 200
_CLEAN_UP_S = 1.0
Json = dict[str, Any]


class ElasticLogSettings(Access, RemoteLogSettings):
    """Which indices and which of their fields hold what."""

    kind: Literal["elasticsearch", "opensearch"]
    name: str = "elasticsearch"
    index: str = Field(default="logs-*", pattern=r"^[^/?#\s]+$", description="Index, pattern or data stream.")
    time_field: str = "@timestamp"
    level_field: str = Field(default="log.level", description="A keyword field.")
    message_field: str = Field(default="message", description="A text field.")
    ingested_field: str = Field(
        default="event.ingested", description="When a line was taken in, where a pipeline notes it."
    )
    page_lines: int = Field(
        default=5_000, ge=1, le=10_000, description="index.max_result_window is the limit."
    )


class _Bucket(BaseModel):
    key: float | str
    doc_count: int
    levels: "_Buckets | None" = None
    bg_count: int = 0


class _Buckets(BaseModel):
    buckets: list[_Bucket]


class _Kinds(BaseModel):
    kinds: _Buckets


class _Shards(BaseModel):
    total: int
    failed: int = 0
    failures: list[Json] = []


class _Hit(BaseModel):
    index: str = Field(alias="_index")
    id: str = Field(alias="_id")
    source: Json = Field(default={}, alias="_source")
    fields: dict[str, list[str | float]] = {}
    sort: list[Any] = []


class _Hits(BaseModel):
    hits: list[_Hit] = []


class _Found(BaseModel):
    timed_out: bool = False
    shards: _Shards = Field(alias="_shards")
    hits: _Hits = _Hits()
    aggregations: Json = {}
    pit_id: str = ""


class _Opened(BaseModel):
    id: str = ""
    pit_id: str = ""


class ElasticStore:
    """A LogStore over /_search. One shard that fails is named, the others are read."""

    evenly = True

    def __init__(
        self, settings: ElasticLogSettings, client: httpx2.AsyncClient, secret: SecretStr | None
    ) -> None:
        self.name = settings.name
        self._settings = settings
        self._web = web_for(settings.name, settings, client, secret)
        self._index = f"{settings.url}/{quote(settings.index, safe=',*-')}"

    def finds(self, text: str) -> Finding:
        """By the words its analyser made, in this order."""
        return "words" if re.search(r"\w", text) else ""

    async def counts(self, service: str, wanted: Slice, width: timedelta) -> Counts:
        """By date_histogram and terms."""
        per_level = {"terms": {"field": self._settings.level_field, "size": _LEVELS, "missing": ""}}
        interval = f"{width.total_seconds():.0f}s"
        histogram = {"field": self._settings.time_field, "fixed_interval": interval, "min_doc_count": 1}
        aggregation = {"date_histogram": histogram, "aggs": {"levels": per_level}}
        query = self._query(service, wanted)
        found = await self._search(self._index, {"query": query, "aggs": {"times": aggregation}, "size": 0})
        times = _Buckets.model_validate(found.aggregations.get("times") or {"buckets": []})
        cells = [
            Cell(float(time.key) / 1000, str(level.key), level.doc_count)
            for time in times.buckets
            for level in (time.levels.buckets if time.levels else ())
        ]
        return Counts(cells, _missing(found))

    async def rare(self, service: str, window: Window) -> Sequence[Slice]:
        """Kinds with few lines; of OpenSearch, words that are new in the window's later half."""
        clauses: list[Json] = []
        if self._settings.kind == "elasticsearch":
            with suppress(SourceRefused):  # an older server, or a licence without it
                clauses = await self._few_of_a_kind(service, window)
        clauses = clauses or await self._new_words(service, window)
        narrow = json.dumps({"bool": {"should": clauses[:_MOST_RARE], "minimum_should_match": 1}})
        return [Slice(window, _RARE_LINES, narrow=narrow)] if clauses else []

    async def _few_of_a_kind(self, service: str, window: Window) -> list[Json]:
        field = self._settings.message_field
        kinds = {"categorize_text": {"field": field, "size": 1_000, "min_doc_count": 1}}
        query = self._query(service, Slice(window, 0))
        found = await self._search(self._index, {"query": query, "aggs": {"kinds": kinds}, "size": 0})
        few = [one for one in _buckets(found, "kinds") if one.doc_count <= _FEW and one.key]
        return [{"match": {field: {"query": str(one.key), "operator": "and"}}} for one in few]

    async def _new_words(self, service: str, window: Window) -> list[Json]:
        field = self._settings.message_field
        later = Window(start=window.start + window.length / 2, end=window.end)
        whole = self._query(service, Slice(window, 0))
        words = {"field": field, "size": _MOST_RARE, "min_doc_count": 1, "background_filter": whole}
        sampler = {"sampler": {"shard_size": 20_000}, "aggs": {"kinds": {"significant_text": words}}}
        query = self._query(service, Slice(later, 0))
        found = await self._search(self._index, {"query": query, "aggs": {"later": sampler}, "size": 0})
        few = [one for one in _buckets(found, "later", "kinds") if one.bg_count <= 4 * _FEW]
        return [{"match": {field: {"query": str(one.key)}}} for one in few]

    async def pages(self, service: str, wanted: Slice) -> AsyncGenerator[Batch, None]:
        """Newest first, in a point in time that is given back."""
        query, left, after = self._query(service, wanted), wanted.most, list[Any]()
        async with self._point_in_time() as opened:
            pit = opened
            while left > 0:
                size = min(left, self._settings.page_lines)
                question = {"query": query, "size": size, "pit": {"id": pit, "keep_alive": _KEEP}}
                question |= self._order(after) | ({"min_score": 1 - wanted.share} if wanted.share < 1 else {})
                found = await self._search(self._settings.url, question)
                read = [(line, one) for one in found.hits.hits if (line := self._line(service, one))]
                lost = len(found.hits.hits) - len(read)
                unread = (f"{service}: {self.name} gave {lost} lines without a time",) if lost else ()
                received = [
                    instant_of(flattened(one.source).get(self._settings.ingested_field)) for _, one in read
                ]
                yield Batch([line for line, _ in read], (*_missing(found), *unread), received=received)
                if len(found.hits.hits) < size:
                    return
                left, after = left - size, found.hits.hits[-1].sort
                pit = found.pit_id or pit

    def _order(self, after: Sequence[Any]) -> Json:
        # OpenSearch before 3.3 has no _shard_doc; a sequence number is unique within a shard
        last = "_shard_doc" if self._settings.kind == "elasticsearch" else "_seq_no"
        time = self._settings.time_field
        order: Json = {"sort": [{time: {"order": "desc"}}, {last: {"order": "desc"}}]}
        order["docvalue_fields"] = [{"field": time, "format": "epoch_millis"}]
        return order | ({"search_after": list(after)} if after else {})

    @asynccontextmanager
    async def _point_in_time(self) -> AsyncGenerator[str, None]:
        elastic = self._settings.kind == "elasticsearch"
        path, base = (
            ("_pit", self._settings.url) if elastic else ("_search/point_in_time", self._settings.url)
        )
        answer = await self._web.ask(f"{self._index}/{path}", params={"keep_alive": _KEEP})
        opened = told(self._web, answer, _Opened, _why(answer.json()))
        pit = opened.id or opened.pit_id
        try:
            yield pit
        finally:
            content = body_of({"id": pit} if elastic else {"pit_id": [pit]})
            with suppress(SourceError, TimeoutError):  # it ends by itself a minute later
                async with asyncio.timeout(_CLEAN_UP_S):
                    await self._web.ask(f"{base}/{path}", content=content, headers=JSON, method="DELETE")

    def _query(self, service: str, wanted: Slice) -> Json:
        conditions: list[Json] = [
            {"query_string": {"query": self._settings.services[service], "analyze_wildcard": True}},
            {"range": {self._settings.time_field: _between(wanted.window)}},
        ]
        if wanted.levels is not None:
            conditions.append(self._of_levels(wanted.levels))
        if wanted.text:
            conditions.append({"match_phrase": {self._settings.message_field: {"query": wanted.text}}})
        if wanted.narrow:
            conditions.append(json.loads(wanted.narrow))
        query: Json = {"bool": {"filter": conditions}}
        if wanted.share < 1:
            drawn = {"random_score": {"seed": _SEED, "field": "_seq_no"}, "boost_mode": "replace"}
            return {"function_score": {"query": query, **drawn}}
        return query

    def _of_levels(self, levels: Sequence[str]) -> Json:
        field = self._settings.level_field
        either: list[Json] = [{"terms": {field: [one for one in levels if one]}}]
        if "" in levels:
            either.append({"bool": {"must_not": [{"exists": {"field": field}}]}})
        return {"bool": {"should": either, "minimum_should_match": 1}}

    def _line(self, service: str, hit: _Hit) -> LogLine | None:
        stamps = hit.fields.get(self._settings.time_field)
        if not stamps:
            return None
        source = flattened(hit.source)
        names = (self._settings.level_field, self._settings.message_field, self._settings.time_field)
        severity, message, _ = (str(source.pop(name, "") or "") for name in names)
        return line_of(
            at=datetime.fromtimestamp(float(stamps[0]) / 1000, UTC),
            service=service,
            severity=severity,
            message=message,
            fields=source,
            ref=f"{self.name}:{hit.index}/{hit.id}",
        )

    async def _search(self, base: str, question: Json) -> _Found:
        # A point in time knows its indices; otherwise an index that is not there is no failure of the rest.
        params = {} if "pit" in question else {"ignore_unavailable": "true", "allow_no_indices": "true"}
        answer = await self._web.ask(
            f"{base}/_search", params=params, content=body_of(question), headers=JSON
        )
        return told(self._web, answer, _Found, _why(answer.json()))


def _between(window: Window) -> Mapping[str, object]:
    start, end = (int(one.timestamp() * 1000) for one in (window.start, window.end))
    return {"gte": start, "lt": end, "format": "epoch_millis"}


def _buckets(found: _Found, *path: str) -> Sequence[_Bucket]:
    part: Any = found.aggregations
    for name in path:
        part = part.get(name) or {}
    return _Buckets.model_validate(part or {"buckets": []}).buckets


def _why(body: object) -> str:
    """The first cause an error names: its own reason says only that shards failed."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return str(error or "")
    causes = error.get("root_cause") or [error]
    first = causes[0] if isinstance(causes, list) and isinstance(causes[0], dict) else error
    return f"{first.get('type', '')}: {first.get('reason', '')}"


def _missing(found: _Found) -> tuple[str, ...]:
    gaps = []
    if found.shards.failed:
        one = found.shards.failures[0] if found.shards.failures else {}
        why = (one.get("reason") or {}).get("reason", "no reason given")
        gaps.append(
            f"{found.shards.failed} of {found.shards.total} shards failed ({one.get('index', '?')}: {why})"[
                :300
            ]
        )
    if found.timed_out:
        gaps.append("the search timed out there: what it found by then is shown")
    return tuple(gaps)
