"""SQL text as evidence: literals masked, comments dropped, and what may be planned told from what may not."""

import re

_NOISE = re.compile(
    r"""
    (?P<comment>/\*.*?(?:\*/|$)|--[^\n]*)            # may carry tracing ids or user data
    |(?P<literal>\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|$)  # $tag$ text $tag$
      |[eE]'(?:[^'\\]|\\.|'')*(?:'|$)                   # E'text', cut off or not
      |'(?:[^']|'')*(?:'|$)                             # 'text', cut off or not
      |(?<![\w$."])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b)     # a number, no part of a name or a parameter
    |(?P<name>"(?:[^"]|"")*")                         # a quoted name stays
    """,
    re.VERBOSE | re.DOTALL,
)
_PLANNABLE = re.compile(r"(select|update|delete)\b", re.IGNORECASE)
_WRITTEN = re.compile(
    r"""(?:update|delete\s+from)\s+(?:only\s+)?(?P<table>(?:"(?:[^"]|"")+"|[\w$]+)(?:\.(?:"(?:[^"]|"")+"|[\w$]+))?)""",
    re.IGNORECASE,
)
_SYSTEM = re.compile(r"\b(pg_|information_schema\b)", re.IGNORECASE)


def mask(sql: str) -> str:
    """The statement on one line, each literal a `?`, without comments."""
    return " ".join(_NOISE.sub(_replacement, sql).split())


def plannable(sql: str, longest: int) -> bool:
    """Whether it is one whole SELECT, UPDATE or DELETE of an application, not of monitoring.

    Text of `longest` bytes may have been cut off by the server.
    """
    masked = mask(sql).rstrip("; ")
    return (
        _PLANNABLE.match(masked) is not None
        and ";" not in masked
        and _SYSTEM.search(masked) is None
        and len(sql.encode()) < longest - 1
    )


def written(sql: str) -> str:
    """The table an UPDATE or DELETE writes, as it is named there; "" for what only reads."""
    found = _WRITTEN.match(mask(sql))
    return found["table"] if found else ""


def _replacement(match: re.Match[str]) -> str:
    if match["comment"] is not None:
        return " "
    return match[0] if match["name"] is not None else "?"
