"""Timers and messages that belong to no incident; who works on the store; indexes for what is looked up."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_MS = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Free timer and outbox from their incident, and add what the engine looks up often."""
    for table in (_timer(), _outbox()):
        with op.batch_alter_table(table.name, copy_from=table) as batch:
            batch.alter_column("incident", existing_type=sa.String(), nullable=True)
    op.add_column("incident", sa.Column("machine", sa.Integer, nullable=False, server_default="1"))
    op.create_table(
        "process",
        sa.Column("owner", sa.String, primary_key=True),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("seen_at", _MS, nullable=False),
    )
    _index("timer_lease", "timer", "lease_until", where="state='leased'")
    _index("timer_dead", "timer", "due_at", where="state='dead'")
    _index("timer_incident", "timer", "incident")
    _index("outbox_lease", "outbox", "lease_until", where="state='sending'")
    _index("outbox_incident", "outbox", "incident")
    _index("alert_incident", "alert", "incident")
    _index("incident_service", "incident", "service", "opened_at")


def _index(name: str, table: str, *columns: str, where: str = "") -> None:
    only = sa.text(where) if where else None
    op.create_index(name, table, list(columns), sqlite_where=only, postgresql_where=only)


def _timer() -> sa.Table:
    """As the first release had it."""
    return sa.Table(
        "timer",
        sa.MetaData(),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("incident", sa.String, sa.ForeignKey("incident.id"), nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("due_at", _MS, nullable=False),
        sa.Column("owner", sa.String),
        sa.Column("epoch", sa.Integer, nullable=False, server_default="0"),
        sa.Column("lease_until", _MS),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("payload", sa.Text, nullable=False),
        sa.CheckConstraint("state in ('armed','leased','done','cancelled','dead')"),
        sa.Index("timer_due", "due_at", sqlite_where=sa.text("state='armed'")),
    )


def _outbox() -> sa.Table:
    """As the first release had it."""
    return sa.Table(
        "outbox",
        sa.MetaData(),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("incident", sa.String, sa.ForeignKey("incident.id"), nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("due_at", _MS, nullable=False),
        sa.Column("owner", sa.String),
        sa.Column("lease_until", _MS),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("receipt", sa.String, nullable=False, server_default=""),
        sa.Column("error", sa.Text, nullable=False, server_default=""),
        sa.CheckConstraint("state in ('queued','sending','sent','failed','unknown','cancelled')"),
        sa.Index("outbox_due", "due_at", sqlite_where=sa.text("state='queued'")),
    )
