"""Rows of applications, their keys, and what was done to both.

Whatever concerns how an application is told from others, its keys and its state, is
noted as a change of kind APPLICATION under its client id, so that every process forgets
what it remembers of it.

    row = read_application(work, client_id)
    keys = keys_of(work, client_id)
"""

from __future__ import annotations

import enum
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from bonafides.access.applications import Ground, Kind, Product, Role, State, Step
from bonafides.errors import BugError
from bonafides.instants import Instant
from bonafides.storage import tables
from bonafides.storage.changes import APPLICATION, Change
from bonafides.storage.unit_of_work import UnitOfWork

_application: Final = tables.application.c
_step: Final = tables.application_step.c
_key: Final = tables.application_key.c
_challenge: Final = tables.key_challenge.c
_change: Final = tables.application_change.c


# What an application is made with and keeps: it passes to nobody, and becomes nothing else.
FIXED: Final = frozenset(
    {
        "client_id",
        "created_by",
        "created_at",
        "role",
        "country",
        "product",
        "test_currency",
        "email_sealed",
        "test_enterprise",
        "request_digest",
    }
)

# --- Applications ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ApplicationRow:
    """An application, as it is stored. Strings that are enums compare as their names."""

    client_id: str
    # May name a person, so it stays out of the repr and of logs.
    created_by: str = field(repr=False)
    role: Role
    name: str
    type: Kind
    description: str
    country: str
    product: Product
    test_currency: str
    state: State
    # None: it calls for no platform.
    platform: str | None
    email_sealed: bytes = field(repr=False)
    notification_url: str | None
    contract_signed_at: Instant | None
    accepted_at: Instant | None
    launched_at: Instant | None
    created_at: Instant
    updated_at: Instant
    # None in live.
    test_enterprise: str | None = None
    accepts_for: str | None = None
    contract_reference: str | None = None
    acceptance_sha256: bytes | None = None
    accepted_by: str | None = None
    request_digest: bytes | None = None


def read_application(work: UnitOfWork, client_id: str) -> ApplicationRow | None:
    """Returns the application, whoever made it; None: there is none."""
    row = work.execute(_READ, {"client_id": client_id}).one_or_none()
    return None if row is None else _application_of(row)


def find_own(work: UnitOfWork, client_id: str, owner: str | None) -> ApplicationRow | None:
    """Returns the application if this login made it; `owner` None: staff, whoever did."""
    row = work.execute(_own(client_id, owner)).one_or_none()
    return None if row is None else _application_of(row)


def lock_own(work: UnitOfWork, client_id: str, owner: str | None) -> ApplicationRow | None:
    """Returns it as `find_own`, and has whoever else would change it wait for this commit."""
    row = work.execute(_own(client_id, owner).with_for_update()).one_or_none()
    return None if row is None else _application_of(row)


def list_own(
    work: UnitOfWork, owner: str | None, after: tuple[int, str], limit: int
) -> tuple[ApplicationRow, ...]:
    """Returns applications, the oldest first, behind an instant and a client id.

    `owner` None: staff, who see everybody's.
    """
    query = sa.select(tables.application).where(
        sa.tuple_(_application.created_at, _application.client_id)
        > sa.tuple_(*map(sa.literal, after))
    )
    if owner is not None:
        query = query.where(_application.created_by == owner)
    found = work.execute(
        query.order_by(_application.created_at, _application.client_id).limit(limit)
    )
    return tuple(map(_application_of, found))


def created_since(work: UnitOfWork, owner: str, since: Instant) -> list[Instant]:
    """Returns when the login made applications since, the oldest first."""
    found = work.execute(
        sa.select(_application.created_at)
        .where(_application.created_by == owner, _application.created_at > since)
        .order_by(_application.created_at)
    )
    return [Instant(at) for at in found.scalars()]


def insert_application(work: UnitOfWork, row: ApplicationRow) -> bool:
    """Adds the application; returns whether it did, or one of this client id was there."""
    insert = work.insert(tables.application)
    added = work.execute(
        insert.on_conflict_do_nothing(index_elements=["client_id"]).returning(
            tables.application.c.client_id
        ),
        _values(row),
    )
    return added.first() is not None


