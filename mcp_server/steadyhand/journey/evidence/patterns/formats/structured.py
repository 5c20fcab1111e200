"""Formats that name every value: JSON lines and logfmt."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steadyhand.journey.evidence.patterns.formats.parsed import (
    LONGEST_FIELD,
    LONGEST_MESSAGE,
    MOST_FIELDS,
    Parsed,
)

_PAIR = re.compile(r"""([A-Za-z_][\w.@-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?:\s|$)""")
_FEWEST_PAIRS = 3
# as bunyan and pino write them
_NUMBERED = {
    "10": "TRACE",
    "20": "DEBUG",
    "30": "INFO",
    "40": "WARN",
    "50": "ERROR",
    "60": "FATAL",
}


@dataclass(frozen=True, slots=True)
class FieldNames:
    """Under which names a structured line writes what every record has; the first that is there counts."""

    time: Sequence[str] = ("ts", "timestamp", "time", "@timestamp")
    severity: Sequence[str] = ("level", "severity", "error_severity", "lvl")
    message: Sequence[str] = ("msg", "message", "event")


def json_line(line: str, names: FieldNames) -> Parsed | None:
    """A line that is a JSON object with a time."""
    if not line.startswith("{"):
        return None
    try:
        decoded = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return _record(decoded, names) if isinstance(decoded, dict) else None


def logfmt_line(line: str, names: FieldNames) -> Parsed | None:
    """A line of key=value pairs, a time among them."""
    pairs = _PAIR.findall(line)
    if len(pairs) < _FEWEST_PAIRS or not line.startswith(f"{pairs[0][0]}="):
        return None
    return _record({key: _unquoted(value) for key, value in pairs}, names)


def _unquoted(value: str) -> str:
    return value[1:-1].replace('\\"', '"').replace("\\n", "\n") if value.startswith('"') else value


def _record(decoded: Mapping[str, object], names: FieldNames) -> Parsed | None:
    stamp = next((value for name in names.time if _may_be_time(value := decoded.get(name))), None)
    if not isinstance(stamp, str | int | float):
        return None
    severity = _first(decoded, names.severity)[:50]
    used = {*names.time, *names.severity, *names.message}
    rest = [
        (_text(name), _text(value))
        for name, value in decoded.items()
        if name not in used and value is not None
    ]
    return Parsed(
        stamp=stamp,
        message=_first(decoded, names.message)[:LONGEST_MESSAGE],
        severity=_NUMBERED.get(severity, severity),
        fields=dict(rest[:MOST_FIELDS]),
    )


def _may_be_time(value: object) -> bool:
    """Whether it is worth reading as a time."""
    if isinstance(value, str):
        return value[:2].isdigit()
    return isinstance(value, int | float) and not isinstance(value, bool)


def _first(decoded: Mapping[str, object], names: Sequence[str]) -> str:
    return next(
        (_text(decoded[name], LONGEST_MESSAGE) for name in names if decoded.get(name) is not None), ""
    )


def _text(value: object, longest: int = LONGEST_FIELD) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    text = text[:longest]
    return text if text.isascii() else text.encode(errors="replace").decode()  # no half of a character pair
