"""Logs that stay where they are: counted there, read in part, by one plan whatever the system is.

A system's own file says how it counts (`LogStore.counts`), what it knows to be rare (`rare`) and how a slice
is read page by page (`pages`). What to read, deadlines, partial failures and the coverage are decided here.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from pydantic import Field

from steadyhand.adapters.logs.folding import Folding
from steadyhand.journey.evidence.clocks import Arrivals, of_arrivals
from steadyhand.journey.evidence.model import Coverage, Finding, LogLine, LogReport, Window
from steadyhand.journey.evidence.patterns.formats.parsed import LONGEST_FIELD, LONGEST_MESSAGE, MOST_FIELDS
from steadyhand.journey.evidence.patterns.lines import tally_lines
from steadyhand.journey.evidence.patterns.tally import TalliedLogs, Tallies, take_in
from steadyhand.journey.evidence.sampling import Cell, Reading, Slice, plan
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import SourceError, SourceRefused, SourceUnavailable

_AT_ONCE = 4
_CELLS = 180
_BATCH = 5_000
_MOMENT = timedelta(milliseconds=2)
_LONGEST_STAMP = 14
_MILLISECONDS = 1e11  # a unix time beyond it is in milliseconds


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
    """Some lines, the newest first, and what was missing from the answer they came in.

    `streams` tells of each line who wrote it, where a record of many lines comes in as many.
    `received` tells when it was taken in, in unix seconds, where the system says so.
    """

    lines: Sequence[LogLine] = ()
    gaps: tuple[str, ...] = ()
    streams: Sequence[str] = ()
    received: Sequence[float | None] = ()


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

    def finds(self, text: str) -> Finding:
        """How it looks for this text: as it stands, by its whole words, or "" where it cannot."""
        ...

    async def counts(self, service: str, wanted: Slice, width: timedelta) -> Counts:
        """How many of these lines of each level, per `width`."""
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
    wanted: Slice
    here: str
    """What is looked for among the lines that are read; "" where their source has looked already."""
    take: _Take
    ends: float
    refs: set[str] = field(default_factory=set)
    oldest: datetime | None = None
    gaps: dict[str, None] = field(default_factory=dict)
    failures: list[SourceError] = field(default_factory=list)
    unread: int = 0
    arrivals: Arrivals = field(default_factory=Arrivals)

    async def keep(self, batch: Batch, folding: Folding) -> None:
        """Hand on the records of lines that lie in the window and were not read before."""
        self.gaps.update(dict.fromkeys(batch.gaps))
        streams = batch.streams or [""] * len(batch.lines)
        received = batch.received or [None] * len(batch.lines)
        told = zip(batch.lines, streams, received, strict=True)
        fresh = [(line, stream, there) for line, stream, there in told if self._is_new(line)]
        new = [(line, stream) for line, stream, _ in fresh]
        self.refs.update(one.ref for one, _ in new)
        self.arrivals.take(there - line.at.timestamp() for line, _, there in fresh if there is not None)
        self.oldest = min([one.at for one, _ in new] + ([self.oldest] if self.oldest else []), default=None)
        await self.hand_on(folding.fold(new))

    async def hand_on(self, records: Sequence[LogLine]) -> None:
        """Those that hold what is looked for here."""
        held = [one for one in records if one.holds(self.here)]
        if held:
            await self.take(held)

    def _is_new(self, line: LogLine) -> bool:
        return self.wanted.window.start <= line.at < self.wanted.window.end and line.ref not in self.refs

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

    async def read(self, services: Sequence[str], window: Window, text: str = "") -> LogReport:
        """Lines of these services, oldest first: all of them, or a sample with all that is rare.

        A ref as the text finds that line, and of the window only its instant is read.
        Raises SourceError where nothing could be read at all.
        """
        lines: list[LogLine] = []

        async def take(new: Sequence[LogLine]) -> None:
            lines.extend(new)

        looks = await self._look(services, window, take, text)
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
        found = (of_arrivals(look.service, self.name, look.arrivals) for look, _ in looks)
        offsets = tuple(one for one in found if one is not None)
        return TalliedLogs(whole, _gaps(looks), self._unlogged(services), coverage, offsets)

    async def _look(
        self, services: Sequence[str], window: Window, take: _Take, text: str = ""
    ) -> Sequence[tuple[_Look, Coverage]]:
        ends = asyncio.get_running_loop().time() + self._settings.patience.total_seconds()
        known = [one for one in services if one in self._settings.services]
        turns = asyncio.Semaphore(_AT_ONCE)
        is_ref = text.startswith(f"{self.name}:")
        there = text if text and not is_ref and self._store.finds(text) else ""
        wanted = Slice(_instant_of(text, window) if is_ref else window, self._settings.most_lines, text=there)
        looks = [_Look(one, wanted, "" if there else text, take, ends) for one in known]
        covered = await asyncio.gather(*(self._one(one, turns) for one in looks))
        failures = [error for one in looks for error in one.failures]
        if failures and not any(one.refs for one in looks) and len(failures) >= len(looks):
            raise failures[0]
        return list(zip(looks, covered, strict=True))

    async def _one(self, look: _Look, turns: asyncio.Semaphore) -> Coverage:
        async with turns:
            counts = await self._counted(look)
        reading = self._planned(counts, look.wanted) if counts else Reading()
        async with turns:
            rare = await self._rare(look) if reading.shares and not look.wanted.text else ()
        cut = await asyncio.gather(*(self._slice(look, one, turns) for one in (*rare, *reading.slices)))
        if look.unread:
            total = len(rare) + len(reading.slices)
            look.gaps[f"{look.service}: {look.unread} of {total} parts were not read in time"] = None
        start = look.wanted.window.start
        if any(cut) and not reading.shares and look.oldest:
            start = look.oldest  # more was there than may be read: the newest were
        return Coverage(
            source=self.name,
            service=look.service,
            matched=sum(one.count for one in counts.cells) if counts and counts.known else None,
            read=len(look.refs),
            sampled=reading.sampled,
            window=Window(start=start, end=look.wanted.window.end),
            found_by=self._store.finds(look.wanted.text) if look.wanted.text else "",
        )

    def _planned(self, counts: Counts, wanted: Slice) -> Reading:
        if not counts.known:
            return Reading((wanted,))
        reading = plan(counts.cells, wanted.window, wanted.most, evenly=self._store.evenly)
        return replace(reading, slices=tuple(replace(one, text=wanted.text) for one in reading.slices))

    async def _counted(self, look: _Look) -> Counts | None:
        width = max(timedelta(seconds=1), look.wanted.window.length / _CELLS)
        width = timedelta(seconds=round(width.total_seconds()))
        try:
            async with asyncio.timeout_at(look.ends):
                counts = await self._store.counts(look.service, look.wanted, width)
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
                return await self._store.rare(look.service, look.wanted.window)
        except (SourceError, TimeoutError) as error:
            why = error.why if isinstance(error, SourceError) else "no answer in time"
            look.gaps[f"{look.service}: rare messages could not be asked for ({why})"] = None
            return ()

    async def _slice(self, look: _Look, wanted: Slice, turns: asyncio.Semaphore) -> bool:
        """Read it; says whether as many came as may, so that more may be there."""
        read, folding = 0, Folding()
        async with turns:
            try:
                async with (
                    asyncio.timeout_at(look.ends),
                    aclosing(self._store.pages(look.service, wanted)) as pages,
                ):
                    async for batch in pages:
                        read += len(batch.lines)
                        await look.keep(batch, folding)
            except TimeoutError:
                look.unread += 1
            except SourceError as error:
                look.failed(error)
        await look.hand_on(folding.rest())
        return read >= wanted.most

    def _unlogged(self, services: Sequence[str]) -> tuple[str, ...]:
        return tuple(one for one in services if one not in self._settings.services)


def _gaps(looks: Sequence[tuple[_Look, Coverage]]) -> tuple[str, ...]:
    return tuple(gap for look, _ in looks for gap in look.gaps)


def line_of(
    *, at: datetime, service: str, severity: str, message: str, fields: Mapping[str, object], ref: str
) -> LogLine:
    """One line, cut to what the engine keeps of any. Its ref ends with its instant: so it is found again."""
    stamp = f"@{at.timestamp() * 1000:.0f}"
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
        ref=f"{ref[: LONGEST_FIELD - len(stamp)]}{stamp}",
    )


def _instant_of(ref: str, window: Window) -> Window:
    """The few milliseconds of the window in which the line of this ref lies."""
    stamp = ref.rpartition("@")[2]
    if not stamp.isdigit() or len(stamp) > _LONGEST_STAMP:
        return window
    at = datetime.fromtimestamp(int(stamp) / 1000, UTC)
    start, end = max(window.start, at - _MOMENT), min(window.end, at + _MOMENT)
    return Window(start=start, end=end) if start < end else window


def instant_of(value: object) -> float | None:
    """When a system says that it took a line in: ISO 8601, or unix time in seconds or milliseconds."""
    text = str(value or "")
    try:
        number = float(text)
    except ValueError:
        return _iso(text)
    return number / 1000 if number > _MILLISECONDS else number


def _iso(text: str) -> float | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


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
