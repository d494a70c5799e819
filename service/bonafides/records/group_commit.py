"""Stores what all streams bring in shared commits, on one thread.

A durable commit costs one wait for the disk, whether it holds one record or two
thousand. So whoever has a batch hands it in and goes on; the writer takes all that
waits, up to 2000 records, stores it in one commit, and only then tells each.
While it waits for the disk the next group gathers: the slower the disk, the larger
the groups. Nothing waits for company: a batch alone is committed at once.

A group that can't be stored is tried again batch by batch, so that what is wrong
with one batch is told to its sender alone. When the database can't be reached all
of them are told.

    writer = GroupCommit(partial(operations.take_in, store), now=now)
    writer.start()
    writer.put(batch).result()      # Taken, once it is stored for good
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final, TypeAlias

from bonafides.errors import InvalidFieldsError, ServerDrainingError, StoreUnavailableError
from bonafides.instants import Instant
from bonafides.records.batches import Batch, Taken

# Past this a commit grows slower than its records; and the database is held up.
GROUP_RECORDS: Final = 2_000

# Stores batches in one commit; an error stands for a batch that was refused.
_Store: TypeAlias = Callable[[Sequence[Batch], Instant], Sequence[Taken | InvalidFieldsError]]
_Waiting: TypeAlias = "tuple[Batch, Future[Taken]]"


class GroupCommit:
    """The one writer of a process. `commits` and `batches` count what it stored."""

    def __init__(self, store: _Store, *, now: Callable[[], Instant]) -> None:
        self._store: Final = store
        self._now: Final = now
        self._queue: Final[queue.SimpleQueue[_Waiting | None]] = queue.SimpleQueue()
        self._thread: Final = threading.Thread(target=self._run, name="group-commit")
        # Nothing is put behind the end of the queue: nobody would ever look at it.
        self._closing: Final = threading.Lock()
        self._closed = False
        self.commits = 0
        self.batches = 0

    def start(self) -> None:
        """Begins to store what is put."""
        self._thread.start()

    def put(self, batch: Batch) -> Future[Taken]:
        """Hands a batch in; the result is there once it is stored for good.

        Batches of one caller are stored in the order in which they were put.

        Raises:
            ServerDrainingError: the writer was closed.
        """
        told: Future[Taken] = Future()
        with self._closing:
            if self._closed:
                raise ServerDrainingError
            self._queue.put((batch, told))
        return told

    def close(self) -> None:
        """Stores what was put until now, and takes no more."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        open_ = True
        while open_:
            group, open_ = self._gather()
            if group:
                self._commit(group)

    def _gather(self) -> tuple[list[_Waiting], bool]:
        """Returns all that waits, as far as a group holds it, and whether more may come."""
        group: list[_Waiting] = []
        records = 0
        waiting = self._queue.get()
        while waiting is not None:
            group.append(waiting)
            records += len(waiting[0].content)
            if records >= GROUP_RECORDS:
                return group, True
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                return group, True
        return group, False

    def _commit(self, group: list[_Waiting]) -> None:
        try:
            taken = self._store([batch for batch, _ in group], self._now())
        except Exception as error:  # noqa: BLE001 - whoever put the batch is told, and raises it
            if len(group) == 1 or isinstance(error, StoreUnavailableError):
                for _, told in group:
                    told.set_exception(error)
            else:
                for waiting in group:
                    self._commit([waiting])
            return
        self.commits += 1
        self.batches += len(group)
        for (_, told), outcome in zip(group, taken, strict=True):
            if isinstance(outcome, Taken):
                told.set_result(outcome)
            else:
                told.set_exception(outcome)
