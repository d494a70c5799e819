"""How an event loop waits; `client.waiting` is how a thread does, under the same names.

await sleep(0.1)
content = await unblocked(file.read_bytes)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Final, TypeVar

_Found = TypeVar("_Found")

closing: Final = aclosing
sleep: Final = asyncio.sleep


async def unblocked(work: Callable[[], _Found]) -> _Found:
    """Returns what the work gives, which may block: it is done on a thread."""
    return await asyncio.to_thread(work)
