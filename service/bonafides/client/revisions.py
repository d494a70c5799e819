"""Remembers which revisions of archives a client was told of: to read its own writes.

revisions = Revisions()
revisions.remember("91990000MA00000011", {"revision": "7"})
revisions.of("91990000MA00000011")     # 7
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# For reading one's own writes; no directory.
_MOST: Final = 4_096


class Revisions:
    """The highest revision of each archive that answers told of. Threads may share it."""

    def __init__(self) -> None:
        self._known: Final[dict[str, int]] = {}

    def remember(self, code: str, trailers: Mapping[str, str]) -> None:
        """Takes what the trailing metadata of an answer about the enterprise tell, if any."""
        told = trailers.get("revision", "")
        if not code or not told.isdecimal():
            return
        if code not in self._known and len(self._known) >= _MOST:
            self._known.clear()
        self._known[code] = max(int(told), self._known.get(code, 0))

    def of(self, code: str) -> int:
        """Returns the highest revision that was told; 0 if none was."""
        return self._known.get(code, 0)


def code_in(name: str) -> str:
    """Returns the code in enterprises/{code}/...; empty where there is none."""
    return name.split("/")[1] if name.count("/") > 1 else ""
