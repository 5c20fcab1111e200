"""Small servers that keep the same two series as Datadog, CloudWatch, Graphite and InfluxDB give them.

Requests to CloudWatch are validated with the shapes botocore ships, those to Datadog and InfluxDB by their
clients in test_vendor_descriptions.py, InfluxDB and Graphite also by the real ones.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from fake_aws import FakeAws
from servers import Reply, Request, reply_json

START = datetime(2026, 1, 31, 2, 0, tzinfo=UTC).timestamp()
SECRET = "hunter2-very-secret"
MONITORING = ServiceModel(Loader().load_service_model("cloudwatch", "service-2"))
# seconds after START -> value; None where nothing was kept
SERIES: dict[str, dict[int, float | None]] = {
    "p95": {-60: 9.0, 0: 1.0, 60: 2.0, 120: None, 180: 4.0, 600: 9.0},
    "errors": {0: 0.0, 60: 0.5},
}


@dataclass
class MetricWorld:
    first: list[Reply] = field(default_factory=list)
    series: dict[str, dict[int, float | None]] = field(default_factory=lambda: dict(SERIES))

    def answer(self, request: Request) -> Reply:
        if self.first:
            return self.first.pop(0)
        if not self.signed(request):
            return Reply(401, f"you are not {SECRET}".encode())
        return self.real(request)

    def signed(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {SECRET}"

    def real(self, request: Request) -> Reply:
        raise NotImplementedError

    def of(self, name: str, start: float, end: float) -> list[tuple[float, float | None]]:
        return [(START + at, value) for at, value in self.series[name].items() if start <= START + at <= end]


class FakeDatadogMetrics(MetricWorld):
    def signed(self, request: Request) -> bool:
        return (request.headers.get("dd-api-key"), request.headers.get("dd-application-key")) == (
            SECRET,
            SECRET,
        )

    def real(self, request: Request) -> Reply:
        if request.path != "/api/v1/query" or set(request.query) != {"from", "to", "query"}:
            return reply_json({"errors": ["Invalid query"]}, 400)
        query = re.fullmatch(r"avg:(\*|\w+)\{service:shop\}", request.query["query"])
        if not query:
            return reply_json({"status": "error", "error": "Rule 'scope_expr' didn't match", "series": []})
        span = float(request.query["from"]), float(request.query["to"])
        series = [
            {
                "metric": name,
                "scope": "service:shop",
                "tag_set": ["host:h1"],
                "pointlist": [[at * 1000, value] for at, value in self.of(name, *span)],
            }
            for name in chosen(query[1], self.series)
        ]
        return reply_json({"status": "ok", "series": series})


@dataclass
class FakeCloudWatchMetrics(MetricWorld):
    url: str = ""

    def signed(self, request: Request) -> bool:
        return FakeAws(self.url).signed_for(request) == "monitoring"

    def real(self, request: Request) -> Reply:
        asked = dict(parse_qsl(request.body.decode()))
        prefix = "MetricDataQueries.member.1."
        query: dict[str, Any] = {
            "Id": asked[f"{prefix}Id"],
            "Expression": asked[f"{prefix}Expression"],
            "Period": int(asked[f"{prefix}Period"]),
        }
        times = {name: datetime.fromisoformat(asked[name]) for name in ("StartTime", "EndTime")}
        body = {"MetricDataQueries": [query], **times, "ScanBy": asked["ScanBy"]}
        body |= {"MaxDatapoints": int(asked["MaxDatapoints"])}
        report = ParamValidator().validate(body, MONITORING.operation_model("GetMetricData").input_shape)
        if (
            asked["Action"] != "GetMetricData"
            or asked["Version"] != MONITORING.api_version
            or report.has_errors()
        ):
            return self.failed("ValidationError", report.generate_report())
        if not query["Expression"].startswith("SEARCH("):
            return self.failed("ValidationError", "Error in expression 'q1': Invalid syntax")
        names = chosen(query["Expression"][len("SEARCH(") : -1], self.series)
        place = int(asked.get("NextToken", 0))
        span = (times["StartTime"].timestamp(), times["EndTime"].timestamp() - 1)
        points = [(at, value) for at, value in self.of(names[place], *span) if value is not None]
        stamps = "".join(
            f"<member>{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}</member>" for at, _ in points
        )
        values = "".join(f"<member>{value}</member>" for _, value in points)
        result = (
            f"<Label>{escape(names[place])}</Label><Timestamps>{stamps}</Timestamps><Values>{values}</Values>"
        )
        token = f"<NextToken>{place + 1}</NextToken>" if place + 1 < len(names) else ""
        member = f"<member>{result}<StatusCode>Complete</StatusCode></member>"
        results = f"<MetricDataResults>{member}</MetricDataResults>"
        space = "http://monitoring.amazonaws.com/doc/2010-08-01/"
        whole = f"<GetMetricDataResult>{results}{token}</GetMetricDataResult>"
        return Reply(200, f'<GetMetricDataResponse xmlns="{space}">{whole}</GetMetricDataResponse>'.encode())

    def failed(self, code: str, why: str) -> Reply:
        error = f"<Error><Code>{code}</Code><Message>{escape(why)}</Message></Error>"
        return Reply(400, f"<ErrorResponse>{error}</ErrorResponse>".encode())


class FakeGraphite(MetricWorld):
    def real(self, request: Request) -> Reply:
        asked = request.query
        if request.path != "/render" or asked.get("format") != "json" or int(asked["maxDataPoints"]) < 1:
            return Reply(400, b"unsupported")
        if not asked["target"].startswith("shop."):
            return Reply(400, b"Invalid target")
        span = float(asked["from"]) + 0.001, float(asked["until"])  # the first instant is left out
        return reply_json(
            [
                {
                    "target": name,
                    "tags": {"name": name},
                    "datapoints": [[v, at] for at, v in self.of(name, *span)],
                }
                for name in chosen(asked["target"].removeprefix("shop."), self.series)
            ]
        )


class FakeInflux(MetricWorld):
    def real(self, request: Request) -> Reply:
        asked = request.query
        if (
            request.path != "/query"
            or request.method != "GET"
            or (asked["db"], asked["epoch"]) != ("shop", "ms")
        ):
            return reply_json({"error": "database not found"}, 404)
        query = re.fullmatch(
            r'SELECT (\*|"\w+") FROM "m" WHERE time >= (\d+)ms AND time < (\d+)ms', asked["q"]
        )
        if not query:
            return reply_json({"error": "error parsing query: found EOF, expected identifier"}, 400)
        names = chosen(query[1].strip('"'), self.series)
        span = int(query[2]) / 1000, int(query[3]) / 1000 - 0.001
        rows: dict[float, list[float | None]] = {}
        for place, name in enumerate(names):
            for at, value in self.of(name, *span):
                rows.setdefault(at, [None] * len(names))[place] = value
        values = [[at * 1000, *row] for at, row in sorted(rows.items())]
        series = [{"name": "m", "tags": {"host": "h1"}, "columns": ["time", *names], "values": values}]
        return reply_json({"results": [{"statement_id": 0, "series": series if values else []}]})


def chosen(name: str, series: dict[str, dict[int, float | None]]) -> list[str]:
    return list(series) if name == "*" else [name]
