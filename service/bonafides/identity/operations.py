"""What can be done with identities: submit one, follow it, ask again.

submit              takes claims in, asks the sources, and gives the verdict
get_submission      what became of a submission, for its submitter and for staff
recheck_due         asks again for what waits; ends verifications whose term is over

Submitting is three units of work, and the sources are asked between them:

1. claim: the submission is stored PENDING, its personal values sealed;
2. verdict: answers, results and state; if VERIFIED at four elements, the enterprise
   takes part, with what the source told and with what its representative authorized;
3. refresh: its level and its views.

Sources are asked in order of their authority, until every required check is decided.
One that gives no answer is noted and leaves open what it would have decided.

A crash between them leaves a PENDING submission that is due for another try. A
submission that isn't VERIFIED touches nothing but itself: whoever submits under
another's code can't change that enterprise's archive, level or authorizations.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bonafides.archive import operations as archive
from bonafides.archive.facts import Fact, Kind, Verification
from bonafides.errors import (
    AgreementNotCurrentError,
    BugError,
    ConsentRequiredError,
    NotFoundError,
    RateLimitedError,
)
from bonafides.identity import amending, checks, documents
from bonafides.identity.asking import expiry, gather, told_registration
from bonafides.identity.codes import UnifiedCode
from bonafides.identity.consent import SERVICE_AGREEMENT, ConsentRef, RecordedAssent
from bonafides.identity.evidence import Evidence
from bonafides.identity.questions import Source, question
from bonafides.identity.rechecks import next_recheck
from bonafides.identity.sandbox import Sandbox
from bonafides.identity.sealed import opened, place, sealed_answers
from bonafides.identity.sources import (
    registry_facts,
)
from bonafides.identity.submission import (
    TRANSITIONS,
    Authorization,
    Claims,
    Depth,
    Purpose,
    State,
    SubmissionStatus,
    Transition,
    advance,
    license_digest,
    to_stored,
)
from bonafides.instants import DAY, MICROSECONDS, Instant, day_of
from bonafides.once import Mark, Request
from bonafides.personal.sealing import Sealed, Vault
from bonafides.rating.scorecard import Scorecard
from bonafides.storage import archive as archive_rows
from bonafides.storage import consents as consent_rows
from bonafides.storage import corrections as correction_rows
from bonafides.storage import documents as document_rows
from bonafides.storage import drafts as draft_rows
from bonafides.storage import identity as rows
from bonafides.storage.unit_of_work import Store, UnitOfWork

# The one who submits asks the sources at once. Only if that died on the way is the
# submission still there to be asked about after this time.
_FIRST_TRY: Final = 60 * MICROSECONDS
_RATE_WINDOW: Final = DAY
VERIFIER: Final = "bonafides"


# Nobody waits for a recheck: each source gets the time for all its tries.
_RECHECK_SECONDS: Final = 20.0


@dataclass(slots=True)
class Desk:
    """What the room needs to do its work. `sources` are in order of authority.

    Each has `source_seconds` for its answer while a caller waits. `sandbox` is None in
    live. `card` alone changes, when another is served; it is taken once for an answer.
    """

    store: Store
    vault: Vault
    sources: Sequence[Source]
    card: Scorecard
    agreement_version: str
    submissions_per_day: int
    verification_days: int
    source_seconds: float = 1.0
    sandbox: Sandbox | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """By which request claims come in, with the steps of history that lead there.

    `beside` does what belongs to it in the unit of work that stores the submission.
    """

    submitter: str
    request: Request
    steps: tuple[Transition, ...]
    beside: Callable[[UnitOfWork, rows.SubmissionRow], None] | None = None


def submit(
    desk: Desk,
    claims: Claims,
    *,
    submitter: str,
    request: Request,
    now: Instant,
) -> SubmissionStatus:
    """Takes claims in and checks them against evidence.

    Idempotent: the same request, told by submitter and request id, answers with the
    submission that it made, as it stands now.

    Raises:
        RequestIdReusedError: the request id came before with another digest.
        AgreementNotCurrentError: the assent is to another version.
        RateLimitedError: the submitter made too many submissions in 24 hours.
    """
    step = Transition(State.PENDING, now, "SUBMITTED")
    arrival = Arrival(submitter, request, (step,))
    return enter(desk, claims, arrival, now=now)


def enter(desk: Desk, claims: Claims, arrival: Arrival, *, now: Instant) -> SubmissionStatus:
    """Takes claims in by whatever way they came; else as `submit`."""
    submitter, request = arrival.submitter, arrival.request
    if desk.sandbox is not None:
        desk.sandbox.force_error(claims.code)
    mark = _mark(desk, submitter, request)
    made = rows.SubmissionRow(
        code=claims.code.text,
        uid=mark.uid,
        submitter=submitter,
        request_id=request.id,
        request_digest=mark.digest,
        state=State.PENDING,
        submitted_at=now,
        recheck_at=Instant(now + _FIRST_TRY),
        expires_at=None,
        title=claims.title,
        license=to_stored(claims).license,
        assent=claims.assent,
        depth=claims.depth,
        personal_sealed=Sealed(b""),
    )
    with desk.store.writing() as work:
        rows.take_turns(work, f"submitter {submitter}")
        known = made_before(work, desk, submitter, request)
        if known is None:
            _require_admitted(work, desk, made, now)
            _store(work, desk.vault, made, claims, arrival)
            consent = _consent(work, made, "ask_verifier", now)
            work.commit()
    if known is None:
        _judge(desk, claims, consent, made, now=now, seconds=desk.source_seconds)
    return get_submission(desk, claims.code, (known or made).uid, submitter=submitter, now=now)


def made_before(
    work: UnitOfWork, desk: Desk, submitter: str, request: Request
) -> rows.SubmissionRow | None:
    """Returns the submission that this request made before; None: it made none.

    Raises:
        RequestIdReusedError: the request id came before with another digest.
    """
    known = rows.find_request(work, submitter, request.id)
    return _mark(desk, submitter, request).answer(known)


def get_submission(
    desk: Desk, code: UnifiedCode, uid: str, *, submitter: str | None, now: Instant
) -> SubmissionStatus:
    """Returns what became of the submission. `submitter` None: staff, who may see any.

    A verification whose term is over reads LAPSED, noted so already or not.

    Raises:
        NotFoundError: there is none, or it is another's.
    """
    with desk.store.reading() as work:
        row = rows.find_submission(work, code.text, uid)
        if row is None or (submitter is not None and row.submitter != submitter):
            raise NotFoundError
        return status_of(work, row, now)


def status_of(work: UnitOfWork, row: rows.SubmissionRow, now: Instant) -> SubmissionStatus:
    """Returns what became of the submission, with remedies and what its copy says."""
    found = rows.latest_check_results(work, row.code, row.uid)
    digest = license_digest(row.license)
    copy = digest and document_rows.find_latest(work, row.code, digest, row.submitter)
    results = [found[name] for name in sorted(found, key=checks.order)]
    amends, changes = amending.told(work, row)
    contested = correction_rows.disputed_checks(work, row.code, row.uid)
    over = row.state is State.VERIFIED and row.expires_at is not None and row.expires_at <= now
    return SubmissionStatus(
        code=UnifiedCode.parse(row.code),
        uid=row.uid,
        state=State.LAPSED if over else row.state,
        checks=tuple(
            dataclasses.replace(
                each,
                remedy=checks.remedy(each.check, each.outcome),
                disputed=each.check in contested,
            )
            for each in results
        ),
        history=rows.history(work, row.code, row.uid),
        submitted_at=row.submitted_at,
        recheck_at=row.recheck_at,
        expires_at=row.expires_at,
        depth=row.depth,
        document=copy.sha256 if copy and copy.deleted_at is None else None,
        document_findings=documents.findings(copy.qr) if copy else (),
        supplies=draft_rows.supplies(work, row.code, row.uid),
        amends=amends,
        changes=changes,
    )


def recheck_due(desk: Desk, now: Instant, limit: int = 100) -> int:
    """Asks again for submissions that wait and are due, and ends terms that are over.

    Returns how many submissions it looked at, at most `limit` of each sort; 0 means
    that nothing is due.
    """
    with desk.store.reading() as work:
        waiting = rows.due_for_recheck(work, now, limit)
        over = rows.past_term(work, now, limit)
    for code, uid in waiting:
        _recheck(desk, code, uid, now)
    for code, uid in over:
        _lapse(desk, code, uid, now)
    return len(waiting) + len(over)


# --- Taking a submission in ----------------------------------------------------------


def _mark(desk: Desk, submitter: str, request: Request) -> Mark:
    return request.mark(desk.vault, "submission", submitter)


def _require_admitted(work: UnitOfWork, desk: Desk, made: rows.SubmissionRow, now: Instant) -> None:
    current = consent_rows.agreements(work, desk.agreement_version, now)[SERVICE_AGREEMENT].version
    if made.assent.agreement_version != current:
        raise AgreementNotCurrentError(current, SERVICE_AGREEMENT)
    oldest = rows.nth_latest_submission_at(work, made.submitter, desk.submissions_per_day)
    if oldest is not None and (wait := oldest + _RATE_WINDOW - now) > 0:
        raise RateLimitedError(-(-wait // MICROSECONDS))


def _store(
    work: UnitOfWork, vault: Vault, made: rows.SubmissionRow, claims: Claims, arrival: Arrival
) -> None:
    key, wrapped = vault.new_key(made.uid)
    sealed = vault.seal(key, place(made.uid), to_stored(claims).personal)
    rows.add_wrapped_keys(work, {made.uid: wrapped})
    rows.insert_submission(work, dataclasses.replace(made, personal_sealed=sealed))
    for step in arrival.steps:
        rows.add_transition(work, made.code, made.uid, step)
    if arrival.beside is not None:
        arrival.beside(work, made)
    # What the representative agreed to for these values; for the enterprise it counts
    # once they are found to be true.
    brought = [a for a in claims.authorizations if a.purpose is Purpose.VERIFY_IDENTITY]
    _to_ledger(work, made, brought, established=False, now=made.submitted_at)


def _to_ledger(
    work: UnitOfWork,
    made: rows.SubmissionRow,
    brought: Sequence[Authorization],
    *,
    established: bool,
    now: Instant,
) -> None:
    consents = consent_rows.from_submission(
        made.code, made.uid, brought, established=established, actor=made.submitter, now=now
    )
    consent_rows.add(work, consents)


# --- Verdict and what follows from it --------------------------------------------------


def _judge(
    desk: Desk,
    claims: Claims,
    consent: ConsentRef,
    seen: rows.SubmissionRow,
    *,
    now: Instant,
    seconds: float,
) -> None:
    basis = amending.basis(desk.store, seen)
    if basis is None or basis.asks:
        asked = claims if basis is None else basis.narrowed(claims)
        evidence = _asked(desk, asked, consent, seen, now=now, seconds=seconds)
    else:
        evidence = []
    if basis is None:
        verdict = checks.verify(claims, evidence, day_of(now))
    else:
        verdict = basis.verify(claims, evidence, now)
    with desk.store.writing() as work:
        # Whoever takes a consent back waits, and then sees what was brought here.
        rows.take_turns(work, f"consents {seen.code}")
        row = rows.find_submission(work, seen.code, seen.uid, lock=True)
        # Another process may have judged it while the sources were asked.
        if row is None or (row.state, row.recheck_at) != (State.PENDING, seen.recheck_at):
            return
        rows.add_check_results(work, row.code, row.uid, verdict.results, now)
        if evidence:
            answers = sealed_answers(work, desk.vault, row, evidence, now)
            rows.add_answers(work, row.code, row.uid, answers, now)
        if verdict.state is State.PENDING:
            again = _again(work, row, evidence, now)
            rows.set_state(work, row, State.PENDING, recheck_at=again, expires_at=None)
        elif verdict.state is State.VERIFIED:
            expires_at = expiry(evidence, desk.verification_days, now)
            if basis is not None:
                # What was not checked anew is as old as it was.
                expires_at = min(expires_at, basis.expires_at)
            _enter(work, row, Transition(State.VERIFIED, now, verdict.reason), expires_at)
            if claims.depth is Depth.FOUR:
                told = told_registration(claims, evidence)
                verification = Verification(row.uid, now, expires_at)
                _establish(work, claims, row, verification, told=told, now=now)
        else:
            _enter(work, row, Transition(verdict.state, now, verdict.reason), None)
        work.commit()
    if verdict.state is State.VERIFIED and claims.depth is Depth.FOUR:
        with desk.store.writing() as work:
            archive.refresh(work, desk.card, seen.code, now)
            work.commit()


def _again(
    work: UnitOfWork, row: rows.SubmissionRow, evidence: Sequence[Evidence], now: Instant
) -> Instant:
    answered, unreached = rows.rounds_of_asking(work, row.code, row.uid)
    reached = not any(each.fault for each in evidence)
    return next_recheck(now, row.uid, answered=answered, unreached=unreached, reached=reached)


def _enter(
    work: UnitOfWork, row: rows.SubmissionRow, step: Transition, expires_at: Instant | None
) -> None:
    state = advance(row.state, step.state)
    rows.set_state(work, row, state, recheck_at=None, expires_at=expires_at)
    rows.add_transition(work, row.code, row.uid, step)


def _consent(work: UnitOfWork, row: rows.SubmissionRow, function: str, now: Instant) -> ConsentRef:
    """Returns the consent under which the submission's values may be used, noted as used.

    Raises:
        ConsentRequiredError: it was taken back, or is over.
    """
    return consent_rows.require(work, row.code, function, of_submission=row.uid, at=now)


def _asked(
    desk: Desk,
    claims: Claims,
    consent: ConsentRef,
    seen: rows.SubmissionRow,
    *,
    now: Instant,
    seconds: float,
) -> list[Evidence]:
    """Returns what the sources say; a person's values go to them under a consent alone."""
    if (consent.code, consent.function) != (claims.code.text, "ask_verifier"):
        raise BugError("a verifier was to be asked under a consent to something else")
    asked = question(claims, may_use=consent.fields, submitted_at=seen.submitted_at)
    magic = None if desk.sandbox is None else desk.sandbox.source(claims.code)
    sources = desk.sources if magic is None else (magic,)
    return gather(sources, claims, asked, now=now, seconds=seconds)


