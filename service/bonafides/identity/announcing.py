"""What can be done about changes of an enterprise: its owner announces them.

announce     makes a submission that amends the one by which the enterprise takes part

The new submission holds what was claimed before, with the changes in it. Of the
authorizations it brings the one to verify the identity alone: what was taken back since
must not come back with an announcement, and platforms neither. `amending` says which
checks are made again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from bonafides.errors import (
    BugError,
    FieldViolation,
    InvalidFieldsError,
    NotFoundError,
    TransitionNotAllowedError,
)
from bonafides.identity.codes import UnifiedCode
from bonafides.identity.consent import SERVICE_AGREEMENT
from bonafides.identity.consent_operations import require_actor, require_assent
from bonafides.identity.membership import Actor
from bonafides.identity.operations import (
    Arrival,
    Desk,
    enter,
    get_submission,
    made_before,
    status_of,
    withdraw,
)
from bonafides.identity.sealed import claims_of
from bonafides.identity.submission import (
    Assent,
    Changes,
    Claims,
    License,
    Purpose,
    State,
    SubmissionStatus,
    Transition,
)
from bonafides.instants import Instant
from bonafides.once import Request
from bonafides.storage import amendments as rows
from bonafides.storage import consents as consent_rows
from bonafides.storage import identity as identity_rows
from bonafides.storage.amendments import AmendmentRow
from bonafides.storage.identity import SubmissionRow
from bonafides.storage.unit_of_work import UnitOfWork


def announce(
    desk: Desk,
    actor: Actor,
    code: UnifiedCode,
    changes: Changes,
    *,
    request: Request,
    now: Instant,
) -> SubmissionStatus:
    """Announces changes; idempotent by the request id.

    An announcement that is open is withdrawn: the new one takes its place.

    Raises:
        NotFoundError: the actor doesn't own the enterprise, or it takes no part.
        TransitionNotAllowedError: its verification is over; submit again instead.
        ConsentRequiredError: what was claimed may not be read any more.
        AgreementNotCurrentError: a new version of an agreement waits for assent.
        InvalidFieldsError: nothing differs from what was claimed before.
    """
    login = actor.principal.name
    with desk.store.writing() as work:
        require_actor(work, actor, code.text)
        known = made_before(work, desk, login, request)
        if known is None:
            require_assent(work, desk, code.text, now)
            base = _base(work, code.text, now)
            consent = consent_rows.require(
                work, code.text, "open_claims", of_submission=base.uid, at=now
            )
            before = claims_of(work, desk.vault, base, consent)
            assent = _assent(work, desk, code.text, now)
            work.commit()
    if known is not None:
        return get_submission(desk, code, known.uid, submitter=login, now=now)
    after = _amended(before, changes, assent)
    changed = tuple(_changed(before, after))
    if not changed:
        raise InvalidFieldsError(
            (FieldViolation("changes", "NOTHING_CHANGED", "Name what differs from before."),)
        )

    def note(work: UnitOfWork, made: SubmissionRow) -> None:
        for uid in rows.open_ones(work, code.text, base.uid):
            withdraw(work, code.text, uid, Transition(State.WITHDRAWN, now, "SUPERSEDED"))
        rows.insert(work, code.text, made.uid, AmendmentRow(base.uid, changed))

    step = Transition(State.PENDING, now, "CHANGE_ANNOUNCED")
    arrival = Arrival(login, request, (step,), note)
    return enter(desk, after, arrival, now=now)


def _base(work: UnitOfWork, code: str, now: Instant) -> SubmissionRow:
    """Returns the submission by which the enterprise takes part."""
    found = [
        identity_rows.find_submission(work, code, uid)
        for uid in identity_rows.enrolled_by(work, code)
    ]
    if not found or found[0] is None:
        raise NotFoundError
    state = status_of(work, found[0], now).state
    if state is not State.VERIFIED:
        raise TransitionNotAllowedError(state.name, State.PENDING.name)
    return found[0]


def _assent(work: UnitOfWork, desk: Desk, code: str, now: Instant) -> Assent:
    """Returns the assent to the current service agreement, which is there."""
    current = consent_rows.agreements(work, desk.agreement_version, now)[SERVICE_AGREEMENT]
    for given in consent_rows.assents(work, code):
        if (given.kind, given.version) == (SERVICE_AGREEMENT, current.version):
            return Assent(given.version, given.assented_at)
    raise BugError("an assent that was just required is missing")


def _amended(before: Claims, changes: Changes, assent: Assent) -> Claims:
    kept = tuple(a for a in before.authorizations if a.purpose is Purpose.VERIFY_IDENTITY)
    return dataclasses.replace(
        before,
        title=changes.title or before.title,
        phone=changes.phone or before.phone,
        email=changes.email or before.email,
        license=_license(before.license, changes.license),
        representatives=changes.representatives or before.representatives,
        authorizations=changes.authorizations or kept,
        assent=assent,
        authorized_platforms=(),
    )


def _license(before: License, after: License | None) -> License:
    if after is None:
        return before
    told = {part.name: getattr(after, part.name) for part in dataclasses.fields(after)}
    return dataclasses.replace(
        before, **{name: value for name, value in told.items() if value is not None}
    )


def _changed(before: Claims, after: Claims) -> Iterator[str]:
    """Yields the paths of the claims that differ."""
    for name in ("title", "phone", "email", "representatives"):
        if getattr(before, name) != getattr(after, name):
            yield name
    for part in dataclasses.fields(License):
        if getattr(before.license, part.name) != getattr(after.license, part.name):
            yield f"license.{part.name}"
