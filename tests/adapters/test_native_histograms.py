"""Native histograms, from samples as the HTTP API writes them and from a real Prometheus."""

import asyncio
import math
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import httpx2
import pytest
from adapters.native_exporter import TYPE, exposed
from servers import Reply, Request, free_port, http_server, reply_json, running

from steadyhand.adapters.metrics.native import NativeHistogram, classic
from steadyhand.adapters.metrics.prometheus import Prometheus, PrometheusSettings
from steadyhand.errors import SourceRefused, SourceUnavailable
from steadyhand.journey.evidence.histogram import quantiles
from steadyhand.journey.evidence.model import Series, Window

PROMETHEUS = shutil.which("prometheus")
START = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)


def exponential(observed: list[float], schema: int) -> NativeHistogram:
    """What a client of this resolution would have kept of these observations."""
    places = sorted(math.ceil(math.log2(one) * 2**schema) for one in observed)
    buckets = [
        (0, 2 ** ((place - 1) / 2**schema), 2 ** (place / 2**schema), float(places.count(place)))
        for place in sorted(set(places))
    ]
    return NativeHistogram(count=len(observed), sum=math.fsum(observed), buckets=buckets)


def buckets(series: list[Series]) -> dict[float, tuple[float, ...]]:
    return {float(one.labels["le"]): one.values for one in series if one.name.endswith("_bucket")}


def observed(count: int) -> list[float]:
    luck = random.Random(5)  # noqa: S311 - made-up answers
    return [luck.lognormvariate(-3, 0.8) for _ in range(count)]


def test_a_percentile_read_from_native_buckets_is_within_a_bucket_of_the_true_one() -> None:
    values = observed(5_000)
    found = buckets(list(classic("took_seconds", {}, [(0.0, exponential(values, 3))])))
    bounds = sorted(found)
    (told,) = quantiles(0.95, bounds, [[found[one][0] for one in bounds]])
    assert told == pytest.approx(sorted(values)[4_749], rel=2 ** (1 / 8) - 1)


def test_cumulative_counts_never_fall_when_the_server_halves_the_resolution() -> None:
    values = observed(3_000)
    samples = [(float(n), exponential(values[: 500 * (n + 1)], 3 if n < 3 else 1)) for n in range(6)]
    found = buckets(list(classic("took_seconds", {}, samples)))
    assert len(found) > 4
    assert found[math.inf] == (500, 1000, 1500, 2000, 2500, 3000)
    for counts in found.values():
        assert all(later >= before for before, later in pairwise(counts))


def test_buckets_of_a_clients_own_choice_are_kept_as_they_are() -> None:
    own = NativeHistogram(count=6, sum=3, buckets=[(0, 0, 0.1, 2), (0, 0.1, 0.5, 3), (0, 0.5, math.inf, 1)])
    assert buckets(list(classic("took_seconds", {}, [(0.0, own)]))) == {0.1: (2,), 0.5: (5,), math.inf: (6,)}


@pytest.mark.anyio
async def test_a_histogram_where_a_number_was_asked_for_is_refused_with_the_way_out() -> None:
    sample = {"metric": {}, "histogram": [1, {"count": "1", "sum": "1"}]}
    reply = reply_json({"status": "success", "data": {"resultType": "vector", "result": [sample]}})
    async with http_server(lambda _: reply) as server, httpx2.AsyncClient() as client:
        source = Prometheus(PrometheusSettings(url=server.url), client)
        with pytest.raises(SourceRefused, match="histogram_quantile"):
            await source.value("took_seconds", START)


@contextmanager
def a_prometheus(folder: Path, target: str) -> Iterator[str]:
    port = free_port()
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        f"scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['{target}']}}]}}]\n"
    )
    command = [
        str(PROMETHEUS), f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--enable-feature=native-histograms", "--log.level=error",
    ]  # fmt: skip
    with running(command):
        yield f"http://127.0.0.1:{port}"


@pytest.mark.anyio
@pytest.mark.prometheus
@pytest.mark.skipif(PROMETHEUS is None, reason="needs the Debian package prometheus")
async def test_a_real_prometheus_gives_a_native_histogram_with_its_percentile(tmp_path: Path) -> None:
    values = observed(2_000)

    def scraped(request: Request) -> Reply:
        assert "proto=io.prometheus.client.MetricFamily" in request.headers.get("accept", "")
        return Reply(200, exposed("took_seconds", values, {"route": "/pay"}), {"content-type": TYPE})

    async with http_server(scraped) as exporter, httpx2.AsyncClient(trust_env=False) as client:
        with a_prometheus(tmp_path, exporter.url.removeprefix("http://")) as url:
            source = Prometheus(PrometheusSettings(url=url), client)

            async def seen() -> list[Series]:
                now = datetime.now(UTC)
                window = Window(start=now - timedelta(seconds=5), end=now)
                try:
                    return list(
                        await source.series('{__name__="took_seconds"}', window, timedelta(seconds=1))
                    )
                except SourceUnavailable:  # it is still starting
                    return []

            found: list[Series] = []
            async with asyncio.timeout(30):
                while not buckets(found):
                    found = await seen()
                    await asyncio.sleep(0.1)
    assert {one.labels["route"] for one in found} == {"/pay"}
    kept = buckets(found)
    bounds = sorted(kept)
    (told,) = quantiles(0.95, bounds, [[kept[one][-1] for one in bounds]])
    assert told == pytest.approx(sorted(values)[1_899], rel=2 ** (1 / 8) - 1)
