"""Sends one-time codes to contacts on record: finds the contact, keeps the message, delivers.

A message is put into the outbox in the unit of work that makes its code, sealed under a
key of its own, and sent by the worker outside any. Once it was sent, can't be any more,
or may not, its key is deleted. An address that is a person's needs that person's
consent, when the message is written and again when it is sent.

    deliver_due(store, vault, courier, now)     # how many were due
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final

from email_validator import EmailNotValidError, validate_email

from bonafides.identity import membership as rules
from bonafides.identity.consent import USES
from bonafides.identity.couriers import Courier, CourierError, Message
from bonafides.identity.membership import Claim
from bonafides.identity.sources import REGISTRY
from bonafides.instants import MICROSECONDS, Instant
from bonafides.personal.sealing import Place, Sealed, Vault
from bonafides.storage import consents as consent_rows
from bonafides.storage import identity as identity_rows
from bonafides.storage import membership as rows
from bonafides.storage import registry as registry_rows
from bonafides.storage.unit_of_work import Store, UnitOfWork

# A mail server that is away is tried again after so long, doubled each time.
_FIRST_PAUSE: Final = 10 * MICROSECONDS
_SEND: Final = "send_code"
_SUBJECT: Final = "Bonafides: 一次性验证码 / one-time code"
_TEXT: Final = (
    "有人申请管理代码为 {enterprise} 的企业在 Bonafides 的账户。验证码:{code},15 分钟内有效。"
    "如非贵方申请,请忽略本邮件,勿将验证码告知任何人。\n\n"
    "Somebody asks to act for the enterprise {enterprise} on Bonafides. The code is {code}, good "
    "for 15 minutes. If it was not you, do nothing and tell it nobody."
)


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a code may go.

    `purpose` None: the address needs no consent, being public, or given for this by whoever
    is written to.
    """

    address: str = field(repr=False)
    purpose: str | None


def contact(work: UnitOfWork, vault: Vault, made: Claim, now: Instant) -> Contact | None:
    """Returns an address that the claimant did not supply.

    The registry's own, which is public; else, with the person's consent, that of a
    record of another submitter (identity.membership, rule 1). None: there is no such contact.
    """
    subject = f"{REGISTRY}/{made.code}"
    raw = registry_rows.sealed_raw(work, made.code)
    wrapped = identity_rows.wrapped_keys(work, [subject]).get(subject)
    if raw is not None and wrapped is not None:
        opened = vault.open(vault.unwrap(subject, wrapped), Place(REGISTRY, subject, "raw"), raw)
        if address := _address(json.loads(opened).get("contact_email")):
            return Contact(address, None)
    if consent_rows.find(work, made.code, _SEND, at=now) is None:
        return None
    before = Instant(now - rules.CONTACT_AGE)
    for uid, sealed in rows.earlier_records(
        work, made.code, besides=made.principal.name, before=before, now=now
    ):
        wrapped = identity_rows.wrapped_keys(work, [uid]).get(uid)
        if wrapped is not None:
            consent_rows.require(work, made.code, _SEND, at=now)
            key = vault.unwrap(uid, wrapped)
            opened = vault.open(key, Place("submission", uid, "personal"), Sealed(sealed))
            if address := _address(json.loads(opened).get("email")):
                return Contact(address, USES[_SEND].purpose.value)
    return None


def post_code(work: UnitOfWork, vault: Vault, made: Claim, to: Contact, one_time_code: str) -> None:
    """Puts the code into the outbox, due at once and good as long as the claim's code."""
    text = _TEXT.format(enterprise=made.code, code=one_time_code)
    letter = Letter(
        uid=made.uid,
        to=to,
        text=text,
        due_at=made.claimed_at,
        expires_at=made.code_expires_at or made.claimed_at,
        code=made.code,
    )
    post(work, vault, letter)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that is to be sent. `code` empty: it is about no enterprise."""

    uid: str
    to: Contact
    text: str = field(repr=False)
    due_at: Instant
    expires_at: Instant
    code: str = ""


def post(work: UnitOfWork, vault: Vault, letter: Letter) -> None:
    """Puts the letter into the outbox, sealed under a key of its own."""
    told = json.dumps({"to": letter.to.address, "text": letter.text})
    subject = _subject(letter.uid)
    key, wrapped = vault.new_key(subject)
    identity_rows.add_wrapped_keys(work, {subject: wrapped})
    rows.add_message(
        work,
        rows.OutboxRow(
            code=letter.code,
            uid=letter.uid,
            message_sealed=vault.seal(key, _place(letter.uid), told.encode()),
            purpose=letter.to.purpose,
            due_at=letter.due_at,
            tries=0,
            expires_at=letter.expires_at,
        ),
    )


def deliver_due(store: Store, vault: Vault, courier: Courier, now: Instant, limit: int = 50) -> int:
    """Sends what is due, and puts off what couldn't be sent; returns how many it looked at.

    Whether a message was sent, can't be any more, or may not: its key is deleted then.
    """
    with store.reading() as work:
        due = rows.due_messages(work, now, limit)
    for row in due:
        message = _readable(store, vault, row, now)
        if message is None:
            continue
        try:
            courier.carry(message)
        except CourierError:
            pause = _FIRST_PAUSE * 2**row.tries
            with store.writing() as work:
                rows.set_message(work, row, due_at=Instant(now + pause), sent_at=None)
                work.commit()
        else:
            with store.writing() as work:
                _done_with(work, row, sent_at=now)
                work.commit()
    return len(due)


def _readable(store: Store, vault: Vault, row: rows.OutboxRow, now: Instant) -> Message | None:
    """Returns the message, if it may be sent still; else it is done with."""
    with store.writing() as work:
        wrapped = identity_rows.wrapped_keys(work, [_subject(row.uid)]).get(_subject(row.uid))
        allowed = row.purpose is None or consent_rows.find(work, row.code, _SEND, at=now)
        if wrapped is None or now >= row.expires_at or not allowed:
            _done_with(work, row, sent_at=None)
            work.commit()
            return None
        if row.purpose is not None:
            consent_rows.require(work, row.code, _SEND, at=now)
            work.commit()
    key = vault.unwrap(_subject(row.uid), wrapped)
    told = json.loads(vault.open(key, _place(row.uid), Sealed(row.message_sealed)))
    return Message(row.uid, told["to"], _SUBJECT, told["text"])


def _done_with(work: UnitOfWork, row: rows.OutboxRow, *, sent_at: Instant | None) -> None:
    rows.set_message(work, row, due_at=None, sent_at=sent_at)
    identity_rows.delete_wrapped_key(work, _subject(row.uid))


def _address(text: object) -> str | None:
    try:
        return validate_email(str(text or ""), check_deliverability=False).normalized
    except EmailNotValidError:
        return None


def _subject(uid: str) -> str:
    return f"outbox/{uid}"


def _place(uid: str) -> Place:
    return Place("outbox", _subject(uid), "message")
