"""Database evidence: held transactions, lock queues, full scans, loads and connections."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from steadyhand.journey.evidence.masking import Masker, quoted
from steadyhand.journey.evidence.model import (
    DatabaseReport,
    Index,
    Item,
    Onset,
    Role,
    Scan,
    Session,
    TableLoad,
)
from steadyhand.journey.evidence.wording import number, since

_QUERY = 160
_NAME = 80
_IDLE_COUNT = 3
_IDLE_OLD_S = 5.0
_LOCK_PATIENCE_S = 1.0
_SMALL_TABLE = 10_000
_READ_ROWS_PER_S = 100_000.0
_FULL = 0.7
_SLOW_MS = 50.0
_KNOWN_FOR = timedelta(hours=1)  # counters younger than this have seen everything for the first time
_NEWS_FOR = timedelta(hours=1)
_LONG_JOURNAL = 40 * 1024 * 1024  # ten times what SQLite lets its log grow to before it folds it in
_STRENGTHS: Mapping[Role, float] = {
    "lock_queue": 60.0,
    "idle_in_transaction": 50.0,
    "full_scan": 50.0,
    "table_load": 40.0,
    "connections": 20.0,
    "other": 30.0,
}


def database_items(report: DatabaseReport, masker: Masker) -> list[Item]:
    """What this look found worth telling; ids are given later. A healthy database gives none."""
    found = (*_idle(report, masker), *_locks(report, masker), *_scans(report, masker))
    return [
        *found,
        *_loads(report, masker),
        *_connections(report),
        *_file(report, masker),
        *_new(report, masker),
    ]


def _item(report: DatabaseReport, role: Role, title: str, facts: dict[str, str], **more: float) -> Item:
    age = more.get("age_s")
    return Item(
        id="",
        kind="database",
        role=role,
        entity=report.database,
        title=title[:300],
        onset=None if age is None else _began(report, age),
        direction="up",
        strength=_STRENGTHS[role],
        now=more.get("now"),
        facts=facts | ({} if report.system == "postgresql" else {"system": report.system}),
        ref=f"{report.database} at {report.at:%H:%M:%S}",
    )


def _began(report: DatabaseReport, age_s: float) -> Onset:
    at = report.at - timedelta(seconds=age_s)
    second = timedelta(seconds=1)
    return Onset(at=at, lo=at - second, hi=at + second)


def _idle(report: DatabaseReport, masker: Masker) -> Iterator[Item]:
    by_application: dict[str, list[Session]] = defaultdict(list)
    for one in report.sessions:
        if one.state.startswith("idle in transaction"):
            by_application[one.application].append(one)
    for application, held in sorted(by_application.items()):
        ages = sorted(max(one.transaction_s, one.state_s) for one in held)
        if len(held) < _IDLE_COUNT and ages[-1] < _IDLE_OLD_S:
            continue
        oldest = max(held, key=lambda one: one.transaction_s)
        name, query = masker.text(application, _NAME), masker.query(oldest.query, _QUERY)
        onset = _began(report, ages[-1])
        title = (
            f"{len(held)} sessions of {quoted(name)} idle in transaction,"
            f" open {ages[0]:.0f} to {ages[-1]:.0f} s, last query {quoted(query)}, since {since(onset)}"
        )
        facts = {
            "application": name,
            "count": str(len(held)),
            "oldest_s": f"{ages[-1]:.1f}",
            "youngest_s": f"{ages[0]:.1f}",
            "last_query": query,
            **({} if report.idle_timeout_ms is None else {"idle_timeout": str(report.idle_timeout_ms)}),
        }
        yield _item(report, "idle_in_transaction", title, facts, now=float(len(held)), age_s=ages[-1])


def _root(pid: int, sessions: Mapping[int, Session]) -> int:
    """The session at the end of the chain of who waits for whom."""
    seen = {pid}
    while pid in sessions and sessions[pid].blocked_by:
        pid = sessions[pid].blocked_by[0]
        if pid in seen:
            break
        seen.add(pid)
    return pid


def _identity(session: Session | None) -> dict[str, str]:
    """What tells this very statement, or idle transaction, of this very session from all later ones."""
    if session is None or not session.backend_start:
        return {}
    started = {"root_backend_start": session.backend_start.isoformat()}
    if session.state == "active" and session.query_start:
        return started | {"root_query_start": session.query_start.isoformat()}
    if session.state.startswith("idle in transaction") and session.transaction_start:
        return started | {"root_transaction_start": session.transaction_start.isoformat()}
    return {}


def _locks(report: DatabaseReport, masker: Masker) -> Iterator[Item]:
    sessions = {one.pid: one for one in report.sessions}
    queues: dict[int, list[Session]] = defaultdict(list)
    for one in report.sessions:
        if one.blocked_by:
            queues[_root(one.pid, sessions)].append(one)
    for pid, waiters in sorted(queues.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        longest = max(one.state_s for one in waiters)
        if len(waiters) < 2 and longest < _LOCK_PATIENCE_S:  # noqa: PLR2004 - one short wait is daily business
            continue
        root = sessions.get(pid)
        application = masker.text(root.application if root else "unknown", _NAME)
        query = masker.query(root.query if root else "", _QUERY)
        title = (
            f"{len(waiters)} sessions wait for locks; at the root is pid {pid} of {quoted(application)},"
            f" {root.state if root else 'unseen'}, query {quoted(query)}"
        )
        facts = {
            "root_pid": str(pid),
            "root_application": application,
            "root_query": query,
            "waiters": str(len(waiters)),
            "root_state": root.state if root else "",
            **_identity(root),
            "head_query": masker.query(max(waiters, key=lambda one: one.state_s).query, _QUERY),
        }
        yield _item(report, "lock_queue", title, facts, now=float(len(waiters)), age_s=longest)


def covering(scan: Scan, indexes: Sequence[Index]) -> str:
    """The name of a valid index that leads with a column the scan filters on; "none" if there is none."""
    usable = (one for one in indexes if one.valid and one.table == scan.table and one.columns)
    return next((one.name for one in usable if one.columns[0] in scan.columns), "none")


def _scans(report: DatabaseReport, masker: Masker) -> Iterator[Item]:
    for one in report.scans:
        if one.rows < _SMALL_TABLE or one.calls == 0:
            continue
        index = masker.text(covering(one, report.indexes), _NAME)
        columns = masker.text(", ".join(one.columns), _NAME)
        table, query = masker.text(one.table, _NAME), masker.query(one.query, _QUERY)
        cost = "" if one.mean_ms is None else f", {number(one.mean_ms)} ms each"
        lacking = f"no index on {columns}" if index == "none" else f"although index {index} exists"
        facts = {
            "table": table,
            "columns": ",".join(masker.text(name, _NAME) for name in one.columns),
            "rows": str(one.rows),
            "query": query,
            "index": index,
            **({} if one.mean_ms is None else {"mean_ms": f"{one.mean_ms:.1f}"}),
            **({} if one.calls is None else {"calls": str(one.calls)}),
            **({"hypothetical_index": one.verdict} if one.verdict else {}),
        }
        proven = f"; with it {one.verdict}" if one.verdict else ""
        title = f"{quoted(query)} reads all {number(one.rows)} rows of {table}: {lacking}{cost}{proven}"
        yield _item(report, "full_scan", title, facts, now=one.mean_ms or 0.0)


def _loads(report: DatabaseReport, masker: Masker) -> Iterator[Item]:
    for one in report.tables:
        if one.seq_rows_per_s >= _READ_ROWS_PER_S:
            yield _load(report, one, masker.text(one.table, _NAME))


def _load(report: DatabaseReport, load: TableLoad, table: str) -> Item:
    facts = {
        "table": table,
        "rows": str(load.rows),
        "seq_rows_per_s": f"{load.seq_rows_per_s:.0f}",
        "seq_scans_per_s": f"{load.seq_scans_per_s:.2f}",
        "index_scans_per_s": f"{load.index_scans_per_s:.2f}",
    }
    rows, scans = number(load.seq_rows_per_s), number(load.seq_scans_per_s)
    title = f"table {table}: {rows} rows/s read by {scans} full scans/s"
    return _item(report, "table_load", title, facts, now=load.seq_rows_per_s)


def _connections(report: DatabaseReport) -> Iterator[Item]:
    used, most = len(report.sessions), report.max_connections
    if not most or used < _FULL * most:
        return
    by_state: dict[str, int] = defaultdict(int)
    for one in report.sessions:
        by_state[one.state or "unknown"] += 1
    states = ", ".join(f"{state} {count}" for state, count in sorted(by_state.items()))
    facts = {"used": str(used), "max": str(most), "by_state": states}
    title = f"{used} of {most} connections taken: {states}"
    if report.waits_for_restart:
        facts["waits_for_restart"] = ",".join(report.waits_for_restart)
        title += f"; changed and not in force before a restart: {', '.join(report.waits_for_restart)}"
    yield _item(report, "connections", title, facts, now=float(used))


def _file(report: DatabaseReport, masker: Masker) -> Iterator[Item]:
    """What an embedded database shows: who keeps writers out, a log that grows, a broken schema."""
    yield from (_writer(report, one, masker) for one in report.sessions if _keeps_out(one))
    if report.file is None:
        return
    if report.file.journal_bytes >= _LONG_JOURNAL:
        readers = ", ".join(str(one.pid) for one in report.sessions if one.state == "reads") or "none seen"
        size = f"{report.file.journal_bytes / 1024 / 1024:.0f}"
        title = f"the {report.file.journal} has grown to {size} MB; who reads holds it back: pid {readers}"
        yield _item(report, "other", title, {"journal_mb": size, "readers": readers}, now=float(size))
    if report.file.problems:
        said = masker.text("; ".join(report.file.problems), _QUERY)
        yield _item(report, "other", f"its schema is broken: {said}", {"problems": said})


def _keeps_out(session: Session) -> bool:
    """Whether it is the one writer of a file; SQLite knows no other sessions that write or commit."""
    return session.state in {"writes", "commits"} and session.transaction_s >= _LOCK_PATIENCE_S


def _writer(report: DatabaseReport, session: Session, masker: Masker) -> Item:
    application = masker.text(session.application, _NAME)
    title = (
        f"pid {session.pid} of {quoted(application)} has kept every other writer out for at least"
        f" {session.transaction_s:.1f} s; who waits is not told by SQLite"
    )
    facts = {"root_pid": str(session.pid), "root_application": application, "root_state": session.state}
    return _item(report, "lock_queue", title, facts, now=session.transaction_s, age_s=session.transaction_s)


def _new(report: DatabaseReport, masker: Masker) -> Iterator[Item]:
    """Slow statements that a server which has counted for long has seen for the first time."""
    first = [one.first_seen for one in report.statements if one.first_seen]
    for one in report.statements:
        if not one.first_seen or one.mean_ms < _SLOW_MS or one.first_seen - min(first) < _KNOWN_FOR:
            continue
        if report.at - one.first_seen > _NEWS_FOR:
            continue
        query = masker.query(one.query, _QUERY)
        title = (
            f"{quoted(query)} was first seen at {one.first_seen:%H:%M:%S}: {one.calls} calls,"
            f" {number(one.mean_ms)} ms each"
        )
        facts = {"statement": query, "mean_ms": f"{one.mean_ms:.1f}", "calls": str(one.calls)}
        age_s = max(0.0, (report.at - one.first_seen).total_seconds())
        yield _item(report, "other", title, facts, now=one.mean_ms, age_s=age_s)
