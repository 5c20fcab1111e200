from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from pydantic import SecretStr, ValidationError
from servers import HttpServer, Reply, Request, http_server, reply_json

from steadyhand.adapters.metrics.prometheus import Prometheus, PrometheusSettings
from steadyhand.errors import SourceRefused, SourceUnavailable
from steadyhand.journey.evidence.model import Window

pytestmark = pytest.mark.anyio
START = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)


@asynccontextmanager
async def prometheus(
    answer: Callable[[Request], Reply], secret: str = "", **settings: object
) -> AsyncIterator[tuple[Prometheus, HttpServer]]:
    async with http_server(answer) as server, httpx2.AsyncClient() as client:
        typed = PrometheusSettings.model_validate({"url": f"{server.url}/", **settings})
        yield Prometheus(typed, client, SecretStr(secret) if secret else None), server


def success(kind: str, result: object, **more: object) -> Reply:
    return reply_json({"status": "success", "data": {"resultType": kind, "result": result}} | more)


def grid(request: Request) -> Reply:
    """One counter per second, as a server would sample it: both ends included."""
    start, end, step = (float(request.query[name]) for name in ("start", "end", "step"))
    times = [start + n * step for n in range(round((end - start) / step) + 1)]
    if len(times) > 11_000:
        return reply_json({"status": "error", "errorType": "bad_data", "error": "exceeded resolution"}, 400)
    values = [[time, f"{time - START.timestamp():g}"] for time in times]
    return success("matrix", [{"metric": {"__name__": "up", "job": "shop"}, "values": values}])


async def test_a_series_has_its_name_labels_and_points_without_the_windows_end() -> None:
    async with prometheus(grid) as (source, _):
        window = Window(start=START, end=START + timedelta(seconds=10))
        (one,) = await source.series("up", window, timedelta(seconds=5))
    assert (one.name, one.labels) == ("up", {"job": "shop"})
    assert one.values == (0, 5)


async def test_a_long_window_is_asked_in_parts_that_join_without_a_seam() -> None:
    async with prometheus(grid) as (source, server):
        window = Window(start=START, end=START + timedelta(seconds=25_000))
        (one,) = await source.series("up", window, timedelta(seconds=1))
    assert len(server.requests) == 3
    assert one.values == tuple(range(25_000))


async def test_points_that_are_no_number_are_left_out() -> None:
    reply = success("matrix", [{"metric": {}, "values": [[1, "NaN"], [2, "+Inf"], [3, "0.5"]]}])
    async with prometheus(lambda _: reply) as (source, _):
        (one,) = await source.series(
            "a/b", Window(start=START, end=START + timedelta(seconds=9)), timedelta(seconds=1)
        )
    assert (one.times, one.values) == ((3,), (0.5,))


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        (success("vector", [{"metric": {}, "value": [1, "0.25"]}]), 0.25),
        (success("scalar", [1, "3"]), 3),
        (success("vector", []), None),
        (success("vector", [{"metric": {}, "value": [1, "NaN"]}]), None),
    ],
)
async def test_one_number_or_none(reply: Reply, value: float | None) -> None:
    async with prometheus(lambda _: reply) as (source, server):
        assert await source.value("sum(up)", START) == value
    assert server.requests[0].query == {"query": "sum(up)", "time": "1769824800.000"}


async def test_several_series_are_no_number() -> None:
    sample = {"metric": {}, "value": [1, "1"]}
    async with prometheus(lambda _: success("vector", [sample, sample])) as (source, _):
        with pytest.raises(SourceRefused, match="gives 2 series; aggregate it"):
            await source.value("up", START)


@pytest.mark.parametrize(
    ("reply", "error", "text"),
    [
        (
            reply_json({"status": "error", "errorType": "bad_data", "error": "parse error"}, 400),
            SourceRefused,
            "parse",
        ),
        (
            reply_json({"status": "error", "errorType": "timeout", "error": "slow"}, 422),
            SourceUnavailable,
            "timeout",
        ),
        (Reply(401, b"<html>no</html>"), SourceRefused, "answered 401"),
        (Reply(200, b"<html>sign in</html>"), SourceRefused, "not one of the Prometheus API"),
        (success("string", [1, "x"]), SourceRefused, "not one of the Prometheus API"),
    ],
)
async def test_each_failure_has_a_name(reply: Reply, error: type[Exception], text: str) -> None:
    async with prometheus(lambda _: reply) as (source, _):
        with pytest.raises(error, match=text):
            await source.value("up", START)


async def test_a_warning_is_logged_and_the_answer_kept(caplog: pytest.LogCaptureFixture) -> None:
    reply = success("vector", [{"metric": {}, "value": [1, "1"]}], warnings=["partial response"])
    async with prometheus(lambda _: reply) as (source, _):
        assert await source.value("up", START) == 1
    assert "partial response" in caplog.text


@pytest.mark.parametrize(("auth", "header"), [("bearer", "Bearer s3cret"), ("basic", "Basic bWU6czNjcmV0")])
async def test_it_signs_in(auth: str, header: str) -> None:
    async with prometheus(lambda _: success("vector", []), "s3cret", auth=auth, user="me") as (
        source,
        server,
    ):
        await source.value("up", START)
    assert server.requests[0].headers["authorization"] == header


async def test_a_server_that_echoes_the_token_does_not_leak_it() -> None:
    def echo(request: Request) -> Reply:
        told = f"bad token {request.headers['authorization']}"
        return reply_json({"status": "error", "errorType": "bad_data", "error": told}, 400)

    async with prometheus(echo, "s3cret", auth="bearer") as (source, _):
        with pytest.raises(SourceRefused) as caught:
            await source.value("up", START)
    assert "s3cret" not in str(caught.value)


def test_an_address_with_a_password_in_it_is_refused() -> None:
    with pytest.raises(ValidationError, match="secret_env"):
        PrometheusSettings(url="http://me:pw@prom:9090")
