"""Logs that stay where they are: counted there, read in part, by one plan whatever the system is.

A system's own file says how it counts (`LogStore.counts`), what it knows to be rare (`rare`) and how a slice
is read page by page (`pages`). What to read, deadlines, partial failures and the coverage are decided here.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import Field

from steadyhand.journey.evidence.model import Coverage, LogLine, LogReport, Window
from steadyhand.journey.evidence.patterns.formats.parsed import LONGEST_FIELD, LONGEST_MESSAGE, MOST_FIELDS
from steadyhand.journey.evidence.patterns.lines import tally_lines
from steadyhand.journey.evidence.patterns.tally import TalliedLogs, Tallies, take_in
from steadyhand.journey.evidence.sampling import Cell, Reading, Slice, plan
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import SourceError, SourceRefused, SourceUnavailable

_AT_ONCE = 4
_CELLS = 180
_BATCH = 5_000


class RemoteLogSettings(Rule):
    """What every system that keeps logs is told."""

    services: dict[str, str] = Field(
        min_length=1, description="Service -> which of its lines, as the system's own queries say it."
    )
    most_lines: int = Field(
        default=20_000, ge=100, description="Read at most about so many of a service; the page says how many."
    )
    patience: Duration = Field(
        default=timedelta(seconds=12), description="For all of one look; what is not read by then is a gap."
    )


@dataclass(frozen=True, slots=True)
class Batch:
    """Some lines, and what was missing from the answer they came in."""

    lines: Sequence[LogLine] = ()
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """How many lines there are, and what the answer lacked. A system that cannot say is not `known`."""

    cells: Sequence[Cell] = ()
    gaps: tuple[str, ...] = ()
    known: bool = True


class LogStore(Protocol):
    """One system that keeps logs. All its calls are read-only and raise SourceError."""

    name: str
    evenly: bool
    """Whether it can draw a share of the lines by chance."""

    async def counts(self, service: str, window: Window, width: timedelta) -> Counts:
        """How many lines of each level, per `width`."""
        ...

    async def rare(self, service: str, window: Window) -> Sequence[Slice]:
        """The few lines that are like no others, where it can tell; none is no promise."""
        ...

    def pages(self, service: str, wanted: Slice) -> AsyncGenerator[Batch, None]:
        """The slice's lines, newest first, page by page, at most `wanted.most`."""
        ...


_Take = Callable[[Sequence[LogLine]], Awaitable[None]]


@dataclass(slots=True)
class _Look:
    """One service being looked at."""

    service: str
    window: Window
    take: _Take
    ends: float
    refs: set[str] = field(default_factory=set)
    oldest: datetime | None = None
    gaps: dict[str, None] = field(default_factory=dict)
    failures: list[SourceError] = field(default_factory=list)
    unread: int = 0

    async def keep(self, batch: Batch) -> int:
        """Lines that lie in the window and were not read before, handed on; how many they are."""
        self.gaps.update(dict.fromkeys(batch.gaps))
        new = [one for one in batch.lines if self._is_new(one)]
        self.refs.update(one.ref for one in new)
        self.oldest = min([one.at for one in new] + ([self.oldest] if self.oldest else []), default=None)
        if new:
            await self.take(new)
        return len(new)

    def _is_new(self, line: LogLine) -> bool:
        return self.window.start <= line.at < self.window.end and line.ref not in self.refs

    def failed(self, error: SourceError) -> None:
        """What it could not give is a gap; the rest goes on."""
        self.failures.append(error)
        self.gaps[f"{self.service}: {error}"] = None


