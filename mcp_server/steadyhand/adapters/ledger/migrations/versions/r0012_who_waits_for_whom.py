"""Messages that wait, by whom they are for: a claim looks at those to one receiver, not at all."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Find what is before a message to the same receiver."""
    waiting = sa.text("state in ('queued','sending')")
    op.create_index(
        "outbox_way",
        "outbox",
        ["incident", "channel", "target"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
