"""What a plan reads: tables walked from end to end only to find few rows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from steadyhand.journey.evidence.model import Index

FEW = 0.1  # a filter that keeps more of the table than this is no search
_COMPARISON = re.compile(
    r"""
    (?<![\w.])\(                                     # not a function's argument
    (?:(?:"[^"]+"|[\w$]+)\.)?(?P<column>"[^"]+"|[\w$]+)
    \)?(?:::[\w\s."]+?)?                             # (column)::type
    \s(?P<operator>=|<=|>=|<|>)\s
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Search:
    """A whole table read for the rows that match a filter on these columns."""

    schema: str
    table: str
    columns: tuple[str, ...]
    expected_rows: float


def searches(plan: Mapping[str, object]) -> Iterator[Search]:
    """Every such node of a plan in EXPLAIN's JSON form (VERBOSE), from the top down."""
    condition = plan.get("Filter")
    if isinstance(condition, str) and _reads_all(plan) and (columns := compared_columns(condition)):
        rows = plan.get("Plan Rows")
        yield Search(
            schema=str(plan.get("Schema", "")),
            table=str(plan.get("Relation Name", "")),
            columns=columns,
            expected_rows=float(rows) if isinstance(rows, int | float) else 0.0,
        )
    below = plan.get("Plans")
    for node in below if isinstance(below, list) else ():
        yield from searches(node)


def compared_columns(condition: str) -> tuple[str, ...]:
    """Columns an index could be searched by: those tested for equality, then the first tested for order.

    None for a condition with OR, which no single index serves.
    """
    if " OR " in condition:
        return ()
    found = [
        (match["column"].strip('"'), match["operator"] == "=") for match in _COMPARISON.finditer(condition)
    ]
    equal = [column for column, is_equal in found if is_equal]
    ordered = [column for column, is_equal in found if not is_equal and column not in equal]
    return tuple(dict.fromkeys([*equal, *ordered[:1]]))


def covered(columns: Sequence[str], table: str, indexes: Sequence[Index]) -> bool:
    """Whether a valid index of the table begins with these columns, in any order."""
    return any(
        index.valid and index.table == table and set(columns) == set(index.columns[: len(columns)])
        for index in indexes
    )


def _reads_all(plan: Mapping[str, object]) -> bool:
    kind = plan.get("Node Type")
    return kind == "Seq Scan" or (kind in {"Index Scan", "Index Only Scan"} and "Index Cond" not in plan)
