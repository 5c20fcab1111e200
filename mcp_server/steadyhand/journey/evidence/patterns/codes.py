"""Status, exit, errno and SQLSTATE codes: values that make another message."""

import re
from collections.abc import Mapping

FIELDS = ("status", "status_code", "code", "sqlstate", "state_code", "exit_code", "errno")
_IN_TEXT = (
    r"""\b(?:status(?:_code)?|code|sqlstate|state_code|errno|exit(?:ed\ with)?(?:\ code)?)"""
    r"""["']?\s*[=:\ ]\s*["']?(\d[0-9A-Z]{0,4})\b"""
    r"""|HTTP/\d(?:\.\d)?"\s(\d{3})\b"""
)
_CODE = re.compile(_IN_TEXT, re.IGNORECASE | re.VERBOSE)
_RAW = re.compile(_IN_TEXT.encode(), re.IGNORECASE | re.VERBOSE)
_HINT = re.compile(r"\b(?:status|code|sqlstate|errno|exit)|\" <\*>", re.IGNORECASE)
_NAMES = frozenset(FIELDS)
_LONGEST = 60


def may_hold_code(template: str, fields: Mapping[str, str]) -> bool:
    """Whether lines of this template, with these columns, are worth a closer look."""
    return not _NAMES.isdisjoint(fields) or _HINT.search(template) is not None


def codes_of(message: str, fields: Mapping[str, str]) -> str:
    """The codes of one record, e.g. "status=500"; "" if it has none."""
    given = [f"{name}={fields[name]}" for name in FIELDS if fields.get(name)]
    if not given and (match := _CODE.search(message)) is not None:
        given.append(f"code={match[1] or match[2]}")
    return " ".join(given)[:_LONGEST]


def raw_code(line: bytes) -> bytes:
    """The first code in a raw line, to tell apart lines whose other digits do not matter."""
    match = _RAW.search(line)
    return b"" if match is None else match[1] or match[2]
