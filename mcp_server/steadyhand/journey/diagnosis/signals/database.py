"""Signals a read-only look into a database gives."""

import re

from steadyhand.journey.diagnosis.scene import Scene, ids, number, speaks_of
from steadyhand.journey.diagnosis.signals.signal import Signal
from steadyhand.journey.diagnosis.suspect import Suspect
from steadyhand.journey.evidence.model import Item

_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_READS = frozenset({"select", "with", "show", "fetch", "values", "table"})
_WRITES = frozenset({"insert", "update", "delete", "merge", "copy"})
_WHOLE = frozenset({"seq", "sequential", "full"})  # words of counters of reads without an index
_TABLE_LABELS = ("relname", "table", "table_name", "relation", "collection")
_SPREAD_S = 5.0  # sessions stuck at one instant have one age; sessions lost one by one do not
_SMALL_ROWS = 10_000
_SLOW_MS = 50.0


def _first_word(query: str) -> str:
    words = _COMMENT.sub(" ", query).strip(" \"'(\n\t").split(maxsplit=1)
    return words[0].lower() if words else ""


def _idle(scene: Scene, suspect: Suspect) -> tuple[Item, ...]:
    """Sessions idle in transaction that can be the suspect's, as far as their names tell."""
    held = scene.shown("idle_in_transaction")
    if suspect.kind != "service":
        return held
    return tuple(one for one in held if _can_hold(scene, suspect.entity, one))


def _can_hold(scene: Scene, service: str, item: Item) -> bool:
    application = item.facts.get("application", "")
    if scene.topology.get(application) is not None:
        return application == service
    owner = scene.topology.get(service)
    return scene.kind(item.entity) is None or (owner is not None and item.entity in owner.depends_on)


def _sessions_idle(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    return ids(_idle(scene, suspect))


def _idle_after_read(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    held = _idle(scene, suspect)
    return ids(one for one in held if _first_word(one.facts.get("last_query", "")) in _READS)


def _idle_after_write(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    held = _idle(scene, suspect)
    return ids(one for one in held if _first_word(one.facts.get("last_query", "")) in _WRITES)


def _idle_ages_spread(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    held = _idle(scene, suspect)
    return ids(one for one in held if number(one, "oldest_s") - number(one, "youngest_s") >= _SPREAD_S)


def _root_idles(scene: Scene, queue: Item) -> bool:
    """Whether the head of a lock queue is itself a session that holds a transaction and waits."""
    idle = {one.facts.get("application") for one in scene.shown("idle_in_transaction")}
    return queue.facts.get("root_application") in idle


def _session_blocks_others(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    return ids(scene.shown("lock_queue", about=suspect.entity))


def _blocker_idles(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    return ids(one for one in scene.shown("lock_queue", about=suspect.entity) if _root_idles(scene, one))


def _a_session_blocks(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    del suspect  # a blocked database speaks against every other mechanism alike
    return ids(one for one in scene.shown("lock_queue") if not _root_idles(scene, one))


def _scans(scene: Scene, suspect: Suspect) -> tuple[Item, ...]:
    table, columns = suspect.facts.get("table"), suspect.facts.get("columns")
    return tuple(
        one
        for one in scene.known("full_scan", about=suspect.entity)
        if one.facts.get("table") == table and one.facts.get("columns") == columns
    )


def _scan_without_index(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    return ids(one for one in _scans(scene, suspect) if lacks_index(one))


def _index_exists(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    return ids(one for one in _scans(scene, suspect) if not lacks_index(one))


def _statement_is_slow(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    return ids(one for one in _scans(scene, suspect) if number(one, "mean_ms") >= _SLOW_MS)


def _table_is_small(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    return ids(one for one in _scans(scene, suspect) if 0 < number(one, "rows") < _SMALL_ROWS)


def lacks_index(scan: Item) -> bool:
    """Whether no index covers the columns the scan filters on."""
    return scan.facts.get("index", "none") == "none"


def reads_of(scene: Scene, database: str, table: str) -> tuple[Item, ...]:
    """Signs that this table is read far more than before."""
    return tuple(
        one
        for one in scene.page.items
        if one.role in {"table_load", "work"}
        and one.direction in {"up", "new"}
        and speaks_of(one, database)
        and _table_of(one) == table
    )


def full_reads(scene: Scene) -> set[tuple[str, str]]:
    """Database and table of each sign that a table is read whole far more than before."""
    signs = (one for one in scene.page.items if one.role == "table_load" or _counts_scans(one))
    found = {(one.entity, _table_of(one)) for one in signs if one.direction in {"up", "new"}}
    return {(database, table) for database, table in found if table}


def _counts_scans(item: Item) -> bool:
    words = set(re.split(r"[^a-z0-9]+", item.facts.get("metric", "").lower()))
    return item.role == "work" and bool(words & _WHOLE)


def _table_of(item: Item) -> str:
    """The table an item speaks of: a fact of a database look, a label of a metric."""
    labels = dict(one.split("=", 1) for one in item.facts.get("labels", "").split(",") if "=" in one)
    named = (labels[one] for one in _TABLE_LABELS if one in labels)
    return item.facts.get("table") or next(named, "")


def _table_read_jumps(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    return ids(reads_of(scene, suspect.entity, suspect.facts.get("table", "")))


def _a_table_is_read_whole(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    del suspect  # the same for whoever else is suspected
    scans = [one for one in scene.known("full_scan") if lacks_index(one)]
    loads = [(one, reads_of(scene, one.entity, one.facts.get("table", ""))) for one in scans]
    return ids(item for scan, reads in loads if reads for item in (scan, *reads))


SIGNALS = (
    Signal("sessions_idle", "sessions sit idle in a transaction", "database", _sessions_idle),
    Signal(
        "idle_after_read", "sessions sit idle in a transaction after a read", "database", _idle_after_read
    ),
    Signal(
        "idle_after_write", "sessions sit idle in a transaction after a write", "database", _idle_after_write
    ),
    Signal(
        "idle_ages_spread",
        "the idle transactions began one after the other, not at one instant",
        "database",
        _idle_ages_spread,
    ),
    Signal(
        "session_blocks_others",
        "one session stands at the head of a queue for a lock",
        "database",
        _session_blocks_others,
    ),
    Signal(
        "blocker_idles",
        "the blocking session itself sits idle in a transaction, a victim of something else",
        "database",
        _blocker_idles,
    ),
    Signal("a_session_blocks", "one working session blocks the others", "database", _a_session_blocks),
    Signal(
        "scan_without_index",
        "a statement reads the whole table and no index covers its columns",
        "database",
        _scan_without_index,
    ),
    Signal("index_exists", "an index covers the columns", "database", _index_exists),
    Signal("statement_is_slow", "the statement is slow", "database", _statement_is_slow),
    Signal("table_is_small", "the table is too small for a full read to hurt", "database", _table_is_small),
    Signal("table_read_jumps", "the table is read far more than before", "database", _table_read_jumps),
    Signal(
        "a_table_is_read_whole",
        "a table without a fitting index is read whole, far more than before",
        "database",
        _a_table_is_read_whole,
    ),
)
