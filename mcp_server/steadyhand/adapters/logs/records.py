"""One record of a log file, whatever its format: read by the engine's formats, told as plain values."""

from dataclasses import dataclass

from steadyhand.journey.evidence.patterns.formats.parsed import Parsed
from steadyhand.journey.evidence.patterns.formats.reader import Reader
from steadyhand.journey.evidence.patterns.formats.stamps import Clock, Moment, moment


@dataclass(slots=True)
class Record:
    """One record before it has a service and a place."""

    moment: Moment
    severity: str
    message: str
    fields: dict[str, str]


def parse(line: str, reader: Reader, clock: Clock) -> Record | None:
    """The record this line begins, None when it begins none (a stack trace's line, noise)."""
    found: Parsed | None = reader.parse(line)
    at = None if found is None else moment(found.stamp, clock)
    if found is None or at is None:
        return None
    return Record(at, found.severity, found.message, found.fields)
