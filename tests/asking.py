"""One honest request for every method of the service, about whichever enterprise.

For tests that go over all methods: whose enterprise is asked for, with bytes bent a
little, by every kind of caller. A method that is added needs a row here; a house test
says so.

    request("/bonafides.v1.RatingService/GetAdvice", code)     # GetAdviceRequest
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from google.protobuf import field_mask_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from bonafides.instants import DAY
from bonafides.v1 import (
    application_pb2,
    archive_pb2,
    draft_pb2,
    enterprise_pb2,
    ownership_pb2,
    platform_pb2,
    platform_service_pb2,
    purpose_pb2,
    rating_pb2,
    review_pb2,
    rights_pb2,
)
from tests import builders, licenses

_PROTOS: Final = Path(__file__).parents[1] / "protos/bonafides/v1"
_DIGEST: Final = hashlib.sha256(b"evidence").digest()
# Of things that there are not, unless somebody names those that are.
_ABSENT: Final = builders.request_id(999)
_IMAGE: Final = licenses.bomb_png(1, 1)
_APPLICATION: Final = "applications/sandbox-0"
# For what a platform reads; nobody else names it.
_PURPOSE: Final = {"purpose": purpose_pb2.READ_PURPOSE_ELIGIBILITY}
_CLAIMS: Final = builders.claims()
_RIGHT: Final = enterprise_pb2.Amendment(title="九九市新草贸易有限公司")

# The field that names what is asked for, and the name. {code} is the enterprise's, other
# words in braces are ids of things that are its own.
NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "AmendIdentity": ("name", "enterprises/{code}"),
    "AnswerInquiry": ("name", "enterprises/{code}/inquiries/{inquiry}"),
    "AssentAgreement": ("parent", "enterprises/{code}"),
    "AuthorizeIntegrator": ("parent", "enterprises/{code}"),
    "AuthorizePlatform": ("name", "enterprises/{code}/platforms/1688"),
    "BatchGetArchives": ("questions.name", "enterprises/{code}/archive"),
    "ClaimOwnership": ("submission", "enterprises/{code}/submissions/{submission}"),
    "CloseInquiry": ("name", "enterprises/{code}/inquiries/{inquiry}"),
    "ConfirmDraft": ("name", "enterprises/{code}/drafts/{draft}"),
    "ConfirmOwnership": ("name", "enterprises/{code}/ownershipClaims/{claim}"),
    "CorrectBuyer": ("parent", "enterprises/{code}"),
    "CreateDraft": ("parent", "enterprises/{code}"),
    "DecideCorrection": ("name", "enterprises/{code}/corrections/{correction}"),
    "DecideOwnership": ("name", "enterprises/{code}/ownershipClaims/{claim}"),
    "DecideReview": ("name", "enterprises/{code}/reviews/{review}"),
    "DeleteDocument": ("name", "enterprises/{code}/documents/{document}"),
    "DeleteDraft": ("name", "enterprises/{code}/drafts/{draft}"),
    "DisputeStore": ("name", "enterprises/{code}/stores"),
    "EndOverride": ("name", "enterprises/{code}/overrides/{override}"),
    "ErasePersonalData": ("name", "enterprises/{code}/submissions/{submission}"),
    "GetAdvice": ("name", "enterprises/{code}/advice"),
    "GetArchive": ("name", "enterprises/{code}/archive"),
    "GetAutomaticRating": ("name", "enterprises/{code}/automaticRating"),
    "GetCorrection": ("name", "enterprises/{code}/corrections/{correction}"),
    "GetDocument": ("name", "enterprises/{code}/documents/{document}"),
    "GetDraft": ("name", "enterprises/{code}/drafts/{draft}"),
    "GetHoldings": ("parent", "enterprises/{code}"),
    "GetIntegratorStatistics": ("name", "enterprises/{code}/integratorStatistics"),
    "GetOwnershipClaim": ("name", "enterprises/{code}/ownershipClaims/{claim}"),
    "GetRating": ("name", "enterprises/{code}/rating"),
    "GetReceipt": ("name", "enterprises/{code}/receipt"),
    "GetSubmission": ("name", "enterprises/{code}/submissions/{submission}"),
    "GrantConsent": ("parent", "enterprises/{code}"),
    "InviteMember": ("parent", "enterprises/{code}"),
    "ListAccesses": ("parent", "enterprises/{code}"),
    "ListAssents": ("parent", "enterprises/{code}"),
    "ListConsents": ("parent", "enterprises/{code}"),
    "ListCorrections": ("parent", "enterprises/{code}"),
    "ListDecisions": ("parent", "enterprises/{code}"),
    "ListInquiries": ("parent", "enterprises/{code}"),
    "ListIntegratorAuthorizations": ("parent", "enterprises/{code}"),
    "ListMembers": ("parent", "enterprises/{code}"),
    "ListNotices": ("parent", "enterprises/{code}"),
    "ListOverrides": ("parent", "enterprises/{code}"),
    "ListPlatformAuthorizations": ("parent", "enterprises/{code}"),
    "ListRatings": ("parent", "enterprises/{code}"),
    "ListRequirements": ("name", "enterprises/{code}"),
    "ListReviews": ("parent", "enterprises/{code}"),
    "ListStores": ("name", "enterprises/{code}/stores"),
    "ListWrongLevels": ("parent", "enterprises/{code}"),
    "OpenCorrection": ("parent", "enterprises/{code}"),
    "ProposeOverride": ("parent", "enterprises/{code}"),
    "ReadDocument": ("name", "enterprises/{code}/documents/{document}"),
    "RecordDecision": ("parent", "enterprises/{code}"),
    "RemoveMember": ("name", "enterprises/{code}/members/{member}"),
    "RequestMore": ("parent", "enterprises/{code}"),
    "RequestReview": ("parent", "enterprises/{code}"),
    "RevokeConsent": ("parent", "enterprises/{code}"),
    "RevokeIntegrator": ("name", "enterprises/{code}/integrators/{agency}"),
    "RevokePlatform": ("name", "enterprises/{code}/platforms/1688"),
    "SetCanary": ("name", "enterprises/{code}/canary"),
    "SetAutomaticRating": ("name", "enterprises/{code}/automaticRating"),
    "SimulateRating": ("name", "enterprises/{code}/rating"),
    "StartOverride": ("name", "enterprises/{code}/overrides/{override}"),
    "SubmitIdentity": ("claims.code", "{code}"),
    "TakeInvitation": ("parent", "enterprises/{code}"),
    "UpdateSelfDescription": (
        "self_description.name",
        "enterprises/{code}/self-description",
    ),
    "UploadDocument": ("name", "enterprises/{code}/documents/{document}"),
    "VouchOwnership": ("parent", "enterprises/{code}"),
    "WriteRecords": ("records.code", "{code}"),
}

# What else a method asks to be filled in. A request id is filled in by itself.
_MORE: Final[Mapping[str, Mapping[str, Any]]] = {
    "AmendIdentity": {"changes": _RIGHT},
    "AnswerInquiry": {"answer": "已补充"},
    "AuthorizeIntegrator": {"url_code": "0" * 32, "scopes": ["archive.read"], "term_days": 30},
    "BatchGetArchives": {"questions": [platform_service_pb2.ArchiveQuestion()], **_PURPOSE},
    "CloseApplication": {"name": _APPLICATION},
    "ConfirmChange": {"name": f"{_APPLICATION}/changes/{_ABSENT}", "one_time_code": "00000000"},
    "CreateApplication": {
        "application_role": application_pb2.APPLICATION_ROLE_ACQUIRER,
        "title": "试用平台",
        "kind": application_pb2.Application.KIND_SERVER,
        "description": "试用",
        "country_code": "CN",
        "product": application_pb2.PRODUCT_IDENTITY_AUTHENTICATION,
        "test_currency_code": "CNY",
        "email": "maker@example.com",
    },
    "CreateAuthorizationUrl": {"scopes": ["archive.read"]},
    "DeleteSwitch": {"name": f"switches/{_ABSENT}"},
    "ExchangeAssertion": {"assertion": "e30.e30.e30"},
    "ExchangeAuthorization": {"authorization_code": "0" * 43},
    "GetApplication": {"name": _APPLICATION},
    "GetAuthorizationUrl": {"url_code": "0" * 32},
    "GetPlatformMask": {"name": "platforms/1688/mask"},
    "IssueAcceptance": {"name": _APPLICATION, "live_client_id": "live-1"},
    "IssueKeyChallenge": {"parent": _APPLICATION},
    "LaunchApplication": {"name": _APPLICATION},
    "ListChangedArchives": _PURPOSE,
    "ListKeys": {"parent": _APPLICATION},
    "ListPlatformMasks": {"parent": "platforms/1688"},
    "LookUpEnterprise": {"title": "九九市百草贸易有限公司"},
    "PresentAcceptance": {"name": _APPLICATION, "statement": "e30.e30.e30"},
    "RecordAcceptance": {"name": _APPLICATION, "evidence_sha256": _DIGEST},
    "RecordContract": {
        "name": _APPLICATION,
        "reference": "2026-1",
        "sign_time": builders.stamp(builders.NOW - 1),
        "platform": "1688",
    },
    "RecordDecision": {
        "outcome": platform_pb2.PlatformDecision.OUTCOME_ADMITTED,
        "reason": "CHECKED",
        **_PURPOSE,
    },
    "RegisterKey": {
        "challenge": f"{_APPLICATION}/keyChallenges/{_ABSENT}",
        "public_key": b"key",
        "signature": bytes(64),
    },
    "RequestMore": {
        "kind": platform_pb2.Inquiry.Kind.values()[1],
        "text": "请补充",
        "deadline_time": builders.stamp(builders.NOW + 7 * DAY),
    },
    "ResumeApplication": {"name": _APPLICATION, "reason": "已核对"},
    "RevokeKey": {"name": f"{_APPLICATION}/keys/{'0' * 43}"},
    "SetPlatformMask": {
        "name": "platforms/1688/mask",
        "withheld_paths": ["rating"],
        "reason": "已核对",
    },
    "SetSpendingLimit": {
        "name": "platforms/1688/limit",
        "enterprises_per_day": 2_000,
        "reason": "2026-1",
    },
    "SetSwitch": {"interface": "bonafides.v1.RatingService", "reason": "已核对"},
    "SuspendApplication": {
        "name": _APPLICATION,
        "ground": application_pb2.SuspensionGround.values()[1],
        "reason": "已核对",
    },
    "UpdateApplication": {
        "application": application_pb2.Application(name=_APPLICATION, title="试用平台"),
        "update_mask": field_mask_pb2.FieldMask(paths=["title"]),
    },
    "AssentAgreement": {"kind": "SERVICE_AGREEMENT", "version": builders.AGREEMENT},
    "ConfirmDraft": {
        "claims": draft_pb2.DraftSupplement(
            license=_CLAIMS.license,
            phone=_CLAIMS.phone,
            email=_CLAIMS.email,
            representative=_CLAIMS.representative,
            authorizations=_CLAIMS.authorizations,
            assent=_CLAIMS.assent,
        )
    },
    "ConfirmOwnership": {"one_time_code": "00000000"},
    "CorrectBuyer": {"kind": "transaction", "record_id": "t1", "wrong_buyer": "buyer-1"},
    "CreateDraft": {"prefill": draft_pb2.Prefill(title="九九市百草贸易有限公司")},
    "DecideCorrection": {"outcome": rights_pb2.Correction.STATE_REFUSED, "reason": "已核对"},
    "DecideOwnership": {"outcome": ownership_pb2.OwnershipClaim.STATE_REFUSED},
    "DecideReview": {"outcome": review_pb2.Review.STATE_STANDS, "reason": "已核对"},
    "DisputeStore": {"platform": "1688", "link_id": "l1", "ground": 1},
    "EndOverride": {"reason": "已核对"},
    "EraseBuyer": {"buyer": "buyer-1"},
    "GetBuyerHoldings": {"buyer": "buyer-1"},
    "GetScorecard": {"name": "scorecards/champion"},
    "GetWriteCursor": {"source": "orders"},
    "GrantConsent": {
        "purpose": enterprise_pb2.PURPOSE_PROVE_OWNERSHIP,
        "scope": ["email"],
        "text_version": builders.AGREEMENT,
        "text_sha256": _DIGEST,
        "evidence_sha256": _DIGEST,
        "grant_time": builders.stamp(builders.NOW - 1),
    },
    "InviteMember": {"member_role": ownership_pb2.MEMBER_ROLE_STAFF},
    "OpenCorrection": {
        "target": rights_pb2.CorrectionTarget(fact=rights_pb2.FactTarget(kind="registration")),
        "wrong": "名称有误",
        "right": "九九市新草贸易有限公司",
    },
    "ProposeOverride": {"level": rating_pb2.LEVEL_A, "reason": "已核对", "term_days": 7},
    "RevokeConsent": {"purpose": enterprise_pb2.PURPOSE_PROVE_OWNERSHIP},
    "SimulateRating": {"steps": [rating_pb2.STEP_UNSPECIFIED + 1]},
    "SubmitIdentity": {"claims": _CLAIMS},
    "TakeInvitation": {"one_time_code": "00000000000000000000"},
    "UpdateSelfDescription": {
        "self_description": archive_pb2.SelfDescription(main_products=["百货"])
    },
    "UploadDocument": {"size_bytes": len(_IMAGE), "content": _IMAGE},
    "VouchOwnership": {"issuer": "bonafides-sandbox", "subject": "member-1"},
    "WriteRecords": {
        "source": "orders",
        "sequence": 1,
        "records": [builders.record_message(builders.transaction())],
    },
}


@cache
def methods() -> Mapping[str, MethodDescriptor]:
    """Returns every method of every service, by its full name."""
    files = (import_module(f"bonafides.v1.{path.stem}_pb2") for path in _PROTOS.glob("*.proto"))
    services: list[ServiceDescriptor] = [
        service for file in files for service in file.DESCRIPTOR.services_by_name.values()
    ]
    return {
        f"/{service.full_name}/{method.name}": method
        for service in sorted(services, key=lambda each: each.full_name)
        for method in service.methods
    }


def request(
    method: str, code: str, number: int = 1, *, platform: bool = False, **ids: str
) -> Message:
    """Returns a request that is right in shape and meaning, about the enterprise.

    `ids` are those of things that are the enterprise's, by their words in `NAMES`;
    `number` makes the request id; a `platform` says what it reads for.
    """
    short = method.rsplit("/", 1)[1]
    made: Message = GetMessageClass(methods()[method].input_type)()
    if "request_id" in made.DESCRIPTOR.fields_by_name:
        setattr(made, "request_id", builders.request_id(number))  # noqa: B010 - not every request has it
    more = _MORE.get(short, {})
    if platform and short in _READ_BY_PLATFORMS:
        more = {**more, **_PURPOSE}
    for field, value in more.items():
        _set(made, field, value)
    if short in NAMES:
        field, pattern = NAMES[short]
        _name(made, field.split("."), pattern.format_map(_Ids(ids | {"code": code})))
    return made


_READ_BY_PLATFORMS: Final = frozenset({"GetArchive", "GetRating"})


class _Ids(dict[str, str]):
    def __missing__(self, word: str) -> str:
        return "0f" * 32 if word == "document" else _ABSENT


def _set(message: Message, field: str, value: Any) -> None:
    if isinstance(value, list):
        getattr(message, field).extend(value)
    elif isinstance(value, Message):
        getattr(message, field).CopyFrom(value)
    else:
        setattr(message, field, value)


def _name(message: Any, path: list[str], name: str) -> None:
    for part in path[:-1]:
        inner = getattr(message, part)
        message = inner if isinstance(inner, Message) else inner[0]
    setattr(message, path[-1], name)
