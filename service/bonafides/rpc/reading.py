"""Reads the one message of each call, and waits for it no longer than it may.

reading = Reading()
wire = await reading.message(context, seconds=5.0)
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, TypeAlias

import grpc

from bonafides.errors import BugError, DeadlinePassedError

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

# How often it is looked whose time is over: a timer for each call costs more than to read.
_LOOK_SECONDS: Final = 0.02


class Reading:
    """The calls whose message has not come yet. Used on the event loop alone."""

    def __init__(self) -> None:
        # Until when each call's task may wait.
        self._waiting: Final[dict[asyncio.Task[Any], float]] = {}
        self._ended: Final[set[asyncio.Task[Any]]] = set()
        self._looks = False

    async def message(self, context: Context, seconds: float) -> bytes | None:
        """Returns the one message of a call as it came; None if the call has none.

        Raises:
            DeadlinePassedError: it did not come in time.
        """
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        if task is None:
            raise BugError("a message is read by a task")
        self._waiting[task] = loop.time() + seconds
        if not self._looks:
            self._looks = True
            loop.call_later(_LOOK_SECONDS, self._look, loop)
        try:
            wire = await context.read()
        except asyncio.CancelledError:
            # A drain may want the same: then it is not only we who asked.
            if task in self._ended and task.uncancel() == 0:
                raise DeadlinePassedError from None
            raise
        finally:
            self._waiting.pop(task, None)
            self._ended.discard(task)
        return wire if isinstance(wire, bytes) else None

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for task in [task for task, until in self._waiting.items() if until <= now]:
            del self._waiting[task]
            self._ended.add(task)
            task.cancel()
        self._looks = bool(self._waiting)
        if self._looks:
            loop.call_later(_LOOK_SECONDS, self._look, loop)
