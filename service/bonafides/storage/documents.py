"""Rows of documents and of their sealed parts.

A document is written whole, in one unit of work, or not at all; its parts have no
other way in. When it is deleted its parts and its key go, and its row stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from bonafides.identity.documents import Qr
from bonafides.instants import Instant
from bonafides.personal.sealing import Sealed
from bonafides.storage import tables
from bonafides.storage.unit_of_work import UnitOfWork

_document: Final = tables.document.c
_part: Final = tables.document_part.c
_submission: Final = tables.submission.c


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document as it is stored, without its bytes."""

    code: str
    uid: str
    submitter: str
    sha256: bytes
    media_type: str
    size_bytes: int
    uploaded_at: Instant
    qr: Qr
    deleted_at: Instant | None


def find_own(work: UnitOfWork, code: str, sha256: bytes, submitter: str) -> DocumentRow | None:
    """Returns the document that this submitter uploaded and did not delete."""
    return _first(
        work,
        _query(code, sha256).where(
            _document.submitter == submitter, _document.deleted_at.is_(None)
        ),
    )


def find_enrolling(work: UnitOfWork, code: str, sha256: bytes) -> DocumentRow | None:
    """Returns the document named by the submission by which the enterprise takes part."""
    enterprise = tables.enterprise.c
    joined = tables.document.join(
        tables.submission,
        sa.and_(
            _submission.code == _document.code,
            _submission.submitter == _document.submitter,
            _submission.license_sha256 == _document.sha256,
        ),
    ).join(
        tables.enterprise,
        sa.and_(enterprise.code == _submission.code, enterprise.uid == _submission.uid),
    )
    query = _query(code, sha256).select_from(joined)
    return _first(work, query.where(_document.deleted_at.is_(None)))


def find_latest(work: UnitOfWork, code: str, sha256: bytes, submitter: str) -> DocumentRow | None:
    """Returns the submitter's last upload of these bytes, even if it was deleted."""
    query = _query(code, sha256).where(_document.submitter == submitter)
    return _first(work, query.order_by(_document.uploaded_at.desc()).limit(1))


def nth_latest_upload_at(work: UnitOfWork, submitter: str, nth: int) -> Instant | None:
    """Returns when the submitter stored the nth document counted back, deleted ones too."""
    found = work.execute(
        sa.select(_document.uploaded_at)
        .where(_document.submitter == submitter)
        .order_by(_document.uploaded_at.desc())
        .offset(nth - 1)
        .limit(1)
    ).scalar_one_or_none()
    return None if found is None else Instant(found)


def insert(work: UnitOfWork, row: DocumentRow, parts: Sequence[Sealed]) -> None:
    """Adds a document with all of its parts."""
    work.execute(
        tables.document.insert(),
        {
            "code": row.code,
            "uid": row.uid,
            "submitter": row.submitter,
            "sha256": row.sha256,
            "media_type": row.media_type,
            "size_bytes": row.size_bytes,
            "uploaded_at": row.uploaded_at,
            "qr": row.qr.value,
            "deleted_at": row.deleted_at,
        },
    )
    # One by one: all in one statement would be held once more, as parameters.
    for number, sealed in enumerate(parts):
        work.execute(
            tables.document_part.insert(),
            {"code": row.code, "uid": row.uid, "part": number, "content_sealed": sealed},
        )


def part(work: UnitOfWork, row: DocumentRow, number: int) -> Sealed | None:
    """Returns a sealed part; None if the document has fewer."""
    found = work.execute(
        sa.select(_part.content_sealed).where(
            _part.code == row.code, _part.uid == row.uid, _part.part == number
        )
    ).scalar_one_or_none()
    return None if found is None else Sealed(found)


def delete(work: UnitOfWork, row: DocumentRow, now: Instant) -> None:
    """Removes parts and key of a document; what stays says that it was there."""
    work.execute(
        sa.delete(tables.document_part).where(_part.code == row.code, _part.uid == row.uid)
    )
    keys = tables.subject_key
    work.execute(sa.delete(keys).where(keys.c.subject == row.uid))
    read = Qr.DELETED if row.qr is Qr.DUE else row.qr
    _update(work, row.code, row.uid, deleted_at=now, qr=read.value)


def due_for_reading(work: UnitOfWork, outcomes: Sequence[Qr], limit: int) -> list[tuple[str, str]]:
    """Returns code and uid of documents that are there and stand so, oldest first."""
    found = work.execute(
        sa.select(_document.code, _document.uid)
        .where(
            _document.qr.in_([outcome.value for outcome in outcomes]),
            _document.deleted_at.is_(None),
        )
        .order_by(_document.uploaded_at)
        .limit(limit)
    )
    return [(row.code, row.uid) for row in found]


def find(work: UnitOfWork, code: str, uid: str, *, lock: bool = False) -> DocumentRow | None:
    """Returns a document that is there; with `lock`, nobody changes it until the work is done."""
    query = sa.select(tables.document).where(
        _document.code == code, _document.uid == uid, _document.deleted_at.is_(None)
    )
    return _first(work, query.with_for_update() if lock else query)


def set_qr(work: UnitOfWork, row: DocumentRow, outcome: Qr) -> None:
    """Notes what became of reading the QR code."""
    _update(work, row.code, row.uid, qr=outcome.value)


def naming(work: UnitOfWork, row: DocumentRow, limit: int) -> tuple[str, ...]:
    """Returns the uids of its uploader's submissions that name it, oldest first."""
    found = work.execute(
        sa.select(_submission.uid)
        .where(
            _submission.code == row.code,
            _submission.submitter == row.submitter,
            _submission.license_sha256 == row.sha256,
        )
        .order_by(_submission.submitted_at, _submission.uid)
        .limit(limit)
    )
    return tuple(found.scalars())


def _query(code: str, sha256: bytes) -> sa.Select[Any]:
    return sa.select(tables.document).where(_document.code == code, _document.sha256 == sha256)


def _update(work: UnitOfWork, code: str, uid: str, **values: Any) -> None:
    work.execute(
        sa.update(tables.document)
        .where(_document.code == code, _document.uid == uid)
        .values(**values)
    )


def _first(work: UnitOfWork, query: sa.Select[Any]) -> DocumentRow | None:
    row = work.execute(query).first()
    if row is None:
        return None
    return DocumentRow(
        code=row.code,
        uid=row.uid,
        submitter=row.submitter,
        sha256=row.sha256,
        media_type=row.media_type,
        size_bytes=row.size_bytes,
        uploaded_at=Instant(row.uploaded_at),
        qr=Qr(row.qr),
        deleted_at=None if row.deleted_at is None else Instant(row.deleted_at),
    )
