"""The tables. Times are unix milliseconds; states are JSON text of the journey's values."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

VERSION = 1
metadata = MetaData()

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
    Column("opened_at", Integer, nullable=False),
    Column("resolved_at", Integer),
    Column("state", Text, nullable=False),
)

alert = Table(
    "alert",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("incident", ForeignKey("incident.id")),
    Column("dedup_key", String, nullable=False),
    Column("status", String, nullable=False),
    Column("at", Integer, nullable=False),
    Column("raw", Text, nullable=False),
    Index("alert_key", "dedup_key", "at"),
)

timer = Table(
    "timer",
    metadata,
    Column("key", String, primary_key=True),
    Column("incident", ForeignKey("incident.id"), nullable=False),
    Column("kind", String, nullable=False),
    Column(
        "state",
        String,
        CheckConstraint("state in ('armed','leased','done','cancelled','dead')"),
        nullable=False,
    ),
    Column("due_at", Integer, nullable=False),
    Column("owner", String),
    Column("epoch", Integer, nullable=False, server_default="0"),
    Column("lease_until", Integer),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("payload", Text, nullable=False),
    # The predicate is a literal, or SQLite cannot use the index.
    Index("timer_due", "due_at", sqlite_where=text("state='armed'")),
)

outbox = Table(
    "outbox",
    metadata,
    Column("key", String, primary_key=True),
    Column("incident", ForeignKey("incident.id"), nullable=False),
    Column("channel", String, nullable=False),
    Column("target", String, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column(
        "state",
        String,
        CheckConstraint("state in ('queued','sending','sent','failed','unknown','cancelled')"),
        nullable=False,
    ),
    Column("due_at", Integer, nullable=False),
    Column("owner", String),
    Column("lease_until", Integer),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("receipt", String, nullable=False, server_default=""),
    Column("error", Text, nullable=False, server_default=""),
    Index("outbox_due", "due_at", sqlite_where=text("state='queued'")),
)

document = Table(
    "document",
    metadata,
    Column("kind", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("incident", ForeignKey("incident.id"), nullable=False),
    Column("at", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Index("document_incident", "incident", "kind", "at"),
)

decision = Table(
    "decision",
    metadata,
    Column("plan", String, primary_key=True),
    Column("incident", ForeignKey("incident.id"), nullable=False),
    Column("used_at", Integer),
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
    Index(
        "rollout_one_per_service",
        "service",
        unique=True,
        sqlite_where=text("running=1"),
    ),
)

change = Table(
    "change",
    metadata,
    Column("id", String, primary_key=True),
    Column("service", String, nullable=False),
    Column("started_at", Integer, nullable=False),
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
    Column("locked_until", Integer, nullable=False, server_default="0"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("ts", Integer, nullable=False),
    Column("incident", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("actor_kind", String, nullable=False),
    Column("via", String, nullable=False),
    Column("action", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("prev", String, nullable=False),
    Column("hash", String, nullable=False, unique=True),
    Index("audit_incident", "incident", "seq"),
)

# The trail may only grow: the database itself refuses to rewrite it.
GUARDS = tuple(
    f"create trigger if not exists audit_no_{verb} before {verb} on audit "
    "begin select raise(abort, 'the audit trail may only grow'); end"
    for verb in ("update", "delete")
)
