"""No store takes more than its share of memory or time: answers, pages and silences without end."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from contracts.every_source import SETTINGS, build
from contracts.log_connectors import CONNECTORS, WINDOW, maker, many
from remote_worlds import ENVIRONMENT as AWS_ENVIRONMENT
from servers import DRIP, HANG, POUR, HttpServer, Reply, Request, http_server, reply_json

from steadyhand.journey.evidence.model import Window
from steadyhand.ports import SourceError

pytestmark = pytest.mark.anyio
LARGEST = 16 * 1024 * 1024
BEGIN = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
SPAN = Window(start=BEGIN, end=BEGIN + timedelta(minutes=5))
STEP = timedelta(seconds=60)
VENDORS = [one for one in SETTINGS if not one.startswith("logs ")]


async def ask(vendor: str, source: Any) -> object:
    """What an investigation asks such a source."""
    match vendor.split(" "):
        case ["metrics", "prometheus"]:
            return await source.series("up", SPAN, STEP)
        case ["metrics", _]:
            return await source.series_of("shop", SPAN, STEP)
        case ["traces", _]:
            return await source.spans(["shop"], SPAN, 10)
        case ["edges", _]:
            return await source.edges(SPAN)
        case _:
            return await source.changes(["shop"], SPAN)


async def asked(
    vendor: str, answer: Callable[[Request], Reply], within: str = "0.1s"
) -> tuple[object, HttpServer]:
    """What it says, or why it cannot, when its server answers so; within ten seconds at the very most."""
    async with http_server(answer) as server, httpx2.AsyncClient(trust_env=False) as client:
        source = build(vendor, server.url, client, within)
        async with asyncio.timeout(10):
            try:
                return await ask(vendor, source), server
            except SourceError as error:
                return error, server


@pytest.fixture(autouse=True)
def _signed(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in AWS_ENVIRONMENT.items():
        monkeypatch.setenv(key, value)


@pytest.mark.parametrize("vendor", VENDORS)
async def test_an_answer_that_pours_without_end_is_cut_off_at_the_cap(vendor: str) -> None:
    found, server = await asked(vendor, lambda _: POUR, "9s")
    assert isinstance(found, SourceError)
    assert "larger than 16,777,216 bytes" in found.why
    assert server.poured < 4 * LARGEST * len(server.requests)


@pytest.mark.parametrize("reply", [DRIP, HANG], ids=["drips", "hangs"])
@pytest.mark.parametrize("vendor", VENDORS)
async def test_an_answer_that_takes_for_ever_is_given_up_at_the_deadline(vendor: str, reply: Reply) -> None:
    found, _ = await asked(vendor, lambda _: reply)
    assert isinstance(found, SourceError)
    assert "no answer within" in found.why


@pytest.mark.parametrize(
    ("reply", "within", "told"),
    [(POUR, "9s", "larger than"), (DRIP, "0.1s", ""), (HANG, "0.1s", "")],
    ids=["pours", "drips", "hangs"],
)
@pytest.mark.parametrize("vendor", CONNECTORS)
async def test_logs_without_end_are_a_gap_or_told_by_name(
    vendor: str, reply: Reply, within: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = maker(CONNECTORS[vendor], monkeypatch)
    patience = {"0.1s": "0.2s"}.get(within, within)
    async with make([], timeout=within, patience=patience) as (source, world, server):
        monkeypatch.setattr(world, "real", lambda _: reply)
        async with asyncio.timeout(20):
            gaps = await gaps_of(source.read(["shop"], WINDOW))
        assert [one for one in gaps if told in one]
        assert server.poured < 4 * LARGEST * max(1, len(server.requests))


async def gaps_of(read: Awaitable[Any]) -> Sequence[str]:
    try:
        return tuple((await read).gaps)
    except SourceError as error:
        return (str(error),)


def always_more(request: Request) -> Reply:
    """One row or none, and a sign that more is to come, for ever."""
    if b"GetMetricData" in request.body:
        result = "<GetMetricDataResult><MetricDataResults/><NextToken>t</NextToken></GetMetricDataResult>"
        return Reply(200, f"<GetMetricDataResponse>{result}</GetMetricDataResponse>".encode())
    if "limit" in request.query and request.path.startswith("/api"):
        return reply_json({"items": [], "metadata": {"continue": "again"}})
    onward = f'<http://{request.headers["host"]}{request.path}?page=9>; rel="next"'
    return Reply(200, b"[]", {"link": onward})


@pytest.mark.parametrize(
    "vendor", ["metrics cloudwatch", "changes kubernetes", "changes github", "changes gitlab"]
)
async def test_pages_without_end_are_left_after_some(vendor: str) -> None:
    found, server = await asked(vendor, always_more)
    assert found == [] or (isinstance(found, SourceError) and "more than" in found.why)
    assert len(server.requests) <= 50


@pytest.mark.parametrize("vendor", [one for one in CONNECTORS if one != "kubernetes"])
async def test_a_store_that_repeats_its_page_for_ever_is_left(
    vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = maker(CONNECTORS[vendor], monkeypatch)
    async with make(many()[:50], most_lines=200, page_lines=10, patience="1s") as (source, world, server):
        first: dict[str, Reply] = {}
        real = world.real

        def stuck(request: Request) -> Reply:
            """Each question of a kind is answered as the first of its kind was."""
            return first.setdefault(f"{request.method}{request.path}", real(request))

        monkeypatch.setattr(world, "real", stuck)
        async with asyncio.timeout(20):
            await gaps_of(source.read(["shop"], WINDOW))
        assert len(server.requests) < 400
