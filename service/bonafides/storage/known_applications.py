"""Remembers applications and their keys, so that a call needn't ask the database for them.

What is remembered is forgotten through the table of changes: at once by this process's
own commits, within a second by those of others (storage.follower). While the follower
is behind, nothing that is remembered is given out: the database is asked. So a key that
was revoked anywhere is out here within a second, and so is every token that came of it.

    applications = KnownApplications(store, follower)
    known = applications.at_once(client_id) or applications.read(client_id)
    known.key(key_id, now)
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bonafides.access.tokens import SigningKey, stored_key
from bonafides.instants import Instant
from bonafides.storage import applications as rows
from bonafides.storage.applications import ApplicationRow, KeyRow
from bonafides.storage.changes import APPLICATION, Change
from bonafides.storage.follower import Follower
from bonafides.storage.unit_of_work import Store

# Some KB each, with the keys as objects.
_MOST_APPLICATIONS: Final = 2_000


@dataclass(frozen=True, slots=True)
class KnownApplication:
    """An application as it was read, with its keys made ready. `row` None: there is none."""

    row: ApplicationRow | None
    keys: Mapping[str, tuple[KeyRow, SigningKey]] = field(default_factory=dict, repr=False)
    # From when until when access tokens stand, by their ids, as far as nothing changes:
    # whoever found that out writes it here, and it goes with all the rest.
    standing: dict[str, tuple[Instant, Instant]] = field(default_factory=dict, repr=False)

    def key(self, key_id: str, now: Instant) -> SigningKey | None:
        """Returns the key if it is the application's, not revoked, and inside its window."""
        row, key = self.keys.get(key_id, (None, None))
        if row is None or row.revoked_at is not None:
            return None
        return key if row.not_before <= now < row.not_after else None

    def window(self, key_id: str) -> tuple[Instant, Instant]:
        """Returns from when until when a key that is known may sign."""
        row, _ = self.keys[key_id]
        return row.not_before, row.not_after


class KnownApplications:
    """What applications are, as far as this process was asked. Threads may share it."""

    def __init__(self, store: Store, follower: Follower) -> None:
        self._store: Final = store
        self._lock: Final = threading.Lock()
        self._known: Final[OrderedDict[str, KnownApplication]] = OrderedDict()
        # Grows with everything that is heard: what was read before is not kept after.
        self._heard = 0
        self._follower: Final = follower
        follower.hear(self._told, self._lost)

    def at_once(self, client_id: str) -> KnownApplication | None:
        """Returns what is remembered, at most a second old; None: ask `read`."""
        if not self._follower.is_fresh():
            return None
        with self._lock:
            return self._known.get(client_id)

    def read(self, client_id: str) -> KnownApplication:
        """Returns what the database says now; remembers it.

        Raises:
            StoreUnavailableError: the database can't be reached.
        """
        with self._lock:
            heard = self._heard
        with self._store.reading() as work:
            row = rows.read_application(work, client_id)
            keys = rows.keys_of(work, client_id) if row is not None else ()
        ready = ((each, stored_key(each.algorithm, each.public_key)) for each in keys)
        found = KnownApplication(
            row, {each.key_id: (each, key) for each, key in ready if key is not None}
        )
        with self._lock:
            # What is not there is not remembered: made-up names would push out the others.
            if self._heard == heard and row is not None:
                self._known[client_id] = found
                self._known.move_to_end(client_id)
                if len(self._known) > _MOST_APPLICATIONS:
                    self._known.popitem(last=False)
        return found

    def _told(self, heard: Sequence[Change]) -> None:
        ids = [change.key for change in heard if change.kind == APPLICATION]
        if ids:
            with self._lock:
                self._heard += 1
                for client_id in ids:
                    self._known.pop(client_id, None)

    def _lost(self) -> None:
        with self._lock:
            self._heard += 1
            self._known.clear()
