import asyncio
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain, repeat

import httpx2
import pytest
from servers import HANG, RESET, HttpServer, Reply, free_port, http_server

from steadyhand.adapters.http import Web
from steadyhand.ports import EffectUnknown, SourceRefused, SourceUnavailable

pytestmark = pytest.mark.anyio


class Line:
    """A Web over a server that plays its replies one after the other."""

    def __init__(self, *replies: Reply, **options: object) -> None:
        self.replies: Iterator[Reply] = chain(replies, repeat(Reply(body=b"late")))
        self.options = options
        self.waits: list[float] = []

    async def ask(self, method: str) -> bytes:
        async with http_server(lambda _: next(self.replies)) as server, httpx2.AsyncClient() as client:
            self.server: HttpServer = server
            web = Web(source="far", client=client, pause=self.pause, **self.options)  # type: ignore[arg-type]
            act = web.read if method == "GET" else web.write
            return (await act(f"{server.url}/secret-path")).body

    async def pause(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.mark.parametrize("first", [RESET, Reply(429), Reply(500), Reply(503)])
async def test_a_read_is_tried_again(first: Reply) -> None:
    line = Line(first, Reply(body=b"fine"))
    assert await line.ask("GET") == b"fine"
    assert len(line.waits) == 1


async def test_tries_are_bounded_and_the_end_has_a_name() -> None:
    line = Line(*[Reply(503)] * 9)
    with pytest.raises(SourceUnavailable, match=r"far: answered 503 \(tries: 3\)"):
        await line.ask("GET")
    assert len(line.server.requests) == 3


async def test_retry_after_is_honoured() -> None:
    line = Line(Reply(429, headers={"retry-after": "7"}))
    await line.ask("POST")
    assert line.waits == [7.0]


async def test_an_instant_to_come_again_is_counted_by_the_clock_that_named_it() -> None:
    there = {"date": "Sat, 31 Jan 2026 02:00:00 GMT", "retry-after": "Sat, 31 Jan 2026 02:00:07 GMT"}
    past = {"date": "Sat, 31 Jan 2026 02:00:00 GMT", "retry-after": "Sat, 31 Jan 2026 01:00:00 GMT"}
    line = Line(Reply(503, headers=there), Reply(503, headers=past))
    await line.ask("GET")
    assert line.waits == [7.0, 0.0]


@pytest.mark.parametrize("text", ["soon", "-1", "1.5", "99999999", "Sat, 31 Jan 2026 02:00:07 GMT"])
async def test_a_wait_that_nobody_can_read_is_a_short_one_of_ours(text: str) -> None:
    line = Line(Reply(429, headers={"retry-after": text}))
    await line.ask("GET")
    (waited,) = line.waits
    assert waited < 1


async def test_a_wait_beyond_the_deadline_is_not_begun_and_told() -> None:
    line = Line(Reply(429, headers={"retry-after": "3600"}))
    with pytest.raises(SourceUnavailable, match=r"answered 429 \(tries: 1\); it asks to wait 1h$") as caught:
        await line.ask("GET")
    assert line.waits == []
    assert caught.value.again_after == timedelta(hours=1)


async def test_a_far_end_that_hangs_meets_the_deadline() -> None:
    line = Line(HANG, deadline=timedelta(seconds=0.1))
    with pytest.raises(SourceUnavailable, match=r"no answer within 0\.1 s"):
        await line.ask("GET")


async def test_the_deadline_is_ours_and_not_the_clients() -> None:
    slow = Reply(body=b"late", delay_s=0.3)
    async with http_server(lambda _: slow) as server, httpx2.AsyncClient(timeout=0.05) as client:
        answer = await Web(source="far", client=client).write(server.url)
    assert answer.body == b"late"


@pytest.mark.parametrize("address", ["http://[::1", "gopher://far/", "/nowhere"])
async def test_an_address_that_cannot_be_asked_is_refused_without_quoting_it(address: str) -> None:
    async with httpx2.AsyncClient() as client:
        for act in (Web(source="far", client=client).read, Web(source="far", client=client).write):
            with pytest.raises(SourceRefused) as caught:
                await act(address)
            assert address not in str(caught.value)


@pytest.mark.parametrize("reply", [HANG, RESET])
async def test_an_effect_without_an_answer_is_unknown_and_not_sent_again(reply: Reply) -> None:
    line = Line(reply, deadline=timedelta(seconds=0.2))
    with pytest.raises(EffectUnknown):
        await line.ask("POST")
    assert len(line.server.requests) == 1


async def test_an_effect_that_was_never_sent_is_unavailable() -> None:
    async with httpx2.AsyncClient() as client:
        web = Web(source="far", client=client, pause=Line().pause)
        with pytest.raises(SourceUnavailable, match="not reachable: nothing listens at its port"):
            await web.write(f"http://127.0.0.1:{free_port()}/")


async def test_a_door_that_speaks_no_tls_is_named_so() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as server, httpx2.AsyncClient() as client:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(SourceUnavailable, match="it does not speak TLS there"):
            await Web(source="far", client=client, pause=Line().pause).read(f"https://127.0.0.1:{port}/")


async def test_a_redirect_is_refused() -> None:
    with pytest.raises(SourceRefused, match="redirects are not followed"):
        await Line(Reply(302, headers={"location": "http://127.0.0.1/other"})).ask("GET")


async def test_an_answer_too_large_is_refused() -> None:
    with pytest.raises(SourceRefused, match="larger than 1,000 bytes"):
        await Line(Reply(body=b"x" * 5000), largest_bytes=1000).ask("GET")


@pytest.mark.parametrize("reply", [RESET, Reply(503), Reply(302, headers={"location": "/"}), HANG])
async def test_no_error_shows_the_address(reply: Reply) -> None:
    with pytest.raises((SourceUnavailable, SourceRefused)) as caught:
        await Line(*[reply] * 3, deadline=timedelta(seconds=0.2)).ask("GET")
    assert "secret-path" not in f"{caught.value}{caught.value.__cause__}"
