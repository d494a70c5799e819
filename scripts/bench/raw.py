"""What the driver alone can do: the platform's twelve columns, one commit a batch.

executemany on SQLite at FULL, COPY on PostgreSQL: the fastest that each driver has,
into a table with the same key as the log and nothing else. No check, no digest, no
sequence, no duplicate looked for.

    raw = RawTable(databases.fresh("sqlite"))
    raw.insert(rows)       # durable when it returns
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import sqlalchemy as sa

from scripts.bench.workload import TWELVE_COLUMNS, TWELVE_TABLE

_INSERT: Final = "INSERT INTO plain VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_COPY: Final = f"COPY plain ({TWELVE_COLUMNS}) FROM STDIN"
_SYNCS: Final = 30
_PAGE: Final = bytes(4_096)


class RawTable:
    """The table, in an empty database of its own."""

    def __init__(self, url: str) -> None:
        parsed = sa.make_url(url)
        self._sqlite: sqlite3.Connection | None = None
        self._engine: sa.Engine | None = None
        if parsed.get_backend_name() == "sqlite":
            self._sqlite = sqlite3.connect(str(parsed.database), isolation_level=None)
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                self._sqlite.execute(f"PRAGMA {pragma}")
            self._sqlite.execute(TWELVE_TABLE)
            return
        self._engine = sa.create_engine(parsed)
        with self._engine.begin() as connection:
            connection.exec_driver_sql(TWELVE_TABLE)

    def insert(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Inserts the rows and makes them durable."""
        if self._sqlite is not None:
            self._sqlite.execute("BEGIN IMMEDIATE")
            self._sqlite.executemany(_INSERT, rows)
            self._sqlite.execute("COMMIT")
        elif self._engine is not None:
            with self._engine.begin() as connection:
                driver: Any = connection.connection.driver_connection
                with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
                    for row in rows:
                        copy.write_row(row)

    def close(self) -> None:
        """Closes the database."""
        if self._sqlite is not None:
            self._sqlite.close()
        if self._engine is not None:
            self._engine.dispose()


def fdatasync_ms(folder: Path) -> float:
    """Returns how long the disk takes to make one page durable, in ms; the median of some."""
    took = []
    file = folder / "synced"
    with file.open("wb", buffering=0) as opened:
        for _ in range(_SYNCS):
            opened.write(_PAGE)
            start = time.perf_counter()
            os.fdatasync(opened.fileno())
            took.append(time.perf_counter() - start)
    file.unlink()
    return median(took) * 1_000
