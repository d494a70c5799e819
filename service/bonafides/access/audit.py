"""Says what of a call is written down before its answer leaves.

Every method stands in `DISCLOSES`, with what its answer shows of enterprises:

- NOTHING: of no enterprise, or only back to the caller what it sent itself. No row.
- ONE: of the enterprise that the handler named by `call.concerns`. One row.
- SEVERAL: of those named by `call.shows`, a row for each; none named: one row all the
  same, for the question was asked.

A method that is not in the table counts as ONE: what nobody judged is written down.
The public's reads are counted by day and method. A refusal for the method or the purpose
leaves a row too, with the reason in place of OK, if the caller is known.

A row holds no value of the answer and no name of a person or an enterprise: the caller by
its keyed pseudonym, the enterprise by one whose salt can be deleted, what was shown by the
classes of information that the audience is shown at all in such an answer, and digests of
the very bytes. It is a tuple, since one is made for every answer.

What is shown of an individual business may rest on consents of its proprietor: its level
on RATE, its business file on SHOW_BUSINESS_FILE. A row says which of these stood: as the
view was made, where the handler tells that by `call.rests_on`; else by the ledger, in the
unit of work that adds the row.

    shape = shape_of("/bonafides.v1.ArchiveService/GetArchive", Archive.DESCRIPTOR, OWNER)
    row = entry(caller, pseudonym, shape, Shown(code, now, "", "OK"), digests)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import cache
from typing import Final, NamedTuple

from google.protobuf.descriptor import Descriptor

from bonafides.access.callers import Caller
from bonafides.access.disclosure import class_of, shown_to
from bonafides.identity.codes import INDIVIDUAL
from bonafides.instants import Day, Instant, day_of
from bonafides.v1 import disclosure_pb2, enterprise_pb2

OK: Final = "OK"
PACKAGE: Final = "bonafides.v1"
_PACKAGE_PATH: Final = f"/{PACKAGE}."
_NO_CLASS: Final = disclosure_pb2.INFORMATION_CLASS_UNSPECIFIED
# What of an individual business is shown on consent alone. Source: archive.assemble, 2;
# rating.rules.
_ON_CONSENT: Final = {
    disclosure_pb2.INFORMATION_CLASS_LEVEL: enterprise_pb2.PURPOSE_RATE,
    disclosure_pb2.INFORMATION_CLASS_ARCHIVED_LEVEL: enterprise_pb2.PURPOSE_RATE,
    disclosure_pb2.INFORMATION_CLASS_EXPLANATION: enterprise_pb2.PURPOSE_RATE,
    disclosure_pb2.INFORMATION_CLASS_BUSINESS_FILE: enterprise_pb2.PURPOSE_SHOW_BUSINESS_FILE,
    disclosure_pb2.INFORMATION_CLASS_BUYERS: enterprise_pb2.PURPOSE_SHOW_BUSINESS_FILE,
}


class Discloses(IntEnum):
    """Of how many enterprises an answer shows something."""

    NOTHING = 0
    ONE = 1
    SEVERAL = 2


_NOTHING, _ONE, _SEVERAL = Discloses.NOTHING, Discloses.ONE, Discloses.SEVERAL

# By service and name. tests/house/test_audit.py compares with the rows of access.policy.
DISCLOSES: Final = {
    "IdentityService/SubmitIdentity": _ONE,
    "IdentityService/GetSubmission": _ONE,
    "ArchiveService/GetArchive": _ONE,
    "RatingService/GetRating": _ONE,
    # A card is the same for everybody.
    "RatingService/GetScorecard": _NOTHING,
    # Acknowledgements of what the caller itself sent; and how far they got.
    "RecordService/WriteRecords": _NOTHING,
    "RecordService/GetWriteCursor": _NOTHING,
    "ArchiveService/UpdateSelfDescription": _ONE,
    "RecordService/ListStores": _ONE,
    "RecordService/DisputeStore": _ONE,
    # Texts that are published.
    "ConsentService/ListAgreements": _NOTHING,
    "ConsentService/AssentAgreement": _ONE,
    "ConsentService/ListAssents": _ONE,
    "ConsentService/ListConsents": _ONE,
    "ConsentService/GrantConsent": _ONE,
    "ConsentService/RevokeConsent": _ONE,
    "ConsentService/ListPlatformAuthorizations": _ONE,
    "ConsentService/AuthorizePlatform": _ONE,
    "ConsentService/RevokePlatform": _ONE,
    "OwnershipService/ClaimOwnership": _ONE,
    "OwnershipService/ConfirmOwnership": _ONE,
    "OwnershipService/GetOwnershipClaim": _ONE,
    "OwnershipService/VouchOwnership": _ONE,
    "OwnershipService/ListOwnershipDisputes": _SEVERAL,
    "OwnershipService/DecideOwnership": _ONE,
    "OwnershipService/ListMembers": _ONE,
    "OwnershipService/InviteMember": _ONE,
    "OwnershipService/TakeInvitation": _ONE,
    "OwnershipService/RemoveMember": _ONE,
    "OwnershipService/ListNotices": _ONE,
    # The caller's own copy, while it comes in.
    "DocumentService/UploadDocument": _NOTHING,
    "DocumentService/GetDocument": _ONE,
    "DocumentService/ReadDocument": _ONE,
    "DocumentService/DeleteDocument": _ONE,
    "RightsService/GetHoldings": _ONE,
    "RightsService/OpenCorrection": _ONE,
    "RightsService/GetCorrection": _ONE,
    "RightsService/ListCorrections": _ONE,
    "RightsService/DecideCorrection": _ONE,
    "RightsService/ErasePersonalData": _ONE,
    # Of a buyer, to the platform that it is a buyer of: no enterprise is shown.
    "RightsService/EraseBuyer": _NOTHING,
    "RightsService/ListQueue": _SEVERAL,
    "IdentityService/ListRequirements": _ONE,
    "IdentityService/AmendIdentity": _ONE,
    "DraftService/CreateDraft": _ONE,
    "DraftService/GetDraft": _ONE,
    "DraftService/ConfirmDraft": _ONE,
    "RatingService/SimulateRating": _ONE,
    "RatingService/GetAdvice": _ONE,
    "ReviewService/RequestReview": _ONE,
    "ReviewService/ListReviews": _ONE,
    "ReviewService/DecideReview": _ONE,
    "ReviewService/GetAutomaticRating": _ONE,
    "ReviewService/SetAutomaticRating": _ONE,
    "ReviewService/ProposeOverride": _ONE,
    "ReviewService/StartOverride": _ONE,
    "ReviewService/EndOverride": _ONE,
    "ReviewService/ListOverrides": _ONE,
    "ReviewService/ListWrongLevels": _ONE,
    "DraftService/DeleteDraft": _ONE,
    "RightsService/GetBuyerHoldings": _NOTHING,
    "RightsService/CorrectBuyer": _NOTHING,
    "RatingService/ListRatings": _ONE,
    "RatingService/GetReceipt": _ONE,
    "AccessService/ListAccesses": _ONE,
    # Of applications and their makers, of no enterprise.
    "ApplicationService/CreateApplication": _NOTHING,
    "ApplicationService/GetApplication": _NOTHING,
    "ApplicationService/ListApplications": _NOTHING,
    "ApplicationService/UpdateApplication": _NOTHING,
    "ApplicationService/IssueKeyChallenge": _NOTHING,
    "ApplicationService/RegisterKey": _NOTHING,
    "ApplicationService/ListKeys": _NOTHING,
    "ApplicationService/RevokeKey": _NOTHING,
    "ApplicationService/ConfirmChange": _NOTHING,
    "ApplicationService/RecordContract": _NOTHING,
    "ApplicationService/RecordAcceptance": _NOTHING,
    "ApplicationService/IssueAcceptance": _NOTHING,
    "ApplicationService/PresentAcceptance": _NOTHING,
    "ApplicationService/LaunchApplication": _NOTHING,
    "ApplicationService/SuspendApplication": _NOTHING,
    "ApplicationService/ResumeApplication": _NOTHING,
    "ApplicationService/CloseApplication": _NOTHING,
    "ApplicationService/GetServiceKey": _NOTHING,
    # What staff closed.
    "SwitchService/SetSwitch": _NOTHING,
    "SwitchService/ListSwitches": _NOTHING,
    "SwitchService/DeleteSwitch": _NOTHING,
    "SwitchService/SetCanary": _NOTHING,
    "SwitchService/ListCanaries": _NOTHING,
    "SwitchService/SetSpendingLimit": _NOTHING,
    "SwitchService/ListSpendingLimits": _NOTHING,
    "TokenService/ExchangeAssertion": _NOTHING,
    "ArchiveService/LookUpEnterprise": _SEVERAL,
    "PlatformService/BatchGetArchives": _SEVERAL,
    "PlatformService/ListChangedArchives": _SEVERAL,
    "PlatformService/RecordDecision": _ONE,
    "PlatformService/ListDecisions": _SEVERAL,
    "PlatformService/RequestMore": _ONE,
    "PlatformService/ListInquiries": _SEVERAL,
    "PlatformService/AnswerInquiry": _ONE,
    "PlatformService/CloseInquiry": _ONE,
    "PlatformService/SetPlatformMask": _NOTHING,
    "PlatformService/GetPlatformMask": _NOTHING,
    "PlatformService/ListPlatformMasks": _NOTHING,
    "IntegratorService/CreateAuthorizationUrl": _NOTHING,
    "IntegratorService/GetAuthorizationUrl": _NOTHING,
    "IntegratorService/AuthorizeIntegrator": _ONE,
    "IntegratorService/ExchangeAuthorization": _ONE,
    "IntegratorService/ListIntegratorAuthorizations": _SEVERAL,
    "IntegratorService/RevokeIntegrator": _ONE,
    "IntegratorService/GetIntegratorStatistics": _SEVERAL,
}


def discloses(method: str) -> Discloses:
    """Returns what the method, named as on the wire, shows."""
    return DISCLOSES.get(short(method), _ONE)


@cache
def short(method: str) -> str:
    """Returns service and name of a method that is named as on the wire."""
    return method.removeprefix(_PACKAGE_PATH)


class Shape(NamedTuple):
    """What all rows of one method to one audience have in common."""

    audience: str
    method: str
    # One bit for each class of information, and each mask, by its number.
    classes: int
    masks: int


@cache
def shape_of(method: str, answer: Descriptor, audience: disclosure_pb2.Audience.ValueType) -> Shape:
    """Returns what the method's rows to this audience have in common."""
    classes, masks = _shown(answer, audience, frozenset())
    name = disclosure_pb2.Audience.Name(audience).removeprefix("AUDIENCE_")
    return Shape(name, short(method), classes, masks)


