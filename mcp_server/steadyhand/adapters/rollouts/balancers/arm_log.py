"""Answers by arm as a balancer logs them: lines over UDP syslog that end in `<status> <time> <arm>`.

For balancers that count too little: open-source nginx counts nothing by upstream, HAProxy no slow answers.
A datagram that is lost is a request not counted, so keep this on loopback; a reader that restarts begins at
zero, which the judge takes for what it is: a new observation.
"""

import asyncio
import re
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final

from steadyhand.adapters.rollouts.histogram import quantile, slower_than
from steadyhand.journey.rollout.model import Arms, Counts
from steadyhand.ports import Clock, SourceRefused

_LINE = re.compile(rb"(?P<status>\d{3}) (?P<ms>-?\d+(?:\.\d+)?) (?P<arm>[\w.-]+)\s*$")
_RECEIVE_BYTES: Final = 4 * 1024 * 1024
BOUNDS_MS: Final = tuple(1.1**i for i in range(140))  # 1 ms to 9 min: each limit is met within 10 %
_FAILED = 500
ArmNames = tuple[str, str]


@dataclass(slots=True)
class _Tally:
    requests: int = 0
    errors: int = 0
    by_bound: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_MS) + 1))

    def add(self, status: int, ms: float) -> None:
        self.requests += 1
        if status >= _FAILED or status == 0 or ms < 0:
            self.errors += 1
        else:
            self.by_bound[bisect_left(BOUNDS_MS, ms)] += 1

    def buckets(self) -> list[tuple[float, int]]:
        """Answers that did not fail, cumulative by upper bound."""
        total, found = 0, []
        for bound, count in zip((*BOUNDS_MS, float("inf")), self.by_bound, strict=True):
            total += count
            found.append((bound, total))
        return found

    def counts(self, slow_ms: tuple[float, float]) -> Counts:
        slow90, slow99 = (slower_than(limit, self.buckets()) for limit in slow_ms)
        return Counts(requests=self.requests, errors=self.errors, slow90=slow90, slow99=slow99)


class ArmLog(asyncio.DatagramProtocol):
    """Counts what a balancer logs; listens from the first reading on. `scale` turns its times into ms."""

    def __init__(self, source: str, listen: str, arms: ArmNames, clock: Clock, scale: float = 1.0) -> None:
        host, _, port = listen.rpartition(":")
        self._source = source
        self._address = (host, int(port))
        self._names = arms
        self._clock = clock
        self._scale = scale
        self._tallies = {name.encode(): _Tally() for name in arms}
        self._opening = asyncio.Lock()
        self._transport: asyncio.DatagramTransport | None = None

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - asyncio's shape
        """One line; what is no such line, or of another arm, is not ours to count."""
        found = _LINE.search(data)
        tally = self._tallies.get(found["arm"]) if found else None
        if found and tally:
            tally.add(int(found["status"]), float(found["ms"]) * self._scale)

    async def arms(self, slow_ms: tuple[float, float]) -> Arms:
        """Both arms since listening began. Raises SourceRefused where the port is taken."""
        await self._listen()
        stable, canary = (self._tallies[name.encode()].counts(slow_ms) for name in self._names)
        return Arms(at=self._clock.now(), stable=stable, canary=canary)

    async def slow_limits(self) -> tuple[float, float] | None:
        """The stable arm's p90 and p99 since listening began; None before any answer."""
        await self._listen()
        buckets = self._tallies[self._names[0].encode()].buckets()
        p90, p99 = quantile(0.9, buckets), quantile(0.99, buckets)
        return None if p90 is None or p99 is None else (p90, p99)

    def close(self) -> None:
        """Stop listening."""
        if self._transport is not None:
            self._transport.close()

    async def _listen(self) -> None:
        """Open the port once in the running loop; a test's or a service's next loop opens it anew."""
        async with self._opening:
            if self._transport is not None and not self._transport.is_closing():
                return
            loop = asyncio.get_running_loop()
            try:
                self._transport, _ = await loop.create_datagram_endpoint(
                    lambda: self, local_addr=self._address
                )
            except OSError as error:
                where = f"{self._address[0]}:{self._address[1]}"
                raise SourceRefused(self._source, f"log_listen {where}: {error.strerror}") from error
