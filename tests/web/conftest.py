"""Fixtures for tests of the website: a sandbox, its website, and who visits it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import builders, rated
from tests.serving import Served, serving
from tests.webbing import Visitor, Website, serving_website, visiting

CODE = builders.code()


@pytest.fixture(scope="session")
def rated_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a sandbox with one rated enterprise, which nobody serves from.

    On SQLite, since the website knows no database.
    """
    folder = tmp_path_factory.mktemp("rated") / "data"
    with serving(folder) as running:
        rated.rated(
            running,
            CODE,
            more=[rated.complaint(CODE, "c1"), rated.complaint(CODE, "c2")],
            facts=[builders.penalty(of=CODE)],
        )
    return folder


@pytest.fixture
def served(rated_data: Path, tmp_path: Path) -> Iterator[Served]:
    """A sandbox with one rated enterprise, in a data folder of its own."""
    shutil.copytree(rated_data, tmp_path / "data")
    with serving(tmp_path / "data") as running:
        yield running


@pytest.fixture
def website(served: Served) -> Iterator[Website]:
    """The website of the sandbox."""
    with serving_website(served, samples=[CODE.text]) as running:
        yield running


@pytest.fixture
def visitor(website: Website) -> Iterator[Visitor]:
    """Somebody with a browser that has no scripts."""
    with visiting(website) as somebody:
        yield somebody
