"""What can be erased of persons: the personal values of a submission.

erase_personal_data   makes a submission's values unreadable, and ends what rested on them

It is told again without harm, and leaves a row that says that it was done, never of
what. What is sealed under a key that is deleted can't be read again, but from backups
that still hold the key. Buyers are erased in `bonafides.identity.buyer_operations`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bonafides.archive import operations as archive
from bonafides.errors import NotFoundError
from bonafides.identity.consent_operations import came_with, end_verification
from bonafides.identity.correction_operations import subject
from bonafides.identity.holding_operations import askable
from bonafides.identity.membership import Actor
from bonafides.identity.operations import Desk, withdraw
from bonafides.identity.submission import Purpose, State, Transition, license_digest
from bonafides.instants import Instant
from bonafides.storage import audit, erasures
from bonafides.storage import consents as consent_rows
from bonafides.storage import corrections as correction_rows
from bonafides.storage import documents as document_rows
from bonafides.storage import identity as rows
from bonafides.storage.unit_of_work import UnitOfWork

ERASED: Final = (
    "PERSONAL_VALUES",
    "ANSWERS_OF_SOURCES",
    "COPY_OF_LICENSE",
    "WORDS_OF_CORRECTIONS",
    "CONSENTS",
)
# What stays, and why. Source: 001 §3.5(c), §3.6.
RETAINED: Final = {
    "CONSENT_LEDGER": "That consents were given and taken back; rows are never removed.",
    "HISTORY_OF_STATES": "When the submission entered which state, and what its checks found.",
    "ENTERPRISE": "What the enterprise's licence says of the enterprise, and its records.",
    "PUBLISHED_FACTS": "What registries publish of the enterprise, its shareholders among it.",
    "AUDIT": "That this was asked for and done, by which login.",
}


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased of a submission, when first."""

    code: str
    uid: str
    erased_at: Instant


def erase_personal_data(desk: Desk, actor: Actor, code: str, uid: str, *, now: Instant) -> Erasure:
    """Makes the personal values of a submission unreadable, in one unit of work.

    With them go the sources' answers, the copy of the licence, and what the submitter
    wrote in corrections about it. Its consents are revoked and all follows that follows
    from that: a verification that rested on them ends.

    Raises:
        NotFoundError: not a submission that the actor may ask about.
    """
    with desk.store.writing() as work:
        # A verdict on the way would bring consents that were not seen here.
        rows.take_turns(work, f"consents {code}")
        row = rows.find_submission(work, code, uid, lock=True)
        if row is None or uid not in askable(work, actor, code):
            raise NotFoundError
        before = erasures.erased_at(work, code, uid)
        if before is not None:
            return Erasure(code, uid, before)
        name = actor.principal.name
        _revoke(work, desk, row, name, now)
        _delete(work, row, now)
        erasures.add(work, erasures.ErasureRow(erasures.SUBMISSION, code, uid, now, name))
        work.commit()
    return Erasure(code, uid, now)


def _revoke(work: UnitOfWork, desk: Desk, row: rows.SubmissionRow, name: str, now: Instant) -> None:
    code, uid = row.code, row.uid
    brought = [consent for consent in consent_rows.ledger(work, code) if came_with(consent, {uid})]
    live = [consent for consent in brought if consent.live(now)]
    consent_rows.revoke(work, live, actor=name, now=now)
    withdraw(work, code, uid, Transition(State.WITHDRAWN, now, "PERSONAL_DATA_ERASED"))
    # Only what came to count for the enterprise can have carried its verification.
    verifying = [
        consent
        for consent in brought
        if consent.purpose == Purpose.VERIFY_IDENTITY.value and not consent.of_submission
    ]
    if verifying:
        end_verification(work, code, verifying, now)
        if Purpose.VERIFY_IDENTITY.value not in consent_rows.live_purposes(work, code, now):
            # Whose audit it is was known by the enterprise alone that ends with this. A
            # stranger's submission under its code ends nothing, and unlinks nothing.
            audit.unlink(work, code)
    if any(not consent.of_submission for consent in brought):
        archive.refresh(work, desk.card, code, now)


def _delete(work: UnitOfWork, row: rows.SubmissionRow, now: Instant) -> None:
    # Answers of sources are sealed under the same key.
    rows.delete_wrapped_key(work, row.uid)
    digest = license_digest(row.license)
    copy = digest and document_rows.find_own(work, row.code, digest, row.submitter)
    if copy:
        document_rows.delete(work, copy, now)
    for case in correction_rows.uids_by(work, row.code, row.submitter, row.uid):
        rows.delete_wrapped_key(work, subject(case))
