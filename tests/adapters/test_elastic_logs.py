"""What is Elasticsearch's and OpenSearch's own: points in time, shards that fail, licences."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fake_elastic import FakeElastic
from log_worlds import SECRET, START, Held
from pydantic import SecretStr, ValidationError
from servers import http_server

from steadyhand.adapters.logs.elastic import ElasticLogSettings, ElasticStore
from steadyhand.adapters.logs.remote import RemoteLogs
from steadyhand.journey.evidence.model import LogReport, Window

pytestmark = pytest.mark.anyio
WINDOW = Window(start=START, end=START + timedelta(seconds=60))
LINES = [Held(number / 10, "shop", "info", f"order {number} paid") for number in range(400)]
ODD = Held(35.0, "shop", "info", "pool resized from 20 to 2")


@asynccontextmanager
async def elastic(world: FakeElastic, **more: Any) -> AsyncIterator[RemoteLogs]:
    async with http_server(world.answer) as server, httpx2.AsyncClient(trust_env=False) as client:
        settings = ElasticLogSettings.model_validate(
            {"kind": world.kind, "auth": "api_key", "secret_env": "T", "url": server.url}
            | {"services": {"shop": "app:shop"}, "timeout": "2s"}
            | more
        )
        yield RemoteLogs(settings, ElasticStore(settings, client, SecretStr(SECRET)))


async def read(world: FakeElastic, **more: Any) -> LogReport:
    async with elastic(world, **more) as source:
        return await source.read(["shop"], WINDOW)


@pytest.mark.parametrize("kind", ["elasticsearch", "opensearch"])
async def test_every_point_in_time_is_given_back(kind: str) -> None:
    world = FakeElastic(LINES, kind=kind)
    await read(world, page_lines=50)
    assert world.closed == 1
    assert world.pits == {}


async def test_a_point_in_time_that_expires_is_a_gap_and_what_was_read_stays() -> None:
    world = FakeElastic(LINES, expires_after=2)
    report = await read(world, page_lines=50)
    assert len(report.lines) == 100
    assert any("No search context found" in one for one in report.gaps)


async def test_a_shard_that_fails_is_named_and_the_others_are_read() -> None:
    report = await read(FakeElastic(LINES, failing_shard=True))
    assert len(report.lines) == 400
    assert any("1 of 5 shards failed (logs-2025: node left)" in one for one in report.gaps)


async def test_without_the_licence_for_categories_new_words_tell_what_is_rare() -> None:
    report = await read(FakeElastic([*LINES, ODD], licensed=False), most_lines=100)
    assert ODD.text in {one.message for one in report.lines}
    assert len(report.lines) < 200


async def test_lines_without_a_level_are_counted_and_sampled_as_such() -> None:
    bare = [Held(one.second, "shop", "", one.text) for one in LINES]
    report = await read(FakeElastic([*bare, Held(1, "shop", "error", "no")]), most_lines=100)
    (covered,) = report.coverage
    assert covered.matched == 401
    assert "lines without a level" in covered.sampled[0]
    assert [one.message for one in report.lines if one.severity == "error"] == ["no"]
    assert 60 < len(report.lines) < 150


def test_credentials_in_the_address_are_refused_without_being_shown() -> None:
    with pytest.raises(ValidationError, match="secret_env"):
        ElasticLogSettings.model_validate(
            {"kind": "elasticsearch", "url": "https://me:pw@es:9200", "services": {"shop": "*"}}
        )
