"""When which telephone rang: the limits of ringing hold over all processes of a store."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """One row for each ring of the last hours."""
    ms = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "ring",
        sa.Column("message", sa.String, primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("at", ms, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
    )
    op.create_index("ring_way", "ring", ["channel", "target"])
    op.create_index("ring_at", "ring", ["at"])
