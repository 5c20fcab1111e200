"""HAProxy's Runtime API: one connection a question, over a Unix or TCP socket."""

import asyncio
import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from steadyhand.journey.rollout.model import Counts
from steadyhand.ports import EffectUnknown, SourceRefused, SourceUnavailable

_MAP_LINE = re.compile(r"^0x[0-9a-f]+ (\S+) (-?\d+)$", re.MULTILINE)
_ANSWERS = ("hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other")
_TRIES, _PAUSE_S = 4, 0.1
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class HAProxyRuntime:
    """One proxy. `address` is the path of its stats socket, or host:port."""

    source: str
    address: str
    deadline: timedelta

    async def entries(self, map_file: str) -> dict[str, int]:
        """The map's keys and values. Raises SourceError, also where a value is no number."""
        answer = await self._ask(f"show map {map_file}")
        found = {key: int(value) for key, value in _MAP_LINE.findall(answer)}
        if not found:
            raise SourceRefused(
                self.source, f"its map {map_file} is not there or empty: {answer.strip()[:100]}"
            )
        return found

    async def put(self, map_file: str, values: Mapping[str, int]) -> None:
        """Set these keys, in this order. Raises SourceRefused for a key that the map's file lacks."""
        await self._order([f"set map {map_file} {key} {value}" for key, value in values.items()])

    async def servers(self, backend: str) -> Sequence[str]:
        """The names of the backend's servers."""
        answer = await self._ask(f"show servers state {backend}")
        rows = [line.split() for line in answer.splitlines()[2:] if line.strip()]
        if not rows:
            raise SourceRefused(self.source, f"it has no backend {backend!r} with servers")
        return [row[3] for row in rows]

    async def set_state(self, backend: str, state: str) -> None:
        """Bring every server of the backend to `ready`, `drain` or `maint`."""
        names = await self.servers(backend)
        await self._order([f"set server {backend}/{name} state {state}" for name in names])

    async def statistics(self) -> Sequence[Row]:
        """Every row of `show stat`, all of one answer."""
        answer = (await self._ask("show stat")).removeprefix("# ")
        return list(csv.DictReader(answer.splitlines()))

    async def _order(self, commands: Sequence[str]) -> None:
        """Carry them out one after the other; each answers with an empty line, or with what is wrong."""
        answer = await self._ask("; ".join(commands), effect=True)
        if answer.strip():
            raise SourceRefused(self.source, " ".join(answer.split())[:200])

    async def _ask(self, line: str, *, effect: bool = False) -> str:
        sent = False
        try:
            async with asyncio.timeout(self.deadline.total_seconds()):
                reader, writer = await self._connect()
                try:
                    writer.write(f"{line}\n".encode())
                    sent = True
                    return (await reader.read(-1)).decode(errors="replace")
                finally:
                    writer.close()
        except (OSError, TimeoutError) as error:
            if sent and effect:
                raise EffectUnknown(
                    self.source, f"sent, but no answer came: {type(error).__name__}"
                ) from error
            why = f"its Runtime API does not answer: {type(error).__name__}"
            raise SourceUnavailable(self.source, why) from error

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Nothing is sent yet: try again, for a reload takes the socket away for a moment."""
        for _ in range(_TRIES - 1):
            try:
                return await self._open()
            except OSError:
                await asyncio.sleep(_PAUSE_S)
        return await self._open()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.address.startswith("/"):
            return await asyncio.open_unix_connection(self.address)
        host, _, port = self.address.rpartition(":")
        return await asyncio.open_connection(host, int(port))


def backend_counts(rows: Sequence[Row], backend: str, source: str) -> Counts:
    """Requests and errors of one backend, its own 502 and 503 for dead servers among them.

    Those are missing from the rows of servers: a canary that resets every connection would look idle there.
    """
    for row in rows:
        if row["pxname"] == backend and row["svname"] == "BACKEND":
            requests = sum(int(row[name] or 0) for name in _ANSWERS)
            return Counts(requests=requests, errors=int(row["hrsp_5xx"] or 0))
    raise SourceRefused(source, f"it has no backend {backend!r}")


def is_up(rows: Sequence[Row], backend: str) -> bool:
    """Whether at least one server of the backend passes its health checks."""
    mine = (row for row in rows if row["pxname"] == backend and row["svname"] not in {"BACKEND", "FRONTEND"})
    return any(row["status"].startswith(("UP", "no check")) for row in mine)


def add(counts: Sequence[Counts]) -> Counts:
    """One arm over several proxies."""
    return Counts(requests=sum(one.requests for one in counts), errors=sum(one.errors for one in counts))
