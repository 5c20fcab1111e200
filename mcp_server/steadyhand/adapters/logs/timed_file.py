"""A log file searched by time, and its records read."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from itertools import islice, pairwise
from typing import BinaryIO

from steadyhand.adapters.logs.records import Record, parse
from steadyhand.adapters.logs.stretch import APART, Probe, Stretch, stretch_of
from steadyhand.adapters.logs.worker import Part
from steadyhand.journey.evidence.patterns.formats.envelope import whole
from steadyhand.journey.evidence.patterns.formats.parsed import LONGEST_MESSAGE
from steadyhand.journey.evidence.patterns.formats.reader import SAMPLE, detected
from steadyhand.journey.evidence.patterns.formats.stamps import Clock, Moment
from steadyhand.journey.evidence.patterns.formats.structured import FieldNames

_TAIL = 64 * 1024
_FAR = 4 * APART
_RECORDS = 8
_LONGEST_LINE = 256 * 1024


class TimedFile:
    """An open log file. A line that is still being written is left for the next look.

    Its format is recognised by its first lines; `format` tells it to people.
    """

    def __init__(
        self, path: str, file: BinaryIO, names: FieldNames, zone: tzinfo, written_at: datetime | None = None
    ) -> None:
        """`written_at`: when it was last written, where it is a copy that does not say so itself."""
        self.path = path
        self._file = file
        self.size = os.fstat(file.fileno()).st_size
        self.written_at = written_at.timestamp() if written_at else os.fstat(file.fileno()).st_mtime
        self.clock = Clock(zone, datetime.fromtimestamp(self.written_at, UTC))
        first = [line for _, line in islice(self._lines(0, self.size, mid_line=False), SAMPLE)]
        self.reader, self.format = detected(first, names)

    def stretch(self, first: float, last: float, room: int) -> Stretch:
        """Where its records stamped from `first` to `last` (unix seconds) are; see `stretch_of`."""
        return stretch_of(self._probe, self.size, first, last, room)

    def last(self) -> Moment | None:
        """The time of the last whole record; None where the end of the file holds none."""
        start = max(0, self.size - _TAIL)
        found = (one.moment for _, one in self._parsed(start, self.size, mid_line=start > 0) if one)
        return max(found, key=lambda one: one.at, default=None)

    def records(self, start: int, end: int, *, mid_line: bool) -> Iterator[tuple[int, Record]]:
        """Records that begin in [start, end), with their offsets; `mid_line`: the first line is no whole one.

        A line that begins no record continues the one before it.
        """
        current: tuple[int, Record] | None = None
        for offset, line in whole(self._lines(start, end, mid_line=mid_line)):
            record = parse(line, self.reader, self.clock, None if current is None else current[1].moment)
            if record is not None:
                if current is not None:
                    yield current
                current = (offset, record)
            elif current is not None:
                current[1].message = f"{current[1].message}\n{self.reader.text(line)}"[:LONGEST_MESSAGE]
        if current is not None:
            yield current

    def blocks(self, start: int, end: int, size: int) -> list[tuple[int, int]]:
        """[start, end) in equal parts of about `size` bytes, each of whole records.

        Equal, as a small rest would show too few lines of each kind to tell their values from their words.
        """
        count = max(1, round((end - start) / size))
        cuts = [start]
        for number in range(1, count):
            cuts.append(self._record_from(max(cuts[-1], start + number * (end - start) // count), end))
        return [(one, after) for one, after in pairwise([*cuts, end]) if one < after]

    def part(
        self, number: int, start: int, end: int, service: str, window: tuple[float, float], most: int
    ) -> Part:
        """A part of this file to be tallied."""
        about = os.fstat(self._file.fileno())
        inode = about.st_dev, about.st_ino
        return Part(
            number,
            self._file.name,
            self.path,
            inode,
            start,
            end,
            service,
            self.reader,
            self.clock,
            window,
            most,
        )

    def _record_from(self, offset: int, end: int) -> int:
        """Where the first record after this place begins."""
        for at, record in self._parsed(offset, end, mid_line=True):
            if record is not None:
                return at
        return end

    def _probe(self, place: int) -> Probe | None:
        """The first records from this place on, None where there is none near it."""
        begins, stamps = place, list[float]()
        for offset, record in self._parsed(place, min(self.size, place + _FAR), mid_line=place > 0):
            if stamps and (offset >= place + APART or len(stamps) == _RECORDS):
                break
            if record is not None:
                begins = begins if stamps else offset
                stamps.append(record.moment.at.timestamp())
        return Probe(begins, stamps) if stamps else None

    def _parsed(self, start: int, end: int, *, mid_line: bool) -> Iterator[tuple[int, Record | None]]:
        for offset, line in self._lines(start, end, mid_line=mid_line):
            yield offset, parse(line, self.reader, self.clock)

    def _lines(self, start: int, end: int, *, mid_line: bool) -> Iterator[tuple[int, str]]:
        self._file.seek(start)
        whole = not mid_line
        offset = start
        while offset < end and (raw := self._file.readline(_LONGEST_LINE)):
            complete = raw.endswith(b"\n")
            if whole and (complete or len(raw) == _LONGEST_LINE or _is_json(raw)):
                yield offset, raw.decode(errors="replace").rstrip("\r\n")
            whole = complete
            offset += len(raw)


def _is_json(raw: bytes) -> bool:
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return True
