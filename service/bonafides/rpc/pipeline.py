"""The one wrapper around every method.

Methods are registered from the service descriptors with raw bytes in and out, so
that hostile bytes meet our parser and not the library's, which answers INTERNAL
and quotes exceptions. A call goes through these steps, numbered again below:

1. It gets its call id: the caller's own, if that is a UUID, else a new one. The
   id comes back in the trailers and stands in the log.
2. Admission: twice as many calls as threads; beyond, SERVER_BUSY, before anything
   of the call is parsed. A call keeps its place until its thread is done, even
   when its deadline passed first.
3. Deadline: the caller's, or the default; no thread begins what is late.
   The message itself must come within the default.
4. The caller, from the credential; for whom it acts, from the agent token beside it.
5. The row of access.policy, and the budget (rpc.metering), of which each enterprise is
   charged as a handler names it. Only now may anything be said about the request.
6. Parsing.
7. Validation of shape, and of meaning beside it, so that all faults come at once;
   b: of what a platform reads for, by the row of access.policy.
8. The handler: `def get_archive(self, request, call) -> Archive | bytes`. One that
   misses a revision is asked again, after a pause in which it holds no thread. Whether
   an integrator still acts is looked at again before its answer leaves. What is shown is
   written down before it leaves, by rpc.recording, and so is that the caller was not
   permitted.
9. Errors become statuses by rpc.status; foreign ones become INTERNAL, fixed text.
10. Exactly one event for the log: no message, no text of an exception, no value.
    The journal writes it a little later.

Steps 4 to 8 are done on a thread. A method whose service has `at_once_<method>` is
tried on the event loop first, through the same steps: if its token is remembered
and that handler answers, no thread is needed, and no place is taken. If it returns
None, nothing has been done, and a thread begins anew. Such a handler never waits, but may
name what it is to be tried once more after. Where its answer is written down the call takes
its turn first: many are worked on in a row.

A method that streams both ways goes through the same steps, with a count of its own
(2) and a bound on silence in place of a deadline (3). Its handler gives a session
for each stream; 4 to 8 are done for each message, whose result may come later, and
`rpc.streams` keeps them in order. The credential is looked at again for each: a
stream outlives no token.

What a caller sees of the answer is the handler's business, by access.disclosure.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import grpc
from google.protobuf.descriptor import ServiceDescriptor

from bonafides.access import policy
from bonafides.access.callers import Caller, TokenVerifier
from bonafides.access.credentials import ApplicationCredentials
from bonafides.access.purses import ThreadWantedError
from bonafides.errors import (
    AgentTokenError,
    BugError,
    DeadlinePassedError,
    MalformedMessageError,
    RevisionNotReachedError,
    ServerBusyError,
    ServerDrainingError,
    StoreUnavailableError,
)
from bonafides.instants import Instant
from bonafides.rpc.authentication import Authentication
from bonafides.rpc.call import (
    Call,
    Method,
    Received,
    bound,
    handled,
    headers,
    parsed,
    permitted,
    validate_envelope,
)
from bonafides.rpc.events import Event, Journal
from bonafides.rpc.metering import Meter
from bonafides.rpc.reading import Context, Reading
from bonafides.rpc.recording import Recorder
from bonafides.rpc.status import CALL_ID, Reply, reply
from bonafides.rpc.streams import Flow, Stream
from bonafides.storage.agencies import Agents

T = TypeVar("T")

# A caller that asks for more does not get it: no call of ours is that long.
_MOST_SECONDS: Final = 60.0
_BUSY_RETRY_SECONDS: Final = 1
# Pauses between two looks for a revision, doubled each time.
_FIRST_PAUSE_SECONDS: Final = 0.02
_LONGEST_PAUSE_SECONDS: Final = 0.5
# What is left for the answer of a call that waited in vain.
_ANSWER_SECONDS: Final = 0.1
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


class Pipeline:
    """Runs every method of every service, the same way."""

    def __init__(
        self,
        verifier: TokenVerifier,
        limits: Limits,
        world: World,
        *,
        applications: ApplicationCredentials | None = None,
        meter: Meter | None = None,
        recorder: Recorder | None = None,
        agents: Agents | None = None,
    ) -> None:
        """Makes a pipeline.

        Without `applications` no call is signed, and no token names one; without `meter`
        nothing is paid for, without `recorder` nothing is written down, and without
        `agents` no agent token is taken: as where a test has no database.
        """
        self._callers: Final = Authentication(verifier, applications)
        self._meter: Final = meter
        self._recorder: Final = recorder
        self._agents: Final = agents
        self._limits: Final = limits
        self._world: Final = world
        self._admission: Final = _Admission(limits.admitted)
        self._reading: Final = Reading()
        # Calls that wait for a revision; counted on the event loop alone.
        self._waiting = 0
        self._journal: Final = Journal(world.now, world.pseudonym, limits.log_linger_seconds)
        self._threads: Final = ThreadPoolExecutor(limits.threads, thread_name_prefix="call")
        self._flow: Final = Flow(
            ThreadPoolExecutor(_STREAM_THREADS, thread_name_prefix="stream"),
            limits.stream_idle_seconds,
        )
        self._streams: Final[set[Stream]] = set()
        # Streams whose caller is being looked at; counted on the event loop alone.
        self._opening = 0
        self._draining = False

    def handlers(self, descriptor: ServiceDescriptor, service: object) -> grpc.GenericRpcHandler:
        """Returns the handlers of a service, one for each method of its descriptor.

        Raises:
            BugError: a method has no policy row, no handler, or streams one way.
        """
        methods = [bound(method, service) for method in descriptor.methods]
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
        if self._meter is not None:
            self._meter.close(self._world.now())
        self._journal.write()

    def _served(self, method: Method) -> grpc.RpcMethodHandler[bytes, bytes]:
        async def serve(_messages: object, context: Context) -> bytes:
            return await self._serve(method, context)

        async def stream(_messages: object, context: Context) -> None:
            await self._serve(method, context)

        if method.streams:
            return grpc.stream_stream_rpc_method_handler(stream)
        # Registered as if messages streamed in, though exactly one is read: the
        # library's own reading of one message waits for ever where none is sent.
        return grpc.stream_unary_rpc_method_handler(serve)

    async def _serve(self, method: Method, context: Context) -> bytes:
        started = self._world.monotonic()
        metadata = context.invocation_metadata() or ()
        call_id, authorizations, acting = headers(metadata)
        event = Event(call_id or self._world.new_call_id())  # 1
        received = Received(authorizations, [(CALL_ID, event.call_id)], agent_tokens=acting)
        if self._meter is not None:
            received.origin = self._meter.origin(context.peer(), metadata)
        told: Reply | None = None
        try:
            run = self._stream if method.streams else self._answer
            answer = await run(method, context, received, event)
            event.succeeded()
        except Exception as error:  # noqa: BLE001 - whatever it is, its text must not get out
            told = reply(error, event.call_id)  # 9
            event.failed(error, told)
            await self._refused(method, received, event, told)
        finally:
            seconds = self._world.monotonic() - started
            self._journal.note(event, method.name, seconds)  # 10
            # Else each call is a ring of objects, which only the collector frees.
            received.call = None
        if told is not None:
            await context.abort(told.code, told.message, told.trailers)
        context.set_trailing_metadata(tuple(received.trailers))
        return answer

    async def _answer(
        self, method: Method, context: Context, received: Received, event: Event
    ) -> bytes:
        seconds = self._admitted_seconds(method, context)
        received.deadline = self._world.monotonic() + seconds
        # The message itself must come within the default.
        patience = min(seconds, self._limits.default_deadline_seconds)
        received.wire = await self._reading.message(context, patience)
        if method.at_once is not None and self._recorder is not None:
            turn = self._recorder.turn(received)
            if turn is not None:
                await turn
        answer = self._at_once(method, received, event)
        if received.awaited is not None:
            await self._in_time(received.awaited, received)
            answer = self._at_once(method, received, event)
        if answer is None:
            answer = await self._patiently(method, received, event)
        if self._recorder is not None:
            waiting = self._recorder.answered(method, received, event, answer)  # 8, its end
            if waiting is not None:
                await waiting
        return answer

    async def _refused(self, method: Method, received: Received, event: Event, told: Reply) -> None:
        """Has a refusal for what the caller is or wants written down, if that can be done."""
        if self._recorder is None or told.code is not grpc.StatusCode.PERMISSION_DENIED:
            return
        # It stands either way: nothing was shown.
        with contextlib.suppress(StoreUnavailableError):
            waiting = self._recorder.refused(method, received, event, told.reason)
            if waiting is not None:
                await waiting

    async def _stream(
        self, method: Method, context: Context, received: Received, event: Event
    ) -> bytes:
        """Runs a stream to its end. What it answers it has written by then."""
        if self._draining:
            raise ServerDrainingError
        if len(self._streams) + self._opening >= self._limits.streams:  # 2
            raise ServerBusyError(_BUSY_RETRY_SECONDS)
        self._opening += 1
        try:
            first = await self._first_of_signed(context, received)
            call = await self._opened(method, received, event)
        finally:
            self._opening -= 1
        session = method.handle(call)

        def take(wires: Sequence[bytes]) -> list[Future[Any]]:
            taken: list[Future[Any]] = []
            for wire in wires:
                try:
                    # The digest of a batch is of its own bytes, not of the stream's.
                    message = replace(received, wire=wire)
                    call = self._allowed(method, message, event)
                    request = parsed(method.request, wire)  # 6
                    validate_envelope(request)  # 7
                    taken.append(session.take(request, call))  # 8
                except Exception as error:  # noqa: BLE001 - raised where the stream is answered
                    refused: Future[Any] = Future()
                    refused.set_exception(error)
                    return [*taken, refused]
            return taken

        def answer(results: Sequence[Any]) -> bytes:
            made: bytes = session.answer(results).SerializeToString()
            return made

        stream = Stream(context, take, answer, self._flow, first)
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

    async def _first_of_signed(self, context: Context, received: Received) -> Sequence[bytes]:
        """Reads the message that an assertion of a stream is about, before it is opened."""
        if not self._callers.is_signed(received):
            return ()
        patience = self._limits.default_deadline_seconds
        received.wire = await self._reading.message(context, patience)
        if received.wire is None:
            raise MalformedMessageError
        return (received.wire,)

    async def _opened(self, method: Method, received: Received, event: Event) -> Call:
        """Returns the call that opens a stream, once it is known to be allowed."""
        try:
            # Beside the event loop: a caller that is not remembered is looked up.
            work = self._flow.threads.submit(self._allowed, method, received, event)
        except RuntimeError:
            raise ServerDrainingError from None
        call = await asyncio.wrap_future(work)
        if self._draining:
            raise ServerDrainingError
        return call

    def _admitted_seconds(self, method: Method, context: Context) -> float:
        """Returns how long the call may take."""
        if method.at_once is None:
            self._admission.require_room()  # 2
        asked: float | None = context.time_remaining()  # 3
        if asked is None:
            return self._limits.default_deadline_seconds
        if asked <= 0:
            raise DeadlinePassedError
        return min(asked, _MOST_SECONDS)

    def _at_once(self, method: Method, received: Received, event: Event) -> bytes | None:
        """Does steps 4 to 8 on the event loop, if that takes no waiting; else nothing."""
        if method.at_once is None:
            return None
        now = self._world.now()
        caller = self._callers.at_once(received, now)  # 4
        if caller is None:
            return None
        try:
            call = Call(caller, now, received, event)
            permitted(method, call, self._meter, waits=False)
            return handled(method, method.at_once, received.wire, call)
        except ThreadWantedError:
            return None

    async def _patiently(self, method: Method, received: Received, event: Event) -> bytes:
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

    async def _on_thread(self, method: Method, received: Received, event: Event) -> bytes:
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
        # 3, again: what no thread has begun by then none begins.
        return await self._in_time(asyncio.wrap_future(work), received)

    async def _in_time(self, waiting: asyncio.Future[T], received: Received) -> T:
        """Returns what is awaited, unless the deadline of the call passes first."""
        try:
            async with asyncio.timeout(received.deadline - self._world.monotonic()) as patience:
                return await waiting
        except TimeoutError:
            if patience.expired():
                raise DeadlinePassedError from None
            raise

    def _work(self, method: Method, received: Received, event: Event) -> bytes:
        """Does steps 4 to 8, on a thread."""
        call = self._allowed(method, received, event)
        answer = handled(method, method.handle, received.wire, call)
        if answer is None:
            raise BugError(f"{method.name} gave no answer")
        if self._agents is not None and call.caller.acts_for:  # 8
            self._agents.require(call.caller, call.now)
        return answer

    def _allowed(
        self, method: Method, received: Received, event: Event, *, waits: bool = True
    ) -> Call:
        """Returns the call, once it is known to be one that its caller may make."""
        now = self._world.now()
        caller = self._callers.resolve(method.name, received, now)  # 4
        if received.agent_tokens:
            caller = self._acting(caller, received, now)
        return permitted(method, Call(caller, now, received, event), self._meter, waits=waits)

    def _acting(self, caller: Caller, received: Received, now: Instant) -> Caller:
        """Returns the caller as it acts for an enterprise."""
        if self._agents is None:
            raise AgentTokenError("NOT_TAKEN")
        return self._agents.acting(caller, received.agent_tokens, now)


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
