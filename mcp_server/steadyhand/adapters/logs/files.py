"""Logs from files on this machine, in any known format, found by glob, read from the window's place."""

import asyncio
import heapq
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from steadyhand.adapters.logs.spans import Reading, Span
from steadyhand.adapters.logs.worker import Part, tally_apart, tally_parts
from steadyhand.journey.evidence.model import Coverage, LogLine, LogReport, Window
from steadyhand.journey.evidence.patterns.formats.stamps import assumption
from steadyhand.journey.evidence.patterns.formats.structured import FieldNames
from steadyhand.journey.evidence.patterns.tally import TalliedLogs, Tallies, total
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import SourceRefused, SourceUnavailable

_USUAL = FieldNames()
_MB = 1024 * 1024
_BLOCK = 6 * _MB  # tallied at a time, whoever does it: so the result does not depend on how many do
_APART = 4 * _BLOCK  # less than this is not worth a process


class FileLogSettings(Rule):
    """Which files belong to which service, and how their lines are written."""

    kind: Literal["files"] = "files"
    name: str = "files"
    files: dict[str, tuple[str, ...]] = Field(
        min_length=1, description="Service -> globs of its log files; rotated ones may match too."
    )
    time_fields: tuple[str, ...] = tuple(_USUAL.time)
    severity_fields: tuple[str, ...] = tuple(_USUAL.severity)
    message_fields: tuple[str, ...] = tuple(_USUAL.message)
    zone: str = Field(
        default="UTC", description="Zone of stamps that name none, e.g. Europe/Berlin; the page says so."
    )
    most_bytes: int = Field(
        default=32 * _MB, gt=0, description="Show lines of at most this much of one service, newest first."
    )
    most_tallied_bytes: int = Field(
        default=512 * _MB,
        gt=0,
        description="Count messages in at most this much of one service; a packed file may hold no more.",
    )
    tally_time: Duration = Field(
        default=timedelta(seconds=8),
        description="Stop counting after this time; the page tells what was left.",
    )
    workers: int = Field(default=2, ge=1, le=8, description="Processes that count where there is much.")

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ValueError, OSError, KeyError) as error:
            raise ValueError(
                f"{zone!r} is no time zone known here; write e.g. UTC or Europe/Berlin"
            ) from error
        return zone


