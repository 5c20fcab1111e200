"""What Alembic runs: the revisions, inside the transaction that `bring_up` holds."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
