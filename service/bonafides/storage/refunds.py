"""Refunds beside their transactions, in the database: what a batch touches, and flags.

Flags are made by the fold, for each transaction that a step touches anew from the log:
as roll-ups do, they depend neither on the order of arrival nor on the size of a step.

    ledger = Ledger(related(work, rows))
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.expression import ColumnElement, FromClause

from bonafides.instants import DAY, Day, start_of
from bonafides.records.fold import current
from bonafides.records.ingest import Row
from bonafides.records.kinds import Kind
from bonafides.records.refunds import REQUEST_DAYS, Flag, looks_back
from bonafides.storage.tables import record, refund_flag
from bonafides.storage.unit_of_work import UnitOfWork

_Number = ColumnElement[int]

_REFUND: Final = Kind.REFUND.value
_TRANSACTION: Final = Kind.TRANSACTION.value
_KEY: Final = ("code", "platform", "kind", "record_id")
_ORIGINAL: Final = ("code", "platform", "original_id")


# --- What a batch touches ----------------------------------------------------------


def related(work: UnitOfWork, rows: Sequence[Row]) -> list[Row]:
    """Returns what is stored of the transactions and refunds that the rows have to do with.

    Those are, with all revisions, the records of refunds and of revised transactions
    among the rows, the transactions that the refunds name, and their other refunds.
    """
    records = {tuple(row[:4]) for row in rows if looks_back(row)}
    named = {
        (row.code, row.platform, row.original_id)
        for row in rows
        if row.kind == _REFUND and row.original_id is not None
    }
    records |= {(code, platform, _TRANSACTION, of) for code, platform, of in named}
    if not records:
        return []
    if named:
        records |= set(_matching(work, sorted(named), _ORIGINAL, _KEY))
    return [Row(*found) for found in _matching(work, sorted(records), _KEY, Row._fields)]


def _matching(
    work: UnitOfWork,
    keys: Sequence[tuple[Any, ...]],
    by: Sequence[str],
    columns: Sequence[str],
) -> list[tuple[Any, ...]]:
    """Returns columns of the rows of the log with any of the keys, in one statement."""
    wanted, parts = _table_of(work.dialect, len(by))
    same: list[ColumnElement[bool]] = [
        record.c[name] == part for name, part in zip(by, parts, strict=True)
    ]
    if by == _ORIGINAL:
        same.append(record.c.kind == _REFUND)
    statement = sa.select(*(record.c[name] for name in columns)).join_from(
        wanted, record, sa.and_(*same)
    )
    found = work.connection.execute(statement, {"keys": json.dumps(keys)}).all()
    return [tuple(row) for row in found]


def _table_of(dialect: str, width: int) -> tuple[sa.TableValuedAlias, Sequence[ColumnElement[str]]]:
    """Returns a JSON array of keys as a table, and the parts of its keys."""
    told = sa.bindparam("keys", type_=sa.Text)
    if dialect == "sqlite":
        each = sa.func.json_each(told).table_valued("value", name="wanted")
        return each, [sa.func.json_extract(each.c.value, f"$[{place}]") for place in range(width)]
    array = sa.func.json_array_elements(sa.cast(told, postgresql.JSON))
    element = array.table_valued(sa.column("value", postgresql.JSON), name="wanted")
    rendered = element.render_derived()
    return rendered, [rendered.c.value[place].astext for place in range(width)]


# --- Flags -------------------------------------------------------------------------


def flag_counts(work: UnitOfWork, code: str, platforms: Sequence[str]) -> dict[str, dict[str, int]]:
    """Returns how many refunds of the enterprise bear each flag, of all time, by platform.

    A platform without a flagged refund, and a flag that no refund bears, are left out.
    """
    counts: dict[str, dict[str, int]] = {}
    for row in work.execute(_FLAG_COUNTS, {"code": code, "platforms": list(platforms)}):
        counts.setdefault(row.platform, {})[row.reason] = row.refunds
    return counts


def flag_counts_of_page(
    work: UnitOfWork, codes: Sequence[str]
) -> dict[tuple[str, str], dict[str, int]]:
    """Returns what `flag_counts` does of each of the enterprises, by code and platform."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for row in work.execute(_FLAG_COUNTS_OF_PAGE, {"codes": list(codes)}):
        counts.setdefault((row.code, row.platform), {})[row.reason] = row.refunds
    return counts


_FLAG_COUNTS_OF_PAGE: Final = (
    sa.select(
        refund_flag.c.code,
        refund_flag.c.platform,
        refund_flag.c.reason,
        sa.func.count().label("refunds"),
    )
    .where(refund_flag.c.code.in_(sa.bindparam("codes", expanding=True)))
    .group_by(refund_flag.c.code, refund_flag.c.platform, refund_flag.c.reason)
)
_FLAG_COUNTS: Final = (
    sa.select(refund_flag.c.platform, refund_flag.c.reason, sa.func.count().label("refunds"))
    .where(
        refund_flag.c.code == sa.bindparam("code"),
        refund_flag.c.platform.in_(sa.bindparam("platforms", expanding=True)),
    )
    .group_by(refund_flag.c.platform, refund_flag.c.reason)
)


