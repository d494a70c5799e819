"""Configures the log of a serving process: one JSON object a line, on stderr.

Our own events are constants with fields that hold no personal value. What
libraries log is not ours to vouch for: their texts quote statements, arguments and
exceptions. So of theirs only the logger, the level, the place and the type of the
exception are kept.

    {"logger": "asyncio", "error": "KeyError", "event": "library", "level": "error", ...}
"""

from __future__ import annotations

import datetime as dt
import logging
import sys
import threading
import time
from collections.abc import Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Any, Final

import orjson
import structlog

from bonafides.instants import MICROSECONDS, Instant

_LIBRARIES_FROM: Final = logging.WARNING


def configure() -> None:
    """Sends our events, and what is left of libraries', to stderr."""
    structlog.configure(
        processors=[_line],
        logger_factory=_to_stderr,
    )
    logging.captureWarnings(capture=True)
    logging.basicConfig(handlers=[_Libraries()], level=_LIBRARIES_FROM, force=True)


def timestamp(instant: Instant) -> str:
    """Returns an instant as the log writes it: ISO 8601, UTC, with microseconds."""
    seconds, rest = divmod(instant, MICROSECONDS)
    return f"{_second(seconds)}.{rest:06d}Z"


# Most events fall into the second of the one before.
@lru_cache(maxsize=8)
def _second(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _line(_logger: Any, level: str, event: MutableMapping[str, Any]) -> str:
    """Returns the line of an event; one that does not say when it was is of now."""
    event["level"] = level
    if "timestamp" not in event:
        event["timestamp"] = timestamp(Instant(time.time_ns() // 1_000))
    return orjson.dumps(event, default=repr).decode()


class _Stderr(threading.local):
    """Writes lines to stderr; those of one `together` at once, on each thread its own."""

    def __init__(self) -> None:
        self._held: list[str] | None = None

    def write(self, line: str) -> None:
        if self._held is None:
            sys.stderr.write(f"{line}\n")
        else:
            self._held.append(f"{line}\n")

    @contextmanager
    def together(self) -> Iterator[None]:
        self._held = []
        try:
            yield
        finally:
            held, self._held = self._held, None
            sys.stderr.write("".join(held))

    # What a logger of structlog is asked for, by the levels of events.
    debug = info = warning = error = critical = exception = write


_STDERR: Final = _Stderr()


def together() -> AbstractContextManager[None]:
    """Has what is logged meanwhile written at once: to write fifty lines costs as much as one."""
    return _STDERR.together()


def _to_stderr(*_: Any) -> _Stderr:
    return _STDERR


class _Libraries(logging.Handler):
    """Logs that a library logged, without what it said."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the event."""
        kind = record.exc_info[0] if record.exc_info else None
        structlog.get_logger().log(
            record.levelno,
            "library",
            logger=record.name,
            place=f"{record.module}:{record.lineno}",
            error=kind.__name__ if kind else None,
        )
