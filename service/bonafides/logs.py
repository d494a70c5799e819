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
import time
from collections.abc import Iterable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any, Final, TextIO

import orjson
import structlog

from bonafides.instants import MICROSECONDS, Instant

_LIBRARIES_FROM: Final = logging.WARNING


class _Log:
    """Where whole lines go: until the log is configured, to stdout, as structlog's do."""

    stream: TextIO | None = sys.__stdout__


_LOG: Final = _Log()


def configure() -> None:
    """Sends our events, and what is left of libraries', to stderr."""
    send(sys.stderr)
    structlog.configure(
        processors=[_line],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    logging.captureWarnings(capture=True)
    logging.basicConfig(handlers=[_Libraries()], level=_LIBRARIES_FROM, force=True)


def send(stream: TextIO | None) -> TextIO | None:
    """Sends what `write` is given to a stream, None: nowhere; returns where it went before."""
    before, _LOG.stream = _LOG.stream, stream
    return before


def write(events: Iterable[Mapping[str, Any]]) -> None:
    """Writes events that are whole, with level and timestamp, in one go and in order.

    For what is written by the thousand: assembling an event costs ten times what its line does.
    """
    lines = [orjson.dumps(event, default=repr).decode() for event in events]
    if _LOG.stream is not None:
        _LOG.stream.write("".join([f"{line}\n" for line in lines]))


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
