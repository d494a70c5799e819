"""The figures of the archive, each defined once, as SQL expressions.

Every query here gives one row for each code and platform (certifications: one
each) and runs on any engine; `scope` narrows it to the enterprises asked for. The
parameters of a query depend on the day alone: `parameters(today)`. The rules:

1. Nothing after `today` counts. The last year is (today - 365, today]; for buyers
   and active months it is the last 12 calendar months, the current one included,
   because buyers are rolled up by month.
2. A buyer is repeated if the first and the last day of buying in the window
   differ. Buyers are never merged across platforms.
3. Of a record the latest revision counts, and a void one for nothing.
4. A store is open if its link stands (`bonafides.records.links`), it opened by today
   and does not close by today. Membership is the union of its periods, their last days
   included.
5. The fold leaves no row that counts nothing, so every row of a day is a day with a
   record.
6. Sums are cast to BIGINT (PostgreSQL makes them decimals), NULL is tested first in
   every CASE, days are integers: what breaks parity between engines stays out.

    work.execute(days(of_one), parameters(today) | {"code": ..., "platforms": [...]})
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    Table,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
)

from bonafides.instants import Day, from_date, month_of
from bonafides.records.kinds import Kind
from bonafides.storage.tables import record, rollup_buyer, rollup_day, store_link, unmatched_refund

Scope = Callable[[Table], ColumnElement[bool]]

YEAR_DAYS: Final = 365
YEAR_MONTHS: Final = 12
# Columns of a window begin with its name.
CUMULATIVE: Final = "cumulative_"
LAST_YEAR: Final = "last_year_"
RESPONSE_BUCKETS: Final = tuple(f"response_{bucket}" for bucket in range(6))
SUMS: Final = (
    "transactions",
    "amount_cny_minor",
    "deliveries_promised",
    "deliveries_late",
    "refunds",
    "refund_cny_minor",
    "complaints",
    "complaints_upheld",
    "disputes",
    "disputes_lost",
    "cases_settled",
    "cases_open",
    "cases_unanswered",
    *RESPONSE_BUCKETS,
)

_TODAY: Final = bindparam("today", type_=BigInteger)
_MONTH: Final = bindparam("month", type_=BigInteger)


def everything(_table: Table) -> ColumnElement[bool]:
    """Narrows nothing: every enterprise, every platform."""
    return true()


def parameters(today: Day) -> dict[str, int]:
    """Returns the parameters that every query here takes, as of the day."""
    month = month_of(today)
    first = month - YEAR_MONTHS + 1
    starts = {f"month_{n}": _first_day(first + n) for n in range(YEAR_MONTHS + 1)}
    return {"today": today, "month": month, **starts}


def days(scope: Scope = everything) -> Select[Any]:
    """Sums per window, active months of the last 12, first and last day with a record."""
    table = rollup_day.c
    recent = table.day > _TODAY - YEAR_DAYS
    traded = table.transactions > 0
    active = sum(
        (
            func.max(_one_if(traded & (table.day >= _start(n)) & (table.day < _start(n + 1))))
            for n in range(YEAR_MONTHS)
        ),
        start=literal(0, BigInteger),
    )
    return (
        select(
            table.code,
            table.platform,
            *(_sum(table[name]).label(CUMULATIVE + name) for name in SUMS),
            *(_sum(case((recent, table[name]), else_=0)).label(LAST_YEAR + name) for name in SUMS),
            active.label("active_months"),
            func.min(table.day).label("first_day"),
            func.max(table.day).label("last_day"),
        )
        .where(scope(rollup_day), table.day <= _TODAY)
        .group_by(table.code, table.platform)
    )


def buyers(scope: Scope = everything) -> Select[Any]:
    """Buyers, repeated buyers and the largest buyer's transactions, per window."""
    table = rollup_buyer.c
    recent = table.month > _MONTH - YEAR_MONTHS
    each = (
        select(
            table.code,
            table.platform,
            _sum(table.transactions).label("transactions"),
            func.min(table.first_day).label("first_day"),
            func.max(table.last_day).label("last_day"),
            _sum(case((recent, table.transactions), else_=0)).label("recent_transactions"),
            func.min(case((recent, table.first_day))).label("recent_first_day"),
            func.max(case((recent, table.last_day))).label("recent_last_day"),
        )
        .where(scope(rollup_buyer), table.month <= _MONTH, table.transactions > 0)
        .group_by(table.code, table.platform, table.buyer)
        .subquery()
    ).c
    repeated = case(
        (or_(each.recent_first_day.is_(None), each.recent_last_day.is_(None)), 0),
        (each.recent_first_day < each.recent_last_day, 1),
        else_=0,
    )
    return select(
        each.code,
        each.platform,
        func.count().label("cumulative_buyers"),
        _sum(_one_if(each.first_day < each.last_day)).label("cumulative_repeat_buyers"),
        func.max(each.transactions).label("cumulative_largest_buyer_transactions"),
        _sum(each.transactions * each.transactions).label("cumulative_buyer_squares"),
        _sum(_one_if(each.recent_transactions > 0)).label("last_year_buyers"),
        _sum(repeated).label("last_year_repeat_buyers"),
        func.max(each.recent_transactions).label("last_year_largest_buyer_transactions"),
        _sum(each.recent_transactions * each.recent_transactions).label("last_year_buyer_squares"),
    ).group_by(each.code, each.platform)


