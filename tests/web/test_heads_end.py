"""What is read before anybody has looked at a request is bounded, whatever a sender does."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable

import pytest
import uvicorn
from web.house import INGEST, House, alert

from steadyhand.web.heads import LONGEST_HEAD, BoundedHeads

pytestmark = pytest.mark.anyio

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
START = f"POST /alerts/generic HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {INGEST}\r\n".encode()


async def talk(house: House, story: Talk) -> None:
    """Speak with our doors over a real socket."""
    settings = uvicorn.Config(house.open(), http=BoundedHeads, log_level="critical", lifespan="off")
    server = uvicorn.Server(settings)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.timeout(20):
                await story(reader, writer)
        finally:
            writer.close()
            server.should_exit = True
            await serving


@pytest.mark.parametrize("endless", [b"x: " + b"y" * 1000 + b"\r\n", b"y" * 1000], ids=["lines", "line"])
async def test_a_head_that_never_ends_is_refused(house: House, endless: bytes) -> None:
    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(START + b"first: ")
        sending = asyncio.create_task(_repeat(writer, endless))
        assert (await reader.readline()).startswith(b"HTTP/1.1 400")
        sending.cancel()

    await talk(house, story)


async def test_a_trailer_that_never_ends_is_refused(house: House) -> None:
    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = b"2\r\n{}\r\n0\r\n"
        writer.write(START + b"transfer-encoding: chunked\r\n\r\n" + body)
        sending = asyncio.create_task(_repeat(writer, b"x: " + b"y" * 1000 + b"\r\n"))
        assert (await reader.readline()).startswith(b"HTTP/1.1 400")
        sending.cancel()

    await talk(house, story)


async def test_a_large_body_that_comes_bit_by_bit_is_taken_on_a_kept_connection(house: House) -> None:
    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = json.dumps({**alert("slow"), "labels": {"note": "n" * 3 * LONGEST_HEAD}}).encode()
        for _ in range(2):
            writer.write(START + f"content-length: {len(body)}\r\n\r\n".encode())
            for start in range(0, len(body), 20_000):
                writer.write(body[start : start + 20_000])
                await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 202")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)

    await talk(house, story)


async def _repeat(writer: asyncio.StreamWriter, piece: bytes) -> None:
    for _ in range(10 * LONGEST_HEAD // len(piece)):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
