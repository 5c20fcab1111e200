"""Alerts over time: posts as they came in, what is known of each alert, whose incident it is, silences."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_MS = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables, and bring over what the one before them held."""
    _create_posts()
    _create_alerts()
    _bring_over()


def _index(name: str, table: str, columns: list[str], where: str = "", *, unique: bool = False) -> None:
    only = sa.text(where) if where else None
    op.create_index(name, table, columns, unique=unique, sqlite_where=only, postgresql_where=only)


def _text(name: str, server_default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False, server_default=server_default)


def _of_incident(*, key: bool = False) -> sa.Column[str]:
    return sa.Column("incident", sa.String, sa.ForeignKey("incident.id"), primary_key=key)


def _create_posts() -> None:
    op.create_table(
        "alert_post",
        sa.Column("id", _MS, primary_key=True),
        _text("source"),
        _text("delivery"),
        _text("digest"),
        sa.Column("at", _MS, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("raw", sa.Text, nullable=False),
    )
    _index("alert_post_at", "alert_post", ["at"])
    _index("alert_post_once", "alert_post", ["source", "delivery"], "delivery<>''", unique=True)
    op.create_table(
        "alert_seen",
        sa.Column("id", _MS, primary_key=True),
        sa.Column("post", _MS, sa.ForeignKey("alert_post.id"), nullable=False),
        _of_incident(),
        _text("source"),
        _text("dedup_key"),
        _text("status"),
        sa.Column("at", _MS, nullable=False),
    )
    _index("alert_seen_key", "alert_seen", ["source", "dedup_key"])
    _index("alert_seen_incident", "alert_seen", ["incident"])
    _index("alert_seen_post", "alert_seen", ["post"])


def _create_alerts() -> None:
    op.create_table(
        "alert_track",
        sa.Column("source", sa.String, primary_key=True),
        sa.Column("dedup_key", sa.String, primary_key=True),
        _text("service"),
        _of_incident(),
        sa.Column("counts", sa.Integer, nullable=False),
        _text("silence", server_default=""),
        sa.Column("at", _MS, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    _index("alert_track_incident", "alert_track", ["incident", "counts"])
    _index("alert_track_service", "alert_track", ["service", "counts"])
    _index("alert_track_silence", "alert_track", ["silence"], "silence<>''")
    op.create_table(
        "involved_service",
        sa.Column("service", sa.String, primary_key=True),
        _of_incident(key=True),
    )
    _index("involved_service_incident", "involved_service", ["incident"])
    op.create_table(
        "silence",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("ends_at", _MS, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    _index("silence_ends", "silence", ["ends_at"])


def _bring_over() -> None:
    """An alert as it came in becomes a post; its source was not kept in a column of its own."""
    op.execute("insert into involved_service (service, incident) select service, id from incident")
    op.execute(
        "insert into alert_post (id, source, delivery, digest, at, size, raw) "
        "select id, '', '', '', at, length(raw), raw from alert"
    )
    op.execute(
        "insert into alert_seen (id, post, incident, source, dedup_key, status, at) "
        "select id, id, incident, '', dedup_key, status, at from alert"
    )
    op.drop_table("alert")
    if op.get_bind().dialect.name == "postgresql":
        for table in ("alert_post", "alert_seen"):
            op.execute(
                f"select setval(pg_get_serial_sequence('{table}', 'id'), "  # noqa: S608 - our own names
                f"(select coalesce(max(id), 0) + 1 from {table}), false)"
            )
