"""One look: independent questions in turn, each with its own limit; what fails is a gap in words."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from steadyhand.adapters.databases import health, hypothetical, queries
from steadyhand.adapters.databases.link import Link, named
from steadyhand.adapters.databases.plans import FEW, Search, covered, searches
from steadyhand.adapters.databases.rates import (
    Activity,
    Running,
    StatementCount,
    TableCount,
    running,
    table_loads,
)
from steadyhand.adapters.databases.statements import mask, plannable, written
from steadyhand.journey.evidence.model import (
    Clients,
    Index,
    Replica,
    Scan,
    Session,
    Statement,
    TableHealth,
    TableLoad,
    TransactionIds,
)
from steadyhand.ports import SourceError

_MOST_PLANS = 12
_MOST_PROOFS = 4
_MOST_STATEMENTS = 10
_GLANCES = 10
_HIDDEN = "<insufficient privilege>"

Found = TypeVar("Found")


class Look:
    """Asks one server everything. `gaps` grows as questions fail; the answers are in the other fields."""

    def __init__(self, link: Link, *, each_s: float, total_s: float, sample_s: float, big_table: int) -> None:
        self.gaps: list[str] = []
        self.sessions: tuple[Session, ...] = ()
        self.max_connections: int | None = None
        self.waits_for_restart: tuple[str, ...] = ()
        self.idle_timeout_ms: int | None = None
        self.tables: tuple[TableLoad, ...] = ()
        self.indexes: tuple[Index, ...] = ()
        self.scans: tuple[Scan, ...] = ()
        self.statements: tuple[Statement, ...] = ()
        self.clients: tuple[Clients, ...] = ()
        self.health: tuple[TableHealth, ...] = ()
        self.replicas: tuple[Replica, ...] = ()
        self.ids: TransactionIds | None = None
        self._link = link
        self._each_s = each_s
        self._ends = asyncio.get_running_loop().time() + total_s
        self._sample_s = sample_s
        self._big_table = big_table

    async def run(self) -> None:
        """Ask what needs no lock first, then take rates over the sample, then plan."""
        active = await self._attempt("sessions", self._activity) or []
        self.sessions = tuple(one.session for one in active)
        if any(one.statement == _HIDDEN for one in active):
            self.gaps.append("sessions: other roles' statements are hidden; grant pg_monitor")
        longest = await self._attempt("limits", self._limits) or 1024
        await self._keeping()
        schema = await self._attempt("statements", self._statements_schema)
        tables = await self._attempt("tables", self._tables) or {}
        counted = await self._attempt("statements", partial(self._statements, schema)) or {}
        indexes = await self._attempt("indexes", self._indexes)
        self.indexes = indexes or ()
        active += await self._wait(watch=schema is None)
        tables_then = await self._attempt("tables", self._tables) or {}
        counted_then = await self._attempt("statements", partial(self._statements, schema)) or {}
        self.tables = tuple(table_loads(tables, tables_then))
        if indexes is None:
            self.gaps.append("plans: not looked at, without the indexes a whole scan means nothing")
            return
        ran = running(active, counted, counted_then)
        self.statements = tuple(_told(one) for one in ran if one.calls is not None)[:_MOST_STATEMENTS]
        statements = [one for one in ran if plannable(one.text, longest)]
        await self._plan_all(statements[:_MOST_PLANS], tables_then)

    async def _keeping(self) -> None:
        """How the server is kept: clients, vacuum, bloat, replicas."""
        self.clients = await self._attempt("clients", partial(health.clients, self._link)) or ()
        self.health = await self._attempt("table health", partial(health.table_health, self._link)) or ()
        self.replicas = await self._attempt("replication", partial(health.replicas, self._link)) or ()
        self.ids = await self._attempt("transaction ids", partial(health.transaction_ids, self._link))

    async def _wait(self, *, watch: bool) -> list[Activity]:
        """Let the sample pass; without statement counters, see what the sessions do meanwhile."""
        seen: list[Activity] = []
        for _ in range(_GLANCES):
            await asyncio.sleep(self._sample_s / _GLANCES)
            if watch:
                seen += await self._attempt("sessions", self._activity) or []
        return seen or await self._attempt("sessions", self._activity) or []

    async def _attempt(self, what: str, question: Callable[[], Awaitable[Found]]) -> Found | None:
        left_s = min(self._each_s, self._ends - asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout(left_s):
                return await question()
        except TimeoutError:
            self.gaps.append(f"{what}: no answer within {max(0.0, left_s):.1f} s")
        except SourceError as error:
            self.gaps.append(f"{what}: {error.why}")
        return None

    async def _activity(self) -> list[Activity]:
        rows: Any = await self._link.rows(queries.SESSIONS)
        return [_activity(*row) for row in rows]

    async def _limits(self) -> int:
        """What bounds the server; returns how much of a statement it shows."""
        rows: Any = await self._link.rows(queries.LIMITS)
        self.max_connections, longest, waiting, self.idle_timeout_ms = rows[0]
        self.waits_for_restart = tuple(waiting)
        return int(longest)

    async def _statements_schema(self) -> str | None:
        rows: Any = await self._link.rows(queries.STATEMENTS_SCHEMA)
        if not rows:
            self.gaps.append("statements: pg_stat_statements is not installed; the sessions show some")
        return str(rows[0][0]) if rows else None

    async def _statements(self, schema: str | None) -> dict[int, StatementCount]:
        if schema is None:
            return {}
        rows: Any = await self._link.rows(named(queries.STATEMENTS, schema=schema))
        return {key: StatementCount(*rest) for key, *rest in rows}

    async def _tables(self) -> dict[int, TableCount]:
        rows: Any = await self._link.rows(queries.TABLES)
        return {key: TableCount(*rest) for key, *rest in rows}

    async def _indexes(self) -> tuple[Index, ...]:
        rows: Any = await self._link.rows(queries.INDEXES)
        return tuple(
            Index(name=name, table=table, columns=tuple(columns), valid=valid)
            for name, table, columns, valid in rows
        )

    async def _plan_all(self, statements: Sequence[Running], tables: Mapping[int, TableCount]) -> None:
        known = {(one.schema, one.relation): one for one in tables.values()}
        found: dict[tuple[str, tuple[str, ...]], Scan] = {}
        proofs = await self._attempt("hypothetical index", partial(hypothetical.installed, self._link))
        for one in statements:
            if not await self._may_plan(one.text):
                continue
            plan = await self._attempt("plan", partial(self._plan, one.text)) or {}
            for search in searches(plan):
                table = known.get((search.schema, search.table))
                if table is None or not self._lacks_index(search, table):
                    continue
                key = (table.shown, search.columns)
                if key not in found:
                    asked = proofs if len(found) < _MOST_PROOFS else None
                    found[key] = await self._proven(_scan(search, table, one), search, one, asked)
        self.scans = tuple(found.values())

    async def _may_plan(self, text: str) -> bool:
        table = written(text)
        if not table:
            return True
        rows: Any = await self._attempt("plan", partial(self._link.rows, queries.MAY_WRITE, table)) or [
            (True,)
        ]
        allowed = bool(rows[0][0])
        if not allowed:
            self.gaps.append(f"plan: what writes {table} is not planned, this role may only read")
        return allowed

    async def _proven(self, scan: Scan, search: Search, one: Running, schema: str | None) -> Scan:
        """The scan with what the planner says to the index it lacks, where HypoPG can ask it."""
        if schema is None:
            return scan
        table, plan = (search.schema, search.table), partial(self._plan, one.text)
        said = await self._attempt(
            "hypothetical index",
            partial(hypothetical.verdict, self._link, schema, table, search.columns, plan),
        )
        return scan.model_copy(update={"verdict": said or ""})

    async def _plan(self, text: str) -> Mapping[str, object]:
        """The plan for any parameters: PREPARE takes one statement only, and nothing is executed."""
        async with self._link.reading():
            await self._link.rows("set local plan_cache_mode = force_generic_plan")
            await self._link.rows("deallocate all")
            await self._link.rows(b"prepare steadyhand_plan as " + text.encode())
            rows: Any = await self._link.rows(queries.PARAMETERS)
            nulls = ", ".join(["null"] * rows[0][0])
            call = f"execute steadyhand_plan({nulls})" if nulls else "execute steadyhand_plan"
            answer: Any = await self._link.rows(f"explain (verbose, format json) {call}".encode())
        plan: Mapping[str, object] = answer[0][0][0]["Plan"]
        return plan

    def _lacks_index(self, search: Search, table: TableCount) -> bool:
        return (
            table.rows >= self._big_table
            and search.expected_rows <= FEW * table.rows
            and not covered(search.columns, table.shown, self.indexes)
        )


def _told(one: Running) -> Statement:
    return Statement(query=mask(one.text), calls=one.calls or 0, mean_ms=one.mean_ms)


def _scan(search: Search, table: TableCount, statement: Running) -> Scan:
    return Scan(
        table=table.shown,
        columns=search.columns,
        rows=table.rows,
        query=mask(statement.text),
        mean_ms=statement.mean_ms,
        calls=statement.calls,
    )


def _activity(  # noqa: PLR0913, PLR0917 -- the columns of queries.SESSIONS
    pid: int,
    application: str,
    state: str,
    wait: str,
    transaction_s: float,
    state_s: float,
    statement_s: float,
    statement: str,
    blocked_by: list[int],
    here: bool,  # noqa: FBT001 -- same
    backend_start: datetime | None,
    query_start: datetime | None,
    transaction_start: datetime | None,
) -> Activity:
    session = Session(
        pid=pid,
        application=application,
        state=state,
        wait=wait,
        transaction_s=transaction_s,
        state_s=state_s,
        query=mask(statement)[:1000],
        blocked_by=tuple(blocked_by),
        backend_start=backend_start,
        query_start=query_start,
        transaction_start=transaction_start,
    )
    return Activity(session, statement, statement_s * 1000, here)
