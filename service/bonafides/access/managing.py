"""What the operations on applications share: who may reach which, steps, and changes by code.

A change of a launched application waits for a code that goes to its registered e-mail:
whoever took over a login must not take the application with it. The code is good once,
for `CODE_TERM`, for `MOST_TRIES` tries, and there are `CHANGES_PER_DAY` of them; it is
kept as a keyed digest. A newer change of a kind ends the one before.

    with room.store.writing() as work:
        row = own(work, maker, client_id)     # NotFoundError: another's, or none
"""

from __future__ import annotations

import dataclasses
import hmac
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bonafides.access import applications as rules
from bonafides.access.applications import ChangeKind, Ground, State, Step
from bonafides.errors import (
    ApplicationStateError,
    CodeNotValidError,
    MailUnavailableError,
    NotFoundError,
    RateLimitedError,
)
from bonafides.identity import outbox
from bonafides.identity.membership import Principal
from bonafides.instants import DAY, MICROSECONDS, Instant
from bonafides.once import Mark
from bonafides.personal.sealing import Place, Sealed, Vault
from bonafides.storage import applications as rows
from bonafides.storage import identity as identity_rows
from bonafides.storage.applications import ApplicationRow, ChangeRow
from bonafides.storage.unit_of_work import Store, UnitOfWork

PENDING: Final = "PENDING"
DONE: Final = "DONE"
EXPIRED: Final = "EXPIRED"

_CODE_INDEX: Final = "application_code"
_TEXT: Final = (
    "有人请求更改您在 Bonafides 的应用 {client_id}:{what}。验证码:{code},15 分钟内有效。"
    "如非贵方操作,请勿将验证码告知任何人,并吊销可疑密钥。\n\n"
    "Somebody asks to change your application {client_id} on Bonafides: {what}. The code is "
    "{code}, good for 15 minutes. If it was not you, tell it nobody, and have staff suspend it."
)
_WHAT: Final = {
    ChangeKind.KEY: "a key is added / 增加公钥",
    ChangeKind.NOTIFICATION_URL: "notifications go elsewhere / 更改通知地址",
}


@dataclass(frozen=True, slots=True)
class Register:
    """What is needed here. `draw` gives random digits, `random_bytes` bytes, as many as asked for.

    `can_send`: a code can be sent. `signing_key` None: nothing is signed here.
    `sandbox_key` None: no sandbox's word is taken.
    """

    store: Store
    vault: Vault
    environment: str
    draw: Callable[[int], str]
    random_bytes: Callable[[int], bytes]
    can_send: bool
    signing_key: Ed25519PrivateKey | None = field(default=None, repr=False)
    sandbox_key: Ed25519PublicKey | None = None


def own(
    work: UnitOfWork, maker: Principal | None, client_id: str, *, lock: bool = True
) -> ApplicationRow:
    """Returns the application that the login made; `maker` None: staff, who reach any.

    With `lock`, nobody else changes it until the work is done.

    Raises:
        NotFoundError: there is none, or it is another's.
    """
    owner = None if maker is None else maker.name
    found = (rows.lock_own if lock else rows.find_own)(work, client_id, owner)
    if found is None:
        raise NotFoundError
    return found


def require_running(row: ApplicationRow) -> None:
    """Checks that the application is neither suspended nor closed.

    Raises:
        ApplicationStateError: it is.
    """
    if row.state in (State.SUSPENDED, State.CLOSED):
        raise ApplicationStateError(row.state.value)


def take_step(
    work: UnitOfWork,
    client_id: str,
    step: Step,
    by: Principal,
    *,
    now: Instant,
    about: str = "",
    ground: Ground | None = None,
    mark: Mark | None = None,
) -> None:
    """Appends what is done to the application; `mark`: of the request that it comes by."""
    uid, digest = (str(uuid.uuid4()), None) if mark is None else (mark.uid, mark.digest)
    rows.add_step(work, rows.StepRow(client_id, uid, step, now, by.name, ground, about, digest))


def settle(work: UnitOfWork, room: Register, client_id: str, now: Instant) -> None:
    """Brings the state of an application that is not launched in line with what it has."""
    row = own(work, None, client_id)
    if row.state not in (State.DRAFT, State.TESTING, State.READY):
        return
    state = rules.settled(
        room.environment,
        has_key=has_key(work, client_id, now),
        contract=row.contract_signed_at is not None,
        accepted=row.accepted_at is not None,
    )
    if state is not row.state:
        rows.set_application(work, client_id, {"state": state.value}, now)


def has_key(work: UnitOfWork, client_id: str, now: Instant) -> bool:
    """Tells whether the application has a key that is good now or will be."""
    return bool(rows.with_key(work, [client_id], now))


