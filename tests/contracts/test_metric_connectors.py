"""What every connector to metrics with a language of its own promises; VictoriaMetrics as a Prometheus."""

import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from metric_worlds import (
    SECRET,
    START,
    FakeCloudWatchMetrics,
    FakeDatadogMetrics,
    FakeGraphite,
    FakeInflux,
    MetricWorld,
)
from pydantic import SecretStr, TypeAdapter, ValidationError
from remote_worlds import ENVIRONMENT as AWS_ENVIRONMENT
from servers import RESET, Reply, Request, free_port, http_server, reply_json, running

from steadyhand.adapters.metrics.prometheus import Prometheus, PrometheusSettings
from steadyhand.adapters.metrics.queried import QueriedMetrics
from steadyhand.adapters.metrics.registry import MetricSettings, build_others
from steadyhand.journey.evidence.model import Window
from steadyhand.ports import SourceError, SourceRefused, SourceUnavailable

pytestmark = pytest.mark.anyio
SETTINGS: TypeAdapter[Any] = TypeAdapter(MetricSettings)
BEGIN = datetime.fromtimestamp(START, UTC)
WINDOW = Window(start=BEGIN, end=BEGIN + timedelta(minutes=5))
MINUTE = timedelta(minutes=1)
BEARER = {"auth": "bearer", "secret_env": "TOKEN"}


@dataclass(frozen=True)
class Connector:
    settings: dict[str, Any]
    world: Callable[[], MetricWorld]
    one: str
    all: str
    wrong: str
    way_out: str = "TOKEN"


CONNECTORS = {
    "datadog": Connector(
        {"kind": "datadog", "api_key_env": "TOKEN", "app_key_env": "TOKEN"},
        FakeDatadogMetrics,
        "avg:p95{service:shop}",
        "avg:*{service:shop}",
        "avg:p95{",
    ),
    "cloudwatch": Connector(
        {"kind": "cloudwatch", "region": "eu-west-1"},
        FakeCloudWatchMetrics,
        "SEARCH(p95)",
        "SEARCH(*)",
        "p95",
        way_out="401",
    ),
    "graphite": Connector({"kind": "graphite", **BEARER}, FakeGraphite, "shop.p95", "shop.*", "p95"),
    "influxdb": Connector(
        {"kind": "influxdb", "database": "shop", **BEARER},
        FakeInflux,
        'SELECT "p95" FROM "m" WHERE $time',
        'SELECT * FROM "m" WHERE $time',
        'SELECT "p95 FROM "m" WHERE $time',
    ),
}
Make = Callable[..., AbstractAsyncContextManager[tuple[QueriedMetrics, MetricWorld]]]


@pytest.fixture(params=CONNECTORS)
def connector(request: pytest.FixtureRequest) -> Connector:
    return CONNECTORS[str(request.param)]


@pytest.fixture
def make(connector: Connector, monkeypatch: pytest.MonkeyPatch) -> Make:
    for key, value in AWS_ENVIRONMENT.items():
        monkeypatch.setenv(key, value)

    @asynccontextmanager
    async def made(
        query: str, secret: str = SECRET, **more: object
    ) -> AsyncIterator[tuple[QueriedMetrics, MetricWorld]]:
        world = connector.world()
        async with http_server(world.answer) as server, httpx2.AsyncClient(trust_env=False) as client:
            where = "endpoint_url" if isinstance(world, FakeCloudWatchMetrics) else "url"
            given = {**connector.settings, where: server.url, "services": {"shop": [query]}, "timeout": "1s"}
            if isinstance(world, FakeCloudWatchMetrics):
                world.url = server.url
                if secret != SECRET:
                    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
            (source,) = build_others(
                [SETTINGS.validate_python(given | more)], client, lambda _: SecretStr(secret)
            )
            yield source, world

    return made


async def test_points_of_the_window_are_told_and_holes_are_no_zero(make: Make, connector: Connector) -> None:
    async with make(connector.one) as (source, _):
        (one,) = await source.series_of("shop", WINDOW, MINUTE)
    assert [at - START for at in one.times] == [0, 60, 180]
    assert one.values == (1, 2, 4)
    assert one.labels["service"] == "shop"
    assert "p95" in one.name


async def test_every_series_of_a_query_comes_over_all_pages(make: Make, connector: Connector) -> None:
    async with make(connector.all) as (source, _):
        found = await source.series_of("shop", WINDOW, MINUTE)
        assert list(await source.series_of("stranger", WINDOW, MINUTE)) == []
    assert {one.name.rpartition(".")[2]: one.values for one in found} == {
        "p95": (1, 2, 4),
        "errors": (0, 0.5),
    }


async def test_more_series_than_may_be_are_refused(make: Make, connector: Connector) -> None:
    async with make(connector.all, most_series=1) as (source, _):
        with pytest.raises(SourceRefused, match="2 series, more than 1"):
            await source.series_of("shop", WINDOW, MINUTE)


