"""Everything our connectors ask their vendors in a look at a night that uses all they can do."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from contracts import change_worlds
from contracts.log_connectors import CONNECTORS, WINDOW, maker, many
from metric_worlds import SECRET, FakeDatadogMetrics, FakeInflux, MetricWorld
from metric_worlds import START as METRICS_START
from pydantic import SecretStr, TypeAdapter
from servers import Request, http_server
from trace_worlds import START as TRACES_START
from trace_worlds import FakeTempo, order

from steadyhand.adapters.metrics.registry import MetricSettings, build_others
from steadyhand.adapters.traces.registry import TraceSettings, build_traces
from steadyhand.journey.evidence.model import Window

TRACES: TypeAdapter[Any] = TypeAdapter(TraceSettings)
METRICS: TypeAdapter[Any] = TypeAdapter(MetricSettings)


async def of_logs(vendor: str, patch: pytest.MonkeyPatch) -> Sequence[Request]:
    """Counted, rare kinds asked for, all levels apart, a sample drawn, and several pages."""
    make = maker(CONNECTORS[vendor], patch)
    async with make(many(), most_lines=300, page_lines=50) as (source, _, server):
        await source.read(["shop", "cart"], WINDOW)
        await source.tally(["shop"], WINDOW, 100)
        await source.read(["shop"], WINDOW, "no stock of 7")
        await source.read(["shop"], WINDOW, 'say "hi" | delete [x] `y` {z} / \\ *')
        return list(server.requests)


async def of_metrics(settings: dict[str, Any], world: MetricWorld) -> Sequence[Request]:
    start = datetime.fromtimestamp(METRICS_START, UTC)
    async with http_server(world.answer) as server, httpx2.AsyncClient(trust_env=False) as client:
        given = METRICS.validate_python({**settings, "url": server.url})
        (source,) = build_others([given], client, lambda _: SecretStr(SECRET))
        await source.series_of(
            "shop", Window(start=start, end=start + timedelta(minutes=5)), timedelta(seconds=60)
        )
        return list(server.requests)


async def of_datadog_metrics() -> Sequence[Request]:
    keys = {"api_key_env": "TOKEN", "app_key_env": "TOKEN"}
    query = {"services": {"shop": ["avg:p95{service:shop}"]}}
    return await of_metrics({"kind": "datadog", **keys, **query}, FakeDatadogMetrics())


async def of_influx() -> Sequence[Request]:
    signed = {"auth": "bearer", "secret_env": "TOKEN", "database": "shop"}
    query = {"services": {"shop": ['SELECT "p95" FROM "m" WHERE $time']}}
    return await of_metrics({"kind": "influxdb", **signed, **query}, FakeInflux())


async def of_tempo() -> Sequence[Request]:
    world = FakeTempo([op for number in range(9) for op in order(f"t{number}", number)])
    window = Window(start=TRACES_START, end=TRACES_START + timedelta(seconds=60))
    async with http_server(world.answer) as server, httpx2.AsyncClient(trust_env=False) as client:
        told = {"kind": "tempo", "url": server.url, "auth": "bearer", "secret_env": "TOKEN"}
        source = build_traces(TRACES.validate_python(told), client, lambda _: SecretStr(SECRET), {})
        await source.edges(window)
        await source.spans(["shop", 'say "hi"'], window, 5)
        return list(server.requests)


async def of_changes(vendor: str, folder: Path) -> Sequence[Request]:
    async with getattr(change_worlds, vendor)(folder) as world:
        found = await world.source.changes(["shop"], change_worlds.WINDOW)
        for one in found:
            await world.source.diff(one)
        return list(world.requests)
