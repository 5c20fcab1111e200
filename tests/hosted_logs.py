"""Fakes of Splunk, Datadog, CloudWatch Logs Insights and pod logs; each refuses what the real one refuses.

Written from the APIs their vendors document. Requests to CloudWatch are validated here with the shapes
botocore ships, those to the others by the vendors' own clients in test_vendor_descriptions.py.
"""

import json
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from fake_aws import FakeAws
from log_worlds import SECRET, Held, LogWorld, few, form, has_phrase
from servers import Reply, Request, reply_json

Json = dict[str, Any]
LOGS = ServiceModel(Loader().load_service_model("logs", "service-2"))


@dataclass
class FakeSplunk(LogWorld):
    """Search jobs: made, running at the first look, read in pages, taken away."""

    jobs: dict[str, list[Json]] = field(default_factory=dict)
    looked: Counter[str] = field(default_factory=Counter)
    failing: str = ""
    most_page: int = 50_000

    def refused(self, status: int, why: str) -> Reply:
        return reply_json({"messages": [{"type": "FATAL", "text": why}]}, status)

    def real(self, request: Request) -> Reply:
        path = request.path.removeprefix("/services/search/v2/jobs").strip("/").split("/")
        if request.method == "POST" and path == [""]:
            return self.made(form(request))
        sid = path[0]
        if sid not in self.jobs:
            return self.refused(404, "Unknown sid.")
        if request.method == "DELETE":
            del self.jobs[sid]
            return reply_json({"messages": [{"type": "INFO", "text": "Search job cancelled."}]})
        if request.query.get("output_mode") != "json":
            return self.refused(400, "it would be XML")
        if path[1:] == ["results"]:
            return self.results(sid, request)
        self.looked[sid] += 1
        state = "RUNNING" if self.looked[sid] == 1 else "FAILED" if self.failing else "DONE"
        content = {"dispatchState": state, "isDone": state == "DONE", "messages": []}
        if state == "FAILED":
            content["messages"] = [{"type": "FATAL", "text": self.failing}]
        return reply_json({"entry": [{"name": sid, "content": content}]})

    def made(self, asked: dict[str, str]) -> Reply:
        shape = r'search \(app=(\w+)\)((?: "[^"\\|\[\]`]*")*)(?: \(([^|]*)\))? \| (.*)$'
        search = re.match(shape, asked["search"])
        if not search or search[1] == self.broken:
            return self.refused(
                400, "Error in 'search' command: Unable to parse the search: unbalanced parentheses."
            )
        lines = self.of(search[1], float(asked["earliest_time"]), float(asked["latest_time"]))
        phrases = re.findall(r'"([^"]*)"', search[2])
        lines = [one for one in lines if all(has_phrase(one.text, phrase) for phrase in phrases)]
        if search[3]:
            named = re.findall(r'level="(\w*)"', search[3])
            lines = [
                one for one in lines if one.level in named or ("NOT level=*" in search[3] and not one.level)
            ]
        sid = f"{len(self.looked) + len(self.jobs)}.{random.random()}"  # noqa: S311 - a name
        self.jobs[sid] = self.piped(lines, search[4].split(" | "))
        return reply_json({"sid": sid}, 201)

    def piped(self, lines: list[Held], commands: list[str]) -> list[Json]:
        rows = [event(one) for one in lines]
        for command in commands:
            name, _, rest = command.partition(" ")
            if name == "head":
                rows = rows[: int(rest)]
            elif rest.startswith("random()"):
                share = int(rest.rpartition("< ")[2]) / 1_000_000
                rows = [one for one in rows if random.Random(one["_raw"]).random() < share]  # noqa: S311 - a draw
            elif name == "cluster":
                kinds = dict(few(lines, 10**9))
                rows = [
                    one | {"cluster_count": str(kinds[re.sub(r"\d+", "<N>", one["_raw"])])} for one in rows
                ]
            elif name == "where":
                rows = [one for one in rows if int(one["cluster_count"]) <= 5]
            elif name == "bin":
                width = int(rest.rpartition("=")[2].removesuffix("s"))
                rows = [one | {"_time": cut(one["_time"], width)} for one in rows]
            elif name == "stats":
                counts = Counter((one["_time"], one.get("level", "")) for one in rows)
                rows = [{"_time": at, "level": level, "count": str(n)} for (at, level), n in counts.items()]
            else:
                assert name == "eval", command
        return rows

    def results(self, sid: str, request: Request) -> Reply:
        offset, count = int(request.query["offset"]), int(request.query["count"])
        if count > self.most_page:
            return self.refused(400, "count is above maxresultrows")
        return reply_json({"results": self.jobs[sid][offset : offset + count], "messages": []})


def event(one: Held) -> Json:
    own = {
        "_time": one.at.isoformat(),
        "_raw": one.text,
        "host": "h1",
        "index": "main",
        "_cd": f"1:{one.second}:{one.text}"[:60],
    }
    if one.received:
        own["_indextime"] = f"{one.received.timestamp():.0f}"
    return own | ({"level": one.level} if one.level else {})


