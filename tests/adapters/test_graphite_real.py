"""Graphite for real, as Debian packages it: its series, its holes, its refusals."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from adapters import graphite_site
from servers import free_port, running

from steadyhand.adapters.metrics.graphite import Graphite, GraphiteSettings
from steadyhand.adapters.metrics.queried import QueriedMetrics
from steadyhand.journey.evidence.model import Window
from steadyhand.ports import SourceRefused

pytestmark = [pytest.mark.anyio, pytest.mark.prometheus]
PYTHON = "/usr/bin/python3"
MINUTE = timedelta(minutes=1)
START = (datetime.now(UTC) - timedelta(hours=1)).replace(second=0, microsecond=0)  # it keeps a day
WINDOW = Window(start=START, end=START + 5 * MINUTE)


@contextmanager
def graphite(folder: Path) -> Iterator[str]:
    """A server with a sample a minute of two hosts."""
    if shutil.which("graphite-manage") is None:
        pytest.skip("no graphite-manage: apt-get install graphite-web")
    port = free_port()
    site = [PYTHON, graphite_site.__file__, str(folder), str(port), f"{START.timestamp():.0f}"]
    with (folder / "log").open("wb") as log, running(site, stdout=log, stderr=log):
        url = f"http://127.0.0.1:{port}"
        _await(url, folder)
        yield url


def _await(url: str, folder: Path) -> None:
    until = time.monotonic() + 20
    with httpx2.Client(trust_env=False) as client:
        while True:
            try:
                client.get(f"{url}/render", params={"target": "x", "format": "json"}).raise_for_status()
            except httpx2.TransportError:
                assert time.monotonic() < until, (folder / "log").read_text()
            else:
                return


async def test_a_real_graphite_gives_every_sample_of_the_window_and_refuses_what_it_does_not_know(
    tmp_path: Path,
) -> None:
    with graphite(tmp_path) as url:
        async with httpx2.AsyncClient(trust_env=False) as client:
            given = {"kind": "graphite", "url": url, "services": {"shop": ["aliasByNode(shop.*.p95, 1)"]}}
            settings = GraphiteSettings.model_validate(given)
            source = QueriedMetrics(settings, Graphite(settings, client, None))
            first, second = await source.series_of("shop", WINDOW, MINUTE)
            assert (first.name, first.values) == ("a", (0, 10, 20, 30, 40))
            assert first.times[0] == START.timestamp()
            assert (second.name, second.values) == ("b", (1, 11, 31, 41))
            (thinned,) = await source.series("shop.a.p95", WINDOW, 5 * MINUTE)
            assert len(thinned.values) <= 2
            assert await source.value("maxSeries(shop.*.p95)", WINDOW.end) == 41
            with pytest.raises(SourceRefused, match="gives 2 series; aggregate it"):
                await source.value("shop.*.p95", WINDOW.end)
            with pytest.raises(SourceRefused, match="unknown function: nosuch"):
                await source.series("nosuch(shop.*.p95)", WINDOW, MINUTE)
            assert await source.series("shop.nobody.p95", WINDOW, MINUTE) == []


@pytest.mark.parametrize("torn", ["maxSeries(shop.*.p95", 'alias(shop.a.p95, "x)', "shop.{a,b.p95", "a)("])
async def test_a_torn_target_is_refused_where_graphite_would_silently_find_nothing(torn: str) -> None:
    settings = GraphiteSettings(kind="graphite", url="http://127.0.0.1:9", services={"shop": (torn,)})
    async with httpx2.AsyncClient(trust_env=False) as client:
        with pytest.raises(SourceRefused, match="brackets or quotes do not match"):
            await Graphite(settings, client, None).query(torn, WINDOW, MINUTE)
