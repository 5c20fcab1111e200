"""Timers that are due: claimed under a lease, or taken and ended in one transaction."""

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, get_args

from sqlalchemy import (
    ColumnElement,
    Integer,
    RowMapping,
    Table,
    bindparam,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from steadyhand.adapters.ledger import schema as s
from steadyhand.adapters.ledger.batch import Batch
from steadyhand.adapters.ledger.engine import from_ms, to_ms
from steadyhand.adapters.ledger.schema import is_state, spelled
from steadyhand.journey.commands import TimerKind
from steadyhand.journey.incident.versions import MACHINE
from steadyhand.ports import LeaseLost
from steadyhand.store import Timer

KINDS: frozenset[TimerKind] = frozenset(get_args(TimerKind))
_ROW = s.timer.c


class TimerRows:
    """The part of a transaction that ends timers."""

    _db: Batch

    def take_due(self, now: datetime, most: int, kinds: Collection[TimerKind]) -> Sequence[Timer]:
        """Timers of these kinds that are due, earliest first, done with the end of this transaction."""
        rows = self._db.execute(_taking(frozenset(kinds)), {"at": to_ms(now), "most": most})
        return in_order(rows.mappings())

    def finish(self, *timers: Timer) -> None:
        """These timers are done. Raises LeaseLost when another process has taken one over."""
        if timers:
            held = [{"held": one.key, "under": one.epoch} for one in timers]
            if self._db.execute(_FINISH, held).rowcount != len(timers):
                raise LeaseLost(f"timer {timers[0].key}, or one claimed with it, was taken over")

    def bury(self, timer: Timer) -> None:
        """Nobody will try this timer again. Raises LeaseLost when another process has taken it over."""
        if self._db.execute(update(s.timer).where(held_by(timer)).values(state="dead")).rowcount != 1:
            raise LeaseLost(f"timer {timer.key} was taken over")

    def holds(self, timer: Timer) -> None:
        """The timer is still held: look before acting. Raises LeaseLost."""
        if self._db.execute(select(_ROW.key).where(held_by(timer))).one_or_none() is None:
            raise LeaseLost(f"timer {timer.key} was taken over")


_FINISH = (
    update(s.timer)
    .where(_ROW.key == bindparam("held"), is_state(s.timer, "leased"), _ROW.epoch == bindparam("under"))
    .values(state="done")
)


def claim(table: Table, free: ColumnElement[bool], **values: object) -> ReturningUpdate[Any]:
    """Change the first `most` of these rows and return them: of several who do so no two get the same.

    Whoever claims at the same moment skips what we lock; only PostgreSQL needs to be told so.
    """
    first = select(table.c.key).where(free).order_by(table.c.due_at).limit(bindparam("most", type_=Integer))
    chosen = first.with_for_update(skip_locked=True).cte("chosen")
    tried = {**values, "attempts": table.c.attempts + 1}
    mine = table.c.key.in_(select(chosen.c.key))
    return update(table).where(mine).values(tried).returning(*table.c)


@cache
def _taking(kinds: frozenset[TimerKind]) -> ReturningUpdate[Any]:
    return claim(s.timer, due(kinds), state="done")


@cache
def due(kinds: frozenset[TimerKind]) -> ColumnElement[bool]:
    """Timers of these kinds that may be claimed `at` an instant."""
    return is_state(s.timer, "armed") & (_ROW.due_at <= bindparam("at", type_=s.Ms)) & ours(kinds)


def ours(kinds: Collection[TimerKind]) -> ColumnElement[bool]:
    """Timers of these kinds whose incident this release can read.

    Looked up for each timer: asked by `exists` PostgreSQL would read all incidents.
    """
    machine = select(s.incident.c.machine).where(s.incident.c.id == _ROW.incident).scalar_subquery()
    return spelled(_ROW.kind, kinds) & (func.coalesce(machine, literal_column("0")) <= MACHINE)


def held_by(timer: Timer) -> ColumnElement[bool]:
    """The row is leased, and under the very lease this timer was claimed with."""
    return (_ROW.key == timer.key) & is_state(s.timer, "leased") & (_ROW.epoch == timer.epoch)


def as_timer(row: RowMapping) -> Timer:
    """The timer in a row."""
    return Timer(
        key=row["key"],
        incident=row["incident"] or "",
        kind=row["kind"],
        epoch=row["epoch"],
        due_at=from_ms(row["due_at"]),
        attempts=row["attempts"],
        payload=json.loads(row["payload"]),
    )


def in_order(rows: Iterable[RowMapping]) -> Sequence[Timer]:
    """The timers in these rows, the earliest first."""
    return sorted(map(as_timer, rows), key=lambda one: (one.due_at, one.key))
