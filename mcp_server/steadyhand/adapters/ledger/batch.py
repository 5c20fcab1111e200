"""Rows that wait for their like: the writes of one transaction, in few statements.

Building and sending a statement costs far more than writing its row. Nobody notices the wait: whatever is
asked of the connection, and the commit, first sends what waits.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, overload

from sqlalchemy import Connection, CursorResult, Executable
from sqlalchemy.sql.selectable import TypedReturnsRows

from steadyhand.ports import LedgerError

Given = Mapping[str, Any]
Rows = TypeVar("Rows", bound=Any)


class Batch:
    """A connection inside one transaction."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._waiting: dict[Executable, list[Given]] = {}
        self._leading: dict[Executable, list[Given]] = {}

    @property
    def dialect(self) -> str:
        """Whose words this database speaks: sqlite or postgresql."""
        return self._db.dialect.name

    @overload
    def execute(
        self, statement: TypedReturnsRows[Rows], given: Given | None = None
    ) -> CursorResult[Rows]: ...
    @overload
    def execute(
        self, statement: Executable, given: Given | Sequence[Given] | None = None
    ) -> CursorResult[Any]: ...
    def execute(
        self, statement: Executable, given: Given | Sequence[Given] | None = None
    ) -> CursorResult[Any]:
        """Send a statement now, after all that waits."""
        self.flush()
        return self._db.execute(statement, given)

    def later(self, statement: Executable, row: Given, *, leads: bool = False) -> None:
        """Write a row with others of the same statement, which must be one that was made once.

        What rows of other tables refer to leads: it is sent before all of those.
        """
        (self._leading if leads else self._waiting).setdefault(statement, []).append(row)

    def flush(self) -> None:
        """Send what waits. Raises LedgerError when an update hits fewer rows than it was given."""
        while waiting := self._leading or self._waiting:
            statement = next(iter(waiting))
            rows = waiting.pop(statement)
            done = self._db.execute(statement, rows)
            if getattr(statement, "is_update", False) and done.rowcount != len(rows):
                names = ", ".join(sorted({str(one["same"]) for one in rows})[:3])
                raise LedgerError(f"{names} changed meanwhile; load it again")
