"""The record log, its roll-ups and the exchange rates, in the database.

Sequence numbers of the log are handed out under the lock of one row of `counter`,
held until the commit: no number is seen before all lower ones are, and the fold
can move a watermark over them without ever missing a record.

    with store.writing() as work:
        written = write(work, rows, now=now)
        work.commit()
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.sql.expression import ColumnElement

from bonafides.errors import BugError
from bonafides.instants import Day, Instant
from bonafides.records import fold as expressions
from bonafides.records.batches import Cursor, Source
from bonafides.records.fold import FoldReport
from bonafides.records.ingest import Row
from bonafides.records.kinds import Kind
from bonafides.records.money import Rate, RateTable
from bonafides.storage import links as link_rows
from bonafides.storage import log_rows
from bonafides.storage import refunds as refund_rows
from bonafides.storage.tables import (
    counter,
    exchange_rate,
    record,
    rollup_buyer,
    rollup_day,
    store_link,
    unmatched_refund,
    write_cursor,
)
from bonafides.storage.unit_of_work import UnitOfWork

_LAST_RECORD: Final = "record"
_WATERMARK: Final = link_rows.WATERMARK
_RATES: Final = "rates"

_CURSOR: Final = sa.select(write_cursor).where(
    write_cursor.c.writer == sa.bindparam("writer"),
    write_cursor.c.source == sa.bindparam("source"),
)

# Whether what a platform reported of an enterprise makes it known.
_IS_KNOWN: Final = sa.select(
    sa.or_(
        sa.exists().where(
            store_link.c.code == sa.bindparam("code"),
            store_link.c.platform == sa.bindparam("platform"),
            store_link.c.stands.is_(sa.true()),
        ),
        sa.exists().where(
            record.c.code == sa.bindparam("code"),
            record.c.platform == sa.bindparam("platform"),
            record.c.kind.in_([Kind.CERTIFICATION.value, Kind.MEMBERSHIP.value]),
        ),
    )
)
_CURSORS: Final = sa.select(write_cursor).where(
    sa.tuple_(write_cursor.c.writer, write_cursor.c.source).in_(
        sa.bindparam("keys", expanding=True)
    )
)


class Written(enum.IntEnum):
    """What became of a row that was to be written, the graver the later."""

    ACCEPTED = enum.auto()
    # The log holds this revision with the same content.
    REPLAYED = enum.auto()
    # The log holds this revision with other content, and keeps it.
    CONFLICT = enum.auto()


# --- The log ---------------------------------------------------------------------


def write(work: UnitOfWork, rows: Sequence[Row], *, now: Instant) -> list[Written]:
    """Appends the rows that the log does not hold; returns what became of each, in order."""
    if not rows:
        return []
    last = _lock(work, _LAST_RECORD)
    if log_rows.added(work, rows, last, now):
        _advance(work, _LAST_RECORD, last + len(rows))
        return [Written.ACCEPTED] * len(rows)
    if log_rows.all_stored(work, rows):
        return [Written.REPLAYED] * len(rows)
    outcomes, fresh = _sorted_out(rows, log_rows.stored_digests(work, rows))
    if fresh:
        if not log_rows.append(work, fresh, last, now):
            raise BugError("the log holds rows that it did not hold just before")
        _advance(work, _LAST_RECORD, last + len(fresh))
    return outcomes


def hold_log(work: UnitOfWork) -> None:
    """Keeps other writers off the log until the commit: what is read now stays true."""
    _lock(work, _LAST_RECORD)


def compare(work: UnitOfWork, rows: Sequence[Row]) -> list[Written]:
    """Returns what would become of each row if it were written, and writes nothing."""
    outcomes, _ = _sorted_out(rows, log_rows.stored_digests(work, rows))
    return outcomes


def cursors(work: UnitOfWork, sources: Iterable[Source]) -> dict[Source, Cursor]:
    """Returns how far each source is stored; none moves by another's hand until the commit."""
    # The lock of the log: whoever stores a batch holds it.
    _lock(work, _LAST_RECORD)
    wanted = list(sources)
    told = {"keys": [(source.writer, source.name) for source in wanted]}
    found = {
        Source(row.writer, row.source): Cursor(row.sequence, bytes(row.digests))
        for row in work.execute(_CURSORS, told)
    }
    return {source: found.get(source, Cursor()) for source in wanted}


def cursor(work: UnitOfWork, source: Source) -> tuple[Cursor, Instant | None]:
    """Returns how far a source is stored, and when the last of it was; None: none ever was."""
    found = work.execute(_CURSOR, {"writer": source.writer, "source": source.name}).first()
    if found is None:
        return Cursor(), None
    return Cursor(found.sequence, bytes(found.digests)), Instant(found.written_at)


def move_cursors(work: UnitOfWork, moved: Mapping[Source, Cursor], *, now: Instant) -> None:
    """Stores how far the sources are stored now."""
    if not moved:
        return
    insert = work.insert(write_cursor)
    told = ("sequence", "digests", "written_at")
    work.execute(
        insert.on_conflict_do_update(
            index_elements=["writer", "source"], set_={name: insert.excluded[name] for name in told}
        ),
        [
            {
                "writer": source.writer,
                "source": source.name,
                "sequence": each.sequence,
                "digests": each.digests,
                "written_at": now,
            }
            for source, each in moved.items()
        ],
    )


