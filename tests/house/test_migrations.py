"""The migrations and the tables say the same, on every database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bonafides.storage.tables import metadata
from bonafides.storage.unit_of_work import Store


@pytest.fixture
def migrated(bare_database_url: str) -> Iterator[Store]:
    """A store whose migrations ran here, where others are copies of one that was migrated."""
    opened = Store(bare_database_url)
    opened.migrate()
    yield opened
    opened.close()


def test_migrated_schema_is_the_schema_of_the_tables(migrated: Store) -> None:
    with migrated.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    assert differences == []


def test_migrating_twice_changes_nothing(migrated: Store) -> None:
    migrated.migrate()
    with migrated.reading() as work:
        versions = work.connection.exec_driver_sql("SELECT version_num FROM alembic_version").all()
    assert len(versions) == 1


def test_keys_of_enterprise_data_begin_with_the_code() -> None:
    callers = {
        "subject_key",
        "counter",
        "exchange_rate",
        "changes",
        "write_cursor",
        "peer_mean",
        "bulk_run",
        "published_text",
        "application",
        "application_key",
        "application_step",
        "application_change",
        "key_challenge",
        "deployment",
        "budget_calls",
        "budget_day",
        "budget_seen",
        "operator_switch",
        "spending_limit",
        "platform_mask",
        # Of callers: the enterprise is in them by its pseudonym alone.
        "disclosure",
        "disclosure_count",
        "disclosure_filed",
        "disclosure_run",
        "disclosure_unfiled",
        "authorization_url",
        "agent_token",
        "used_assertion",
        # Of platforms: by the pseudonym that a platform supplies.
        "buyer_place",
    }
    first = {
        name: next(iter(table.primary_key.columns)).name
        for name, table in metadata.tables.items()
        if name not in callers
    }
    assert set(first.values()) == {"code"}


def test_no_column_holds_a_float() -> None:
    kinds = {type(c.type).__name__ for table in metadata.tables.values() for c in table.columns}
    assert kinds <= {"BigInteger", "Boolean", "LargeBinary", "String", "Text"}
