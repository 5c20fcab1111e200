"""InfluxDB for real, as Debian packages it: signed in as a reader, its series, its refusals."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr
from servers import free_port, running

from steadyhand.adapters.metrics.influx import Influx, InfluxSettings
from steadyhand.adapters.metrics.queried import QueriedMetrics
from steadyhand.journey.evidence.model import Window
from steadyhand.ports import SourceRefused

pytestmark = [pytest.mark.anyio, pytest.mark.prometheus]
END = datetime(2026, 1, 31, 2, 5, tzinfo=UTC)
START = END - timedelta(minutes=5)
MEAN = 'SELECT mean("ms") FROM "requests" WHERE $time GROUP BY time($step), "host"'
PASSWORD = SecretStr("a-readers-password")


@contextmanager
def influxd(folder: Path) -> Iterator[str]:
    """A server with a database `shop`, a sample a minute of two hosts, and a user who may only read."""
    program = shutil.which("influxd")
    if program is None:
        pytest.skip("no influxd: apt-get install influxdb")
    port, rpc = free_port(), free_port()
    settings = {
        "INFLUXDB_META_DIR": folder / "meta", "INFLUXDB_DATA_DIR": folder / "data",
        "INFLUXDB_DATA_WAL_DIR": folder / "wal", "INFLUXDB_HTTP_BIND_ADDRESS": f"127.0.0.1:{port}",
        "INFLUXDB_BIND_ADDRESS": f"127.0.0.1:{rpc}", "INFLUXDB_HTTP_AUTH_ENABLED": "true",
        "INFLUXDB_REPORTING_DISABLED": "true", "INFLUXDB_MONITOR_STORE_ENABLED": "false",
    }  # fmt: skip
    env = {**os.environ, **{key: str(value) for key, value in settings.items()}}
    (folder / "empty.conf").touch()
    with (
        (folder / "log").open("wb") as log,
        running([program, "-config", str(folder / "empty.conf")], env=env, stdout=log, stderr=log),
    ):
        url = f"http://127.0.0.1:{port}"
        _fill(url)
        yield url


def _fill(url: str) -> None:
    admin = ("root", "roots-password")
    until = time.monotonic() + 20
    with httpx2.Client(trust_env=False) as client:
        while time.monotonic() < until:
            try:
                client.get(f"{url}/ping")
                break
            except httpx2.TransportError:
                continue
        first = f"CREATE USER {admin[0]} WITH PASSWORD '{admin[1]}' WITH ALL PRIVILEGES"
        reader = f"CREATE USER reader WITH PASSWORD '{PASSWORD.get_secret_value()}'"
        client.post(f"{url}/query", params={"q": first}).raise_for_status()
        for query in ("CREATE DATABASE shop", reader, "GRANT READ ON shop TO reader"):
            client.post(f"{url}/query", params={"q": query}, auth=admin).raise_for_status()
        stamps = [round((START.timestamp() + 60 * minute) * 1000) for minute in range(5)]
        rows = [
            f'requests,host={host} ms={10 * minute + number},note="x" {stamp}'
            for minute, stamp in enumerate(stamps)
            for number, host in enumerate(("a", "b"))
        ]
        written = client.post(
            f"{url}/write", params={"db": "shop", "precision": "ms"}, content="\n".join(rows), auth=admin
        )
        written.raise_for_status()


async def test_a_real_influxdb_is_read_by_an_account_that_can_only_read(tmp_path: Path) -> None:
    with influxd(tmp_path) as url:
        async with httpx2.AsyncClient(trust_env=False) as client:
            settings = InfluxSettings(
                kind="influxdb",
                url=url,
                database="shop",
                auth="basic",
                user="reader",
                services={"shop": (MEAN,)},
            )
            source = QueriedMetrics(settings, Influx(settings, client, PASSWORD))
            window = Window(start=START, end=END)
            first, second = await source.series_of("shop", window, timedelta(seconds=60))
            assert (first.name, first.labels) == ("requests.mean", {"host": "a", "service": "shop"})
            assert first.values == (0, 10, 20, 30, 40)
            assert second.values == (1, 11, 21, 31, 41)
            assert first.times[0] == START.timestamp()
            newest = 'SELECT max("ms") FROM "requests" WHERE $time'
            assert await source.value(newest, END) == 41
            with pytest.raises(SourceRefused, match="gives 2 series; aggregate it"):
                await source.value(MEAN, END)
            with pytest.raises(SourceRefused, match="error parsing query"):
                await source.series(
                    'SELECT mean("ms FROM "requests" WHERE $time', window, timedelta(minutes=1)
                )
            with pytest.raises(SourceRefused, match="one SELECT without INTO"):
                await source.series("DROP DATABASE shop", window, timedelta(minutes=1))
            wrong = Influx(settings, client, SecretStr("guessed"))
            with pytest.raises(SourceRefused, match="401") as caught:
                await wrong.query(MEAN, window, timedelta(minutes=1))
            assert "guessed" not in str(caught.value)