def known(work: UnitOfWork, rows: Sequence[Row]) -> list[bool]:
    """Returns of each row whether the log holds its revision, whatever the content."""
    stored = log_rows.stored_digests(work, rows) if rows else {}
    return [row[: log_rows.KEY_COLUMNS] in stored for row in rows]


def platforms(work: UnitOfWork, code: str) -> tuple[str, ...]:
    """Returns the platforms that reported anything that counts, sorted.

    That is a store whose link stands, a certification or a membership: a platform can't
    make itself known by records of stores that are not the enterprise's.
    """
    found: list[str] = []
    # One seek per platform: a plain DISTINCT reads every record of the enterprise.
    following = sa.select(sa.func.min(record.c.platform)).where(
        record.c.code == code, record.c.platform > sa.bindparam("last")
    )
    last = ""
    while (platform := work.execute(following, {"last": last}).scalar()) is not None:
        if work.execute(_IS_KNOWN, {"code": code, "platform": platform}).scalar():
            found.append(platform)
        last = platform
    return tuple(found)


def _sorted_out(
    rows: Sequence[Row], stored: dict[log_rows.Key, bytes]
) -> tuple[list[Written], list[Row]]:
    outcomes: list[Written] = []
    fresh: list[Row] = []
    for row in rows:
        key: log_rows.Key = row[: log_rows.KEY_COLUMNS]
        digest = stored.get(key)
        if digest is None:
            # From here on the first of two in one batch counts as stored.
            stored[key] = row.digest
            fresh.append(row)
            outcomes.append(Written.ACCEPTED)
        else:
            outcomes.append(Written.REPLAYED if digest == row.digest else Written.CONFLICT)
    return outcomes, fresh


# --- Roll-ups --------------------------------------------------------------------


def fold(work: UnitOfWork, limit: int) -> FoldReport:
    """Folds the next records of the log, at most `limit`, and moves the watermark past them."""
    after = _lock(work, _WATERMARK)
    ahead = sa.select(record.c.sequence).where(record.c.sequence > after)
    ahead = ahead.order_by(record.c.sequence).limit(limit)
    upto = work.execute(sa.select(sa.func.max(ahead.subquery().c.sequence))).scalar()
    if upto is None:
        return FoldReport(0, frozenset())
    step = record.c.sequence.between(after + 1, upto)
    is_link = sa.case((record.c.kind == Kind.STORE.value, 1), else_=0)
    told = work.execute(
        sa.select(
            record.c.code,
            sa.func.count().label("records"),
            sa.func.max(is_link).label("has_links"),
        )
        .where(step)
        .group_by(record.c.code)
    ).all()
    codes = frozenset(row.code for row in told)
    begin, end = sa.literal(after, sa.BigInteger), sa.literal(upto, sa.BigInteger)
    # Most steps bring no link, and pay for none.
    links = any(row.has_links for row in told)
    if links:
        codes |= link_rows.follow(work, link_rows.arrived(begin, end), begin, end)
    change = expressions.change
    change.create(work.connection, checkfirst=False)
    work.execute(
        change.insert().from_select(
            change.columns.keys(), expressions.changes(begin, end, anew=links)
        )
    )
    taken = work.execute(sa.select(sa.exists().where(change.c.sign < 0))).scalar_one()
    _fold_days(work, taken=taken)
    _fold_buyers(work, end, taken=taken)
    _fold_refunds(work, begin, end)
    refund_rows.flag(work, begin, end)
    change.drop(work.connection, checkfirst=False)
    if links:
        link_rows.count_anew(work, end)
        expressions.relinked.drop(work.connection, checkfirst=False)
    _advance(work, _WATERMARK, upto)
    return FoldReport(sum(row.records for row in told), codes)


def hold_fold(work: UnitOfWork) -> None:
    """Keeps the fold from the roll-ups until the commit."""
    _lock(work, _WATERMARK)


def relink(work: UnitOfWork, keys: Sequence[link_rows.Key]) -> frozenset[str]:
    """Makes links anew after a ruling, and what they carry; returns whose that is.

    The watermark stays where it is.
    """
    upto = sa.literal(_lock(work, _WATERMARK), sa.BigInteger)
    codes = link_rows.follow(work, keys, upto, upto)
    link_rows.count_anew(work, upto)
    expressions.relinked.drop(work.connection, checkfirst=False)
    return codes


def lag(work: UnitOfWork) -> int:
    """Returns how many records of the log are not folded yet."""
    return (remembered(work, _LAST_RECORD) or 0) - (remembered(work, _WATERMARK) or 0)


def mark(work: UnitOfWork, name: str) -> int:
    """Returns how far something follows the log, and keeps others off it until the commit."""
    return _lock(work, name)


def move_mark(work: UnitOfWork, name: str, upto: int) -> None:
    """Moves a mark that `mark` gave out."""
    _advance(work, name, upto)


