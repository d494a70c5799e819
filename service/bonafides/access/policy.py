"""Says which kinds of callers may call which method.

One row per method, and nothing is open by default: a method without a row stops
the start of the server, and a call of it is refused. What a caller then sees of
the answer is not decided here, but by its audience (access.callers) and the
classes of information (access.disclosure). What platforms may read for stands here too,
what follows from it in access.purposes. Health and reflection carry nothing of
anybody's and have no rows.

An application signs whatever writes or is sensitive, each call by itself; its access
token is good for the rest. In sandbox a platform without an application needs no key.

    check("/bonafides.v1.RatingService/GetRating", ANONYMOUS)   # LoginRequiredError

Who may call what is printed, cell by cell, in tests/unit/policy.txt; a test
compares, so that every widening shows as a changed line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bonafides.access import agents, application_roles, purposes
from bonafides.access.budgets import Budget
from bonafides.access.callers import Caller, CallerKind
from bonafides.errors import (
    BugError,
    FieldViolation,
    LoginRequiredError,
    MethodNotAllowedError,
    PurposeNotAllowedError,
    SignedRequestRequiredError,
)
from bonafides.v1.purpose_pb2 import ReadPurpose

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
# For which enterprise, and by which scope, is said by its agent token (access.agents).
_INTEGRATORS: Final = frozenset({CallerKind.INTEGRATOR})


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may call one method, named as on the wire.

    `purposes`: what platforms may read for by it, and have to name; None: the method
    reads for no purpose.
    """

    method: str
    callers: frozenset[CallerKind]
    # What a call is paid with; access.budgets says by whom.
    budget: Budget = Budget.CALLS
    purposes: frozenset[ReadPurpose.ValueType] | None = None
    # Whether an application signs each call; its access token is not enough.
    signed: bool = False


