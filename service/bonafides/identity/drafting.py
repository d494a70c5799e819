"""What can be done with drafts: a platform fills in, the enterprise confirms.

create           a platform makes a draft of what it holds
get              for the platform, for the login that is to confirm it, for staff
confirm          makes a submission of the draft and of what the enterprise adds
take_back        the platform erases what it filled in, as long as nobody confirmed it
erase_expired    erases drafts after `TERM`

The rules:

1. A draft holds no value of a person: nobody agreed to anything yet. Those fields are
   refused, and are the enterprise's to supply with the person's authorization.
2. Until it is confirmed a draft is not a submission: no source is asked, and nothing of
   the enterprise changes. Who made it learns nothing of what becomes of it.
3. The login that is to confirm it is whoever was handed its name; no other name leads
   to it, and the uid can't be guessed. Confirmed, it is that login's own.
4. A field that both filled in is as the enterprise says. Who supplied which is kept.
5. A draft that was taken back is there for its platform alone, without what was in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from google.protobuf import json_format

from bonafides.errors import (
    FieldViolation,
    InvalidFieldsError,
    NotFoundError,
    RateLimitedError,
    TransitionNotAllowedError,
)
from bonafides.identity.claims import faults_in_part, read_claims
from bonafides.identity.codes import UnifiedCode
from bonafides.identity.operations import Arrival, Desk, enter, get_submission, made_before
from bonafides.identity.submission import State, SubmissionStatus, Transition, advance
from bonafides.instants import DAY, MICROSECONDS, Instant
from bonafides.once import Request
from bonafides.storage import drafts as rows
from bonafides.storage import identity as identity_rows
from bonafides.storage.drafts import DraftRow
from bonafides.storage.unit_of_work import Store, UnitOfWork
from bonafides.v1 import draft_pb2
from bonafides.v1 import enterprise_pb2 as enterprise

# A platform's whole intake of a day, and far from filling a disk.
DRAFTS_PER_DAY: Final = 1_000
TERM: Final = 30 * DAY
ENTERPRISE: Final = "enterprise"
_MOST_ERASED: Final = 1_000
_PERSONAL: Final = ("phone", "email", "representative")
_LICENSE: Final = (
    "legal_form",
    "registered_address",
    "registered_capital",
    "established",
    "term_end",
    "business_scope",
    "composition",
)


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Who asks for a draft. `platform` empty: none."""

    login: str
    platform: str = ""
    staff: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as it is told. `submission_uid` None: not confirmed, or not to be told."""

    row: DraftRow
    prefill: draft_pb2.Prefill
    supplies: tuple[tuple[str, str], ...]
    submission_uid: str | None


def create(
    desk: Desk,
    code: UnifiedCode,
    prefill: draft_pb2.Prefill,
    *,
    platform: str,
    request: Request,
    now: Instant,
) -> Draft:
    """Makes a draft; idempotent by the platform's request id.

    Raises:
        InvalidFieldsError: a value of a person, no value at all, or a faulty one.
        RequestIdReusedError: the request id came before with another digest.
        RateLimitedError: the platform made too many drafts in 24 hours.
    """
    faults = faults_in(code, prefill, now=now)
    if faults:
        raise InvalidFieldsError(faults)
    mark = request.mark(desk.vault, "draft", platform)
    made = DraftRow(
        code=code.text,
        uid=mark.uid,
        platform=platform,
        request_id=request.id,
        request_digest=mark.digest,
        state=State.DRAFT,
        created_at=now,
        expires_at=Instant(now + TERM),
        prefill=json_format.MessageToJson(prefill, preserving_proto_field_name=True, indent=None),
    )
    with desk.store.writing() as work:
        identity_rows.take_turns(work, f"drafts {platform}")
        known = mark.answer(rows.find_request(work, platform, request.id))
        if known is None:
            oldest = rows.nth_latest_at(work, platform, DRAFTS_PER_DAY)
            if oldest is not None and (wait := oldest + DAY - now) > 0:
                raise RateLimitedError(-(-wait // MICROSECONDS))
            rows.insert(work, made)
            work.commit()
        return _told(work, known or made, Onlooker("", platform))


def faults_in(
    code: UnifiedCode, prefill: draft_pb2.Prefill, *, now: Instant
) -> tuple[FieldViolation, ...]:
    """Returns what is wrong with what was filled in (1)."""
    personal = [
        FieldViolation(
            f"prefill.{field.name}",
            "CONSENT_REQUIRED",
            "A person's values are not taken in a draft without the person's consent;"
            " leave them to the enterprise, which supplies them when it confirms.",
        )
        for field, _ in prefill.ListFields()
        if field.name in _PERSONAL
    ]
    part = enterprise.Claims(code=code.text, title=prefill.title, license=_license(prefill))
    faulty = [
        replace(fault, field=_renamed(fault.field)) for fault in faults_in_part(part, now=now)
    ]
    if not prefill.ListFields():
        faulty.append(FieldViolation("prefill", "REQUIRED", "Fill one field in at least."))
    return (*personal, *faulty)


def get(desk: Desk, code: str, uid: str, onlooker: Onlooker, *, now: Instant) -> Draft:
    """Returns the draft.

    Raises:
        NotFoundError: there is none, not any more, or it is not the onlooker's affair.
    """
    with desk.store.reading() as work:
        return _told(work, _found(work, code, uid, onlooker, now), onlooker)


def confirm(
    desk: Desk,
    code: UnifiedCode,
    uid: str,
    given: draft_pb2.DraftSupplement,
    *,
    login: str,
    request: Request,
    now: Instant,
) -> SubmissionStatus:
    """Makes a submission of the draft, which is then verified as any.

    Idempotent by the request id.

    Raises:
        NotFoundError: there is no such draft, or another login confirmed it.
        InvalidFieldsError: draft and supplement are no whole, right claims together.
        TransitionNotAllowedError: it was confirmed before.
    """
    with desk.store.reading() as work:
        row = _found(work, code.text, uid, Onlooker(login), now)
        known = made_before(work, desk, login, request)
    if known is not None:
        return get_submission(desk, code, known.uid, submitter=login, now=now)
    advance(row.state, State.PENDING)
    prefill = _prefill(row)
    merged = _merged(code, prefill, given)
    claims = read_claims(merged, now=now)
    supplies = _supplies(merged, given, row.platform)

    def note(work: UnitOfWork, made: identity_rows.SubmissionRow) -> None:
        # Another login may have confirmed it meanwhile.
        held = _found(work, code.text, uid, Onlooker(login), now, lock=True)
        rows.confirm(work, held, advance(held.state, State.PENDING), made.uid, login)
        rows.add_supplies(work, code.text, made.uid, supplies)

    steps = (
        Transition(State.DRAFT, row.created_at, "PREFILLED"),
        Transition(State.PENDING, now, "CONFIRMED"),
    )
    arrival = Arrival(login, request, steps, note)
    return enter(desk, claims, arrival, now=now)


def take_back(desk: Desk, code: str, uid: str, *, platform: str, now: Instant) -> Draft:
    """Erases what the platform filled in; told again it is the same.

    Raises:
        NotFoundError: there is no such draft of the platform's.
        TransitionNotAllowedError: it was confirmed, and is the enterprise's since.
    """
    onlooker = Onlooker("", platform)
    with desk.store.writing() as work:
        # Somebody may be confirming it.
        row = _found(work, code, uid, onlooker, now, lock=True)
        if row.state is not State.WITHDRAWN:
            if row.state is not State.DRAFT:
                raise TransitionNotAllowedError(row.state.name, State.WITHDRAWN.name)
            rows.take_back(work, row, advance(row.state, State.WITHDRAWN))
            row = _found(work, code, uid, onlooker, now)
        told = _told(work, row, onlooker)
        work.commit()
    return told


def erase_expired(store: Store, *, now: Instant) -> int:
    """Erases drafts whose term is over; returns how many."""
    with store.writing() as work:
        erased = rows.erase_expired(work, now, _MOST_ERASED)
        work.commit()
    return erased


def _found(
    work: UnitOfWork, code: str, uid: str, onlooker: Onlooker, now: Instant, *, lock: bool = False
) -> DraftRow:
    row = rows.find(work, code, uid, lock=lock)
    if row is None or row.expires_at <= now:
        raise NotFoundError
    if onlooker.platform:
        allowed = onlooker.platform == row.platform
    else:
        mine = row.confirmed_by in {None, onlooker.login} and row.state is not State.WITHDRAWN
        allowed = onlooker.staff or mine
    if not allowed:
        raise NotFoundError
    return row


def _told(work: UnitOfWork, row: DraftRow, onlooker: Onlooker) -> Draft:
    prefill = _prefill(row)
    if row.submission_uid is None:
        supplier = f"platform:{row.platform}"
        supplies = tuple((name, supplier) for name in sorted(_filled(prefill.title, prefill)))
        return Draft(row, prefill, supplies, None)
    # What the enterprise supplied is no affair of the platform's.
    if onlooker.platform:
        return Draft(row, prefill, (), None)
    supplied = rows.supplies(work, row.code, row.submission_uid)
    return Draft(row, prefill, supplied, row.submission_uid)


def _prefill(row: DraftRow) -> draft_pb2.Prefill:
    return json_format.Parse(row.prefill, draft_pb2.Prefill())


def _license(prefill: draft_pb2.Prefill) -> enterprise.License:
    """Returns the fields of a license that were filled in."""
    made = enterprise.License()
    for field, value in prefill.ListFields():
        if field.name in _LICENSE:
            if isinstance(value, str):
                setattr(made, field.name, value)
            else:
                getattr(made, field.name).CopyFrom(value)
    return made


def _merged(
    code: UnifiedCode, prefill: draft_pb2.Prefill, given: draft_pb2.DraftSupplement
) -> enterprise.Claims:
    """Returns the claims that draft and supplement make together (4)."""
    license_ = _license(prefill)
    for field, _ in given.license.ListFields():
        # Merging two amounts or days would mix their parts.
        license_.ClearField(field.name)  # type: ignore[arg-type]  # a name of the message's own
    license_.MergeFrom(given.license)
    return enterprise.Claims(
        code=code.text,
        title=given.title or prefill.title,
        phone=given.phone,
        email=given.email,
        license=license_,
        representative=given.representative,
        other_representatives=given.other_representatives,
        authorizations=given.authorizations,
        assent=given.assent,
        authorized_platforms=given.authorized_platforms,
        depth=given.depth,
    )


def _supplies(
    merged: enterprise.Claims, given: draft_pb2.DraftSupplement, platform: str
) -> Mapping[str, str]:
    own = _filled(given.title, given.license) | set(_PERSONAL)
    filled = _filled(merged.title, merged.license) | set(_PERSONAL)
    return {name: ENTERPRISE if name in own else f"platform:{platform}" for name in filled}


def _filled(title: str, license_: enterprise.License | draft_pb2.Prefill) -> set[str]:
    """Returns the paths of title and license fields that hold something."""
    names = {field.name for field, _ in license_.ListFields()} & {*_LICENSE, "copy_sha256"}
    return {f"license.{name}" for name in names} | ({"title"} if title else set())


def _renamed(path: str) -> str:
    """Returns where a field of the claims stands in what was filled in."""
    for before, after in (("claims.license.", "prefill."), ("claims.license", "prefill")):
        if path.startswith(before):
            return path.replace(before, after, 1)
    # The code stands in the parent's name alone.
    return "parent" if path == "claims.code" else path.replace("claims.", "prefill.", 1)
