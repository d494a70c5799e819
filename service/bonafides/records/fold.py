"""Decides how records become roll-ups: the expressions; storage executes them.

The fold moves a watermark over the log. One step covers the records with a
sequence in (after, upto]. For each record that it touches,

    old = the highest revision with sequence <= after, unless void
    new = the highest revision with sequence <= upto, unless void

and the step adds what new counts and takes away what old counted. Rules:

1. sums over steps telescope, so roll-ups depend neither on the size of a step nor
   on the order of arrival, and equal a recount from the current records;
2. everything counts on the day on which it occurred or was opened;
3. a transaction is paid unless it is voided; only the outcomes UPHELD and LOST
   count against the enterprise; a delivery is late if it came after the promised
   day, and is counted only where both days are known;
4. minima and maxima can't be taken away from: a buyer's month that lost a
   transaction is recounted from the current records;
5. a refund counts once it is done, or its state is not told; one that is submitted or
   waiting may still end in nothing being paid, and counts for nothing yet;
6. nothing counts without a link of its store that stands and covers its day
   (`bonafides.records.links`); a link that changes has the records of its enterprise on
   its platform recounted, where any that are folded are concerned;
7. a refund is unmatched while the log holds no record, not even a voided one, of
   the transaction that it names. A refund that names none is not unmatched.

What a step touches is put into the temporary table `change` first, once: -1 what
is taken away, +1 what is added.

A recount makes the same rows of the whole log, with the same measures:
`recounted_days`, `recounted_buyers`, `recounted_refunds`. They run on any engine that
has the tables `record` and `store_link`; with `upto` None the log holds each record
once, by its latest revision, as an export does, and `exported_links` makes the links.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.sql.expression import ColumnElement, FromClause

from bonafides.instants import HOUR
from bonafides.records.kinds import Kind, Outcome, RefundState
from bonafides.records.links import FOLLOW_UP_DAYS
from bonafides.storage.tables import record, rollup_day, store_link

# Upper edges of the buckets of hours to the first response, inclusive; what took
# longer than the last edge is in a bucket of its own.
RESPONSE_HOURS: Final = (1, 4, 12, 24, 72)

COUNTED: Final = (Kind.TRANSACTION, Kind.REFUND, Kind.COMPLAINT, Kind.DISPUTE)
KEY: Final = ("code", "platform", "kind", "record_id")
BUYER_MONTH: Final = ("code", "platform", "buyer", "month")

# 1968-03-01: the start of a leap cycle, counted from March so that the day that
# leap years add is the last of its year. Right until 2100-02-28.
_DAYS_BEFORE_1970: Final = 671
_MONTHS_BEFORE_1970: Final = 22

change: Final = sa.Table(
    "fold_change",
    sa.MetaData(),
    sa.Column("sign", sa.BigInteger, nullable=False),
    sa.Column("code", sa.String(18), nullable=False),
    sa.Column("platform", sa.String(40), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("record_id", sa.String(80), nullable=False),
    sa.Column("day", sa.BigInteger, nullable=False),
    sa.Column("month", sa.BigInteger, nullable=False),
    sa.Column("buyer", sa.LargeBinary),
    sa.Column("amount_cny_minor", sa.BigInteger),
    sa.Column("original_id", sa.String(80)),
    sa.Column("promised_day", sa.BigInteger),
    sa.Column("delivered_day", sa.BigInteger),
    sa.Column("occurred_at", sa.BigInteger, nullable=False),
    sa.Column("first_response_at", sa.BigInteger),
    sa.Column("outcome", sa.String(20)),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)


# The enterprises whose records on a platform a step counts anew, for their links changed.
relinked: Final = sa.Table(
    "fold_relinked",
    sa.MetaData(),
    sa.Column("code", sa.String(18), nullable=False),
    sa.Column("platform", sa.String(40), nullable=False),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)


@dataclass(frozen=True, slots=True)
class FoldReport:
    """How many records one step folded, 0 if none was left, and whose they are."""

    folded: int
    codes: frozenset[str]


def div(dividend: ColumnElement[int], divisor: int | ColumnElement[int]) -> ColumnElement[int]:
    """Returns the whole quotient of a dividend from 0 to 2**53 by a divisor > 0.

    `//` is no integer division on DuckDB and Spark, so the remainder is taken off
    first and the exact quotient of doubles is cast back.
    """
    whole = sa.cast(dividend - dividend % divisor, sa.Double)
    if isinstance(divisor, int):
        by: ColumnElement[float] = sa.literal(float(divisor), sa.Double)
    else:
        by = sa.cast(divisor, sa.Double)
    return sa.cast(sa.func.floor(whole / by), sa.BigInteger)


def month_of(day: ColumnElement[int]) -> ColumnElement[int]:
    """Returns the month of a day, as `bonafides.instants.month_of` does, until 2100."""
    since = day + _DAYS_BEFORE_1970
    years = div(4 * since + 3, 1_461)
    day_of_year = since - div(1_461 * years, 4)
    return 12 * years + div(5 * day_of_year + 2, 153) - _MONTHS_BEFORE_1970


def current(log: FromClause, upto: ColumnElement[int]) -> ColumnElement[bool]:
    """Returns whether a row of the log is its record's highest revision as of `upto`."""
    later = record.alias("later")
    return ~sa.exists().where(
        *(later.c[name] == log.c[name] for name in KEY),
        later.c.revision > log.c.revision,
        later.c.sequence <= upto,
    )


