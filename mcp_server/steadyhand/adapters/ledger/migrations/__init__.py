"""The schema's history, kept by Alembic: a store of any released version is brought up when it is opened.

To change the schema:

1. Change `schema.py`.
2. Add `versions/rNNNN_what_changes.py` with the next number; `revision` is that number, `down_revision` the
   one before. History is one line: when two branches took the same number, the later to land takes the next
   one and points its `down_revision` at the other's.
3. Write `upgrade()` with `op` so that it runs on SQLite and on PostgreSQL. Never import `schema.py`: a
   revision stays as it was on its day. `op.batch_alter_table(name, copy_from=TABLE)` alters a table on both
   (SQLite copies it: hand it the whole table as it is before, checks and partial indexes included).
4. There is no way back: `downgrade` would lose promises. A mistake is mended by the next revision.

`tests/ledger/test_ledger_migrations.py` then checks that there is one head, that the revisions lead to
exactly `schema.py` on both databases, and that the first released store comes up with all it holds.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from steadyhand.ports import LedgerError

FOLDER = Path(__file__).parent
FIRST = "0001"


def head() -> str:
    """The newest revision: the highest number there is a file for."""
    return max(one.stem[1:5] for one in (FOLDER / "versions").glob("r[0-9]*.py"))


def bring_up(connection: Connection, where: str) -> None:
    """Bring the store to the newest schema, inside the transaction of its only writer. Raises LedgerError."""
    found, stamped = _revision(connection)
    newest = head()
    if found == newest:
        return
    if found > newest:
        raise LedgerError(f"{where} has schema {found}; this version of Steadyhand needs {newest}")
    from alembic import command  # noqa: PLC0415 - a store is brought up once, and opened a thousand times
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    if found and not stamped:
        command.stamp(config, found)
    command.upgrade(config, "head")
    # A release from before there were revisions looks here, and then leaves the store alone.
    connection.execute(text("update meta set value = :head where key = 'schema'"), {"head": newest})


def _revision(connection: Connection) -> tuple[str, bool]:
    """Which revision the store is at ("" for an empty one), and whether Alembic has put its stamp there."""
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables:
        return str(connection.execute(text("select version_num from alembic_version")).scalar_one()), True
    if "meta" not in tables:
        return "", False
    number = connection.execute(text("select value from meta where key = 'schema'")).scalar_one()
    return f"{int(number):04}", False
