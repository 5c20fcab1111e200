"""Faults between a service and its database or cache."""

from collections.abc import Mapping

from steadyhand.journey.diagnosis.model import Check
from steadyhand.journey.diagnosis.scene import Scene
from steadyhand.journey.diagnosis.signals.database import full_reads
from steadyhand.journey.diagnosis.suspect import Mechanism, Suspect

_ROOT = ("root_pid", "root_application")
_IDENTITY = ("root_backend_start", "root_query_start", "root_transaction_start", "system")


def _users_of_a_database(scene: Scene) -> tuple[Suspect, ...]:
    """Each service nearby that keeps connections to a database."""
    pairs = ((name, _first_of(scene, name, "database")) for name in scene.of_kind("service"))
    return tuple(
        Suspect(entity=name, kind="service", facts={"database": database, **_held(scene, database)})
        for name, database in pairs
        if database
    )


def _held(scene: Scene, database: str) -> dict[str, str]:
    """What is held there: a queue behind an idle session, and how long a transaction may idle."""
    queues = (one.facts for one in scene.known("lock_queue", about=database))
    idle_head = next((one for one in queues if "root_transaction_start" in one), {})
    held = (one.facts for one in scene.known("idle_in_transaction", about=database))
    limit = next((one["idle_timeout"] for one in held if "idle_timeout" in one), "")
    found = {key: fact for key, fact in idle_head.items() if key in (*_ROOT, *_IDENTITY)}
    return found | ({"idle_timeout": limit} if limit else {})


def _first_of(scene: Scene, service: str, kind: str) -> str:
    owner = scene.topology.get(service)
    needs = owner.depends_on if owner else ()
    return next((name for name in needs if scene.kind(name) == kind), "")


def _tables_read_whole(scene: Scene) -> tuple[Suspect, ...]:
    """Each table that a plan reads whole, and each that is read whole far more than before."""
    scanned = {
        (one.entity, *(one.facts.get(key, "") for key in ("table", "columns", "rows", "system")))
        for one in scene.known("full_scan")
    }
    covered = {(database, table) for database, table, *_ in scanned}
    loaded = {(database, table, "", "", "") for database, table in full_reads(scene) - covered}
    return tuple(
        Suspect(
            entity=database,
            kind="database",
            facts={"database": database, "table": table, "columns": columns, "rows": rows}
            | ({"system": system} if system else {}),
        )
        for database, table, columns, rows, system in sorted(scanned | loaded)
    )


def _lock_queues(scene: Scene) -> tuple[Suspect, ...]:
    """Each database nearby or with a queue, and the session at the head of its queue if there is one."""
    heads = {one.entity: one.facts for one in scene.known("lock_queue")}
    return tuple(
        Suspect(
            entity=name,
            kind="database",
            facts={
                "database": name,
                "root_pid": heads.get(name, {}).get("root_pid", "unknown"),
                "root_application": heads.get(name, {}).get("root_application", "unknown"),
                "head": _head(heads.get(name, {})),
                **{key: fact for key, fact in heads.get(name, {}).items() if key in _IDENTITY},
            },
        )
        for name in dict.fromkeys((*scene.of_kind("database"), *sorted(heads)))
    )


def _head(queue: Mapping[str, str]) -> str:
    """Who holds the lock, in words; a queue may be suspected where no look has shown its head."""
    if "root_pid" not in queue:
        return "a session that no look has shown yet"
    return f"the session of {queue.get('root_application', 'nobody known')} with pid {queue['root_pid']}"


def _caches(scene: Scene) -> tuple[Suspect, ...]:
    return tuple(Suspect(entity=name, kind="cache") for name in scene.of_kind("cache"))


MECHANISMS = (
    Mechanism(
        name="connection_leak",
        suspects=_users_of_a_database,
        claim="{entity} takes connections to {database} and does not give them back: sessions stay idle in "
        "a transaction until none is free and callers wait.",
        checks=(
            Check(
                name="idle sessions keep ageing",
                tool="inspect_database",
                query="{database}",
                look_at="pg_stat_activity of {database}: state, query and age of {entity}'s sessions, twice",
                expect_if_true="the same sessions idle in transaction, each older, last query a read",
                expect_if_false="other sessions each time, or last query a write not older than a timeout",
            ),
            Check(
                name="shape of the pool",
                tool="query_metrics",
                query="connections in use by {entity}",
                role=("saturation",),
                look_at="connections in use by {entity} against its limit, one-second steps",
                expect_if_true="rises along a line, and does not fall when traffic does",
                expect_if_false="jumps to the limit at one stroke",
            ),
        ),
        brought_by=frozenset({"code", "config", "flag"}),
        words=frozenset({"conn", "pool", "transaction", "commit", "cursor", "getconn", "checkout_timeout"}),
        remediation="restart",
        remediation_of_change="rollback",
        playbook="connection-leak",
    ),
    Mechanism(
        name="missing_index",
        suspects=_tables_read_whole,
        claim="Statements on {table} ({columns}) in {database} read the whole table because no index fits; "
        "every call takes as long as the table is big.",
        checks=(
            Check(
                name="plan of the statement",
                tool="inspect_database",
                query="{database}",
                look_at="EXPLAIN, without ANALYZE, of the slow statement on {table}",
                expect_if_true="a sequential scan of {table} with a filter on {columns}",
                expect_if_false="an index scan",
            ),
            Check(
                name="rows read without an index",
                tool="inspect_database",
                query="{database}",
                look_at="pg_stat_user_tables of {table}: seq_tup_read, twice some seconds apart",
                expect_if_true="grows by a multiple of the table's rows each second",
                expect_if_false="hardly moves",
            ),
            Check(
                name="indexes of the table",
                tool="inspect_database",
                query="{database}",
                look_at="pg_index of {table}: columns and indisvalid",
                expect_if_true="no valid index begins with {columns}",
                expect_if_false="a valid index begins with {columns}",
            ),
        ),
        brought_by=frozenset({"code", "config", "flag", "migration"}),
        remediation="create_index",
        playbook="missing-index",
    ),
    Mechanism(
        name="lock_queue",
        suspects=_lock_queues,
        claim="In {database} {head} holds a lock; the others queue behind it, whatever stands at the head "
        "of the waiting.",
        checks=(
            Check(
                name="head of the queue",
                tool="inspect_database",
                query="{database}",
                look_at="pg_blocking_pids of {database} followed to the session nobody blocks",
                expect_if_true="all chains end at one session, which is active and waits for nothing",
                expect_if_false="no chain, or it ends at a session that waits for its own client",
            ),
        ),
        brought_by=frozenset({"migration", "schedule", "other"}),
        words=frozenset({"alter", "lock", "vacuum", "reindex"}),
        playbook="lock-queue",
    ),
    Mechanism(
        name="cache_loss",
        suspects=_caches,
        claim="{entity} is lost or hits nothing; the reads it took now all go to what lies behind it.",
        checks=(
            Check(
                name="cache answers",
                tool="query_metrics",
                query="up, hits and misses of {entity}",
                role=("up", "work"),
                look_at="liveness and hit ratio of {entity} since the onset",
                expect_if_true="not reachable, or hits near zero since the onset",
                expect_if_false="reachable with its usual hit ratio",
            ),
        ),
        brought_by=frozenset({"config", "scaling", "flag"}),
        words=frozenset({"cache", "ttl", "evict"}),
        remediation="restart",
        remediation_of_change="config_revert",
    ),
)
