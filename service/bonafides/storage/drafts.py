"""Rows of drafts, and of who supplied which field of a submission."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from bonafides.identity.submission import State
from bonafides.instants import Instant
from bonafides.storage import tables
from bonafides.storage.unit_of_work import UnitOfWork

_draft: Final = tables.draft.c
_supply: Final = tables.submission_supply


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A draft as it is stored. `submission_uid` None: not confirmed."""

    code: str
    uid: str
    platform: str
    request_id: str
    request_digest: bytes
    state: State
    created_at: Instant
    expires_at: Instant
    prefill: str = field(repr=False)
    submission_uid: str | None = None
    confirmed_by: str | None = field(default=None, repr=False)


def insert(work: UnitOfWork, row: DraftRow) -> None:
    """Adds the draft."""
    work.execute(
        tables.draft.insert(),
        {
            "code": row.code,
            "uid": row.uid,
            "platform": row.platform,
            "request_id": row.request_id,
            "request_digest": row.request_digest,
            "state": row.state.value,
            "created_at": row.created_at,
            "expires_at": row.expires_at,
            "prefill": row.prefill,
        },
    )


def find(work: UnitOfWork, code: str, uid: str, *, lock: bool = False) -> DraftRow | None:
    """Returns the draft; with `lock`, nobody else changes it until the work is done."""
    query = sa.select(tables.draft).where(_draft.code == code, _draft.uid == uid)
    return _one(work, query.with_for_update() if lock else query)


def find_request(work: UnitOfWork, platform: str, request_id: str) -> DraftRow | None:
    """Returns the draft that this request made, if it came before."""
    query = sa.select(tables.draft)
    return _one(work, query.where(_draft.platform == platform, _draft.request_id == request_id))


def nth_latest_at(work: UnitOfWork, platform: str, nth: int) -> Instant | None:
    """Returns when the platform made the nth draft counted back from the latest."""
    found = work.execute(
        sa.select(_draft.created_at)
        .where(_draft.platform == platform)
        .order_by(_draft.created_at.desc())
        .offset(nth - 1)
        .limit(1)
    ).scalar()
    return None if found is None else Instant(found)


def confirm(work: UnitOfWork, row: DraftRow, state: State, submission_uid: str, by: str) -> None:
    """Notes what the draft became; what was filled in stands there from now on."""
    work.execute(
        sa.update(tables.draft)
        .where(_draft.code == row.code, _draft.uid == row.uid)
        .values(state=state.value, submission_uid=submission_uid, confirmed_by=by, prefill="{}")
    )


def take_back(work: UnitOfWork, row: DraftRow, state: State) -> None:
    """Erases what was filled in; the row stays until its time is over."""
    work.execute(
        sa.update(tables.draft)
        .where(_draft.code == row.code, _draft.uid == row.uid)
        .values(state=state.value, prefill="{}")
    )


def erase_expired(work: UnitOfWork, now: Instant, limit: int) -> int:
    """Erases drafts whose time is over, the oldest first; returns how many."""
    query = sa.select(_draft.code, _draft.uid).where(_draft.expires_at <= now)
    found = work.execute(query.order_by(_draft.expires_at).limit(limit)).all()
    for row in found:
        work.execute(sa.delete(tables.draft).where(_draft.code == row.code, _draft.uid == row.uid))
    return len(found)


def add_supplies(work: UnitOfWork, code: str, uid: str, supplies: Mapping[str, str]) -> None:
    """Notes who supplied each field of the submission."""
    work.execute(
        _supply.insert(),
        [
            {"code": code, "uid": uid, "field": name, "supplier": supplier}
            for name, supplier in supplies.items()
        ],
    )


def supplies(work: UnitOfWork, code: str, uid: str) -> tuple[tuple[str, str], ...]:
    """Returns field and supplier, by field. Empty: the submitter supplied all of them."""
    found = work.execute(
        sa.select(_supply.c.field, _supply.c.supplier).where(
            _supply.c.code == code, _supply.c.uid == uid
        )
    )
    # Sorted here: the collations of the databases differ.
    return tuple(sorted((row.field, row.supplier) for row in found))


def _one(work: UnitOfWork, query: sa.Select[Any]) -> DraftRow | None:
    row = work.execute(query).one_or_none()
    if row is None:
        return None
    return DraftRow(
        code=row.code,
        uid=row.uid,
        platform=row.platform,
        request_id=row.request_id,
        request_digest=row.request_digest,
        state=State(row.state),
        created_at=Instant(row.created_at),
        expires_at=Instant(row.expires_at),
        prefill=row.prefill,
        submission_uid=row.submission_uid,
        confirmed_by=row.confirmed_by,
    )
