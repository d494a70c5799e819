"""What the record log held as of a day, and what came after, as expressions for engines.

`history` is the log with every revision and the instant at which each was recorded. A
snapshot is the latest revision of each record that was recorded by then, in the form of
an export, so that the fold, the metrics and the features run over it as over any other
(`bonafides.records.fold`, `bonafides.archive.metrics`, `bonafides.rating.sql`). Of what
counts by day only HISTORY days are taken: no feature looks further back.

    engine.make("record", log_as_of(), parameters(cohort))
    engine.make("outcome", outcomes(), parameters(cohort))
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from bonafides.instants import Day, start_of
from bonafides.rating.sql import authorized
from bonafides.rating.training.cohorts import Cohort
from bonafides.records.fold import COUNTED, KEY
from bonafides.records.kinds import Kind, Outcome
from bonafides.storage.tables import record

# Calendar months are looked at, of which the first may begin before a year has passed.
SNAPSHOT_DAYS: Final = 400
_KEPT: Final = (
    *KEY,
    *("revision", "void", "store_id", "occurred_at", "day", "buyer", "amount_cny_minor"),
    *("original_id", "promised_day", "delivered_day", "first_response_at", "outcome"),
    *("decided_at", "from_day", "to_day", "detail", "refund_state"),
)
STANDS: Final = "stands"
_metadata: Final = sa.MetaData()
history: Final = sa.Table(
    "history",
    _metadata,
    *(sa.Column(name, record.c[name].type) for name in _KEPT),
    sa.Column("recorded_at", sa.BigInteger),
    sa.Column(STANDS, sa.Boolean),
)
outcome: Final = sa.Table(
    "outcome",
    _metadata,
    sa.Column("code", sa.String(18)),
    sa.Column("orders", sa.BigInteger),
    sa.Column("disputes_lost", sa.BigInteger),
    sa.Column("last_open_day", sa.BigInteger),
)
_LONG: Final = 2**31


def _at(name: str) -> sa.BindParameter[int]:
    return sa.bindparam(name, type_=sa.BigInteger)


def parameters(cohort: Cohort) -> dict[str, int]:
    """Returns the parameters that the queries here take."""
    return {
        "as_of": cohort.as_of,
        "since_day": cohort.day - SNAPSHOT_DAYS,
        "day": cohort.day,
        "end_day": cohort.ends,
        "end_at": start_of(Day(cohort.ends + 1)),
        "ripe_at": cohort.ripe_at,
    }


def log_as_of() -> sa.Select[Any]:
    """Returns the latest revisions that were recorded by the day, of who is looked at."""
    counted = history.c.kind.in_([kind.value for kind in COUNTED])
    recent = sa.or_(~counted, history.c.day > _at("since_day"))
    return _latest(_at("as_of"), recent)


def open_stores() -> sa.Select[Any]:
    """Returns code and detail of each store that is open on the day.

    Of the platforms that were authorized, and of `record` as `log_as_of` gives it.
    """
    store, day = record.c, _at("day")
    return (
        sa.select(store.code, store.detail)
        .join_from(
            record,
            authorized,
            sa.and_(authorized.c.code == store.code, authorized.c.platform == store.platform),
        )
        .where(
            store.kind == Kind.STORE.value,
            store.void.is_(sa.false()),
            sa.column(STANDS, sa.Boolean).is_(sa.true()),
            store.from_day <= day,
            sa.or_(store.to_day.is_(None), store.to_day > day),
        )
    )


def outcomes() -> sa.Select[Any]:
    """Returns what came within the window, one row for each code with any record at all."""
    within = sa.and_(history.c.day > _at("day"), history.c.day <= _at("end_day"))
    wanted = sa.or_(
        history.c.kind == Kind.STORE.value,
        history.c.kind == Kind.DISPUTE.value,
        sa.and_(history.c.kind == Kind.TRANSACTION.value, within),
    )
    log = _latest(_at("ripe_at"), wanted).subquery("log").c
    valid = log.void.is_(sa.false())
    store = sa.and_(valid, log.kind == Kind.STORE.value)
    lost = sa.and_(
        valid,
        log.kind == Kind.DISPUTE.value,
        log.outcome == Outcome.LOST.value,
        log.decided_at > _at("as_of"),
        log.decided_at < _at("end_at"),
    )
    open_until = sa.func.coalesce(log.to_day, _LONG)
    return (
        sa.select(
            log.code,
            _count(sa.and_(valid, log.kind == Kind.TRANSACTION.value)).label("orders"),
            _count(lost).label("disputes_lost"),
            sa.func.coalesce(
                sa.func.max(sa.case((store, open_until))), sa.literal(0, sa.BigInteger)
            ).label("last_open_day"),
        )
        # Of the platforms that were authorized on the day, as the features are.
        .join_from(
            log.code.table,
            authorized,
            sa.and_(authorized.c.code == log.code, authorized.c.platform == log.platform),
        )
        .group_by(log.code)
    )


def _latest(by: sa.BindParameter[int], wanted: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Returns the latest revision of each record that was recorded by an instant."""
    rank = sa.func.row_number().over(
        partition_by=[history.c[name] for name in KEY], order_by=history.c.revision.desc()
    )
    known = (
        sa.select(*history.c, rank.label("rank_from_last"))
        .where(
            history.c.recorded_at <= by,
            wanted,
            history.c.code.in_(sa.select(authorized.c.code)),
        )
        .subquery("known")
    )
    columns = [known.c[name] for name in (*_KEPT, STANDS)]
    return sa.select(*columns).where(known.c.rank_from_last == 1)


def _count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.cast(sa.func.sum(sa.case((condition, 1), else_=0)), sa.BigInteger)
