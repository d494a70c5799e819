"""Rows of which submission amends which, and in what."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from bonafides.identity.submission import State
from bonafides.storage import tables
from bonafides.storage.unit_of_work import UnitOfWork

_table: Final = tables.amendment


@dataclass(frozen=True, slots=True)
class AmendmentRow:
    """That a submission amends another, and the paths of the claims that changed."""

    amends_uid: str
    changed: tuple[str, ...]


def insert(work: UnitOfWork, code: str, uid: str, row: AmendmentRow) -> None:
    """Adds the amendment."""
    changed = json.dumps(sorted(row.changed))
    work.execute(
        _table.insert(),
        {"code": code, "uid": uid, "amends_uid": row.amends_uid, "changed": changed},
    )


def find(work: UnitOfWork, code: str, uid: str) -> AmendmentRow | None:
    """Returns what the submission amends; None: nothing."""
    row = work.execute(
        sa.select(_table).where(_table.c.code == code, _table.c.uid == uid)
    ).one_or_none()
    return None if row is None else AmendmentRow(row.amends_uid, tuple(json.loads(row.changed)))


def open_ones(work: UnitOfWork, code: str, amends_uid: str) -> tuple[str, ...]:
    """Returns the submissions that amend this one and are neither verified nor over."""
    of = tables.submission.c
    found = work.execute(
        sa.select(_table.c.uid)
        .join(tables.submission, sa.and_(of.code == _table.c.code, of.uid == _table.c.uid))
        .where(
            _table.c.code == code,
            _table.c.amends_uid == amends_uid,
            of.state.in_([State.PENDING.value, State.ACTION_REQUIRED.value]),
        )
        .order_by(_table.c.uid)
    )
    return tuple(found.scalars())
