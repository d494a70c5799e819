"""The one event that each call leaves in the log.

Its fields are constants of ours, types, places and pseudonyms: method, kind of
caller, enterprise, status code, milliseconds, call id, and for errors the reason.
Never a message, the text of a foreign exception, or a value from a request. What
of an unexpected error is kept is where in our own files it passed.

    event = Event(call_id)
    event.succeeded()
    event.write(log, "/bonafides.v1.ArchiveService/GetArchive", 0.004, pseudonym)
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import grpc

from bonafides.errors import BonafidesError, BugError, CredentialError
from bonafides.rpc.status import Reply

_OURS: Final = Path(__file__).parents[1]
_ALARMING: Final = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE})


@dataclass(slots=True)
class Event:
    """What the log will say of a call. A call that nothing ends was cancelled by its caller."""

    call_id: str
    caller: str = "unresolved"
    enterprise: str | None = None
    # Of streams: how many messages, and what became of what they brought.
    counts: Counter[str] = field(default_factory=Counter)
    _code: grpc.StatusCode = grpc.StatusCode.CANCELLED
    _more: dict[str, Any] = field(default_factory=dict)

    def succeeded(self) -> None:
        """Notes that the call is answered."""
        self._code = grpc.StatusCode.OK

    def failed(self, error: BaseException, told: Reply) -> None:
        """Notes the error, and what the caller was told of it."""
        self._code = told.code
        self._more = _facts(error, told)

    def write(self, log: Any, method: str, seconds: float, pseudonym: Callable[[str], str]) -> None:
        """Writes the event, with the enterprise by the pseudonym that the audit knows it by."""
        write = log.error if self._code in _ALARMING else log.info
        write(
            "rpc",
            method=method,
            caller=self.caller,
            enterprise=None if self.enterprise is None else pseudonym(self.enterprise),
            code=self._code.name,
            milliseconds=round(seconds * 1_000, 1),
            call_id=self.call_id,
            **self.counts,
            **self._more,
        )


def frames(error: BaseException) -> list[str]:
    """Returns where in our own files the error passed, outermost first."""
    passed = traceback.walk_tb(error.__traceback__)
    places = ((Path(frame.f_code.co_filename), line) for frame, line in passed)
    return [
        f"{path.relative_to(_OURS)}:{line}" for path, line in places if path.is_relative_to(_OURS)
    ]


def _facts(error: BaseException, told: Reply) -> dict[str, Any]:
    facts: dict[str, Any] = {"reason": told.reason}
    if isinstance(error, CredentialError) and error.fault:
        facts["fault"] = error.fault
    if error.__cause__ is not None:
        facts["cause"] = type(error.__cause__).__name__
    if isinstance(error, BugError):
        # Written by us for the log, unlike the texts of other errors.
        facts["what"] = error.what
    if isinstance(error, BugError) or not isinstance(error, BonafidesError):
        facts |= {"error": type(error).__name__, "frames": frames(error)}
    return facts
