"""The methods about consents, agreements and ownership, from request to answer.

As in `bonafides.rpc.services`. What may be done for an enterprise is decided by the
rooms, within the unit of work that does it; here only the audience of the answer is
derived, after the room let it through.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from bonafides.access.callers import CallerKind
from bonafides.access.disclosure import view
from bonafides.errors import BugError, FieldViolation, InvalidFieldsError
from bonafides.identity import consent_operations as consents
from bonafides.identity import ownership_operations as ownership
from bonafides.identity.membership import ClaimState, Principal, Role
from bonafides.identity.operations import Desk
from bonafides.identity.submission import Purpose
from bonafides.instants import from_timestamp
from bonafides.rpc import consent_messages as written
from bonafides.rpc import messages
from bonafides.rpc.asking import (
    actor,
    enterprise_in,
    member_eyes,
    part_in,
    principal,
    reader,
    request_in,
    seen_as,
)
from bonafides.rpc.call import Call
from bonafides.rpc.consent_messages import page
from bonafides.v1 import consent_pb2, disclosure_pb2, enterprise_pb2, ownership_pb2
from bonafides.v1 import consent_service_pb2 as consent_service
from bonafides.v1 import ownership_service_pb2 as ownership_service

T = TypeVar("T")
M = TypeVar("M", bound=Message)
_PURPOSES: Final = {
    enterprise_pb2.Purpose.Value(f"PURPOSE_{purpose.name}"): purpose for purpose in Purpose
}
_OWNER: Final = disclosure_pb2.AUDIENCE_OWNER
_OPERATOR: Final = disclosure_pb2.AUDIENCE_OPERATOR


class ConsentService:
    """Keeps what persons and enterprises agreed to."""

    def __init__(self, desk: Desk) -> None:
        self._desk: Final = desk

    def list_agreements(
        self, request: consent_service.ListAgreementsRequest, call: Call
    ) -> consent_service.ListAgreementsResponse:
        """Lists the texts. They describe no enterprise, so nothing of them is withheld."""
        texts = consents.list_texts(self._desk, now=call.now)
        shown, more = page(texts, request)
        return consent_service.ListAgreementsResponse(
            texts=map(written.text, shown), next_page_token=more
        )

    def assent_agreement(
        self, request: consent_service.AssentAgreementRequest, call: Call
    ) -> consent_pb2.AgreementAssent:
        """Assents to the current version."""
        code = enterprise_in(request.parent, call)
        given = consents.assent(
            self._desk,
            actor(call, code),
            code,
            kind=request.kind,
            version=request.version,
            now=call.now,
        )
        return view(written.assent(given), _OWNER)

    def list_assents(
        self, request: consent_service.ListAssentsRequest, call: Call
    ) -> consent_service.ListAssentsResponse:
        """Lists the assents of an enterprise."""
        code = enterprise_in(request.parent, call)
        found = consents.list_assents(self._desk, reader(call, code), code)
        shown, more = _shown(found, request, written.assent, seen_as(call))
        return consent_service.ListAssentsResponse(assents=shown, next_page_token=more)

    def list_consents(
        self, request: consent_service.ListConsentsRequest, call: Call
    ) -> consent_service.ListConsentsResponse:
        """Lists the ledger, or what of it is about the caller's own submissions."""
        code = enterprise_in(request.parent, call)
        found = consents.list_consents(self._desk, reader(call, code), code)
        write = partial(written.consent, now=call.now)
        shown, more = _shown(found, request, write, seen_as(call))
        return consent_service.ListConsentsResponse(consents=shown, next_page_token=more)

    def grant_consent(
        self, request: consent_service.GrantConsentRequest, call: Call
    ) -> consent_pb2.Consent:
        """Grants one consent."""
        code = enterprise_in(request.parent, call)
        granted_at = messages.past_instant_of(request.grant_time, "grant_time", now=call.now)
        expires_at = None
        if request.HasField("expire_time"):
            expires_at = from_timestamp(request.expire_time)
            if expires_at <= call.now:
                text = "Give a time to come, or leave it out."
                raise InvalidFieldsError((FieldViolation("expire_time", "EXPIRED", text),))
        asked = consents.Granting(
            purpose=_PURPOSES.get(request.purpose),
            scope=tuple(sorted(set(request.scope))),
            text_version=request.text_version,
            text_sha256=request.text_sha256,
            evidence_sha256=request.evidence_sha256,
            granted_at=granted_at,
            expires_at=expires_at,
        )
        made = consents.grant(
            self._desk,
            actor(call, code),
            code,
            asked,
            request=request_in(request, call),
            now=call.now,
        )
        return view(written.consent(made, call.now), _OWNER)

    def revoke_consent(
        self, request: consent_service.RevokeConsentRequest, call: Call
    ) -> consent_service.RevokeConsentResponse:
        """Takes a purpose back, with all that follows from it."""
        code = enterprise_in(request.parent, call)
        purpose = _PURPOSES[request.purpose]
        taken = consents.revoke(self._desk, actor(call, code), code, purpose, now=call.now)
        return consent_service.RevokeConsentResponse(
            consents=[view(written.consent(each, call.now), seen_as(call)) for each in taken]
        )

    def list_platform_authorizations(
        self, request: consent_service.ListPlatformAuthorizationsRequest, call: Call
    ) -> consent_service.ListPlatformAuthorizationsResponse:
        """Lists the platforms whose records may be used."""
        code = enterprise_in(request.parent, call)
        found = consents.list_platforms(self._desk, reader(call, code), code)
        shown, more = _shown(found, request, written.platform, seen_as(call))
        return consent_service.ListPlatformAuthorizationsResponse(
            platforms=shown, next_page_token=more
        )

    def authorize_platform(
        self, request: consent_service.AuthorizePlatformRequest, call: Call
    ) -> consent_pb2.PlatformAuthorization:
        """Lets the service use what a platform reports."""
        code, platform = _platform(request.name, call)
        made = consents.authorize_platform(
            self._desk, actor(call, code), code, platform, now=call.now
        )
        return view(written.platform(made), _OWNER)

    def revoke_platform(
        self, request: consent_service.RevokePlatformRequest, call: Call
    ) -> consent_pb2.PlatformAuthorization:
        """Takes that back."""
        code, platform = _platform(request.name, call)
        ended = consents.revoke_platform(
            self._desk, actor(call, code), code, platform, now=call.now
        )
        return view(written.platform(ended), _OWNER)


