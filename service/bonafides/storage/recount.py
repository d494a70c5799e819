"""Recounts what platforms reported of one enterprise, from the log as it stood at an instant.

Roll-ups hold what is known now. For an instant of the past the log's records that
were recorded by then are copied to a database of their own, which lives as long as the
call, and are folded and measured there by the very expressions that serve the present:
a figure is never defined twice. Nothing is written to the store.

    platform_records(work, code, ["1688"], as_of)
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from bonafides.archive.statistics import PlatformRecord
from bonafides.instants import Instant, day_of
from bonafides.storage import archive, records
from bonafides.storage.tables import (
    counter,
    metadata,
    record,
    refund_flag,
    rollup_buyer,
    rollup_day,
    unmatched_refund,
)
from bonafides.storage.unit_of_work import UnitOfWork

_TABLES: Final = (counter, record, refund_flag, rollup_buyer, rollup_day, unmatched_refund)
_BATCH: Final = 5_000


def platforms(work: UnitOfWork, code: str, as_of: Instant) -> tuple[str, ...]:
    """Returns the platforms that had reported any record of the enterprise, sorted."""
    found = work.execute(
        sa.select(record.c.platform)
        .distinct()
        .where(record.c.code == code, record.c.recorded_at <= as_of)
    )
    # Sorted here: the collations of the databases differ.
    return tuple(sorted(found.scalars()))


def platform_records(
    work: UnitOfWork, code: str, wanted: Sequence[str], as_of: Instant
) -> tuple[PlatformRecord, ...]:
    """Returns what each platform had reported by the instant, in the order asked for."""
    if not wanted:
        return ()
    # A database without a name: SQLite keeps it in memory as far as that is cheap,
    # else in a file that nobody else can open.
    engine = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(""))
    try:
        with engine.connect() as connection:
            scratch = UnitOfWork(connection, lambda _: None)
            metadata.create_all(connection, tables=_TABLES)
            _copy(work, scratch, code, wanted, as_of)
            while records.fold(scratch, _BATCH).folded:
                pass
            return archive.platform_records(scratch, code, wanted, day_of(as_of))
    finally:
        engine.dispose()


def _copy(
    work: UnitOfWork, scratch: UnitOfWork, code: str, wanted: Sequence[str], as_of: Instant
) -> None:
    told = work.execute(
        sa.select(record)
        .where(
            record.c.code == code,
            record.c.platform.in_(wanted),
            record.c.recorded_at <= as_of,
        )
        .execution_options(yield_per=_BATCH)
    )
    insert = sa.insert(record)
    for batch in told.mappings().partitions():
        rows: list[dict[str, Any]] = [dict(row) for row in batch]
        scratch.execute(insert, rows)