def set_application(
    work: UnitOfWork, client_id: str, values: Mapping[str, Any], now: Instant
) -> None:
    """Changes columns, and has every process hear of it.

    Raises:
        BugError: a column that says whose and what it is; these never change.
    """
    if fixed := FIXED & values.keys():
        raise BugError(f"of an application never change: {', '.join(sorted(fixed))}")
    work.execute(
        sa.update(tables.application)
        .where(_application.client_id == client_id)
        .values(**values, updated_at=now)
    )
    note(work, client_id, now)


def is_accepted_by(work: UnitOfWork, sandbox_client_id: str) -> bool:
    """Returns whether an application was accepted for what this one of the sandbox passed."""
    found = work.execute(
        sa.select(_application.client_id).where(_application.accepted_by == sandbox_client_id)
    )
    return found.first() is not None


def note(work: UnitOfWork, client_id: str, now: Instant) -> None:
    """Has every process forget what it remembers of the application."""
    work.note(Change(APPLICATION, client_id, 0, now))


# --- Keys ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key that an application signs by. It is good from `not_before` until `not_after`."""

    client_id: str
    # The thumbprint of the public key (RFC 7638).
    key_id: str
    # EdDSA or ES256: the one algorithm that it signs by.
    algorithm: str
    # SubjectPublicKeyInfo, DER.
    public_key: bytes
    not_before: Instant
    not_after: Instant
    created_at: Instant
    # None: it is not revoked.
    revoked_at: Instant | None = None

    def is_good(self, now: Instant) -> bool:
        """Tells whether what it signs now counts."""
        return self.revoked_at is None and self.not_before <= now < self.not_after


def keys_of(work: UnitOfWork, client_id: str) -> tuple[KeyRow, ...]:
    """Returns the application's keys, revoked and expired ones too, the oldest first."""
    found = work.execute(_KEYS, {"client_id": client_id})
    return tuple(KeyRow(**row._asdict()) for row in found)


def with_key(work: UnitOfWork, client_ids: Collection[str], now: Instant) -> frozenset[str]:
    """Returns those of the applications that have a key which is good now or will be."""
    found = work.execute(
        sa.select(_key.client_id)
        .where(_key.client_id.in_(client_ids), _key.revoked_at.is_(None), _key.not_after > now)
        .distinct()
    )
    return frozenset(found.scalars())


def insert_key(work: UnitOfWork, row: KeyRow) -> None:
    """Adds the key, and has every process hear of it."""
    work.execute(tables.application_key.insert(), asdict(row))
    note(work, row.client_id, row.created_at)


def revoke_keys(
    work: UnitOfWork, client_id: str, now: Instant, *, key_id: str | None = None
) -> None:
    """Revokes one key, or all that are not yet; one that is revoked keeps its instant."""
    which = sa.true() if key_id is None else _key.key_id == key_id
    work.execute(
        sa.update(tables.application_key)
        .where(_key.client_id == client_id, _key.revoked_at.is_(None), which)
        .values(revoked_at=now)
    )
    note(work, client_id, now)


# --- Challenges and changes --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChallengeRow:
    """What a key has to sign before it is registered."""

    client_id: str
    uid: str
    nonce: bytes
    created_at: Instant
    expires_at: Instant


def insert_challenge(work: UnitOfWork, row: ChallengeRow) -> None:
    """Adds the challenge."""
    work.execute(tables.key_challenge.insert(), asdict(row))


def take_challenge(work: UnitOfWork, client_id: str, uid: str, now: Instant) -> ChallengeRow | None:
    """Uses the challenge up and returns it; None: none, another's, used already, or over."""
    taken = work.execute(
        sa.update(tables.key_challenge)
        .where(
            _challenge.client_id == client_id,
            _challenge.uid == uid,
            _challenge.used_at.is_(None),
            _challenge.expires_at > now,
        )
        .values(used_at=now)
        .returning(_challenge.nonce, _challenge.created_at, _challenge.expires_at)
    ).one_or_none()
    if taken is None:
        return None
    return ChallengeRow(
        client_id, uid, taken.nonce, Instant(taken.created_at), Instant(taken.expires_at)
    )


