"""What can be done with consents and agreements: see the texts, agree, take back.

list_texts           the texts that are current and those that will be
publish_text         adds a version of an agreement or notice; by operators
assent               assents to the current version, on behalf of an enterprise
list_assents, list_consents, list_platforms      what stands in the ledger
grant                adds one consent to the ledger
revoke               takes a purpose back, with all that follows, in one unit of work
authorize_platform, revoke_platform    whose records may be used
require_assent       stops what is new while a new version isn't assented to

Whoever acts for the enterprise is looked up within the same unit of work that does the
work, so that a leaver's last call can't overtake the removal. To everybody else an
enterprise is not found.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from bonafides.archive import operations as archive
from bonafides.archive.facts import Fact, Kind
from bonafides.errors import (
    AgreementNotCurrentError,
    FieldViolation,
    InvalidFieldsError,
    NotFoundError,
    PurposeNotListedError,
)
from bonafides.identity import consent as rules
from bonafides.identity.consent import (
    AGREEMENTS,
    TEXTS,
    Consent,
    PublishedText,
    RecordedAssent,
)
from bonafides.identity.membership import Actor
from bonafides.identity.operations import VERIFIER, Desk, withdraw
from bonafides.identity.submission import Purpose, Transition
from bonafides.identity.submission import State as SubmissionState
from bonafides.instants import Instant
from bonafides.once import Request, require_same
from bonafides.storage import agents as agent_rows
from bonafides.storage import archive as archive_rows
from bonafides.storage import consents as rows
from bonafides.storage import identity as identity_rows
from bonafides.storage import membership as member_rows
from bonafides.storage.unit_of_work import Store, UnitOfWork


@dataclass(frozen=True, slots=True)
class PlatformState:
    """An authorization of a platform. `revoked_at` None: it holds."""

    code: str
    platform: str
    granted_at: Instant
    revoked_at: Instant | None


@dataclass(frozen=True, slots=True)
class Granting:
    """A consent that is to be granted. `purpose` None: none that is published."""

    purpose: Purpose | None
    scope: tuple[str, ...]
    text_version: str
    text_sha256: bytes
    evidence_sha256: bytes
    granted_at: Instant
    expires_at: Instant | None


# --- Texts and assents --------------------------------------------------------------


def list_texts(desk: Desk, *, now: Instant) -> tuple[PublishedText, ...]:
    """Returns the current text of each agreement and purpose, then those to come."""
    with desk.store.reading() as work:
        published = rows.published_texts(work)
        current = rows.agreements(work, desk.agreement_version, now)
    coming = [text for text in published if (text.effective_at or 0) > now]
    return (
        *(current[kind] for kind in AGREEMENTS if kind in current),
        *rules.consent_texts(),
        *coming,
    )


def publish_text(store: Store, text: PublishedText, *, now: Instant) -> bool:
    """Adds a version of an agreement; returns False if it is there already, the same.

    Raises:
        ValueError: the version is there with another text or day. It stays.
    """
    with store.writing() as work:
        added = rows.publish(work, text, now)
        known = next(
            each
            for each in rows.published_texts(work)
            if (each.kind, each.version) == (text.kind, text.version)
        )
        if known != text:
            raise ValueError("this version was published with other words or another day")
        work.commit()
    return added


def assent(
    desk: Desk, actor: Actor, code: str, *, kind: str, version: str, now: Instant
) -> RecordedAssent:
    """Assents to the current version on behalf of the enterprise.

    Raises:
        NotFoundError: not the actor's enterprise.
        AgreementNotCurrentError: another version is current; read that one first.
        InvalidFieldsError: there is no such text.
    """
    with desk.store.writing() as work:
        require_actor(work, actor, code)
        text = rows.agreements(work, desk.agreement_version, now).get(kind)
        if text is None:
            raise _fault("kind", "NOT_PUBLISHED", "Name a kind that ListAgreements has.")
        if text.version != version:
            raise AgreementNotCurrentError(text.version, kind)
        rows.add_assent(work, code, RecordedAssent(kind, version, now, actor.principal.name), now)
        given = next(
            each
            for each in rows.assents(work, code)
            if (each.kind, each.version) == (kind, version)
        )
        work.commit()
    return given


def list_assents(desk: Desk, actor: Actor | None, code: str) -> tuple[RecordedAssent, ...]:
    """Returns the assents, the latest first. `actor` None: staff of the service.

    Raises:
        NotFoundError: not the actor's enterprise.
    """
    with desk.store.reading() as work:
        require_reader(work, actor, code)
        return rows.assents(work, code)


def require_assent(work: UnitOfWork, desk: Desk, code: str, now: Instant) -> None:
    """Stops what is new while a current version is not assented to (B7).

    Raises:
        AgreementNotCurrentError: names the version to assent to.
    """
    given = {(each.kind, each.version) for each in rows.assents(work, code)}
    for text in rows.agreements(work, desk.agreement_version, now).values():
        if (text.kind, text.version) not in given:
            raise AgreementNotCurrentError(text.version, text.kind)


# --- Consents ------------------------------------------------------------------------


def list_consents(desk: Desk, actor: Actor | None, code: str) -> tuple[Consent, ...]:
    """Returns the ledger, the latest first: all of it to members of the enterprise.

    To others what is about their own submissions. `actor` None: staff of the service.

    Raises:
        NotFoundError: nothing of it is the actor's.
    """
    with desk.store.reading() as work:
        ledger = rows.ledger(work, code)
        if actor is None:
            if not ledger:
                raise NotFoundError
            return ledger
        if acts(work, actor, code, as_owner=False):
            return ledger
        own = identity_rows.submissions_of(work, code, actor.principal.name)
    if not own:
        raise NotFoundError
    return tuple(consent for consent in ledger if came_with(consent, own))


def grant(
    desk: Desk, actor: Actor, code: str, asked: Granting, *, request: Request, now: Instant
) -> Consent:
    """Adds one consent to the ledger; levels and views follow in the same unit of work.

    Idempotent by the request id.

    Raises:
        NotFoundError: not the actor's enterprise.
        PurposeNotListedError: no text is published for the purpose; noted in the audit.
        AgreementNotCurrentError: a new version of an agreement waits for assent.
        InvalidFieldsError: another text than the current one, or fields beyond it.
        RequestIdReusedError: the request id came before with another consent.
    """
    with desk.store.writing() as work:
        identity_rows.take_turns(work, f"consents {code}")
        require_actor(work, actor, code)
        if asked.purpose is None:
            _note_unlisted(work, actor, code, now)
            work.commit()
            raise PurposeNotListedError("UNLISTED")
        made = Consent(
            code=code,
            uid=request.mark(desk.vault, "consent", actor.principal.name).uid,
            of_submission="",
            purpose=asked.purpose.value,
            scope=asked.scope,
            text_version=asked.text_version,
            text_sha256=asked.text_sha256,
            evidence_sha256=asked.evidence_sha256,
            granted_at=asked.granted_at,
            recorded_at=now,
            expires_at=asked.expires_at,
            revoked_at=None,
            actor=actor.principal.name,
        )
        known = next((each for each in rows.ledger(work, code) if each.uid == made.uid), None)
        if known is not None:
            # Not when the person agreed: a form that is sent again says another time.
            anew = dataclasses.replace(
                known, granted_at=made.granted_at, recorded_at=now, revoked_at=None
            )
            require_same(anew, made)
            return known
        require_assent(work, desk, code, now)
        _check_text(asked, asked.purpose)
        rows.add(work, [made])
        archive.refresh(work, desk.card, code, now)
        work.commit()
    return made


def revoke(
    desk: Desk, actor: Actor, code: str, purpose: Purpose, *, now: Instant
) -> tuple[Consent, ...]:
    """Takes every live consent to the purpose back, as far as it is the actor's to take.

    An owner takes back what is about the enterprise, with the submission by which it
    takes part; anybody, what submissions of his own brought. In the same unit of work:
    submissions whose values may be compared no more, taken back now or ended before,
    are withdrawn and their values made unreadable; a verification that rested on them
    ends; level and views are made anew without what was agreed to. Returns what was
    taken back; empty: nothing was left.

    Raises:
        NotFoundError: nothing here is the actor's.
    """
    with desk.store.writing() as work:
        # A verdict on the way would bring consents that were not seen here.
        identity_rows.take_turns(work, f"consents {code}")
        own = identity_rows.submissions_of(work, code, actor.principal.name)
        owner = acts(work, actor, code, as_owner=True)
        if not owner and not own:
            raise NotFoundError
        if owner:
            own |= {"", *identity_rows.enrolled_by(work, code)}
        given = [
            consent
            for consent in rows.ledger(work, code)
            if consent.purpose == purpose.value and came_with(consent, own)
        ]
        taken = [consent for consent in given if consent.live(now)]
        rows.revoke(work, taken, actor=actor.principal.name, now=now)
        if purpose is Purpose.VERIFY_IDENTITY:
            if taken:
                end_verification(work, code, taken, now)
            _withdraw_waiting(work, code, given, now)
        if any(not consent.of_submission for consent in taken):
            archive.refresh(work, desk.card, code, now)
        work.commit()
    return tuple(dataclasses.replace(consent, revoked_at=now) for consent in taken)


# --- Platforms ---------------------------------------------------------------------


def list_platforms(desk: Desk, actor: Actor | None, code: str) -> tuple[PlatformState, ...]:
    """Returns the platforms that were authorized, by name. `actor` None: staff.

    Raises:
        NotFoundError: not the actor's enterprise.
    """
    with desk.store.reading() as work:
        require_reader(work, actor, code)
        return tuple(PlatformState(code, *row) for row in rows.platform_history(work, code))


def authorize_platform(
    desk: Desk, actor: Actor, code: str, platform: str, *, now: Instant
) -> PlatformState:
    """Lets the service use what the platform reports; level and views follow at once.

    Raises:
        NotFoundError: not the actor's enterprise.
        AgreementNotCurrentError: a new version of an agreement waits for assent.
    """
    with desk.store.writing() as work:
        require_actor(work, actor, code)
        if platform not in rows.authorized_platforms(work, code, now):
            require_assent(work, desk, code, now)
            rows.authorize_platforms(work, code, str(uuid.uuid4()), [platform], now)
            archive.refresh(work, desk.card, code, now)
        made = _platform(work, code, platform)
        work.commit()
    return made


def revoke_platform(
    desk: Desk, actor: Actor, code: str, platform: str, *, now: Instant
) -> PlatformState:
    """Takes the platform's authorization back: absent from level and views at once.

    Raises:
        NotFoundError: not the actor's enterprise, or the platform never was authorized.
    """
    with desk.store.writing() as work:
        require_actor(work, actor, code)
        if rows.revoke_platform(work, code, platform, now):
            archive.refresh(work, desk.card, code, now)
        ended = _platform(work, code, platform)
        work.commit()
    return ended


# --- Who acts ------------------------------------------------------------------------


def acts(work: UnitOfWork, actor: Actor, code: str, *, as_owner: bool) -> bool:
    """Returns whether the actor acts for an enterprise that takes part."""
    if actor.agent is not None:
        return agent_rows.holds(work, code, actor.agent)
    told = member_rows.standing(work, actor.principal, code)
    return identity_rows.is_enrolled(work, code) and actor.may_act(told, as_owner=as_owner)


def require_actor(work: UnitOfWork, actor: Actor, code: str, *, as_owner: bool = True) -> None:
    """Checks that the actor acts for the enterprise.

    Raises:
        NotFoundError: it doesn't, or there is no such enterprise.
    """
    if not acts(work, actor, code, as_owner=as_owner):
        raise NotFoundError


def require_reader(work: UnitOfWork, actor: Actor | None, code: str) -> None:
    """Checks that the actor is a member of the enterprise; None is staff of the service.

    Raises:
        NotFoundError: it isn't, or there is no such enterprise.
    """
    if actor is not None:
        require_actor(work, actor, code, as_owner=False)
    elif not identity_rows.is_enrolled(work, code):
        raise NotFoundError


# --- Helpers -------------------------------------------------------------------------


def _check_text(asked: Granting, purpose: Purpose) -> None:
    text = TEXTS[purpose]
    if (asked.text_version, asked.text_sha256) != (text.version, text.sha256):
        raise _fault(
            "text_version",
            "TEXT_NOT_CURRENT",
            "Show the person the current text, and give its version and SHA-256.",
        )
    if not set(asked.scope) <= text.scope:
        raise _fault("scope", "BEYOND_PURPOSE", "Name fields of the text's scope alone.")


def _note_unlisted(work: UnitOfWork, actor: Actor, code: str, now: Instant) -> None:
    rows.note_use(
        work,
        code,
        "grant",
        outcome=rows.NOT_LISTED,
        purpose="UNLISTED",
        actor=actor.principal.name,
        now=now,
    )


def came_with(consent: Consent, submissions: set[str]) -> bool:
    """Returns whether one of the submissions brought the consent; "" is the enterprise itself."""
    return consent.of_submission in submissions or consent.uid in {
        rows.brought_by(uid, consent.purpose) for uid in submissions if uid
    }


def _withdraw_waiting(work: UnitOfWork, code: str, given: Sequence[Consent], now: Instant) -> None:
    """Withdraws what waits on under consents that ended by themselves, sooner than its turn."""
    for uid in sorted({consent.of_submission for consent in given} - {""}):
        row = identity_rows.find_submission(work, code, uid)
        if row is not None and row.state is SubmissionState.PENDING:
            withdraw(work, code, uid, Transition(SubmissionState.WITHDRAWN, now, "CONSENT_OVER"))
            identity_rows.delete_wrapped_key(work, uid)


def end_verification(work: UnitOfWork, code: str, taken: list[Consent], now: Instant) -> None:
    """Ends what rested on these consents to verify: submissions, values, a verification."""
    for uid in sorted({consent.of_submission for consent in taken} - {""}):
        step = Transition(SubmissionState.WITHDRAWN, now, "CONSENT_REVOKED")
        withdraw(work, code, uid, step)
        # Values that nobody may compare any more are of no use: they can't be read again.
        identity_rows.delete_wrapped_key(work, uid)
    if Purpose.VERIFY_IDENTITY.value in rows.live_purposes(work, code, now):
        # Another submission bore it out as well: one's own consent ends no one else's.
        return
    verification = archive_rows.fact_sheet(work, code, now).verification
    if verification is not None and verification.expires_at > now:
        ended = Fact(
            code=code,
            kind=Kind.VERIFICATION,
            value=dataclasses.replace(verification, expires_at=now),
            source=VERIFIER,
            retrieved_at=now,
            valid_from=now,
        )
        archive.record_facts(work, [ended], now=now)


def _platform(work: UnitOfWork, code: str, platform: str) -> PlatformState:
    found = [row for row in rows.platform_history(work, code) if row[0] == platform]
    if not found:
        raise NotFoundError
    return PlatformState(code, *found[0])


def _fault(field: str, reason: str, description: str) -> InvalidFieldsError:
    return InvalidFieldsError((FieldViolation(field, reason, description),))
