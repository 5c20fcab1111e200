"""Monitors that must report to us."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_MS = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Remember of each when it was heard of, and since when it is missed."""
    op.create_table(
        "heartbeat",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("seen_at", _MS),
        sa.Column("missed_at", _MS),
    )