def challenged_since(work: UnitOfWork, client_id: str, since: Instant) -> list[Instant]:
    """Returns when challenges were made since, the oldest first."""
    found = work.execute(
        sa.select(_challenge.created_at)
        .where(_challenge.client_id == client_id, _challenge.created_at > since)
        .order_by(_challenge.created_at)
    )
    return [Instant(at) for at in found.scalars()]


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change that waits for a code, or did."""

    client_id: str
    uid: str
    # KEY or NOTIFICATION_URL.
    kind: str
    # What is to be, as JSON.
    change: str
    # PENDING, DONE or EXPIRED.
    state: str
    requested_at: Instant
    code_index: bytes = field(repr=False)
    expires_at: Instant
    tries: int = 0
    ended_at: Instant | None = None

    @property
    def proposal(self) -> str:
        """The thumbprint of the key, or the address; empty: notifications are to end."""
        told = json.loads(self.change)
        return str(told.get("key_id") or told.get("url") or "")


def put_change(work: UnitOfWork, row: ChangeRow) -> None:
    """Adds the change, or says where it stands and how often a code was tried."""
    done = work.execute(
        sa.update(tables.application_change)
        .where(_change.client_id == row.client_id, _change.uid == row.uid)
        .values(state=row.state, tries=row.tries, ended_at=row.ended_at)
    )
    if not done.rowcount:
        work.execute(tables.application_change.insert(), asdict(row))


def find_change(work: UnitOfWork, client_id: str, uid: str) -> ChangeRow | None:
    """Returns the change of this application."""
    row = work.execute(
        sa.select(tables.application_change).where(
            _change.client_id == client_id, _change.uid == uid
        )
    ).one_or_none()
    return None if row is None else _change_of(row)


def waiting_changes(
    work: UnitOfWork, client_ids: Collection[str]
) -> Mapping[str, Sequence[ChangeRow]]:
    """Returns the changes of each of the applications that wait, the latest first."""
    found: dict[str, list[ChangeRow]] = {client_id: [] for client_id in client_ids}
    for row in _changes(work, _change.client_id.in_(client_ids), _change.state == "PENDING"):
        found[row.client_id].append(row)
    return found


def changes_since(work: UnitOfWork, client_id: str, since: Instant) -> list[ChangeRow]:
    """Returns the changes that were asked for since, however they stand, the latest first."""
    return _changes(work, _change.client_id == client_id, _change.requested_at > since)


# --- Steps -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StepRow:
    """What was done to an application, once."""

    client_id: str
    uid: str
    step: Step
    taken_at: Instant
    taken_by: str = field(repr=False)
    # Of a suspension alone.
    ground: Ground | None = None
    about: str = ""
    # Of what comes with a request id alone.
    request_digest: bytes | None = field(default=None, repr=False)


def add_step(work: UnitOfWork, row: StepRow) -> None:
    """Appends the step."""
    work.execute(tables.application_step.insert(), _values(row))


def find_step(work: UnitOfWork, client_id: str, uid: str) -> StepRow | None:
    """Returns the step, or None."""
    row = work.execute(
        sa.select(tables.application_step).where(_step.client_id == client_id, _step.uid == uid)
    ).one_or_none()
    if row is None:
        return None
    told = row._asdict()
    ground = None if row.ground is None else Ground(row.ground)
    return StepRow(**(told | {"step": Step(row.step), "ground": ground}))


# --- Helpers -----------------------------------------------------------------------------


def _values(row: ApplicationRow | StepRow) -> dict[str, Any]:
    told = asdict(row)
    return {name: v.value if isinstance(v, enum.Enum) else v for name, v in told.items()}


def _own(client_id: str, owner: str | None) -> sa.Select[Any]:
    query = sa.select(tables.application).where(_application.client_id == client_id)
    return query if owner is None else query.where(_application.created_by == owner)


def _application_of(row: sa.Row[Any]) -> ApplicationRow:
    told = row._asdict()
    enums = {
        "role": Role(row.role),
        "type": Kind(row.type),
        "product": Product(row.product),
        "state": State(row.state),
    }
    return ApplicationRow(**(told | enums))


def _changes(work: UnitOfWork, *where: sa.ColumnElement[bool]) -> list[ChangeRow]:
    found = work.execute(
        sa.select(tables.application_change)
        .where(*where)
        .order_by(_change.requested_at.desc(), _change.uid)
    )
    return list(map(_change_of, found))


def _change_of(row: sa.Row[Any]) -> ChangeRow:
    return ChangeRow(**row._asdict())


# Made once: building a statement takes longer than running it.
_READ: Final = sa.select(tables.application).where(
    _application.client_id == sa.bindparam("client_id")
)
_KEYS: Final = (
    sa.select(tables.application_key)
    .where(_key.client_id == sa.bindparam("client_id"))
    .order_by(_key.created_at, _key.key_id)
)
