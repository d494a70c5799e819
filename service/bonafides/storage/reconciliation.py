"""What is reconciled, read from the log: the ledger itself, not the roll-ups.

with store.reading() as work:
    for code, entries in statements(work, "1688", day):
        ...
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.sql.expression import ColumnElement

from bonafides.instants import Day
from bonafides.records.fold import KEY
from bonafides.records.kinds import Kind, RefundState
from bonafides.records.reconciliation import PENDING, Entry, Standing, Status
from bonafides.storage.tables import record, refund_flag
from bonafides.storage.unit_of_work import UnitOfWork

_FIELDS: Final = (
    "code",
    "kind",
    "record_id",
    "revision",
    "occurred_at",
    "original_id",
    "refund_state",
    "currency",
    "amount_minor",
    "amount_cny_minor",
    "rate_e12",
    "rate_source",
    "rate_day",
    "settlement_currency",
    "settlement_minor",
)


def statements(
    work: UnitOfWork, platform: str, day: Day, *, code: str | None = None
) -> Iterator[tuple[str, list[Entry]]]:
    """Yields each enterprise with what stands of the day, transactions after refunds, by id.

    One enterprise is in memory at a time. Without a code the whole log is read once.
    """
    told = work.execute(
        sa.select(*(record.c[name] for name in _FIELDS))
        .where(*_standing(platform, code), record.c.day == day)
        .order_by(record.c.code, record.c.kind, record.c.record_id)
        .execution_options(yield_per=1_000)
    )
    for of, rows in groupby(told.mappings(), key=lambda row: str(row["code"])):
        flags = _flags(work, platform, of)
        yield of, [Entry(**row, flags=tuple(flags.get(row["record_id"], ()))) for row in rows]


def statuses(
    work: UnitOfWork, platform: str, *, day: Day | None = None, code: str | None = None
) -> list[Status]:
    """Returns how each enterprise stands with the platform, on a day or in all."""
    under_way = [RefundState.SUBMITTED.value, RefundState.WAITING.value]
    line = sa.case(
        (record.c.refund_state.in_(under_way), PENDING),
        else_=record.c.kind,
    ).label("line")
    conditions = _standing(platform, code)
    if day is not None:
        conditions.append(record.c.day == day)
    told = work.execute(
        sa.select(
            record.c.code,
            line,
            sa.func.count().label("records"),
            sa.cast(sa.func.sum(record.c.amount_cny_minor), sa.BigInteger).label("cny"),
            sa.func.max(record.c.day).label("last_day"),
        )
        .where(*conditions)
        .group_by(record.c.code, line)
        .order_by(record.c.code, line)
    )
    flagged = _flag_counts(work, platform, day=day, code=code)
    found = []
    for of, group in groupby(told, key=lambda row: str(row.code)):
        rows = list(group)
        lines = {row.line: Standing(row.records, row.cny) for row in rows}
        last_day = Day(max(row.last_day for row in rows))
        found.append(Status(of, platform, last_day, lines, flagged.get(of, {})))
    return found


def _standing(platform: str, code: str | None) -> list[ColumnElement[bool]]:
    later = record.alias("later")
    conditions: list[ColumnElement[bool]] = [
        record.c.platform == platform,
        record.c.kind.in_([Kind.TRANSACTION.value, Kind.REFUND.value]),
        record.c.void.is_(sa.false()),
        ~sa.exists().where(
            *(later.c[name] == record.c[name] for name in KEY),
            later.c.revision > record.c.revision,
        ),
    ]
    if code is not None:
        conditions.append(record.c.code == code)
    return conditions


def _flags(work: UnitOfWork, platform: str, code: str) -> dict[str, list[str]]:
    told = work.execute(
        sa.select(refund_flag.c.record_id, refund_flag.c.reason)
        .where(refund_flag.c.code == code, refund_flag.c.platform == platform)
        .order_by(refund_flag.c.record_id, refund_flag.c.reason)
    )
    found: dict[str, list[str]] = {}
    for row in told:
        found.setdefault(row.record_id, []).append(row.reason)
    return found


def _flag_counts(
    work: UnitOfWork, platform: str, *, day: Day | None, code: str | None
) -> dict[str, dict[str, int]]:
    flags = refund_flag.c
    statement = sa.select(flags.code, flags.reason, sa.func.count().label("refunds")).where(
        flags.platform == platform
    )
    if code is not None:
        statement = statement.where(flags.code == code)
    if day is not None:
        statement = statement.join(
            record,
            sa.and_(
                record.c.code == flags.code,
                record.c.platform == flags.platform,
                record.c.record_id == flags.record_id,
            ),
        ).where(*_standing(platform, code), record.c.kind == Kind.REFUND.value, record.c.day == day)
    told: Any = work.execute(statement.group_by(flags.code, flags.reason).order_by(flags.reason))
    found: dict[str, dict[str, int]] = {}
    for row in told:
        found.setdefault(row.code, {})[row.reason] = row.refunds
    return found
