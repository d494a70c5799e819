"""What can be done with copies of licences: keep, look at, read, delete, and read their QR code.

require_room  refuses an uploader who stored too many of late
keep          stores a copy, sealed, in one unit of work
get_document  what is known of a copy
read_part     a part of its bytes
delete        removes bytes and key; the digest stays, as evidence
read_due      has the QR codes of new copies read, outside of any unit of work

A copy belongs to who uploaded it, under the code it was uploaded for. The enterprise
itself also sees the copy that its verification rests on, and no other: whoever uploads
something under another's code shows it to nobody and changes nothing. To everybody
else, staff included, a copy is not found.

Each copy is sealed with a key of its own, part by part; the place of a part is
authenticated with it. What a process that is killed was about to store is not there.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from bonafides.errors import (
    FieldViolation,
    InvalidFieldsError,
    NotFoundError,
    RateLimitedError,
)
from bonafides.identity import documents
from bonafides.identity.codes import UnifiedCode
from bonafides.identity.documents import DocumentError, DocumentStatus, Qr
from bonafides.identity.qr import QrReader, UnreadableError
from bonafides.instants import DAY, MICROSECONDS, Instant
from bonafides.once import uid_of
from bonafides.personal.sealing import Place, SubjectKey, Vault
from bonafides.storage import documents as rows
from bonafides.storage import identity as identity_rows
from bonafides.storage.documents import DocumentRow
from bonafides.storage.unit_of_work import Store, UnitOfWork

_RATE_WINDOW: Final = DAY
# Each costs a process and at most five seconds of a core. Whoever stops the server
# waits for the round to end.
_READ_IN_A_ROUND: Final = 4
_MOST_SUBMISSIONS: Final = 50


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where copies are kept, and how many one uploader may store in 24 hours."""

    store: Store
    vault: Vault
    documents_per_day: int


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks: by which name copies are kept, and whether for the enterprise itself."""

    submitter: str
    owner: bool


def require_room(shelf: Shelf, submitter: str, now: Instant) -> None:
    """Refuses an uploader who stored as many copies as a day has room for.

    Raises:
        RateLimitedError: with the time until the oldest of them is a day old.
    """
    with shelf.store.reading() as work:
        _require_room(work, shelf, submitter, now)


def keep(
    shelf: Shelf,
    content: bytes,
    *,
    code: UnifiedCode,
    sha256: bytes,
    submitter: str,
    now: Instant,
) -> DocumentStatus:
    """Stores a copy. Idempotent: bytes that the submitter stored before are there once.

    `sha256` is what the submitter says of the bytes.

    Raises:
        InvalidFieldsError: the bytes are others, or no image that is taken.
        RateLimitedError: the submitter stored too many in 24 hours.
    """
    media = _inspected(content, sha256)
    with shelf.store.reading() as work:
        known = rows.find_own(work, code.text, sha256, submitter)
        if known is not None:
            return _status(work, known, code)
    made = DocumentRow(
        code=code.text,
        uid=_uid(shelf.vault, f"{code}|{submitter}|{sha256.hex()}|{now}"),
        submitter=submitter,
        sha256=sha256,
        media_type=media.media_type,
        size_bytes=len(content),
        uploaded_at=now,
        qr=Qr.DUE,
        deleted_at=None,
    )
    # Sealed before the unit of work: on SQLite others wait for it.
    key, wrapped = shelf.vault.new_key(made.uid)
    size = documents.MOST_PART_BYTES
    sealed = [
        shelf.vault.seal(key, _place(made, number), content[at : at + size])
        for number, at in enumerate(range(0, len(content), size))
    ]
    with shelf.store.writing() as work:
        identity_rows.take_turns(work, f"uploader {submitter}")
        known = rows.find_own(work, code.text, sha256, submitter)
        if known is None:
            _require_room(work, shelf, submitter, now)
            identity_rows.add_wrapped_keys(work, {made.uid: wrapped})
            rows.insert(work, made, sealed)
            work.commit()
        return _status(work, known or made, code)


def get_document(
    shelf: Shelf, code: UnifiedCode, sha256: bytes, *, viewer: Viewer
) -> DocumentStatus:
    """Returns what is known of a copy.

    Raises:
        NotFoundError: there is none, or it is another's.
    """
    with shelf.store.reading() as work:
        return _status(work, _visible(work, code, sha256, viewer), code)


def read_part(
    shelf: Shelf, code: UnifiedCode, sha256: bytes, part: int, *, viewer: Viewer
) -> tuple[bytes, int]:
    """Returns a part of the bytes, and which part comes next; 0 behind the last.

    Raises:
        NotFoundError: there is no such copy or part, or it is another's.
    """
    with shelf.store.reading() as work:
        row = _visible(work, code, sha256, viewer)
        content = _opened(work, shelf.vault, row, part)
    following = part + 1
    return content, following if following < _parts(row) else 0


def delete(
    shelf: Shelf, code: UnifiedCode, sha256: bytes, *, submitter: str, now: Instant
) -> DocumentStatus:
    """Deletes the bytes and the key; returns what stays.

    Raises:
        NotFoundError: there is none, or it is another's.
    """
    with shelf.store.writing() as work:
        row = rows.find_own(work, code.text, sha256, submitter)
        # Locked: else a reader of its QR code could write to it once more.
        row = None if row is None else rows.find(work, row.code, row.uid, lock=True)
        if row is None:
            raise NotFoundError
        rows.delete(work, row, now)
        left = rows.find_latest(work, code.text, sha256, submitter)
        if left is None:
            raise NotFoundError
        told = _status(work, left, code)
        work.commit()
    return told


def read_due(shelf: Shelf, reader: QrReader | None, limit: int = _READ_IN_A_ROUND) -> int:
    """Has the QR codes of copies read that were not looked at, and notes the findings.

    `reader` None: none is installed here; noted so, and read once there is one.
    Returns how many it looked at, at most `limit`; 0 means that nothing is due.

    Raises:
        OSError: no process could be started; nothing is noted of the copy at hand.
    """
    outcomes = (Qr.DUE,) if reader is None else (Qr.DUE, Qr.NO_READER)
    with shelf.store.reading() as work:
        due = rows.due_for_reading(work, outcomes, limit)
    for code, uid in due:
        outcome = Qr.NO_READER if reader is None else _read(shelf, reader, code, uid)
        with shelf.store.writing() as work:
            row = rows.find(work, code, uid, lock=True)
            if row is not None:
                rows.set_qr(work, row, outcome)
                work.commit()
    return len(due)


def _read(shelf: Shelf, reader: QrReader, code: str, uid: str) -> Qr:
    try:
        with shelf.store.reading() as work:
            row = rows.find(work, code, uid)
            if row is None:
                return Qr.DELETED
            parts = [_opened(work, shelf.vault, row, part) for part in range(_parts(row))]
    except NotFoundError:
        # The key was erased with the person's other values.
        return Qr.DELETED
    try:
        return documents.compare(reader.read(b"".join(parts)), UnifiedCode(code))
    except UnreadableError:
        return Qr.UNREADABLE


def _inspected(content: bytes, sha256: bytes) -> documents.Media:
    if not hmac.compare_digest(hashlib.sha256(content).digest(), sha256):
        text = "The bytes have another SHA-256 than the name says; send the file unchanged."
        raise InvalidFieldsError((FieldViolation("name", "DIGEST_DIFFERS", text),))
    try:
        return documents.inspect(content)
    except DocumentError as fault:
        violation = FieldViolation("content", fault.reason, fault.description, fault.parameters)
        raise InvalidFieldsError((violation,)) from None


def _require_room(work: UnitOfWork, shelf: Shelf, submitter: str, now: Instant) -> None:
    oldest = rows.nth_latest_upload_at(work, submitter, shelf.documents_per_day)
    if oldest is not None and (wait := oldest + _RATE_WINDOW - now) > 0:
        raise RateLimitedError(-(-wait // MICROSECONDS))


def _visible(work: UnitOfWork, code: UnifiedCode, sha256: bytes, viewer: Viewer) -> DocumentRow:
    row = rows.find_own(work, code.text, sha256, viewer.submitter)
    if row is None and viewer.owner:
        row = rows.find_enrolling(work, code.text, sha256)
    if row is None:
        raise NotFoundError
    return row


def _opened(work: UnitOfWork, vault: Vault, row: DocumentRow, part: int) -> bytes:
    wrapped = identity_rows.wrapped_keys(work, [row.uid]).get(row.uid)
    sealed = rows.part(work, row, part)
    if wrapped is None or sealed is None:
        raise NotFoundError
    key: SubjectKey = vault.unwrap(row.uid, wrapped)
    return vault.open(key, _place(row, part), sealed)


def _parts(row: DocumentRow) -> int:
    return -(-row.size_bytes // documents.MOST_PART_BYTES)


def _place(row: DocumentRow, part: int) -> Place:
    return Place("document_part", row.uid, f"{part}/{_parts(row)}")


def _uid(vault: Vault, content: str) -> str:
    """Returns an id that nobody else can work out."""
    return uid_of(vault.index("document", content))


def _status(work: UnitOfWork, row: DocumentRow, code: UnifiedCode) -> DocumentStatus:
    return DocumentStatus(
        code=code,
        sha256=row.sha256,
        media_type=row.media_type,
        size_bytes=row.size_bytes,
        uploaded_at=row.uploaded_at,
        qr=row.qr,
        submissions=rows.naming(work, row, _MOST_SUBMISSIONS),
        deleted_at=row.deleted_at,
    )
