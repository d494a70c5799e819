"""What can be done with what platforms ask of enterprises beyond what they read.

request_more        a platform asks; it appears in the enterprise's requirements
list_inquiries      to a platform its own, to the enterprise all of them
answer              the enterprise answers, in words, by a copy, or both; anew until it is closed
close               the platform asks no more

Questions about an inquiry go to the platform that asks. Its words are shown as its words;
neither they nor an answer may hold a person's data, and neither touches archive or level.
A copy is named by its digest and never handed over by the service: the enterprise hands
it to the platform, which can compare.

Source: 002 §1.8(1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bonafides.archive.self_description import impersonal
from bonafides.errors import (
    CaseStateError,
    FieldViolation,
    InvalidFieldsError,
    NotFoundError,
    RateLimitedError,
)
from bonafides.identity.consent_operations import require_actor, require_reader
from bonafides.identity.membership import Actor
from bonafides.identity.operations import Desk
from bonafides.instants import DAY, HOUR, MICROSECONDS, Instant
from bonafides.once import Request
from bonafides.storage import documents as document_rows
from bonafides.storage import membership as member_rows
from bonafides.storage import platforms as rows
from bonafides.storage.identity import is_enrolled, take_turns
from bonafides.storage.platforms import InquiryRow, Place, Whose
from bonafides.storage.unit_of_work import UnitOfWork

# Of one enterprise, by one platform, in 24 hours, and unanswered at a time.
_MOST_PER_DAY: Final = 10
_MOST_OPEN: Final = 10
_MOST_DAYS: Final = 90
_DIGEST_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Question:
    """What a platform asks for, by which request."""

    kind: str
    text: str
    deadline_at: Instant
    request: Request


def request_more(
    desk: Desk, platform: str, code: str, asked: Question, *, now: Instant
) -> InquiryRow:
    """Adds the inquiry and tells those who act for the enterprise; idempotent by request id.

    Raises:
        InvalidFieldsError: the text names a person's data, or the deadline is no good.
        NotFoundError: no such enterprise takes part.
        RequestIdReusedError: the request id came before with another digest.
        RateLimitedError: the platform asked too much of this enterprise.
    """
    mark = asked.request.mark(desk.vault, "inquiry", platform, code)
    with desk.store.writing() as work:
        take_turns(work, f"inquiries {code}")
        if not is_enrolled(work, code):
            raise NotFoundError
        known = mark.answer(rows.find_inquiry(work, code, mark.uid, platform))
        if known is not None:
            return known
        # Behind the look for a repetition, which comes when the deadline may be near.
        text = impersonal(asked.text, "text")
        _require_deadline(asked.deadline_at, now)
        _leave_room(work, code, platform, now)
        made = InquiryRow(
            code=code,
            platform=platform,
            uid=mark.uid,
            request_digest=mark.digest,
            kind=asked.kind,
            text=text,
            asked_at=now,
            deadline_at=asked.deadline_at,
        )
        rows.add_inquiry(work, made)
        member_rows.add_notice(work, code, "PLATFORM_ASKS", now)
        work.commit()
    return made


def list_of_platform(desk: Desk, platform: str, code: str, place: Place) -> tuple[InquiryRow, ...]:
    """Returns what the platform asked, one more than fit; of any enterprise if none is named."""
    with desk.store.reading() as work:
        return tuple(rows.inquiries(work, Whose(code, platform), place))


def list_of_enterprise(desk: Desk, actor: Actor, code: str, place: Place) -> tuple[InquiryRow, ...]:
    """Returns what platforms asked of the enterprise, one more than fit.

    Raises:
        NotFoundError: not the actor's enterprise.
    """
    with desk.store.reading() as work:
        require_reader(work, actor, code)
        return tuple(rows.inquiries(work, Whose(code), place))


def answer(
    desk: Desk, actor: Actor, name: tuple[str, str], said: str, document: bytes, *, now: Instant
) -> InquiryRow:
    """Keeps the enterprise's answer in place of the one before. `name`: code and uid.

    Raises:
        NotFoundError: not the actor's enterprise, or no such inquiry.
        CaseStateError: the platform closed it.
        InvalidFieldsError: there is no answer, it names a person's data, or no such copy
            was uploaded by this login.
    """
    code, uid = name
    with desk.store.writing() as work:
        require_actor(work, actor, code)
        take_turns(work, f"inquiries {code}")
        made = rows.find_inquiry(work, code, uid)
        if made is None:
            raise NotFoundError
        if made.closed_at is not None:
            raise CaseStateError("CLOSED")
        text = impersonal(said, "answer") if said else ""
        copy = _copy(work, actor, code, document)
        if not text and copy is None:
            told = "Answer in words, or name a copy that you uploaded."
            raise InvalidFieldsError((FieldViolation("answer", "REQUIRED", told),))
        made = rows.answer(work, made, text, copy, now)
        work.commit()
    return made


def close(desk: Desk, platform: str, name: tuple[str, str], *, now: Instant) -> InquiryRow:
    """Closes an inquiry of the platform's own; one that is closed stays as it is.

    Raises:
        NotFoundError: the platform has no such inquiry.
    """
    code, uid = name
    with desk.store.writing() as work:
        take_turns(work, f"inquiries {code}")
        made = rows.find_inquiry(work, code, uid, platform)
        if made is None:
            raise NotFoundError
        if made.closed_at is None:
            made = rows.close(work, made, now)
            work.commit()
    return made


def _copy(work: UnitOfWork, actor: Actor, code: str, document: bytes) -> bytes | None:
    if not document:
        return None
    fits = len(document) == _DIGEST_BYTES
    known = fits and document_rows.find_own(work, code, document, actor.principal.name)
    if not known:
        told = "Upload the copy first, and give its SHA-256 in 32 bytes."
        raise InvalidFieldsError((FieldViolation("document_sha256", "NOT_UPLOADED", told),))
    return document


def _require_deadline(deadline: Instant, now: Instant) -> None:
    if not now + HOUR <= deadline <= now + _MOST_DAYS * DAY:
        text = f"Give a time between an hour and {_MOST_DAYS} days from now."
        raise InvalidFieldsError((FieldViolation("deadline_time", "OUT_OF_RANGE", text),))


def _leave_room(work: UnitOfWork, code: str, platform: str, now: Instant) -> None:
    today = rows.inquiries_since(work, code, platform, Instant(now - DAY))
    if today >= _MOST_PER_DAY or len(rows.open_inquiries(work, code, platform)) >= _MOST_OPEN:
        raise RateLimitedError(DAY // MICROSECONDS)