class RemoteLogs:
    """A LogSource and a LogCounter over a LogStore."""

    def __init__(self, settings: RemoteLogSettings, store: LogStore) -> None:
        self.name = store.name
        self._settings = settings
        self._store = store

    async def read(self, services: Sequence[str], window: Window) -> LogReport:
        """Lines of these services, oldest first: all of them, or a sample with all that is rare.

        Raises SourceError where nothing could be read at all.
        """
        lines: list[LogLine] = []

        async def take(new: Sequence[LogLine]) -> None:
            lines.extend(new)

        looks = await self._look(services, window, take)
        return LogReport(
            lines=tuple(sorted(lines, key=lambda one: one.at)),
            gaps=_gaps(looks),
            unlogged=self._unlogged(services),
            coverage=tuple(covered for _, covered in looks),
        )

    async def tally(self, services: Sequence[str], window: Window, most: int) -> TalliedLogs:
        """The kinds of messages among the lines that `read` would give; only some lines are kept at a time.

        Raises as `read` does.
        """
        whole, waiting, turn = Tallies(), list[LogLine](), asyncio.Lock()

        async def count() -> None:
            batch = waiting.copy()
            waiting.clear()
            async with turn:
                await asyncio.to_thread(lambda: take_in(whole, tally_lines(batch, window, most), most))

        async def take(new: Sequence[LogLine]) -> None:
            waiting.extend(new)
            if len(waiting) >= _BATCH:
                await count()

        looks = await self._look(services, window, take)
        await count()
        coverage = tuple(covered for _, covered in looks)
        return TalliedLogs(whole, _gaps(looks), self._unlogged(services), coverage)

    async def _look(
        self, services: Sequence[str], window: Window, take: _Take
    ) -> Sequence[tuple[_Look, Coverage]]:
        ends = asyncio.get_running_loop().time() + self._settings.patience.total_seconds()
        known = [one for one in services if one in self._settings.services]
        turns = asyncio.Semaphore(_AT_ONCE)
        looks = [_Look(one, window, take, ends) for one in known]
        covered = await asyncio.gather(*(self._one(one, turns) for one in looks))
        failures = [error for one in looks for error in one.failures]
        if failures and not any(one.refs for one in looks) and len(failures) >= len(looks):
            raise failures[0]
        return list(zip(looks, covered, strict=True))

    async def _one(self, look: _Look, turns: asyncio.Semaphore) -> Coverage:
        async with turns:
            counts = await self._counted(look)
        reading = self._planned(counts, look.window) if counts else Reading()
        async with turns:
            rare = await self._rare(look) if reading.shares else ()
        cut = await asyncio.gather(*(self._slice(look, one, turns) for one in (*rare, *reading.slices)))
        if look.unread:
            total = len(rare) + len(reading.slices)
            look.gaps[f"{look.service}: {look.unread} of {total} parts were not read in time"] = None
        start = look.window.start
        if any(cut) and not reading.shares and look.oldest:
            start = look.oldest  # more was there than may be read: the newest were
        return Coverage(
            source=self.name,
            service=look.service,
            matched=sum(one.count for one in counts.cells) if counts and counts.known else None,
            read=len(look.refs),
            sampled=reading.sampled,
            window=Window(start=start, end=look.window.end),
        )

    def _planned(self, counts: Counts, window: Window) -> Reading:
        most = self._settings.most_lines
        if not counts.known:
            return Reading((Slice(window, most),))
        return plan(counts.cells, window, most, evenly=self._store.evenly)

    async def _counted(self, look: _Look) -> Counts | None:
        width = max(timedelta(seconds=1), look.window.length / _CELLS)
        width = timedelta(seconds=round(width.total_seconds()))
        try:
            async with asyncio.timeout_at(look.ends):
                counts = await self._store.counts(look.service, look.window, width)
        except SourceRefused as error:
            look.failed(error)  # it will refuse its lines as well
            return None
        except (SourceUnavailable, TimeoutError):
            look.gaps[f"{look.service}: {self.name} did not count its lines; the newest are read"] = None
            return Counts(known=False)
        look.gaps.update(dict.fromkeys(f"{look.service}: {gap}" for gap in counts.gaps))
        return counts

    async def _rare(self, look: _Look) -> Sequence[Slice]:
        try:
            async with asyncio.timeout_at(look.ends):
                return await self._store.rare(look.service, look.window)
        except (SourceError, TimeoutError) as error:
            why = error.why if isinstance(error, SourceError) else "no answer in time"
            look.gaps[f"{look.service}: rare messages could not be asked for ({why})"] = None
            return ()

    async def _slice(self, look: _Look, wanted: Slice, turns: asyncio.Semaphore) -> bool:
        """Read it; says whether as many came as may, so that more may be there."""
        read = 0
        async with turns:
            try:
                async with (
                    asyncio.timeout_at(look.ends),
                    aclosing(self._store.pages(look.service, wanted)) as pages,
                ):
                    async for batch in pages:
                        read += len(batch.lines)
                        await look.keep(batch)
            except TimeoutError:
                look.unread += 1
            except SourceError as error:
                look.failed(error)
        return read >= wanted.most

    def _unlogged(self, services: Sequence[str]) -> tuple[str, ...]:
        return tuple(one for one in services if one not in self._settings.services)


def _gaps(looks: Sequence[tuple[_Look, Coverage]]) -> tuple[str, ...]:
    return tuple(gap for look, _ in looks for gap in look.gaps)


def line_of(
    *, at: datetime, service: str, severity: str, message: str, fields: Mapping[str, object], ref: str
) -> LogLine:
    """One line, cut to what the engine keeps of any."""
    kept = {
        key[:LONGEST_FIELD]: str(value)[:LONGEST_FIELD]
        for key, value in list(fields.items())[:MOST_FIELDS]
        if value is not None
    }
    return LogLine(
        at=at,
        service=service,
        severity=severity[:50],
        message=message[:LONGEST_MESSAGE],
        fields=kept,
        ref=ref[:LONGEST_FIELD],
    )


def hash_of(text: str) -> str:
    """A short mark by which a line is known again."""
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()


def flattened(value: Mapping[str, object], before: str = "") -> dict[str, object]:
    """Nested objects with dots in their keys."""
    out: dict[str, object] = {}
    for key, one in value.items():
        if isinstance(one, dict):
            out |= flattened(one, f"{before}{key}.")
        else:
            out[f"{before}{key}"] = one
    return out
