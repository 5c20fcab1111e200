"""One line of a log file as a record: JSON when it is JSON, else text that begins with a time."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

LONGEST_MESSAGE = 4000
_LONGEST_FIELD = 500
_MOST_FIELDS = 40
_STAMP = re.compile(
    r"\W{0,2}(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?)"
    r" ?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)?\b\W*"
)
_WORD = re.compile(
    r"\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|PANIC|LOG)\b", re.IGNORECASE
)
_EPOCH_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))  # larger than this: nano, micro, milliseconds


@dataclass(frozen=True, slots=True)
class FieldNames:
    """Under which names a JSON line writes what every record has; the first that is there counts."""

    time: Sequence[str]
    severity: Sequence[str]
    message: Sequence[str]


@dataclass(slots=True)
class Record:
    """One record before it has a service and a place."""

    at: datetime
    severity: str
    message: str
    fields: dict[str, str]


def parse(line: str, names: FieldNames) -> Record | None:
    """The record this line begins, None when it begins none (a stack trace's line, noise)."""
    if line.startswith("{"):
        try:
            decoded = json.loads(line)
        except (ValueError, RecursionError):
            return None
        return _from_json(decoded, names) if isinstance(decoded, dict) else None
    return _from_text(line)


def instant(given: object) -> datetime | None:
    """ISO 8601 text, or epoch seconds, milli-, micro- or nanoseconds, in UTC; None when it is neither.

    Text without a zone is taken as UTC.
    """
    if isinstance(given, str):
        return _from_iso(given) or _from_digits(given)
    if isinstance(given, int | float) and not isinstance(given, bool):
        return _from_epoch(given)
    return None


def _from_json(decoded: Mapping[str, object], names: FieldNames) -> Record | None:
    at = next((when for name in names.time if (when := instant(decoded.get(name))) is not None), None)
    if at is None:
        return None
    used = {*names.time, *names.severity, *names.message}
    rest = {
        _text(name): _text(value) for name, value in decoded.items() if name not in used and value is not None
    }
    return Record(
        at=at,
        severity=_first(decoded, names.severity)[:50],
        message=_first(decoded, names.message)[:LONGEST_MESSAGE],
        fields={_text(name): _text(value) for name, value in list(rest.items())[:_MOST_FIELDS]},
    )


def _from_text(line: str) -> Record | None:
    stamp = _STAMP.match(line)
    at = _from_iso(stamp["time"].replace(",", ".") + _zone(stamp["zone"])) if stamp else None
    if stamp is None or at is None:
        return None
    rest = line[stamp.end() :]
    word = _WORD.search(rest[:120])
    return Record(at, word[1].upper() if word else "", rest.strip()[:LONGEST_MESSAGE], {})


def _zone(written: str | None) -> str:
    return "" if written in {None, "UTC", "GMT"} else str(written)


def _from_iso(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _from_digits(text: str) -> datetime | None:
    try:
        return _from_epoch(float(text))
    except ValueError:
        return None


def _from_epoch(number: float) -> datetime | None:
    if not math.isfinite(number) or number <= 0:
        return None
    divisor = next((unit for limit, unit in _EPOCH_UNITS if number > limit), 1.0)
    try:
        return datetime.fromtimestamp(number / divisor, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _first(decoded: Mapping[str, object], names: Sequence[str]) -> str:
    return next(
        (_text(decoded[name], LONGEST_MESSAGE) for name in names if decoded.get(name) is not None), ""
    )


def _text(value: object, longest: int = _LONGEST_FIELD) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:longest].encode(errors="replace").decode()  # half a character pair cannot be stored
