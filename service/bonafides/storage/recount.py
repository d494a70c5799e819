"""Recounts what platforms reported of one enterprise, from the log as it stood at an instant.

Roll-ups hold what is known now. For an instant of the past the log's records that
were recorded by then are copied to a database of their own, which lives as long as the
call, and are folded and measured there by the very expressions that serve the present:
a figure is never defined twice. With them go the rulings and disputes of links as they
stood, and what other enterprises were said to have of the same stores. Nothing is
written to the store.

    platform_records(work, code, ["1688"], as_of)
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa

from bonafides.archive.statistics import PlatformRecord
from bonafides.instants import Instant, day_of
from bonafides.records.kinds import Kind
from bonafides.storage import archive, records
from bonafides.storage.tables import (
    counter,
    link_ruling,
    metadata,
    record,
    refund_flag,
    rollup_buyer,
    rollup_day,
    store_dispute,
    store_link,
    unmatched_refund,
)
from bonafides.storage.unit_of_work import UnitOfWork

_TABLES: Final = (
    *(counter, record, refund_flag, rollup_buyer, rollup_day, unmatched_refund),
    *(store_link, store_dispute, link_ruling),
)
# Every connection makes a database of its own, which ends with it. It has no name: SQLite
# keeps it in memory as far as that is cheap, else in a file that nobody else can open. One
# engine for all, since an engine remembers how its statements are written: to write them
# anew takes four times what folding an enterprise does.
_SCRATCH: Final = sa.create_engine(
    "sqlite://", creator=lambda: sqlite3.connect(""), poolclass=sa.NullPool
)
_BATCH: Final = 5_000
# Of every platform: what they say decides which platforms are known, and what counts.
_ALWAYS: Final = (Kind.STORE.value, Kind.CERTIFICATION.value, Kind.MEMBERSHIP.value)


def platforms(work: UnitOfWork, code: str, as_of: Instant) -> tuple[str, ...]:
    """Returns the platforms that were known to report of the enterprise, sorted."""
    with _scratch(work, code, (), as_of) as scratch:
        return records.platforms(scratch, code)


def platform_records(
    work: UnitOfWork, code: str, wanted: Sequence[str], as_of: Instant
) -> tuple[PlatformRecord, ...]:
    """Returns what each platform had reported by the instant, in the order asked for."""
    if not wanted:
        return ()
    with _scratch(work, code, wanted, as_of) as scratch:
        return archive.platform_records(scratch, code, wanted, day_of(as_of))


@contextmanager
def _scratch(
    work: UnitOfWork, code: str, wanted: Sequence[str], as_of: Instant
) -> Iterator[UnitOfWork]:
    """Opens a database that holds what was known of the platforms wanted, folded."""
    with _SCRATCH.connect() as connection:
        scratch = UnitOfWork(connection, lambda _: None)
        metadata.create_all(connection, tables=_TABLES, checkfirst=False)
        for told in _known(code, wanted, as_of):
            _copy(work, scratch, told)
        while records.fold(scratch, _BATCH).folded:
            pass
        yield scratch


def _known(code: str, wanted: Sequence[str], as_of: Instant) -> Iterator[sa.Select[Any]]:
    """Yields the rows that were there at the instant, table by table."""
    told = record.c.recorded_at <= as_of
    of_platforms = sa.or_(record.c.platform.in_(wanted), record.c.kind.in_(_ALWAYS))
    yield sa.select(record).where(record.c.code == code, told, of_platforms)
    # Other enterprises to which a platform gave one of the stores contest it.
    mine, others = record.alias("mine"), record.alias("others")
    store = Kind.STORE.value
    shared = (
        sa.select(others.c.code, others.c.platform, others.c.record_id)
        .join_from(
            mine,
            others,
            sa.and_(
                others.c.platform == mine.c.platform,
                others.c.store_id == mine.c.store_id,
                others.c.code != mine.c.code,
            ),
        )
        .where(mine.c.code == code, mine.c.kind == store, others.c.kind == store)
    )
    yield sa.select(record).where(
        sa.tuple_(record.c.code, record.c.platform, record.c.record_id).in_(shared),
        record.c.kind == store,
        told,
    )
    for table, at in (
        (store_dispute, store_dispute.c.disputed_at),
        (link_ruling, link_ruling.c.ruled_at),
    ):
        key = sa.tuple_(table.c.code, table.c.platform, table.c.record_id)
        yield sa.select(table).where(at <= as_of, sa.or_(table.c.code == code, key.in_(shared)))


def _copy(work: UnitOfWork, scratch: UnitOfWork, told: sa.Select[Any]) -> None:
    insert = sa.insert(told.get_final_froms()[0])  # type: ignore[arg-type]  # each is of one table
    for batch in work.execute(told.execution_options(yield_per=_BATCH)).mappings().partitions():
        rows: list[dict[str, Any]] = [dict(row) for row in batch]
        scratch.execute(insert, rows)