def flag(work: UnitOfWork, after: _Number, upto: _Number) -> None:
    """Makes the flags of the transactions anew that the records in (after, upto] touch."""
    touched = sa.Table(
        "fold_original",
        sa.MetaData(),
        *(sa.Column(name, sa.String(80), nullable=False) for name in _ORIGINAL),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )
    touched.create(work.connection, checkfirst=False)
    work.execute(touched.insert().from_select(_ORIGINAL, _touched(after, upto)))
    if work.execute(sa.select(sa.exists(sa.select(touched)))).scalar_one():
        key = sa.tuple_(*(refund_flag.c[name] for name in _ORIGINAL))
        work.execute(refund_flag.delete().where(key.in_(sa.select(touched))))
        names = [column.name for column in refund_flag.columns]
        work.execute(refund_flag.insert().from_select(names, _flags(touched, upto)))
    touched.drop(work.connection, checkfirst=False)


def _touched(after: _Number, upto: _Number) -> sa.CompoundSelect[Any]:
    came, refund = record.alias("came"), record.alias("refund")
    step = sa.and_(came.c.sequence > after, came.c.sequence <= upto)
    # Every transaction that any revision of the refund named: it may have moved.
    named = (
        sa.select(*(refund.c[name] for name in _ORIGINAL))
        .join_from(came, refund, sa.and_(*(came.c[name] == refund.c[name] for name in _KEY)))
        .where(
            step,
            came.c.kind == _REFUND,
            refund.c.original_id.is_not(None),
            refund.c.sequence <= upto,
        )
    )
    transactions = sa.select(came.c.code, came.c.platform, came.c.record_id).where(
        step, came.c.kind == _TRANSACTION
    )
    # A transaction that is new matters only if a refund came before it, in an earlier
    # step: few do, and asking the log for the refunds of every one costs seeks.
    awaited = transactions.where(
        sa.exists().where(
            refund_flag.c.code == came.c.code,
            refund_flag.c.platform == came.c.platform,
            refund_flag.c.original_id == came.c.record_id,
        )
    )
    return sa.union(named, transactions.where(came.c.revision > 1), awaited)


def _flags(touched: FromClause, upto: _Number) -> sa.CompoundSelect[Any]:
    standing = _standing(touched, upto).cte("standing")
    known = standing.c.original_day.is_not(None)
    voided = standing.c.original_void.is_(sa.true())
    same_currency = standing.c.currency == standing.c.original_currency
    last_day_ends = (standing.c.original_day + (REQUEST_DAYS + 1)) * DAY + start_of(Day(0))
    conditions = {
        Flag.UNMATCHED: ~known,
        Flag.EXCESS: sa.and_(
            known,
            sa.or_(voided, sa.and_(same_currency, standing.c.refunded > standing.c.original_minor)),
        ),
        Flag.CURRENCY: sa.and_(known, ~voided, ~same_currency),
        Flag.LATE: sa.and_(known, standing.c.requested_at >= last_day_ends),
        Flag.OWN_RATE: sa.and_(
            known,
            ~voided,
            sa.or_(
                standing.c.rate_e12 != standing.c.original_rate_e12,
                standing.c.settlement_rate_e12 != standing.c.original_settlement_rate_e12,
            ),
        ),
    }
    return sa.union_all(
        *(
            sa.select(
                standing.c.code,
                standing.c.platform,
                standing.c.record_id,
                sa.literal(reason.value),
                standing.c.original_id,
            ).where(condition)
            for reason, condition in conditions.items()
        )
    )


def _standing(touched: FromClause, upto: _Number) -> sa.Select[Any]:
    """Returns the refunds that stand of the touched transactions, each beside its own."""
    refund, original = record.alias("refund"), record.alias("original")
    of_it = sa.and_(
        original.c.code == refund.c.code,
        original.c.platform == refund.c.platform,
        original.c.kind == _TRANSACTION,
        original.c.record_id == refund.c.original_id,
        original.c.sequence <= upto,
        current(original, upto),
    )
    # Refunds in another currency are no part of the sum; they have a flag of their own.
    comparable = sa.case((refund.c.currency == original.c.currency, refund.c.amount_minor), else_=0)
    return (
        sa.select(
            *(refund.c[name] for name in ("code", "platform", "record_id", "original_id")),
            refund.c.currency,
            refund.c.rate_e12,
            sa.func.coalesce(refund.c.settlement_rate_e12, 0).label("settlement_rate_e12"),
            sa.func.coalesce(refund.c.requested_at, refund.c.occurred_at).label("requested_at"),
            sa.func.sum(comparable)
            .over(
                partition_by=tuple(refund.c[name] for name in _ORIGINAL),
                order_by=(refund.c.occurred_at, refund.c.record_id),
                rows=(None, 0),
            )
            .label("refunded"),
            original.c.day.label("original_day"),
            original.c.void.label("original_void"),
            original.c.currency.label("original_currency"),
            original.c.amount_minor.label("original_minor"),
            original.c.rate_e12.label("original_rate_e12"),
            sa.func.coalesce(original.c.settlement_rate_e12, 0).label(
                "original_settlement_rate_e12"
            ),
        )
        .select_from(touched)
        .join(
            refund,
            sa.and_(*(refund.c[name] == touched.c[name] for name in _ORIGINAL)),
        )
        .outerjoin(original, of_it)
        .where(
            refund.c.kind == _REFUND,
            refund.c.sequence <= upto,
            refund.c.void.is_(sa.false()),
            current(refund, upto),
        )
    )
