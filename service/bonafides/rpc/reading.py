"""Reads the one message of a call, and waits for it no longer than it may.

wire = await read_message(context, seconds=5.0)
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeAlias

import grpc

from bonafides.errors import DeadlinePassedError

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


async def read_message(context: Context, seconds: float) -> bytes | None:
    """Returns the one message of a call as it came; None if the call has none.

    Raises:
        DeadlinePassedError: it did not come in time.
    """
    patience = _Patience()
    # A timer of the loop: asyncio.timeout() costs five times as much, for each call.
    timer = asyncio.get_running_loop().call_later(seconds, patience.end, asyncio.current_task())
    try:
        wire = await context.read()
    except asyncio.CancelledError:
        if patience.ended_by_us():
            raise DeadlinePassedError from None
        raise
    finally:
        timer.cancel()
    return wire if isinstance(wire, bytes) else None


class _Patience:
    """Cancels a task when it has waited long enough, and tells that from other ends."""

    __slots__ = ("_ended",)

    def __init__(self) -> None:
        self._ended: asyncio.Task[Any] | None = None

    def end(self, task: asyncio.Task[Any] | None) -> None:
        self._ended = task
        if task is not None:
            task.cancel()

    def ended_by_us(self) -> bool:
        """Whether that is all that was asked: a drain may want the same."""
        return self._ended is not None and self._ended.uncancel() == 0
