"""Statements and plans of MariaDB and MySQL: literals masked, filters read, whole scans found."""

import re
from collections.abc import Iterator, Mapping

from steadyhand.adapters.databases.plans import Search

_NOISE = re.compile(
    r"""
    (?P<name>`(?:[^`]|``)*`)
    |(?P<comment>/\*.*?(?:\*/|$)|--(?=\s)[^\n]*|\#[^\n]*)
    |(?P<literal>'(?:[^'\\]|\\.|'')*(?:'|\\?$)|"(?:[^"\\]|\\.|"")*(?:"|\\?$)
      |(?<![\w$.])(?:0x[0-9a-f]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?)\b)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_COMPARISON = re.compile(r"(?:`?[\w$]+`?\.)*`?(?P<column>[A-Za-z_$][\w$]*)`?\s*(?P<operator><=|>=|=|<|>)\s")
_ALIAS = re.compile(
    r"\b(?:from|join)\s+(?:`?[\w$]+`?\.)?`?([\w$]+)`?\s+(?:as\s+)?`?([\w$]+)`?", re.IGNORECASE
)
_ROWS = re.compile(r"(?:select|with|insert|replace|update|delete)\b", re.IGNORECASE)
_SYSTEM = re.compile(r"`?\b(?:information_schema|performance_schema|mysql|sys)\b`?\s*\.", re.IGNORECASE)
_LIST = re.compile(r"\(\s*\.\.\.\s*\)")  # a digest's (1, 2, 3)
_LIMIT = re.compile(r"\blimit\s+\?(?:\s*(?:,|offset)\s*\?)?", re.IGNORECASE)  # wants a number, not any text
_SELECT = re.compile(r"select\b", re.IGNORECASE)
_REFUSED = re.compile(r"\binto\b|\b(?:information_schema|performance_schema|mysql|sys)\s*\.|;", re.IGNORECASE)
_NO_ESTIMATE = 100.0  # without statistics of the column the planner lets every row pass


def mask(sql: str) -> str:
    """The statement on one line, each literal a `?`, without comments."""
    return " ".join(_NOISE.sub(_replacement, sql).split())


def same(sql: str) -> str:
    """What a statement and its digest have in common."""
    return re.sub(r"[`\s]", "", mask(sql)).lower()


def plannable(sql: str) -> bool:
    """Whether it is one SELECT of an application that writes nowhere."""
    masked = mask(sql).rstrip("; ")
    return _SELECT.match(masked) is not None and _REFUSED.search(masked) is None


def of_application(sql: str) -> bool:
    """Whether it reads or changes rows of an application, not of monitoring."""
    return _ROWS.match(sql.lstrip("( ")) is not None and _SYSTEM.search(sql) is None


def parameters(sql: str) -> tuple[str, int]:
    """A digest as a statement to prepare, and how many values it wants."""
    text = _LIMIT.sub("limit 1", _LIST.sub("(?)", sql))
    return text, text.count("?")


def searches(plan: object, schema: str, statement: str) -> Iterator[Search]:
    """Every table that EXPLAIN FORMAT=JSON reads from end to end to filter it, aliases resolved."""
    aliases = {alias: table for table, alias in _ALIAS.findall(mask(statement))}
    for node in _tables(plan):
        columns = compared_columns(str(node.get("attached_condition", "")))
        if node.get("access_type") in {"ALL", "index"} and columns:
            name = str(node.get("table_name", ""))
            yield Search(schema, aliases.get(name, name), columns, _expected(node))


def compared_columns(condition: str) -> tuple[str, ...]:
    """Columns tested for equality, then the first tested for order; none where an OR joins them."""
    masked = mask(condition)
    if re.search(r"\bor\b", masked, re.IGNORECASE):
        return ()
    found = [(one["column"], one["operator"] == "=") for one in _COMPARISON.finditer(masked)]
    equal = [column for column, is_equal in found if is_equal]
    ordered = [column for column, is_equal in found if not is_equal and column not in equal]
    return tuple(dict.fromkeys([*equal, *ordered[:1]]))


def _expected(node: Mapping[str, object]) -> float:
    rows, share = node.get("rows", node.get("rows_examined_per_scan")), node.get("filtered")
    passing = float(str(share)) if share is not None else _NO_ESTIMATE
    if passing >= _NO_ESTIMATE:
        return 0.0
    return float(str(rows or 0)) * passing / 100


def _tables(node: object) -> Iterator[Mapping[str, object]]:
    if isinstance(node, list):
        for one in node:
            yield from _tables(one)
    elif isinstance(node, dict):
        if "access_type" in node:
            yield node
        for below in node.values():
            yield from _tables(below)


def _replacement(match: re.Match[str]) -> str:
    if match["comment"] is not None:
        return " "
    return match[0] if match["name"] is not None else "?"
