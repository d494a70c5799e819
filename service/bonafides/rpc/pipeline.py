"""The one wrapper around every method.

Methods are registered from the service descriptors with raw bytes in and out, so
that hostile bytes meet our parser and not the library's, which answers INTERNAL
and quotes exceptions. A call goes through these steps, numbered again below:

1. It gets its call id: the caller's own, if that is a UUID, else a new one. The
   id comes back in the trailers and stands in the log.
2. Admission: twice as many calls as threads; beyond, SERVER_BUSY, before anything
   of the call is parsed. A call keeps its place until its thread is done, even
   when its deadline passed first.
3. Deadline: the caller's, or the default; looked at again when a thread is free.
   The message itself must come within the default.
4. The caller, from the credential.
5. The row of access.policy. Only now may anything be said about the request.
6. Parsing.
7. Validation of shape, and of meaning beside it, so that all faults come at once.
8. The handler: `def get_archive(self, request, call) -> Archive | bytes`. One that
   misses a revision is asked again, after a pause in which it holds no thread.
9. Errors become statuses by rpc.status; foreign ones become INTERNAL, fixed text.
10. Exactly one event for the log: no message, no text of an exception, no value.
    The journal writes it a little later.

Steps 4 to 8 are done on a thread. A method whose service has `at_once_<method>` is
tried on the event loop first, through the same steps: if its token is remembered
and that handler answers, no thread is needed, and no place is taken. If it returns
None, nothing has been done, and a thread begins anew. Such a handler never waits.

A method that streams both ways goes through the same steps, with a count of its own
(2) and a bound on silence in place of a deadline (3). Its handler gives a session
for each stream; 4 to 8 are done for each message, whose result may come later, and
`rpc.streams` keeps them in order. The credential is looked at again for each: a
stream outlives no token.

What a caller sees of the answer is the handler's business, by access.disclosure.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from bonafides.access import policy
from bonafides.access.callers import Caller, TokenVerifier
from bonafides.errors import (
    BugError,
    CredentialError,
    DeadlinePassedError,
    FieldViolation,
    InvalidFieldsError,
    MalformedMessageError,
    RevisionNotReachedError,
    ServerBusyError,
    ServerDrainingError,
)
from bonafides.instants import Instant
from bonafides.rpc import validation
from bonafides.rpc.events import Event, Journal
from bonafides.rpc.reading import Context, read_message
from bonafides.rpc.status import CALL_ID, Reply, reply
from bonafides.rpc.streams import Flow, Stream

Answer: TypeAlias = Message | bytes

# A caller that asks for more does not get it: no call of ours is that long.
_MOST_SECONDS: Final = 60.0
_BUSY_RETRY_SECONDS: Final = 1
_OWN_CALL_ID: Final = f"x-{CALL_ID}"
# Pauses between two looks for a revision, doubled each time.
_FIRST_PAUSE_SECONDS: Final = 0.02
_LONGEST_PAUSE_SECONDS: Final = 0.5
# What is left for the answer of a call that waited in vain.
_ANSWER_SECONDS: Final = 0.1
# Meaning is looked at beside a faulty shape only in requests of honest size.
_MOST_BYTES_FOR_MEANING: Final = 32_768
# Reading records keeps the interpreter busy: more threads would not be faster.
_STREAM_THREADS: Final = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one process takes on."""

    threads: int
    default_deadline_seconds: float
    # Open at once. Each may hold 512 KiB of messages that are under way.
    streams: int = 64
    stream_idle_seconds: float = 60.0
    # For how long an event of the log may wait for others to be written with; 0: not.
    log_linger_seconds: float = 0.0

    @property
    def admitted(self) -> int:
        """How many calls are let in at once. More would only wait in line (2)."""
        return 2 * self.threads


