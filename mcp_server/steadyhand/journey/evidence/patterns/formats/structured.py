"""Formats that name every value: JSON lines and logfmt."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from steadyhand.journey.evidence.patterns.formats.parsed import (
    LONGEST_FIELD,
    LONGEST_MESSAGE,
    MOST_FIELDS,
    Parsed,
)

_PAIR = re.compile(r"""([A-Za-z_][\w.@-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?:\s|$)""")
_FEWEST_PAIRS = 3
_OBJECT = re.compile(r'\{\s*"')
_STRING = r'"(?:[^"\\]|\\.)*"'
_WHOLE = re.compile(rf"({_STRING})\s*:\s*({_STRING}|(?:-?\d[\d.eE+-]*|true|false|null)(?=\s*[,}}\]]))")
_TORN = re.compile(rf'({_STRING})\s*:\s*("(?:[^"\\]|\\.)*)$')
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
    decoded = _decoded(line)
    return None if decoded is None else _record(decoded, names)


def torn_json_line(line: str, names: FieldNames) -> Parsed | None:
    """A line that begins as a JSON object and has no end, or no time: what of it can be read.

    Its stamp is "" where that is missing. The line is its own message where a part of it fits no pair.
    """
    if not _OBJECT.match(line):
        return None
    decoded = _decoded(line)
    if decoded is not None:
        return _parsed("", decoded, names)
    pairs = {_unpacked(key): _unpacked(value) for key, value in _WHOLE.findall(line)}
    rest = _WHOLE.sub("", line)
    torn = _TORN.search(rest)
    if torn and (key := _unpacked(torn[1])) not in names.time:
        pairs.setdefault(key, torn[2][1:])
        rest = rest[: torn.start()]
    found = _record(pairs, names) or _parsed("", pairs, names)
    return (
        replace(found, message=line[:LONGEST_MESSAGE]) if rest.strip(" {},") or not found.message else found
    )


def _decoded(line: str) -> Mapping[str, object] | None:
    """The JSON object this line is, None when it is none."""
    if not line.startswith("{"):
        return None
    try:
        decoded = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def _unpacked(value: str) -> Any:  # noqa: ANN401 - a JSON value
    """A JSON value, as it stands where it is none."""
    try:
        return json.loads(value)
    except ValueError:
        return value


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
    return _parsed(stamp, decoded, names) if isinstance(stamp, str | int | float) else None


def _parsed(stamp: str | float, decoded: Mapping[str, object], names: FieldNames) -> Parsed:
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