def _shown(
    message: Descriptor, audience: disclosure_pb2.Audience.ValueType, around: frozenset[Descriptor]
) -> tuple[int, int]:
    """Returns the bits of classes and masks that the audience is shown in such a message."""
    classes = masks = 0
    for field in message.fields:
        information = class_of(field)
        if information != _NO_CLASS:
            mask = shown_to(information).get(audience)
            if mask is None:
                continue
            classes |= 1 << information
            # Bit 0: as it is.
            masks |= 1 << mask
        inner = field.message_type
        if inner is None or inner.file.package != PACKAGE or inner in around:
            continue
        deeper = _shown(inner, audience, around | {inner})
        classes, masks = classes | deeper[0], masks | deeper[1]
    return classes, masks


def bits_of(purposes: Iterable[str]) -> int:
    """Returns a bit for each of the purposes, named as in the ledger, by its v1 number."""
    return sum(1 << enterprise_pb2.Purpose.Value(f"PURPOSE_{purpose}") for purpose in purposes)


@cache
def purposes_in(bits: int) -> Sequence[enterprise_pb2.Purpose.ValueType]:
    """Returns the purposes of which there are bits."""
    return tuple(purpose for purpose in enterprise_pb2.Purpose.values() if bits & (1 << purpose))


@cache
def resting(classes: int) -> int:
    """Returns the bits of the purposes on which these classes of an individual business rest."""
    return sum(
        {
            1 << purpose
            for information, purpose in _ON_CONSENT.items()
            if classes & (1 << information)
        }
    )


