"""The users: an open-loop load generator that does not wait for answers before it asks again.

python -m steadyhand.lab.load TARGET_PORT METRICS_PORT CONTROL_FILE

`{"rps": 50}` in the control file sets the pace.
"""

import asyncio
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram, start_http_server

from steadyhand.lab.knobs import Pace, read
from steadyhand.lab.layout import HOST
from steadyhand.lab.servers.seed import COUPONS, CUSTOMERS, PRODUCTS, email_of

_PRODUCT_SHARE, _ORDERS_SHARE = 0.60, 0.22  # the rest are checkouts
_PARETO = 1.1
_GUEST_SHARE = 0.2
_COUPON_SHARE = 0.12
_TIMEOUT_S = 12.0
_MOST_OUTSTANDING = 600
_LONGEST_RUN_S = 2 * 3600
_READ_PACE_S = 0.5
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 12)

REQUESTS = Counter("client_requests", "Answers as users got them", ["route", "code"])
DURATION = Histogram("client_request_duration_seconds", "Time users waited", ["route"], buckets=_SECONDS)
OUTSTANDING = Gauge("client_outstanding_requests", "Requests without an answer yet")
TARGET_RPS = Gauge("client_target_rps", "Requests per second the users mean to send")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request a user makes."""

    route: str
    method: str
    path: str


def draw(dice: random.Random) -> Ask:
    """The next request: 60 % products (few are popular), 22 % orders (a fifth by guests), 18 % checkouts."""
    kind = dice.random()
    if kind < _PRODUCT_SHARE:
        product = min(PRODUCTS, int(dice.paretovariate(_PARETO)))
        return Ask("/product", "GET", f"/product/{product}")
    customer = dice.randint(1, CUSTOMERS)
    if kind < _PRODUCT_SHARE + _ORDERS_SHARE:
        who = f"email={email_of(customer)}" if dice.random() < _GUEST_SHARE else f"customer={customer}"
        return Ask("/orders", "GET", f"/orders?{who}")
    product = dice.randint(1, PRODUCTS)  # a popular one would be a queue for its stock row
    coupon = f"&coupon={dice.randint(1, COUPONS)}" if dice.random() < _COUPON_SHARE else ""
    return Ask("/checkout", "POST", f"/checkout?customer={customer}&product={product}{coupon}")


@dataclass(slots=True)
class Connections:
    """Kept-open connections to one port.

    HTTP/1.1 is spoken by hand, since a client library would be the limit.
    """

    port: int
    _idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    async def send(self, ask: Ask) -> int:
        """Send one request, read the whole answer, return its status. Raises OSError when the line breaks."""
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(HOST, self.port)
        try:
            writer.write(
                f"{ask.method} {ask.path} HTTP/1.1\r\nhost: shop\r\ncontent-length: 0\r\n\r\n".encode()
            )
            status, keep = await _read(reader)
        except BaseException:
            writer.close()
            raise
        if keep:
            self._idle.append((reader, writer))
        else:
            writer.close()
        return status

    async def close(self) -> None:
        """Close what is kept open."""
        while self._idle:
            _, writer = self._idle.pop()
            writer.close()
            await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> tuple[int, bool]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in head[1:] if line)
    await reader.readexactly(int(headers.get("content-length", "0")))
    return int(head[0].split()[1]), headers.get("connection") != "close"


async def one(connections: Connections, ask: Ask) -> None:
    """Make one request and count what became of it."""
    started = time.perf_counter()
    with OUTSTANDING.track_inprogress():
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                code = str(await connections.send(ask))
        except TimeoutError:
            code = "timeout"
        except (OSError, EOFError):
            code = "error"
    REQUESTS.labels(ask.route, code).inc()
    DURATION.labels(ask.route).observe(time.perf_counter() - started)


async def users(port: int, control: Path) -> None:
    """Send requests at the pace the control file names, for two hours at most."""
    dice, connections = random.Random(), Connections(port)
    outstanding: set[asyncio.Task[None]] = set()
    pace, read_at, due = Pace(), 0.0, time.monotonic()
    end = due + _LONGEST_RUN_S
    while due < end:
        if time.monotonic() - read_at > _READ_PACE_S:
            pace, read_at = read(Pace, control), time.monotonic()
            TARGET_RPS.set(pace.rps)
        due += dice.expovariate(pace.rps) if pace.rps else _READ_PACE_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        if pace.rps and len(outstanding) < _MOST_OUTSTANDING:
            task = asyncio.create_task(one(connections, draw(dice)))
            outstanding.add(task)
            task.add_done_callback(outstanding.discard)


if __name__ == "__main__":
    start_http_server(int(sys.argv[2]), addr=HOST)
    asyncio.run(users(int(sys.argv[1]), Path(sys.argv[3])))
