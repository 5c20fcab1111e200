"""A chain for each incident in the trail, and people's names kept apart, so that they can be erased."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Rows that are there keep their bytes and hashes; without a place they are of the first format."""
    place = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("audit", sa.Column("n", place, nullable=False, server_default="0"))
    only = sa.text("n > 0")
    op.create_index(
        "audit_chain", "audit", ["incident", "n"], unique=True, sqlite_where=only, postgresql_where=only
    )
    op.create_table(
        "audit_person",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("salt", sa.String, nullable=False),
        sa.Column("token", sa.String, nullable=False, unique=True),
    )
