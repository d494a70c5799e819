"""One method as it is bound, and one call of it as it is read.

`bound` finds the handler of a method by its name; `read` makes of a call's metadata what
is known before anything is trusted; `handled` parses, validates and hands over. The steps
between them, and their order, are the pipeline's.

    method = bound(descriptor, service)
    answer = handled(method, method.handle, wire, call)
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from bonafides.access import policy
from bonafides.access.assertions import require_purpose
from bonafides.access.callers import Caller
from bonafides.errors import BugError, FieldViolation, InvalidFieldsError, MalformedMessageError
from bonafides.instants import Instant
from bonafides.rpc import validation
from bonafides.rpc.events import Event
from bonafides.rpc.status import CALL_ID
from bonafides.v1.purpose_pb2 import ReadPurpose

Answer: TypeAlias = Message | bytes

_OWN_CALL_ID: Final = f"x-{CALL_ID}"
AGENT: Final = "bonafides-agent-token"
# Meaning is looked at beside a faulty shape only in requests of honest size.
_MOST_BYTES_FOR_MEANING: Final = 32_768


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as its handler sees it. `now` is the one time of the operation."""

    caller: Caller
    now: Instant
    _received: Received = field(repr=False)
    _event: Event = field(repr=False)

    @property
    def request_digest(self) -> bytes:
        """SHA-256 of the request's bytes as they came: protobuf's encoding is not canonical."""
        return hashlib.sha256(self._received.wire or b"").digest()

    def tell(self, key: str, value: str) -> None:
        """Adds to the trailing metadata of the answer. Not told beside an error."""
        self._received.trailers.append((key, value))

    def concerns(self, code: str) -> None:
        """Notes the enterprise that the call is about; the log gets its pseudonym."""
        self._event.enterprise = code

    def count(self, **numbers: int) -> None:
        """Adds to the numbers that the log tells of the call."""
        self._event.count(numbers)


@dataclass(frozen=True, slots=True)
class Method:
    name: str
    streams: bool
    request: type[Message]
    # Answers a request; or opens the session of a stream, which has `take(request, call)`,
    # giving a future, and `answer(results)`, giving one answer to several. It may have
    # `ended(whole=...)`, called on the event loop: whether the peer came to its end.
    handle: Callable[..., Any]
    # The service's `faults_in_<method>`: violations of meaning, as the handler would raise them.
    faults: Callable[[Message, Call], Sequence[FieldViolation]] | None
    # The service's `at_once_<method>`: the answer without waiting, or None.
    at_once: Callable[[Message, Call], Answer | None] | None


@dataclass(slots=True)
class Received:
    """A call as it comes in: nothing of it is trusted yet. No wire: no message was sent."""

    authorizations: Sequence[str]
    # What goes out beside the answer.
    trailers: list[tuple[str, str]]
    deadline: float = 0.0
    wire: bytes | None = None
    # By which an enterprise lets an integrator act for it.
    agent_tokens: Sequence[str] = ()
    # Who signed this very call. What was signed counts once, so it is kept for as long as
    # the call lasts.
    signed_by: Caller | None = None


def bound(method: MethodDescriptor, service: object) -> Method:
    name = f"/{method.containing_service.full_name}/{method.name}"
    if method.client_streaming != method.server_streaming:
        raise BugError(f"{name} streams one way, and the pipeline has no wrapper for that")
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", method.name).lower()
    handle = getattr(service, snake, None)
    if not callable(handle):
        raise BugError(f"{name} has no handler {snake}")
    return Method(
        name,
        method.client_streaming,
        GetMessageClass(method.input_type),
        handle,
        getattr(service, f"faults_in_{snake}", None),
        getattr(service, f"at_once_{snake}", None),
    )


def permitted(method: Method, call: Call) -> Call:
    """Returns the call if its caller may make it."""
    call._event.caller = call.caller.kind.value  # noqa: SLF001 - the log's side of the call
    policy.check(method.name, call.caller)  # 5
    return call


def handled(
    method: Method,
    handle: Callable[[Message, Call], Answer | None],
    wire: bytes | None,
    call: Call,
) -> bytes | None:
    """Does steps 6 to 8; None if the handler has no answer."""
    request = parsed(method, wire)  # 6
    _validate(method, request, call)  # 7
    if call.caller.purpose:
        _require_purpose(request, call.caller.purpose)
    answer = handle(request, call)  # 8
    if answer is None or isinstance(answer, bytes):
        return answer
    return answer.SerializeToString()


def _require_purpose(request: Message, signed_for: str) -> None:
    """Refuses a request for another purpose than the one that was signed."""
    field = request.DESCRIPTOR.fields_by_name.get("purpose")
    # Purposes of consents are called the same.
    if field is not None and field.enum_type is ReadPurpose.DESCRIPTOR:
        require_purpose(signed_for, request.purpose)  # type: ignore[attr-defined]  # looked up above


def parsed(method: Method, wire: bytes | None) -> Message:
    if wire is None:
        raise MalformedMessageError
    try:
        return method.request.FromString(wire)
    except (DecodeError, RecursionError):
        # The library's texts quote the bytes.
        raise MalformedMessageError from None


def _validate(method: Method, request: Message, call: Call) -> None:
    found = validation.violations(request)
    if not found:
        return
    if method.faults and request.ByteSize() <= _MOST_BYTES_FOR_MEANING:
        told = {violation.field for violation in found}
        meant = method.faults(request, call)
        found += tuple(violation for violation in meant if violation.field not in told)
    raise InvalidFieldsError(found)


def validate_envelope(request: Message) -> None:
    if found := validation.envelope_violations(request):
        raise InvalidFieldsError(found)


def headers(metadata: Iterable[Any]) -> tuple[str | None, Sequence[str], Sequence[str]]:
    """Returns the caller's own call id, canonical, None without a UUID; and its credentials.

    Of these first what stands for the caller itself, then what others gave it.
    """
    call_id: str | None = None
    authorizations: list[str] = []
    agent_tokens: list[str] = []
    for key, value in metadata:
        if key == "authorization":
            authorizations.append(str(value))
        elif key == AGENT:
            agent_tokens.append(str(value))
        elif key == _OWN_CALL_ID and call_id is None:
            try:
                call_id = str(uuid.UUID(value))
            except (ValueError, TypeError, AttributeError):
                # Not taken, and no second one either.
                call_id = ""
    return call_id or None, authorizations, agent_tokens
