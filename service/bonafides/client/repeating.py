"""Says which calls are tried again when the server was UNAVAILABLE.

Whoever gets UNAVAILABLE can't always tell whether the call was done. A read is tried again,
and so is a write that carries a request id, for that is done once. `ONCE` are the others,
which are left to the caller: most of them come to the same when they are repeated, and some
(a code that is good once) would be told that they failed when they didn't.

    repeats("/bonafides.v1.DraftService/DeleteDraft")     # False
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# Writes without a request id, by service; a test holds them against the protos.
ONCE: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "ApplicationService": frozenset(
            {
                "CloseApplication",
                "ConfirmChange",
                "IssueAcceptance",
                "IssueKeyChallenge",
                "LaunchApplication",
                "PresentAcceptance",
                "RecordAcceptance",
                "RecordContract",
                "RegisterKey",
                "ResumeApplication",
                "RevokeKey",
                "SuspendApplication",
            }
        ),
        "ConsentService": frozenset(
            {"AssentAgreement", "AuthorizePlatform", "RevokeConsent", "RevokePlatform"}
        ),
        "DocumentService": frozenset({"DeleteDocument", "UploadDocument"}),
        "DraftService": frozenset({"DeleteDraft"}),
        "IntegratorService": frozenset({"ExchangeAuthorization", "RevokeIntegrator"}),
        "OwnershipService": frozenset(
            {
                "ConfirmOwnership",
                "DecideOwnership",
                "RemoveMember",
                "TakeInvitation",
                "VouchOwnership",
            }
        ),
        "PlatformService": frozenset({"AnswerInquiry", "CloseInquiry"}),
        # Taken up again behind the cursor; the library would replay it all.
        "RecordService": frozenset({"WriteRecords"}),
        "ReviewService": frozenset(
            {"DecideReview", "EndOverride", "SetAutomaticRating", "StartOverride"}
        ),
        "RightsService": frozenset(
            {"CorrectBuyer", "DecideCorrection", "EraseBuyer", "ErasePersonalData"}
        ),
        "SwitchService": frozenset({"DeleteSwitch", "SetCanary"}),
    }
)
_PACKAGE: Final = "bonafides.v1"


def names() -> list[dict[str, str]]:
    """Returns what is not tried again, as a service config names methods."""
    return [
        {"service": f"{_PACKAGE}.{service}", "method": method}
        for service, methods in ONCE.items()
        for method in sorted(methods)
    ]


def repeats(method: str) -> bool:
    """Returns whether a method, named as on the wire, is tried again."""
    service, _, name = method.removeprefix(f"/{_PACKAGE}.").partition("/")
    return name not in ONCE.get(service, frozenset())