def _establish(
    work: UnitOfWork,
    claims: Claims,
    row: rows.SubmissionRow,
    verification: Verification,
    *,
    told: Fact | None,
    now: Instant,
) -> None:
    """Makes the enterprise take part, with the registry's facts and what it agreed to.

    `told`: the registration, for where the registry's table has no row.
    """
    code = claims.code.text
    # The row is locked before the enterprise is entered: a load of the same row
    # either comes first and is read here, or sees the enterprise and marks it.
    facts = registry_facts(work, code) or ([] if told is None else [told])
    rows.enroll(work, code, verification.uid, now)
    _to_ledger(work, row, claims.authorizations, established=True, now=now)
    consent_rows.authorize_platforms(work, code, row.uid, claims.authorized_platforms, now)
    given = RecordedAssent(
        SERVICE_AGREEMENT,
        claims.assent.agreement_version,
        claims.assent.assented_at,
        row.submitter,
    )
    consent_rows.add_assent(work, code, given, now)
    earlier = archive_rows.fact_sheet(work, code, now).verification
    if earlier is not None and earlier.expires_at > now:
        verification = dataclasses.replace(
            verification,
            verified_at=earlier.verified_at,
            expires_at=max(verification.expires_at, earlier.expires_at),
        )
    verified = Fact(
        code=code,
        kind=Kind.VERIFICATION,
        value=verification,
        source=VERIFIER,
        retrieved_at=now,
        valid_from=now,
    )
    archive.record_facts(work, [*facts, verified], now=now)


