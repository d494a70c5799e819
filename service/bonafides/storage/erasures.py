"""Rows of erasures, and taking a buyer out of the log and its roll-ups.

A row says that an erasure was done, never of what: no value and no pseudonym.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from bonafides.instants import Instant
from bonafides.storage import tables
from bonafides.storage.records import hold_fold, hold_log
from bonafides.storage.unit_of_work import UnitOfWork

SUBMISSION: Final = "SUBMISSION"
BUYER: Final = "BUYER"

_erasure: Final = tables.erasure.c
_record: Final = tables.record.c
_rollup: Final = tables.rollup_buyer.c


@dataclass(frozen=True, slots=True)
class ErasureRow:
    """That an erasure was done. Of a buyer: `code` is empty, `subject` the platform."""

    sort: str
    code: str
    subject: str
    erased_at: Instant
    actor: str
    records: int = 0


def add(work: UnitOfWork, row: ErasureRow) -> None:
    """Adds the row."""
    work.execute(
        tables.erasure.insert(),
        {
            "uid": str(uuid.uuid4()),
            "sort": row.sort,
            "code": row.code,
            "subject": row.subject,
            "erased_at": row.erased_at,
            "actor": row.actor,
            "records": row.records,
        },
    )


def erased_at(work: UnitOfWork, code: str, subject: str) -> Instant | None:
    """Returns when the values of a submission were erased; None: they were not."""
    found = work.execute(
        sa.select(sa.func.min(_erasure.erased_at)).where(
            _erasure.sort == SUBMISSION, _erasure.code == code, _erasure.subject == subject
        )
    ).scalar()
    return None if found is None else Instant(found)


def codes_of_buyer(
    work: UnitOfWork, platform: str, buyer: bytes, after: int = 0
) -> tuple[frozenset[str], int]:
    """Returns whose records behind a sequence name the buyer, and the log's last sequence.

    Reads the log: no index leads from a buyer to records, for each record would pay for it.
    """
    upto = work.execute(sa.select(sa.func.max(_record.sequence))).scalar() or 0
    found = work.execute(
        sa.select(_record.code)
        .where(_record.sequence > after, _record.platform == platform, _record.buyer == buyer)
        .distinct()
    )
    return frozenset(found.scalars()), upto


def erase_buyer(
    work: UnitOfWork, platform: str, buyer: bytes, seen: frozenset[str], after: int
) -> tuple[frozenset[str], int]:
    """Takes the buyer out of every record and roll-up; returns whose, and of how many.

    `seen` are the enterprises whose records up to the sequence `after` name the buyer.
    Totals by day hold no buyer and stay. A record without a buyer counts as a
    transaction and as no buyer's, so what is removed here is what a recount leaves out.
    """
    # Both, so that no record comes and none is folded between the two statements.
    hold_log(work)
    hold_fold(work)
    codes = seen | codes_of_buyer(work, platform, buyer, after)[0]
    done = 0
    for code in sorted(codes):
        done += work.execute(
            sa.update(tables.record)
            .where(_record.code == code, _record.platform == platform, _record.buyer == buyer)
            .values(buyer=None)
        ).rowcount
        work.execute(
            sa.delete(tables.rollup_buyer).where(
                _rollup.code == code, _rollup.platform == platform, _rollup.buyer == buyer
            )
        )
    return codes, done
