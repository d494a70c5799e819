"""The log: one JSON object a line, and nothing of what libraries say."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests import builders

_PROGRAM = """
import logging, sys, warnings, structlog
from bonafides import logs
logs.configure()
secret = sys.argv[1]
try:
    raise KeyError(secret)
except KeyError:
    logging.getLogger("asyncio").exception("Task failed for %s", secret)
logging.getLogger("sqlalchemy.engine").info("SELECT %s", secret)
warnings.warn(secret)
structlog.get_logger("bonafides").info("ours", code="OK")
"""


_WHOLE = """
import structlog
from bonafides import logs

logs.configure()
log = structlog.get_logger()
log.info("first")
logs.write({"event": event, "level": "info"} for event in ("second", "third"))
log.info("last")
"""


@pytest.mark.feature("J9")
def test_what_libraries_log_is_kept_without_what_they_say() -> None:
    ended = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", _PROGRAM, builders.ID_NUMBER],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == ""
    assert builders.ID_NUMBER not in ended.stderr
    events = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [event["event"] for event in events] == ["library", "library", "ours"]
    assert (events[0]["logger"], events[0]["error"]) == ("asyncio", "KeyError")
    assert events[1]["logger"] == "py.warnings"
    assert events[2]["code"] == "OK"
    assert {event["level"] for event in events} == {"error", "warning", "info"}


def test_events_that_are_whole_are_lines_among_the_others_in_order() -> None:
    told = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", _WHOLE], capture_output=True, text=True, check=True
    )
    events = [json.loads(line)["event"] for line in told.stderr.splitlines()]
    assert events == ["first", "second", "third", "last"]
