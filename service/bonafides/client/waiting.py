"""How a thread waits; `aio.waiting` is how an event loop does, under the same names.

sleep(0.1)
content = unblocked(file.read_bytes)
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from typing import Final, TypeVar

__all__ = ["closing", "sleep", "unblocked"]

_Found = TypeVar("_Found")

sleep: Final = time.sleep


def unblocked(work: Callable[[], _Found]) -> _Found:
    """Returns what the work gives: a thread may block."""
    return work()
