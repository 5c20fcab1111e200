"""Formats that name every value: JSON lines and logfmt."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from steadyhand.journey.evidence.patterns.formats.envelope import Inner, docker_text, opened
from steadyhand.journey.evidence.patterns.formats.parsed import (
    LONGEST_FIELD,
    LONGEST_MESSAGE,
    MOST_FIELDS,
    Parsed,
    severity_in,
)

_PAIR = re.compile(r"""([A-Za-z_][\w.@-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?:\s|$)""")
_FEWEST_PAIRS = 2
_OBJECT = re.compile(r'\{\s*"')
_STRING = r'"(?:[^"\\]|\\.)*"'
_WHOLE = re.compile(rf"({_STRING})\s*:\s*({_STRING}|(?:-?\d[\d.eE+-]*|true|false|null)(?=\s*[,}}\]]))")
_TORN = re.compile(rf'({_STRING})\s*:\s*("(?:[^"\\]|\\.)*)$')
_TEXTS = ("log", "textPayload")  # a program's line as it wrote it
# as bunyan and pino, and as MongoDB write them
_SHORT = {
    "10": "TRACE",
    "20": "DEBUG",
    "30": "INFO",
    "40": "WARN",
    "50": "ERROR",
    "60": "FATAL",
    "F": "FATAL",
    "E": "ERROR",
    "W": "WARNING",
    "I": "INFO",
    "D1": "DEBUG",
}


@dataclass(frozen=True, slots=True)
class FieldNames:
    """Under which names a structured line writes what every record has; the first that is there counts.

    A name with dots is that of a nested value too.
    """

    time: Sequence[str] = ("ts", "timestamp", "time", "@timestamp", "@t", "t", "datetime", "asctime")
    severity: Sequence[str] = (
        "level", "severity", "error_severity", "lvl", "log.level", "levelname", "loglevel", "@l", "s",
    )  # fmt: skip
    message: Sequence[str] = (
        "msg", "message", "event", "log", "textPayload", "jsonPayload.message", "@m", "@mt", "MESSAGE",
    )  # fmt: skip


def json_line(line: str, names: FieldNames, inner: Inner | None = None) -> Parsed | None:
    """A line that is a JSON object with a time; what Docker wrapped up is read by `inner`."""
    decoded = _decoded(line)
    found = None if decoded is None else _record(decoded, names)
    if decoded is None or found is None or inner is None or (text := docker_text(decoded)) is None:
        return found
    return opened(found.stamp, text, {"stream": str(decoded.get("stream", ""))}, inner)


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
    stamps = (_bare(_value(decoded, name)) for name in names.time)
    stamp = next((value for value in stamps if _may_be_time(value)), None)
    return _parsed(stamp, decoded, names) if isinstance(stamp, str | int | float) else None


def _parsed(stamp: str | float, decoded: Mapping[str, object], names: FieldNames) -> Parsed:
    level, severity = _first(decoded, names.severity)
    said, message = _first(decoded, names.message)
    if not severity and said in _TEXTS:
        severity = severity_in(message)
    used = {*names.time, level, said}
    rest = [
        (_text(name), _text(value))
        for name, value in decoded.items()
        if name not in used and value is not None
    ]
    return Parsed(
        stamp=stamp,
        message=message.rstrip("\n"),
        severity=_SHORT.get(severity, severity[:50]),
        fields=dict(rest[:MOST_FIELDS]),
    )


def _value(decoded: Mapping[str, object], name: str) -> object:
    """The value of this name, or of this path of names."""
    found = decoded.get(name)
    first, dot, rest = name.partition(".")
    if found is None and dot and isinstance(inner := decoded.get(first), dict):
        return _value(inner, rest)
    return found


def _bare(value: object) -> object:
    """The time in one of MongoDB's extended JSON, all else as it is."""
    if isinstance(value, dict):
        inner = value.get("$date")
        return inner.get("$numberLong") if isinstance(inner, dict) else inner
    return value


def _may_be_time(value: object) -> bool:
    """Whether it is worth reading as a time."""
    if isinstance(value, str):
        return value[:2].isdigit()
    return isinstance(value, int | float) and not isinstance(value, bool)


def _first(decoded: Mapping[str, object], names: Sequence[str]) -> tuple[str, str]:
    """The first of these names that has a plain value, and that; a nested object is none."""
    for name in names:
        value = _value(decoded, name)
        if value is not None and not isinstance(value, dict):
            return name, _text(value, LONGEST_MESSAGE)
    return "", ""


def _text(value: object, longest: int = LONGEST_FIELD) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    text = text[:longest]
    return text if text.isascii() else text.encode(errors="replace").decode()  # no half of a character pair