def covered(log: FromClause, links: FromClause = store_link) -> ColumnElement[bool]:
    """Returns whether a link that stands carries a row of the log."""
    link = links.alias("link")
    follows = log.c.kind != Kind.TRANSACTION.value
    return sa.exists().where(
        link.c.code == log.c.code,
        link.c.platform == log.c.platform,
        link.c.store_id == log.c.store_id,
        link.c.stands.is_(sa.true()),
        link.c.from_day <= log.c.day,
        sa.or_(
            link.c.to_day.is_(None),
            link.c.to_day >= log.c.day,
            sa.and_(follows, link.c.to_day + FOLLOW_UP_DAYS >= log.c.day),
        ),
    )


def exported_links() -> sa.Select[Any]:
    """Returns the links of an export, as far as what counts depends on them."""
    log = record.alias("log")
    stands = sa.column("stands", sa.Boolean)
    return sa.select(
        log.c.code, log.c.platform, log.c.store_id, log.c.from_day, log.c.to_day, stands
    ).where(log.c.kind == Kind.STORE.value, log.c.void.is_(sa.false()))


def changes(
    after: ColumnElement[int], upto: ColumnElement[int], *, anew: bool = False
) -> sa.CompoundSelect[Any]:
    """Returns what a step adds and takes away, as rows of `change`.

    `anew`: what belongs to one of `relinked` is left out.
    """
    new = record.alias("new")
    old = record.alias("old")
    arrived = sa.and_(new.c.sequence > after, new.c.sequence <= upto, current(new, upto))
    if anew:
        arrived = sa.and_(arrived, ~_relinked(new))
    added = sa.select(*_measures(new, 1)).where(
        arrived, _counted(new), new.c.void.is_(sa.false()), covered(new)
    )
    taken = (
        sa.select(*_measures(old, -1))
        .join_from(new, old, sa.and_(*(old.c[name] == new.c[name] for name in KEY)))
        .where(
            arrived,
            old.c.revision < new.c.revision,
            old.c.sequence <= after,
            current(old, after),
            _counted(old),
            old.c.void.is_(sa.false()),
            covered(old),
        )
    )
    return sa.union_all(added, taken)


def day_sums() -> sa.Select[Any]:
    """Returns the signed sums of `change` per code, platform and day: rows of rollup_day."""
    keys = (change.c.code, change.c.platform, change.c.day)
    sums = [
        sa.cast(sa.func.sum(change.c.sign * measure), sa.BigInteger).label(name)
        for name, measure in _day_measures(change).items()
    ]
    return sa.select(*keys, *sums).where(sa.true()).group_by(*keys).order_by(*keys)


def recounted_days(
    upto: ColumnElement[int] | None = None,
    *,
    links: FromClause = store_link,
    anew: bool = False,
) -> sa.Select[Any]:
    """Returns the rows of rollup_day, recounted from the log up to a sequence.

    `anew`: of `relinked` alone.
    """
    log = record.alias("log")
    keys = (log.c.code, log.c.platform, log.c.day)
    sums = [
        sa.cast(sa.func.sum(measure), sa.BigInteger).label(name)
        for name, measure in _day_measures(log).items()
    ]
    return (
        sa.select(*keys, *sums)
        .where(_counted(log), *_standing(log, upto), *_linked(log, links, anew=anew))
        .group_by(*keys)
    )


def recounted_buyers(
    upto: ColumnElement[int] | None = None,
    *,
    links: FromClause = store_link,
    anew: bool = False,
) -> sa.Select[Any]:
    """Returns the rows of rollup_buyer, recounted likewise."""
    log = record.alias("log")
    buyers = (log.c.code, log.c.platform, log.c.buyer)
    # By day first: the month is then computed once a day, not once a record.
    daily = (
        sa.select(*buyers, log.c.day, sa.func.count().label("transactions"))
        .where(_bought(log), *_standing(log, upto), *_linked(log, links, anew=anew))
        .group_by(*buyers, log.c.day)
        .subquery("daily")
    )
    bought = sa.select(daily, month_of(daily.c.day).label("month")).subquery("bought")
    keys = [bought.c[name] for name in BUYER_MONTH]
    return sa.select(
        *keys,
        sa.cast(sa.func.sum(bought.c.transactions), sa.BigInteger).label("transactions"),
        sa.func.min(bought.c.day).label("first_day"),
        sa.func.max(bought.c.day).label("last_day"),
    ).group_by(*keys)