def limit(made: list[Instant], most: int, now: Instant) -> None:
    """Checks that no more than so many were made in 24 hours.

    Raises:
        RateLimitedError: as many were.
    """
    if len(made) >= most:
        raise RateLimitedError(-(-(made[-most] + DAY - now) // MICROSECONDS))


# --- The registered e-mail ---------------------------------------------------------------


def seal_email(work: UnitOfWork, vault: Vault, client_id: str, address: str) -> bytes:
    """Returns the address sealed under a key of the application's own."""
    subject = _subject(client_id)
    key, wrapped = vault.new_key(subject)
    identity_rows.add_wrapped_keys(work, {subject: wrapped})
    return vault.seal(key, _place(client_id), address.encode())


def open_emails(
    work: UnitOfWork, vault: Vault, found: Sequence[ApplicationRow]
) -> Mapping[str, str]:
    """Returns the addresses of applications by client id.

    One that is not there was erased with the end of its application.
    """
    subjects = {row.client_id: _subject(row.client_id) for row in found}
    wrapped = identity_rows.wrapped_keys(work, list(subjects.values()))
    opened = {}
    for row in found:
        subject = subjects[row.client_id]
        if subject in wrapped:
            key = vault.unwrap(subject, wrapped[subject])
            sealed = Sealed(row.email_sealed)
            opened[row.client_id] = vault.open(key, _place(row.client_id), sealed).decode()
    return opened


def forget_email(work: UnitOfWork, client_id: str) -> None:
    """Makes the address unreadable."""
    identity_rows.delete_wrapped_key(work, _subject(client_id))


# --- Changes that wait for a code ----------------------------------------------------------


def request_change(
    work: UnitOfWork,
    room: Register,
    row: ApplicationRow,
    kind: ChangeKind,
    change: str,
    *,
    now: Instant,
) -> ChangeRow:
    """Has the change wait for a code, which is put into the outbox. Ends one of its kind.

    Raises:
        MailUnavailableError: nothing can be sent here.
        RateLimitedError: too many changes in 24 hours.
    """
    address = open_emails(work, room.vault, [row]).get(row.client_id)
    if not room.can_send or address is None:
        raise MailUnavailableError
    before = rows.changes_since(work, row.client_id, Instant(now - DAY))
    limit(sorted(each.requested_at for each in before), rules.CHANGES_PER_DAY, now)
    end_changes(work, row.client_id, now, kind=kind)
    uid, code = str(uuid.uuid4()), room.draw(rules.CODE_DIGITS)
    expires_at = Instant(now + rules.CODE_TERM)
    index = _index(room, row.client_id, uid, code)
    made = ChangeRow(row.client_id, uid, kind.value, change, PENDING, now, index, expires_at)
    rows.put_change(work, made)
    text = _TEXT.format(client_id=row.client_id, what=_WHAT[kind], code=code)
    contact = outbox.Contact(address, None)
    outbox.post(work, room.vault, outbox.Letter(uid, contact, text, now, expires_at))
    return made


def end_changes(
    work: UnitOfWork, client_id: str, now: Instant, *, kind: ChangeKind | None = None
) -> None:
    """Ends, without effect, the changes that wait: of one kind, or all."""
    for each in rows.waiting_changes(work, [client_id])[client_id]:
        if kind is None or each.kind == kind:
            rows.put_change(work, dataclasses.replace(each, state=EXPIRED, ended_at=now))


def confirm_change(
    work: UnitOfWork, room: Register, client_id: str, uid: str, given: str, *, now: Instant
) -> ChangeRow:
    """Takes the code of a change; a wrong one is counted, and committed, though this fails.

    What the change is about is for the caller to bring about, in the same work.

    Raises:
        NotFoundError: no such change of this application.
        CodeNotValidError: the code is wrong, was used, or is over.
    """
    found = rows.find_change(work, client_id, uid)
    if found is None:
        raise NotFoundError
    if found.state != PENDING:
        raise CodeNotValidError
    right = hmac.compare_digest(found.code_index, _index(room, client_id, uid, given))
    tried = dataclasses.replace(found, tries=found.tries + 1)
    over = now >= found.expires_at
    if over or not right:
        if over or tried.tries >= rules.MOST_TRIES:
            tried = dataclasses.replace(tried, state=EXPIRED, ended_at=now)
        rows.put_change(work, tried)
        work.commit()
        raise CodeNotValidError
    done = dataclasses.replace(tried, state=DONE, ended_at=now)
    rows.put_change(work, done)
    return done


def standing(row: ChangeRow, now: Instant) -> ChangeRow:
    """Returns the change as it stands now: that its time is over is noted later than it is."""
    late = row.state == PENDING and now >= row.expires_at
    return dataclasses.replace(row, state=EXPIRED) if late else row


def _index(room: Register, client_id: str, uid: str, code: str) -> bytes:
    return room.vault.index(_CODE_INDEX, f"{client_id}|{uid}|{code}")


def _subject(client_id: str) -> str:
    return f"application/{client_id}"


def _place(client_id: str) -> Place:
    return Place("application", _subject(client_id), "email")
