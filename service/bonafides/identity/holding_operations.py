"""What can be asked about what is held of persons.

get_holdings      what is held about the persons named in one's own submissions

To the submitter about submissions of its own; to owners also about the one by which the
enterprise takes part. Staff have no way in: for them the values are nobody's to see.
"""

from __future__ import annotations

from bonafides.errors import ConsentRequiredError, NotFoundError
from bonafides.identity import holdings as rules
from bonafides.identity.consent_operations import acts, came_with
from bonafides.identity.holdings import Asked, HeldField, SubmissionHoldings
from bonafides.identity.membership import Actor
from bonafides.identity.operations import Desk
from bonafides.identity.sealed import place
from bonafides.identity.submission import StoredClaims, from_stored, license_digest
from bonafides.instants import Instant
from bonafides.storage import consents as consent_rows
from bonafides.storage import documents as document_rows
from bonafides.storage import erasures
from bonafides.storage import identity as rows
from bonafides.storage.unit_of_work import UnitOfWork


def get_holdings(
    desk: Desk, actor: Actor, code: str, *, now: Instant
) -> tuple[SubmissionHoldings, ...]:
    """Returns what is held, by submission, the latest first. That it was told is noted.

    Raises:
        NotFoundError: nothing here is the actor's to ask about.
    """
    with desk.store.writing() as work:
        uids = askable(work, actor, code)
        if not uids:
            raise NotFoundError
        found = [row for uid in uids if (row := rows.find_submission(work, code, uid))]
        found.sort(key=lambda row: (-row.submitted_at, row.uid))
        told = tuple(_told(work, desk, row, now) for row in found)
        work.commit()
    return told


def askable(work: UnitOfWork, actor: Actor, code: str) -> set[str]:
    """Returns the submissions about whose persons the actor may ask."""
    own = rows.submissions_of(work, code, actor.principal.name)
    if acts(work, actor, code, as_owner=True):
        own |= set(rows.enrolled_by(work, code))
    return own


def _told(
    work: UnitOfWork, desk: Desk, row: rows.SubmissionRow, now: Instant
) -> SubmissionHoldings:
    fields = _fields(work, desk, row, now)
    return SubmissionHoldings(
        code=row.code,
        uid=row.uid,
        submitted_at=row.submitted_at,
        readable=fields is not None,
        erased_at=erasures.erased_at(work, row.code, row.uid),
        fields=fields or (),
        asked=tuple(
            Asked(each.source, each.retrieved_at, not each.fault)
            for each in rows.answers(work, row.code, row.uid)
        ),
    )


def _fields(
    work: UnitOfWork, desk: Desk, row: rows.SubmissionRow, now: Instant
) -> tuple[HeldField, ...] | None:
    """Returns the values masked; None: nobody may read them, or nobody can."""
    wrapped = rows.wrapped_keys(work, [row.uid]).get(row.uid)
    if wrapped is None:
        return None
    try:
        consent_rows.require(work, row.code, "tell_holdings", of_submission=row.uid, at=now)
    except ConsentRequiredError:
        return None
    key = desk.vault.unwrap(row.uid, wrapped)
    personal = desk.vault.open(key, place(row.uid), row.personal_sealed)
    claims = from_stored(StoredClaims(row.title, row.license, personal))
    brought = [
        consent for consent in consent_rows.ledger(work, row.code) if came_with(consent, {row.uid})
    ]
    digest = license_digest(row.license)
    copy = digest and document_rows.find_own(work, row.code, digest, row.submitter)
    return rules.held_fields(claims, brought, [copy.sha256] if copy else [], now)
