"""Remembers which enterprises a login acts for, so that reads needn't ask the database.

What is remembered is all memberships of a login, as they were at one time: so one question
serves whatever it reads. An enterprise whose memberships changed since is asked about anew.
Changes are heard of at once from this process's own commits, within a second from those of
others (storage.follower). So a leaver who was removed anywhere is out here, whatever tokens
this process holds. What changes anything doesn't look here: it asks within its own unit of
work.

    standings = Standings(store, follower)
    standings.at_once(caller, "91990000MA0000001T")     # Standing.OWNER, or None
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from bonafides.access.callers import Caller, Standing
from bonafides.storage import membership as rows
from bonafides.storage.changes import MEMBERSHIP, Change
from bonafides.storage.follower import Follower
from bonafides.storage.unit_of_work import Store

# Some hundred bytes each; most logins act for no enterprise, or for one.
_MOST_LOGINS: Final = 50_000
# Enterprises whose memberships changed; more of them, and everything is forgotten.
_MOST_CHANGED: Final = 50_000


class _Known(NamedTuple):
    """The memberships of a login, and when they were read: how much had been heard by then."""

    heard: int
    standings: Mapping[str, Standing]


class Standings:
    """What memberships say of logins, as far as this process was asked. Threads may share it."""

    def __init__(self, store: Store, follower: Follower) -> None:
        self._store: Final = store
        self._lock: Final = threading.Lock()
        self._known: Final[OrderedDict[tuple[str, str], _Known]] = OrderedDict()
        # Grows with everything that is heard; what it was when an enterprise last changed, and
        # when everything was last forgotten.
        self._heard = 0
        self._changed: Final[dict[str, int]] = {}
        self._forgot = 0
        self._follower: Final = follower
        follower.hear(self._told, self._lost)

    def at_once(self, caller: Caller, code: str) -> Standing | None:
        """Returns what is remembered, at most a second old; None: ask `read`."""
        if not self._follower.is_fresh():
            return None
        with self._lock:
            known = self._known.get((caller.issuer, caller.subject))
            if known is None or self._changed.get(code, 0) > known.heard:
                return None
        return known.standings.get(code, Standing.NONE)

    def read(self, caller: Caller, code: str) -> Standing:
        """Returns what the database says now; remembers it.

        Raises:
            StoreUnavailableError: the database can't be reached.
        """
        login = caller.issuer, caller.subject
        with self._lock:
            heard = self._heard
        with self._store.reading() as work:
            found = rows.standings(work, *login)
        with self._lock:
            # An enterprise that changed while this was read is newer than it, and is told so.
            if heard >= self._forgot:
                self._known[login] = _Known(heard, found)
                self._known.move_to_end(login)
                if len(self._known) > _MOST_LOGINS:
                    self._known.popitem(last=False)
        return found.get(code, Standing.NONE)

    def _told(self, heard: Sequence[Change]) -> None:
        codes = [change.key for change in heard if change.kind == MEMBERSHIP]
        if codes:
            with self._lock:
                self._heard += 1
                self._changed.update(dict.fromkeys(codes, self._heard))
                if len(self._changed) > _MOST_CHANGED:
                    self._forget()

    def _lost(self) -> None:
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        self._heard += 1
        self._forgot = self._heard
        self._known.clear()
        self._changed.clear()
