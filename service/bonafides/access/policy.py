"""Says which kinds of callers may call which method.

One row per method, and nothing is open by default: a method without a row stops
the start of the server, and a call of it is refused. What a caller then sees of
the answer is not decided here, but by its audience (access.callers) and the
classes of information (access.disclosure). Health and reflection carry nothing of
anybody's and have no rows.

    check("/bonafides.v1.RatingService/GetRating", ANONYMOUS)   # LoginRequiredError

Who may call what is printed, cell by cell, in tests/unit/policy.txt; a test
compares, so that every widening shows as a changed line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bonafides.access.callers import Caller, CallerKind
from bonafides.errors import BugError, LoginRequiredError, MethodNotAllowedError

_LOGGED_IN: Final = frozenset({CallerKind.MEMBER, CallerKind.PLATFORM, CallerKind.OPERATOR})
_EVERYBODY: Final = _LOGGED_IN | {CallerKind.ANONYMOUS}
# Staff check what others submit, and submit nothing themselves.
_SUBMITTERS: Final = frozenset({CallerKind.MEMBER, CallerKind.PLATFORM})
# Whose records a platform may write is looked at record by record.
_WRITERS: Final = frozenset({CallerKind.PLATFORM, CallerKind.OPERATOR})
# Which enterprise a person acts for is looked up by its memberships, call by call.
_MEMBERS: Final = frozenset({CallerKind.MEMBER})
_STAFF: Final = frozenset({CallerKind.OPERATOR})
_READERS: Final = _MEMBERS | _STAFF
_PLATFORMS: Final = frozenset({CallerKind.PLATFORM})


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may call one method, named as on the wire."""

    method: str
    callers: frozenset[CallerKind]


