"""Rows of what staff let accounts spend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from bonafides.access.budgets import SetLimit
from bonafides.instants import Instant
from bonafides.storage.changes import SWITCH, Change
from bonafides.storage.tables import spending_limit
from bonafides.storage.unit_of_work import UnitOfWork

_own: Final = spending_limit.c


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One limit as it was set. `number` counts those of its payer from 1."""

    payer: str
    number: int
    uid: str
    limit: SetLimit
    reason: str
    set_at: Instant
    set_by: str
    request_digest: str


def find(work: UnitOfWork, uid: str) -> LimitRow | None:
    """Returns a limit, replaced or not."""
    row = work.execute(sa.select(spending_limit).where(_own.uid == uid)).first()
    return None if row is None else _row(row)


def add(work: UnitOfWork, made: LimitRow) -> None:
    """Adds a limit, which holds from now on; every process hears of it."""
    work.execute(
        spending_limit.insert().values(
            payer=made.payer,
            number=made.number,
            uid=made.uid,
            calls=made.limit.calls,
            enterprises=made.limit.enterprises,
            reason=made.reason,
            set_at=made.set_at,
            set_by=made.set_by,
            request_digest=made.request_digest,
        )
    )
    work.note(Change(SWITCH, made.payer, made.number, made.set_at))


def last_number(work: UnitOfWork, payer: str) -> int:
    """Returns how many limits the payer had."""
    last = sa.select(sa.func.max(_own.number)).where(_own.payer == payer)
    return work.execute(last).scalar() or 0


def limits(work: UnitOfWork) -> list[LimitRow]:
    """Returns every limit that was set, by payer, the latest first."""
    found = sa.select(spending_limit).order_by(_own.payer, _own.number.desc())
    return [_row(row) for row in work.execute(found)]


def current(work: UnitOfWork) -> list[LimitRow]:
    """Returns the last limit of each payer, by payer."""
    last = (
        sa.select(_own.payer, sa.func.max(_own.number).label("number"))
        .group_by(_own.payer)
        .subquery()
    )
    newest = sa.and_(_own.payer == last.c.payer, _own.number == last.c.number)
    found = work.execute(sa.select(spending_limit).join(last, newest).order_by(_own.payer))
    return [_row(row) for row in found]


def _row(row: sa.Row[Any]) -> LimitRow:
    return LimitRow(
        payer=row.payer,
        number=row.number,
        uid=row.uid,
        limit=SetLimit(row.calls, row.enterprises),
        reason=row.reason,
        set_at=Instant(row.set_at),
        set_by=row.set_by,
        request_digest=row.request_digest,
    )
