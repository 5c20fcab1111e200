"""Stack traces of stores that keep each line by itself, put together again in the order of their writer."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

from steadyhand.journey.evidence.model import LogLine
from steadyhand.journey.evidence.patterns.formats.parsed import LONGEST_MESSAGE

_TOGETHER = timedelta(seconds=1)  # each line has the instant at which it was collected
_MOST_LINES = 200
_GOES_ON = re.compile(
    r"\s+\S|Caused by: |Suppressed: |Traceback \(most recent call last\)|goroutine \d+ \["
    r"|During handling of the above exception|The above exception was the direct cause"
)
_WITHIN = re.compile(  # only after another line of a trace: its end in Python, a frame in Go
    r"\s*$|(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Warning|Exit|Interrupt)\b(?::\s.*)?$"
    r"|[\w./*()-]+\.[\w.*()]+\(.*\)$|created by \S+"
)


class Folding:
    """Takes pages of one slice, the newest line first; a trace cut by a page waits for its first line."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[LogLine]] = {}

    def fold(self, lines: Iterable[tuple[LogLine, str]]) -> list[LogLine]:
        """The records of a page. Lines without a stream stay as they are."""
        streams: dict[str, list[LogLine]] = defaultdict(list)
        for line, stream in lines:
            streams[stream].append(line)
        out = streams.pop("", [])
        for stream, newest_first in streams.items():
            ordered = newest_first[::-1]
            ordered.sort(key=lambda one: one.at)  # lines of one instant stay in their order
            records = _records([*ordered, *self._waiting.pop(stream, [])])
            if _may_go_on(records[0][0].message):
                self._waiting[stream] = records.pop(0)
            out += map(_joined, records)
        return out

    def rest(self) -> list[LogLine]:
        """What waited for a first line that never came."""
        waiting, self._waiting = self._waiting, {}
        return [_joined(one) for one in waiting.values()]


def _records(lines: Sequence[LogLine]) -> list[list[LogLine]]:
    """The lines of one stream, oldest first, by record."""
    records = [[lines[0]]]
    for line in lines[1:]:
        current = records[-1]
        near = line.at - current[-1].at <= _TOGETHER and len(current) < _MOST_LINES
        if near and _belongs(line.message, current):
            current.append(line)
        else:
            records.append([line])
    return records


def _belongs(message: str, current: Sequence[LogLine]) -> bool:
    inside = len(current) > 1 or _goes_on(current[0].message)
    return _goes_on(message) or (inside and _WITHIN.match(message) is not None)


def _goes_on(message: str) -> bool:
    return _GOES_ON.match(message) is not None


def _may_go_on(message: str) -> bool:
    return _goes_on(message) or _WITHIN.match(message) is not None


def _joined(record: Sequence[LogLine]) -> LogLine:
    if len(record) == 1:
        return record[0]
    head = record[0]
    message = "\n".join(one.message for one in record)[:LONGEST_MESSAGE]
    severity = next((one.severity for one in record if one.severity), "")
    return head.model_copy(update={"message": message, "severity": head.severity or severity})
