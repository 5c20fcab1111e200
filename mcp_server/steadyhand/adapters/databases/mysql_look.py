"""One look into MariaDB or MySQL: questions in turn; what fails, or is not told, is a gap in words."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from steadyhand.adapters.databases import mysql_queries as queries
from steadyhand.adapters.databases.mysql_link import Link
from steadyhand.adapters.databases.mysql_locks import waits
from steadyhand.adapters.databases.mysql_statements import Known, counted, logged, slowest
from steadyhand.adapters.databases.mysql_text import mask, parameters, plannable, same, searches
from steadyhand.adapters.databases.plans import FEW, Search, covered
from steadyhand.adapters.databases.questions import Questions
from steadyhand.journey.evidence.model import Clients, Index, Scan, Session, Statement, TableHealth
from steadyhand.ports import SourceRefused

_MOST_PLANS = 12
_MOST_TABLES = 20
_METADATA = "metadata lock"
_UNTOLD = "tables: the rate of reads, dead rows and when a session began are not told by this server"
_HOLDER_UNTOLD = "locks: a session waits for a metadata lock; this server does not tell its holder"
_UNCOUNTED = (
    "statements: performance_schema is off and the slow log is not kept in a table"
    " (slow_query_log, log_output=TABLE); only what runs now is seen"
)


class Look(Questions):
    """Asks one server everything. The answers are in its fields."""

    def __init__(
        self, link: Link, *, at: datetime, recent: timedelta, total_s: float, big_table: int
    ) -> None:
        super().__init__(total_s, [_UNTOLD])
        self.sessions: tuple[Session, ...] = ()
        self.max_connections: int | None = None
        self.indexes: tuple[Index, ...] = ()
        self.scans: tuple[Scan, ...] = ()
        self.statements: tuple[Statement, ...] = ()
        self.clients: tuple[Clients, ...] = ()
        self.health: tuple[TableHealth, ...] = ()
        self._link = link
        self._big_table = big_table
        self._at, self._recent = at, recent
        self._running: list[tuple[str, float]] = []
        self._known: dict[str, Known] = {}

    def run(self) -> None:
        """Ask what needs no table first, then plan what runs."""
        self.ask("sessions", self._activity)
        self.ask("statements", self._slow)
        self.ask("table health", self._tables)
        if self.ask("indexes", self._all_indexes):
            self._plan_all()

    def _activity(self) -> None:
        rows = self._link.rows(queries.SESSIONS)
        held = self.ask("transactions", self._transactions) or {}
        blockers = self.ask("locks", partial(waits, self._link)) or {}
        self.sessions = tuple(
            _session(row, held.get(row[0]), tuple(blockers.get(row[0], ()))) for row in rows
        )
        self._running = [(row[6], float(row[4]) * 1000) for row in rows if row[7] and plannable(row[6])]
        if any(_METADATA in one.wait and not one.blocked_by for one in self.sessions):
            self.gaps.append(_HOLDER_UNTOLD)
        alike = Counter(
            (row[1], row[2].rpartition(":")[0] or row[2], one.state)
            for row, one in zip(rows, self.sessions, strict=True)
        )
        self.clients = tuple(
            Clients(application=user, address=host, role=user, state=state, count=count)
            for (user, host, state), count in alike.most_common(40)
        )

    def _transactions(self) -> dict[int, tuple[str, float]]:
        return {pid: (state, float(age)) for pid, state, age in self._link.rows(queries.TRANSACTIONS)}

    def _slow(self) -> None:
        """What bounds the server, and the statements that it counts, else those it logs as slow."""
        ((self.max_connections, counts, logs),) = self._link.rows(queries.LIMITS)
        known: Sequence[Known] = ()
        if counts:
            known = counted(self._link, self._at, self._recent)
        elif logs:
            known = logged(self._link, self._recent)
            self.gaps.append(
                "statements: performance_schema is off; the slow log tells only what it calls slow"
            )
        else:
            self.gaps.append(_UNCOUNTED)
        self._known = {same(one.text): one for one in known}
        self.statements = tuple(one.told for one in slowest(known))

    def _tables(self) -> None:
        self.health = tuple(
            TableHealth(table=table, live_rows=rows, dead_rows=0, bytes=size, bloat_bytes=free)
            for table, rows, size, free in self._link.rows(queries.TABLES)
        )

    def _all_indexes(self) -> bool:
        columns: dict[tuple[str, str], list[str]] = defaultdict(list)
        for index, table, column in self._link.rows(queries.INDEXES):
            columns[table, index].append(column or "(expression)")
        self.indexes = tuple(
            Index(name=index, table=table, columns=tuple(names), valid=True)
            for (table, index), names in columns.items()
        )
        return True

    def _plan_all(self) -> None:
        rows = {one.table: one.live_rows for one in self.health}
        self.health = self.health[:_MOST_TABLES]
        found: dict[tuple[str, tuple[str, ...]], Scan] = {}
        for text, spent_ms, asked in self._to_plan():
            for search in self.ask("plan", partial(asked, text)) or ():
                if self._lacks_index(search, rows.get(search.table, 0)):
                    scan = self._scan(search, rows[search.table], text, spent_ms)
                    found.setdefault((search.table, search.columns), scan)
        self.scans = tuple(found.values())

    def _to_plan(self) -> Iterator[tuple[str, float, Callable[[str], Sequence[Search]]]]:
        """What runs now, then what took the most time lately, each with how it is planned."""
        for text, spent_ms in sorted(self._running, key=lambda one: -one[1])[:_MOST_PLANS]:
            yield text, spent_ms, self._plan
        for one in slowest(tuple(self._known.values())):
            if plannable(one.text):
                yield one.text, one.told.mean_ms, self._plan_digest if one.digest else self._plan

    def _plan(self, text: str) -> Sequence[Search]:
        """The plan of a statement; it is not executed."""
        return self._read(self._link.rows(f"explain format=json {text}"), text)

    def _plan_digest(self, text: str) -> Sequence[Search]:
        """The plan of a statement whose values are not known: it is prepared, and explained for some text."""
        asked, values = parameters(text)
        try:
            self._link.rows("prepare steadyhand_plan from %s", f"explain format=json {asked}")
            self._link.rows("set @steadyhand = '1'")
            using = f" using {', '.join(['@steadyhand'] * values)}" if values else ""
            return self._read(self._link.rows(f"execute steadyhand_plan{using}"), text)
        except SourceRefused:
            self.gaps.append("plans: a counted statement could not be planned from what is kept of it")
            return ()

    def _read(self, answer: Sequence[tuple[str]], text: str) -> Sequence[Search]:
        ((plan,),) = answer
        return list(searches(json.loads(plan), self._link.schema, text))

    def _lacks_index(self, search: Search, rows: int) -> bool:
        few = search.expected_rows <= FEW * rows
        return rows >= self._big_table and few and not covered(search.columns, search.table, self.indexes)

    def _scan(self, search: Search, rows: int, text: str, spent_ms: float) -> Scan:
        known = self._known.get(same(text))
        return Scan(
            table=search.table,
            columns=search.columns,
            rows=rows,
            query=mask(text),
            mean_ms=known.told.mean_ms if known else spent_ms,
            calls=known.told.calls if known else None,
        )


def _session(row: tuple[object, ...], held: tuple[str, float] | None, blockers: tuple[int, ...]) -> Session:
    pid, user, _, command, seconds, state, text = (str(one) for one in row[:7])
    idle = "idle" if held is None else "idle in transaction"
    waits = "Lock/row" if held is not None and held[0] == "LOCK WAIT" else state
    return Session(
        pid=int(pid),
        application=user,
        state=idle if command == "Sleep" else "active",
        wait=waits if waits == "Lock/row" or "lock" in waits else "",
        transaction_s=held[1] if held is not None else 0.0,
        state_s=max(0.0, float(seconds)),
        query=mask(text)[:1000],
        blocked_by=blockers,
    )
