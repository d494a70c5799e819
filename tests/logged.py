"""What is logged while a test does something, calls' own events among it.

with captured() as events:
    ...
assert [event["event"] for event in events] == ["rpc"]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from structlog.testing import capture_logs

from bonafides import logs

Events = list[MutableMapping[str, Any]]


@contextmanager
def captured() -> Iterator[Events]:
    """Gives the events in the order in which they are written."""
    with capture_logs() as events:

        def write(whole: Iterable[Mapping[str, Any]]) -> None:
            events.extend({**event, "log_level": event["level"]} for event in whole)

        with patch.object(logs, "write", write):
            yield events
