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
        IntegratorNotLiveError
        AuthorizationStateError   an enterprise can't authorize an integrator now
        TokensNotIssuedError    this deployment hands out no access tokens
      ConsentError              the person concerned has to agree first
        ConsentRequiredError
        PurposeNotListedError   nobody can agree to it: there is no text
      NotFoundError             absent, or not to be known of by this caller
      CredentialError           the caller mends the credential
        CredentialExpiredError
        LoginRequiredError
        AgentTokenError
        AgentTokenRequiredError
        SignedRequestRequiredError  an application's token is not enough for this
        AssertionUsedError          what it signed counts once
        ApplicationNotActiveError   it is not in a state in which it may call
      MethodNotAllowedError     the method is not for this kind of caller
      ScopeRequiredError        the enterprise did not give the integrator this scope
      LimitError                the caller comes back later
        RateLimitedError
        ServerBusyError
        BudgetSpentError
        InterfaceClosedError
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
from dataclasses import field as dataclass_field
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
    `description` names the remedy and never holds the value. `parameters` are what varies in
    it by the rule, for example how many characters there may be: what somebody needs who
    says it in other words. In snake case; never the value either.
    """

    field: str
    reason: str
    description: str
    parameters: Mapping[str, str] = dataclass_field(default_factory=dict, hash=False)


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


class IntegratorNotLiveError(StateError):
    """An integrator's application is not in a state in which it may do this."""

    def __init__(self, state: str) -> None:
        super().__init__()
        self.state: Final = state

    def __str__(self) -> str:
        return f"The application is {self.state}; launch it first."

    @property
    def metadata(self) -> Mapping[str, str]:
        return {"state": self.state}


class AuthorizationStateError(StateError):
    """An enterprise can't authorize an integrator as things stand."""

    _WHY: Final = {
        "NOT_VERIFIED": "the enterprise is not verified; see what is open, and submit again",
        "NOT_A_TEST_ENTERPRISE": "in the sandbox, authorize for generated enterprises alone",
        "APPLICATION_NOT_LIVE": "the application is not live any more",
        "TOO_MANY": "too many authorizations are open; take back what is not used",
    }

    def __init__(self, state: str) -> None:
        super().__init__()
        self.state: Final = state

    def __str__(self) -> str:
        return f"This can't be authorized now: {self._WHY[self.state]}."

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


class ApplicationStateError(StateError):
    """An application is not in a state, or not in the environment, that allows the call."""

    def __init__(self, state: str) -> None:
        super().__init__()
        self.state: Final = state

    def __str__(self) -> str:
        return f"This can't be done with this application: {self.state}."

    @property
    def metadata(self) -> Mapping[str, str]:
        return {"state": self.state}


class LaunchPreconditionError(StateError):
    """The application can't be launched yet. `missing` names all that it waits for."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__()
        self.missing: Final = missing

    def __str__(self) -> str:
        return f"The launch waits for: {', '.join(self.missing)}; docs/applications.md has the way."

    @property
    def metadata(self) -> Mapping[str, str]:
        return {"missing": ",".join(self.missing)}


class KeyProofError(StateError):
    """A key was not proved to be its bearer's. Never says what was wrong with the proof."""

    message = "This proof is not good; ask for a new challenge, and sign it by the key itself."


class KeyNotAddedError(StateError):
    """The application has as many keys as it may, or this one already."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why: Final = why

    def __str__(self) -> str:
        return f"The key was not added ({self.why}); revoke one first, or make a new one."

    @property
    def metadata(self) -> Mapping[str, str]:
        return {"why": self.why}


class AcceptanceError(StateError):
    """A statement of a passed acceptance run is not good, or not for this application."""

    message = "This statement is not good here; have the sandbox issue one for this client id."


class MailUnavailableError(StateError):
    """This deployment sends no mail, so that nothing can be confirmed by a code."""

    message = "No code can be sent: this deployment has no mail server; tell its staff."


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


class AgentTokenError(CredentialError):
    """The agent token is not good for this application. Never says why, but to the log."""

    message = "The agent token is not valid; get a new one from the enterprise."


class AgentTokenRequiredError(CredentialError):
    """An integrator calls for an enterprise, and names none."""

    message = "Send the enterprise's agent token in the metadata key bonafides-agent-token."


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


class PurposeNotAllowedError(BonafidesError):
    """What the platform reads for does not go with the method."""

    message = "This method is not open for this purpose; docs/platforms.md says which is."


class ScopeRequiredError(BonafidesError):
    """The enterprise did not give the integrator the scope that opens this method.

    `scope` empty: none does; it is not a method that is called for an enterprise.
    """

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope: Final = scope

    def __str__(self) -> str:
        if not self.scope:
            return "Call this method without an agent token."
        return f"The agent token lacks the scope {self.scope}; ask the enterprise for it."

    @property
    def metadata(self) -> Mapping[str, str]:
        return {"scope": self.scope}


class LimitError(BonafidesError):
    """The caller must come back later; says when, never which limit."""

    message = "Too many calls; come back later."

    def __init__(self, retry_after_seconds: int | None) -> None:
        super().__init__()
        # None: it is not known when.
        self.retry_after_seconds: Final = retry_after_seconds

    @property
    def metadata(self) -> Mapping[str, str]:
        known = self.retry_after_seconds
        return {} if known is None else {"retry_after_seconds": str(known)}


class RateLimitedError(LimitError):
    """This caller did this too often."""


class ServerBusyError(LimitError):
    """The server has no room for the call."""

    message = "The server is busy; come back later."


class BudgetSpentError(LimitError):
    """The caller's budget is spent. Says nothing of what was asked for.

    `key` is the account's pseudonym, for the log.
    """

    def __init__(self, retry_after_seconds: int | None, key: str = "") -> None:
        super().__init__(retry_after_seconds)
        self.key: Final = key


class InterfaceClosedError(LimitError):
    """Staff closed the method, or closed it to this caller. Never says which."""

    message = "This is closed for now; come back later."


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
