"""Shifts that people take, give away or swap by hand."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """One row for each change."""
    ms = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "shift_change",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("at", ms, nullable=False),
        sa.Column("ends_at", ms, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_index("shift_change_ends", "shift_change", ["ends_at"])
