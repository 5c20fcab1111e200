"""No row of the trail takes the place of another: REPLACE in SQLite deletes past the delete trigger."""

from alembic import op

revision = "0013"
down_revision = "0012"

_TAKEN = "seq = new.seq or hash = new.hash or (n > 0 and n = new.n and incident = new.incident)"


def upgrade() -> None:
    """SQLite alone has such a statement; on PostgreSQL a conflict can only update, which is refused."""
    if op.get_bind().dialect.name != "sqlite":
        return
    taken = f"select 1 from audit where {_TAKEN}"  # noqa: S608 - our own words
    refuse = "select raise(abort, 'the audit trail may only grow')"
    op.execute(
        f"create trigger audit_no_replace before insert on audit when exists ({taken}) begin {refuse}; end"
    )
