"""Follows what other processes change, on a thread of its own.

It reads the table of changes every quarter of a second and hands on what is new.
What it says of itself is honest: `is_fresh()` holds only while its last look began
less than a second ago, so that whoever asks it before using what he remembers is
never more than a second behind, even if the database or the thread hangs.

One of a process is enough for all who remember something:

    follower = Follower(store, monotonic=time.monotonic)
    follower.hear(cache.told, cache.clear)
    follower.start()
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from bonafides.errors import StoreUnavailableError
from bonafides.storage import changes
from bonafides.storage.changes import Change
from bonafides.storage.unit_of_work import Store

_PAUSE_SECONDS: Final = 0.25
# What is remembered may be this old at most.
_FRESH_SECONDS: Final = 1.0
# Far below the time for which changes are kept.
_AWAY_SECONDS: Final = 60.0
_log: Final = structlog.get_logger("bonafides.changes")


Told = Callable[[Sequence[Change]], None]
Lost = Callable[[], None]


class Follower:
    """Tells of every change that is committed, each at least once, in order."""

    def __init__(self, store: Store, *, monotonic: Callable[[], float]) -> None:
        self._store: Final = store
        self._monotonic: Final = monotonic
        self._hearers: Final[list[tuple[Told, Lost]]] = []
        # The id of the last change that was handed on; None: the thread is lost.
        self._last: int | None = None
        self._asked_at = float("-inf")
        self._stopping: Final = threading.Event()
        self._thread: Final = threading.Thread(target=self._run, name="changes", daemon=True)

    def hear(self, told: Told, lost: Lost) -> None:
        """Has `told` called with every change; what this process commits is told as it does.

        `lost` is called when changes may have been missed: at the start, and after the
        database could not be reached. Both are called on the follower's thread, `told`
        on any that commits as well. Who hears late knows nothing of before: call it
        before `start`.
        """
        self._hearers.append((told, lost))
        self._store.listen(told)

    def start(self) -> None:
        """Begins to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; from now on nothing is fresh."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._asked_at = float("-inf")

    def is_fresh(self) -> bool:
        """Returns whether everything that was committed until a second ago was told."""
        return self._monotonic() - self._asked_at < _FRESH_SECONDS

    def look(self) -> None:
        """Looks once at what is new, and hands it on.

        Raises:
            StoreUnavailableError: the database can't be reached.
        """
        # Taken before the question: an answer that took long is as old as that.
        asked_at = self._monotonic()
        if asked_at - self._asked_at > _AWAY_SECONDS:
            self._last = None
        with self._store.reading() as work:
            if self._last is None:
                last, new = changes.latest(work.connection), []
            else:
                last, new = self._last, changes.since(work.connection, self._last)
        if self._last is None:
            # After the id was read: what is remembered from here on is followed from it.
            for _, lost in self._hearers:
                lost()
        elif new:
            for told, _ in self._hearers:
                told([change for _, change in new])
            last = new[-1][0]
        self._last, self._asked_at = last, asked_at

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.look()
            except StoreUnavailableError:
                self._last = None
                _log.warning("changes_not_followed")
            except Exception as error:  # noqa: BLE001 - a thread that died would go unnoticed
                self._last = None
                _log.error("changes_not_followed", error=type(error).__name__)
            self._stopping.wait(_PAUSE_SECONDS)