def unmatched_refunds(scope: Scope = everything) -> Select[Any]:
    """Refunds that name a transaction which is not known, per window."""
    table = unmatched_refund.c
    return (
        select(
            table.code,
            table.platform,
            func.count().label("cumulative_unmatched_refunds"),
            _sum(_one_if(table.day > _TODAY - YEAR_DAYS)).label("last_year_unmatched_refunds"),
        )
        .where(scope(unmatched_refund), table.day <= _TODAY)
        .group_by(table.code, table.platform)
    )


def stores(scope: Scope = everything) -> Select[Any]:
    """Open stores, and the day on which the oldest of them opened.

    No store that is the enterprise's: no row.
    """
    store = store_link.c
    is_open = case(
        (store.from_day.is_not(None) & (store.from_day > _TODAY), 0),
        (store.to_day.is_(None), 1),
        (store.to_day > _TODAY, 1),
        else_=0,
    )
    return (
        select(
            store.code,
            store.platform,
            _sum(is_open).label("open_stores"),
            func.min(case((is_open == 1, store.from_day))).label("oldest_store_day"),
        )
        .where(scope(store_link), store.stands.is_(True))
        .group_by(store.code, store.platform)
    )


def membership(scope: Scope = everything) -> Select[Any]:
    """Days of paid membership up to today, of any program; overlaps count once."""
    latest = _latest(Kind.MEMBERSHIP, scope).c
    until = func.coalesce(latest.to_day, _TODAY)
    end = case((until > _TODAY, _TODAY), else_=until)
    covered = func.max(end).over(
        partition_by=(latest.code, latest.platform),
        order_by=(latest.from_day, latest.record_id),
        rows=(None, -1),
    )
    period = (
        select(
            latest.code,
            latest.platform,
            latest.from_day,
            end.label("end_day"),
            covered.label("covered_day"),
        )
        .where(latest.from_day <= _TODAY)
        .subquery()
    ).c
    whole = period.end_day - period.from_day + 1
    new_days = case(
        (or_(period.covered_day.is_(None), period.from_day.is_(None)), whole),
        (period.covered_day >= period.end_day, 0),
        (period.covered_day >= period.from_day, period.end_day - period.covered_day),
        else_=whole,
    )
    return select(period.code, period.platform, _sum(new_days).label("membership_days")).group_by(
        period.code, period.platform
    )


def certifications(scope: Scope = everything) -> Select[Any]:
    """On-site certifications, expired ones too, the newest inspection first."""
    made = _latest(Kind.CERTIFICATION, scope).c
    return (
        select(made.code, made.platform, made.from_day, made.to_day, made.detail)
        .where(made.from_day <= _TODAY)
        .order_by(made.code, made.platform, made.from_day.desc(), made.record_id)
    )


def _latest(kind: Kind, scope: Scope) -> Subquery:
    """The latest revision of each record of the kind that is not void."""
    table = record.c
    rank = func.row_number().over(
        partition_by=(table.code, table.platform, table.record_id), order_by=table.revision.desc()
    )
    ranked = (
        select(
            table.code,
            table.platform,
            table.record_id,
            table.from_day,
            table.to_day,
            table.detail,
            table.void,
            rank.label("rank_from_last"),
        )
        .where(scope(record), table.kind == kind.value)
        .subquery()
    )
    return select(ranked).where(ranked.c.rank_from_last == 1, ranked.c.void.is_(False)).subquery()


def _sum(what: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.sum(what), BigInteger)


def _one_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _start(number: int) -> ColumnElement[int]:
    return bindparam(f"month_{number}", type_=BigInteger)


def _first_day(month: int) -> Day:
    return from_date(dt.date(1970 + month // 12, month % 12 + 1, 1))
