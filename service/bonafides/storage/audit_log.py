"""Makes rows of the audit durable before answers leave, many calls' in one commit.

Through the shared batch, on its thread; on SQLite, where the kernel can wait for a disk by
itself, without a thread. A thread of Python that has a little to do between two waits asks
for the interpreter each time, and a busy event loop, which lets go of it at every call into
the core of gRPC, wakes that thread in vain each time: some ninety wakes for thirty rows,
which cost more than the rows. So there:

1. Rows gather on the event loop for the linger, unless the commit before held one call's
   alone, and while the one before waits for the disk.
2. One statement adds them, which is its own transaction. It takes some microseconds a row,
   waits for no lock, and leaves the syncing of the log to us.
3. The kernel syncs the write-ahead log (Linux AIO), and the loop goes on meanwhile.
4. Then everybody is told, alike: stored for good, or StoreUnavailableError.
5. What can't be stored so goes through the shared batch: a salt that isn't known yet or
   stands no more, another writer at work, a fault.
6. The log is copied back into the database on a thread, now and then, which keeps nobody
   waiting.

Source of 3: a commit at synchronous=FULL is one at NORMAL, and a sync of the log behind it
(SQLite, PRAGMA synchronous; "Write-Ahead Logging", 2.2).

    log = AuditLog(store, batch, Writer(vault))
    log.start()                            # on the event loop
    await log.written(entries)
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Sequence
from typing import Final

import structlog
from caio import linux_aio_asyncio

from bonafides.access.audit import Entry
from bonafides.errors import StoreUnavailableError
from bonafides.storage.audit import MOST_AT_ONCE, Writer
from bonafides.storage.shared_batch import (
    LINGER_SECONDS,
    MOST_ROWS,
    PATIENCE_SECONDS,
    SharedBatch,
    tell,
)
from bonafides.storage.unit_of_work import Store

# As many rows dirty as many pages of the log as it should hold at most (unit_of_work).
_ROWS_BETWEEN_COPIES: Final = 4_000
# One sync is under way, and more are never asked for.
_SYNCS_AT_ONCE: Final = 4

_log: Final = structlog.get_logger("bonafides.audit")


class AuditLog:
    """The rows of one process. Used on one event loop alone; `commits` counts its own."""

    def __init__(self, store: Store, batch: SharedBatch, writer: Writer) -> None:
        self._store: Final = store
        self._batch: Final = batch
        self._writer: Final = writer
        self._file: _File | None = None
        self._open = _Group()
        self._waiting = 0
        # Set while no group is on its way: gathered, stored, or waiting for the disk.
        self._idle: Final = asyncio.Event()
        self._idle.set()
        self._crowded = False
        # Rows since the log was copied back, and whether that goes on.
        self._uncopied = 0
        self._copying: asyncio.Future[None] | None = None
        # The loop itself holds its tasks weakly.
        self._syncing: asyncio.Task[None] | None = None
        self.commits = 0

    def start(self) -> None:
        """Begins, on the event loop that rows will come from."""
        if self._store.url.get_backend_name() == "sqlite":
            self._file = _opened(self._store.url.database or "")

    def written(self, entries: Sequence[Entry]) -> asyncio.Future[None]:
        """Hands rows in; what is returned is awaited.

        Raises:
            StoreUnavailableError: too many rows wait; awaited: they can't be stored, or not
                in time.
        """
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
        if self._copying is not None:
            await asyncio.wait((self._copying,))
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._idle.clear()
        if self._crowded:
            loop.call_later(LINGER_SECONDS, self._store_open)
        else:
            loop.call_soon(self._store_open)

    def _store_open(self) -> None:
        group, self._open = self._open, _Group()
        if not group.entries:
            return
        self._crowded = len(group.waiters) > 1
        loop = asyncio.get_running_loop()
        if self._file is not None and self._is_added(self._file, group.entries):
            self._syncing = loop.create_task(self._sync(self._file, group))
            return
        try:
            stored = self._batch.written(self._writer, group.entries)
        except StoreUnavailableError:
            self._tell(group, stored=False)
            return
        stored.add_done_callback(lambda done: self._tell(group, stored=done.exception() is None))

    def _is_added(self, file: _File, entries: Sequence[Entry]) -> bool:
        if len(entries) > MOST_AT_ONCE:
            return False
        statement = self._writer.statement(entries)
        if statement is None or not file.added(*statement, rows=len(entries)):
            return False
        self._uncopied += len(entries)
        if self._uncopied >= _ROWS_BETWEEN_COPIES and self._copying is None:
            self._uncopied = 0
            self._copying = asyncio.get_running_loop().run_in_executor(None, self._store.copy_log)
            self._copying.add_done_callback(self._copied)
        return True

    def _copied(self, done: asyncio.Future[None]) -> None:
        self._copying = None
        if not done.cancelled() and (fault := done.exception()) is not None:
            # Whoever commits next beyond the bound tries it again.
            _log.error("log_not_copied", error=type(fault).__name__)

    async def _sync(self, file: _File, group: _Group) -> None:
        stored = True
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await file.sync()
        except Exception as fault:  # noqa: BLE001 - whatever it is, the rows may not be stored
            _log.error("audit_not_synced", rows=len(group.entries), error=type(fault).__name__)
            stored = False
        self.commits += stored
        self._tell(group, stored=stored)

    def _tell(self, group: _Group, *, stored: bool) -> None:
        """Tells everybody, and goes on with whoever came meanwhile."""
        self._waiting -= len(group.entries)
        tell(group.waiters, stored=stored)
        if self._open.entries:
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

    def __init__(self, path: str, aio: linux_aio_asyncio.AsyncioContext) -> None:
        self._aio: Final = aio
        # It waits for no lock: the shared batch does.
        self._connection: Final = sqlite3.connect(path, timeout=0, isolation_level=None)
        for pragma in ("synchronous=NORMAL", "wal_autocheckpoint=0"):
            self._connection.execute(f"PRAGMA {pragma}")
        # The log is there from the first read on, and stays as long as anybody has it open.
        self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        self._wal: Final = os.open(f"{path}-wal", os.O_RDONLY | os.O_CLOEXEC)

    def added(self, statement: str, values: Sequence[object], *, rows: int) -> bool:
        """Returns whether the statement added so many rows; False: it added none."""
        try:
            return self._connection.execute(statement, values).rowcount == rows
        except sqlite3.Error:
            # Busy or broken: the shared batch waits, or tells the fault.
            return False

    async def sync(self) -> None:
        """Makes durable what was added.

        Raises:
            Exception: it may not be; the library and the kernel have several kinds of it.
        """
        await self._aio.fdsync(self._wal)

    def close(self) -> None:
        self._aio.close()  # type: ignore[no-untyped-call]  # the library's
        self._connection.close()
        os.close(self._wal)


def _opened(path: str) -> _File | None:
    """Returns the file; None where the kernel does not sync by itself, or may not."""
    if linux_aio_asyncio is None or not path:
        return None
    try:
        aio = linux_aio_asyncio.AsyncioContext(_SYNCS_AT_ONCE)  # type: ignore[no-untyped-call]  # the library's
        return _File(path, aio)
    except (OSError, sqlite3.Error) as fault:
        _log.info("audit_by_thread", error=type(fault).__name__)
        return None
