"""mini-prom against the real Prometheus (reference: 2.42, Debian 12), over the very same samples.

The real one scrapes a scripted shop for some seconds: a counter reset with failed scrapes in between,
a series that vanishes and returns, a target that dies. Its raw samples are copied, and every
expression must then give the same answer from both, before, during and after each of these events.
"""

import asyncio
import math
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from miniprom_shop import DIED_AT, Exporter, exposition, prometheus, served

from steadyhand.lab.miniprom.api import Api, application
from steadyhand.lab.miniprom.labels import NAME, Labels, labels_from
from steadyhand.lab.miniprom.rules import load_rules
from steadyhand.lab.miniprom.samples import Store
from steadyhand.lab.miniprom.scrape import Target
from steadyhand.lab.miniprom.settings import read_rules
from steadyhand.lab.miniprom.watch import Watch

pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="the real prometheus is not on the PATH"),
]

SCRAPES = 36
RELATIVE_TOLERANCE = 1e-6

RESPONSES = "haproxy_backend_http_responses_total"
OUTBOUND = "shop_outbound_duration_seconds_count"
EXPRESSIONS = (
    # the alert rules of the lab, with windows as short as this recording
    f'sum(rate({RESPONSES}{{code="5xx"}}[2s])) / sum(rate({RESPONSES}{{proxy="shop"}}[2s])) > 0.05',
    "histogram_quantile(0.95, sum by (le,route) (rate(shop_request_duration_seconds_bucket[3s]))) > 0.4",
    "max(shop_db_pool_waiting) > 2",
    "pg_blocked_sessions > 2",
    "up == 0",
    "redis_up == 0",
    'max by (instance) (process_resident_memory_bytes{job="shop"}) > 0.75*256*1024*1024',
    'deriv(process_resident_memory_bytes{job="shop"}[4s]) > 1e6',
    'sum(rate(shop_cache_requests_total{result="hit"}[2s])) / sum(rate(shop_cache_requests_total[2s])) < 0.5',
    f'sum(rate({OUTBOUND}{{outcome=~"timeout|error"}}[3s])) / sum(rate({OUTBOUND}[3s])) > 0.2',
    'node_filesystem_avail_bytes{mountpoint=~".*spool"} / node_filesystem_size_bytes < 0.5',
    # selectors
    "up",
    'shop_requests_total{route="/checkout"}',
    'shop_requests_total{route!="/checkout",code=~"5.."}',
    'shop_requests_total{code!~"2..|4.."}',
    '{job="shop",alertname=""}',
    '{__name__=~"shop_.*_total"}',
    'shop_requests_total{code=~"0"}',
    'shop_requests_total{nothing=""}',
    'vanishing{instance=~".+"}',
    "sometimes_odd",
    # functions over windows
    "rate(shop_requests_total[2s])",
    "increase(shop_requests_total[2s])",
    "increase(shop_requests_total[750ms])",
    "delta(shop_db_pool_waiting[3s])",
    "irate(shop_requests_total[2s])",
    "deriv(shop_db_pool_waiting[2s])",
    "changes(shop_db_pool_waiting[3s])",
    "resets(shop_requests_total[4s])",
    "avg_over_time(shop_db_pool_waiting[2s])",
    "min_over_time(shop_db_pool_waiting[2s])",
    "max_over_time(shop_db_pool_waiting[2s])",
    "sum_over_time(shop_db_pool_waiting[2s])",
    "count_over_time(vanishing[3s])",
    "last_over_time(vanishing[3s])",
    "rate(vanishing[3s])",
    "max_over_time(sometimes_odd[1s])",
    "increase(young_total[8s])",
    # aggregation
    "sum(shop_requests_total)",
    "sum by (route) (rate(shop_requests_total[2s]))",
    "sum without (instance, code) (shop_requests_total)",
    "avg by (code) (shop_requests_total)",
    "min by (instance, missing) (shop_db_pool_connections)",
    "count by (job) (up)",
    "count(up == 1)",
    "topk(3, shop_requests_total)",
    "topk by (route) (1, rate(shop_requests_total[2s]))",
    "max(sometimes_odd)",
    "min(sometimes_odd)",
    "sum(sometimes_odd)",
    # histograms
    "histogram_quantile(0.5, shop_request_duration_seconds_bucket)",
    "histogram_quantile(0.99, sum by (le) (rate(shop_request_duration_seconds_bucket[3s])))",
    "histogram_quantile(0, sum by (le) (shop_request_duration_seconds_bucket))",
    "histogram_quantile(1.5, shop_request_duration_seconds_bucket)",
    "rate(shop_request_duration_seconds_sum[3s]) / rate(shop_request_duration_seconds_count[3s])",
    # arithmetic, comparison, sets
    "abs(-shop_db_pool_waiting)",
    "ceil(shop_db_pool_waiting / 3)",
    "floor(shop_db_pool_waiting / 3)",
    "-shop_db_pool_waiting ^ 2",
    "shop_db_pool_waiting % 3 * 2 - 1",
    "shop_db_pool_waiting / 0",
    "(shop_db_pool_waiting - shop_db_pool_waiting) / 0",
    "2 ^ 3 ^ 2 - 7 % 4",
    "100 < shop_requests_total",
    "shop_requests_total >= shop_requests_total",
    "shop_db_pool_waiting != 0",
    "sometimes_odd == sometimes_odd",
    "up == 1 and shop_db_pool_waiting > 2",
    "shop_db_pool_waiting or up",
    "up unless shop_db_pool_waiting",
    'process_resident_memory_bytes + {__name__="shop_db_pool_waiting"}',
    "up * shop_requests_total",
    "shop_requests_total + up",
    '{__name__=~"node_filesystem_.*"} / node_filesystem_size_bytes',
    'rate({__name__=~"shop_db_pool_waiting|up"}[2s])',
    "vanishing + up",
    'shop_db_pool_waiting + {__name__=~"redis_up|pg_blocked_sessions"}',
    '{__name__=~"redis_up|pg_blocked_sessions"} + shop_db_pool_waiting',
    "up +",
    "rate(up)",
    "42",
    "shop_db_pool_waiting[2s]",
)