class Shown(NamedTuple):
    """What one row says of the call itself."""

    # Normalised; None: of no enterprise.
    code: str | None
    at: Instant
    # ReadPurpose without its prefix; empty: none was named.
    purpose: str
    # OK, or the reason for which it was refused.
    outcome: str
    # The bits of the purposes that were consented to when it was made; None: ask the ledger.
    consents: int | None = None


class Count(NamedTuple):
    """How often something was shown to the public by a method on a day."""

    day: Day
    method: str
    times: int


class Entry(NamedTuple):
    """One row as it is handed to the store, with codes in place of their pseudonyms."""

    code: str | None
    acts_for: str | None
    day: Day
    shown_at: Instant
    kind: str
    caller: bytes
    platform: str
    application: str
    audience: str
    method: str
    purpose: str
    # None: the ledger tells it when the row is added.
    consents: int | None
    classes: int
    masks: int
    request_sha256: bytes
    view_sha256: bytes
    token_id: str
    outcome: str


def entry(
    caller: Caller, pseudonym: bytes, shape: Shape, shown: Shown, digests: tuple[bytes, bytes]
) -> Entry:
    """Returns the row: `digests` are SHA-256 of the request's bytes and of the answer's."""
    code, at, purpose, outcome, consents = shown
    if code is None or not code.startswith(INDIVIDUAL) or outcome != OK:
        consents = 0
    else:
        needed = resting(shape.classes)
        consents = 0 if needed == 0 else None if consents is None else consents & needed
    return Entry(
        code,
        caller.acts_for or None,
        day_of(at),
        at,
        caller.kind.value,
        pseudonym,
        caller.platform,
        caller.application,
        shape.audience,
        shape.method,
        purpose,
        consents,
        shape.classes,
        shape.masks,
        digests[0],
        digests[1],
        caller.token_id,
        outcome,
    )
