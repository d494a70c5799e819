"""Makes small rows of many calls durable together, before any of them is answered.

A durable commit costs one wait for the disk, whether it holds one row or sixty. So who
has rows hands them in and waits; one thread takes all that came within a few
milliseconds, of whatever sort, and stores it in one commit. The rules:

1. A sort is a function that stores rows of one kind: `sort(work, rows)`. It is called
   once for each commit, with all rows of its sort, in the order in which they came.
2. Who waits is told after the commit, and everybody in it alike: stored for good, or
   StoreUnavailableError. Nothing is tried again behind the back of who was told.
3. Rows gather for the linger, at most 5 ms, if the commit before held several; a caller
   alone waits for no company. While a commit waits for the disk, the next one gathers.
4. At most 20,000 rows wait, and no caller longer than its patience: a database that
   hangs is one that is not there.
5. `close` stores what was handed in, and takes no more.

    batch = SharedBatch(store)
    batch.start()
    batch.submit(audit.insert, rows).result(timeout)     # on a thread
    await batch.written(audit.insert, rows)              # on an event loop
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any, Final, TypeAlias

import structlog

from bonafides.errors import StoreUnavailableError
from bonafides.storage.unit_of_work import Store, UnitOfWork

LINGER_SECONDS: Final = 0.004
MOST_LINGER_SECONDS: Final = 0.005
# Some 10 MB, and what a slow disk leaves waiting in seconds.
MOST_ROWS: Final = 20_000
# As long as a call without a deadline of its own may take.
PATIENCE_SECONDS: Final = 2.0

Sort: TypeAlias = Callable[[UnitOfWork, Sequence[Any]], object]

_log: Final = structlog.get_logger("bonafides.shared_batch")


class SharedBatch:
    """The write-behind of one process. `commits` and `rows` count what was stored."""

    def __init__(
        self,
        store: Store,
        *,
        linger_seconds: float = LINGER_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
        most_rows: int = MOST_ROWS,
    ) -> None:
        if not 0 <= linger_seconds <= MOST_LINGER_SECONDS:
            raise ValueError("rows may linger for 5 ms at most")
        self._store: Final = store
        self._linger_seconds: Final = linger_seconds
        self._patience_seconds: Final = patience_seconds
        self._most_rows: Final = most_rows
        # One token for each group that has begun; False is the end.
        self._begun: Final[queue.SimpleQueue[bool]] = queue.SimpleQueue()
        self._lock: Final = threading.Lock()
        self._open = _Group()
        self._closed = False
        self._crowded = False
        self._failing = False
        self._thread: Final = threading.Thread(target=self._run, name="shared-batch")
        self.commits = 0
        self.rows = 0

    def start(self) -> None:
        """Begins to store what is handed in."""
        self._thread.start()

    def submit(self, sort: Sort, rows: Sequence[Any]) -> Future[None]:
        """Hands rows in; the future is done once they are stored for good.

        It is that of everybody in the commit, and can't be cancelled.

        Raises:
            StoreUnavailableError: too many rows wait, or the batch was closed.
        """
        with self._lock:
            group = self._put(sort, rows)
            if group.told is None:
                group.told = Future()
                # Others wait by the same one.
                group.told.set_running_or_notify_cancel()
            return group.told

    def written(self, sort: Sort, rows: Sequence[Any]) -> asyncio.Future[None]:
        """Hands rows in; what is returned is awaited on the event loop that runs.

        Raises:
            StoreUnavailableError: too many rows wait, the batch was closed; awaited: they
                can't be stored, or not in time.
        """
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        with self._lock:
            group = self._put(sort, rows)
            if group.late:
                raise StoreUnavailableError
            waiting = group.waiting.get(loop)
            if waiting is None:
                waiting = group.waiting[loop] = []
                # One timer for all: one for each call would cost as much as its row.
                group.timers[loop] = loop.call_later(self._patience_seconds, group.expire, loop)
            waiting.append(waiter)
        return waiter

    def close(self) -> None:
        """Stores what was handed in, and takes no more."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._begun.put(False)
        if self._thread.is_alive():
            self._thread.join()

    def _put(self, sort: Sort, rows: Sequence[Any]) -> _Group:
        """Adds the rows to the group that gathers. The lock is held."""
        group = self._open
        if self._closed or group.count + len(rows) > self._most_rows:
            raise StoreUnavailableError
        if not group.begun:
            group.begun = True
            self._begun.put(True)
        group.count += len(rows)
        known = group.sorts.get(sort)
        if known is None:
            known = group.sorts[sort] = []
        known.extend(rows)
        return group

    def _run(self) -> None:
        while self._begun.get():
            if self._crowded:
                # Not a lock with a timeout: nothing has to wake it.
                time.sleep(self._linger_seconds)
            with self._lock:
                group, self._open = self._open, _Group()
            self._crowded = group.count > 1
            group.tell(self._stored(group))

    def _stored(self, group: _Group) -> bool:
        """Stores a group; returns whether all of it is stored for good."""
        # In the same order in every process: they must not wait for each other in a ring.
        sorts = sorted(group.sorts.items(), key=lambda item: getattr(item[0], "__qualname__", ""))
        try:
            with self._store.writing() as work:
                for sort, rows in sorts:
                    sort(work, rows)
                work.commit()
        except Exception as fault:  # noqa: BLE001 - whatever it is, the rows are not stored
            if not self._failing:
                # Once: every call of an outage has its own line in the log of calls.
                self._failing = True
                _log.error("batch_not_stored", rows=group.count, error=type(fault).__name__)
            return False
        self._failing = False
        self.commits += 1
        self.rows += group.count
        return True


class _Group:
    """Rows that are stored in one commit, and who waits for it."""

    __slots__ = ("begun", "count", "late", "sorts", "timers", "told", "waiting")

    def __init__(self) -> None:
        self.begun = False
        self.count = 0
        # Whether somebody's patience ended before the commit.
        self.late = False
        self.sorts: dict[Sort, list[Any]] = {}
        self.told: Future[None] | None = None
        self.waiting: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
        self.timers: dict[asyncio.AbstractEventLoop, asyncio.TimerHandle] = {}

    def tell(self, stored: bool) -> None:  # noqa: FBT001 - what is told
        """Tells everybody. Called on the thread that stores."""
        if self.told is not None:
            if stored:
                self.told.set_result(None)
            else:
                self.told.set_exception(StoreUnavailableError())
        for loop in self.waiting:
            # A loop that is closed has nobody waiting.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._settle, loop, stored)

    def expire(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tells who waits on this loop that it took too long. Called there."""
        self.late = True
        self._settle(loop, stored=False)

    def _settle(self, loop: asyncio.AbstractEventLoop, stored: bool) -> None:  # noqa: FBT001 - passed on
        self.timers[loop].cancel()
        waiting, self.waiting[loop] = self.waiting[loop], []
        tell(waiting, stored=stored)


def tell(waiting: Iterable[asyncio.Future[None]], *, stored: bool) -> None:
    """Tells who waits whether what they handed in is stored, on their event loop."""
    for waiter in waiting:
        # Whoever gave up is told nothing.
        if waiter.done():
            continue
        if stored:
            waiter.set_result(None)
        else:
            waiter.set_exception(StoreUnavailableError())
