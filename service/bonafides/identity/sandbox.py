"""Forces every outcome and every error in the sandbox, by the code that is submitted.

A magic code lies in the region 990000 and its organization part begins with MAG, or with
AP: the test enterprise of an application, which verifies at once.
`OUTCOMES` says what its evidence will be, `ERRORS` which error submitting it meets
before anything is stored; docs/sandbox.md lists both. Of a magic code no other source
is asked, and this one is asked of no other code.

Live never builds it: there a magic code is a code like any other.

    Sandbox("sandbox").source(magic_code("MAG10000"))     # verifies at once
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from bonafides import errors
from bonafides.archive.facts import OperatingState, Registration
from bonafides.errors import BonafidesError, BugError, FieldViolation, InvalidFieldsError
from bonafides.identity.codes import ALPHABET, GENERATED_REGION, UnifiedCode, compose
from bonafides.identity.consent import SERVICE_AGREEMENT
from bonafides.identity.evidence import Entry, Evidence, PersonAnswer
from bonafides.identity.questions import Fault, Question, SourceError
from bonafides.instants import DAY, MICROSECONDS, Day, Instant, day_of

SANDBOX: Final = "sandbox"
_SERIAL: Final = slice(8, 16)
_MINUTE: Final = 60 * MICROSECONDS
_RETRY_AFTER_SECONDS: Final = 1


@dataclass(frozen=True, slots=True)
class Magic:
    """What the source answers of a magic code; with nothing changed all agrees.

    `differing`: checks that differ. `silent`: it holds nothing. `term_over`: the term of business
    ended yesterday. `fault`, if there is one, is met before `answers_after`, a time
    since the submission; without one, the code is unknown until then.
    `valid_for`: how long the source vouches.
    """

    does: str
    state: OperatingState = OperatingState.IN_BUSINESS
    differing: tuple[str, ...] = ()
    silent: bool = False
    term_over: bool = False
    fault: Fault | None = None
    answers_after: int = 0
    valid_for: int | None = None


_NEVER: Final = 1 << 62
_CHECKS: Final = (
    "code", "title", "representative", "representative_id_number", "legal_form",
    "registered_address", "registered_capital", "established", "term_end", "business_scope",
    "composition",
)  # fmt: skip

OUTCOMES: Final[Mapping[str, Magic]] = {
    "MAG10000": Magic("VERIFIED"),
    "MAG10001": Magic("VERIFIED, and LAPSED after a minute", valid_for=_MINUTE),
    "MAG10002": Magic("PENDING: not found for three days, then VERIFIED", answers_after=3 * DAY),
    "MAG10003": Magic(
        "PENDING: not reached for half a minute, then VERIFIED",
        fault=Fault.UNREACHABLE,
        answers_after=_MINUTE // 2,
    ),
    "MAG20000": Magic("PENDING: never found", answers_after=_NEVER),
    "MAG20001": Magic("PENDING: found, without evidence", silent=True),
    **{
        f"MAG2001{place}": Magic(
            f"PENDING: not reached, {fault.value}", fault=fault, answers_after=_NEVER
        )
        for place, fault in enumerate(Fault)
    },
    "MAG30000": Magic("REJECTED: code and title differ", differing=("code", "title")),
    "MAG30001": Magic("REJECTED: deregistered", state=OperatingState.DEREGISTERED),
    "MAG30002": Magic("REJECTED: licence revoked", state=OperatingState.REVOKED),
    "MAG30003": Magic("REJECTED: registration annulled", state=OperatingState.ANNULLED),
    "MAG40000": Magic("ACTION_REQUIRED: suspended", state=OperatingState.SUSPENDED),
    "MAG40001": Magic("ACTION_REQUIRED: in liquidation", state=OperatingState.IN_LIQUIDATION),
    "MAG40002": Magic("ACTION_REQUIRED: the term is over", term_over=True),
    **{
        f"MAG401{place:02}": Magic(f"ACTION_REQUIRED: {check} differs", differing=(check,))
        for place, check in enumerate(_CHECKS)
    },
}


def _invalid(reason: str) -> InvalidFieldsError:
    return InvalidFieldsError((FieldViolation("claims.code", reason, "A magic code asks for it."),))


ERRORS: Final[Mapping[str, tuple[str, Callable[[], BonafidesError]]]] = {
    "MAG50000": ("INVALID_FIELD", lambda: _invalid("MAGIC")),
    "MAG50001": ("MALFORMED_MESSAGE", errors.MalformedMessageError),
    "MAG50002": ("OUT_OF_SCOPE", lambda: _invalid("OUT_OF_SCOPE")),
    "MAG50003": ("OLD_REGISTRATION_NUMBER", lambda: _invalid("OLD_REGISTRATION_NUMBER")),
    "MAG50004": ("RESOURCE_NOT_FOUND", errors.NotFoundError),
    "MAG50005": ("REQUEST_ID_REUSED", errors.RequestIdReusedError),
    "MAG50006": ("CREDENTIAL_INVALID", errors.CredentialError),
    "MAG50007": ("CREDENTIAL_EXPIRED", errors.CredentialExpiredError),
    "MAG50008": ("LOGIN_REQUIRED", errors.LoginRequiredError),
    "MAG50009": ("METHOD_NOT_ALLOWED", errors.MethodNotAllowedError),
    "MAG50010": (
        "TRANSITION_NOT_ALLOWED",
        lambda: errors.TransitionNotAllowedError("REJECTED", "VERIFIED"),
    ),
    "MAG50011": (
        "AGREEMENT_NOT_CURRENT",
        lambda: errors.AgreementNotCurrentError("sandbox", SERVICE_AGREEMENT),
    ),
    "MAG50012": ("RATE_LIMITED", lambda: errors.RateLimitedError(_RETRY_AFTER_SECONDS)),
    "MAG50013": ("SERVER_BUSY", lambda: errors.ServerBusyError(_RETRY_AFTER_SECONDS)),
    "MAG50014": ("DEADLINE_PASSED", errors.DeadlinePassedError),
    "MAG50015": ("STORE_UNAVAILABLE", errors.StoreUnavailableError),
    "MAG50016": ("REVISION_NOT_REACHED", errors.RevisionNotReachedError),
    "MAG50017": ("SERVER_DRAINING", errors.ServerDrainingError),
    "MAG50018": ("INTERNAL", lambda: BugError("a magic code asked for it")),
    "MAG50019": ("CONSENT_REQUIRED", lambda: errors.ConsentRequiredError("VERIFY_IDENTITY")),
    "MAG50020": ("PURPOSE_NOT_LISTED", lambda: errors.PurposeNotListedError("MAGIC")),
    "MAG50021": ("OWNERSHIP_STATE", lambda: errors.OwnershipStateError("GRANTED")),
    "MAG50022": ("CODE_NOT_VALID", errors.CodeNotValidError),
    "MAG50023": ("SECOND_PERSON_REQUIRED", errors.SecondPersonRequiredError),
    "MAG50024": ("LAST_OWNER", errors.LastOwnerError),
    "MAG50104": ("AGENT_TOKEN_INVALID", errors.AgentTokenError),
    "MAG50105": ("AGENT_TOKEN_REQUIRED", errors.AgentTokenRequiredError),
    "MAG50106": ("SCOPE_REQUIRED", lambda: errors.ScopeRequiredError("identity.submit")),
    "MAG50107": ("INTEGRATOR_NOT_LIVE", lambda: errors.IntegratorNotLiveError("TESTING")),
    "MAG50108": (
        "AUTHORIZATION_STATE",
        lambda: errors.AuthorizationStateError("NOT_VERIFIED"),
    ),
    "MAG50070": ("CASE_STATE", lambda: errors.CaseStateError("ENDED")),
    "MAG50086": ("APPLICATION_STATE", lambda: errors.ApplicationStateError("CLOSED")),
    "MAG50087": ("LAUNCH_PRECONDITION", lambda: errors.LaunchPreconditionError(("CONTRACT",))),
    "MAG50088": ("KEY_PROOF_INVALID", errors.KeyProofError),
    "MAG50089": ("KEY_NOT_ADDED", lambda: errors.KeyNotAddedError("THREE_KEYS")),
    "MAG50090": ("ACCEPTANCE_INVALID", errors.AcceptanceError),
    "MAG50091": ("MAIL_UNAVAILABLE", errors.MailUnavailableError),
    "MAG50096": ("SIGNED_REQUEST_REQUIRED", errors.SignedRequestRequiredError),
    "MAG50097": ("ASSERTION_USED", errors.AssertionUsedError),
    "MAG50098": ("APPLICATION_NOT_ACTIVE", errors.ApplicationNotActiveError),
    "MAG50099": ("TOKENS_NOT_ISSUED", errors.TokensNotIssuedError),
    "MAG50110": ("PURPOSE_NOT_ALLOWED", errors.PurposeNotAllowedError),
    "MAG50119": ("BUDGET_SPENT", lambda: errors.BudgetSpentError(_RETRY_AFTER_SECONDS)),
    "MAG50120": ("INTERFACE_CLOSED", lambda: errors.InterfaceClosedError(_RETRY_AFTER_SECONDS)),
}


_TEST: Final = "AP"


def enterprise_for_tests(digest: bytes) -> UnifiedCode:
    """Returns the code of the test enterprise that a keyed digest makes, as of a company."""
    letters = sorted(ALPHABET)
    drawn = "".join(letters[byte % len(letters)] for byte in digest[: 8 - len(_TEST)])
    return magic_code(_TEST + drawn)


def magic_code(serial: str) -> UnifiedCode:
    """Returns the code of a row of `OUTCOMES` or `ERRORS`, as of a company."""
    return compose("91", GENERATED_REGION, serial)


class Sandbox:
    """Does what magic codes ask for."""

    def __init__(self, environment: str) -> None:
        if environment != SANDBOX:
            raise BugError("magic codes outside the sandbox")
        self._source: Final = SandboxSource()

    def force_error(self, code: UnifiedCode) -> None:
        """Raises the error that the code asks for; does nothing for any other code."""
        if asked := ERRORS.get(_serial(code)):
            _reason, make = asked
            raise make()

    def source(self, code: UnifiedCode) -> SandboxSource | None:
        """Returns the source that is asked of a magic code; None for any other."""
        return self._source if _outcome(code) is not None else None


class SandboxSource:
    """The source that answers as magic codes ask for."""

    name: Final = SANDBOX

    def ask(self, question: Question, *, now: Instant, seconds: float) -> Evidence:
        """Returns what the code asks for; of any other code, that it isn't known.

        Raises:
            SourceError: the code asks for it.
        """
        _ = seconds
        magic = _outcome(question.code)
        if magic is None:
            return Evidence(SANDBOX, now, None, frozenset(), raw=_raw("no magic code"))
        if now - question.submitted_at < magic.answers_after:
            if magic.fault is not None:
                raise SourceError(magic.fault)
            return Evidence(SANDBOX, now, None, frozenset(), raw=_raw(magic.does))
        codes = frozenset({question.code})
        valid_until = None if magic.valid_for is None else Instant(now + magic.valid_for)
        entry = _entry(magic, question, now)
        return Evidence(SANDBOX, now, entry, codes, _raw(magic.does), valid_until=valid_until)


def _entry(magic: Magic, question: Question, now: Instant) -> Entry:
    if magic.silent:
        return Entry(Registration("", OperatingState.NOT_KNOWN))
    agree = {check: check not in magic.differing for check in ("code", "title")}
    others = dict.fromkeys(set(magic.differing) - set(agree), False)
    people = tuple(
        PersonAnswer(
            "representative" not in magic.differing,
            "representative_id_number" not in magic.differing if each.id_number else None,
        )
        for each in question.people
    )
    over = Day(day_of(now) - 1) if magic.term_over else None
    told = Registration(question.title, magic.state, term_end=over)
    flags = {name: agrees for name, agrees in (agree | others).items() if "represent" not in name}
    return Entry(told, people, flags)


def _raw(does: str) -> str:
    return json.dumps({"sandbox": does})


def _outcome(code: UnifiedCode) -> Magic | None:
    serial = _serial(code)
    return OUTCOMES["MAG10000"] if serial.startswith(_TEST) else OUTCOMES.get(serial)


def _serial(code: UnifiedCode) -> str:
    return code.text[_SERIAL] if code.region == GENERATED_REGION else ""
