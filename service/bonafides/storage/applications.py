"""Rows of applications and their keys.

row = read_application(work, client_id)
keys = keys_of(work, client_id)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from bonafides.instants import Instant
from bonafides.storage import tables
from bonafides.storage.unit_of_work import UnitOfWork

_application: Final = tables.application.c
_key: Final = tables.application_key.c


@dataclass(frozen=True, slots=True)
class ApplicationRow:
    """What is stored of an application, as far as it tells who calls."""

    client_id: str
    # MERCHANT, ACQUIRER, INTEGRATOR.
    role: str
    # DRAFT, TESTING, READY, LIVE, SUSPENDED, CLOSED.
    state: str
    # None: it calls for no platform.
    platform: str | None


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key that an application signs by. It is good from `not_before` until `not_after`."""

    key_id: str
    algorithm: str
    # SubjectPublicKeyInfo, DER.
    public_key: bytes
    not_before: Instant
    not_after: Instant
    # None: it is not revoked.
    revoked_at: Instant | None


def read_application(work: UnitOfWork, client_id: str) -> ApplicationRow | None:
    """Returns the application; None: there is none."""
    row = work.execute(_READ, {"client_id": client_id}).one_or_none()
    return None if row is None else ApplicationRow(row.client_id, row.role, row.state, row.platform)


def keys_of(work: UnitOfWork, client_id: str) -> tuple[KeyRow, ...]:
    """Returns the application's keys, revoked and expired ones too, the oldest first."""
    return tuple(
        KeyRow(
            row.key_id,
            row.algorithm,
            row.public_key,
            Instant(row.not_before),
            Instant(row.not_after),
            None if row.revoked_at is None else Instant(row.revoked_at),
        )
        for row in work.execute(_KEYS, {"client_id": client_id})
    )


# Made once: building a statement takes longer than running it.
_READ: Final = sa.select(
    _application.client_id, _application.role, _application.state, _application.platform
).where(_application.client_id == sa.bindparam("client_id"))
_KEYS: Final = (
    sa.select(
        _key.key_id,
        _key.algorithm,
        _key.public_key,
        _key.not_before,
        _key.not_after,
        _key.revoked_at,
    )
    .where(_key.client_id == sa.bindparam("client_id"))
    .order_by(_key.created_at, _key.key_id)
)
