"""What a client raises, and how a failed call is read.

Details are believed only where they are of our own making: an answer of a proxy
between, or of another service, gives its code and its text alone.

    except RemoteError as error:
        print(error.reason, error.violations)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from bonafides.errors import FieldViolation

DOMAIN: Final = "bonafides"
_PARAMETER: Final = re.compile(r"violation_(\d{1,4})_(.+)")


class ClientError(Exception):
    """The base of what a client raises.

    ClientError
      InsecureTargetError   plaintext was asked for outside loopback
      TokenUnusableError    the token can't stand in a header
      KeyUnusableError      the private key is none that an application signs by
      ClosedClientError     the client was closed
      NotServingError       the server did not come up in time
      RemoteError           the server, or the way to it, refused or failed

    Not of the family of `bonafides.errors`, whose classes are each mapped to the
    status that a server answers with: these are never answered, only received.
    """


class InsecureTargetError(ClientError):
    """Plaintext was asked for outside loopback."""

    def __init__(self, target: str) -> None:
        super().__init__(
            f"{target} is not on this machine, and no root certificates were given: plaintext "
            "goes to loopback alone. Name the PEM file of the certificates to trust."
        )
        self.target: Final = target


class TokenUnusableError(ClientError):
    """The token can't stand in a header. The text does not repeat it."""

    def __init__(self) -> None:
        super().__init__(
            "The token holds spaces or other characters that no token has: copy it whole, "
            "on one line."
        )


class KeyUnusableError(ClientError):
    """The private key is none that an application signs by. The text does not repeat it."""

    def __init__(self) -> None:
        super().__init__(
            "The private key is not usable: name a PEM file with an Ed25519 or P-256 key, "
            "without a password, whose public half the application registered."
        )


class ClosedClientError(ClientError):
    """The client was closed; open a new one."""

    def __init__(self) -> None:
        super().__init__("The client is closed: open a new one.")


class NotServingError(ClientError):
    """The server did not come up in time."""

    def __init__(self, target: str, timeout_seconds: float) -> None:
        super().__init__(f"{target} did not serve within {timeout_seconds:g} s: is it running?")
        self.target: Final = target
        self.timeout_seconds: Final = timeout_seconds


@dataclass(frozen=True, slots=True)
class _Details:
    """What the details of a status say; all empty where there are none."""

    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: tuple[FieldViolation, ...] = ()
    retry_after_seconds: float | None = None


class RemoteError(ClientError):
    """The server, or the way to it, refused or failed.

    `reason` is a value of `bonafides.v1.ErrorReason` without its prefix; empty where
    the answer is not of our server's making, for example when nobody listens.
    `retry_after_seconds` is None where the server named no time. What varies in the
    description of a violation is among its own `parameters`, not in `metadata`.
    """

    def __init__(self, code: grpc.StatusCode, message: str, details: _Details) -> None:
        super().__init__(message or code.name)
        self.code: Final = code
        self.message: Final = message
        self.reason: Final = details.reason
        self.metadata: Final = details.metadata
        self.violations: Final = details.violations
        self.retry_after_seconds: Final = details.retry_after_seconds


def cancelled() -> RemoteError:
    """Returns what a call under way says when its channel is closed."""
    return RemoteError(grpc.StatusCode.CANCELLED, "Channel closed!", _Details())


def remote_error(error: grpc.RpcError) -> RemoteError:
    """Returns what a failed call says."""
    return RemoteError(error.code(), error.details() or "", _details(error))


def _details(error: grpc.RpcError) -> _Details:
    """Returns what the error's google.rpc.Status says; empty where it has none of ours."""
    try:
        status = rpc_status.from_call(error)  # type: ignore[no-untyped-call]  # ships no types
        return _unpacked(status.details if status else ())
    except (ValueError, DecodeError):
        # The bytes of a stranger, or of a proxy between: the code alone is to be believed.
        return _Details()


def _unpacked(details: Iterable[any_pb2.Any]) -> _Details:
    found: dict[str, Any] = {}
    faults: list[error_details_pb2.BadRequest.FieldViolation] = []
    info = error_details_pb2.ErrorInfo()
    request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    for detail in details:
        if detail.Unpack(info) and info.domain == DOMAIN:
            found |= {"reason": info.reason, "metadata": dict(info.metadata)}
        elif detail.Unpack(request):
            faults = list(request.field_violations)
        elif detail.Unpack(retry):
            found["retry_after_seconds"] = retry.retry_delay.ToTimedelta().total_seconds()
    metadata, parameters = _parted(found.get("metadata", {}))
    violations = tuple(
        FieldViolation(fault.field, fault.reason, fault.description, parameters.get(place, {}))
        for place, fault in enumerate(faults)
    )
    return _Details(**found | {"metadata": metadata, "violations": violations})


def _parted(told: Mapping[str, str]) -> tuple[dict[str, str], dict[int, dict[str, str]]]:
    """Returns the metadata of the error, and what varies in its violations, by their place."""
    metadata: dict[str, str] = {}
    parameters: dict[int, dict[str, str]] = {}
    for name, value in told.items():
        if of_violation := _PARAMETER.fullmatch(name):
            parameters.setdefault(int(of_violation[1]), {})[of_violation[2]] = value
        else:
            metadata[name] = value
    return metadata, parameters
