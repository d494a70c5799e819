"""Remembers what each platform is not shown, so that reads needn't ask the database.

Masks are few, so all that hold are remembered together. A change anywhere has them read
anew: at once after this process's own commits, within a second after those of others
(storage.follower). While it is not known whether something changed, nobody is told.

    masks = Masks(store, follower)
    masks.at_once("1688")      # Mask; None: ask `read`
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Final

from bonafides.access.field_masks import NO_MASK, Mask
from bonafides.storage import platform_masks as rows
from bonafides.storage.changes import PLATFORM_MASK, Change
from bonafides.storage.follower import Follower
from bonafides.storage.unit_of_work import Store


class Masks:
    """What platforms are not shown, as far as this process was asked. Threads may share it."""

    def __init__(self, store: Store, follower: Follower) -> None:
        self._store: Final = store
        self._lock: Final = threading.Lock()
        self._known: Mapping[str, Mask] | None = None
        # Grows with everything that is heard: what was read before is not kept after.
        self._heard = 0
        self._follower: Final = follower
        follower.hear(self._told, self._lost)

    def at_once(self, platform: str) -> Mask | None:
        """Returns what is remembered, at most a second old; None: ask `read`."""
        known = self._known
        if known is None or not self._follower.is_fresh():
            return None
        return known.get(platform, NO_MASK)

    def read(self, platform: str) -> Mask:
        """Returns what the database says now; remembers it.

        Raises:
            StoreUnavailableError: the database can't be reached.
        """
        with self._lock:
            heard = self._heard
        with self._store.reading() as work:
            found = {
                name: Mask(str(row.number), frozenset(row.withheld)) if row.withheld else NO_MASK
                for name, row in rows.current(work).items()
            }
        with self._lock:
            if self._heard == heard:
                self._known = found
        return found.get(platform, NO_MASK)

    def _told(self, heard: Sequence[Change]) -> None:
        if any(change.kind == PLATFORM_MASK for change in heard):
            self._lost()

    def _lost(self) -> None:
        with self._lock:
            self._heard += 1
            self._known = None
