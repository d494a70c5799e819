"""The errors that leave a room, by who must act.

    BonafidesError
      RequestError              the caller mends the request
        InvalidFieldsError      one or more fields are at fault
        MalformedMessageError   the bytes are no message of the method
        RequestIdReusedError    same request id, other content
      StateError                the resource is not in a state that allows it
        AgreementNotCurrentError
        TransitionNotAllowedError
        OwnershipStateError     a claim or its submission is not so far, or over
        CodeNotValidError       a one-time code is wrong, used or over
        SecondPersonRequiredError
        LastOwnerError
        TokensNotIssuedError    this deployment hands out no access tokens
      ConsentError              the person concerned has to agree first
        ConsentRequiredError
        PurposeNotListedError   nobody can agree to it: there is no text
      NotFoundError             absent, or not to be known of by this caller
      CredentialError           the caller mends the credential
        CredentialExpiredError
        LoginRequiredError
        SignedRequestRequiredError  an application's token is not enough for this
        AssertionUsedError          what it signed counts once
        ApplicationNotActiveError   it is not in a state in which it may call
      MethodNotAllowedError     the method is not for this kind of caller
      LimitError                the caller comes back later
        RateLimitedError
        ServerBusyError
      DeadlinePassedError
      StoreUnavailableError     the database can't be reached
      RevisionNotReachedError   what the caller saw elsewhere is not here yet
      ServerDrainingError       the server is being stopped
      BugError                  an impossible state: our fault

Every class has a row in rpc/status.py that gives its status code and reason. No
text here holds a value that came from outside: what varies is an attribute, and
the attributes that a client may see are `metadata`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


class BonafidesError(Exception):
    """The base of every error of ours. `str(error)` is fit for the client."""

    message: str = "The call failed."

    def __str__(self) -> str:
        return self.message

    @property
    def metadata(self) -> Mapping[str, str]:
        """What varies in the message, for programs. Never a personal value."""
        return {}


class RequestError(BonafidesError):
    """The caller must mend the request."""


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One fault of one field: where, which rule, and what to do about it.

    `field` is a path from the request, for example `claims.representative.id_number`;
    `description` names the remedy and never holds the value.
    """

    field: str
    reason: str
    description: str


class InvalidFieldsError(RequestError):
    """One or more fields are at fault; all faults are listed at once."""

    def __init__(self, violations: tuple[FieldViolation, ...]) -> None:
        super().__init__()
        self.violations: Final = violations

    def __str__(self) -> str:
        return "; ".join(f"{v.field}: {v.description}" for v in self.violations)


class MalformedMessageError(RequestError):
    """The bytes are not a message of the method."""

    message = "The request is not a message of this method; use the published protos."


class RequestIdReusedError(RequestError):
    """The request id was used before with other content."""

    message = "This request_id was used for another request; choose a new UUID."


class StateError(BonafidesError):
    """The resource is not in a state that allows the call."""


class AgreementNotCurrentError(StateError):
    """The assent is to a version of the agreement that is not the current one."""

    def __init__(self, current: str, kind: str) -> None:
        super().__init__()
        self.current: Final = current
        self.kind: Final = kind

    def __str__(self) -> str:
        text = "agreement" if self.kind == "SERVICE_AGREEMENT" else "privacy notice"
        return f"Assent to the current {text}, version {self.current}."

    @property
    def metadata(self) -> Mapping[str, str]:
        return {"current_version": self.current, "kind": self.kind}


class TransitionNotAllowedError(StateError):
    """A submission can't go from its state to the one asked for."""

    def __init__(self, before: str, after: str) -> None:
        super().__init__()
        self.before: Final = before
        self.after: Final = after

    def __str__(self) -> str:
        return f"A submission that is {self.before} can't become {self.after}."

    @property
    def metadata(self) -> Mapping[str, str]:
        return {"from_state": self.before, "to_state": self.after}


class OwnershipStateError(StateError):
    """A claim to an enterprise can't be made or decided as things stand."""

    def __init__(self, state: str) -> None:
        super().__init__()
        self.state: Final = state

    def __str__(self) -> str:
        return f"This can't be done in the state {self.state}; look at where it stands."

    @property
    def metadata(self) -> Mapping[str, str]:
        return {"state": self.state}


