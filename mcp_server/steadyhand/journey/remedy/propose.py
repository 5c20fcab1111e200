"""Typed fixes for a hypothesis, best first."""

import hashlib
import re
from datetime import datetime
from typing import Literal

from steadyhand.journey.diagnosis.model import Diagnosis, Hypothesis
from steadyhand.journey.remedy.model import (
    CancelBackend,
    CreateIndex,
    DropIndex,
    EndSession,
    Fix,
    Nothing,
    SetRelease,
    SetSetting,
)
from steadyhand.journey.remedy.rule import RemedyRule
from steadyhand.journey.topology import Topology

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_LONGEST = 63
_DIGEST = 8
_HOLDS_TRANSACTIONS = frozenset({"lock_queue", "connection_leak"})
_PLAUSIBLE = 0.2
_CANCEL_S = 15
_RELOAD_S = 60
_IDLE_TIMEOUT = "idle_in_transaction_session_timeout"


def propose(
    hypothesis: Hypothesis, diagnosis: Diagnosis, topology: Topology, rule: RemedyRule
) -> tuple[Fix, ...]:
    """What would help if the hypothesis is true; empty where no typed fix exists.

    A third party or a lack of capacity has none: a human acts there by the playbook.
    """
    fixes = (
        _index(hypothesis, diagnosis, rule),
        _cancel(hypothesis),
        _end(hypothesis),
        _release(hypothesis, topology, rule),
        _limit(hypothesis, rule),
    )
    return tuple(one for one in fixes if one is not None)


def index_name(table: str, columns: tuple[str, ...]) -> str:
    """A name of at most 63 characters; a long one is cut and told apart by a digest of the whole."""
    name = f"ix_{table}_{'_'.join(columns)}"
    if len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
    return f"{name[: _LONGEST - _DIGEST - 1]}_{digest}"


def _release(hypothesis: Hypothesis, topology: Topology, rule: RemedyRule) -> Fix | None:
    """Back to the release before, if a release brought it and the one before is known."""
    facts = hypothesis.cause.facts
    service, version, previous = (facts.get(key, "") for key in ("service", "version", "previous"))
    is_release = facts.get("change_kind") == "code" and topology.get(service) is not None
    if not is_release or not version or not previous or version == previous:
        return None
    return Fix(
        title=f"Roll {service} back from {version} to {previous}",
        action=SetRelease(service=service, version=previous),
        rollback=SetRelease(service=service, version=version),
        risk="low",
        why_this_risk=f"{previous} ran here until {version} came; a small share of traffic tries it first.",
        recovery_s=round(rule.release_recovery.total_seconds()),
        canaryable=True,
        blast_radius=(service,),
        cost=f"Takes away whatever {version} brought, the wanted part too.",
    )


def _cancel(hypothesis: Hypothesis) -> Fix | None:
    """Cancel the statement at the head of a lock queue, where it runs one and can be told from all others."""
    facts = hypothesis.cause.facts
    database, pid, application = (facts.get(key, "") for key in ("database", "root_pid", "root_application"))
    started, began = facts.get("root_backend_start"), facts.get("root_query_start")
    if hypothesis.cause.fault_class != "lock_queue" or not (pid.isdecimal() and started and began):
        return None
    return Fix(
        title=f"Cancel the statement of {application} (pid {pid}) in {database}",
        action=CancelBackend(
            database=database,
            pid=int(pid),
            backend_start=datetime.fromisoformat(started),
            query_start=datetime.fromisoformat(began),
            application=application[:100],
        ),
        rollback=Nothing(why="its client got an error and may run the statement again"),
        risk="medium",
        why_this_risk="What it did so far is rolled back; no other statement is touched, not even its next.",
        recovery_s=_CANCEL_S,
        canaryable=False,
        reversible=False,
        production_database=True,
        blast_radius=(database,),
        cost=f"{application} loses the work of this statement; a migration may have to be run again.",
    )


