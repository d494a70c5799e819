"""Says which calls are tried again, when, and how often: both clients ask here.

Whoever gets UNAVAILABLE can't always tell whether the call was done. A read is tried again,
and so is a write that carries a request id, for that is done once. `ONCE` are the others,
which are left to the caller: most of them come to the same when they are repeated, and some
(a code that is good once) would be told that they failed when they didn't.

Nothing is called and nobody waits here. The library tries calls again by `names`, which
stand in its service config; calls that are signed anew each time go by `Attempts`:

    attempts = Attempts("/bonafides.v1.DraftService/CreateDraft", 5.0)
    attempts.after(unavailable, sent=True)                # Again(pause_seconds=0.1)
    repeats("/bonafides.v1.DraftService/DeleteDraft")     # False
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import grpc

from bonafides.client.faults import remote_error
from bonafides.client.signing import SIGNED

# Writes without a request id, by service; a test holds them against the protos.
ONCE: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "ApplicationService": frozenset(
            {
                "CloseApplication",
                "ConfirmChange",
                "IssueAcceptance",
                "IssueKeyChallenge",
                "LaunchApplication",
                "PresentAcceptance",
                "RecordAcceptance",
                "RecordContract",
                "RegisterKey",
                "ResumeApplication",
                "RevokeKey",
                "SuspendApplication",
            }
        ),
        "ConsentService": frozenset(
            {"AssentAgreement", "AuthorizePlatform", "RevokeConsent", "RevokePlatform"}
        ),
        "DocumentService": frozenset({"DeleteDocument", "UploadDocument"}),
        "DraftService": frozenset({"DeleteDraft"}),
        "IntegratorService": frozenset({"ExchangeAuthorization", "RevokeIntegrator"}),
        "OwnershipService": frozenset(
            {
                "ConfirmOwnership",
                "DecideOwnership",
                "RemoveMember",
                "TakeInvitation",
                "VouchOwnership",
            }
        ),
        "PlatformService": frozenset({"AnswerInquiry", "CloseInquiry"}),
        # Taken up again behind the cursor; the library would replay it all.
        "RecordService": frozenset({"WriteRecords"}),
        "ReviewService": frozenset(
            {"DecideReview", "EndOverride", "SetAutomaticRating", "StartOverride"}
        ),
        "RightsService": frozenset(
            {"CorrectBuyer", "DecideCorrection", "EraseBuyer", "ErasePersonalData"}
        ),
        "SwitchService": frozenset({"DeleteSwitch", "SetCanary"}),
    }
)
_PACKAGE: Final = "bonafides.v1"

# In seconds, between four attempts: 0.7 s of pauses, inside the default deadline.
PAUSES: Final = (0.1, 0.2, 0.4)
# The token was good when it was sent, and is not any more: its key was changed, or the
# server's.
_STALE: Final = frozenset({"CREDENTIAL_INVALID", "CREDENTIAL_EXPIRED"})
# Source: gRFC A6.
_PUSHBACK: Final = "grpc-retry-pushback-ms"


@dataclass(frozen=True, slots=True)
class Again:
    """A call is tried again after a pause; by another token, if its own is stale."""

    pause_seconds: float
    is_stale: bool = False


class Attempts:
    """The attempts at one call of a method, named as on the wire, within one deadline."""

    def __init__(
        self, method: str, seconds: float | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begins the time of the call; `seconds` None: it has no deadline."""
        self._method: Final = method
        self._clock: Final = clock
        self._end: Final = None if seconds is None else clock() + seconds
        self._pauses: Final = iter(PAUSES)
        self._renewed = False

    def left(self) -> float | None:
        """Returns the seconds that are left; None: there is no deadline."""
        return None if self._end is None else max(self._end - self._clock(), 0.0)

    def after(self, error: grpc.RpcError, *, sent: bool) -> Again | None:
        """Returns how the call goes on after an attempt that failed; None: not at all.

        `sent`: it had a credential, and the error is about the call itself. A token that
        the server takes no more is replaced once. A pause that the deadline cuts is not
        begun.
        """
        if sent and not self._renewed and _is_stale(self._method, error):
            self._renewed = True
            return Again(0.0, is_stale=True)
        pause = next(self._pauses, None) if _may_repeat(self._method, error) else None
        left = self.left()
        if pause is None or (left is not None and pause >= left):
            return None
        return Again(pause)


def names() -> list[dict[str, str]]:
    """Returns what is not tried again, as a service config names methods."""
    return [
        {"service": f"{_PACKAGE}.{service}", "method": method}
        for service, methods in ONCE.items()
        for method in sorted(methods)
    ]


def repeats(method: str) -> bool:
    """Returns whether a method, named as on the wire, is tried again."""
    service, _, name = method.removeprefix(f"/{_PACKAGE}.").partition("/")
    return name not in ONCE.get(service, frozenset())


def _is_stale(method: str, error: grpc.RpcError) -> bool:
    """Returns whether the method goes by a token, and it was this that was not taken."""
    return method not in SIGNED and remote_error(error).reason in _STALE


def _may_repeat(method: str, error: grpc.RpcError) -> bool:
    """Returns whether a call may be tried again: it is done once, and nobody told not to."""
    if error.code() is not grpc.StatusCode.UNAVAILABLE or not repeats(method):
        return False
    told: Any = error.trailing_metadata() or ()
    return (_PUSHBACK, "-1") not in map(tuple, told)
