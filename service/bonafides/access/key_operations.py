"""What can be done with the keys of an application, and with changes that wait for a code.

issue_challenge  what a key has to sign before it is registered
register         registers a key that signed it; once launched, after a code
list_keys        the keys, and those that wait for a code
revoke           what the key signs counts no more; needs no code
confirm          brings a change about by its code

Private keys never come here. An application has `MOST_KEYS` that are neither revoked nor
over, so that a new one is registered while the old one still counts, and the old one
revoked once nothing signs by it: rotation is an overlap.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import uuid
from dataclasses import dataclass, field

from bonafides.access import applications as rules
from bonafides.access import managing
from bonafides.access.application_keys import (
    NONCE_BYTES,
    PublicKey,
    is_proof,
    proof_message,
)
from bonafides.access.applications import ChangeKind, Step
from bonafides.access.managing import Register, own, require_running, take_step
from bonafides.errors import KeyNotAddedError, KeyProofError, NotFoundError
from bonafides.identity.membership import Principal
from bonafides.instants import DAY, Instant
from bonafides.storage import applications as rows
from bonafides.storage.applications import ApplicationRow, ChallengeRow, ChangeRow, KeyRow
from bonafides.storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Offered:
    """A key that is to be registered, good from `not_before` until `not_after`, with its proof."""

    challenge_uid: str
    key: PublicKey
    signature: bytes = field(repr=False)
    not_before: Instant
    not_after: Instant


@dataclass(frozen=True, slots=True)
class Held:
    """A key, registered; or, with the uid of its change, one that waits for a code."""

    row: KeyRow
    change_uid: str | None = None


def issue_challenge(
    room: Register, maker: Principal, client_id: str, *, now: Instant
) -> ChallengeRow:
    """Issues a challenge, good once.

    Raises:
        NotFoundError: no such application, or another's.
        ApplicationStateError: it is suspended or closed.
        RateLimitedError: too many challenges in 24 hours.
    """
    with room.store.writing() as work:
        require_running(own(work, maker, client_id))
        made = rows.challenged_since(work, client_id, Instant(now - DAY))
        managing.limit(made, rules.CHALLENGES_PER_DAY, now)
        nonce, expires_at = room.random_bytes(NONCE_BYTES), Instant(now + rules.CHALLENGE_TERM)
        issued = ChallengeRow(client_id, str(uuid.uuid4()), nonce, now, expires_at)
        rows.insert_challenge(work, issued)
        work.commit()
    return issued


def register(
    room: Register, maker: Principal, client_id: str, offered: Offered, *, now: Instant
) -> Held:
    """Registers the key; of a launched application it waits for a code.

    Raises:
        NotFoundError: no such application, or another's.
        ApplicationStateError: it is suspended or closed.
        KeyProofError: the challenge is not good, or not signed by the key.
        KeyNotAddedError: there are three keys, or this one was there before.
        MailUnavailableError, RateLimitedError: it would wait for a code; see `managing`.
    """
    with room.store.writing() as work:
        row = own(work, maker, client_id)
        require_running(row)
        if not _proved(work, room, client_id, offered, now):
            # The challenge is used up though the call fails.
            work.commit()
            raise KeyProofError
        key = KeyRow(
            client_id,
            offered.key.key_id,
            offered.key.algorithm,
            offered.key.der,
            offered.not_before,
            offered.not_after,
            now,
        )
        if row.launched_at is None:
            held = Held(_added(work, key, now))
            take_step(work, client_id, Step.KEY_REGISTERED, maker, now=now, about=key.key_id)
            managing.settle(work, room, client_id, now)
        else:
            held = _waiting(work, room, row, key, now)
            kind = ChangeKind.KEY
            take_step(work, client_id, Step.CHANGE_REQUESTED, maker, now=now, about=kind)
        work.commit()
    return held


def list_keys(
    room: Register, maker: Principal | None, client_id: str, *, now: Instant
) -> tuple[Held, ...]:
    """Returns the keys, those that wait for a code too, the latest first.

    Raises:
        NotFoundError: no such application, or another's. `maker` None: staff, who see any.
    """
    with room.store.reading() as work:
        own(work, maker, client_id, lock=False)
        waiting = [
            Held(_proposed(each), each.uid)
            for each in rows.waiting_changes(work, [client_id])[client_id]
            if each.kind == ChangeKind.KEY and now < each.expires_at
        ]
        return (*waiting, *map(Held, reversed(rows.keys_of(work, client_id))))


def revoke(
    room: Register, actor: Principal, client_id: str, key_id: str, *, is_staff: bool, now: Instant
) -> Held:
    """Revokes the key; one that is revoked stays as it is. Good in every state.

    Raises:
        NotFoundError: no such key or application, or another's.
    """
    with room.store.writing() as work:
        own(work, None if is_staff else actor, client_id)
        found = _key(work, client_id, key_id)
        if found.revoked_at is None:
            rows.revoke_keys(work, client_id, now, key_id=key_id)
            take_step(work, client_id, Step.KEY_REVOKED, actor, now=now, about=key_id)
            managing.settle(work, room, client_id, now)
            found = dataclasses.replace(found, revoked_at=now)
        work.commit()
    return Held(found)


def confirm(
    room: Register, maker: Principal, client_id: str, uid: str, code: str, *, now: Instant
) -> ChangeRow:
    """Brings the change about, by the code that was sent.

    Raises:
        NotFoundError: no such application or change, or another's.
        ApplicationStateError: it is suspended or closed.
        CodeNotValidError: the code is wrong, was used, or is over.
        KeyNotAddedError: the key can't be added any more.
    """
    with room.store.writing() as work:
        row = own(work, maker, client_id)
        require_running(row)
        done = managing.confirm_change(work, room, client_id, uid, code, now=now)
        if done.kind == ChangeKind.KEY:
            key = dataclasses.replace(_proposed(done), created_at=now)
            _added(work, key, now)
            take_step(work, client_id, Step.KEY_REGISTERED, maker, now=now, about=key.key_id)
        else:
            values = {"notification_url": json.loads(done.change)["url"]}
            rows.set_application(work, client_id, values, now)
            take_step(work, client_id, Step.UPDATED, maker, now=now, about="notification_url")
        work.commit()
    return done


# --- Helpers -----------------------------------------------------------------------------


def _proved(
    work: UnitOfWork, room: Register, client_id: str, offered: Offered, now: Instant
) -> bool:
    """Tells whether the key signed a challenge of this application, which it uses up."""
    taken = rows.take_challenge(work, client_id, offered.challenge_uid, now)
    if taken is None:
        return False
    key = offered.key
    message = proof_message(room.environment, client_id, key.key_id, taken.nonce)
    return is_proof(key, offered.signature, message)


def _added(work: UnitOfWork, key: KeyRow, now: Instant) -> KeyRow:
    _require_room(work, key, now)
    rows.insert_key(work, key)
    return key


def _require_room(work: UnitOfWork, key: KeyRow, now: Instant) -> None:
    known = rows.keys_of(work, key.client_id)
    # A key that was revoked may be known to others: it never comes back.
    if any(each.key_id == key.key_id for each in known):
        raise KeyNotAddedError("KNOWN_KEY")
    open_ = [each for each in known if each.revoked_at is None and now < each.not_after]
    if len(open_) >= rules.MOST_KEYS:
        raise KeyNotAddedError("THREE_KEYS")
    if now >= key.not_after:
        raise KeyNotAddedError("TERM_OVER")


def _waiting(
    work: UnitOfWork, room: Register, row: ApplicationRow, key: KeyRow, now: Instant
) -> Held:
    """Returns the key as one that waits for a code."""
    _require_room(work, key, now)
    proposed = json.dumps(
        {
            "key_id": key.key_id,
            "algorithm": key.algorithm,
            "public_key": base64.b64encode(key.public_key).decode("ascii"),
            "not_before": key.not_before,
            "not_after": key.not_after,
        }
    )
    made = managing.request_change(work, room, row, ChangeKind.KEY, proposed, now=now)
    return Held(key, made.uid)


def _proposed(change: ChangeRow) -> KeyRow:
    """Returns the key that the change adds."""
    told = json.loads(change.change)
    return KeyRow(
        change.client_id,
        told["key_id"],
        told["algorithm"],
        base64.b64decode(told["public_key"]),
        Instant(told["not_before"]),
        Instant(told["not_after"]),
        change.requested_at,
    )


def _key(work: UnitOfWork, client_id: str, key_id: str) -> KeyRow:
    for each in rows.keys_of(work, client_id):
        if each.key_id == key_id:
            return each
    raise NotFoundError
