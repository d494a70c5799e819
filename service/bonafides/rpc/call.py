"""One method as it is bound, and one call of it as it is read.

`bound` finds the handler of a method by its name; `read` makes of a call's metadata what
is known before anything is trusted; `handled` parses, validates and hands over. The steps
between them, and their order, are the pipeline's.

    method = bound(descriptor, service)
    answer = handled(method, method.handle, wire, call)
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final, TypeAlias

from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from bonafides.access import policy, purposes
from bonafides.access.assertions import require_purpose
from bonafides.access.callers import Caller
from bonafides.errors import (
    BugError,
    FieldViolation,
    InvalidFieldsError,
    MalformedMessageError,
    NotFoundError,
)
from bonafides.instants import Instant
from bonafides.rpc import validation
from bonafides.rpc.events import Event
from bonafides.rpc.metering import Meter, Tab
from bonafides.rpc.status import CALL_ID
from bonafides.v1 import disclosure_pb2
from bonafides.v1.purpose_pb2 import ReadPurpose

Answer: TypeAlias = Message | bytes
Violations: TypeAlias = tuple[FieldViolation, ...]
Read: TypeAlias = Callable[[bytes | None], tuple[Message, Violations]]

_OWN_CALL_ID: Final = f"x-{CALL_ID}"
AGENT: Final = "bonafides-agent-token"
# Meaning is looked at beside a faulty shape only in requests of honest size.
_MOST_BYTES_FOR_MEANING: Final = 32_768
# Of requests that were read before, some megabytes.
_MOST_REMEMBERED: Final = 8_192
_MOST_BYTES_REMEMBERED: Final = 256


@dataclass(slots=True)
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
        """Notes the enterprise that the call is about; the log gets its pseudonym.

        To be said before anything of it is looked up: an integrator who names another than
        the one it acts for learns what it would learn of one that there isn't, and where
        enterprises are read, the caller's budget is charged with it here.

        Raises:
            NotFoundError: the caller acts for another enterprise.
            BudgetSpentError: it is spent.
        """
        self._event.enterprise = code
        if self.caller.acts_for and self.caller.acts_for != code:
            raise NotFoundError
        if self._received.tab is not None:
            self._received.tab.look_up(code)

    def looks_for(self, name: str) -> None:
        """Charges the caller's budget with a name that an enterprise may have or not.

        Raises:
            BudgetSpentError: it is spent.
        """
        if self._received.tab is not None:
            self._received.tab.look_up(name)

    def spend_more(self, count: int) -> None:
        """Pays for the further items of a batch, beyond the first.

        Raises:
            BudgetSpentError: the caller's budget has not so much left; nothing was paid.
        """
        if self._received.tab is not None:
            self._received.tab.spend_more(count)

    def seen_as(self, audience: disclosure_pb2.Audience.ValueType) -> None:
        """Notes in whose eyes the answer is shown, for the audit."""
        self._received.audience = audience

    def shows(self, codes: Iterable[str]) -> None:
        """Notes all enterprises that the answer shows, where it is not one that was asked for."""
        self._received.shown = tuple(codes)

    def rests_on(self, code: str, consents: int | None) -> None:
        """Notes on which consents rests what is shown of an enterprise; None: not known.

        Bits as in access.audit. Of what nothing is noted the ledger is asked.
        """
        self._received.consents[code] = consents

    def comes_again(self, fetch: Callable[[], asyncio.Future[None] | None]) -> None:
        """Has the call tried at once again after what is fetched, the first time that it asks.

        To be said by a handler that does not know the answer at once. `fetch` returns what is
        waited for; None: a thread has to do it.
        """
        if self._received.awaited is None:
            self._received.awaited = fetch()

    def count(self, **numbers: int) -> None:
        """Adds to the numbers that the log tells of the call."""
        self._event.count(numbers)


@dataclass(frozen=True, slots=True)
class Method:
    name: str
    streams: bool
    request: type[Message]
    # What the bytes of a request say, and what is wrong with that. Of methods that are tried
    # at once it is remembered: they read, and few requests are most of theirs.
    read: Read
    # Answers a request; or opens the session of a stream, which has `take(request, call)`,
    # giving a future, and `answer(results)`, giving one answer to several. It may have
    # `ended(whole=...)`, called on the event loop: whether the peer came to its end.
    handle: Callable[..., Any]
    # The service's `faults_in_<method>`: violations of meaning, as the handler would raise them.
    faults: Callable[[Message, Call], Sequence[FieldViolation]] | None
    # The service's `at_once_<method>`: the answer without waiting, or None.
    at_once: Callable[[Message, Call], Answer | None] | None
    # What it answers with.
    answer: Descriptor
    # The names of the purposes that its requests may name, by number; None: they name none.
    purposes: Mapping[int, str] | None


@dataclass(slots=True)
class Received:
    """A call as it comes in: nothing of it is trusted yet. No wire: no message was sent."""

    authorizations: Sequence[str]
    # What goes out beside the answer.
    trailers: list[tuple[str, str]]
    deadline: float = 0.0
    wire: bytes | None = None
    # The address prefix that it comes from, and what it is paid from, once it is.
    origin: str = ""
    tab: Tab | None = None
    # What the audit writes of it: the call once its caller is known, and what the handler
    # noted of its answer.
    call: Call | None = None
    audience: disclosure_pb2.Audience.ValueType = disclosure_pb2.AUDIENCE_UNSPECIFIED
    shown: tuple[str, ...] = ()
    consents: dict[str, int | None] = field(default_factory=dict)
    purpose: str = ""
    # What a handler that had no answer at once waits for, to be tried once more.
    awaited: asyncio.Future[None] | None = None
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
    request, at_once = (
        GetMessageClass(method.input_type),
        getattr(service, f"at_once_{snake}", None),
    )
    read = partial(_read, request)
    return Method(
        name,
        method.client_streaming,
        request,
        read if at_once is None else _remembering(read),
        handle,
        getattr(service, f"faults_in_{snake}", None),
        at_once,
        method.output_type,
        _purposes(method.input_type),
    )


def _purposes(request: Descriptor) -> Mapping[int, str] | None:
    # Consents have a field of this name, too, for what a person agreed to.
    field = request.fields_by_name.get(purposes.FIELD)
    if field is None or field.enum_type is not ReadPurpose.DESCRIPTOR:
        return None
    return {
        value.number: value.name.removeprefix("READ_PURPOSE_")
        for value in field.enum_type.values
        if value.number
    }


def permitted(method: Method, call: Call, meter: Meter | None, *, waits: bool) -> Call:
    """Returns the call if its caller may make it, and has paid for it."""
    call._event.caller = call.caller.kind.value  # noqa: SLF001 - the log's side of the call
    call._received.call = call  # noqa: SLF001 - the audit's
    policy.check(method.name, call.caller)  # 5
    if meter is not None:
        received = call._received  # noqa: SLF001 - the pipeline's side of the call
        received.tab = meter.enter(
            method.name, call.caller, received.origin, call.now, received.tab, waits=waits
        )
    return call


def handled(
    method: Method,
    handle: Callable[[Message, Call], Answer | None],
    wire: bytes | None,
    call: Call,
) -> bytes | None:
    """Does steps 6 to 8; None if the handler has no answer."""
    request, faults = method.read(wire)  # 6, 7
    if method.purposes is not None:
        named = method.purposes.get(request.purpose, "")  # type: ignore[attr-defined]  # it has the field
        call._received.purpose = named  # noqa: SLF001 - for the audit, though it be refused
    _require_sound(method, request, call, faults)
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


def parsed(request: type[Message], wire: bytes | None) -> Message:
    if wire is None:
        raise MalformedMessageError
    try:
        return request.FromString(wire)
    except (DecodeError, RecursionError):
        # The library's texts quote the bytes.
        raise MalformedMessageError from None


def _read(request: type[Message], wire: bytes | None) -> tuple[Message, Violations]:
    """Does step 6, and the part of 7 that follows from the bytes alone."""
    read = parsed(request, wire)
    return read, validation.violations(read)


def _remembering(read: Read) -> Read:
    """Reads what is asked again and again once. Handlers change no request."""
    known = lru_cache(_MOST_REMEMBERED)(read)

    def remembered(wire: bytes | None) -> tuple[Message, Violations]:
        is_small = wire is not None and len(wire) <= _MOST_BYTES_REMEMBERED
        return known(wire) if is_small else read(wire)

    return remembered


def _require_sound(method: Method, request: Any, call: Call, found: Violations) -> None:
    if method.purposes is not None:  # 7b
        fault = policy.purpose_fault(method.name, call.caller, request.purpose)
        found = found if fault is None else (*found, fault)
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
