"""Calls a Bonafides service: typed, within a deadline, every fault mapped.

It decides how a call travels and what its failure means; what a caller may see is
the server's business alone. It imports the compiled protos and the errors' parts,
none of the server's rooms, so that a platform can use it by itself.

Rules:
- every call has a deadline;
- only UNAVAILABLE is tried again, with growing pauses, inside that deadline;
- a stream of records that breaks is taken up again behind what is stored;
- plaintext goes to loopback alone; anywhere else the connection is TLS, checked
  against the root certificates that the caller names;
- only `ClientError` and its kind leave this module;
- the token stands in no repr and no error.

    with Client("127.0.0.1:50051", token=token) as client:
        archive = client.get_archive("91990000MA00000011")
"""

from __future__ import annotations

import ipaddress
import json
import re
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from bonafides.errors import FieldViolation
from bonafides.outbox import Outbox
from bonafides.v1 import (
    archive_pb2,
    archive_service_pb2,
    archive_service_pb2_grpc,
    enterprise_pb2,
    identity_service_pb2,
    identity_service_pb2_grpc,
    rating_pb2,
    rating_service_pb2,
    rating_service_pb2_grpc,
    record_pb2,
    record_service_pb2,
    record_service_pb2_grpc,
)

DOMAIN: Final = "bonafides"
DEFAULT_TIMEOUT_SECONDS: Final = 5.0
# Below the server's own bound on connections, so that streams end by our wish.
_STREAM_SECONDS: Final = 1_200.0
# A stream that got nowhere is opened again so often, with growing pauses.
_STREAM_PAUSES: Final = (0.1, 0.2, 0.4, 0.8, 1.6)
_BROKEN: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})
# Between two looks at a server that is starting.
_POLL_SECONDS: Final = 0.05
# Four attempts take 0.7 s of pauses at most: inside the default deadline.
_SERVICE_CONFIG: Final = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "1s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            },
            # Taken up again by us, behind the cursor; the library would replay it all.
            {"name": [{"service": "bonafides.v1.RecordService", "method": "WriteRecords"}]},
        ]
    }
)
_OPTIONS: Final = (
    ("grpc.service_config", _SERVICE_CONFIG),
    # A server that restarts is found again at once, not after the library's second.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)
# An http_proxy variable would carry plaintext, and the token in it, off the machine.
_PLAINTEXT_OPTIONS: Final = (*_OPTIONS, ("grpc.enable_http_proxy", 0))

# One address of one machine; a list of addresses does not match.
_HOST: Final = re.compile(r"(?:dns:///|ipv4:|ipv6:)?(?:\[([^]]+)\]|([^]\[:,/]+))(?::\d+)?")

_Request = TypeVar("_Request")
_Answer = TypeVar("_Answer")


class ClientError(Exception):
    """The base of what this module raises.

    ClientError
      InsecureTargetError   plaintext was asked for outside loopback
      TokenUnusableError    the token can't stand in a header
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
            "The access token holds spaces or other characters that no token has: copy it whole, "
            "on one line."
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
    `retry_after_seconds` is None where the server named no time.
    """

    def __init__(self, code: grpc.StatusCode, message: str, details: _Details) -> None:
        super().__init__(message or code.name)
        self.code: Final = code
        self.message: Final = message
        self.reason: Final = details.reason
        self.metadata: Final = details.metadata
        self.violations: Final = details.violations
        self.retry_after_seconds: Final = details.retry_after_seconds


class Client:
    """A connection to one server, as one caller. Threads may share it."""

    def __init__(
        self,
        target: str,
        *,
        token: str | None = None,
        root_certificates: bytes | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:
        """Opens a channel; the first call connects.

        `token` None is the anonymous caller. `root_certificates`, PEM, makes the
        connection TLS. `timeout_seconds` is the deadline of each call.

        Raises:
            InsecureTargetError: no root certificates, and not loopback.
            TokenUnusableError: the token can't stand in a header.
        """
        self._target: Final = target
        self._timeout_seconds: Final = timeout_seconds
        self._metadata: Final = _authorization(token)
        self._channel: Final = _channel(target, root_certificates)
        self._identity: Final = identity_service_pb2_grpc.IdentityServiceStub(self._channel)
        self._archives: Final = archive_service_pb2_grpc.ArchiveServiceStub(self._channel)
        self._ratings: Final = rating_service_pb2_grpc.RatingServiceStub(self._channel)
        self._records: Final = record_service_pb2_grpc.RecordServiceStub(self._channel)
        self._health: Final = health_pb2_grpc.HealthStub(  # type: ignore[no-untyped-call]  # ships no types
            self._channel
        )

    def __repr__(self) -> str:
        return f"Client({self._target!r}, {'logged in' if self._metadata else 'anonymous'})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the channel; calls under way are cancelled."""
        self._channel.close()

    def submit_identity(
        self, claims: enterprise_pb2.Claims, request_id: str | None = None
    ) -> enterprise_pb2.Submission:
        """Submits what an enterprise says of itself.

        `request_id` is a UUID, new for each submission: give one of your own to be
        able to repeat the call when its answer was lost. None draws one.

        Raises:
            RemoteError: refused or failed; `violations` names all faulty fields.
        """
        request = identity_service_pb2.SubmitIdentityRequest(
            request_id=request_id or str(uuid.uuid4()), claims=claims
        )
        return self._call(self._identity.SubmitIdentity, request)

    def get_submission(self, name: str) -> enterprise_pb2.Submission:
        """Gets a submission by its name, enterprises/{code}/submissions/{uid}.

        Raises:
            RemoteError: NOT_FOUND to all but its submitter and staff.
        """
        request = identity_service_pb2.GetSubmissionRequest(name=name)
        return self._call(self._identity.GetSubmission, request)

    def get_archive(self, code: str) -> archive_pb2.Archive:
        """Gets the archive of an enterprise, as this caller may see it.

        Raises:
            RemoteError: NOT_FOUND for an enterprise that takes no part.
        """
        request = archive_service_pb2.GetArchiveRequest(name=f"enterprises/{code}/archive")
        return self._call(self._archives.GetArchive, request)

    def get_rating(self, code: str) -> rating_pb2.Rating:
        """Gets the level of an enterprise, with its explanation where this caller may see it.

        Raises:
            RemoteError: NOT_FOUND for an enterprise that takes no part.
        """
        request = rating_service_pb2.GetRatingRequest(name=f"enterprises/{code}/rating")
        return self._call(self._ratings.GetRating, request)

    def get_scorecard(self, version: str = "champion") -> rating_pb2.Scorecard:
        """Gets a scorecard; "champion" is the one that is served.

        Raises:
            RemoteError: NOT_FOUND for a version that was not published.
        """
        request = rating_service_pb2.GetScorecardRequest(name=f"scorecards/{version}")
        return self._call(self._ratings.GetScorecard, request)

    def get_write_cursor(self, source: str) -> int:
        """Gets up to which batch a source is stored; 0 if none ever was.

        Raises:
            RemoteError: not for this kind of caller.
        """
        request = record_service_pb2.GetWriteCursorRequest(source=source)
        return self._call(self._records.GetWriteCursor, request).sequence

    def write_records(
        self,
        batches: Iterable[Sequence[record_pb2.Record]],
        *,
        source: str,
        first: int | None = None,
    ) -> Iterator[record_service_pb2.WriteRecordsResponse]:
        """Writes batches of 1 to 1000 records; yields acknowledgments of what is stored.

        `source` is a name of yours for what numbers the batches. `first` is the
        number of the first one: give the same batches the same numbers, and those
        that are stored already are not sent again. None numbers on from what is
        stored. A stream that breaks is taken up again; records that the server
        refuses stand in `rejections`. Nothing is sent before the first acknowledgment
        is asked for.

        Raises:
            RemoteError: refused, or broken again and again without getting on.
            Exception: whatever `batches` raised, once what came before is stored.
        """
        cursor = self.get_write_cursor(source)
        outbox = Outbox(source, batches, first=cursor + 1 if first is None else first)
        pauses = iter(_STREAM_PAUSES)
        while True:
            outbox.resume(cursor)
            try:
                for answer in self._stream(outbox):
                    outbox.acknowledged(answer.sequence)
                    pauses = iter(_STREAM_PAUSES)
                    yield answer
            except RemoteError as error:
                pause = next(pauses, None) if error.code in _BROKEN else None
                if pause is None:
                    raise
                time.sleep(pause)
                cursor = self.get_write_cursor(source)
            else:
                if outbox.failure is not None:
                    raise outbox.failure
                return

    def wait_until_serving(self, timeout_seconds: float = 10.0) -> None:
        """Returns once the server's health is SERVING.

        Raises:
            NotServingError: it was not within the time given.
        """
        end = time.monotonic() + timeout_seconds
        while (left := end - time.monotonic()) > 0:
            try:
                answer = self._health.Check(
                    health_pb2.HealthCheckRequest(), timeout=left, wait_for_ready=True
                )
            except grpc.RpcError as error:
                # A server that drains or starts is UNAVAILABLE; one that has no
                # health service will not come up by waiting.
                if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                    raise _remote_error(error) from error
            except ValueError as error:
                raise ClosedClientError from error
            else:
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
            time.sleep(min(_POLL_SECONDS, left))
        raise NotServingError(self._target, timeout_seconds)

    def _stream(self, outbox: Outbox) -> Iterator[record_service_pb2.WriteRecordsResponse]:
        try:
            answers = self._records.WriteRecords(
                outbox.requests(), timeout=_STREAM_SECONDS, metadata=self._metadata
            )
        except ValueError as error:
            raise ClosedClientError from error
        try:
            yield from answers
        except grpc.RpcError as error:
            raise _remote_error(error) from error
        finally:
            answers.cancel()
            outbox.stop()

    def _call(
        self, method: grpc.UnaryUnaryMultiCallable[_Request, _Answer], request: _Request
    ) -> _Answer:
        try:
            return method(request, timeout=self._timeout_seconds, metadata=self._metadata)
        except grpc.RpcError as error:
            raise _remote_error(error) from error
        except ValueError as error:
            # The library's way to say that the channel was closed.
            raise ClosedClientError from error


def _authorization(token: str | None) -> tuple[tuple[str, str], ...]:
    if token is None:
        return ()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise TokenUnusableError
    return (("authorization", f"Bearer {token}"),)


def _channel(target: str, root_certificates: bytes | None) -> grpc.Channel:
    if root_certificates is not None:
        credentials = grpc.ssl_channel_credentials(root_certificates)
        return grpc.secure_channel(target, credentials, options=_OPTIONS)
    if not _is_loopback(target):
        raise InsecureTargetError(target)
    return grpc.insecure_channel(target, options=_PLAINTEXT_OPTIONS)


def _is_loopback(target: str) -> bool:
    """Tells whether every address of the target is this machine's own.

    Names other than localhost are not looked up: who answers for them may change
    between the look and the call.
    """
    match = _HOST.fullmatch(target)
    if match is None:
        return False
    host = match[1] or match[2]
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _remote_error(error: grpc.RpcError) -> RemoteError:
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
    info = error_details_pb2.ErrorInfo()
    request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    for detail in details:
        if detail.Unpack(info) and info.domain == DOMAIN:
            found |= {"reason": info.reason, "metadata": dict(info.metadata)}
        elif detail.Unpack(request):
            found["violations"] = tuple(
                FieldViolation(fault.field, fault.reason, fault.description)
                for fault in request.field_violations
            )
        elif detail.Unpack(retry):
            found["retry_after_seconds"] = retry.retry_delay.ToTimedelta().total_seconds()
    return _Details(**found)