def recounted_refunds(
    upto: ColumnElement[int] | None = None,
    *,
    links: FromClause = store_link,
    anew: bool = False,
) -> sa.Select[Any]:
    """Returns the rows of unmatched_refund, recounted likewise.

    A transaction is known whether it counts or not.
    """
    log = record.alias("log")
    paid = record.alias("paid")
    known = sa.exists().where(
        paid.c.code == log.c.code,
        paid.c.platform == log.c.platform,
        paid.c.kind == Kind.TRANSACTION.value,
        paid.c.record_id == log.c.original_id,
        *([] if upto is None else [paid.c.sequence <= upto]),
    )
    return sa.select(
        log.c.code, log.c.platform, log.c.record_id, log.c.original_id, log.c.day
    ).where(
        log.c.kind == Kind.REFUND.value,
        _counted(log),
        log.c.original_id.is_not(None),
        *_standing(log, upto),
        *_linked(log, links, anew=anew),
        ~known,
    )


def buyer_sums() -> sa.Select[Any]:
    """Returns what `change` adds to rollup_buyer, where nothing is taken away."""
    added = sa.and_(change.c.sign > 0, _bought(change))
    bought = sa.select(*(change.c[name] for name in BUYER_MONTH), change.c.day).where(added)
    return _buyer_months(bought.subquery("bought"))


def buyer_recount(upto: ColumnElement[int]) -> sa.Select[Any]:
    """Returns the rows of rollup_buyer that lost a transaction, from the current records."""
    enterprises = sa.select(change.c.code, change.c.platform).where(change.c.sign < 0)
    bought = (
        sa.select(
            record.c.code,
            record.c.platform,
            record.c.buyer,
            month_of(record.c.day).label("month"),
            record.c.day,
        )
        .where(
            # This condition alone is met by an index.
            sa.tuple_(record.c.code, record.c.platform).in_(enterprises),
            _bought(record),
            record.c.sequence <= upto,
            record.c.void.is_(sa.false()),
            current(record, upto),
            covered(record),
        )
        .subquery("bought")
    )
    month = sa.tuple_(*(bought.c[name] for name in BUYER_MONTH))
    return _buyer_months(bought).where(month.in_(shrunk_buyer_months()))


def shrunk_buyer_months() -> sa.Select[Any]:
    """Returns the keys in rollup_buyer of what `change` takes away."""
    columns = [change.c[name] for name in BUYER_MONTH]
    return sa.select(*columns).where(change.c.sign < 0, _bought(change)).distinct()


def empty_day() -> ColumnElement[bool]:
    """Returns whether a row of rollup_day counts nothing any more."""
    return sa.and_(*(rollup_day.c[name] == 0 for name in _day_measures(change)))


def orphans(upto: ColumnElement[int]) -> sa.Select[Any]:
    """Returns the added refunds whose transaction has not come: rows of unmatched_refund."""
    return sa.select(
        change.c.code,
        change.c.platform,
        change.c.record_id,
        change.c.original_id,
        change.c.day,
    ).where(
        change.c.sign > 0,
        change.c.kind == Kind.REFUND.value,
        change.c.original_id.is_not(None),
        ~sa.exists().where(
            record.c.code == change.c.code,
            record.c.platform == change.c.platform,
            record.c.kind == Kind.TRANSACTION.value,
            record.c.record_id == change.c.original_id,
            record.c.sequence <= upto,
        ),
    )


def taken_refunds() -> sa.Select[Any]:
    """Returns the keys in unmatched_refund of what `change` takes away."""
    return sa.select(change.c.code, change.c.platform, change.c.record_id).where(
        change.c.sign < 0, change.c.kind == Kind.REFUND.value
    )


def arrived_transactions(after: ColumnElement[int], upto: ColumnElement[int]) -> sa.Select[Any]:
    """Returns (code, platform, record id) of the transactions of a step, voided ones included."""
    return sa.select(record.c.code, record.c.platform, record.c.record_id).where(
        record.c.sequence > after,
        record.c.sequence <= upto,
        record.c.kind == Kind.TRANSACTION.value,
    )


def _buyer_months(bought: FromClause) -> sa.Select[Any]:
    keys = [bought.c[name] for name in BUYER_MONTH]
    return (
        sa.select(
            *keys,
            sa.func.count().label("transactions"),
            sa.func.min(bought.c.day).label("first_day"),
            sa.func.max(bought.c.day).label("last_day"),
        )
        .where(sa.true())
        .group_by(*keys)
        .order_by(*keys)
    )


