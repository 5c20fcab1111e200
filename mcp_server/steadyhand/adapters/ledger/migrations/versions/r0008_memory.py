"""What earlier incidents teach: it outlives them, so it belongs to none."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """One row for each remembered case."""
    ms = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "memory_case",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("at", ms, nullable=False),
        sa.Column("service", sa.String, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("memory_case_at", "memory_case", ["at"])
