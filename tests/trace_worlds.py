"""Small servers that keep the same traces as Jaeger and Tempo give them, and refuse what those refuse."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from servers import Reply, Request, reply_json

START = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
SECRET = "hunter2-very-secret"
Json = dict[str, Any]


@dataclass(frozen=True)
class Op:
    """One span: whose, what, since when (s after START), how long (ms), how it went, and what it calls."""

    trace: str
    id: str
    service: str
    name: str
    second: float
    ms: float
    parent: str = ""
    failed: bool = False
    calls: dict[str, str] = field(default_factory=dict)

    @property
    def at(self) -> float:
        return (START + timedelta(seconds=self.second)).timestamp()


def order(trace: str, second: float, *, slow: float = 1.0, failed: bool = False) -> list[Op]:
    """A request to the shop, which asks the cart and its database."""
    db = {"db.system": "postgresql", "db.name": "orders"}
    return [
        Op(trace, f"{trace}a", "shop", "POST /order", second, 100 * slow, failed=failed),
        Op(trace, f"{trace}b", "cart", "GET /cart", second + 0.01, 20, f"{trace}a"),
        Op(trace, f"{trace}c", "shop", "SELECT", second + 0.02, 50 * slow, f"{trace}a", failed, db),
    ]


@dataclass
class TraceWorld:
    ops: list[Op] = field(default_factory=list)
    first: list[Reply] = field(default_factory=list)
    lost: str = ""
    calls: Counter[str] = field(default_factory=Counter)

    def answer(self, request: Request) -> Reply:
        if self.first:
            return self.first.pop(0)
        if request.headers.get("authorization") != f"Bearer {SECRET}":
            return Reply(401, f"you are not {SECRET}".encode())
        return self.real(request)

    def real(self, request: Request) -> Reply:
        raise NotImplementedError

    def traces(self, service: str, start: float, end: float, *, failed: bool) -> list[str]:
        """Ids of traces that pass the service in [start, end], newest first."""
        mine = [one for one in self.ops if service in {"", one.service} and start <= one.at <= end]
        mine = [one for one in mine if one.failed or not failed]
        return list(dict.fromkeys(one.trace for one in sorted(mine, key=lambda one: -one.second)))

    def of(self, trace: str) -> list[Op]:
        return [one for one in self.ops if one.trace == trace]


class FakeJaeger(TraceWorld):
    """services, traces and dependencies of the query service."""

    def real(self, request: Request) -> Reply:
        path = request.path.removeprefix("/api/")
        self.calls[path] += 1
        if path == "services":
            return reply_json({"data": sorted({one.service for one in self.ops}), "errors": None})
        if path == "dependencies":
            links = Counter(
                (parent.service, one.service)
                for one in self.ops
                for parent in self.ops
                if parent.id == one.parent and parent.service != one.service
            )
            data = [{"parent": a, "child": b, "callCount": 10 * count} for (a, b), count in links.items()]
            return reply_json({"data": data, "errors": None})
        if path != "traces" or "service" not in request.query:
            return self.refused(400, "parameter 'service' is required")
        if request.query["service"] == self.lost:
            return self.refused(500, "storage is gone")
        limit, tags = int(request.query["limit"]), json.loads(request.query.get("tags", "{}"))
        if not 1 <= limit <= 1500 or not set(tags) <= {"error"}:
            return self.refused(400, "limit is out of range")
        start, end = (int(request.query[name]) / 1e6 for name in ("start", "end"))
        ids = self.traces(request.query["service"], start, end, failed=bool(tags))[:limit]
        return reply_json({"data": [self.trace(one) for one in ids], "errors": None})

    def refused(self, status: int, why: str) -> Reply:
        return reply_json({"data": None, "errors": [{"code": status, "msg": why}]}, status)

    def trace(self, trace: str) -> Json:
        ops = self.of(trace)
        processes = {f"p{number}": name for number, name in enumerate(sorted({one.service for one in ops}))}
        back = {name: key for key, name in processes.items()}
        spans = [
            {
                "traceID": trace,
                "spanID": one.id,
                "operationName": one.name,
                "references": [{"refType": "CHILD_OF", "traceID": trace, "spanID": one.parent}]
                if one.parent
                else [],
                "startTime": round(one.at * 1e6),
                "duration": round(one.ms * 1000),
                "tags": [
                    {"key": "error", "type": "bool", "value": one.failed},
                    *({"key": key, "type": "string", "value": value} for key, value in one.calls.items()),
                    {"key": "span.kind", "type": "string", "value": "client" if one.calls else "server"},
                ],
                "processID": back[one.service],
            }
            for one in ops
        ]
        known = {key: {"serviceName": name, "tags": []} for key, name in processes.items()}
        return {"traceID": trace, "spans": spans, "processes": known}


class FakeTempo(TraceWorld):
    """TraceQL search and traces by id."""

    def real(self, request: Request) -> Reply:
        path = request.path.removeprefix("/api/")
        self.calls[path.split("/")[0]] += 1
        if path.startswith("traces/"):
            trace = path.removeprefix("traces/")
            if self.lost and any(one.service == self.lost for one in self.of(trace)):
                return Reply(404, b"trace not found")
            return reply_json({"batches": otlp(self.of(trace))})
        found = re.fullmatch(
            r"\{ (?:\((resource\.service\.name = .*?)\))?(?: && )?(status = error)? \}|\{  \}",
            request.query.get("q", ""),
        )
        if path != "search" or not found or set(request.query) != {"q", "start", "end", "limit", "spss"}:
            return Reply(400, b"invalid TraceQL query: parse error at line 1, col 3")
        names = re.findall(r'"(\w+)"', found[1] or "") or [""]
        start, end = (float(request.query[name]) for name in ("start", "end"))
        ids = [one for name in names for one in self.traces(name, start, end, failed=bool(found[2]))]
        hits = [{"traceID": one, "rootServiceName": "shop"} for one in ids[: int(request.query["limit"])]]
        return reply_json(
            {"traces": hits, "metrics": {"completedJobs": 3, "totalJobs": 4 if self.lost else 3}}
        )


def otlp(ops: list[Op]) -> list[Json]:
    """The spans as OpenTelemetry's resources."""
    return [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "traceId": one.trace,
                            "spanId": one.id,
                            "parentSpanId": one.parent,
                            "name": one.name,
                            "kind": "SPAN_KIND_CLIENT" if one.calls else 2,
                            "startTimeUnixNano": str(round(one.at * 1e6) * 1000),
                            "endTimeUnixNano": str(round(one.at * 1e6) * 1000 + round(one.ms * 1e6)),
                            "attributes": [
                                {"key": k, "value": {"stringValue": v}} for k, v in one.calls.items()
                            ],
                            "status": {"code": 2} if one.failed else {},
                        }
                        for one in ops
                        if one.service == service
                    ]
                }
            ],
        }
        for service in sorted({one.service for one in ops})
    ]
