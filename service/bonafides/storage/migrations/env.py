"""Runs migrations on the connection that `Store.migrate` hands over."""

from __future__ import annotations

from alembic import context

from bonafides.storage.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    # SQLite can't alter most things in place; Alembic rebuilds the table instead.
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
