"""Who waits for whom: for rows in both servers, for whole tables where MySQL tells it.

Which kinds of lock on a table keep each other out: the matrix for objects in MySQL's `sql/mdl.cc`.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from steadyhand.adapters.databases import mysql_queries as queries
from steadyhand.adapters.databases.mysql_link import Link

_ALL_OF_IT = "EXCLUSIVE"
_READS_NEITHER = {"SHARED_NO_READ_WRITE", _ALL_OF_IT}
_WRITES = {"SHARED_WRITE", "SHARED_WRITE_LOW_PRIO"}
_CHANGES = {"SHARED_UPGRADABLE", "SHARED_NO_WRITE"}
_KEPT_OUT_BY = {
    "SHARED": {_ALL_OF_IT},
    "SHARED_HIGH_PRIO": {_ALL_OF_IT},
    "SHARED_READ": _READS_NEITHER,
    "SHARED_WRITE": {"SHARED_READ_ONLY", "SHARED_NO_WRITE", *_READS_NEITHER},
    "SHARED_WRITE_LOW_PRIO": {"SHARED_READ_ONLY", "SHARED_NO_WRITE", *_READS_NEITHER},
    "SHARED_READ_ONLY": {*_WRITES, *_READS_NEITHER},
    "SHARED_UPGRADABLE": {*_CHANGES, *_READS_NEITHER},
    "SHARED_NO_WRITE": {*_WRITES, *_CHANGES, *_READS_NEITHER},
    "SHARED_NO_READ_WRITE": {"SHARED_READ", "SHARED_READ_ONLY", *_WRITES, *_CHANGES, *_READS_NEITHER},
}


class TableLock(NamedTuple):
    """What one session has, or waits for, of one table."""

    pid: int
    table: str
    kind: str
    granted: bool


def waits(link: Link) -> Mapping[int, Sequence[int]]:
    """Session -> those that it waits for. Raises SourceError."""
    rows = queries.WAITS_MARIADB if link.mariadb else queries.WAITS_MYSQL
    found: dict[int, list[int]] = defaultdict(list)
    for waiter, blocker in dict.fromkeys([*link.rows(rows), *_for_tables(link)]):
        found[waiter].append(blocker)
    return found


def _for_tables(link: Link) -> Iterator[tuple[int, int]]:
    if link.mariadb:
        return
    locks = [TableLock(*row) for row in link.rows(queries.TABLE_LOCKS)]
    for one in (lock for lock in locks if not lock.granted):
        for other in locks:
            if other.pid != one.pid and other.table == one.table and _keeps_out(other, one):
                yield one.pid, other.pid


def _keeps_out(other: TableLock, one: TableLock) -> bool:
    """Who waits for all of a table lets nobody pass that comes later."""
    if one.kind == _ALL_OF_IT:
        return other.granted
    return other.kind in _KEPT_OUT_BY.get(one.kind, ()) and (other.granted or other.kind == _ALL_OF_IT)
