"""One record of a log file, whatever its format: read by the engine's formats, told as plain values."""

from dataclasses import dataclass

from steadyhand.journey.evidence.patterns.formats.parsed import Parsed
from steadyhand.journey.evidence.patterns.formats.reader import Reader
from steadyhand.journey.evidence.patterns.formats.stamps import NO_TIME, Clock, Moment, moment


@dataclass(slots=True)
class Record:
    """One record before it has a service and a place."""

    moment: Moment
    severity: str
    message: str
    fields: dict[str, str]


def parse(line: str, reader: Reader, clock: Clock, before: Moment | None = None) -> Record | None:
    """The record this line begins, None when it begins none (a stack trace's line, noise).

    One whose time cannot be read takes that of the record `before` it, where there is one.
    """
    found: Parsed | None = reader.parse(line)
    if found is None:
        return None
    at = moment(found.stamp, clock)
    if at is None and before is not None:
        at = Moment(before.at, NO_TIME)
    return None if at is None else Record(at, found.severity, found.message, found.fields)
