"""Remembers who acts for which enterprise, so that reads needn't ask the database.

What is remembered is forgotten through the table of changes: at once by this process's
own commits, within a second by those of others (storage.follower). So a leaver who was
removed anywhere is out here, whatever tokens this process holds. What changes anything
doesn't look here: it asks within its own unit of work.

    standings = Standings(store, follower)
    standings.at_once("91990000MA0000001T", "issuer|alice")     # Standing.OWNER, or None
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from bonafides.access.callers import Standing
from bonafides.storage import membership as rows
from bonafides.storage.changes import MEMBERSHIP, Change
from bonafides.storage.follower import Follower
from bonafides.storage.unit_of_work import Store

# Some hundred bytes each; most enterprises have one member or none.
_MOST_CODES: Final = 50_000


class Standings:
    """What memberships say of logins, as far as this process was asked. Threads may share it."""

    def __init__(self, store: Store, follower: Follower) -> None:
        self._store: Final = store
        self._lock: Final = threading.Lock()
        self._known: Final[OrderedDict[str, Mapping[str, Standing]]] = OrderedDict()
        # Grows with everything that is heard: what was read before is not kept after.
        self._heard = 0
        self._follower: Final = follower
        follower.hear(self._told, self._lost)

    def at_once(self, code: str, name: str) -> Standing | None:
        """Returns what is remembered, at most a second old; None: ask `read`."""
        if not self._follower.is_fresh():
            return None
        with self._lock:
            known = self._known.get(code)
        return None if known is None else known.get(name, Standing.NONE)

    def read(self, code: str, name: str) -> Standing:
        """Returns what the database says now; remembers it.

        Raises:
            StoreUnavailableError: the database can't be reached.
        """
        with self._lock:
            heard = self._heard
        with self._store.reading() as work:
            found = rows.standings(work, code)
        with self._lock:
            if self._heard == heard:
                self._known[code] = found
                self._known.move_to_end(code)
                if len(self._known) > _MOST_CODES:
                    self._known.popitem(last=False)
        return found.get(name, Standing.NONE)

    def _told(self, heard: Sequence[Change]) -> None:
        codes = [change.key for change in heard if change.kind == MEMBERSHIP]
        if codes:
            with self._lock:
                self._heard += 1
                for code in codes:
                    self._known.pop(code, None)

    def _lost(self) -> None:
        with self._lock:
            self._heard += 1
            self._known.clear()