class CodeNotValidError(StateError):
    """A one-time code is wrong, was used, or is over. Never says which."""

    message = "This code is not valid, or not any more; ask for a new one."


class CaseStateError(StateError):
    """A review or an override is not in a state that allows the call."""

    def __init__(self, state: str) -> None:
        super().__init__()
        self.state: Final = state

    def __str__(self) -> str:
        return f"This can't be done any more in the state {self.state}; list what is open."

    @property
    def metadata(self) -> Mapping[str, str]:
        return {"state": self.state}


class SecondPersonRequiredError(StateError):
    """Whoever proposed a decision can't be the one who confirms it."""

    message = "Somebody else has to confirm what you proposed or entered."


class LastOwnerError(StateError):
    """An enterprise that has an owner keeps one."""

    message = "The last owner can't be removed; invite another one first."


class TokensNotIssuedError(StateError):
    """The deployment has no key to sign access tokens by."""

    message = "No access tokens are handed out here; sign each request instead."


class ConsentError(BonafidesError):
    """The person concerned has to agree before this can be done."""

    def __init__(self, purpose: str) -> None:
        super().__init__()
        self.purpose: Final = purpose

    @property
    def metadata(self) -> Mapping[str, str]:
        return {"purpose": self.purpose}


class ConsentRequiredError(ConsentError):
    """There is no live consent to this purpose that covers the fields."""

    def __str__(self) -> str:
        return f"The person's consent to {self.purpose} is missing or over; ask for it."


class PurposeNotListedError(ConsentError):
    """No text is published for the purpose, so that nobody can have agreed to it."""

    def __str__(self) -> str:
        return "Nothing may be done for this purpose; name one that ListAgreements has."


class NotFoundError(BonafidesError):
    """No such resource, or none that this caller may know of. Same text for both."""

    message = "No such resource; check the name."


class CredentialError(BonafidesError):
    """The credential is not valid. Which check it failed goes to the log alone."""

    message = "The credential is not valid; get a new one."

    def __init__(self, fault: str = "") -> None:
        super().__init__()
        self.fault: Final = fault


class CredentialExpiredError(CredentialError):
    """The credential has expired."""

    message = "The credential has expired; get a new one."


class LoginRequiredError(CredentialError):
    """The method wants a credential and none was sent."""

    message = "Log in: this method needs an access token."


class SignedRequestRequiredError(CredentialError):
    """An application sent an access token where it has to sign the request itself."""

    message = "Sign this request: an access token is good for reading alone."


class AssertionUsedError(CredentialError):
    """What the application signed was used before."""

    message = "This assertion was used before; sign each call anew, repeated ones too."


class ApplicationNotActiveError(CredentialError):
    """The application is not in a state in which it may call here."""

    message = "The application may not call here as it stands; look at its state."


class MethodNotAllowedError(BonafidesError):
    """The method is not for this kind of caller."""

    message = "This method is not open to this kind of caller."


class LimitError(BonafidesError):
    """The caller must come back later; says when, never which limit."""

    message = "Too many calls; come back later."

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__()
        self.retry_after_seconds: Final = retry_after_seconds

    @property
    def metadata(self) -> Mapping[str, str]:
        return {"retry_after_seconds": str(self.retry_after_seconds)}


class RateLimitedError(LimitError):
    """This caller did this too often."""


class ServerBusyError(LimitError):
    """The server has no room for the call."""

    message = "The server is busy; come back later."


class DeadlinePassedError(BonafidesError):
    """The caller's deadline passed before the answer was ready."""

    message = "The deadline passed; allow more time."


class StoreUnavailableError(BonafidesError):
    """The database can't be reached; the call may be tried again."""

    message = "The service can't reach its database; try again."


class RevisionNotReachedError(BonafidesError):
    """The archive has not reached the revision that the caller saw elsewhere."""

    message = "The archive has not reached this min_revision yet; try again later."


class ServerDrainingError(BonafidesError):
    """The server is being stopped; what it acknowledged is stored."""

    message = "The server is being stopped; try again."


class BugError(BonafidesError):
    """A state that can't be. Its text goes to the log, never to a client."""

    message = "An error of ours."

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what: Final = what