@dataclass(frozen=True, slots=True)
class World:
    """What the pipeline needs from outside: clocks, new ids, and names for the log."""

    now: Callable[[], Instant]
    monotonic: Callable[[], float]
    new_call_id: Callable[[], str]
    pseudonym: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as its handler sees it. `now` is the one time of the operation."""

    caller: Caller
    now: Instant
    _received: _Received = field(repr=False)
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
class _Method:
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
class _Received:
    """A call as it comes in: nothing of it is trusted yet. No wire: no message was sent."""

    authorizations: Sequence[str]
    # What goes out beside the answer.
    trailers: list[tuple[str, str]]
    deadline: float = 0.0
    wire: bytes | None = None


class Pipeline:
    """Runs every method of every service, the same way."""

    def __init__(self, verifier: TokenVerifier, limits: Limits, world: World) -> None:
        self._verifier: Final = verifier
        self._limits: Final = limits
        self._world: Final = world
        self._admission: Final = _Admission(limits.admitted)
        # Calls that wait for a revision; counted on the event loop alone.
        self._waiting = 0
        self._journal: Final = Journal(world.now, world.pseudonym, limits.log_linger_seconds)
        self._threads: Final = ThreadPoolExecutor(limits.threads, thread_name_prefix="call")
        self._flow: Final = Flow(
            ThreadPoolExecutor(_STREAM_THREADS, thread_name_prefix="stream"),
            limits.stream_idle_seconds,
        )
        self._streams: Final[set[Stream]] = set()
        self._draining = False

    def handlers(self, descriptor: ServiceDescriptor, service: object) -> grpc.GenericRpcHandler:
        """Returns the handlers of a service, one for each method of its descriptor.

        Raises:
            BugError: a method has no policy row, no handler, or streams one way.
        """
        methods = [_bound(method, service) for method in descriptor.methods]
        policy.require_rows(method.name for method in methods)
        served = {method.name.rsplit("/", 1)[1]: self._served(method) for method in methods}
        return grpc.method_handlers_generic_handler(descriptor.full_name, served)

    async def drain(self) -> None:
        """Ends the streams, each once what it has sent is answered. Unary calls finish anyway."""
        self._draining = True
        for stream in self._streams:
            stream.end(ServerDrainingError())

    def close(self) -> None:
        """Waits for the threads that still work, and lets no more work begin."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._flow.threads.shutdown(wait=True, cancel_futures=True)
        self._journal.write()

    def _served(self, method: _Method) -> grpc.RpcMethodHandler[bytes, bytes]:
        async def serve(_messages: object, context: Context) -> bytes:
            return await self._serve(method, context)

        async def stream(_messages: object, context: Context) -> None:
            await self._serve(method, context)

        if method.streams:
            return grpc.stream_stream_rpc_method_handler(stream)
        # Registered as if messages streamed in, though exactly one is read: the
        # library's own reading of one message waits for ever where none is sent.
        return grpc.stream_unary_rpc_method_handler(serve)

    async def _serve(self, method: _Method, context: Context) -> bytes:
        started = self._world.monotonic()
        call_id, authorizations = _headers(context.invocation_metadata() or ())
        event = Event(call_id or self._world.new_call_id())  # 1
        received = _Received(authorizations, [(CALL_ID, event.call_id)])
        told: Reply | None = None
        try:
            run = self._stream if method.streams else self._answer
            answer = await run(method, context, received, event)
            event.succeeded()
        except Exception as error:  # noqa: BLE001 - whatever it is, its text must not get out
            told = reply(error, event.call_id)  # 9
            event.failed(error, told)
        finally:
            seconds = self._world.monotonic() - started
            self._journal.note(event, method.name, seconds)  # 10
        if told is not None:
            await context.abort(told.code, told.message, told.trailers)
        context.set_trailing_metadata(tuple(received.trailers))
        return answer

    async def _answer(
        self, method: _Method, context: Context, received: _Received, event: Event
    ) -> bytes:
        seconds = self._admitted_seconds(method, context)
        received.deadline = self._world.monotonic() + seconds
        # The message itself must come within the default.
        patience = min(seconds, self._limits.default_deadline_seconds)
        received.wire = await read_message(context, patience)
        answer = self._at_once(method, received, event)
        return await self._patiently(method, received, event) if answer is None else answer

    async def _stream(
        self, method: _Method, context: Context, received: _Received, event: Event
    ) -> bytes:
        """Runs a stream to its end. What it answers it has written by then."""
        if self._draining:
            raise ServerDrainingError
        if len(self._streams) >= self._limits.streams:  # 2
            raise ServerBusyError(_BUSY_RETRY_SECONDS)
        session = method.handle(self._allowed(method, received, event))

        def take(wires: Sequence[bytes]) -> list[Future[Any]]:
            taken: list[Future[Any]] = []
            for wire in wires:
                try:
                    # The digest of a batch is of its own bytes, not of the stream's.
                    message = replace(received, wire=wire)
                    call = self._allowed(method, message, event)
                    request = _parsed(method, wire)  # 6
                    _validate_envelope(request)  # 7
                    taken.append(session.take(request, call))  # 8
                except Exception as error:  # noqa: BLE001 - raised where the stream is answered
                    refused: Future[Any] = Future()
                    refused.set_exception(error)
                    return [*taken, refused]
            return taken

        def answer(results: Sequence[Any]) -> bytes:
            made: bytes = session.answer(results).SerializeToString()
            return made

        stream = Stream(context, take, answer, self._flow)
        self._streams.add(stream)
        whole = False
        try:
            await stream.run()
            whole = True
        finally:
            self._streams.discard(stream)
            if hasattr(session, "ended"):
                session.ended(whole=whole)
        return b""

    def _admitted_seconds(self, method: _Method, context: Context) -> float:
        """Returns how long the call may take."""
        if method.at_once is None:
            self._admission.require_room()  # 2
        asked: float | None = context.time_remaining()  # 3
        if asked is None:
            return self._limits.default_deadline_seconds
        if asked <= 0:
            raise DeadlinePassedError
        return min(asked, _MOST_SECONDS)

    def _at_once(self, method: _Method, received: _Received, event: Event) -> bytes | None:
        """Does steps 4 to 8 on the event loop, if that takes no waiting; else nothing."""
        if method.at_once is None or len(received.authorizations) > 1:
            return None
        now = self._world.now()
        caller = self._verifier.recall(next(iter(received.authorizations), None), now)  # 4
        if caller is None:
            return None
        call = _permitted(method, Call(caller, now, received, event))
        return _handled(method, method.at_once, received.wire, call)

    async def _patiently(self, method: _Method, received: _Received, event: Event) -> bytes:
        """Does steps 4 to 8 on a thread, again while a revision is missing and time is left."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._on_thread(method, received, event)
            except RevisionNotReachedError:
                left = received.deadline - self._world.monotonic() - _ANSWER_SECONDS
                # As many may wait as may work: each asks the database now and then.
                if left <= pause or self._waiting >= self._limits.admitted:
                    raise
            self._waiting += 1
            try:
                await asyncio.sleep(pause)
            finally:
                self._waiting -= 1
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _on_thread(self, method: _Method, received: _Received, event: Event) -> bytes:
        # A place is taken only now: senders that dawdle hold none.
        self._admission.enter()  # 2
        try:
            work = self._threads.submit(self._work, method, received, event)
        except RuntimeError:
            # Draining: the threads are closed to new work.
            self._admission.leave()
            raise ServerBusyError(_BUSY_RETRY_SECONDS) from None
        # Not when the caller gives up: the thread is busy until it is done.
        work.add_done_callback(lambda _: self._admission.leave())
        try:
            async with asyncio.timeout(received.deadline - self._world.monotonic()) as patience:
                return await asyncio.wrap_future(work)
        except TimeoutError:
            if patience.expired():
                raise DeadlinePassedError from None
            raise

    def _work(self, method: _Method, received: _Received, event: Event) -> bytes:
        """Does steps 4 to 8, on a thread."""
        if self._world.monotonic() >= received.deadline:  # 3, again
            raise DeadlinePassedError
        call = self._allowed(method, received, event)
        answer = _handled(method, method.handle, received.wire, call)
        if answer is None:
            raise BugError(f"{method.name} gave no answer")
        return answer

    def _allowed(self, method: _Method, received: _Received, event: Event) -> Call:
        """Returns the call, once it is known to be one that its caller may make."""
        now = self._world.now()
        if len(received.authorizations) > 1:  # 4
            raise CredentialError("REPEATED")
        caller = self._verifier.resolve(next(iter(received.authorizations), None), now)
        return _permitted(method, Call(caller, now, received, event))


class _Admission:
    """Counts the calls that were let in."""

    def __init__(self, most: int) -> None:
        self._most: Final = most
        self._inside = 0
        # Calls enter on the event loop and leave on their threads.
        self._lock: Final = threading.Lock()

    def require_room(self) -> None:
        if self._inside >= self._most:
            raise ServerBusyError(_BUSY_RETRY_SECONDS)

    def enter(self) -> None:
        with self._lock:
            self.require_room()
            self._inside += 1

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1


def _bound(method: MethodDescriptor, service: object) -> _Method:
    name = f"/{method.containing_service.full_name}/{method.name}"
    if method.client_streaming != method.server_streaming:
        raise BugError(f"{name} streams one way, and the pipeline has no wrapper for that")
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", method.name).lower()
    handle = getattr(service, snake, None)
    if not callable(handle):
        raise BugError(f"{name} has no handler {snake}")
    return _Method(
        name,
        method.client_streaming,
        GetMessageClass(method.input_type),
        handle,
        getattr(service, f"faults_in_{snake}", None),
        getattr(service, f"at_once_{snake}", None),
    )


def _permitted(method: _Method, call: Call) -> Call:
    """Returns the call if its caller may make it."""
    call._event.caller = call.caller.kind.value  # noqa: SLF001 - the log's side of the call
    policy.check(method.name, call.caller)  # 5
    return call


def _handled(
    method: _Method,
    handle: Callable[[Message, Call], Answer | None],
    wire: bytes | None,
    call: Call,
) -> bytes | None:
    """Does steps 6 to 8; None if the handler has no answer."""
    request = _parsed(method, wire)  # 6
    _validate(method, request, call)  # 7
    answer = handle(request, call)  # 8
    if answer is None or isinstance(answer, bytes):
        return answer
    return answer.SerializeToString()


def _parsed(method: _Method, wire: bytes | None) -> Message:
    if wire is None:
        raise MalformedMessageError
    try:
        return method.request.FromString(wire)
    except (DecodeError, RecursionError):
        # The library's texts quote the bytes.
        raise MalformedMessageError from None


def _validate(method: _Method, request: Message, call: Call) -> None:
    found = validation.violations(request)
    if not found:
        return
    if method.faults and request.ByteSize() <= _MOST_BYTES_FOR_MEANING:
        told = {violation.field for violation in found}
        meant = method.faults(request, call)
        found += tuple(violation for violation in meant if violation.field not in told)
    raise InvalidFieldsError(found)


def _validate_envelope(request: Message) -> None:
    if found := validation.envelope_violations(request):
        raise InvalidFieldsError(found)


def _headers(metadata: Iterable[Any]) -> tuple[str | None, Sequence[str]]:
    """Returns the caller's own call id, canonical, None without a UUID; and its credentials."""
    call_id: str | None = None
    authorizations: list[str] = []
    for key, value in metadata:
        if key == "authorization":
            authorizations.append(str(value))
        elif key == _OWN_CALL_ID and call_id is None:
            try:
                call_id = str(uuid.UUID(value))
            except (ValueError, TypeError, AttributeError):
                # Not taken, and no second one either.
                call_id = ""
    return call_id or None, authorizations
