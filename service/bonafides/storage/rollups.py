"""Replaces the roll-ups by a recount, and tells whose figures that changes.

A recount is of the log as of a sequence number, made in the store or by an engine out
of an export. What it holds is staged, compared as sets with what is kept, and put in
its place in the caller's unit of work; the watermark of the fold goes to that
sequence, so that what came later is folded after it and nothing twice. Where a
recount agrees, nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.sql.expression import FromClause

from bonafides.records import fold
from bonafides.records.kinds import Kind
from bonafides.storage import links
from bonafides.storage.records import move_watermark
from bonafides.storage.tables import record, rollup_buyer, rollup_day, store_link, unmatched_refund
from bonafides.storage.unit_of_work import UnitOfWork

ROLLUPS: Final = (rollup_day, rollup_buyer, unmatched_refund)
Rows = Iterable[Sequence[tuple[Any, ...]]]

# What an export holds of a record: what metrics and roll-ups are counted from. Whether
# a link stands (STANDS) is beside it: that is judged by the store alone.
EXPORTED: Final = (
    *("code", "platform", "kind", "record_id", "revision", "sequence", "void", "store_id"),
    *("occurred_at", "day", "buyer", "amount_cny_minor", "original_id", "promised_day"),
    *("delivered_day", "first_response_at", "outcome", "from_day", "to_day", "detail"),
    "refund_state",
)
STANDS: Final = "stands"


@dataclass(frozen=True, slots=True)
class Extent:
    """How many records, the sum of their sequence numbers, the highest, the sum of standing links'.

    With the sum of those that name a buyer. It tells an export of this log, as of a
    sequence, under the rulings on links and after the erasures of buyers, from any other.
    """

    records: int
    sequences: int
    upto: int
    links: int
    buyers: int


@dataclass(frozen=True, slots=True)
class Recount:
    """Roll-ups that an engine recounted of an export, by the name of the roll-up."""

    extent: Extent
    rows: Mapping[str, Rows]


def last_sequence(work: UnitOfWork) -> int:
    """Returns the sequence number of the newest record of the log; 0 of an empty one."""
    return int(work.execute(sa.select(sa.func.max(record.c.sequence))).scalar() or 0)


def extent(work: UnitOfWork, upto: int) -> Extent:
    """Returns the extent of what `exported` gives up to a sequence."""
    rows = _exported(upto).subquery("exported")
    told = work.execute(measured(rows)).one()
    return Extent(told.records, told.sequences, told.upto, told.links, told.buyers)


def measured(log: FromClause) -> sa.Select[Any]:
    """Returns the extent of exported rows, as `Extent` has it."""
    stands = log.c.stands if "stands" in log.c else sa.column("stands", sa.Boolean)
    standing = sa.case((stands.is_(sa.true()), log.c.sequence), else_=0)
    total = sa.cast(sa.func.sum(log.c.sequence), sa.BigInteger)
    bought = sa.case((log.c.buyer.is_not(None), log.c.sequence), else_=0)
    named = sa.cast(sa.func.sum(bought), sa.BigInteger)
    linked = sa.cast(sa.func.sum(standing), sa.BigInteger)
    return sa.select(
        sa.func.count().label("records"),
        sa.func.coalesce(total, 0).label("sequences"),
        sa.func.coalesce(sa.func.max(log.c.sequence), 0).label("upto"),
        sa.func.coalesce(linked, 0).label("links"),
        sa.func.coalesce(named, 0).label("buyers"),
    ).select_from(log)


def exported(work: UnitOfWork, upto: int) -> sa.CursorResult[Any]:
    """Returns the latest revision of each record up to a sequence, void ones too, streamed.

    The columns are EXPORTED and, last, whether the link stands that a STORE record states.
    """
    return work.execute(_exported(upto).execution_options(yield_per=10_000))


def staged(table: sa.Table) -> sa.Table:
    """Returns the temporary table that a recount of a roll-up waits in."""
    columns = [sa.Column(c.name, c.type, nullable=c.nullable) for c in table.columns]
    return sa.Table(
        f"staged_{table.name}",
        sa.MetaData(),
        *columns,
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )


def stage(work: UnitOfWork, table: sa.Table, recounted: sa.Select[Any] | Rows) -> None:
    """Stages a recount of one roll-up: a statement on this store, or rows of an engine."""
    waiting = staged(table)
    waiting.create(work.connection, checkfirst=False)
    if isinstance(recounted, sa.Select):
        names = [c.name for c in waiting.columns]
        work.execute(waiting.insert().from_select(names, recounted))
        return
    for batch in recounted:
        _append(work, waiting, batch)


def recount(work: UnitOfWork) -> int:
    """Stages a recount of the whole log, made here; returns up to which sequence."""
    upto = last_sequence(work)
    end = sa.literal(upto, sa.BigInteger)
    stage_links(work, upto)
    under = staged(store_link)
    stage(work, rollup_day, fold.recounted_days(end, links=under))
    stage(work, rollup_buyer, fold.recounted_buyers(end, links=under))
    stage(work, unmatched_refund, fold.recounted_refunds(end, links=under))
    return upto


def stage_links(work: UnitOfWork, upto: int) -> None:
    """Stages the links as of a sequence. They are always judged here."""
    judged = links.judged(sa.literal(upto, sa.BigInteger)).subquery("judged")
    stage(work, store_link, sa.select(*(judged.c[c.name] for c in store_link.columns)))


def replace(work: UnitOfWork, upto: int) -> frozenset[str]:
    """Puts what is staged in place of the roll-ups; returns whose rows differed.

    The watermark of the fold goes to `upto`, which the recount is of. Drops the stages.
    """
    move_watermark(work, upto)
    changed: set[str] = set()
    for table in (*ROLLUPS, store_link):
        waiting = staged(table)
        changed |= _differing(work, table, waiting)
        _write(work, table, waiting)
        waiting.drop(work.connection, checkfirst=False)
    return frozenset(changed)


def _exported(upto: int) -> sa.Select[Any]:
    end = sa.literal(upto, sa.BigInteger)
    log, judged = record.alias("log"), links.judged(end).subquery("judged")
    its_link = sa.and_(
        log.c.kind == Kind.STORE.value, *(judged.c[name] == log.c[name] for name in links.KEY)
    )
    return (
        sa.select(*(log.c[name] for name in EXPORTED), judged.c.stands)
        .select_from(log.outerjoin(judged, its_link))
        .where(log.c.sequence <= upto, fold.current(log, end))
    )


def _differing(work: UnitOfWork, table: sa.Table, waiting: sa.Table) -> set[str]:
    codes: set[str] = set()
    for one, other in ((table, waiting), (waiting, table)):
        rows = sa.select(*one.c).except_(sa.select(*other.c)).subquery()
        codes.update(work.execute(sa.select(rows.c.code).distinct()).scalars())
    return codes


def _write(work: UnitOfWork, table: sa.Table, waiting: sa.Table) -> None:
    keys = [c.name for c in table.primary_key.columns]
    rest = [c.name for c in table.columns if c.name not in keys]
    kept = sa.exists().where(*(waiting.c[name] == table.c[name] for name in keys))
    work.execute(table.delete().where(~kept))
    fresh = sa.select(*waiting.c).except_(sa.select(*table.c)).subquery()
    insert = work.insert(table)
    work.execute(
        # SQLite takes ON CONFLICT for a join's ON without a WHERE.
        insert.from_select(
            [c.name for c in table.columns], sa.select(fresh).where(sa.true())
        ).on_conflict_do_update(
            index_elements=keys, set_={name: insert.excluded[name] for name in rest}
        )
    )


def _append(work: UnitOfWork, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
    names = [c.name for c in table.columns]
    if work.dialect == "sqlite":
        marks = ", ".join("?" for _ in names)
        work.connection.exec_driver_sql(
            f"INSERT INTO {table.name} VALUES ({marks})",  # noqa: S608 - a name of ours
            list(rows),
        )
        return
    driver: Any = work.connection.connection.driver_connection
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)
