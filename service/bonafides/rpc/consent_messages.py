"""Writes consents, agreements and memberships as messages, and cuts lists into pages.

shown, more = page(rows, request)      # at most 100, and where the next page begins
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from bonafides.errors import FieldViolation, InvalidFieldsError
from bonafides.identity.consent import Consent, PublishedText, RecordedAssent
from bonafides.identity.consent_operations import PlatformState
from bonafides.identity.membership import Claim, Invitation, Member, Notice, Role
from bonafides.instants import Instant, to_timestamp
from bonafides.v1 import consent_pb2, enterprise_pb2, ownership_pb2

T = TypeVar("T")

_MOST: Final = 100


def page(found: Sequence[T], request: Any) -> tuple[Sequence[T], str]:
    """Returns the page that the request asks for, and the token of the next; empty: none.

    Raises:
        InvalidFieldsError: the token is of no answer of ours.
    """
    token = request.page_token
    if token and not (token.isascii() and token.isdecimal()):
        raise _bad_token()
    begin, size = int(token or 0), page_size(request)
    more = str(begin + size) if begin + size < len(found) else ""
    return found[begin : begin + size], more


def page_size(request: Any) -> int:
    """Returns how many are shown at once."""
    return min(request.page_size or _MOST, _MOST)


def after(request: Any) -> tuple[int, str]:
    """Returns instant and uid behind which the page begins.

    Raises:
        InvalidFieldsError: the token is of no answer of ours.
    """
    if not request.page_token:
        return 0, ""
    at, _, uid = request.page_token.partition(".")
    if not (at.isascii() and at.isdecimal() and len(at) < len(str(1 << 63))):
        raise _bad_token()
    return int(at), uid


def part(
    found: Sequence[T], size: int, place: Callable[[T], tuple[int, str]]
) -> tuple[Sequence[T], str]:
    """Returns what is shown of a list that was read one longer than that, if it is.

    With it the token of the next page, which `after` reads; empty: there is none.
    """
    shown = found[:size]
    if len(found) <= size:
        return shown, ""
    at, uid = place(shown[-1])
    return shown, f"{at}.{uid}"


def text(told: PublishedText) -> consent_pb2.PublishedText:
    """Returns the text as it is shown."""
    made = consent_pb2.PublishedText(
        kind=told.kind,
        version=told.version,
        sha256=told.sha256,
        title=told.title,
        text=told.text,
        scope=told.scope,
        required=told.required,
    )
    _at(made, "effective_time", told.effective_at)
    return made


def assent(given: RecordedAssent) -> consent_pb2.AgreementAssent:
    """Returns the assent."""
    return consent_pb2.AgreementAssent(
        kind=given.kind,
        version=given.version,
        assent_time=to_timestamp(given.assented_at),
        actor=given.actor,
    )


def consent(row: Consent, now: Instant) -> consent_pb2.Consent:
    """Returns the row of the ledger."""
    made = consent_pb2.Consent(
        name=f"enterprises/{row.code}/consents/{row.uid}",
        purpose=enterprise_pb2.Purpose.Value(f"PURPOSE_{row.purpose}"),
        scope=row.scope,
        text_version=row.text_version,
        text_sha256=row.text_sha256,
        evidence_sha256=row.evidence_sha256,
        grant_time=to_timestamp(row.granted_at),
        record_time=to_timestamp(row.recorded_at),
        live=row.live(now),
    )
    if row.of_submission:
        made.submission = f"enterprises/{row.code}/submissions/{row.of_submission}"
    _at(made, "expire_time", row.expires_at)
    _at(made, "revoke_time", row.revoked_at)
    return made


def platform(state: PlatformState) -> consent_pb2.PlatformAuthorization:
    """Returns the authorization of a platform."""
    made = consent_pb2.PlatformAuthorization(
        name=f"enterprises/{state.code}/platforms/{state.platform}",
        platform=state.platform,
        grant_time=to_timestamp(state.granted_at),
    )
    _at(made, "revoke_time", state.revoked_at)
    return made


def claim(told: Claim) -> ownership_pb2.OwnershipClaim:
    """Returns the claim; nothing of its code."""
    states = ownership_pb2.OwnershipClaim.State
    made = ownership_pb2.OwnershipClaim(
        name=f"enterprises/{told.code}/ownershipClaims/{told.uid}",
        state=states.Value(f"STATE_{told.state.name}"),
        claim_time=to_timestamp(told.claimed_at),
        contact=told.contact,
    )
    if told.proposed is not None:
        made.proposed = states.Value(f"STATE_{told.proposed.name}")
    if told.state.name == "CHALLENGED":
        _at(made, "expire_time", told.code_expires_at)
    _at(made, "end_time", told.ended_at)
    return made


def member(told: Member) -> ownership_pb2.Member:
    """Returns the membership."""
    made = ownership_pb2.Member(
        name=f"enterprises/{told.code}/members/{told.uid}",
        member_role=_role(told.role),
        issuer=told.principal.issuer,
        subject=told.principal.subject,
        since_time=to_timestamp(told.since),
        means=told.means.value,
    )
    _at(made, "end_time", told.ended_at)
    return made


def invitation(told: Invitation) -> ownership_pb2.Invitation:
    """Returns the invitation with its code, which is shown here alone."""
    return ownership_pb2.Invitation(
        one_time_code=told.one_time_code,
        member_role=_role(told.role),
        expire_time=to_timestamp(told.expires_at),
    )


def notice(told: Notice) -> ownership_pb2.Notice:
    """Returns the notice."""
    return ownership_pb2.Notice(
        name=f"enterprises/{told.code}/notices/{told.uid}",
        reason=told.reason,
        notice_time=to_timestamp(told.noticed_at),
        description=told.description,
    )


def _role(role: Role) -> ownership_pb2.MemberRole.ValueType:
    return ownership_pb2.MemberRole.Value(f"MEMBER_ROLE_{role.name}")


def _at(message: Any, field: str, instant: Instant | None) -> None:
    if instant is not None:
        getattr(message, field).CopyFrom(to_timestamp(instant))


def _bad_token() -> InvalidFieldsError:
    text = "Give the next_page_token of the answer before, or nothing."
    return InvalidFieldsError((FieldViolation("page_token", "PAGE_TOKEN", text),))
