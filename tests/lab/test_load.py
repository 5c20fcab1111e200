import asyncio
import contextlib
import random
from collections import Counter

import pytest

from steadyhand.lab.load import Ask, Connections, draw


def test_users_ask_for_what_they_are_said_to_ask_for() -> None:
    dice = random.Random(7)  # noqa: S311 - a fixed seed makes the test repeatable
    asks = [draw(dice) for _ in range(20_000)]
    routes = Counter(ask.route for ask in asks)
    assert routes["/product"] / len(asks) == pytest.approx(0.60, abs=0.01)
    assert routes["/orders"] / len(asks) == pytest.approx(0.22, abs=0.01)
    assert routes["/checkout"] / len(asks) == pytest.approx(0.18, abs=0.01)
    guests = sum("email=" in ask.path for ask in asks)
    assert guests / routes["/orders"] == pytest.approx(0.2, abs=0.02)
    coupons = sum("coupon=" in ask.path for ask in asks)
    assert coupons / routes["/checkout"] == pytest.approx(0.12, abs=0.02)


def test_few_products_are_popular() -> None:
    dice = random.Random(7)  # noqa: S311 - a fixed seed makes the test repeatable
    seen = Counter(ask.path for ask in (draw(dice) for _ in range(20_000)) if ask.route == "/product")
    assert sum(count for _, count in seen.most_common(10)) > 0.8 * seen.total()
    assert max(int(path.rsplit("/", 1)[1]) for path in seen) <= 400


async def _exchange(answer: bytes, times: int) -> tuple[list[int], int]:
    """Statuses of so many requests to a server with one answer, and how often it was connected to."""
    opened = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        with contextlib.suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer)
                if b"close" in answer:
                    break
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    connections = Connections(server.sockets[0].getsockname()[1])
    statuses = [await connections.send(Ask("/", "GET", "/")) for _ in range(times)]
    await connections.close()
    server.close()
    await server.wait_closed()
    return statuses, opened


def test_connections_are_kept_and_answers_read_to_their_end() -> None:
    body = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"
    assert asyncio.run(_exchange(body, 3)) == ([503, 503, 503], 1)


def test_a_closed_connection_is_not_used_again() -> None:
    body = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    assert asyncio.run(_exchange(body, 2)) == ([200, 200], 2)
