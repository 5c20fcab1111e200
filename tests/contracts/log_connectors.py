"""Every connector to logs with the fake of its vendor, for the suites of what they promise."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fake_elastic import FakeElastic
from hosted_logs import FakeCloudWatch, FakeDatadog, FakePods, FakeSplunk
from log_worlds import SECRET, START, FakeLoki, FakeVictoria, Held, LogWorld
from pydantic import SecretStr, TypeAdapter
from remote_worlds import ENVIRONMENT as AWS_ENVIRONMENT
from servers import HttpServer, http_server

from steadyhand.adapters.logs.registry import LogSettings, build_logs
from steadyhand.adapters.logs.remote import RemoteLogs
from steadyhand.journey.evidence.model import Window

SETTINGS: TypeAdapter[Any] = TypeAdapter(LogSettings)


def window(start: float, end: float) -> Window:
    return Window(start=START + timedelta(seconds=start), end=START + timedelta(seconds=end))


WINDOW = window(10, 20)


@dataclass(frozen=True)
class Connector:
    """One vendor: its settings, its fake, and how it names a service."""

    settings: dict[str, Any]
    world: Callable[[], LogWorld]
    named: str
    counts: bool = True
    finds_rare: bool = True
    pages: bool = True
    line_wise: bool = False  # keeps the lines of a record apart, as nothing before it joins them
    way_out: str = "TOKEN"


BEARER = {"auth": "bearer", "secret_env": "TOKEN"}
CONNECTORS = {
    "elasticsearch": Connector(
        {"kind": "elasticsearch", "auth": "api_key", "secret_env": "TOKEN"}, FakeElastic, "app:{}"
    ),
    "opensearch": Connector(
        {"kind": "opensearch", "name": "opensearch", "auth": "api_key", "secret_env": "TOKEN"},
        lambda: FakeElastic(kind="opensearch"),
        "app:{}",
    ),
    "loki": Connector({"kind": "loki", **BEARER}, FakeLoki, '{{app="{}"}}', line_wise=True),
    "victorialogs": Connector({"kind": "victorialogs", **BEARER}, FakeVictoria, "app:={}", line_wise=True),
    "splunk": Connector({"kind": "splunk", **BEARER}, FakeSplunk, "app={}"),
    "datadog": Connector(
        {"kind": "datadog", "api_key_env": "TOKEN", "app_key_env": "TOKEN"},
        FakeDatadog,
        "service:{}",
        finds_rare=False,
    ),
    "cloudwatch": Connector(
        {"kind": "cloudwatch", "region": "eu-west-1"},
        FakeCloudWatch,
        "/app/{}",
        way_out="InvalidSignature",
        line_wise=True,
    ),
    "kubernetes": Connector(
        {"kind": "kubernetes", "namespace": "shop", "token_env": "TOKEN"},
        FakePods,
        "app={}",
        counts=False,
        finds_rare=False,
        pages=False,
        line_wise=True,
    ),
}
Made = tuple[RemoteLogs, LogWorld, HttpServer]
Make = Callable[..., AbstractAsyncContextManager[Made]]


def maker(connector: Connector, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a connector of this vendor with lines in its fake; `more` are settings."""
    for key, value in AWS_ENVIRONMENT.items():
        monkeypatch.setenv(key, value)

    @asynccontextmanager
    async def made(lines: Sequence[Held], secret: str = SECRET, **more: object) -> AsyncIterator[Made]:
        world = connector.world()
        world.lines = list(lines)
        services = {one: connector.named.format(one) for one in ("shop", "cart")}
        async with http_server(world.answer) as server, httpx2.AsyncClient(trust_env=False) as client:
            where = {"cloudwatch": "endpoint_url", "kubernetes": "api_url"}
            given = connector.settings | {"services": services, "timeout": "2s"} | more
            given[where.get(str(given["kind"]), "url")] = server.url
            if not connector.pages:
                given.pop("page_lines", None)
            if isinstance(world, FakeCloudWatch):
                world.url = server.url
                if secret != SECRET:
                    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
            source = build_logs(SETTINGS.validate_python(given), client, lambda _: SecretStr(secret))
            assert isinstance(source, RemoteLogs)
            yield source, world, server

    return made


def some(*seconds: float, service: str = "shop", level: str = "info") -> list[Held]:
    return [Held(one, service, level, f"{service} at {one:g}") for one in seconds]


def many() -> list[Held]:
    """2,000 lines of a kind, 30 errors, and one line like no other."""
    quiet = [Held(10 + number / 200, "shop", "info", f"order {number} paid") for number in range(2_000)]
    errors = [Held(15 + number / 10, "shop", "error", f"no stock of {number}") for number in range(30)]
    return [*quiet, *errors, Held(16.5, "shop", "info", "pool resized from 20 to 2")]