POLICIES: Final = (
    Policy("/bonafides.v1.IdentityService/SubmitIdentity", _SUBMITTERS | _INTEGRATORS, signed=True),
    Policy("/bonafides.v1.IdentityService/GetSubmission", _LOGGED_IN | _INTEGRATORS),
    Policy(
        "/bonafides.v1.ArchiveService/GetArchive",
        _EVERYBODY | _INTEGRATORS,
        budget=Budget.READS,
        purposes=purposes.EVERY,
    ),
    Policy(
        "/bonafides.v1.RatingService/GetRating",
        _LOGGED_IN | _INTEGRATORS,
        budget=Budget.READS,
        purposes=purposes.OF_LEVELS,
    ),
    Policy("/bonafides.v1.RatingService/GetScorecard", _EVERYBODY | _INTEGRATORS),
    Policy("/bonafides.v1.RecordService/WriteRecords", _WRITERS, budget=Budget.NONE, signed=True),
    Policy("/bonafides.v1.RecordService/GetWriteCursor", _WRITERS),
    Policy("/bonafides.v1.ArchiveService/UpdateSelfDescription", _MEMBERS),
    Policy("/bonafides.v1.RecordService/ListStores", _LOGGED_IN, budget=Budget.READS),
    Policy("/bonafides.v1.RecordService/DisputeStore", _MEMBERS),
    Policy("/bonafides.v1.ConsentService/ListAgreements", _EVERYBODY | _INTEGRATORS),
    Policy("/bonafides.v1.ConsentService/AssentAgreement", _MEMBERS),
    Policy("/bonafides.v1.ConsentService/ListAssents", _READERS),
    Policy("/bonafides.v1.ConsentService/ListConsents", _LOGGED_IN),
    Policy("/bonafides.v1.ConsentService/GrantConsent", _MEMBERS),
    Policy("/bonafides.v1.ConsentService/RevokeConsent", _SUBMITTERS, signed=True),
    Policy("/bonafides.v1.ConsentService/ListPlatformAuthorizations", _READERS),
    Policy("/bonafides.v1.ConsentService/AuthorizePlatform", _MEMBERS),
    Policy("/bonafides.v1.ConsentService/RevokePlatform", _MEMBERS),
    Policy("/bonafides.v1.OwnershipService/ClaimOwnership", _MEMBERS),
    Policy("/bonafides.v1.OwnershipService/ConfirmOwnership", _MEMBERS),
    Policy("/bonafides.v1.OwnershipService/GetOwnershipClaim", _READERS),
    Policy("/bonafides.v1.OwnershipService/VouchOwnership", _PLATFORMS, signed=True),
    Policy("/bonafides.v1.OwnershipService/ListOwnershipDisputes", _STAFF),
    Policy("/bonafides.v1.OwnershipService/DecideOwnership", _STAFF),
    Policy("/bonafides.v1.OwnershipService/ListMembers", _READERS, budget=Budget.READS),
    Policy("/bonafides.v1.OwnershipService/InviteMember", _MEMBERS),
    Policy("/bonafides.v1.OwnershipService/TakeInvitation", _MEMBERS),
    Policy("/bonafides.v1.OwnershipService/RemoveMember", _MEMBERS),
    Policy("/bonafides.v1.OwnershipService/ListNotices", _READERS),
    # Copies of licenses are for those who uploaded them and for the enterprise itself;
    # staff see what their QR codes say beside the submission.
    Policy("/bonafides.v1.DocumentService/UploadDocument", _SUBMITTERS, signed=True),
    Policy("/bonafides.v1.DocumentService/GetDocument", _SUBMITTERS),
    Policy("/bonafides.v1.DocumentService/ReadDocument", _SUBMITTERS, signed=True),
    Policy("/bonafides.v1.DocumentService/DeleteDocument", _SUBMITTERS, signed=True),
    # Whose persons, cases and submissions these are is looked up call by call.
    Policy("/bonafides.v1.RightsService/GetHoldings", _SUBMITTERS, signed=True),
    Policy("/bonafides.v1.RightsService/OpenCorrection", _SUBMITTERS | _INTEGRATORS, signed=True),
    Policy("/bonafides.v1.RightsService/GetCorrection", _LOGGED_IN | _INTEGRATORS),
    Policy("/bonafides.v1.RightsService/ListCorrections", _LOGGED_IN | _INTEGRATORS),
    Policy("/bonafides.v1.RightsService/DecideCorrection", _STAFF),
    Policy("/bonafides.v1.RightsService/ErasePersonalData", _SUBMITTERS, signed=True),
    Policy("/bonafides.v1.RightsService/EraseBuyer", _PLATFORMS, signed=True),
    Policy("/bonafides.v1.RightsService/ListQueue", _STAFF),
    Policy(
        "/bonafides.v1.IdentityService/ListRequirements",
        _LOGGED_IN | _INTEGRATORS,
        budget=Budget.READS,
    ),
    Policy("/bonafides.v1.IdentityService/AmendIdentity", _MEMBERS | _INTEGRATORS, signed=True),
    # Which draft is whose affair is looked at draft by draft.
    Policy("/bonafides.v1.DraftService/CreateDraft", _PLATFORMS, signed=True),
    Policy("/bonafides.v1.DraftService/GetDraft", _LOGGED_IN),
    Policy("/bonafides.v1.DraftService/ConfirmDraft", _MEMBERS),
    # Whether the caller acts for the enterprise is looked at call by call.
    Policy("/bonafides.v1.RatingService/SimulateRating", _READERS, budget=Budget.READS),
    Policy("/bonafides.v1.RatingService/GetAdvice", _READERS, budget=Budget.READS),
    # An enterprise asks and refuses, staff find and set; whose it is, is looked up.
    Policy("/bonafides.v1.ReviewService/RequestReview", _MEMBERS),
    Policy("/bonafides.v1.ReviewService/ListReviews", _READERS, budget=Budget.READS),
    Policy("/bonafides.v1.ReviewService/DecideReview", _STAFF),
    Policy("/bonafides.v1.ReviewService/GetAutomaticRating", _READERS, budget=Budget.READS),
    Policy("/bonafides.v1.ReviewService/SetAutomaticRating", _MEMBERS),
    Policy("/bonafides.v1.ReviewService/ProposeOverride", _STAFF),
    Policy("/bonafides.v1.ReviewService/StartOverride", _STAFF),
    Policy("/bonafides.v1.ReviewService/EndOverride", _STAFF),
    Policy("/bonafides.v1.ReviewService/ListOverrides", _READERS, budget=Budget.READS),
    Policy("/bonafides.v1.ReviewService/ListWrongLevels", _STAFF, budget=Budget.READS),
    Policy("/bonafides.v1.DraftService/DeleteDraft", _PLATFORMS, signed=True),
    # A buyer's platform alone, and of its own records.
    Policy("/bonafides.v1.RightsService/GetBuyerHoldings", _PLATFORMS, signed=True),
    Policy("/bonafides.v1.RightsService/CorrectBuyer", _PLATFORMS, signed=True),
    # Whose history and receipts these are is looked up call by call.
    Policy("/bonafides.v1.RatingService/ListRatings", _READERS, budget=Budget.READS),
    Policy("/bonafides.v1.RatingService/GetReceipt", _READERS, budget=Budget.READS),
    # Whose an application is stands in every query.
    Policy("/bonafides.v1.ApplicationService/CreateApplication", _MEMBERS),
    Policy("/bonafides.v1.ApplicationService/GetApplication", _READERS),
    Policy("/bonafides.v1.ApplicationService/ListApplications", _READERS),
    Policy("/bonafides.v1.ApplicationService/UpdateApplication", _MEMBERS),
    Policy("/bonafides.v1.ApplicationService/IssueKeyChallenge", _MEMBERS),
    Policy("/bonafides.v1.ApplicationService/RegisterKey", _MEMBERS),
    Policy("/bonafides.v1.ApplicationService/ListKeys", _READERS),
    Policy("/bonafides.v1.ApplicationService/RevokeKey", _READERS),
    Policy("/bonafides.v1.ApplicationService/ConfirmChange", _MEMBERS),
    Policy("/bonafides.v1.ApplicationService/RecordContract", _STAFF),
    Policy("/bonafides.v1.ApplicationService/RecordAcceptance", _STAFF),
    Policy("/bonafides.v1.ApplicationService/IssueAcceptance", _MEMBERS),
    Policy("/bonafides.v1.ApplicationService/PresentAcceptance", _MEMBERS),
    Policy("/bonafides.v1.ApplicationService/LaunchApplication", _MEMBERS),
    Policy("/bonafides.v1.ApplicationService/SuspendApplication", _STAFF),
    Policy("/bonafides.v1.ApplicationService/ResumeApplication", _STAFF),
    Policy("/bonafides.v1.ApplicationService/CloseApplication", _READERS),
    # Whatever else is closed or spent, staff can open it again.
    Policy("/bonafides.v1.SwitchService/SetSwitch", _STAFF, budget=Budget.NONE),
    Policy("/bonafides.v1.SwitchService/ListSwitches", _STAFF, budget=Budget.NONE),
    Policy("/bonafides.v1.SwitchService/DeleteSwitch", _STAFF, budget=Budget.NONE),
    Policy(
        "/bonafides.v1.PlatformService/BatchGetArchives",
        _PLATFORMS,
        purposes=purposes.EVERY,
        budget=Budget.READS,
    ),
    Policy(
        "/bonafides.v1.PlatformService/ListChangedArchives",
        _PLATFORMS,
        purposes=purposes.EVERY,
        budget=Budget.READS,
    ),
    # What a platform decided on may be anything that it read for.
    Policy(
        "/bonafides.v1.PlatformService/RecordDecision",
        _PLATFORMS,
        purposes=purposes.EVERY,
        signed=True,
    ),
    # Whose enterprise it is, and which platform's affair, is looked at call by call.
    Policy("/bonafides.v1.PlatformService/ListDecisions", _LOGGED_IN),
    Policy("/bonafides.v1.PlatformService/RequestMore", _PLATFORMS, signed=True),
    Policy("/bonafides.v1.PlatformService/ListInquiries", _SUBMITTERS),
    Policy("/bonafides.v1.PlatformService/AnswerInquiry", _MEMBERS),
    # Integrators call these without an agent token; whose authorization it is, is looked up.
    Policy("/bonafides.v1.IntegratorService/CreateAuthorizationUrl", _INTEGRATORS, signed=True),
    Policy("/bonafides.v1.IntegratorService/GetAuthorizationUrl", _MEMBERS),
    Policy("/bonafides.v1.IntegratorService/AuthorizeIntegrator", _MEMBERS),
    Policy("/bonafides.v1.IntegratorService/ExchangeAuthorization", _INTEGRATORS, signed=True),
    Policy("/bonafides.v1.IntegratorService/ListIntegratorAuthorizations", _READERS | _INTEGRATORS),
    Policy("/bonafides.v1.ApplicationService/GetServiceKey", _EVERYBODY),
    Policy("/bonafides.v1.SwitchService/SetCanary", _STAFF, budget=Budget.NONE),
    Policy("/bonafides.v1.SwitchService/ListCanaries", _STAFF, budget=Budget.NONE),
    Policy("/bonafides.v1.SwitchService/SetSpendingLimit", _STAFF, budget=Budget.NONE),
    Policy("/bonafides.v1.SwitchService/ListSpendingLimits", _STAFF, budget=Budget.NONE),
    Policy("/bonafides.v1.PlatformService/CloseInquiry", _PLATFORMS, signed=True),
    Policy("/bonafides.v1.PlatformService/SetPlatformMask", _STAFF),
    Policy("/bonafides.v1.PlatformService/GetPlatformMask", _WRITERS),
    Policy("/bonafides.v1.PlatformService/ListPlatformMasks", _STAFF),
    Policy("/bonafides.v1.AccessService/ListAccesses", _MEMBERS),
    Policy(
        "/bonafides.v1.IntegratorService/RevokeIntegrator", _READERS | _INTEGRATORS, signed=True
    ),
    Policy("/bonafides.v1.IntegratorService/GetIntegratorStatistics", _READERS | _INTEGRATORS),
    Policy("/bonafides.v1.TokenService/ExchangeAssertion", _EVERYBODY),
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
        MethodNotAllowedError: the method is not for this kind of caller, or does not exist
            for applications of its role.
        SignedRequestRequiredError: an application has to sign this.
        AgentTokenRequiredError: an integrator calls it for an enterprise alone.
        ScopeRequiredError: the integrator's agent token doesn't open it.
        BugError: the method has no row.
    """
    row = _row(method)
    if caller.application and not application_roles.opens(method, caller.role):
        raise MethodNotAllowedError
    if caller.kind in row.callers:
        if caller.kind is CallerKind.INTEGRATOR:
            agents.require_open(method, caller)
        # Whoever calls by a key can sign.
        if row.signed and caller.key_id and not caller.signed:
            raise SignedRequestRequiredError("UNSIGNED")
        return
    if caller.kind is CallerKind.ANONYMOUS:
        raise LoginRequiredError
    raise MethodNotAllowedError


def budget(method: str) -> Budget:
    """Returns what a call of the method is paid with.

    Raises:
        BugError: the method has no row.
    """
    return _row(method).budget


def purpose_fault(
    method: str, caller: Caller, purpose: ReadPurpose.ValueType
) -> FieldViolation | None:
    """Returns what is wrong with the purpose that a caller names; None: nothing is.

    A platform names one of the method's, anybody else names none.

    Raises:
        PurposeNotAllowedError: the platform names one that does not go with the method.
        BugError: the method has no row, or reads for no purpose.
    """
    allowed = _row(method).purposes
    if allowed is None:
        raise BugError(f"{method} takes a purpose and has none in access.policy")
    if caller.kind is not CallerKind.PLATFORM:
        return purposes.unfounded() if purpose != purposes.UNNAMED else None
    if purpose == purposes.UNNAMED:
        return purposes.missing(allowed)
    if purpose not in allowed:
        raise PurposeNotAllowedError
    return None


def _row(method: str) -> Policy:
    policy = _BY_METHOD.get(method)
    if policy is None:
        raise BugError(f"{method} has no row in access.policy")
    return policy
