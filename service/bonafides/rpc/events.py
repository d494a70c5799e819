"""The one event that each call leaves in the log, and the journal that writes them.

Its fields are constants of ours, types, places and pseudonyms: method, kind of
caller, enterprise, status code, milliseconds, call id, and for errors the reason.
Never a message, the text of a foreign exception, or a value from a request. What
of an unexpected error is kept is where in our own files it passed.

A call notes its event and goes on; the journal writes what was noted some milliseconds
later, in order, with the time at which each call ended. To write a line in the midst
of a call costs as much as the rest of what we do in it, to write fifty in a row a
tenth of that. What alarms, or counts what a stream brought, is written at once, behind
what was noted before it. A process that is killed takes the last milliseconds of its
log along.

    event = Event(call_id)
    event.succeeded()
    journal.note(event, "/bonafides.v1.ArchiveService/GetArchive", 0.004)
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc

from bonafides import logs
from bonafides.errors import BonafidesError, BudgetSpentError, BugError, CredentialError
from bonafides.instants import Instant
from bonafides.rpc.status import Reply

_OURS: Final = Path(__file__).parents[1]
_ALARMING: Final = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE})
# As many wait to be written at the very most: some 200 KB.
_MOST_NOTED: Final = 256


@dataclass(slots=True)
class Event:
    """What the log will say of a call. A call that nothing ends was cancelled by its caller."""

    call_id: str
    caller: str = "unresolved"
    enterprise: str | None = None
    # Of streams: how many messages, and what became of what they brought.
    counts: Mapping[str, int] | None = None
    _code: grpc.StatusCode = grpc.StatusCode.CANCELLED
    _more: Mapping[str, Any] | None = None

    @property
    def urgent(self) -> bool:
        """Whether it is written at once."""
        return self.counts is not None or self._code in _ALARMING

    @property
    def alarming(self) -> bool:
        """Whether somebody should look at it."""
        return self._code in _ALARMING

    def count(self, numbers: Mapping[str, int]) -> None:
        """Adds to the counts."""
        before = self.counts or {}
        self.counts = {**before, **{name: before.get(name, 0) + n for name, n in numbers.items()}}

    def succeeded(self) -> None:
        """Notes that the call is answered."""
        self._code = grpc.StatusCode.OK

    def failed(self, error: BaseException, told: Reply) -> None:
        """Notes the error, and what the caller was told of it."""
        self._code = told.code
        self._more = _facts(error, told)

    def fields(self, pseudonym: Callable[[str], str]) -> dict[str, Any]:
        """Returns what the log says of the call, in order."""
        fields: dict[str, Any] = {
            "caller": self.caller,
            "enterprise": None if self.enterprise is None else pseudonym(self.enterprise),
            "code": self._code.name,
            "call_id": self.call_id,
        }
        if self.counts:
            fields.update(self.counts)
        if self._more:
            fields.update(self._more)
        return fields


class Journal:
    """Writes the events of calls. Used on the event loop alone.

    An event is written `linger_seconds` after it was noted, at the latest; 0: at once.
    The log knows the enterprise by a pseudonym, another than the audit has for it.
    """

    def __init__(
        self, now: Callable[[], Instant], pseudonym: Callable[[str], str], linger_seconds: float
    ) -> None:
        self._now: Final = now
        self._pseudonym: Final = pseudonym
        self._linger_seconds: Final = linger_seconds
        self._noted: list[tuple[Event, str, float, Instant]] = []

    def note(self, event: Event, method: str, seconds: float) -> None:
        """Notes that a call has ended, after so many seconds."""
        noted = self._noted
        noted.append((event, method, seconds, self._now()))
        if event.urgent or not self._linger_seconds or len(noted) >= _MOST_NOTED:
            self.write()
        elif len(noted) == 1:
            asyncio.get_running_loop().call_later(self._linger_seconds, self.write)

    def write(self) -> None:
        """Writes what was noted."""
        noted, self._noted = self._noted, []
        logs.write(
            {
                "method": method,
                "milliseconds": round(seconds * 1_000, 1),
                "timestamp": logs.timestamp(ended_at),
                **event.fields(self._pseudonym),
                "event": "rpc",
                "level": "error" if event.alarming else "info",
            }
            for event, method, seconds, ended_at in noted
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
    if isinstance(error, BudgetSpentError) and error.key:
        # By it staff can close to whoever it is (access.switches).
        facts["key"] = error.key
    if error.__cause__ is not None:
        facts["cause"] = type(error.__cause__).__name__
    if isinstance(error, BugError):
        # Written by us for the log, unlike the texts of other errors.
        facts["what"] = error.what
    if isinstance(error, BugError) or not isinstance(error, BonafidesError):
        facts |= {"error": type(error).__name__, "frames": frames(error)}
    return facts