def _recheck(desk: Desk, code: str, uid: str, now: Instant) -> None:
    with desk.store.reading() as work:
        row = rows.find_submission(work, code, uid)
        wrapped = rows.wrapped_keys(work, [uid]).get(uid)
    if row is None or row.state is not State.PENDING:
        return
    if wrapped is None:
        # Whoever has the personal values erased takes the submission back with them.
        _close(desk, row, Transition(State.WITHDRAWN, now, "PERSONAL_DATA_ERASED"))
        return
    consent = _consent_to_recheck(desk, row, now)
    if consent is None:
        return
    _judge(desk, opened(desk.vault, row, wrapped), consent, row, now=now, seconds=_RECHECK_SECONDS)


def _consent_to_recheck(desk: Desk, row: rows.SubmissionRow, now: Instant) -> ConsentRef | None:
    """Returns the consent to open the claims and to ask; without one they are withdrawn."""
    with desk.store.writing() as work:
        try:
            _consent(work, row, "open_claims", now)
            consent = _consent(work, row, "ask_verifier", now)
        except ConsentRequiredError:
            consent = None
            withdraw(work, row.code, row.uid, Transition(State.WITHDRAWN, now, "CONSENT_OVER"))
            # Nobody may read them any more, so nobody can.
            rows.delete_wrapped_key(work, row.uid)
        work.commit()
    return consent


def withdraw(work: UnitOfWork, code: str, uid: str, step: Transition) -> None:
    """Takes a submission back that can still be; others stay as they ended."""
    row = rows.find_submission(work, code, uid, lock=True)
    if row is not None and step.state in TRANSITIONS[row.state]:
        _enter(work, row, step, row.expires_at)


def _lapse(desk: Desk, code: str, uid: str, now: Instant) -> None:
    with desk.store.reading() as work:
        row = rows.find_submission(work, code, uid)
    if row is not None and row.state is State.VERIFIED:
        _close(desk, row, Transition(State.LAPSED, now, "TERM_OVER"))


def _close(desk: Desk, seen: rows.SubmissionRow, step: Transition) -> None:
    with desk.store.writing() as work:
        row = rows.find_submission(work, seen.code, seen.uid, lock=True)
        if row is None or row.state is not seen.state:
            return
        _enter(work, row, step, row.expires_at)
        work.commit()