def _measures(log: FromClause, sign: int) -> Sequence[ColumnElement[Any]]:
    made: dict[str, ColumnElement[Any]] = {
        "sign": sa.literal(sign, sa.BigInteger),
        "month": month_of(log.c.day),
    }
    return [(made[c.name] if c.name in made else log.c[c.name]).label(c.name) for c in change.c]


def _day_measures(log: FromClause) -> dict[str, ColumnElement[int]]:
    """Returns what one record counts for in each column of rollup_day."""
    transaction = log.c.kind == Kind.TRANSACTION.value
    refund = log.c.kind == Kind.REFUND.value
    complaint = log.c.kind == Kind.COMPLAINT.value
    dispute = log.c.kind == Kind.DISPUTE.value
    both_days = sa.and_(
        transaction, log.c.promised_day.is_not(None), log.c.delivered_day.is_not(None)
    )
    decided = log.c.outcome.is_not(None)
    upheld = sa.and_(complaint, decided, log.c.outcome == Outcome.UPHELD.value)
    lost = sa.and_(dispute, decided, log.c.outcome == Outcome.LOST.value)
    late = sa.and_(both_days, log.c.delivered_day > log.c.promised_day)
    return {
        "transactions": _one_if(transaction),
        "amount_cny_minor": _amount_if(log, transaction),
        "deliveries_promised": _one_if(both_days),
        "deliveries_late": _one_if(late),
        "refunds": _one_if(refund),
        "refund_cny_minor": _amount_if(log, refund),
        "complaints": _one_if(complaint),
        "complaints_upheld": _one_if(upheld),
        "disputes": _one_if(dispute),
        "disputes_lost": _one_if(lost),
        **_case_measures(log, complaint | dispute),
        **_response_measures(log, complaint | dispute),
    }


def _case_measures(log: FromClause, case: ColumnElement[bool]) -> dict[str, ColumnElement[int]]:
    """Returns how cases of both kinds stand, whoever was right."""
    settled = sa.and_(log.c.outcome.is_not(None), log.c.outcome == Outcome.SETTLED.value)
    undecided = sa.or_(log.c.outcome.is_(None), log.c.outcome == Outcome.UNDECIDED.value)
    return {
        "cases_settled": _one_if(sa.and_(case, settled)),
        "cases_open": _one_if(sa.and_(case, undecided)),
        "cases_unanswered": _one_if(sa.and_(case, undecided, log.c.first_response_at.is_(None))),
    }


def _response_measures(log: FromClause, case: ColumnElement[bool]) -> dict[str, ColumnElement[int]]:
    answered = sa.and_(case, log.c.first_response_at.is_not(None))
    took = log.c.first_response_at - log.c.occurred_at
    edges: list[ColumnElement[bool]] = [took <= hours * HOUR for hours in RESPONSE_HOURS]
    buckets = [edges[0]]
    buckets += [sa.and_(~below, upto) for below, upto in pairwise(edges)]
    buckets.append(~edges[-1])
    return {
        f"response_{number}": _one_if(sa.and_(answered, inside))
        for number, inside in enumerate(buckets)
    }


def _standing(log: FromClause, upto: ColumnElement[int] | None) -> list[ColumnElement[bool]]:
    """Returns what makes a row of the log count: the latest revision of its record, not void."""
    valid = log.c.void.is_(sa.false())
    return [valid] if upto is None else [valid, log.c.sequence <= upto, current(log, upto)]


def _linked(log: FromClause, links: FromClause, *, anew: bool) -> list[ColumnElement[bool]]:
    carried = covered(log, links)
    return [_relinked(log), carried] if anew else [carried]


def _relinked(log: FromClause) -> ColumnElement[bool]:
    pairs = sa.select(relinked.c.code, relinked.c.platform)
    return sa.tuple_(log.c.code, log.c.platform).in_(pairs)


def _counted(log: FromClause) -> ColumnElement[bool]:
    kinds = log.c.kind.in_([kind.value for kind in COUNTED])
    state = log.c.refund_state
    return sa.and_(kinds, sa.or_(state.is_(None), state == RefundState.DONE.value))


def _bought(log: FromClause) -> ColumnElement[bool]:
    return sa.and_(log.c.kind == Kind.TRANSACTION.value, log.c.buyer.is_not(None))


def _one_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return sa.case((condition, 1), else_=0)


def _amount_if(log: FromClause, condition: ColumnElement[bool]) -> ColumnElement[int]:
    return sa.case((condition, sa.func.coalesce(log.c.amount_cny_minor, 0)), else_=0)
