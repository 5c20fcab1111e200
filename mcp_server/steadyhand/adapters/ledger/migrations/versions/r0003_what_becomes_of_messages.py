"""What a message is for, what it belongs to, and what became of it after it left."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_MS = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BEFORE = "'queued','sending','sent','failed','unknown','cancelled'"
_STATES = f"state in ({_BEFORE},'delivered','seen')"


def upgrade() -> None:
    """Let a message be delivered and seen, and give it its act, thread and time."""
    columns = (
        sa.Column("act", sa.String, nullable=False, server_default="page"),
        sa.Column("severity", sa.String, nullable=False, server_default=""),
        sa.Column("thread", sa.String, nullable=False, server_default=""),
        sa.Column("queued_at", _MS, nullable=False, server_default="0"),
        sa.Column("lost", sa.Integer, nullable=False, server_default="0"),
        sa.Column("unwanted", sa.Integer, nullable=False, server_default="0"),
    )
    if op.get_bind().dialect.name == "sqlite":
        # SQLite copies the table: the copy is made under the new check.
        with op.batch_alter_table("outbox", copy_from=_outbox(), recreate="always") as batch:
            for one in columns:
                batch.add_column(one)
    else:
        op.drop_constraint("outbox_state_check", "outbox", type_="check")
        op.create_check_constraint("outbox_state_check", "outbox", _STATES)
        for one in columns:
            op.add_column("outbox", one)
    op.execute("update outbox set queued_at = due_at")


def _outbox() -> sa.Table:
    """As the revision before left it, but for the check."""
    return sa.Table(
        "outbox",
        sa.MetaData(),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("incident", sa.String, sa.ForeignKey("incident.id")),
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
        sa.CheckConstraint(_STATES),
        sa.Index("outbox_due", "due_at", sqlite_where=sa.text("state='queued'")),
        sa.Index("outbox_lease", "lease_until", sqlite_where=sa.text("state='sending'")),
        sa.Index("outbox_incident", "incident"),
    )