SHOWN = (
    "collides * 1000000",
    "collides * 1234567.25",
    "collides * 0.00001234",
    "collides * 0.5",
    "collides * 1e21",
    "collides / 0",
    "collides * 123456789012",
    "collides * 99999.5",
)


RULES: dict[str, object] = {
    "groups": [
        {
            "name": "shown",
            "rules": [
                {
                    "alert": "Shown",
                    "expr": expr,
                    "labels": {"case": f"{number}", "service": "shop"},
                    "annotations": {"value": "{{ $value }}", "where": "{{$labels.job}} {{ $labels.none }}"},
                }
                for number, expr in enumerate(SHOWN)
            ],
        }
    ]
}


@dataclass(frozen=True)
class Recording:
    """The real Prometheus, the raw samples it holds, and the time they cover (unix seconds)."""

    real: httpx2.Client
    raw: list[dict[str, Any]]
    store: Store
    folder: Path
    start: float
    end: float

    @property
    def instants(self) -> list[float]:
        """Return odd instants all over the recording, and some at which a sample lies on a window's edge."""
        odd = [self.start + 0.9 + 0.613 * n for n in range(int((self.end - self.start - 0.9) / 0.613))]
        scraped = next(one["values"] for one in self.raw if one["metric"][NAME] == "up")
        return odd + [moment for moment, _ in scraped[8::5]]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    folder = tmp_path_factory.mktemp("prometheus")
    exporters = [Exporter(number) for number in range(3)]
    with ExitStack() as living, ExitStack() as dying:
        servers = [
            (dying if exporter.number == 2 else living).enter_context(served(exporter))
            for exporter in exporters
        ]
        targets = [f"127.0.0.1:{server.server_port}" for server in servers]
        real = living.enter_context(prometheus(folder, targets, RULES))
        wait_for(lambda: exporters[2].scraped >= DIED_AT)
        dying.close()
        wait_for(lambda: exporters[0].scraped >= SCRAPES)
        end = time.time()
        answer = ask(real, "/api/v1/query", query='{__name__!~"ALERTS.*",job=~".+"}[2m]', time=end)
        raw = answer["data"]["result"]
        start = min(one["values"][0][0] for one in raw)
        yield Recording(real, raw, copied(raw), folder, start, end)


