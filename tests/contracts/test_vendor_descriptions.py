"""What we send, the vendor's own description accepts.

Judged by the vendors' clients and schemas, in an environment of their own (tests/vendor_clients):
Elasticsearch with every word of its query language, OpenSearch (paths and parameters; its client leaves
bodies to the server), Datadog by its OpenAPI models, Kubernetes, GitHub, GitLab, InfluxDB, Splunk (jobs, not
its search language), LogQL and TraceQL by Grafana's grammars, OTLP by its protocol buffers, PromQL by its
parser, Argo CD by a client made from its OpenAPI document. AWS is judged inside its fakes, by botocore.
Prometheus, VictoriaMetrics, InfluxDB, Graphite and git are tested as real servers. Of VictoriaLogs and
Jaeger's query API no description is on PyPI or npm; LaunchDarkly's weighs 35 MB for one question: their
fakes are written from the manuals and nothing else.
"""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from contracts import asked
from promql_parser import parse
from servers import Request
from trace_worlds import order, otlp

from steadyhand.adapters.edges.promql import EdgeSettings

pytestmark = pytest.mark.anyio
HOME = Path.home() / ".cache/steadyhand-ci/vendor-clients"
JUDGES = Path(__file__).parents[1] / "vendor_clients"
PYTHON = HOME / "bin" / "python"


Spoil = tuple[str, str]


def judged(vendor: str, requests: Sequence[Request]) -> list[str]:
    """What is wrong with each; skips where the vendors' clients are not installed."""
    if not PYTHON.exists():
        pytest.skip("the vendors' clients are not installed: tests/vendor_clients/install.sh")
    told = [
        {"method": one.method, "path": one.path, "query": one.query, "body": one.body.decode()}
        for one in requests
    ]
    return _run([str(PYTHON), str(JUDGES / "judge.py"), vendor], told)


def parsed(language: str, queries: Sequence[str]) -> list[str]:
    """Where each query does not parse; skips where the grammar or node is not there."""
    if not (HOME / "node_modules").exists():
        pytest.skip("Grafana's grammars are not installed: tests/vendor_clients/install.sh, with npm")
    return _run(["node", str(JUDGES / "judge.mjs"), str(HOME), language], queries)


def _run(command: list[str], told: object) -> list[str]:
    done = subprocess.run(
        command, input=json.dumps(told), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def spoiled(request: Request, old: str, new: str) -> Request:
    """The same with one word that the vendor does not know."""
    query = {key.replace(old, new): value.replace(old, new) for key, value in request.query.items()}
    body = request.body.replace(old.encode(), new.encode())
    return replace(request, query=query, body=body, path=request.path.replace(old, new))


def only_what_it_knows(vendor: str, requests: Sequence[Request], spoils: Sequence[Spoil]) -> None:
    """Every request is taken, and each of them with a word that the vendor does not know is refused."""
    wrong = {
        new: [changed for one in requests if (changed := spoiled(one, old, new)) != one]
        for old, new in spoils
    }
    assert all(wrong.values()), "a word that is to be spoiled is never sent"
    told = [(new, one) for new, some in wrong.items() for one in some]
    verdicts = judged(vendor, [*requests, *(one for _, one in told)])
    assert [one for one in verdicts[: len(requests)] if one] == []
    wrong_verdicts = zip(told, verdicts[len(requests) :], strict=True)
    assert {new for (new, _), verdict in wrong_verdicts if not verdict} == set()


LOGS: dict[str, Sequence[Spoil]] = {
    "elasticsearch": [
        ('"gte"', '"gets"'),
        ("minimum_should_match", "minimum"),
        ("fixed_interval", "interval_s"),
        ("categorize_text", "categorise"),
        ("random_score", "chance"),
        ("keep_alive", "keep"),
        ("docvalue_fields", "values"),
        ("match_phrase", "phrase"),
        ("search_after", "after"),
    ],
    "opensearch": [("point_in_time", "pit"), ("allow_no_indices", "allow")],
    "datadog": [
        ('"timeseries"', '"series"'),
        ('"aggregation"', '"aggregate"'),
        ('"storage_tier"', '"tier"'),
        ('"-timestamp"', '"newest"'),
        ('"limit"', '"most"'),
    ],
    "splunk": [("/results", "/rows"), ("v2/jobs", "v2/searches")],
    "kubernetes": [("limitBytes", "bytes"), ("labelSelector", "labels"), ("/log", "/logs")],
}


@pytest.mark.parametrize("vendor", LOGS)
async def test_what_is_asked_for_logs_is_as_the_vendor_describes_it(
    vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_what_it_knows(vendor, await asked.of_logs(vendor, monkeypatch), LOGS[vendor])


async def test_what_is_asked_of_loki_is_logql_and_of_tempo_traceql(monkeypatch: pytest.MonkeyPatch) -> None:
    asks = {
        "logql": await asked.of_logs("loki", monkeypatch),
        "traceql": await asked.of_tempo(),
    }
    for language, requests in asks.items():
        name = "query" if language == "logql" else "q"
        queries = sorted({one.query[name] for one in requests if name in one.query})
        assert len(queries) >= 3
        assert parsed(language, queries) == [""] * len(queries)
        assert all(parsed(language, [one[:-1] for one in queries])), "a query cut short is none"


async def test_what_is_asked_for_metrics_is_as_the_vendor_describes_it() -> None:
    only_what_it_knows("datadog", await asked.of_datadog_metrics(), [("from", "since"), ("v1", "v3")])
    only_what_it_knows("influxdb", await asked.of_influx(), [("epoch", "unit"), ("/query", "/q")])


CHANGES: dict[str, Sequence[Spoil]] = {
    "github": [("environment", "place"), ("statuses", "states"), ("compare", "diff")],
    "gitlab": [("updated_after", "since_update"), ("order_by", "order"), ("compare", "diff")],
    "kubernetes": [("limit", "most"), ("replicasets", "sets")],
    "argocd": [("revision", "version"), ("/manifests", "/files")],
}


@pytest.mark.parametrize("vendor", CHANGES)
async def test_what_is_asked_for_changes_is_as_the_vendor_describes_it(vendor: str, tmp_path: Path) -> None:
    only_what_it_knows(vendor, await asked.of_changes(vendor, tmp_path), CHANGES[vendor])


def test_the_traces_our_tests_read_are_opentelemetrys() -> None:
    lines = [json.dumps({"resourceSpans": [one]}) for one in otlp(order("a1", 1))]
    as_requests = [Request("", "", {}, {}, one.encode()) for one in lines]
    only_what_it_knows("otlp", as_requests, [("scopeSpans", "spans")])


def test_the_promql_we_write_ourselves_parses() -> None:
    settings = EdgeSettings(kind="promql")
    for query in (settings.calls, settings.errors):
        parse(query)
    with pytest.raises(ValueError, match="unclosed"):
        parse(settings.calls[:-1])