class FileLogs:
    """A LogSource and a LogCounter over local files.

    Lines without a time of their own belong to the record before them.
    """

    def __init__(self, settings: FileLogSettings, written_at: datetime | None = None) -> None:
        """`written_at`: when the files were last written, where copying them has changed what they say."""
        self.name = settings.name
        self._written_at = written_at
        self._settings = settings
        self._names = FieldNames(settings.time_fields, settings.severity_fields, settings.message_fields)
        self._zone = ZoneInfo(settings.zone)

    async def read(self, services: Sequence[str], window: Window, text: str = "") -> LogReport:
        """All lines of these services in the window that hold the text, and what of it was not read.

        Raises SourceRefused when no file of any of them can be read, SourceUnavailable on a disk error.
        """
        return await asyncio.to_thread(self._read, services, window, text)

    async def tally(self, services: Sequence[str], window: Window, most: int) -> TalliedLogs:
        """The kinds of messages of these services in the window, counted; beyond `most` kinds unclustered.

        Raises as `read` does.
        """
        return await asyncio.to_thread(self._tally, services, window, most)

    def _read(self, services: Sequence[str], window: Window, text: str) -> LogReport:
        with TemporaryDirectory(prefix="steadyhand-logs-") as room:
            return self._read_in(Path(room), services, window, text)

    def _read_in(self, room: Path, services: Sequence[str], window: Window, text: str) -> LogReport:
        readings = self._readings(services, self._settings.most_bytes, room)
        assumed: set[str] = set()
        read = [sorted(self._lines(one, window, assumed), key=lambda line: line.at) for one in readings]
        found = [[line for line in lines if line.holds(text)] for lines in read]
        self._refuse_if_none(readings)
        return LogReport(
            lines=tuple(heapq.merge(*found, key=lambda line: line.at)),
            gaps=tuple(gap for one in readings for gap in one.gaps),
            unlogged=self._unlogged(services),
            assumptions=tuple(sorted(assumed)),
            coverage=tuple(map(self._looked_through, readings, read, repeat(window))) if text else (),
        )

    def _looked_through(self, reading: Reading, lines: Sequence[LogLine], window: Window) -> Coverage:
        """How many lines a text was looked for in; nobody knows how many a part that was not read has."""
        count = len(lines)
        held = None if reading.gaps else count
        return Coverage(source=self.name, service=reading.service, matched=held, read=count, window=window)

    def _lines(self, reading: Reading, window: Window, assumed: set[str]) -> list[LogLine]:
        try:
            return [
                line
                for span in reading.spans(window)
                for line in self._lines_of(span, reading, assumed)
                if window.start <= line.at < window.end
            ]
        except OSError as error:
            raise SourceUnavailable(self.name, f"{reading.service}: {error.strerror}") from error

    def _lines_of(self, span: Span, reading: Reading, assumed: set[str]) -> list[LogLine]:
        found = []
        service, file = reading.service, span.file
        for offset, one in file.records(span.start, span.end, mid_line=span.cut):
            if one.moment.assumed:
                assumed.add(assumption(one.moment.assumed, service, file.clock))
            line = LogLine(
                at=one.moment.at,
                service=service,
                severity=one.severity,
                message=one.message,
                fields=one.fields,
                ref=f"{file.path}:{offset}",
            )
            found.append(line)
        reading.note_ahead(file, [line.at.timestamp() for line in found])
        return found

    def _tally(self, services: Sequence[str], window: Window, most: int) -> TalliedLogs:
        with TemporaryDirectory(prefix="steadyhand-logs-") as room:
            return self._tally_in(Path(room), services, window, most)

    def _tally_in(self, room: Path, services: Sequence[str], window: Window, most: int) -> TalliedLogs:
        readings = self._readings(services, self._settings.most_tallied_bytes, room)
        parts: list[Part] = []
        for reading in readings:
            parts.extend(self._parts(reading, window, len(parts), most))
        self._refuse_if_none(readings)
        tallies, left = self._counted(parts, most)
        gaps = [gap for one in readings for gap in one.gaps]
        if left:
            size = sum(one.end - one.start for one in left)
            gaps.append(f"{self.name}: {size:,} bytes of {left[0].service} were not counted in time")
        offsets = tuple(one.offset for one in readings if one.offset)
        return TalliedLogs(tallies, tuple(gaps), self._unlogged(services), offsets=offsets)

    def _parts(self, reading: Reading, window: Window, first: int, most: int) -> list[Part]:
        span_s = window.start.timestamp(), window.end.timestamp()
        parts: list[Part] = []
        try:
            for span in reading.spans(window):
                for start, end in span.file.blocks(span.start, span.end, _BLOCK):
                    number = first + len(parts)
                    parts.append(span.file.part(number, start, end, reading.service, span_s, most))
        except OSError as error:
            raise SourceUnavailable(self.name, f"{reading.service}: {error.strerror}") from error
        return parts

    def _counted(self, parts: Sequence[Part], most: int) -> tuple[Tallies, list[Part]]:
        """All parts counted, newest first while time lasts, then put together in one order."""
        seconds = self._settings.tally_time.total_seconds()
        if sum(one.end - one.start for one in parts) < _APART:
            done = tally_parts(parts[::-1], seconds)
        else:
            done = tally_apart(parts[::-1], seconds, self._settings.workers)
        whole = total((done[one.number] for one in parts if one.number in done), most)
        return whole, [one for one in parts if one.number not in done]

    def _readings(self, services: Sequence[str], most_bytes: int, room: Path) -> list[Reading]:
        files = self._settings.files
        return [
            Reading(
                one,
                files[one],
                self._names,
                self._zone,
                left=most_bytes,
                room=room,
                most_unpacked=self._settings.most_tallied_bytes,
                written_at=self._written_at,
            )
            for one in services
            if one in files
        ]

    def _refuse_if_none(self, readings: Sequence[Reading]) -> None:
        if readings and not any(one.files for one in readings):
            raise SourceRefused(self.name, "; ".join(gap for one in readings for gap in one.gaps))

    def _unlogged(self, services: Sequence[str]) -> tuple[str, ...]:
        return tuple(one for one in services if one not in self._settings.files)
