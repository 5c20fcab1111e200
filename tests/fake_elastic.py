"""A fake of the few Elasticsearch and OpenSearch calls that are made; it refuses what the real ones refuse.

Written from the API both projects document (search, points in time). Our requests are validated by the
clients of both in test_vendor_descriptions.py; the fake itself by nobody.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from log_worlds import SECRET, START, Held, LogWorld, few, has_phrase
from servers import Reply, Request, reply_json

Json = dict[str, Any]
SEARCH_PARAMETERS = {"ignore_unavailable", "allow_no_indices"}
BODY = {"query", "aggs", "size", "pit", "sort", "docvalue_fields", "search_after", "min_score"}


@dataclass
class FakeElastic(LogWorld):
    kind: str = "elasticsearch"
    licensed: bool = True
    failing_shard: bool = False
    expires_after: int = 10**9
    pits: dict[str, int] = field(default_factory=dict)
    closed: int = 0
    most_page: int = 10_000

    def signed(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"ApiKey {SECRET}"

    def refused(self, status: int, why: str, kind: str = "x_content_parse_exception") -> Reply:
        cause = {"type": kind, "reason": why}
        return reply_json(
            {"error": {"root_cause": [cause], **cause, "reason": "all shards failed"}, "status": status},
            status,
        )

    def real(self, request: Request) -> Reply:
        path = unquote(request.path).strip("/").split("/")
        if path[-1] in {"_pit", "point_in_time"}:
            return self.point_in_time(request, path)
        if path[-1] != "_search" or request.method != "POST":
            return self.refused(405, f"Incorrect HTTP method for uri [{request.path}]", "method")
        body = json.loads(request.body)
        if unknown := (set(body) - BODY) | (set(request.query) - SEARCH_PARAMETERS):
            return self.refused(400, f"Unknown key for a VALUE_STRING in [{unknown}]")
        return self.search(body, with_index=len(path) > 1)

    def point_in_time(self, request: Request, path: list[str]) -> Reply:
        right = ["logs-*", "_pit"] if self.kind == "elasticsearch" else ["logs-*", "_search", "point_in_time"]
        if request.method == "POST" and path == right and request.query == {"keep_alive": "1m"}:
            pit = f"pit-{len(self.pits)}"
            self.pits[pit] = 0
            return reply_json({"id": pit} if self.kind == "elasticsearch" else {"pit_id": pit})
        if request.method == "DELETE" and path == right[1:]:
            body = json.loads(request.body)
            for pit in [body["id"]] if self.kind == "elasticsearch" else body["pit_id"]:
                del self.pits[pit]
            self.closed += 1
            return reply_json({"succeeded": True, "num_freed": 1})
        return self.refused(400, "no handler found for uri")

    def search(self, body: Json, *, with_index: bool) -> Reply:
        self.calls["search"] += 1
        if body.get("size", 10) > self.most_page:
            return self.refused(400, f"Result window is too large, size must be less than [{self.most_page}]")
        if ("pit" in body) == with_index:
            return self.refused(400, "[indices] cannot be used with point in time")
        lines = self.matched(body["query"], body.get("min_score", 0.0))
        if lines is None:
            return self.refused(400, "Failed to parse query [app:(]", "parse_exception")
        if "aggs" in body:
            return self.aggregated(body, lines)
        pit = body["pit"]["id"]
        if pit not in self.pits or self.pits[pit] >= self.expires_after:
            return self.refused(404, "No search context found for id [7]", "search_context_missing_exception")
        self.pits[pit] += 1
        return self.hits(body, lines, pit)

    def hits(self, body: Json, lines: list[tuple[int, Held]], pit: str) -> Reply:
        time, tie = ("@timestamp", "_shard_doc" if self.kind == "elasticsearch" else "_seq_no")
        if body["sort"] != [{time: {"order": "desc"}}, {tie: {"order": "desc"}}]:
            return self.refused(400, f"No mapping found for [{body['sort']}] in order to sort on")
        keyed = sorted(
            ((ms(one), number, one) for number, one in lines), reverse=True, key=lambda row: row[:2]
        )
        if after := body.get("search_after"):
            keyed = [row for row in keyed if row[:2] < tuple(after)]
        hits = [
            {
                "_index": "logs-2026",
                "_id": f"d{number}",
                "_source": {"message": one.text, "@timestamp": one.at.isoformat(), "host": {"name": "h1"}}
                | ({"log": {"level": one.level}} if one.level else {})
                | ({"event": {"ingested": one.received.isoformat()}} if one.received else {}),
                "fields": {time: [str(stamp)]},
                "sort": [stamp, number],
            }
            for stamp, number, one in keyed[: body["size"]]
        ]
        return reply_json({**self.head(), "pit_id": pit, "hits": {"hits": hits}})

    def head(self) -> Json:
        if not self.failing_shard:
            return {"took": 1, "timed_out": False, "_shards": {"total": 5, "successful": 5, "failed": 0}}
        failure = {"shard": 0, "index": "logs-2025", "reason": {"type": "node", "reason": "node left"}}
        return {
            "timed_out": False,
            "_shards": {"total": 5, "successful": 4, "failed": 1, "failures": [failure]},
        }

    def aggregated(self, body: Json, lines: list[tuple[int, Held]]) -> Reply:
        if body["size"] != 0:
            return self.refused(400, "size must be 0")
        (name, asked), *_ = body["aggs"].items()
        held = [one for _, one in lines]
        match asked:
            case {"date_histogram": {"field": "@timestamp", "fixed_interval": width, "min_doc_count": 1}}:
                found = self.histogram(held, int(width.removesuffix("s")) * 1000)
            case {"categorize_text": {"field": "message", "size": _, "min_doc_count": 1}}:
                if self.kind != "elasticsearch" or not self.licensed:
                    return self.refused(
                        403, "current license is non-compliant for [ml]", "security_exception"
                    )
                kinds = [(kind.replace("<N>", "").split(), count) for kind, count in few(held, 10**9)]
                found = {"buckets": [{"key": " ".join(words), "doc_count": count} for words, count in kinds]}
            case {"sampler": {"shard_size": _}, "aggs": {"kinds": {"significant_text": words}}}:
                found = {"kinds": self.significant(held, words["background_filter"])}
            case _:
                return self.refused(400, f"Unknown aggregation type {asked}")
        return reply_json({**self.head(), "hits": {"hits": []}, "aggregations": {name: found}})

    def histogram(self, held: Sequence[Held], width: int) -> Json:
        times: dict[int, Counter[str]] = {}
        for one in held:
            times.setdefault(ms(one) // width * width, Counter())[one.level] += 1
        return {
            "buckets": [
                {
                    "key": at,
                    "doc_count": counts.total(),
                    "levels": {"buckets": [{"key": level, "doc_count": n} for level, n in counts.items()]},
                }
                for at, counts in sorted(times.items())
            ]
        }

    def significant(self, held: Sequence[Held], background: Json) -> Json:
        before = Counter(word for _, one in self.matched(background, 0) or [] for word in one.text.split())
        now = Counter(word for one in held for word in one.text.split())
        words = [one for one, count in now.items() if count == before[one] and not one.isdigit()]
        return {"buckets": [{"key": one, "doc_count": now[one], "bg_count": before[one]} for one in words]}

    def matched(self, query: Json, least: float) -> list[tuple[int, Held]] | None:
        if drawn := query.get("function_score"):
            assert drawn["random_score"] == {"seed": 1, "field": "_seq_no"}
            assert drawn["boost_mode"] == "replace"
            inner = self.matched(drawn["query"], 0) or []
            return [row for row in inner if random.Random(row[0]).random() >= least]  # noqa: S311 - a seeded draw
        conditions = query["bool"]["filter"]
        service = re.fullmatch(r"app:(\w+)", conditions[0]["query_string"]["query"])
        if not service or service[1] == self.broken:
            return None
        span = conditions[1]["range"]["@timestamp"]
        assert span["format"] == "epoch_millis"
        found = [
            (number, one)
            for number, one in enumerate(self.lines)
            if one.service == service[1] and span["gte"] <= ms(one) < span["lt"]
        ]
        for either in conditions[2:]:
            if phrase := either.get("match_phrase"):
                found = [row for row in found if has_phrase(row[1].text, phrase["message"]["query"])]
                continue
            assert either["bool"]["minimum_should_match"] == 1
            found = [row for row in found if any(fits(one, row[1]) for one in either["bool"]["should"])]
        return found


def ms(one: Held) -> int:
    return round((START.timestamp() + one.second) * 1000)


def fits(condition: Json, one: Held) -> bool:
    match condition:
        case {"terms": {"log.level": levels}}:
            return one.level in levels
        case {"bool": {"must_not": [{"exists": {"field": "log.level"}}]}}:
            return not one.level
        case {"match": {"message": {"query": words, **more}}}:
            every = all if more.get("operator") == "and" else any
            return every(word in one.text.split() for word in words.split())
    raise AssertionError(condition)
