"""Runs one bidirectional stream: in order, bounded, and no faster than it is done.

What a message is worth is the pipeline's business; here is only how messages flow:

- they are read while fewer than 64 of them, and fewer than 512 KiB, are under way;
  then reading pauses, and gRPC's flow control makes the sender wait;
- they are taken on a thread, all that were read in one go, so that a message costs
  no hop of its own; one go at a time, so that they stay in order;
- they are answered in order, several that are done in one answer.

A message that is refused ends the stream, after those before it were answered;
those after it are not answered, whatever became of them. Silence, a peer that does
not read its answers, and a drain end it too, the drain after all that was read.

    stream = Stream(context, take, answer, flow)
    await stream.run()
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import grpc

from bonafides.errors import BonafidesError, DeadlinePassedError, ServerDrainingError

MOST_MESSAGES: Final = 64
MOST_BYTES: Final = 512 * 1_024
# One answer lists the refused records of so many batches: 3 MB at the very most.
_MOST_JOINED: Final = 16

# Takes messages in order, on a thread; fewer come back where one was refused.
Take: TypeAlias = "Callable[[Sequence[bytes]], list[Future[Any]]]"
# Makes one answer of what several messages came to.
Answering: TypeAlias = Callable[[Sequence[Any]], bytes]


@dataclass(frozen=True, slots=True)
class Flow:
    """What streams run on, and for how long one may be silent."""

    threads: Executor
    idle_seconds: float


class Stream:
    """One stream. Everything but `take` and the end of a future is on the event loop."""

    def __init__(
        self,
        context: grpc.aio.ServicerContext[Any, Any],
        take: Take,
        answering: Answering,
        flow: Flow,
        first: Sequence[bytes] = (),
    ) -> None:
        """Takes what was read of the stream before, if anything was."""
        self._context: Final = context
        self._take: Final = take
        self._answering: Final = answering
        self._flow: Final = flow
        self._loop: Final = asyncio.get_running_loop()
        # Messages go from the first to the second, and leave when they are answered.
        self._read: Final[deque[bytes]] = deque(first)
        self._taken: Final[deque[Future[Any]]] = deque()
        self._taking = False
        self._sizes: Final[deque[int]] = deque(map(len, first))
        self._bytes = sum(self._sizes)
        self._news: Final = asyncio.Event()
        self._room: Final = asyncio.Event()
        self._woken = False
        self._reader: asyncio.Task[None] | None = None
        # When something came last, or was answered.
        self._quiet_since = 0.0
        self._watching: asyncio.TimerHandle | None = None
        self._end: BonafidesError | None = None

    async def run(self) -> None:
        """Runs the stream to its end.

        Raises:
            BonafidesError: why it ended, if not by its peer's wish.
        """
        self._quiet_since = self._loop.time()
        self._reader = asyncio.ensure_future(self._reading())
        self._reader.add_done_callback(lambda _: self._news.set())
        self._watch_in(self._flow.idle_seconds)
        self._begin_taking()
        try:
            while self._read or self._taking or self._taken or not self._reader.done():
                await self._news.wait()
                self._news.clear()
                self._begin_taking()
                while await self._answer_some():
                    pass
        finally:
            if self._watching is not None:
                self._watching.cancel()
            self._reader.cancel()
        if self._end is not None:
            raise self._end
        if not self._reader.cancelled():
            self._reader.result()

    def end(self, error: BonafidesError) -> None:
        """Reads no more; what was read is answered before the error is raised."""
        if self._end is None:
            self._end = error
        if self._reader is not None:
            self._reader.cancel()

    async def _reading(self) -> None:
        while True:
            while len(self._sizes) >= MOST_MESSAGES or self._bytes >= MOST_BYTES:
                self._room.clear()
                await self._room.wait()
            wire = await self._context.read()
            if not isinstance(wire, bytes):
                return
            self._quiet_since = self._loop.time()
            self._read.append(wire)
            self._sizes.append(len(wire))
            self._bytes += len(wire)
            self._news.set()

    def _begin_taking(self) -> None:
        if self._taking or not self._read:
            return
        wires = tuple(self._read)
        self._read.clear()
        try:
            work = self._flow.threads.submit(self._take, wires)
        except RuntimeError:
            raise ServerDrainingError from None
        self._taking = True
        work.add_done_callback(
            lambda done: self._loop.call_soon_threadsafe(self._took, done, len(wires))
        )

    def _took(self, work: Future[list[Future[Any]]], sent: int) -> None:
        self._taking = False
        taken = work.result()
        self._taken.extend(taken)
        for told in taken:
            told.add_done_callback(self._settled)
        if len(taken) < sent:
            # One was refused. Nothing behind it counts.
            self._read.clear()
            if self._reader is not None:
                self._reader.cancel()
        self._news.set()

    def _settled(self, _told: Future[Any]) -> None:
        # On the thread that stored it: thousands of messages, one wake-up.
        if not self._woken:
            self._woken = True
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._woken = False
        self._news.set()

    async def _answer_some(self) -> bool:
        """Answers what is done, in order; returns whether there was anything.

        Raises:
            BonafidesError: the next one was refused.
            DeadlinePassedError: the peer does not read its answers.
        """
        done: list[Any] = []
        while self._taken and self._taken[0].done() and len(done) < _MOST_JOINED:
            if (error := self._taken[0].exception()) is not None:
                if done:
                    break
                raise error
            done.append(self._taken.popleft().result())
        if not done:
            return False
        try:
            async with asyncio.timeout(self._flow.idle_seconds):
                await self._context.write(self._answering(done))
        except TimeoutError:
            raise DeadlinePassedError from None
        for _ in done:
            self._bytes -= self._sizes.popleft()
        # Whoever waited for the answer has as long as ever to go on.
        self._quiet_since = self._loop.time()
        self._room.set()
        return True

    def _watch(self) -> None:
        """Ends the stream when for long nothing came, and nothing was under way."""
        silent = self._loop.time() - self._quiet_since
        if silent >= self._flow.idle_seconds and not self._sizes:
            self.end(DeadlinePassedError())
            return
        self._watch_in(max(self._flow.idle_seconds - silent, self._flow.idle_seconds / 10))

    def _watch_in(self, seconds: float) -> None:
        self._watching = self._loop.call_later(seconds, self._watch)