POLICIES: Final = (
    Policy("/bonafides.v1.IdentityService/SubmitIdentity", _SUBMITTERS),
    Policy("/bonafides.v1.IdentityService/GetSubmission", _LOGGED_IN),
    Policy("/bonafides.v1.ArchiveService/GetArchive", _EVERYBODY),
    Policy("/bonafides.v1.RatingService/GetRating", _LOGGED_IN),
    Policy("/bonafides.v1.RatingService/GetScorecard", _EVERYBODY),
    Policy("/bonafides.v1.RecordService/WriteRecords", _WRITERS),
    Policy("/bonafides.v1.RecordService/GetWriteCursor", _WRITERS),
    Policy("/bonafides.v1.ArchiveService/UpdateSelfDescription", _MEMBERS),
    Policy("/bonafides.v1.RecordService/ListStores", _LOGGED_IN),
    Policy("/bonafides.v1.RecordService/DisputeStore", _MEMBERS),
    Policy("/bonafides.v1.ConsentService/ListAgreements", _EVERYBODY),
    Policy("/bonafides.v1.ConsentService/AssentAgreement", _MEMBERS),
    Policy("/bonafides.v1.ConsentService/ListAssents", _READERS),
    Policy("/bonafides.v1.ConsentService/ListConsents", _LOGGED_IN),
    Policy("/bonafides.v1.ConsentService/GrantConsent", _MEMBERS),
    Policy("/bonafides.v1.ConsentService/RevokeConsent", _SUBMITTERS),
    Policy("/bonafides.v1.ConsentService/ListPlatformAuthorizations", _READERS),
    Policy("/bonafides.v1.ConsentService/AuthorizePlatform", _MEMBERS),
    Policy("/bonafides.v1.ConsentService/RevokePlatform", _MEMBERS),
    Policy("/bonafides.v1.OwnershipService/ClaimOwnership", _MEMBERS),
    Policy("/bonafides.v1.OwnershipService/ConfirmOwnership", _MEMBERS),
    Policy("/bonafides.v1.OwnershipService/GetOwnershipClaim", _READERS),
    Policy("/bonafides.v1.OwnershipService/VouchOwnership", _PLATFORMS),
    Policy("/bonafides.v1.OwnershipService/ListOwnershipDisputes", _STAFF),
    Policy("/bonafides.v1.OwnershipService/DecideOwnership", _STAFF),
    Policy("/bonafides.v1.OwnershipService/ListMembers", _READERS),
    Policy("/bonafides.v1.OwnershipService/InviteMember", _MEMBERS),
    Policy("/bonafides.v1.OwnershipService/TakeInvitation", _MEMBERS),
    Policy("/bonafides.v1.OwnershipService/RemoveMember", _MEMBERS),
    Policy("/bonafides.v1.OwnershipService/ListNotices", _READERS),
    # Copies of licenses are for those who uploaded them and for the enterprise itself;
    # staff see what their QR codes say beside the submission.
    Policy("/bonafides.v1.DocumentService/UploadDocument", _SUBMITTERS),
    Policy("/bonafides.v1.DocumentService/GetDocument", _SUBMITTERS),
    Policy("/bonafides.v1.DocumentService/ReadDocument", _SUBMITTERS),
    Policy("/bonafides.v1.DocumentService/DeleteDocument", _SUBMITTERS),
    # Whose persons, cases and submissions these are is looked up call by call.
    Policy("/bonafides.v1.RightsService/GetHoldings", _SUBMITTERS),
    Policy("/bonafides.v1.RightsService/OpenCorrection", _SUBMITTERS),
    Policy("/bonafides.v1.RightsService/GetCorrection", _LOGGED_IN),
    Policy("/bonafides.v1.RightsService/ListCorrections", _LOGGED_IN),
    Policy("/bonafides.v1.RightsService/DecideCorrection", _STAFF),
    Policy("/bonafides.v1.RightsService/ErasePersonalData", _SUBMITTERS),
    Policy("/bonafides.v1.RightsService/EraseBuyer", _PLATFORMS),
    Policy("/bonafides.v1.RightsService/ListQueue", _STAFF),
    Policy("/bonafides.v1.IdentityService/ListRequirements", _LOGGED_IN),
    Policy("/bonafides.v1.IdentityService/AmendIdentity", _MEMBERS),
    # Which draft is whose affair is looked at draft by draft.
    Policy("/bonafides.v1.DraftService/CreateDraft", _PLATFORMS),
    Policy("/bonafides.v1.DraftService/GetDraft", _LOGGED_IN),
    Policy("/bonafides.v1.DraftService/ConfirmDraft", _MEMBERS),
    # Whether the caller acts for the enterprise is looked at call by call.
    Policy("/bonafides.v1.RatingService/SimulateRating", _READERS),
    Policy("/bonafides.v1.RatingService/GetAdvice", _READERS),
    # An enterprise asks and refuses, staff find and set; whose it is, is looked up.
    Policy("/bonafides.v1.ReviewService/RequestReview", _MEMBERS),
    Policy("/bonafides.v1.ReviewService/ListReviews", _READERS),
    Policy("/bonafides.v1.ReviewService/DecideReview", _STAFF),
    Policy("/bonafides.v1.ReviewService/GetAutomaticRating", _READERS),
    Policy("/bonafides.v1.ReviewService/SetAutomaticRating", _MEMBERS),
    Policy("/bonafides.v1.ReviewService/ProposeOverride", _STAFF),
    Policy("/bonafides.v1.ReviewService/StartOverride", _STAFF),
    Policy("/bonafides.v1.ReviewService/EndOverride", _STAFF),
    Policy("/bonafides.v1.ReviewService/ListOverrides", _READERS),
    Policy("/bonafides.v1.ReviewService/ListWrongLevels", _STAFF),
    Policy("/bonafides.v1.DraftService/DeleteDraft", _PLATFORMS),
    # A buyer's platform alone, and of its own records.
    Policy("/bonafides.v1.RightsService/GetBuyerHoldings", _PLATFORMS),
    Policy("/bonafides.v1.RightsService/CorrectBuyer", _PLATFORMS),
    # Whose history and receipts these are is looked up call by call.
    Policy("/bonafides.v1.RatingService/ListRatings", _READERS),
    Policy("/bonafides.v1.RatingService/GetReceipt", _READERS),
    # By the exact name alone: it tells no more than the public archive does.
    Policy("/bonafides.v1.ArchiveService/LookUpEnterprise", _EVERYBODY),
)

_BY_METHOD: Final = {policy.method: policy for policy in POLICIES}


def require_rows(methods: Iterable[str]) -> None:
    """Checks, at the start, that every method has its row.

    Raises:
        BugError: a method has none.
    """
    for method in methods:
        _row(method)


def check(method: str, caller: Caller) -> None:
    """Checks that the caller may call the method.

    Raises:
        LoginRequiredError: the method wants a credential, and there is none.
        MethodNotAllowedError: the method is not for this kind of caller.
        BugError: the method has no row.
    """
    if caller.kind in _row(method).callers:
        return
    if caller.kind is CallerKind.ANONYMOUS:
        raise LoginRequiredError
    raise MethodNotAllowedError


def _row(method: str) -> Policy:
    policy = _BY_METHOD.get(method)
    if policy is None:
        raise BugError(f"{method} has no row in access.policy")
    return policy
