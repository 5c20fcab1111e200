"""The schema of the first release."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_MS = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIMER_STATES = "state in ('armed','leased','done','cancelled','dead')"
_OUTBOX_STATES = "state in ('queued','sending','sent','failed','unknown','cancelled')"
_ONLY_GROWS = "the audit trail may only grow"


def upgrade() -> None:
    """Create everything."""
    _create_incidents()
    _create_queues()
    _create_papers()
    _create_people()
    _create_audit()
    meta = op.create_table(
        "meta", sa.Column("key", sa.String, primary_key=True), sa.Column("value", sa.String, nullable=False)
    )
    op.bulk_insert(meta, [{"key": "schema", "value": "1"}])


def _index(name: str, table: str, columns: list[str], where: str = "", *, unique: bool = False) -> None:
    only = sa.text(where) if where else None
    op.create_index(name, table, columns, unique=unique, sqlite_where=only, postgresql_where=only)


def _of_incident(*, nullable: bool = False) -> sa.Column[str]:
    return sa.Column("incident", sa.String, sa.ForeignKey("incident.id"), nullable=nullable)


def _create_incidents() -> None:
    op.create_table(
        "incident",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("service", sa.String, nullable=False),
        sa.Column("opened_at", _MS, nullable=False),
        sa.Column("resolved_at", _MS),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_table(
        "alert",
        sa.Column("id", _MS, primary_key=True),
        _of_incident(nullable=True),
        sa.Column("dedup_key", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("at", _MS, nullable=False),
        sa.Column("raw", sa.Text, nullable=False),
    )
    _index("alert_key", "alert", ["dedup_key", "at"])


def _create_queues() -> None:
    op.create_table(
        "timer",
        sa.Column("key", sa.String, primary_key=True),
        _of_incident(),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("state", sa.String, sa.CheckConstraint(_TIMER_STATES), nullable=False),
        sa.Column("due_at", _MS, nullable=False),
        sa.Column("owner", sa.String),
        sa.Column("epoch", sa.Integer, nullable=False, server_default="0"),
        sa.Column("lease_until", _MS),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("payload", sa.Text, nullable=False),
    )
    _index("timer_due", "timer", ["due_at"], "state='armed'")
    op.create_table(
        "outbox",
        sa.Column("key", sa.String, primary_key=True),
        _of_incident(),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", sa.String, sa.CheckConstraint(_OUTBOX_STATES), nullable=False),
        sa.Column("due_at", _MS, nullable=False),
        sa.Column("owner", sa.String),
        sa.Column("lease_until", _MS),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("receipt", sa.String, nullable=False, server_default=""),
        sa.Column("error", sa.Text, nullable=False, server_default=""),
    )
    _index("outbox_due", "outbox", ["due_at"], "state='queued'")


def _create_papers() -> None:
    op.create_table(
        "document",
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("id", sa.String, primary_key=True),
        _of_incident(),
        sa.Column("at", _MS, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    _index("document_incident", "document", ["incident", "kind", "at"])
    op.create_table(
        "decision",
        sa.Column("plan", sa.String, primary_key=True),
        _of_incident(),
        sa.Column("used_at", _MS),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_table(
        "rollout",
        sa.Column("id", sa.String, primary_key=True),
        _of_incident(),
        sa.Column("service", sa.String, nullable=False),
        sa.Column("running", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    _index("rollout_one_per_service", "rollout", ["service"], "running=1", unique=True)
    op.create_table(
        "change",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("service", sa.String, nullable=False),
        sa.Column("started_at", _MS, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    _index("change_time", "change", ["started_at"])


def _create_people() -> None:
    op.create_table(
        "person",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("pin_hash", sa.String, nullable=False),
        sa.Column("wrong", sa.Integer, nullable=False, server_default="0"),
        sa.Column("locked_until", _MS, nullable=False, server_default="0"),
    )


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", _MS, primary_key=True, autoincrement=False),
        sa.Column("ts", _MS, nullable=False),
        *(
            sa.Column(name, sa.String, nullable=False)
            for name in ("incident", "actor", "actor_kind", "via", "action")
        ),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("prev", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False, unique=True),
    )
    _index("audit_incident", "audit", ["incident", "seq"])
    for statement in _guards(op.get_bind().dialect.name):
        op.execute(statement)


def _guards(dialect: str) -> list[str]:
    """The database itself refuses to rewrite the trail."""
    if dialect == "sqlite":
        return [
            f"create trigger audit_no_{verb} before {verb} on audit "
            f"begin select raise(abort, '{_ONLY_GROWS}'); end"
            for verb in ("update", "delete")
        ]
    refuse = f"begin raise exception '{_ONLY_GROWS}' using errcode = 'integrity_constraint_violation'; end"
    return [
        f"create function audit_may_only_grow() returns trigger language plpgsql as $$ {refuse} $$",
        *(
            f"create trigger audit_no_{verb} before {verb} on audit "
            f"for each {scope} execute function audit_may_only_grow()"
            for verb, scope in (("update", "row"), ("delete", "row"), ("truncate", "statement"))
        ),
    ]
