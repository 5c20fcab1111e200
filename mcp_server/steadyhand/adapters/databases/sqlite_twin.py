"""Whether an index would help, asked of SQLite's own planner: its schema without rows, and indexes to try.

The idea is that of SQLite's `.expert`: the planner reads the schema and its statistics, never the rows.
"""

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from steadyhand.adapters.databases.sqlite_queries import quoted
from steadyhand.adapters.databases.statements import mask

_TRIED = "steadyhand_tried"
_MOST_COLUMNS = 3
_VALUES = re.compile(
    r"""
    (?P<kept>'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|/\*.*?\*/|--[^\n]*)
    |(?P<value>\?\d*|[:@$][A-Za-z_]\w*|%\(\w+\)s|%s)
    """,
    re.VERBOSE | re.DOTALL,
)
_READ = re.compile(
    r"(?P<how>SCAN|SEARCH)\s(?:TABLE\s)?(?P<name>\S+)(?:\sAS\s(?P<alias>\S+))?(?:\sUSING\s(?P<by>.*))?$"
)
_ALIAS = re.compile(r'\b(?:from|join|update)\s+["`\[]?(\w+)["`\]]?\s+(?:as\s+)?["`\[]?(\w+)', re.IGNORECASE)
_TERM = re.compile(r"(\w+)\s*(=|<|>)")


@dataclass(frozen=True, slots=True)
class Read:
    """One table as a plan reads it: whole, or by an index on these columns tested for equality or order."""

    table: str
    whole: bool
    tried: bool
    equal: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def shown(self) -> str:
        """In the planner's words, e.g. `SEARCH orders (email=? AND total>?)`."""
        terms = [f"{one}=?" if one in self.equal else f"{one} in a range" for one in self.columns]
        return f"{'SCAN' if self.whole else 'SEARCH'} {self.table} ({' AND '.join(terms)})"


@dataclass(frozen=True, slots=True)
class Schema:
    """What `sqlite_schema` and the statistics say: statements that make it, columns by table."""

    statements: Sequence[str]
    columns: Mapping[str, Sequence[str]]
    statistics: Sequence[tuple[str, str | None, str]]


class Twin:
    """The schema in memory. Raises sqlite3.Error for a statement that it cannot plan."""

    def __init__(self, schema: Schema) -> None:
        self._columns = schema.columns
        self._database = sqlite3.connect(":memory:", isolation_level=None)
        self._database.execute("pragma trusted_schema = off")
        for statement in schema.statements:
            self._database.execute(statement)
        if schema.statistics:
            self._database.execute("analyze sqlite_schema")
            self._database.executemany("insert into sqlite_stat1 values (?, ?, ?)", schema.statistics)
            self._database.execute("analyze sqlite_schema")

    def close(self) -> None:
        """Give its memory back."""
        self._database.close()

    def whole(self, statement: str) -> Sequence[Read]:
        """Every table that the statement reads from end to end, or indexes anew each time."""
        return [one for one in self._plan(statement) if one.whole]

    def better(self, statement: str, read: Read) -> Read | None:
        """How the planner would search the table by an index that is not there; None where it would not."""
        named = set(re.findall(r"\w+", mask(statement).lower()))
        candidates = [one for one in self._columns[read.table] if one.lower() in named]
        best: Read | None = None
        for _ in range(_MOST_COLUMNS):
            found = self._tried(statement, read.table, best.columns if best else (), candidates)
            if found is None or (best and len(found.columns) <= len(best.columns)):
                return best
            best = found
        return best

    def _tried(
        self, statement: str, table: str, first: Sequence[str], candidates: Sequence[str]
    ) -> Read | None:
        """How it is read with an index on the first columns and one more; None where nothing is gained."""
        before = len(self.whole(statement))
        made = [(*first, one) for one in candidates if one not in first]
        self._database.execute("begin")
        try:
            for number, columns in enumerate(made):
                listed = ", ".join(map(quoted, columns))
                self._database.execute(f"create index {_TRIED}_{number} on {quoted(table)} ({listed})")
            plan = list(self._plan(statement))
        finally:
            self._database.execute("rollback")
        used = [one for one in plan if one.tried and one.table == table and one.equal]
        gained = sum(one.whole for one in plan) < before
        return (
            used[0] if gained and len(used) == 1 else None
        )  # two of one table: an OR, which no one index serves

    def _plan(self, statement: str) -> Iterator[Read]:
        asked, values = _unbound(statement)
        with closing(self._database.execute(f"explain query plan {asked}", [None] * values)) as rows:
            details = [str(row[3]) for row in rows]
        aliases = {alias.lower(): table for table, alias in _ALIAS.findall(mask(statement))}
        known = {name.lower(): name for name in self._columns}
        for detail in details:
            match = _READ.match(detail)
            name = "" if match is None else match["name"].lower()
            table = known.get(name) or known.get(aliases.get(name, "").lower())
            if match is not None and table is not None:
                yield _read(table, match["how"], match["by"] or "")


def _read(table: str, how: str, by: str) -> Read:
    terms = _TERM.findall(by.partition("(")[2])
    return Read(
        table=table,
        whole=how == "SCAN" or "AUTOMATIC" in by,
        tried=_TRIED in by,
        equal=tuple(name for name, operator in terms if operator == "="),
        columns=tuple(dict.fromkeys(name for name, _ in terms)),
    )


def _unbound(statement: str) -> tuple[str, int]:
    """The statement with every parameter a nameless one, and how many it has."""
    count = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal count
        if match["kept"] is not None:
            return match[0]
        count += 1
        return "?"

    return _VALUES.sub(replaced, statement), count