class OwnershipService:
    """Decides which logins act for which enterprise."""

    def __init__(self, room: ownership.Ownership) -> None:
        self._room: Final = room

    def claim_ownership(
        self, request: ownership_service.ClaimOwnershipRequest, call: Call
    ) -> ownership_pb2.OwnershipClaim:
        """Claims an enterprise by a submission of the caller's own."""
        code, uid = messages.submission_of(request.submission, "submission")
        call.concerns(code.text)
        made = ownership.claim(
            self._room,
            principal(call),
            code.text,
            uid,
            request=request_in(request, call),
            now=call.now,
        )
        return view(written.claim(made), seen_as(call))

    def confirm_ownership(
        self, request: ownership_service.ConfirmOwnershipRequest, call: Call
    ) -> ownership_pb2.OwnershipClaim:
        """Takes the one-time code."""
        code, uid = part_in(request.name, "ownershipClaims", call)
        ended = ownership.confirm(
            self._room, principal(call), code, uid, request.one_time_code, now=call.now
        )
        return view(written.claim(ended), seen_as(call))

    def get_ownership_claim(
        self, request: ownership_service.GetOwnershipClaimRequest, call: Call
    ) -> ownership_pb2.OwnershipClaim:
        """Gets a claim for its claimant, or for staff; to others it is not found."""
        code, uid = part_in(request.name, "ownershipClaims", call)
        whose = None if call.caller.kind is CallerKind.OPERATOR else principal(call)
        found = ownership.get_claim(self._room, whose, code, uid, now=call.now)
        return view(written.claim(found), seen_as(call))

    def vouch_ownership(
        self, request: ownership_service.VouchOwnershipRequest, call: Call
    ) -> ownership_service.VouchOwnershipResponse:
        """Vouches for a login, as a platform."""
        code = enterprise_in(request.parent, call)
        if not call.caller.platform:
            raise BugError("a voucher that is no platform")
        login = Principal(request.issuer, request.subject)
        ownership.vouch(self._room, call.caller.platform, code, login, now=call.now)
        return ownership_service.VouchOwnershipResponse()

    def list_ownership_disputes(
        self, request: ownership_service.ListOwnershipDisputesRequest, call: Call
    ) -> ownership_service.ListOwnershipDisputesResponse:
        """Lists what waits for staff."""
        size = written.page_size(request)
        found = ownership.list_disputes(self._room, after=written.after(request), limit=size + 1)
        shown, more = written.part(found, size, lambda last: (last.claimed_at, last.uid))
        call.shows(each.code for each in shown)
        return ownership_service.ListOwnershipDisputesResponse(
            claims=[view(written.claim(each), seen_as(call)) for each in shown],
            next_page_token=more,
        )

    def decide_ownership(
        self, request: ownership_service.DecideOwnershipRequest, call: Call
    ) -> ownership_pb2.OwnershipClaim:
        """Proposes how a dispute ends, or confirms it."""
        code, uid = part_in(request.name, "ownershipClaims", call)
        granted = request.outcome == ownership_pb2.OwnershipClaim.STATE_GRANTED
        outcome = ClaimState.GRANTED if granted else ClaimState.REFUSED
        made = ownership.decide(self._room, principal(call), code, uid, outcome, now=call.now)
        return view(written.claim(made), _OPERATOR)

    def list_members(
        self, request: ownership_service.ListMembersRequest, call: Call
    ) -> ownership_service.ListMembersResponse:
        """Lists who acts for the enterprise, and who did."""
        code = enterprise_in(request.parent, call)
        found = ownership.list_members(self._room, reader(call, code), code)
        shown, more = _shown(found, request, written.member, member_eyes(call))
        return ownership_service.ListMembersResponse(members=shown, next_page_token=more)

    def invite_member(
        self, request: ownership_service.InviteMemberRequest, call: Call
    ) -> ownership_pb2.Invitation:
        """Invites somebody."""
        code = enterprise_in(request.parent, call)
        owner = request.member_role == ownership_pb2.MEMBER_ROLE_OWNER
        made = ownership.invite(
            self._room,
            actor(call, code),
            code,
            Role.OWNER if owner else Role.STAFF,
            request=request_in(request, call),
            now=call.now,
        )
        return view(written.invitation(made), _OWNER)

    def take_invitation(
        self, request: ownership_service.TakeInvitationRequest, call: Call
    ) -> ownership_pb2.Member:
        """Takes an invitation up."""
        code = enterprise_in(request.parent, call)
        made = ownership.take_invitation(
            self._room, principal(call), code, request.one_time_code, now=call.now
        )
        return view(written.member(made), _OWNER)

    def remove_member(
        self, request: ownership_service.RemoveMemberRequest, call: Call
    ) -> ownership_pb2.Member:
        """Removes a member."""
        code, uid = part_in(request.name, "members", call)
        ended = ownership.remove(self._room, actor(call, code), code, uid, now=call.now)
        return view(written.member(ended), _OWNER)

    def list_notices(
        self, request: ownership_service.ListNoticesRequest, call: Call
    ) -> ownership_service.ListNoticesResponse:
        """Lists what those who act for the enterprise are told."""
        code = enterprise_in(request.parent, call)
        found = ownership.list_notices(self._room, reader(call, code), code)
        shown, more = _shown(found, request, written.notice, member_eyes(call))
        return ownership_service.ListNoticesResponse(notices=shown, next_page_token=more)


def _shown(
    found: Sequence[T],
    request: Any,
    write: Callable[[T], M],
    eyes: disclosure_pb2.Audience.ValueType,
) -> tuple[list[M], str]:
    """Returns the page that the request asks for as the audience may see it, and the next."""
    rows, more = page(found, request)
    return [view(write(each), eyes) for each in rows], more


def _platform(name: str, call: Call) -> tuple[str, str]:
    code, platform = part_in(name, "platforms", call)
    if not messages.is_platform(platform):
        text = "Name a platform as its records do, for example 1688."
        raise InvalidFieldsError((FieldViolation("name", "PLATFORM", text),))
    return code, platform
