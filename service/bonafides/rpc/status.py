"""Maps every error of ours to the status that the caller gets.

One table: the class of the error decides code and reason. The rules:

1. ErrorInfo is always there: domain `bonafides`, the reason (ErrorReason, without
   its prefix), and whatever varies in the message, with the call id.
2. Faulty fields stand in BadRequest, all at once, as far as trailers have room;
   how many were left out is told. What varies in the description of the field at place
   N, from 0 on, is `violation_N_NAME` in the metadata: a violation has none of its own.
3. Where every faulty field has one and the same reason that ErrorReason knows
   (OUT_OF_SCOPE, OLD_REGISTRATION_NUMBER), that is the reason of the error.
4. A call that waited for a revision in vain tells the caller's library not to try
   again by itself: the waiting was done here.
5. Limits carry RetryInfo, and `retry-after` in seconds for those who read headers.
6. An error that is not in the table is our fault: fixed text, and the call id.

    reply(NotFoundError(), call_id).code        # StatusCode.NOT_FOUND
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import grpc
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from bonafides import errors
from bonafides.errors import BonafidesError, FieldViolation, InvalidFieldsError, LimitError
from bonafides.v1 import error_reason_pb2

DOMAIN: Final = "bonafides"
CALL_ID: Final = "call-id"
RETRY_AFTER: Final = "retry-after"
# Negative: not at all. Source: gRFC A6, server pushback.
_PUSHBACK: Final = ("grpc-retry-pushback-ms", "-1")
DETAILS: Final = "grpc-status-details-bin"
# What the names of a violation's parameters begin with, among the metadata.
VIOLATION: Final = "violation"

# Clients refuse trailers beyond 8 KiB, some at random below. Details travel as
# base64, with the message once more in them; the message itself is percent-encoded,
# which makes nine bytes of a Chinese character. These two bounds leave 1 KiB for
# the rest.
_MOST_MESSAGE_BYTES: Final = 1_200
_MOST_FIELDS_BYTES: Final = 2_800
# What an entry of a map takes beside name and value, at most.
_ENTRY: Final = 8
# What the longest character takes.
_MOST_ENCODED: Final = 12
_PREFIX: Final = "ERROR_REASON_"

_INVALID: Final = grpc.StatusCode.INVALID_ARGUMENT
_STATE: Final = grpc.StatusCode.FAILED_PRECONDITION
_CREDENTIAL: Final = grpc.StatusCode.UNAUTHENTICATED
_LIMIT: Final = grpc.StatusCode.RESOURCE_EXHAUSTED

STATUSES: Final[Mapping[type[BonafidesError], tuple[grpc.StatusCode, str]]] = {
    errors.InvalidFieldsError: (_INVALID, "INVALID_FIELD"),
    errors.MalformedMessageError: (_INVALID, "MALFORMED_MESSAGE"),
    errors.RequestIdReusedError: (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED"),
    errors.AgreementNotCurrentError: (_STATE, "AGREEMENT_NOT_CURRENT"),
    errors.TransitionNotAllowedError: (_STATE, "TRANSITION_NOT_ALLOWED"),
    errors.OwnershipStateError: (_STATE, "OWNERSHIP_STATE"),
    errors.CaseStateError: (_STATE, "CASE_STATE"),
    errors.CodeNotValidError: (_STATE, "CODE_NOT_VALID"),
    errors.SecondPersonRequiredError: (_STATE, "SECOND_PERSON_REQUIRED"),
    errors.LastOwnerError: (_STATE, "LAST_OWNER"),
    errors.ApplicationStateError: (_STATE, "APPLICATION_STATE"),
    errors.LaunchPreconditionError: (_STATE, "LAUNCH_PRECONDITION"),
    errors.KeyProofError: (_STATE, "KEY_PROOF_INVALID"),
    errors.KeyNotAddedError: (_STATE, "KEY_NOT_ADDED"),
    errors.AcceptanceError: (_STATE, "ACCEPTANCE_INVALID"),
    errors.MailUnavailableError: (_STATE, "MAIL_UNAVAILABLE"),
    errors.IntegratorNotLiveError: (_STATE, "INTEGRATOR_NOT_LIVE"),
    errors.AuthorizationStateError: (_STATE, "AUTHORIZATION_STATE"),
    errors.ConsentRequiredError: (grpc.StatusCode.PERMISSION_DENIED, "CONSENT_REQUIRED"),
    errors.PurposeNotListedError: (grpc.StatusCode.PERMISSION_DENIED, "PURPOSE_NOT_LISTED"),
    errors.NotFoundError: (grpc.StatusCode.NOT_FOUND, "RESOURCE_NOT_FOUND"),
    errors.CredentialError: (_CREDENTIAL, "CREDENTIAL_INVALID"),
    errors.CredentialExpiredError: (_CREDENTIAL, "CREDENTIAL_EXPIRED"),
    errors.LoginRequiredError: (_CREDENTIAL, "LOGIN_REQUIRED"),
    errors.AgentTokenError: (_CREDENTIAL, "AGENT_TOKEN_INVALID"),
    errors.AgentTokenRequiredError: (_CREDENTIAL, "AGENT_TOKEN_REQUIRED"),
    errors.ScopeRequiredError: (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_REQUIRED"),
    errors.SignedRequestRequiredError: (_CREDENTIAL, "SIGNED_REQUEST_REQUIRED"),
    errors.AssertionUsedError: (_CREDENTIAL, "ASSERTION_USED"),
    errors.ApplicationNotActiveError: (_CREDENTIAL, "APPLICATION_NOT_ACTIVE"),
    errors.TokensNotIssuedError: (_STATE, "TOKENS_NOT_ISSUED"),
    errors.MethodNotAllowedError: (grpc.StatusCode.PERMISSION_DENIED, "METHOD_NOT_ALLOWED"),
    errors.PurposeNotAllowedError: (grpc.StatusCode.PERMISSION_DENIED, "PURPOSE_NOT_ALLOWED"),
    errors.RateLimitedError: (_LIMIT, "RATE_LIMITED"),
    errors.ServerBusyError: (_LIMIT, "SERVER_BUSY"),
    errors.BudgetSpentError: (_LIMIT, "BUDGET_SPENT"),
    errors.InterfaceClosedError: (_LIMIT, "INTERFACE_CLOSED"),
    errors.DeadlinePassedError: (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_PASSED"),
    errors.StoreUnavailableError: (grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE"),
    errors.RevisionNotReachedError: (grpc.StatusCode.UNAVAILABLE, "REVISION_NOT_REACHED"),
    errors.ServerDrainingError: (grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING"),
    errors.BugError: (grpc.StatusCode.INTERNAL, "INTERNAL"),
}
# What faulty fields may agree on, so that the error as a whole carries it.
_SHARED_REASONS: Final = frozenset({"OUT_OF_SCOPE", "OLD_REGISTRATION_NUMBER"})


@dataclass(frozen=True, slots=True)
class Reply:
    """What the caller gets in place of an answer."""

    code: grpc.StatusCode
    reason: str
    message: str
    trailers: tuple[tuple[str, str | bytes], ...]


def reply(error: BaseException, call_id: str) -> Reply:
    """Returns what the caller is told of the error. Never holds the text of a foreign one.

    An empty call id, as of the stock services' calls, is left out.
    """
    known = error if isinstance(error, BonafidesError) and type(error) in STATUSES else None
    told = known or errors.BugError("an error outside the table")
    code, reason = STATUSES[type(told)]
    metadata = dict(told.metadata)
    details: list[Message] = []
    trailers: list[tuple[str, str | bytes]] = []
    if isinstance(told, InvalidFieldsError):
        reason = _shared_reason(told.violations) or reason
        fields, parameters = _fields(told.violations)
        metadata |= parameters
        if left_out := len(told.violations) - len(fields.field_violations):
            metadata["violations_left_out"] = str(left_out)
        details.append(fields)
    if isinstance(told, LimitError) and told.retry_after_seconds is not None:
        wait = RetryInfo()
        wait.retry_delay.seconds = told.retry_after_seconds
        details.append(wait)
        trailers.append((RETRY_AFTER, str(told.retry_after_seconds)))
    if isinstance(told, errors.RevisionNotReachedError):
        trailers.append(_PUSHBACK)
    if call_id:
        metadata["call_id"] = call_id
        trailers.append((CALL_ID, call_id))
    info = ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata)
    message = _cut(str(told))
    trailers.append((DETAILS, _status(code, message, [info, *details])))
    return Reply(code, reason, message, tuple(trailers))


def reasons() -> frozenset[str]:
    """Returns every reason that an error may carry, without the prefix."""
    return frozenset(reason for _, reason in STATUSES.values()) | _SHARED_REASONS


def documented_reasons() -> frozenset[str]:
    """Returns every reason that error_reason.proto explains, without the prefix."""
    names = (name.removeprefix(_PREFIX) for name in error_reason_pb2.ErrorReason.keys())  # noqa: SIM118 - an enum wrapper is no mapping
    return frozenset(names) - {"UNSPECIFIED"}


def _shared_reason(violations: Sequence[FieldViolation]) -> str | None:
    given = {violation.reason for violation in violations}
    return next(iter(given)) if len(given) == 1 and given <= _SHARED_REASONS else None


def _fields(violations: Sequence[FieldViolation]) -> tuple[BadRequest, dict[str, str]]:
    """Returns the violations, in order, as far as the trailers have room, with what varies."""
    listed, parameters, size = BadRequest(), dict[str, str](), 0
    for place, violation in enumerate(violations):
        varying = {
            f"{VIOLATION}_{place}_{name}": value for name, value in violation.parameters.items()
        }
        listed.field_violations.add(
            field=_cut(violation.field),
            reason=violation.reason,
            description=_cut(violation.description),
        )
        size += sum(len(name) + len(value.encode()) + _ENTRY for name, value in varying.items())
        if listed.ByteSize() + size > _MOST_FIELDS_BYTES:
            del listed.field_violations[-1]
            break
        parameters |= varying
    return listed, parameters


def _status(code: grpc.StatusCode, message: str, details: Sequence[Message]) -> bytes:
    number: int = code.value[0]
    status = Status(code=number, message=message)
    for detail in details:
        status.details.add().Pack(detail)
    return status.SerializeToString()


def _cut(text: str) -> str:
    """Returns the text, cut so that it is short enough when it is percent-encoded."""
    if len(text) <= _MOST_MESSAGE_BYTES // _MOST_ENCODED:
        return text
    room = _MOST_MESSAGE_BYTES - _MOST_ENCODED
    for place, character in enumerate(text):
        plain = " " <= character <= "~" and character != "%"
        room -= 1 if plain else 3 * len(character.encode("utf-8", "replace"))
        if room < 0:
            return text[:place] + "…"
    return text
