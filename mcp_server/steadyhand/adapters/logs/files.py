"""Logs from files on this machine: JSON lines or plain text, found by glob, read from the window's place."""

import asyncio
import glob
import heapq
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field

from steadyhand.adapters.logs.records import FieldNames
from steadyhand.adapters.logs.timed_file import TimedFile
from steadyhand.journey.evidence.model import LogLine, LogReport, Window
from steadyhand.journey.rule import Rule
from steadyhand.ports import SourceRefused, SourceUnavailable

_DISORDER = timedelta(seconds=5)  # threads and buffers write lines late by less than this
_PACKED = (".gz", ".zst", ".bz2", ".xz")


class FileLogSettings(Rule):
    """Which files belong to which service, and how their lines are written."""

    kind: Literal["files"] = "files"
    name: str = "files"
    files: dict[str, tuple[str, ...]] = Field(
        min_length=1, description="Service -> globs of its log files; rotated ones may match too."
    )
    time_fields: tuple[str, ...] = ("ts", "timestamp", "time", "@timestamp")
    severity_fields: tuple[str, ...] = ("level", "severity", "error_severity")
    message_fields: tuple[str, ...] = ("msg", "message", "event")
    most_bytes: int = Field(
        default=32 * 1024 * 1024, gt=0, description="Read at most this much of one service, newest first."
    )


class FileLogs:
    """A LogSource over local files. Lines without a time of their own belong to the record before them."""

    def __init__(self, settings: FileLogSettings) -> None:
        self.name = settings.name
        self._settings = settings
        self._names = FieldNames(settings.time_fields, settings.severity_fields, settings.message_fields)

    async def read(self, services: Sequence[str], window: Window) -> LogReport:
        """All lines of these services in the window, oldest first, and what of it was not read.

        Raises SourceRefused when no file of any of them can be read, SourceUnavailable on a disk error.
        """
        return await asyncio.to_thread(self._read, services, window)

    def _read(self, services: Sequence[str], window: Window) -> LogReport:
        reads = [self._read_service(one, window) for one in services if one in self._settings.files]
        gaps = tuple(gap for one in reads for gap in one.gaps)
        if reads and not any(one.files_read for one in reads):
            raise SourceRefused(self.name, "; ".join(gaps))
        lines = tuple(heapq.merge(*(one.lines for one in reads), key=lambda line: line.at))
        unlogged = tuple(one for one in services if one not in self._settings.files)
        return LogReport(lines=lines, gaps=gaps, unlogged=unlogged)

    def _read_service(self, service: str, window: Window) -> "_Reading":
        reading = _Reading(service, left=self._settings.most_bytes)
        with ExitStack() as stack:
            files = self._open(service, reading, stack)
            for file in sorted(files, key=lambda one: one.written_at, reverse=True):
                reading.files_read += 1
                if file.written_at >= window.start.timestamp():
                    self._read_file(file, window, reading)
        if not files and not reading.gaps:
            reading.gaps.append(f"{service}: no file matches {', '.join(self._settings.files[service])}")
        reading.lines.sort(key=lambda line: line.at)
        return reading

    def _open(self, service: str, reading: "_Reading", stack: ExitStack) -> list[TimedFile]:
        found: dict[tuple[int, int], TimedFile] = {}
        patterns = self._settings.files[service]
        # patterns may be absolute, which Path.glob refuses
        for path in (path for one in patterns for path in glob.glob(one, recursive=True)):  # noqa: PTH207
            try:
                file = stack.enter_context(Path(path).open("rb"))  # noqa: SIM115 -- the stack closes it
            except OSError as error:
                reading.gaps.append(f"{service}: {path}: {error.strerror}")
                continue
            about = os.fstat(file.fileno())
            found.setdefault((about.st_dev, about.st_ino), TimedFile(path, file, self._names))
        return list(found.values())

    def _read_file(self, file: TimedFile, window: Window, reading: "_Reading") -> None:
        if file.path.endswith(_PACKED):
            reading.gaps.append(f"{reading.service}: {file.path} is compressed and was not read")
            return
        try:
            start, end = file.find(window.start - _DISORDER), file.find(window.end + _DISORDER)
            first = max(start, end - reading.left)
            for offset, one in file.records(first, end, mid_line=first > start):
                if window.start <= one.at < window.end:
                    line = LogLine(
                        at=one.at,
                        service=reading.service,
                        severity=one.severity,
                        message=one.message,
                        fields=one.fields,
                        ref=f"{file.path}:{offset}",
                    )
                    reading.lines.append(line)
        except OSError as error:
            raise SourceUnavailable(self.name, f"{file.path}: {error.strerror}") from error
        reading.left -= end - first
        if first > start:
            reading.gaps.append(
                f"{reading.service}: {file.path}: the window holds {end - start:,} bytes, "
                f"only its last {end - first:,} were read"
            )


@dataclass(slots=True)
class _Reading:
    service: str
    left: int
    lines: list[LogLine] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    files_read: int = 0
