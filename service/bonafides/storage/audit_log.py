"""Makes rows of the audit durable before answers leave, many calls' in one commit.

Through the shared batch, on its thread; on SQLite, where the kernel can wait for a disk by
itself, without a thread. A thread of Python that has a little to do between two waits asks
for the interpreter each time, and a busy event loop, which lets go of it at every call into
the core of gRPC, wakes that thread in vain each time: some ninety wakes for thirty rows,
which cost more than the rows. So there:

1. Calls whose answers will be written down gather before they are worked on: while the
   commit before theirs waits for the disk and for the linger after it, unless that was for
   one call alone. Then all of them are worked on in a row, so that each finds warm what
   the one before it used, and hand in their rows. Rows that come later join the next commit.
2. One statement adds them, and a second notes which they are. It takes some microseconds a
   row, waits for no lock (another writer is looked for again a little later), and leaves
   the syncing of the log to us.
3. The kernel syncs the write-ahead log (Linux AIO) while the loop goes on with other calls.
4. Then everybody is told, alike: stored for good, or StoreUnavailableError.
5. What can't be stored so goes through the shared batch: an enterprise that has no salt
   yet, or another one than is remembered, a writer that takes its time, a fault.
6. Now and then rows are filed under their enterprises (storage.audit_index) on a thread, and
   the write-ahead log is copied back into the database there.

Source of 3: a commit at synchronous=FULL is one at NORMAL, and a sync of the log behind it
(SQLite, PRAGMA synchronous; "Write-Ahead Logging", 2.2).

    log = AuditLog(store, batch, Writer(vault))
    log.start()                            # on the event loop
    if (turn := log.turn()) is not None:
        await turn                         # and work on the call
    await log.written(entries)
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import Final

import structlog
from caio import AbstractOperation, linux_aio

from bonafides.access.audit import Entry
from bonafides.errors import StoreUnavailableError
from bonafides.storage.audit import MOST_AT_ONCE, Writer
from bonafides.storage.audit_index import MOST_UNFILED, file_rows
from bonafides.storage.shared_batch import (
    LINGER_SECONDS,
    MOST_ROWS,
    PATIENCE_SECONDS,
    SharedBatch,
    tell,
)
from bonafides.storage.unit_of_work import Store

# How often another writer at work is looked for before the thread waits for it.
_MOST_LOOKS: Final = 3
# One sync is under way, and more are never asked for.
_SYNCS_AT_ONCE: Final = 4

# As audit_index.note does it.
_NOTE: Final = "INSERT INTO disclosure_unfiled (day, writer, first, last) VALUES (?, ?, ?, ?)"

_log: Final = structlog.get_logger("bonafides.audit")


class AuditLog:
    """The rows of one process. Used on one event loop alone; `commits` counts its own."""

    def __init__(self, store: Store, batch: SharedBatch, writer: Writer) -> None:
        self._store: Final = store
        self._batch: Final = batch
        self._writer: Final = writer
        self._file: _File | None = None
        self._open = _Group()
        # Calls that wait for their turn.
        self._gathered: list[asyncio.Future[None]] = []
        self._waiting = 0
        # Set while no group is on its way: gathered, stored, or waiting for the disk.
        self._idle: Final = asyncio.Event()
        self._idle.set()
        self._crowded = False
        self._looks = 0
        # Rows since they were filed and the log was copied back, and whether that goes on.
        self._untended = 0
        self._tending: asyncio.Future[None] | None = None
        self.commits = 0

    def start(self) -> None:
        """Begins, on the event loop that rows will come from."""
        if self._store.url.get_backend_name() == "sqlite":
            self._file = _opened(self._store.url.database or "")

    def turn(self) -> asyncio.Future[None] | None:
        """Returns what a call awaits before it is worked on; None: it needn't wait.

        Raises:
            StoreUnavailableError: too many calls wait.
        """
        if self._file is None or (self._idle.is_set() and not self._crowded):
            return None
        if self._waiting + len(self._gathered) >= MOST_ROWS:
            raise StoreUnavailableError
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._gathered.append(turn)
        if self._idle.is_set():
            self._begin(loop)
        return turn

    def written(self, entries: Sequence[Entry]) -> asyncio.Future[None]:
        """Hands rows in; what is returned is awaited.

        Raises:
            StoreUnavailableError: too many rows wait; awaited: they can't be stored, or not
                in time.
        """
        self._untended += len(entries)
        if self._untended >= MOST_UNFILED and self._tending is None:
            self._untended = 0
            self._tending = asyncio.get_running_loop().run_in_executor(None, self._tend)
            self._tending.add_done_callback(self._tended)
        if self._file is None:
            return self._batch.written(self._writer, entries)
        if self._waiting + len(entries) > MOST_ROWS:
            raise StoreUnavailableError
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        group = self._open
        group.entries += entries
        group.waiters.append(waiter)
        self._waiting += len(entries)
        if self._idle.is_set():
            self._begin(loop)
        return waiter

    async def drain(self) -> None:
        """Stores what was handed in, and closes the file. The shared batch is closed after it."""
        await self._idle.wait()
        if self._tending is not None:
            await asyncio.wait((self._tending,))
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._idle.clear()
        if self._crowded:
            loop.call_later(LINGER_SECONDS, self._let_go, loop)
        else:
            self._let_go(loop)

    def _let_go(self, loop: asyncio.AbstractEventLoop) -> None:
        """Has the gathered calls worked on, and what they hand in stored right behind them."""
        gathered, self._gathered = self._gathered, []
        self._crowded = len(gathered) > 1
        for turn in gathered:
            # Its caller may have left.
            if not turn.done():
                turn.set_result(None)
        # Callbacks run in order: those calls have gone as far as they get at once.
        loop.call_soon(self._store_open)

    def _store_open(self) -> None:
        group, loop = self._open, asyncio.get_running_loop()
        if not group.entries:
            self._go_on()
            return
        file = self._file if len(group.entries) <= MOST_AT_ONCE else None
        if file is not None and not file.begin():
            if self._looks < _MOST_LOOKS:
                self._looks += 1
                loop.call_later(LINGER_SECONDS, self._store_open)
                return
            file = None
        self._looks = 0
        self._open = _Group()
        self._crowded = self._crowded or len(group.waiters) > 1
        if file is not None and file.added(self._writer, group.entries):
            self._sync(file, group)
            return
        try:
            stored = self._batch.written(self._writer, group.entries)
        except StoreUnavailableError:
            self._tell(group, stored=False)
            return
        stored.add_done_callback(lambda done: self._tell(group, stored=done.exception() is None))

    def _tend(self) -> None:
        """Files rows and copies the write-ahead log back. On a thread."""
        file_rows(self._store)
        if self._file is not None:
            self._store.copy_log()

    def _tended(self, done: asyncio.Future[None]) -> None:
        self._tending = None
        if not done.cancelled() and (fault := done.exception()) is not None:
            # Tried again with the next rows, and by the worker.
            _log.error("audit_not_tended", error=type(fault).__name__)

    def _sync(self, file: _File, group: _Group) -> None:
        synced = file.synced()
        late = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, _give_up, synced)
        synced.add_done_callback(lambda _: late.cancel())
        synced.add_done_callback(partial(self._synced, group))

    def _synced(self, group: _Group, synced: asyncio.Future[None]) -> None:
        fault = synced.exception()
        if fault is None:
            self.commits += 1
        else:
            # Whatever it is, the rows may not be stored.
            _log.error("audit_not_synced", rows=len(group.entries), error=type(fault).__name__)
        self._tell(group, stored=fault is None)

    def _tell(self, group: _Group, *, stored: bool) -> None:
        self._waiting -= len(group.entries)
        tell(group.waiters, stored=stored)
        self._go_on()

    def _go_on(self) -> None:
        """Begins anew with whoever came meanwhile."""
        if self._gathered or self._open.entries:
            self._begin(asyncio.get_running_loop())
        else:
            self._idle.set()


class _Group:
    """Rows that are stored in one commit, and who waits for it."""

    __slots__ = ("entries", "waiters")

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.waiters: list[asyncio.Future[None]] = []


class _File:
    """A connection that commits without syncing, and the kernel's way to sync its log."""

    def __init__(self, path: str, kernel: linux_aio.Context) -> None:
        self._kernel: Final = kernel
        self._loop: Final = asyncio.get_running_loop()
        # It waits for no lock: the shared batch does.
        self._connection: Final = sqlite3.connect(path, timeout=0, isolation_level=None)
        for pragma in ("synchronous=NORMAL", "wal_autocheckpoint=0"):
            self._connection.execute(f"PRAGMA {pragma}")
        # The log is there from the first read on, and stays as long as anybody has it open.
        self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        self._wal: Final = os.open(f"{path}-wal", os.O_RDONLY | os.O_CLOEXEC)
        self._loop.add_reader(kernel.fileno, self._look)

    def begin(self) -> bool:
        """Begins a transaction, without waiting; False: another one is under way, or a fault."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error:
            return False
        return True

    def added(self, writer: Writer, entries: Sequence[Entry]) -> bool:
        """Ends the transaction; returns whether a row was added for each entry, or none."""
        try:
            with self._connection:
                statement = writer.statement(self._connection, entries)
                if statement is None:
                    return False
                found = self._connection.execute(statement.text, statement.values).rowcount
                if whole := found == len(entries):
                    self._connection.executemany(_NOTE, statement.ranges)
                return whole
        except sqlite3.Error:
            # The shared batch tries it again, or tells the fault.
            return False

    def synced(self) -> asyncio.Future[None]:
        """Has what was added made durable; what is returned is done once it is.

        It holds an exception if the rows may not be durable; the library and the kernel
        have several kinds of it.
        """
        synced: asyncio.Future[None] = self._loop.create_future()
        operation = linux_aio.Operation.fdsync(self._wal)
        operation.set_callback(lambda _: _settle(synced, operation))
        try:
            if self._kernel.submit(operation) != 1:
                synced.set_exception(OSError())
        except Exception as fault:  # noqa: BLE001 - told by who asks
            synced.set_exception(fault)
        return synced

    def close(self) -> None:
        """Lets go of the files. Nothing is synced any more."""
        self._loop.remove_reader(self._kernel.fileno)
        self._connection.close()
        os.close(self._wal)

    def _look(self) -> None:
        """Takes what the kernel has done."""
        self._kernel.poll()
        while self._kernel.process_events():
            pass


def _settle(synced: asyncio.Future[None], operation: AbstractOperation) -> None:
    if synced.done():
        # Nobody waits any more.
        return
    try:
        operation.get_value()
    except Exception as fault:  # noqa: BLE001 - the library's for what the kernel could not do
        synced.set_exception(fault)
    else:
        synced.set_result(None)


def _give_up(synced: asyncio.Future[None]) -> None:
    if not synced.done():
        synced.set_exception(TimeoutError())


def _opened(path: str) -> _File | None:
    """Returns the file; None where the kernel does not sync by itself, or may not."""
    if linux_aio is None or not path:
        return None
    try:
        return _File(path, linux_aio.Context(_SYNCS_AT_ONCE))
    except (OSError, sqlite3.Error) as fault:
        _log.info("audit_by_thread", error=type(fault).__name__)
        return None