def wait_for(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline, "prometheus does not scrape"
        time.sleep(0.05)


def copied(result: list[dict[str, Any]]) -> Store:
    """Return a store with these raw samples; a series ends where its target was scraped without it.

    Raw samples do not show staleness: `up` tells when each target was scraped.
    """
    store = Store()
    scraped = {
        one["metric"]["instance"]: [moment for moment, _ in milliseconds(one)]
        for one in result
        if one["metric"][NAME] == "up"
    }
    for one in result:
        labels, samples = labels_from(one["metric"]), dict(milliseconds(one))
        for moment in scraped[one["metric"]["instance"]]:
            if moment in samples:
                store.append(labels, moment, samples[moment])
            elif moment > min(samples):
                store.end(labels, moment)
    return store


def milliseconds(series: dict[str, Any]) -> list[tuple[int, float]]:
    return [(round(moment * 1000), float(value)) for moment, value in series["values"]]


def ask(http: httpx2.Client, path: str, **given: str | float) -> dict[str, Any]:
    answer: dict[str, Any] = http.get(path, params=given).json()
    return answer


def ask_mini(recording: Recording, path: str, requests: list[dict[str, str | float]]) -> list[dict[str, Any]]:
    async def all_of_them() -> list[dict[str, Any]]:
        app = application(Api(recording.store, Watch([], recording.store), lambda: 0))
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://mini") as http:
            return [(await http.get(path, params=one)).json() for one in requests]

    return asyncio.run(all_of_them())


def differences(expr: str, mini: dict[str, Any], real: dict[str, Any]) -> str | None:
    """Return how two answers differ, if they do; topk may pick another one of equal values."""
    if mini["status"] != real["status"] or real["status"] == "error":
        same_error = mini.get("errorType") == real.get("errorType")
        return None if mini["status"] == real["status"] and same_error else f"{mini} for {real}"
    ours, theirs = values_of(mini["data"]), values_of(real["data"])
    if expr.startswith("topk"):
        ours, theirs = ranked(ours), ranked(theirs)
    if ours.keys() != theirs.keys():
        return f"only mini {ours.keys() - theirs.keys()}, only real {theirs.keys() - ours.keys()}"
    unequal = [key for key in theirs if not close(ours[key], theirs[key])]
    return f"{unequal[0]}: {ours[unequal[0]]} for {theirs[unequal[0]]}" if unequal else None


def values_of(data: dict[str, Any]) -> dict[Any, float]:
    """Return the values of any result by labels and time."""
    if data["resultType"] == "scalar":
        return {data["result"][0]: float(data["result"][1])}
    return {
        (labels_from(one["metric"]), moment): float(value)
        for one in data["result"]
        for moment, value in one.get("values", [one.get("value")])
    }


def ranked(values: dict[tuple[Labels, float], float]) -> dict[Any, float]:
    by_time = sorted((moment, value) for (_, moment), value in values.items())
    return dict(enumerate(value for _, value in by_time))


def close(ours: float, theirs: float) -> bool:
    return (math.isnan(ours) and math.isnan(theirs)) or math.isclose(
        ours, theirs, rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-12
    )


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_an_instant_query_gives_what_the_real_prometheus_gives(recording: Recording, expr: str) -> None:
    requests: list[dict[str, str | float]] = [{"query": expr, "time": at} for at in recording.instants]
    mini = ask_mini(recording, "/api/v1/query", requests)
    for given, answer in zip(requests, mini, strict=True):
        problem = differences(expr, answer, ask(recording.real, "/api/v1/query", **given))
        assert problem is None, f"{given['time']}: {problem}"


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_a_range_query_gives_what_the_real_prometheus_gives(recording: Recording, expr: str) -> None:
    given: dict[str, str | float] = {
        "query": expr,
        "start": recording.start,
        "end": recording.end,
        "step": 0.331,
    }
    [mini] = ask_mini(recording, "/api/v1/query_range", [given])
    assert differences(expr, mini, ask(recording.real, "/api/v1/query_range", **given)) is None


def test_a_value_in_an_annotation_reads_as_the_real_prometheus_writes_it(recording: Recording) -> None:
    store = copied(recording.raw)
    watch = Watch(load_rules(read_rules(recording.folder / "rules.yml")), store)
    watch.turn(datetime.fromtimestamp(recording.end, UTC))
    api = Api(store, watch, lambda: 0)
    ours = shown(asyncio.run(alerts_of(api)))
    assert ours == shown(ask(recording.real, "/api/v1/alerts")["data"])
    assert len(ours) == 2 * len(SHOWN)


async def alerts_of(api: Api) -> dict[str, Any]:
    transport = httpx2.ASGITransport(app=application(api))
    async with httpx2.AsyncClient(transport=transport, base_url="http://mini") as http:
        data: dict[str, Any] = (await http.get("/api/v1/alerts")).json()["data"]
    return data


def shown(data: dict[str, Any]) -> dict[Labels, tuple[str, str, str]]:
    return {
        labels_from(one["labels"]): (one["annotations"]["value"], one["annotations"]["where"], one["value"])
        for one in data["alerts"]
    }


def test_a_scrape_makes_the_series_that_the_real_prometheus_makes(recording: Recording) -> None:
    instance = next(one.tags["instance"] for one in recording.store.named("young_total"))
    scraped = Store()
    target = Target("", labels_from({"job": "shop", "instance": instance}))
    target.accept(scraped, exposition(0, DIED_AT, DIED_AT), at=1)
    real = {
        one.labels
        for one in recording.store.every()
        if one.tags["instance"] == instance and not one.tags[NAME].startswith("scrape_")
    }
    assert {one.labels for one in scraped.every()} == real


@pytest.mark.parametrize(
    "event",
    [
        "resets(shop_requests_total[8s]) > 0",
        "count_over_time(up[8s]) - sum_over_time(up[8s]) > 0",
        "young_total unless vanishing",
        "count(up == 0) == 1",
    ],
)
def test_the_recording_holds_every_event_the_comparison_is_about(recording: Recording, event: str) -> None:
    requests: list[dict[str, str | float]] = [{"query": event, "time": at} for at in recording.instants]
    answers = ask_mini(recording, "/api/v1/query", requests)
    assert any(answer["data"]["result"] for answer in answers)
