"""What a line of the trail is about, and the incident's state before and after it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Rows that are there keep their bytes and hashes: what is empty is not hashed."""
    for name in ("object", "before_hash", "after_hash"):
        op.add_column("audit", sa.Column(name, sa.String, nullable=False, server_default=""))
