"""Says what went wrong, why, and what to do, for people and for programs.

Every expected error becomes one `Fault`; the table NEXT_STEPS has a row for each
reason that the service can give. An error that is not expected is a bug and keeps
its traceback. On standard error, always; with --json as one JSON document:

    {"error": {"message": "No such resource; check the name.", "code": "NOT_FOUND",
               "reason": "RESOURCE_NOT_FOUND", "next_step": "Check the code ..."}}

`violations`, `metadata` and `retry_after_seconds` are there when they say something.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from bonafides.cli.claims_file import FaultyClaimsError
from bonafides.cli.figures import plain
from bonafides.client import (
    ClientError,
    InsecureTargetError,
    KeyUnusableError,
    RemoteError,
    TokenUnusableError,
)
from bonafides.errors import FieldViolation, StoreUnavailableError
from bonafides.settings import SettingsError

# Exit codes, as docs/operations.md promises them.
REFUSED_OR_FAILED: Final = 1
WRONG_USAGE: Final = 2

_LOG_IN_AGAIN: Final = (
    "Log in again: bonafides login; or pass a new access token. One of a sandbox is made of the "
    "key in its data folder: name that with --data-dir."
)
_COME_BACK: Final = "Wait as long as is told, then repeat the call."

NEXT_STEPS: Final[Mapping[str, str]] = {
    "INVALID_FIELD": "Correct the fields named above and repeat the call.",
    "MALFORMED_MESSAGE": "Client and server differ: install the client of the server's version.",
    "OUT_OF_SCOPE": "Nothing: the service takes enterprises registered in the mainland alone.",
    "RESOURCE_NOT_FOUND": (
        "Check the code or name. An enterprise that takes no part is not found either, nor is "
        "what belongs to another."
    ),
    "REQUEST_ID_REUSED": "Leave --request-id out, or give a new UUID.",
    "CREDENTIAL_INVALID": _LOG_IN_AGAIN,
    "CREDENTIAL_EXPIRED": _LOG_IN_AGAIN,
    "SIGNED_REQUEST_REQUIRED": (
        "Have the application sign: give --client-id and --key-file in place of a token."
    ),
    "ASSERTION_USED": "Repeat the command: it signs anew.",
    "APPLICATION_NOT_ACTIVE": "Look at the application's state, or ask who runs the service.",
    "TOKENS_NOT_ISSUED": "Leave the token out: every command signs by --client-id and --key-file.",
    "LOGIN_REQUIRED": (
        "Log in: bonafides login. Programs pass an access token with --token-file, --token or "
        "BONAFIDES_TOKEN."
    ),
    "METHOD_NOT_ALLOWED": "Use the token of a caller to whom this is open; the README says whom.",
    "RATE_LIMITED": _COME_BACK,
    "SERVER_BUSY": _COME_BACK,
    "BUDGET_SPENT": _COME_BACK,
    "INTERFACE_CLOSED": _COME_BACK,
    "SERVER_DRAINING": "Repeat the call: another process answers, or this one once it is back.",
    "REVISION_NOT_REACHED": "Repeat the call shortly, or ask without a revision.",
    "DEADLINE_PASSED": "Repeat the call, with more time: --timeout.",
    "STORE_UNAVAILABLE": "Repeat the call in a moment; if it goes on, tell who runs the service.",
    "TRANSITION_NOT_ALLOWED": "Look at the submission's state first: bonafides submission NAME.",
    "AGREEMENT_NOT_CURRENT": (
        "Read the current version and assent to it, then repeat: bonafides agreements, assent."
    ),
    "CONSENT_REQUIRED": "Show the person the text, and grant it: bonafides agreements, grant.",
    "PURPOSE_NOT_ALLOWED": "Read for another purpose; docs/platforms.md says which go together.",
    "PURPOSE_NOT_LISTED": "Name a purpose that `bonafides agreements` lists.",
    "OWNERSHIP_STATE": "Look at where claim and submission stand: bonafides claimed, submission.",
    "CODE_NOT_VALID": "Give the code as it was sent, in time; or claim or invite anew.",
    "CASE_STATE": "List what is open, and act on that.",
    "APPLICATION_STATE": "Look at where it stands first: bonafides application show CLIENT_ID.",
    "LAUNCH_PRECONDITION": "Bring what is missing: docs/applications.md has the way to live.",
    "KEY_PROOF_INVALID": "Register it again, with its private key: bonafides application key.",
    "KEY_NOT_ADDED": "Revoke a key that nothing signs by, or make a new one; then repeat.",
    "ACCEPTANCE_INVALID": (
        "Have the sandbox print a statement for this client id: bonafides application statement."
    ),
    "MAIL_UNAVAILABLE": "Tell who runs the service: it has no mail server.",
    "SECOND_PERSON_REQUIRED": "Ask another member of staff to confirm it.",
    "LAST_OWNER": "Invite another owner first: bonafides invite CODE owner.",
    "AGENT_TOKEN_INVALID": "Have the enterprise authorize the application anew: --agent-token.",
    "AGENT_TOKEN_REQUIRED": "Pass the enterprise's agent token: --agent-token.",
    "SCOPE_REQUIRED": "Ask the enterprise to authorize the application with this scope, too.",
    "INTEGRATOR_NOT_LIVE": "Launch the application first.",
    "AUTHORIZATION_STATE": "Look at what is open: bonafides requirements, integrators.",
    "OLD_REGISTRATION_NUMBER": "Use the unified social credit code of 18 characters.",
    "INTERNAL": "Tell who runs the service, with the call id if one is given.",
}
# For failures on the way, which carry no reason of the service.
_ON_THE_WAY: Final[Mapping[str, str]] = {
    "UNAVAILABLE": (
        "Start the server with `bonafides serve`, or name another with --server. Where it serves "
        "TLS, --root-certificates names what to trust."
    ),
    "DEADLINE_EXCEEDED": NEXT_STEPS["DEADLINE_PASSED"],
}


# The code of what the command line refuses by itself.
REFUSED: Final = "REFUSED"
_LOCAL_STEPS: Final[Mapping[type[Exception], str]] = {
    InsecureTargetError: "Give --root-certificates FILE, or call a server on this machine.",
    TokenUnusableError: _LOG_IN_AGAIN,
    KeyUnusableError: "Name the private key of the application with --key-file.",
    StoreUnavailableError: "See that the database runs, and what BONAFIDES_DATABASE_URL names.",
    SettingsError: "Correct it, and start again; docs/operations.md lists settings and keys.",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One expected failure. `code` is a gRPC status code's name, or says who refused."""

    message: str
    code: str
    next_step: str
    reason: str = ""
    violations: tuple[FieldViolation, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    retry_after_seconds: float | None = None


class CommandError(Exception):
    """A command refuses, for a reason of its own."""

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(message)
        self.next_step: Final = next_step


class AnswerLostError(Exception):
    """A submission was sent and its answer is not known; repeating it is safe."""

    def __init__(self, error: RemoteError, request_id: str) -> None:
        super().__init__(str(error))
        self.error: Final = error
        self.request_id: Final = request_id


EXPECTED: Final = (
    AnswerLostError,
    ClientError,
    CommandError,
    FaultyClaimsError,
    SettingsError,
    StoreUnavailableError,
)


def fault(error: Exception, server: str) -> Fault:
    """Returns what is to be said of an expected error; `server` is who was called."""
    match error:
        case RemoteError():
            return _remote(error, server)
        case AnswerLostError(error=lost, request_id=request_id):
            step = f"Repeat it with --request-id {request_id}, so that it is submitted once."
            return replace(_remote(lost, server), next_step=step)
        case FaultyClaimsError(violations=violations):
            message = "The file holds no claims that could be submitted."
            step = NEXT_STEPS["INVALID_FIELD"]
            return Fault(message, "INVALID_ARGUMENT", step, "INVALID_FIELD", violations)
        case CommandError(next_step=step):
            return Fault(str(error), REFUSED, step)
        case _:
            return Fault(str(error), REFUSED, _local_step(error))


def usage(message: str) -> Fault:
    """Returns what is to be said of a command line that can't be understood."""
    return Fault(message, "WRONG_USAGE", "See bonafides --help.")


def show(told: Fault, console: Console, *, as_json: bool) -> None:
    """Prints the fault: what, every faulty field, why, and what to do."""
    if as_json:
        console.out(json.dumps({"error": document(told)}, ensure_ascii=False, indent=2))
        return
    # The message of faulty fields is the list of them, which follows.
    what = "These fields are at fault:" if told.violations else plain(told.message)
    console.print(Text(f"error: {what}", style="bold red"))
    for violation in told.violations:
        console.print(Text(f"  {plain(violation.field)}: {plain(violation.description)}"))
    extra = ", ".join(
        f"{name} {value}"
        for name, value in sorted(told.metadata.items())
        if name != "retry_after_seconds"  # has a line of its own
    )
    if told.code != REFUSED:
        why = told.reason or told.code
        console.print(Text(plain(f"why: {why}" + (f" ({extra})" if extra else ""))))
    if told.retry_after_seconds is not None:
        console.print(Text(f"come back in: {math.ceil(told.retry_after_seconds)} s"))
    console.print(Text(f"what to do: {told.next_step}"))


def document(told: Fault) -> dict[str, Any]:
    """Returns the fault for programs."""
    shown: dict[str, Any] = {
        "message": told.message,
        "code": told.code,
        "reason": told.reason,
        "next_step": told.next_step,
    }
    if told.violations:
        shown["violations"] = [
            {"field": one.field, "reason": one.reason, "description": one.description}
            for one in told.violations
        ]
    if told.metadata:
        shown["metadata"] = dict(told.metadata)
    if told.retry_after_seconds is not None:
        shown["retry_after_seconds"] = told.retry_after_seconds
    return shown


def _remote(error: RemoteError, server: str) -> Fault:
    code = error.code.name
    message = error.message
    if not error.reason and code in _ON_THE_WAY:
        # The library's own text is about sockets; it stays as what the way reported.
        message = f"No answer from {server}: {error.message}"
    step = NEXT_STEPS.get(error.reason) or _ON_THE_WAY.get(code) or NEXT_STEPS["INTERNAL"]
    return Fault(
        message,
        code,
        step,
        error.reason,
        error.violations,
        error.metadata,
        error.retry_after_seconds,
    )


def _local_step(error: Exception) -> str:
    steps = (step for kind, step in _LOCAL_STEPS.items() if isinstance(error, kind))
    return next(steps, NEXT_STEPS["INTERNAL"])
