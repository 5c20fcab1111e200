"""Long values in few words: a diagnosis, a rollout, a look into a database."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from steadyhand.journey.diagnosis.model import Check, Diagnosis, Hypothesis, Outcome, RuledOut
from steadyhand.journey.diagnosis.playbook import Playbook, Way
from steadyhand.journey.evidence.model import DatabaseFile, DatabaseReport, Session, Statement
from steadyhand.journey.rollout.live import live
from steadyhand.journey.rollout.state import OVER, Rollout
from steadyhand.tools.answers import wanted

_PIDS = 6
_COMPARED = 2  # how many of the first say what speaks against the others
_QUERY = 200
_MOST_KEPT = 8
_MB = 1024 * 1024


def tell_diagnosis(engine: Diagnosis, opinion: Diagnosis | None) -> str:
    """Hypotheses with all that a model needs to weigh them, and the words it needs to submit its own."""
    head = f"None of these: {engine.none_of_these:.0%}. Confidence is {engine.calibrated_on}."
    lines = [head, *(text for one in engine.hypotheses for text in _hypothesis(one))]
    lines += [
        f"{one.evidence}: check {one.check!r} of {one.hypothesis} {_said(one)}" for one in engine.checked
    ]
    if engine.unexplained:
        lines.append(f"Explained by none: {_ids(engine.unexplained)}")
    lines += [f"not seen: {one}" for one in engine.data_gaps]
    if opinion is not None:
        lines.append(f"Submitted by a model (none of these: {opinion.none_of_these:.0%}):")
        lines += [text for one in opinion.hypotheses for text in _head(one)]
    return "\n".join(lines)


def _said(one: Outcome) -> str:
    return f"{one.outcome.replace('_', ' ')}, says {one.by}: {one.seen!r}"


def _head(one: Hypothesis) -> Iterator[str]:
    change = f", change {one.cause.change_id}" if one.cause.change_id else ""
    began = f", began {one.onset.lo:%H:%M:%S}-{one.onset.hi:%H:%M:%S} UTC" if one.onset else ""
    cause = f"{one.cause.fault_class} of {one.cause.entity} ({one.cause.entity_kind})"
    yield f"{one.id} {one.confidence:.1%} {cause}{change}{began}"
    yield f"  {one.claim}"
    yield f"  for: {_ids(one.supports)}; against: {_ids(one.contradicts)}"


def _hypothesis(one: Hypothesis) -> Iterator[str]:
    yield from _head(one)
    for step in one.path:
        yield f"  path: {step.source} -> {step.target} [{_ids(step.evidence)}]"
    if one.ruled_out and one.rank <= _COMPARED:
        yield "  not instead: " + "; ".join(map(_not, one.ruled_out))
    yield from (f"  check: {_check(check)}" for check in one.checks)
    if one.unexplained:
        yield f"  does not explain: {_ids(one.unexplained)}"
    if one.rank <= _COMPARED:
        yield from (f"  not known: {gap}" for gap in one.data_gaps)
    yield f"  hurts: {', '.join(one.blast_radius) or '-'}; would help: {one.remediation}"


def _not(other: RuledOut) -> str:
    cited = f" [{_ids(other.evidence)}]" if other.evidence else ""
    return f"{other.what}{cited} ({other.why})"


def _check(one: Check) -> str:
    by = f" by {one.tool}{f' {one.query!r}' if one.query else ''}" if one.tool else ""
    return f"{one.name}: {one.look_at}{by}. If true: {one.expect_if_true}. If not: {one.expect_if_false}."


def tell_playbook(one: Playbook) -> str:
    """A playbook as a colleague would tell it: what to look at first, then what fools, then what helps."""
    return "\n".join(
        (
            f"{one.title or one.id} ({one.mechanism}). First: {one.first or one.checks[0].look_at}",
            *(f"sign: {symptom.says}" for symptom in one.symptoms),
            *(f"against: {symptom.says}" for symptom in one.against),
            *(f"check {_check(check)}" for check in one.checks),
            *(f"not {other.mechanism}: {other.told_apart_by}" for other in one.look_alikes),
            *(f"fix: {_way(way)}" for way in one.fixes),
            *(f"trap: {trap}" for trap in one.traps),
            one.prose,
        )
    )


def _way(way: Way) -> str:
    when = f" When: {way.when}." if way.when else ""
    never = f" Not when: {way.not_when}." if way.not_when else ""
    return f"{way.fix} Back: {way.rollback}{when}{never}"


def _ids(found: Sequence[str]) -> str:
    return " ".join(found) or "-"


def tell_rollout(one: Rollout, now: datetime) -> str:
    """Where a rollout stands, on which figures, and what is still to be seen."""
    shown = live(one, now)
    seconds = (now - one.phase_at).total_seconds()
    share = "" if shown.over else f", {shown.share:.0%} of traffic on the fix"
    left = "" if shown.seconds_left is None else f"; {shown.seconds_left} s {shown.until}"
    lines = [
        f"{one.id} of {one.plan.id} ({one.plan.fix.title}): {one.phase} for {seconds:.0f} s{share}{left}.",
        one.reason,
    ]
    if shown.figures is not None:
        lines.append(f"Judge: {shown.verdict} ({shown.words}).")
        seen = shown.figures.could_have_seen
        lines.append(f"Smallest harm it could have seen so far: {f'{seen:.1f}x' if seen else 'none at all'}.")
    lines += _goals(one)
    return "\n".join(one for one in (*lines, _outlook(one)) if one)


def _outlook(one: Rollout) -> str:
    if one.phase == "stuck":
        return "It could not be taken back: a person has to look at what it changed, now. escalate_incident."
    if one.phase in OVER:
        return "It is over."
    if one.phase == "asking":
        return "A person decides on the console, or by `steadyhand promote`, `widen`, `abort`; silence: back."
    return "It goes on by itself; abort_rollout takes it back at any time."


def _goals(one: Rollout) -> Iterator[str]:
    values = {reading.name: reading.value for reading in one.readings}
    for goal in one.plan.goals:
        value = values.get(goal.name)
        shown = "not read yet" if goal.name not in values else "no data" if value is None else f"{value:.3g}"
        yield f"Goal {wanted(goal)}: {shown}."


def tell_database(report: DatabaseReport) -> Iterator[str]:
    """The lines of a look into a database: sessions alike together, then locks, scans, loads and indexes."""
    room = f" of at most {report.max_connections}" if report.max_connections else ""
    yield f"{report.database} at {report.at:%H:%M:%S} UTC: {len(report.sessions)} sessions{room}."
    yield from (
        f"{one} was changed, and is not in force before a restart" for one in report.waits_for_restart
    )
    if report.idle_timeout_ms == 0:
        yield "a transaction may idle for ever: idle_in_transaction_session_timeout is not set"
    yield from (f"not seen: {one}" for one in report.gaps)
    yield from _locks(report.sessions)
    for scan in report.scans:
        cost = f"mean {scan.mean_ms:.4g} ms, {scan.calls} calls" if scan.calls else "no figures"
        what = f"full scan of {scan.table} ({scan.rows} rows) on {', '.join(scan.columns)}"
        verdict = f"; hypothetical index: {scan.verdict}" if scan.verdict else ""
        yield f"{what}, {cost}{verdict}: {scan.query[:_QUERY]!r}"
    yield from _sessions(report.sessions)
    yield from map(_statement, report.statements[:_MOST_KEPT])
    for table in report.tables:
        yield (
            f"table {table.table}: {table.rows} rows; per second {table.seq_scans_per_s:.3g} full scans, "
            f"{table.seq_rows_per_s:.3g} rows read by them, {table.index_scans_per_s:.3g} index scans"
        )
    for index in report.indexes:
        state = "" if index.valid else ": INVALID"
        yield f"index {index.name} on {index.table} ({', '.join(index.columns)}){state}"
    yield from _kept(report)


def _locks(sessions: Sequence[Session]) -> Iterator[str]:
    """Who holds up whom, from those that wait for nobody down."""
    waiting = {one.pid: one for one in sessions if one.blocked_by}
    held: dict[int, list[int]] = {}
    for one in waiting.values():
        for pid in one.blocked_by:
            held.setdefault(pid, []).append(one.pid)
    known = {one.pid: one for one in sessions}
    roots = [pid for pid in held if pid not in waiting] or list(held)[:1]  # a circle has no first
    for root in roots:
        yield f"blocks others: {_blocker(known.get(root), root)}"
        yield from _held_up(root, held, waiting, 1, {root})


def _held_up(
    pid: int, held: Mapping[int, Sequence[int]], waiting: Mapping[int, Session], deep: int, told: set[int]
) -> Iterator[str]:
    for one in held.get(pid, ()):
        if one not in told:
            told.add(one)
            yield f"{'  ' * deep}pid {one} waits for {pid}: {waiting[one].query[:_QUERY]!r}"
            yield from _held_up(one, held, waiting, deep + 1, told)


def _blocker(one: Session | None, pid: int) -> str:
    if one is None:
        return f"pid {pid}, which is not shown"
    who = f"pid {pid}, {one.application or 'unnamed'}, {one.state} for {one.state_s:.0f} s"
    return f"{who}, {one.query[:_QUERY]!r}"


def _statement(one: Statement) -> str:
    most = "" if one.max_ms is None else f", at most {one.max_ms:.1f}"
    rows = "" if one.rows_read is None else f", {one.rows_read:.0f} rows read each"
    seen = "" if one.first_seen is None else f", first seen {one.first_seen:%m-%d %H:%M:%S}"
    return (
        f"statement: {one.calls} calls, mean {one.mean_ms:.1f} ms{most}{rows}{seen}: {one.query[:_QUERY]!r}"
    )


def _file(file: DatabaseFile) -> Iterator[str]:
    free = f", {file.free_bytes / _MB:.1f} MB of it free pages" if file.free_bytes else ""
    yield f"file: {file.bytes / _MB:.1f} MB{free}; {file.journal}: {file.journal_bytes / _MB:.1f} MB"
    yield from (f"file: BROKEN: {one}" for one in file.problems)


def _kept(report: DatabaseReport) -> Iterator[str]:
    """Who is connected from where, what wants vacuum, who lags."""
    if report.file is not None:
        yield from _file(report.file)
    for one in report.clients[:_MOST_KEPT]:
        who = f"{one.application or 'unnamed'} as {one.role} from {one.address}"
        yield f"connections: {one.count} x {who}, {one.state}"
    for table in report.health[:_MOST_KEPT]:
        if table.dead_rows or table.bloat_bytes:
            bloat = (
                ""
                if table.bloat_bytes is None
                else f", bloat about {table.bloat_bytes / _MB:.1f} MB (estimate)"
            )
            vacuumed = f"{table.vacuumed_at:%m-%d %H:%M}" if table.vacuumed_at else "never"
            vacuum = "" if report.file else f", vacuumed {vacuumed}"
            yield (
                f"table {table.table}: {table.dead_rows} dead of {table.live_rows + table.dead_rows} rows, "
                f"{table.bytes / _MB:.1f} MB{bloat}{vacuum}"
            )
    for replica in report.replicas:
        lag = "" if replica.lag_s is None else f", {replica.lag_s:.1f} s behind"
        size = "" if replica.lag_bytes is None else f", {replica.lag_bytes / _MB:.1f} MB behind"
        yield f"replication: {replica.name} {replica.state}{size}{lag}"
    if report.ids is not None:
        yield f"transaction ids: oldest {report.ids.oldest}, forced vacuum at {report.ids.freeze_at}"


def _sessions(sessions: Sequence[Session]) -> Iterator[str]:
    ordered = sorted(sessions, key=_alike)
    for (application, state, wait, query), group in groupby(ordered, key=_alike):
        alike = list(group)
        ages = [one.state_s for one in alike]
        pids = ", ".join(str(one.pid) for one in alike[:_PIDS])
        more = f" and {len(alike) - _PIDS} more" if len(alike) > _PIDS else ""
        yield (
            f"{len(alike)} x {application or 'unnamed'} {state}{f', waits: {wait}' if wait else ''}, "
            f"for {min(ages):.0f} to {max(ages):.0f} s, pid {pids}{more}, last query {query!r}"
        )


def _alike(one: Session) -> tuple[str, str, str, str]:
    return one.application, one.state, one.wait, one.query[:_QUERY]
