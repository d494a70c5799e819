"""What the reasons of errors say on a page: what happened, why, and what to do.

By the reason of google.rpc.ErrorInfo, never by its English sentence. Texts are English
here and in the catalogues' other languages; `{names}` in them are the error's metadata,
put in as the language writes them (see `speech`). What an error's status alone says stands
in for a reason that is not listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bonafides.web.labels import N_


@dataclass(frozen=True, slots=True)
class Saying:
    """What is said of one reason.

    `why` is left out where the error doesn't have what it names, and is empty where `what`
    says it all; `otherwise` then stands in for `step`.
    """

    what: str
    step: str
    why: str = ""
    otherwise: str = ""


_AGAIN: Final = N_("Try again in a moment.")
_TELL: Final = N_("Try again in a moment; if it goes on, tell who runs the service.")
_LOOK: Final = N_("Look at where it stands, and act on that.")
_LATER: Final = N_("Wait a while, then try again.")
_IN_TIME: Final = N_("Try again in {retry_after_seconds}.")
_LOG_IN: Final = N_("Log in again.")
_STANDS: Final = N_("It stands at: {state}.")
_SIGN: Final = N_("Sign each call anew by a key of the application.")
_NOT_YOURS: Final = N_("This is not for who you are logged in as.")
_WRONG: Final = N_("Something in what you entered is at fault.")
_MEND: Final = N_("Go back, correct it, and send it again.")
_ABSENT: Final = Saying(
    N_("There is no such page, or it is not for who you are logged in as."),
    N_(
        "Check the code or the name. An enterprise that takes no part is not found either, nor "
        "is what belongs to another."
    ),
)
UNKNOWN: Final = Saying(N_("Something went wrong."), _TELL)

# By the status that the page answers with.
BY_STATUS: Final[Mapping[int, Saying]] = {
    400: Saying(_WRONG, _MEND),
    403: Saying(_NOT_YOURS, N_("Log in as somebody who may do this.")),
    404: _ABSENT,
    409: Saying(N_("This is not possible now."), _LOOK),
    429: Saying(N_("Too much at once."), _LATER),
    503: Saying(N_("The service can't be reached."), _AGAIN),
    504: Saying(N_("The service took too long."), _AGAIN),
}

ERRORS: Final[Mapping[str, Saying]] = {
    "INVALID_FIELD": Saying(_WRONG, _MEND),
    "MALFORMED_MESSAGE": Saying(
        N_("The service can't read what this site sent."),
        _TELL,
        N_("That is a fault of this site and not of yours."),
    ),
    "OUT_OF_SCOPE": Saying(
        N_("This organization is outside what the service covers."),
        N_("Check the code. Other organizations can't be submitted here."),
        N_("It covers enterprises and individual businesses registered in the mainland."),
    ),
    "OLD_REGISTRATION_NUMBER": Saying(
        N_("This is an old registration number of 15 digits."),
        N_("Go back, and enter the unified social credit code of 18 characters."),
    ),
    "RESOURCE_NOT_FOUND": _ABSENT,
    "REQUEST_ID_REUSED": Saying(
        N_("This form was sent before, with other content."),
        N_("Load the form anew, fill it in, and send it once."),
        N_("So that nothing is done twice, the second one was not taken."),
    ),
    "CREDENTIAL_INVALID": Saying(N_("Your login is not valid."), _LOG_IN),
    "CREDENTIAL_EXPIRED": Saying(N_("Your login has ended."), _LOG_IN),
    "LOGIN_REQUIRED": Saying(N_("This is for who is logged in."), N_("Log in, then try again.")),
    "METHOD_NOT_ALLOWED": Saying(_NOT_YOURS, N_("Log in as somebody who may do this.")),
    "RATE_LIMITED": Saying(
        N_("This was done too often in a short time."), _IN_TIME, otherwise=_LATER
    ),
    "SERVER_BUSY": Saying(N_("The service is busy."), _IN_TIME, otherwise=_LATER),
    "BUDGET_SPENT": Saying(N_("Too much at once."), _IN_TIME, otherwise=_LATER),
    "INTERFACE_CLOSED": Saying(N_("This is closed for now."), _IN_TIME, otherwise=_LATER),
    "DEADLINE_PASSED": Saying(N_("The service took too long."), _AGAIN),
    "STORE_UNAVAILABLE": Saying(N_("The service can't reach its database."), _AGAIN),
    "REVISION_NOT_REACHED": Saying(
        N_("What changed last is not to be seen here yet."),
        N_("Load the page again in a moment."),
    ),
    "SERVER_DRAINING": Saying(
        N_("The service is being restarted."), _AGAIN, N_("What it confirmed before is stored.")
    ),
    "TRANSITION_NOT_ALLOWED": Saying(
        N_("The submission is not in a state that allows this."),
        _LOOK,
        N_("It stands at “{from_state}” and can't go on to “{to_state}”."),
    ),
    "AGREEMENT_NOT_CURRENT": Saying(
        N_("What you assented to is not the current version."),
        N_("Load the page anew, read the current version, and assent to it."),
        N_("Of the {kind}, version {current_version} is current."),
    ),
    "INTERNAL": UNKNOWN,
    "CONSENT_REQUIRED": Saying(
        N_("The consent of the person concerned is missing, or is over."),
        N_("Ask the person, and grant the consent on the page of consents."),
        N_("Without consent to “{purpose}” this may not be done."),
    ),
    "PURPOSE_NOT_LISTED": Saying(
        N_("Nothing may be done for this purpose."),
        N_("Choose a purpose that the page of consents lists."),
        N_("There is no published text that anybody could agree to."),
    ),
    "OWNERSHIP_STATE": Saying(N_("This can't be done with the claim now."), _LOOK, _STANDS),
    "CODE_NOT_VALID": Saying(
        N_("This one-time code is not valid, or not any more."),
        N_("Ask for a new code, and enter it within its time."),
    ),
    "SECOND_PERSON_REQUIRED": Saying(
        N_("Somebody else has to confirm this."),
        N_("Ask a colleague to look at it and confirm it."),
        N_("Whoever proposed or entered something doesn't decide on it."),
    ),
    "LAST_OWNER": Saying(
        N_("The last owner can't be removed."),
        N_("Invite another owner first."),
        N_("An enterprise keeps one owner at least."),
    ),
    "CASE_STATE": Saying(
        N_("This case is over already."), N_("See the list for what is open still."), _STANDS
    ),
    "APPLICATION_STATE": Saying(N_("This can't be done with the application now."), _LOOK, _STANDS),
    "LAUNCH_PRECONDITION": Saying(
        N_("The application can't be launched yet."),
        N_("Complete what is missing, then launch it."),
        N_("What is missing: {missing}."),
    ),
    "KEY_PROOF_INVALID": Saying(
        N_("The key could not be proved to be yours."),
        N_("Ask for a new challenge, and sign it by the key itself."),
    ),
    "KEY_NOT_ADDED": Saying(
        N_("The key was not added."),
        N_("Revoke a key first, or make a new one."),
        N_("The application has as many keys as it may, or this one already."),
    ),
    "ACCEPTANCE_INVALID": Saying(
        N_("This statement of a passed acceptance run is not good here."),
        N_("Have the sandbox issue one for this application."),
    ),
    "MAIL_UNAVAILABLE": Saying(
        N_("No one-time code can be sent."),
        N_("Tell who runs the service."),
        N_("No mail server is set up for this service."),
    ),
    "PURPOSE_NOT_ALLOWED": Saying(
        N_("This may not be read for this purpose."), N_("Choose a purpose that goes with it.")
    ),
    "AGENT_TOKEN_INVALID": Saying(
        N_("The integrator's authorization is not valid."),
        N_("Have the enterprise authorize the integrator anew."),
    ),
    "AGENT_TOKEN_REQUIRED": Saying(
        N_("An integrator does this only when the enterprise authorized it."),
        N_("Have the enterprise authorize the integrator first."),
    ),
    "SCOPE_REQUIRED": Saying(
        N_("The enterprise did not authorize the integrator for this."),
        N_("Have the enterprise authorize this scope as well."),
        N_("Missing scope: {scope}."),
    ),
    "INTEGRATOR_NOT_LIVE": Saying(
        N_("The integrator's application is not live."),
        N_("Ask the integrator to launch it, then for a new link."),
    ),
    "AUTHORIZATION_STATE": Saying(
        N_("This can't be authorized now."),
        N_("See what is open; then begin anew from the integrator's link."),
        N_("Why: {state}."),
    ),
    "SIGNED_REQUEST_REQUIRED": Saying(N_("An application has to sign this request."), _SIGN),
    "ASSERTION_USED": Saying(N_("What the application signed was used before."), _SIGN),
    "APPLICATION_NOT_ACTIVE": Saying(
        N_("The application may not call the service as it stands."), _LOOK
    ),
    "TOKENS_NOT_ISSUED": Saying(N_("No access tokens are handed out here."), _SIGN),
}

# What stands in the metadata as a code, and has no label among the values of fields.
CODES: Final[Mapping[str, str]] = {
    "CHALLENGED": N_("a code was sent and waits to be entered"),
    "AWAITING_VOUCHER": N_("waits for the platform's word"),
    "DISPUTED": N_("another login contests it; staff will decide"),
    "GRANTED": N_("granted"),
    "REFUSED": N_("refused"),
    "EXPIRED": N_("expired"),
    "ENDED": N_("ended"),
    "CLOSED": N_("closed"),
    "ALREADY_OWNER": N_("this login is an owner already"),
    "ALREADY_MEMBER": N_("this login is a member already"),
    "SUBMISSION_NOT_VERIFIED": N_("the submission is not verified"),
    "NOT_VERIFIED": N_("the enterprise is not verified"),
    "NOT_A_TEST_ENTERPRISE": N_("in the sandbox only generated enterprises can authorize"),
    "APPLICATION_NOT_LIVE": N_("the application is not live any more"),
    "TOO_MANY": N_("too many authorizations are open; take back what is not used"),
    "CONTRACT": N_("a signed contract"),
    "ACCEPTANCE": N_("a passed acceptance run"),
    "KEY": N_("a key that is valid"),
    "LIVE_DEPLOYMENT": N_("the live deployment"),
}
