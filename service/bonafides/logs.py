"""Configures the log of a serving process: one JSON object a line, on stderr.

Our own events are constants with fields that hold no personal value. What
libraries log is not ours to vouch for: their texts quote statements, arguments and
exceptions. So of theirs only the logger, the level, the place and the type of the
exception are kept.

    {"logger": "asyncio", "error": "KeyError", "event": "library", "level": "error", ...}
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any, Final

import structlog

_LIBRARIES_FROM: Final = logging.WARNING


def configure() -> None:
    """Sends our events, and what is left of libraries', to stderr."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=_line),
        ],
        logger_factory=_to_stderr,
    )
    logging.captureWarnings(capture=True)
    logging.basicConfig(handlers=[_Libraries()], level=_LIBRARIES_FROM, force=True)


# Made once: the library's way makes an encoder for every event.
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, default=repr)


def _line(event: Any, **_: Any) -> str:
    return _ENCODER.encode(event)


def _to_stderr(*_: Any) -> structlog.WriteLogger:
    return structlog.WriteLogger(sys.stderr)


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