async def test_a_wrong_query_is_refused_in_the_systems_words(make: Make, connector: Connector) -> None:
    async with make(connector.wrong) as (source, _):
        with pytest.raises(SourceRefused, match=r"(?i)invalid|match|parsing"):
            await source.series_of("shop", WINDOW, MINUTE)


async def test_a_refused_sign_in_tells_no_secret(make: Make, connector: Connector) -> None:
    async with make(connector.one, secret="wrong-but-secret") as (source, _):
        with pytest.raises(SourceRefused, match=connector.way_out) as caught:
            await source.series_of("shop", WINDOW, MINUTE)
    assert "wrong-but-secret" not in f"{caught.value!r}{caught.value.__cause__!r}{vars(source)}"


@pytest.mark.parametrize("reply", [Reply(200, b"<p"), Reply(200, b'{"series": 3}'), RESET, Reply(500)])
async def test_an_answer_nobody_can_use_fails_by_name(make: Make, connector: Connector, reply: Reply) -> None:
    async with make(connector.one, timeout="0.3s") as (source, world):
        world.first = [reply] * 20
        with pytest.raises(SourceError, match=source.name):
            await source.series_of("shop", WINDOW, MINUTE)


async def test_a_wait_is_granted_within_the_deadline_only(make: Make, connector: Connector) -> None:
    async with make(connector.one) as (source, world):
        world.first = [Reply(429, headers={"retry-after": "0", "x-ratelimit-reset": "0"})]
        assert await source.series_of("shop", WINDOW, MINUTE)
        world.first = [Reply(429, headers={"retry-after": "900", "x-ratelimit-reset": "900"})] * 20
        with pytest.raises(SourceUnavailable):
            await source.series_of("shop", WINDOW, MINUTE)


def test_a_statement_that_could_write_is_refused() -> None:
    for wrong in (
        'SELECT * INTO "x" FROM "m" WHERE $time',
        "DROP DATABASE shop",
        "SELECT 1; DROP DATABASE x",
    ):
        with pytest.raises(ValidationError, match="one SELECT without INTO"):
            SETTINGS.validate_python(
                {"kind": "influxdb", "url": "http://i", "database": "d", "services": {"shop": [wrong]}}
            )


async def test_mimir_is_told_the_tenant_and_thanos_its_flags() -> None:
    def answer(request: Request) -> Reply:
        right = (
            request.headers.get("x-scope-orgid") == "shop" and request.query["partial_response"] == "false"
        )
        result = [{"metric": {}, "value": [1, "3"]}] if right else []
        return reply_json({"status": "success", "data": {"resultType": "vector", "result": result}})

    async with http_server(answer) as server, httpx2.AsyncClient(trust_env=False) as client:
        params = {"dedup": "true", "partial_response": "false"}
        settings = PrometheusSettings(url=server.url, tenant="shop", params=params)
        assert await Prometheus(settings, client).value("up", BEGIN) == 3


@pytest.mark.prometheus
async def test_a_real_victoriametrics_is_read_like_prometheus(tmp_path: Path) -> None:
    program = shutil.which("victoria-metrics")
    if program is None:
        pytest.skip("no victoria-metrics: apt-get install victoria-metrics")
    port = free_port()
    options = [f"-storageDataPath={tmp_path}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y"]
    with running([program, *options, "-search.latencyOffset=0s", "-loggerLevel=ERROR"]):
        url = f"http://127.0.0.1:{port}"
        async with httpx2.AsyncClient(trust_env=False) as client:
            end = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=2)
            rows = "\n".join(
                f'requests_total{{job="shop"}} {number} {round((end.timestamp() - 60 + number) * 1000)}'
                for number in range(60)
            )
            await _filled(client, url, rows)
            source = Prometheus(PrometheusSettings(url=url, params={"nocache": "1"}), client)
            window = Window(start=end - timedelta(seconds=60), end=end)
            (one,) = await source.series('{job="shop"}', window, timedelta(seconds=10))
            assert (one.name, one.values) == ("requests_total", (0, 10, 20, 30, 40, 50))
            assert await source.value("sum(requests_total)", end - timedelta(seconds=1)) == 59
            with pytest.raises(SourceRefused, match=r"422|400"):
                await source.value("sum(", end)


async def _filled(client: httpx2.AsyncClient, url: str, rows: str) -> None:
    """The samples are in the store and can be searched."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            await client.post(f"{url}/api/v1/import/prometheus", content=rows)
            await client.get(f"{url}/internal/force_flush")
            found = await client.get(
                f"{url}/api/v1/series", params={"match[]": "requests_total", "start": "0"}
            )
        except httpx2.TransportError:
            continue
        if found.json().get("data"):
            return
    raise TimeoutError("VictoriaMetrics did not take the samples")