def _end(hypothesis: Hypothesis) -> Fix | None:
    """End the session at the head of a lock queue, where it sits idle in a transaction: nothing to cancel."""
    facts = hypothesis.cause.facts
    database, pid, application = (facts.get(key, "") for key in ("database", "root_pid", "root_application"))
    started, began = facts.get("root_backend_start"), facts.get("root_transaction_start")
    blamed = hypothesis.cause.fault_class in _HOLDS_TRANSACTIONS
    if not blamed or not (pid.isdecimal() and started and began):
        return None
    return Fix(
        title=f"End the idle session of {application} (pid {pid}) in {database}",
        action=EndSession(
            database=database,
            pid=int(pid),
            backend_start=datetime.fromisoformat(started),
            transaction_start=datetime.fromisoformat(began),
            application=application[:100],
        ),
        rollback=Nothing(why="its transaction is rolled back and its client has to connect again"),
        risk="medium",
        why_this_risk="What it wrote and did not commit is lost; no other session, and no later transaction "
        "of this one, is touched.",
        recovery_s=_CANCEL_S,
        canaryable=False,
        reversible=False,
        production_database=True,
        blast_radius=(database,),
        cost=f"{application} loses that connection and the work of its open transaction.",
    )


def _limit(hypothesis: Hypothesis, rule: RemedyRule) -> Fix | None:
    """A limit on idle transactions, where sessions leak and the database lets them sit for ever.

    Only where nobody has set one: then a reset is the exact way back.
    """
    facts = hypothesis.cause.facts
    database, unlimited = facts.get("database", ""), facts.get("idle_timeout") == "0"
    if hypothesis.cause.fault_class != "connection_leak" or not database or not unlimited:
        return None
    seconds = round(rule.idle_in_transaction.total_seconds())
    return Fix(
        title=f"Let {database} end sessions that sit idle in a transaction for {seconds} s",
        action=SetSetting(database=database, name=_IDLE_TIMEOUT, value=f"{seconds}s"),
        rollback=SetSetting(database=database, name=_IDLE_TIMEOUT, value=None),
        risk="medium",
        why_this_risk="It holds for every client of that server; one that thinks for longer between two "
        "statements loses its transaction.",
        recovery_s=seconds + _RELOAD_S,
        canaryable=False,
        production_database=True,
        blast_radius=(database,),
        cost="It takes back what leaks from now on, and mends nothing: what is idle already stays until its "
        "process is restarted.",
    )


def _index(hypothesis: Hypothesis, diagnosis: Diagnosis, rule: RemedyRule) -> Fix | None:
    """The missing index, where table and columns are plain names that can be trusted in a statement."""
    facts = hypothesis.cause.facts
    database, table = facts.get("database", ""), facts.get("table", "")
    columns = tuple(facts.get("columns", "").replace(" ", "").split(","))
    if hypothesis.cause.fault_class != "missing_index" or not database:
        return None
    if not all(_IDENTIFIER.fullmatch(name) for name in (table, *columns)):
        return None
    name = index_name(table, columns)
    rows = int(facts["rows"]) if facts.get("rows", "").isdecimal() else None
    risk, why = _index_risk(hypothesis, diagnosis, rows, rule)
    return Fix(
        title=f"Create an index on {table} ({', '.join(columns)}) in {database}, concurrently",
        action=CreateIndex(database=database, table=table, columns=columns, name=name),
        rollback=DropIndex(database=database, name=name),
        risk=risk,
        why_this_risk=why,
        recovery_s=round(rule.index_settle.total_seconds() + (rows or 0) / rule.index_rows_per_s),
        canaryable=False,
        production_database=True,
        blast_radius=(database,),
        cost=f"The build reads the whole table{f' of {rows} rows' if rows else ''} and takes disk; "
        "each later write keeps the index up to date.",
    )


def _index_risk(
    hypothesis: Hypothesis, diagnosis: Diagnosis, rows: int | None, rule: RemedyRule
) -> tuple[Literal["medium", "high"], str]:
    if _transactions_may_hang(hypothesis, diagnosis):
        return "high", "Sessions may hold transactions open there; the build would wait for them."
    if rows is not None and rows > rule.big_table_rows:
        return "high", f"The table has {rows} rows; the build loads the database for long."
    return "medium", "It changes a production database, but blocks no writer and can be dropped again."


def _transactions_may_hang(hypothesis: Hypothesis, diagnosis: Diagnosis) -> bool:
    database = hypothesis.cause.facts.get("database")
    return any(
        one.cause.fault_class in _HOLDS_TRANSACTIONS
        and one.cause.facts.get("database") == database
        and one.confidence >= _PLAUSIBLE
        for one in diagnosis.hypotheses
    )
