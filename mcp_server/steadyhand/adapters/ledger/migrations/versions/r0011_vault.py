"""What the placeholders of an incident stand for, numbered once and sealed."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """One row for each value an incident hides."""
    op.create_table(
        "vault",
        sa.Column("incident", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("mark", sa.String, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
    )
    op.create_index("vault_mark", "vault", ["incident", "mark"], unique=True)
