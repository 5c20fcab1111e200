"""A service's log files, and which bytes of them a window holds."""

import glob
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from steadyhand.adapters.logs.packed import PACKED, unpack
from steadyhand.adapters.logs.timed_file import TimedFile
from steadyhand.journey.evidence.clocks import told
from steadyhand.journey.evidence.model import ClockOffset, Window
from steadyhand.journey.evidence.patterns.formats.structured import FieldNames

_MUCH_S = 60.0  # a request of that length, stamped as it began, is written so late; more is a clock or a zone
_AHEAD_S = 2.0
_HALF_HOUR_S = 1_800
_ZONE_SLACK_S = 60.0
_DAY_S = 86_400.0  # more is no clock that is off, but a file of another time
_JUST_NOW_S = 5.0


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes [start, end) of a file. `cut` tells that the first line may be no whole one."""

    file: TimedFile
    start: int
    end: int
    cut: bool


@dataclass(slots=True)
class Reading:
    """One service being read: how many bytes are left to read, and what could not be."""

    service: str
    patterns: Sequence[str]
    names: FieldNames
    zone: tzinfo
    left: int
    room: Path
    most_unpacked: int
    written_at: datetime | None = None
    gaps: list[str] = field(default_factory=list)
    files: int = 0
    offset: ClockOffset | None = None

    def spans(self, window: Window) -> Iterator[Span]:
        """The parts of this service's files that may hold lines of the window, newest file first.

        Raises OSError while a file is read.
        """
        with ExitStack() as stack:
            files = sorted(self._open(stack, window), key=lambda one: one.written_at, reverse=True)
            self.offset = next((self._off(one, window) for one in files), None)
            for file in files:
                self.files += 1
                if file.written_at >= window.start.timestamp() and (span := self._span(file, window)):
                    yield span
        if not self.files and not self.gaps:
            self.gaps.append(f"{self.service}: no file matches {', '.join(self.patterns)}")

    def _off(self, file: TimedFile, window: Window) -> ClockOffset | None:
        """How far the last line's stamp is from when it was written: ahead, or by a zone that was assumed."""
        last = file.last()
        if last is None:
            return None
        off = last.at.timestamp() - file.written_at
        live = window.start.timestamp() <= file.written_at <= window.end.timestamp() + _JUST_NOW_S
        zones = round(off / _HALF_HOUR_S)
        is_zone = last.assumed and live and zones and abs(off - zones * _HALF_HOUR_S) < _ZONE_SLACK_S
        if abs(off) > _DAY_S or (off < _AHEAD_S and not is_zone):
            return None
        what = f"the last line of {file.path} is {told(off)} when it was written"
        text = f"{what}; is the zone of its stamps right?" if is_zone else what
        return ClockOffset(entity=self.service, lo_s=off, hi_s=off, text=text)

    def _open(self, stack: ExitStack, window: Window) -> list[TimedFile]:
        found: dict[tuple[int, int], TimedFile] = {}
        # patterns may be absolute, which Path.glob refuses
        for path in (path for one in self.patterns for path in glob.glob(one, recursive=True)):  # noqa: PTH207
            try:
                about = Path(path).stat()
                if (about.st_dev, about.st_ino) not in found and not self._is_older(path, about, window):
                    found[about.st_dev, about.st_ino] = self._timed(path, stack)
            except OSError as error:
                self.gaps.append(f"{self.service}: {path}: {error.strerror}")
        return list(found.values())

    def _is_older(self, path: str, about: os.stat_result, window: Window) -> bool:
        """Whether it is a packed file that need not be unpacked: all of it is older than the window."""
        older = path.endswith(PACKED) and about.st_mtime < window.start.timestamp()
        self.files += older
        return older

    def _timed(self, path: str, stack: ExitStack) -> TimedFile:
        real = unpack(Path(path), self.room, self.most_unpacked) if path.endswith(PACKED) else Path(path)
        return TimedFile(path, stack.enter_context(real.open("rb")), self.names, self.zone, self.written_at)

    def _span(self, file: TimedFile, window: Window) -> Span | None:
        found = file.stretch(window.start.timestamp(), window.end.timestamp(), self.left)
        start, end = found.start, found.end
        if start == end == file.size and file.size and not file.format:
            self.gaps.append(f"{self.service}: {file.path}: no line begins with a time, so none was read")
        skipped = file.size - (end - start)
        if found.back_s > _MUCH_S and skipped:
            self.gaps.append(
                f"{self.service}: {file.path}: its stamps jump back by up to {_span_of(found.back_s)}; "
                f"{skipped:,} bytes that seem to lie outside the window were not read"
            )
        first = max(start, end - self.left)
        self.left -= end - first
        if first > start:
            self.gaps.append(
                f"{self.service}: {file.path}: the window holds {end - start:,} bytes, "
                f"only its last {end - first:,} were read"
            )
        return Span(file, first, end, cut=first > start)

    def note_ahead(self, file: TimedFile, stamps: Sequence[float]) -> None:
        """Tell of lines stamped after the file was last written: their clock or zone is wrong."""
        ahead = [one - file.written_at for one in stamps if one > file.written_at + _MUCH_S]
        if ahead:
            lines = f"{len(ahead):,} line{'s' * (len(ahead) > 1)}"
            self.gaps.append(
                f"{self.service}: {file.path}: {lines} stamped up to {_span_of(max(ahead))} after the file"
                " was last written (a wrong clock or zone) count at their stamps"
            )


def _span_of(seconds: float) -> timedelta:
    return timedelta(seconds=round(seconds))
