"""Says which methods exist for an application, by the role that it was made with.

The policy says which kinds of callers may call a method, and holds a program further to
its application's role. A method without a row here exists for no application at all,
whatever its kind.

    opens("/bonafides.v1.RecordService/WriteRecords", Role.MERCHANT)   # False
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bonafides.access.applications import Role

_EVERY: Final = frozenset(Role)
# Who has agreed terms with buyers and enterprises of its own: a platform, whichever way
# it came in. An integrator acts for enterprises that authorized it, and for nobody else.
_PLATFORMS: Final = frozenset({Role.MERCHANT, Role.ACQUIRER})
# Who handles other enterprises' trade, and so may report it and vouch for them.
_ACQUIRERS: Final = frozenset({Role.ACQUIRER})
_INTEGRATORS: Final = frozenset({Role.INTEGRATOR})

_PREFIX: Final = "/bonafides.v1."
ROLES: Final[Mapping[str, frozenset[Role]]] = {
    f"{_PREFIX}{method}": roles
    for method, roles in {
        "IdentityService/SubmitIdentity": _EVERY,
        "IdentityService/GetSubmission": _EVERY,
        "IdentityService/ListRequirements": _EVERY,
        "ArchiveService/GetArchive": _EVERY,
        "ArchiveService/LookUpEnterprise": _PLATFORMS,
        "RatingService/GetRating": _EVERY,
        "RatingService/GetScorecard": _EVERY,
        "RecordService/WriteRecords": _ACQUIRERS,
        "RecordService/GetWriteCursor": _ACQUIRERS,
        "RecordService/ListStores": _PLATFORMS,
        "ConsentService/ListAgreements": _EVERY,
        "ConsentService/ListConsents": _EVERY,
        "ConsentService/RevokeConsent": _EVERY,
        "OwnershipService/VouchOwnership": _ACQUIRERS,
        "DocumentService/UploadDocument": _EVERY,
        "DocumentService/GetDocument": _EVERY,
        "DocumentService/ReadDocument": _EVERY,
        "DocumentService/DeleteDocument": _EVERY,
        "RightsService/GetHoldings": _EVERY,
        "RightsService/OpenCorrection": _EVERY,
        "RightsService/GetCorrection": _EVERY,
        "RightsService/ListCorrections": _EVERY,
        "RightsService/ErasePersonalData": _EVERY,
        # A buyer's rights are asked for by whoever reports the buyer's purchases.
        "RightsService/EraseBuyer": _ACQUIRERS,
        "RightsService/GetBuyerHoldings": _ACQUIRERS,
        "RightsService/CorrectBuyer": _ACQUIRERS,
        "DraftService/CreateDraft": _EVERY,
        "DraftService/GetDraft": _EVERY,
        "DraftService/DeleteDraft": _EVERY,
        "ApplicationService/GetServiceKey": _EVERY,
        "PlatformService/GetPlatformMask": _PLATFORMS,
        "PlatformService/BatchGetArchives": _PLATFORMS,
        "PlatformService/ListChangedArchives": _PLATFORMS,
        "PlatformService/RecordDecision": _PLATFORMS,
        "PlatformService/ListDecisions": _PLATFORMS,
        "PlatformService/RequestMore": _PLATFORMS,
        "PlatformService/ListInquiries": _PLATFORMS,
        "PlatformService/CloseInquiry": _PLATFORMS,
        "IdentityService/AmendIdentity": _INTEGRATORS,
        "IntegratorService/CreateAuthorizationUrl": _INTEGRATORS,
        "IntegratorService/ExchangeAuthorization": _INTEGRATORS,
        "IntegratorService/ListIntegratorAuthorizations": _INTEGRATORS,
        "IntegratorService/RevokeIntegrator": _INTEGRATORS,
        "IntegratorService/GetIntegratorStatistics": _INTEGRATORS,
    }.items()
}


def opens(method: str, role: str) -> bool:
    """Tells whether the method exists for applications of this role. Source: 004 S2.

    `role` is a name of `Role`; anything else opens nothing.
    """
    return role in ROLES.get(method, frozenset())