def cut(stamp: str, width: int) -> str:
    return datetime.fromtimestamp(datetime.fromisoformat(stamp).timestamp() // width * width, UTC).isoformat()


@dataclass
class FakeDatadog(LogWorld):
    """Search by cursor and aggregate; its cursors last for one query."""

    most_page: int = 1_000
    late: bool = False

    def signed(self, request: Request) -> bool:
        return (request.headers.get("dd-api-key"), request.headers.get("dd-application-key")) == (
            SECRET,
            SECRET,
        )

    def refused(self, status: int, why: str) -> Reply:
        return reply_json({"errors": [why]}, status)

    def real(self, request: Request) -> Reply:
        body = json.loads(request.body)
        asked = body["filter"]
        if set(asked) != {"query", "from", "to", "indexes", "storage_tier"}:
            return self.refused(400, "unknown field in filter")
        shape = r'\(service:(\w+)\)((?: "[^"\\*?]*")*)(?: status:\(([^)]*)\))?'
        query = re.fullmatch(shape, asked["query"])
        if not query or query[1] == self.broken:
            return self.refused(400, "Invalid query")
        lines = self.of(query[1], int(asked["from"]) / 1000, (int(asked["to"]) + 1) / 1000)
        phrases = re.findall(r'"([^"]*)"', query[2])
        lines = [one for one in lines if all(has_phrase(one.text, phrase) for phrase in phrases)]
        if query[3]:
            lines = [one for one in lines if one.level in query[3].split(" OR ")]
        meta: Json = {"status": "timeout" if self.late else "done"}
        if request.path == "/api/v2/logs/analytics/aggregate":
            return self.aggregated(body, lines, meta)
        if request.path != "/api/v2/logs/events/search" or body["sort"] != "-timestamp":
            return self.refused(404, "Not found")
        return self.found(body, lines, meta)

    def aggregated(self, body: Json, lines: list[Held], meta: Json) -> Reply:
        (compute,), (group,) = body["compute"], body["group_by"]
        assert (compute["aggregation"], compute["type"], group["facet"]) == ("count", "timeseries", "status")
        width = int(compute["interval"].removesuffix("s"))
        by_level: dict[str, Counter[str]] = {}
        for one in lines:
            by_level.setdefault(one.level, Counter())[cut(one.at.isoformat(), width)] += 1
        buckets = [
            {
                "by": {"status": level},
                "computes": {"c0": [{"time": at, "value": n} for at, n in counts.items()]},
            }
            for level, counts in by_level.items()
        ]
        return reply_json({"data": {"buckets": buckets}, "meta": meta})

    def found(self, body: Json, lines: list[Held], meta: Json) -> Reply:
        page = body["page"]
        if not 1 <= page["limit"] <= self.most_page:
            return self.refused(400, f"page.limit must be between 1 and {self.most_page}")
        start, query = json.loads(page["cursor"]) if "cursor" in page else (0, body["filter"]["query"])
        if query != body["filter"]["query"]:
            return self.refused(400, "the cursor is of another query")
        shown = lines[start : start + page["limit"]]
        if start + len(shown) < len(lines):
            meta |= {"page": {"after": json.dumps([start + len(shown), query])}}
        place = {id(one): number for number, one in enumerate(self.lines)}
        data = [
            {
                "id": f"A{place[id(one)]}",
                "type": "log",
                "attributes": {
                    "timestamp": one.at.isoformat(),
                    "status": one.level,
                    "message": one.text,
                    "service": one.service,
                    "attributes": {"http": {"status_code": 200}},
                },
            }
            for one in shown
        ]
        return reply_json({"data": data, "meta": meta})


@dataclass
class FakeCloudWatch(LogWorld):
    """Insights: queries are started, run for one look, give at most 10,000 rows. Signatures are checked."""

    url: str = ""
    queries: dict[str, list[list[Json]]] = field(default_factory=dict)
    looked: Counter[str] = field(default_factory=Counter)
    ends_as: str = "Complete"

    def signed(self, request: Request) -> bool:
        return FakeAws(self.url).signed_for(request) == "logs"

    def refused(self, status: int, why: str, kind: str = "InvalidParameterException") -> Reply:
        return reply_json(
            {"__type": "InvalidSignatureException" if status == 401 else kind, "message": why}, status
        )

    def real(self, request: Request) -> Reply:
        action = request.headers["x-amz-target"].removeprefix("Logs_20140328.")
        body = json.loads(request.body)
        report = ParamValidator().validate(body, LOGS.operation_model(action).input_shape)
        if report.has_errors():
            return self.refused(400, report.generate_report())
        if action == "StartQuery":
            return self.started(body)
        if body["queryId"] not in self.queries:
            return self.refused(400, "the query does not exist", "ResourceNotFoundException")
        self.looked[body["queryId"]] += 1
        if self.looked[body["queryId"]] == 1:
            return reply_json({"status": "Running", "results": [], "statistics": {"recordsMatched": 0.0}})
        return reply_json({"status": self.ends_as, "results": self.queries[body["queryId"]]})

    def started(self, body: Json) -> Reply:
        if body["limit"] > 10_000:
            return self.refused(400, "limit must be at most 10000")
        (group,) = body["logGroupNames"]
        if group == f"/app/{self.broken}":
            return self.refused(400, f"log group {group} does not exist", "ResourceNotFoundException")
        span, *commands = body["queryString"].split(" | ")
        times = re.fullmatch(r"filter @timestamp >= (\d+) and @timestamp < (\d+)", span)
        assert times
        assert body["startTime"] * 1000 <= int(times[1]) < int(times[2]) <= body["endTime"] * 1000
        lines = self.of(group.removeprefix("/app/"), int(times[1]) / 1000, int(times[2]) / 1000)
        query = f"q{len(self.queries)}"
        self.queries[query] = [
            [{"field": key, "value": value} for key, value in row.items()]
            for row in self.rows(lines, commands)
        ][: body["limit"]]
        return reply_json({"queryId": query})

    def rows(self, lines: list[Held], commands: list[str]) -> list[dict[str, str]]:
        for command in commands:
            if form := re.fullmatch(r"filter @message like /(.*)/", command, re.DOTALL):
                lines = [one for one in lines if re.search(form[1], one.text)]
            elif command.startswith("filter "):
                named = re.findall(r"'(\w+)'", command)
                lines = [
                    one
                    for one in lines
                    if one.level in named or ("not ispresent" in command and not one.level)
                ]
            elif command == "pattern @message":
                rows = few(lines, 10**9)
                return [{"@pattern": kind.replace("<N>", "<*>"), "@sampleCount": str(n)} for kind, n in rows]
            elif binned := re.fullmatch(
                r"stats count\(\*\) as lines by bin\((\d+)s\) as time, level as severity", command
            ):
                counts = Counter((stamp(cut(one.at.isoformat(), int(binned[1]))), one.level) for one in lines)
                return [
                    {"time": at, "lines": str(n)} | ({"severity": level} if level else {})
                    for (at, level), n in counts.items()
                ]
        limit = int(commands[-1].removeprefix("limit "))
        assert commands[-2] == "sort @timestamp desc"
        place = {id(one): number for number, one in enumerate(self.lines)}
        return [
            {"@timestamp": stamp(one.at.isoformat()), "@message": one.text, "@logStream": "s1"}
            | {"@ptr": f"{place[id(one)]}"}
            | ({"@ingestionTime": stamp(one.received.isoformat())} if one.received else {})
            | ({"severity": one.level} if one.level else {})
            for one in lines[:limit]
        ]


def stamp(iso: str) -> str:
    return f"{datetime.fromisoformat(iso):%Y-%m-%d %H:%M:%S.%f}"[:-3]


@dataclass
class FakePods(LogWorld):
    """Two pods for each service, their logs dealt out in turn; the second one has been restarted."""

    forgets: bool = False

    def signed(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {SECRET}"

    def refused(self, status: int, why: str) -> Reply:
        return reply_json({"kind": "Status", "status": "Failure", "message": why, "code": status}, status)

    def real(self, request: Request) -> Reply:
        path = request.path.removeprefix("/api/v1/namespaces/shop/pods").strip("/").split("/")
        if path == [""]:
            return self.pods(request)
        if path[1:] != ["log"] or request.query.get("timestamps") != "true":
            return self.refused(404, "not found")
        service, number = path[0].rsplit("-", 1)
        if service == self.broken:
            return self.refused(403, f'pods "{path[0]}" is forbidden: cannot get resource "pods/log"')
        return self.log(request, service, int(number))

    def pods(self, request: Request) -> Reply:
        service = request.query["labelSelector"].removeprefix("app=")
        items = [
            {
                "metadata": {"name": f"{service}-{number}"},
                "spec": {"containers": [{"name": "app"}]},
                "status": {"containerStatuses": [{"name": "app", "restartCount": number}]},
            }
            for number in range(2)
        ]
        start = int(request.query.get("continue", 0))
        metadata = {"continue": "1"} if start == 0 else {}
        return reply_json({"items": items[start : start + 1], "metadata": metadata})

    def log(self, request: Request, service: str, number: int) -> Reply:
        since = datetime.fromisoformat(request.query["sinceTime"]).timestamp()
        mine = self.of(service, since, 10**12)[::-1]
        before = request.query.get("previous") == "true"
        if number == 0:
            mine = mine[0::2]
        else:
            mine = mine[1::2][: len(mine) // 4] if before else mine[1::2][len(mine) // 4 :]
        if before and self.forgets:
            return self.refused(400, "previous terminated container not found")
        rows = [f"{one.at:%Y-%m-%dT%H:%M:%S}.{one.at.microsecond:06}123Z {text(one)}\n" for one in mine]
        raw = "".join(rows[-int(request.query["tailLines"]) :]).encode()
        return Reply(200, raw[: int(request.query["limitBytes"])], {"content-type": "text/plain"})


def text(one: Held) -> str:
    """What a container writes: its level is in it."""
    return json.dumps({"level": one.level, "msg": one.text})
