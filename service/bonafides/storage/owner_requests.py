"""What enterprises asked for, by request id: a repetition does nothing a second time."""

from __future__ import annotations

import sqlalchemy as sa

from bonafides.instants import Instant
from bonafides.storage.tables import owner_request
from bonafides.storage.unit_of_work import UnitOfWork


def find_digest(work: UnitOfWork, code: str, request_id: str) -> bytes | None:
    """Returns the digest of the request that came under this id; None: none came."""
    table = owner_request.c
    found = work.execute(
        sa.select(table.request_digest).where(table.code == code, table.request_id == request_id)
    ).scalar()
    return None if found is None else bytes(found)


def nth_latest_at(work: UnitOfWork, code: str, nth: int) -> Instant | None:
    """Returns when the nth request counted back from the latest came; None: so many never."""
    table = owner_request.c
    found = work.execute(
        sa.select(table.requested_at)
        .where(table.code == code)
        .order_by(table.requested_at.desc())
        .offset(nth - 1)
        .limit(1)
    ).scalar()
    return None if found is None else Instant(found)


def insert(work: UnitOfWork, code: str, request_id: str, digest: bytes, now: Instant) -> None:
    """Notes the request."""
    work.execute(
        owner_request.insert(),
        {"code": code, "request_id": request_id, "request_digest": digest, "requested_at": now},
    )