def move_watermark(work: UnitOfWork, upto: int) -> None:
    """Moves the fold's watermark, forth or back, and keeps the fold off it until the commit.

    The roll-ups must be made to count the log up to there in the same unit of work.
    """
    _lock(work, _WATERMARK)
    _advance(work, _WATERMARK, upto)


def _fold_days(work: UnitOfWork, *, taken: bool) -> None:
    insert = work.insert(rollup_day)
    keys = ["code", "platform", "day"]
    sums = [c.name for c in rollup_day.columns if c.name not in keys]
    work.execute(
        insert.from_select([*keys, *sums], expressions.day_sums()).on_conflict_do_update(
            index_elements=keys,
            set_={name: rollup_day.c[name] + insert.excluded[name] for name in sums},
        )
    )
    if taken:
        change = expressions.change
        shrunk = sa.select(change.c.code, change.c.platform, change.c.day).where(change.c.sign < 0)
        key = sa.tuple_(rollup_day.c.code, rollup_day.c.platform, rollup_day.c.day)
        work.execute(rollup_day.delete().where(key.in_(shrunk), expressions.empty_day()))


def _fold_buyers(work: UnitOfWork, upto: ColumnElement[int], *, taken: bool) -> None:
    insert = work.insert(rollup_buyer)
    names = [c.name for c in rollup_buyer.columns]
    had, comes = rollup_buyer.c, insert.excluded
    work.execute(
        insert.from_select(names, expressions.buyer_sums()).on_conflict_do_update(
            index_elements=list(expressions.BUYER_MONTH),
            set_={
                "transactions": had.transactions + comes.transactions,
                "first_day": sa.case(
                    (comes.first_day < had.first_day, comes.first_day), else_=had.first_day
                ),
                "last_day": sa.case(
                    (comes.last_day > had.last_day, comes.last_day), else_=had.last_day
                ),
            },
        )
    )
    if taken:
        key = sa.tuple_(*(had[name] for name in expressions.BUYER_MONTH))
        work.execute(rollup_buyer.delete().where(key.in_(expressions.shrunk_buyer_months())))
        work.execute(rollup_buyer.insert().from_select(names, expressions.buyer_recount(upto)))


def _fold_refunds(work: UnitOfWork, after: ColumnElement[int], upto: ColumnElement[int]) -> None:
    kept = unmatched_refund.c
    work.execute(
        unmatched_refund.delete().where(
            sa.tuple_(kept.code, kept.platform, kept.record_id).in_(expressions.taken_refunds())
        )
    )
    work.execute(
        unmatched_refund.delete().where(
            sa.tuple_(kept.code, kept.platform, kept.original_id).in_(
                expressions.arrived_transactions(after, upto)
            )
        )
    )
    names = [c.name for c in unmatched_refund.columns]
    work.execute(unmatched_refund.insert().from_select(names, expressions.orphans(upto)))


# --- Counters --------------------------------------------------------------------


def remembered(work: UnitOfWork, name: str) -> int | None:
    """Returns the number kept under the name; None if none ever was."""
    return work.execute(sa.select(counter.c.value).where(counter.c.name == name)).scalar()


def remember(work: UnitOfWork, name: str, value: int) -> None:
    """Keeps a number under a name, in place of what was kept."""
    _lock(work, name)
    _advance(work, name, value)


def _lock(work: UnitOfWork, name: str) -> int:
    """Returns the counter's value, 0 at first, and keeps others off it until the commit."""
    insert = work.insert(counter)
    statement = insert.values(name=name, value=0).on_conflict_do_update(
        index_elements=["name"], set_={"value": counter.c.value}
    )
    return int(work.execute(statement.returning(counter.c.value)).scalar_one())


def _advance(work: UnitOfWork, name: str, value: int) -> None:
    work.execute(counter.update().where(counter.c.name == name).values(value=value))


# --- Exchange rates --------------------------------------------------------------


def save_rates(work: UnitOfWork, quotes: Iterable[tuple[str, Rate]]) -> int:
    """Stores quotes, in place of those of the same currency and day; returns how many."""
    rows = [
        {"currency": currency, "day": rate.day, "rate_e12": rate.rate_e12, "source": rate.source}
        for currency, rate in quotes
    ]
    if not rows:
        return 0
    insert = work.insert(exchange_rate)
    work.execute(
        insert.on_conflict_do_update(
            index_elements=["currency", "day"],
            set_={"rate_e12": insert.excluded.rate_e12, "source": insert.excluded.source},
        ),
        rows,
    )
    remember(work, _RATES, rates_revision(work) + 1)
    return len(rows)


def rates_revision(work: UnitOfWork) -> int:
    """Returns a number that grows whenever quotes are stored."""
    return remembered(work, _RATES) or 0


def rate_table(work: UnitOfWork) -> RateTable:
    """Returns all exchange rates."""
    told = work.execute(sa.select(exchange_rate))
    return RateTable((row.currency, Rate(row.rate_e12, Day(row.day), row.source)) for row in told)
