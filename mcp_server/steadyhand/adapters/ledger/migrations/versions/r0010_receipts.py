"""Posts are received first and heard afterwards; mere repeats move columns only."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_MS = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """A table for what nobody heard yet, and how often each alert was heard as a column."""
    op.create_table(
        "alert_waiting",
        sa.Column("post", _MS, sa.ForeignKey("alert_post.id"), primary_key=True, autoincrement=False),
        sa.Column("due_at", _MS),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("alerts", sa.Text, nullable=False),
    )
    op.add_column("alert_track", sa.Column("count", sa.Integer, nullable=False, server_default="1"))
    op.add_column("alert_track", sa.Column("words", sa.String, nullable=False, server_default=""))
    count = "json_extract(state, '$.count')"
    if op.get_bind().dialect.name == "postgresql":
        count = "cast(cast(state as json)->>'count' as integer)"
    op.execute(f"update alert_track set count = {count}")  # noqa: S608 - our own words
