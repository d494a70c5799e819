"""Rows of erasures.

A row says that an erasure was done, never of what: no value and no pseudonym.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from bonafides.instants import Instant
from bonafides.storage import tables
from bonafides.storage.unit_of_work import UnitOfWork

SUBMISSION: Final = "SUBMISSION"
BUYER: Final = "BUYER"

_erasure: Final = tables.erasure.c


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
