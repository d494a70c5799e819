"""Fixtures for tests that call a server through a real channel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import Served, serving


@pytest.fixture
def served(database_url: str, tmp_path: Path) -> Iterator[Served]:
    """A sandbox that listens on loopback, on SQLite and on PostgreSQL in turn.

    `served.client(served.token("member", owns=[code]))` calls it;
    `served.clock.now` is its time, `served.store` its database.
    """
    with serving(tmp_path / "data", database_url) as running:
        yield running
