"""The tables as they are now. Times are unix milliseconds; states are JSON text of the journey's values.

`migrations` leads here from every schema that was ever released; a test compares the two.
"""

from collections.abc import Collection

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    FromClause,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    literal_column,
    text,
)

metadata = MetaData()
Ms = BigInteger().with_variant(Integer, "sqlite")


def _partial(name: str, *columns: str, predicate: str, unique: bool = False) -> Index:
    """A partial index. A query uses it when it spells the same literals: see `is_state`."""
    only = text(predicate)
    return Index(name, *columns, unique=unique, sqlite_where=only, postgresql_where=only)


def is_state(table: FromClause, *states: str) -> ColumnElement[bool]:
    """The rows in one of these states, spelled as literals: with bound values no partial index is used."""
    return spelled(table.c.state, states)


def spelled(column: ColumnElement[str], words: Collection[str]) -> ColumnElement[bool]:
    """One of these words of our own, as literals: in a statement that is made once."""
    known: list[ColumnElement[str]] = [literal_column(f"'{one}'") for one in sorted(words)]
    return column.in_(known) if len(known) > 1 else column == known[0]


meta = Table(
    "meta", metadata, Column("key", String, primary_key=True), Column("value", String, nullable=False)
)

incident = Table(
    "incident",
    metadata,
    Column("id", String, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("status", String, nullable=False),
    Column("service", String, nullable=False),
    Column("opened_at", Ms, nullable=False),
    Column("resolved_at", Ms),
    Column("state", Text, nullable=False),
    # Which release of the state machine wrote it; a newer one's incident is left alone.
    Column("machine", Integer, nullable=False, server_default="1"),
    Index("incident_service", "service", "opened_at"),
)

# A post of an alert source as it came in. The sender's id of a post is taken once.
alert_post = Table(
    "alert_post",
    metadata,
    Column("id", Ms, primary_key=True),
    Column("source", String, nullable=False),
    Column("delivery", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("at", Ms, nullable=False),
    Column("size", Integer, nullable=False),
    Column("raw", Text, nullable=False),
    Index("alert_post_at", "at"),
)
Index(
    "alert_post_once",
    alert_post.c.source,
    alert_post.c.delivery,
    unique=True,
    sqlite_where=text("delivery<>''"),
    postgresql_where=text("delivery<>''"),
)

# The posts that nobody has heard yet. `due_at` is null once they were given up; `alerts` is empty where they
# are read from the post itself.
alert_waiting = Table(
    "alert_waiting",
    metadata,
    Column("post", ForeignKey("alert_post.id"), primary_key=True),
    Column("due_at", Ms),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("size", Integer, nullable=False),
    Column("alerts", Text, nullable=False),
)

# What a post told of an alert that was not known before, and once for a post that only repeats.
alert_seen = Table(
    "alert_seen",
    metadata,
    Column("id", Ms, primary_key=True),
    Column("post", ForeignKey("alert_post.id"), nullable=False),
    Column("incident", ForeignKey("incident.id")),
    Column("source", String, nullable=False),
    Column("dedup_key", String, nullable=False),
    Column("status", String, nullable=False),
    Column("at", Ms, nullable=False),
    Index("alert_seen_key", "source", "dedup_key"),
    Index("alert_seen_incident", "incident"),
    Index("alert_seen_post", "post"),
)

# What is known of each alert of each source by now.
alert_track = Table(
    "alert_track",
    metadata,
    Column("source", String, primary_key=True),
    Column("dedup_key", String, primary_key=True),
    Column("service", String, nullable=False),
    Column("incident", ForeignKey("incident.id")),
    Column("counts", Integer, nullable=False),
    Column("silence", String, nullable=False, server_default=""),
    # Mere repeats move these two and leave the state as it is; `words` is what such a repeat says.
    Column("at", Ms, nullable=False),
    Column("count", Integer, nullable=False, server_default="1"),
    Column("words", String, nullable=False, server_default=""),
    Column("state", Text, nullable=False),
    Index("alert_track_incident", "incident", "counts"),
    Index("alert_track_service", "service", "counts"),
    _partial("alert_track_silence", "silence", predicate="silence<>''"),
)

# The services whose alerts an incident holds: its own, and those that joined.
involved_service = Table(
    "involved_service",
    metadata,
    Column("service", String, primary_key=True),
    Column("incident", ForeignKey("incident.id"), primary_key=True),
    Index("involved_service_incident", "incident"),
)

# Silences and maintenance windows, over ones too.
silence = Table(
    "silence",
    metadata,
    Column("id", String, primary_key=True),
    Column("ends_at", Ms, nullable=False),
    Column("state", Text, nullable=False),
    Index("silence_ends", "ends_at"),
)

# Shifts taken, given away or swapped by hand, over ones too.
shift_change = Table(
    "shift_change",
    metadata,
    Column("id", String, primary_key=True),
    Column("at", Ms, nullable=False),
    Column("ends_at", Ms, nullable=False),
    Column("state", Text, nullable=False),
    Index("shift_change_ends", "ends_at"),
)

timer = Table(
    "timer",
    metadata,
    Column("key", String, primary_key=True),
    # None where a timer belongs to no incident: a hand-off, a heartbeat, the end of a maintenance window.
    Column("incident", ForeignKey("incident.id")),
    Column("kind", String, nullable=False),
    Column(
        "state",
        String,
        CheckConstraint("state in ('armed','leased','done','cancelled','dead')"),
        nullable=False,
    ),
    Column("due_at", Ms, nullable=False),
    Column("owner", String),
    Column("epoch", Integer, nullable=False, server_default="0"),
    Column("lease_until", Ms),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("payload", Text, nullable=False),
    _partial("timer_due", "due_at", predicate="state='armed'"),
    _partial("timer_lease", "lease_until", predicate="state='leased'"),
    _partial("timer_dead", "due_at", predicate="state='dead'"),
    Index("timer_incident", "incident"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("key", String, primary_key=True),
    Column("incident", ForeignKey("incident.id")),
    Column("channel", String, nullable=False),
    Column("target", String, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column(
        "state",
        String,
        CheckConstraint(
            "state in ('queued','sending','sent','failed','unknown','cancelled','delivered','seen')"
        ),
        nullable=False,
    ),
    Column("due_at", Ms, nullable=False),
    Column("owner", String),
    Column("lease_until", Ms),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("receipt", String, nullable=False, server_default=""),
    Column("error", Text, nullable=False, server_default=""),
    Column("act", String, nullable=False, server_default="page"),
    Column("severity", String, nullable=False, server_default=""),
    Column("thread", String, nullable=False, server_default=""),
    Column("queued_at", Ms, nullable=False, server_default="0"),
    Column("lost", Integer, nullable=False, server_default="0"),  # its incident knows that it comes too late
    Column("unwanted", Integer, nullable=False, server_default="0"),  # taken back while it was on its way
    _partial("outbox_due", "due_at", predicate="state='queued'"),
    _partial("outbox_lease", "lease_until", predicate="state='sending'"),
    _partial("outbox_way", "incident", "channel", "target", predicate="state in ('queued','sending')"),
    Index("outbox_incident", "incident"),
)

# When which telephone rang, for the limits of ringing; those that no limit asks about any more are deleted.
ring = Table(
    "ring",
    metadata,
    Column("message", String, primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("channel", String, nullable=False),
    Column("target", String, nullable=False),
    Column("at", Ms, nullable=False),
    Column("about", Text, nullable=False),  # incidents
    Index("ring_way", "channel", "target"),
    Index("ring_at", "at"),
)

heartbeat = Table(
    "heartbeat",
    metadata,
    Column("name", String, primary_key=True),
    Column("seen_at", Ms),
    Column("missed_at", Ms),
)

document = Table(
    "document",
    metadata,
    Column("kind", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("incident", ForeignKey("incident.id"), nullable=False),
    Column("at", Ms, nullable=False),
    Column("body", Text, nullable=False),
    Index("document_incident", "incident", "kind", "at"),
)

decision = Table(
    "decision",
    metadata,
    Column("plan", String, primary_key=True),
    Column("incident", ForeignKey("incident.id"), nullable=False),
    Column("used_at", Ms),
    Column("state", Text, nullable=False),
)

rollout = Table(
    "rollout",
    metadata,
    Column("id", String, primary_key=True),
    Column("incident", ForeignKey("incident.id"), nullable=False),
    Column("service", String, nullable=False),
    Column("running", Integer, nullable=False),
    Column("state", Text, nullable=False),
    # One rollout per service: the database itself refuses a second.
    _partial("rollout_one_per_service", "service", predicate="running=1", unique=True),
)

change = Table(
    "change",
    metadata,
    Column("id", String, primary_key=True),
    Column("service", String, nullable=False),
    Column("started_at", Ms, nullable=False),
    Column("body", Text, nullable=False),
    Index("change_time", "started_at"),
)

person = Table(
    "person",
    metadata,
    Column("name", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("pin_hash", String, nullable=False),
    Column("wrong", Integer, nullable=False, server_default="0"),
    Column("locked_until", Ms, nullable=False, server_default="0"),
)

# What closed incidents teach. It outlives them, so it has no reference to them.
memory_case = Table(
    "memory_case",
    metadata,
    Column("id", String, primary_key=True),
    Column("at", Ms, nullable=False),
    Column("service", String, nullable=False),
    Column("body", Text, nullable=False),
    Index("memory_case_at", "at"),
)

# What the placeholders of an incident stand for: a keyed mark to know a value again, and the value, sealed,
# where its kind is kept. A row may be written before that of its incident.
vault = Table(
    "vault",
    metadata,
    Column("incident", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("mark", String, nullable=False),
    Column("sealed", Text, nullable=False),
    Index("vault_mark", "incident", "mark", unique=True),
)

# The trail may only grow: triggers of the first revision refuse to rewrite it.
audit = Table(
    "audit",
    metadata,
    Column("seq", Ms, primary_key=True, autoincrement=False),
    # Its place in the chain of its incident; 0 in rows of the first release, which were one chain.
    Column("n", Ms, nullable=False, server_default="0"),
    Column("ts", Ms, nullable=False),
    Column("incident", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("actor_kind", String, nullable=False),
    Column("via", String, nullable=False),
    Column("action", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("prev", String, nullable=False),
    Column("hash", String, nullable=False, unique=True),
    Column("object", String, nullable=False, server_default=""),
    Column("before_hash", String, nullable=False, server_default=""),
    Column("after_hash", String, nullable=False, server_default=""),
    Index("audit_incident", "incident", "seq"),
    Index(
        "audit_chain",
        "incident",
        "n",
        unique=True,
        sqlite_where=text("n > 0"),
        postgresql_where=text("n > 0"),
    ),
)

# Whom a token in the trail means. Deleting a row makes its token mean nobody; the chain holds on.
audit_person = Table(
    "audit_person",
    metadata,
    Column("name", String, primary_key=True),
    Column("salt", String, nullable=False),
    Column("token", String, nullable=False, unique=True),
)

# Processes that work on this store. On SQLite they must all be on one host.
process = Table(
    "process",
    metadata,
    Column("owner", String, primary_key=True),
    Column("host", String, nullable=False),
    Column("seen_at", Ms, nullable=False),
)
