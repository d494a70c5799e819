"""Reads stored views as quickly as each database allows.

`at_once` is for the event loop: it never waits and may not know. `fetch` has what it did not
know read, in one question with what other calls want meanwhile. `read` is for threads: it
asks the database and always knows. None of them looks at `next_change_at`: the caller does,
every time.

What is remembered is not compared with the database but forgotten through the table of
changes: at once by this process's own commits, within a second by those of others
(storage.follower). What isn't remembered is read:

- SQLite: from the file, on the event loop too. The read takes microseconds, but it hands
  the interpreter to other threads and waits to have it back, which costs several times
  as much: hence the memory in front of the engine's own.
- PostgreSQL: on a thread, since a round trip costs more than a whole call, and a thread
  for each call costs more than the round trip: views that are wanted while a question is
  under way, and shortly after it, are asked for together in the next one.

    snapshots = Snapshots(store, follower)
    snapshots.at_once("91990000MA0000001T", "PUBLIC")      # Stored | None
    await snapshots.fetch("91990000MA0000001T", "PUBLIC")  # and then at once
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from bonafides.archive.snapshot import Stored
from bonafides.errors import StoreUnavailableError
from bonafides.storage import archive as rows
from bonafides.storage.changes import ARCHIVE, Change
from bonafides.storage.follower import Follower
from bonafides.storage.unit_of_work import Store

# Some 20,000 views of ordinary size.
_MOST_BYTES: Final = 64 * 1_024 * 1_024
# What an entry costs beside its bytes, roughly.
_OVERHEAD_BYTES: Final = 1_024
# For how long reads of SQLite share a transaction.
_SHARED_SECONDS: Final = 0.002
# For how long views that were wanted during a question wait for others, to be the next one:
# each question costs a thread's waking.
_LINGER_SECONDS: Final = 0.004
# Views that one question asks for, and that may be waited for: beyond, a thread asks.
_MOST_ASKED: Final = 64
_MOST_WANTED: Final = 512
_COLUMNS: Final = ", ".join(Stored._fields)


# Code and view.
Key: TypeAlias = tuple[str, str]


class _Source(Protocol):
    """The database itself, asked for one view."""

    # Whether `at_once` ever knows.
    quick: bool

    def at_once(self, code: str, view: str) -> Stored | None:
        """Returns the view without waiting; None says nothing: ask `read`."""

    def read(self, code: str, view: str) -> Stored | None:
        """Returns the view as it is stored now, or None if there is none.

        Raises:
            StoreUnavailableError: the database can't be reached.
        """

    def start(self) -> None:
        """Begins, on the event loop that reads at once."""

    def close(self) -> None:
        """Closes what it opened."""


class Snapshots:
    """The way to the stored views of one database. `at_once` is for the event loop alone."""

    def __init__(self, store: Store, follower: Follower, *, most_bytes: int = _MOST_BYTES) -> None:
        self._follower: Final = follower
        self._memory: Final = _Memory(most_bytes)
        self._source: _Source
        self._wanted: _Wanted | None = None
        if store.url.get_backend_name() == "sqlite":
            self._source = _File(store, follower)
        else:
            connections = _Connections(store)
            self._source = connections
            self._wanted = _Wanted(self._memory, connections.read_several)
        # Behind the file: that must not be read as it was once the memory heard of a change.
        follower.hear(self._memory.told, self._memory.clear)

    def at_once(self, code: str, view: str) -> Stored | None:
        """Returns the view, at most a second old, without waiting; None: ask `read`."""
        if not self._follower.is_fresh():
            return self._source.at_once(code, view)
        known = self._memory.get(code, view)
        if known is not None or not self._source.quick:
            return known
        entry = self._memory.expect(code)
        found = self._source.at_once(code, view)
        self._memory.put(code, view, entry, found)
        return found

    def fetch(self, code: str, view: str) -> asyncio.Future[None] | None:
        """Returns what is done once `at_once` may know the view; None: ask `read`.

        Where the database can't be reached it is done, too, and `read` tells the fault.
        """
        if self._wanted is None or not self._follower.is_fresh() or self._memory.get(code, view):
            return None
        return self._wanted.put(code, view)

    def read(self, code: str, view: str) -> Stored | None:
        """Returns the view as it is stored now, or None if there is none; remembers it.

        Raises:
            StoreUnavailableError: the database can't be reached.
        """
        entry, found = self._memory.expect(code), None
        try:
            found = self._source.read(code, view)
        finally:
            # What was expected in vain is not kept either.
            self._memory.put(code, view, entry, found)
        return found

    def start(self) -> None:
        """Begins, on the event loop that reads at once."""
        self._source.start()

    def close(self) -> None:
        """Closes what it opened."""
        if self._wanted is not None:
            self._wanted.close()
        self._source.close()


class _File:
    """A file of SQLite, which is read on the event loop as well.

    Locks cost more than the read: so reads of the same two milliseconds share a transaction,
    which ends at once when a change is heard of.
    """

    quick = True

    def __init__(self, store: Store, follower: Follower) -> None:
        self._store: Final = store
        # Opened on one thread and used on that of the event loop, by it alone. It
        # does not wait for locks: a thread does.
        self._connection: Final = sqlite3.connect(
            store.url.database or ":memory:",
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
        )
        self._connection.execute("PRAGMA query_only=ON")
        self._cursor: Final = self._connection.cursor()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reading = False
        # Set on whatever thread hears of a change, looked at on the event loop before each read.
        self._outdated = False
        follower.hear(self._told, self._lost)

    def at_once(self, code: str, view: str) -> Stored | None:
        try:
            if self._outdated:
                self._end()
            if not self._reading and self._loop is not None:
                self._begin(self._loop)
            # Read to the end, so that without a transaction of ours none stays open.
            found = self._cursor.execute(_POINT_SQLITE, (code, view)).fetchall()
        except sqlite3.Error:
            # Busy or broken: the thread that asks next can wait, and tells the fault.
            return None
        return Stored(*found[0]) if found else None

    def read(self, code: str, view: str) -> Stored | None:
        with self._store.reading() as work:
            return rows.read_snapshot(work, code, view)

    def start(self) -> None:
        # Elsewhere than on an event loop none are shared.
        with contextlib.suppress(RuntimeError):
            self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        self._loop = None
        self._connection.close()

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._cursor.execute("BEGIN")
        self._reading = True
        loop.call_later(_SHARED_SECONDS, self._end)

    def _end(self) -> None:
        self._outdated = False
        if self._reading:
            self._reading = False
            # It changed nothing; that it was closed since is no fault either.
            with contextlib.suppress(sqlite3.Error):
                self._cursor.execute("COMMIT")

    def _told(self, _heard: Sequence[Change]) -> None:
        self._outdated = True

    def _lost(self) -> None:
        self._outdated = True


class _Entry:
    """The views of one enterprise, none below the revision that was heard of."""

    __slots__ = ("floor", "views")

    def __init__(self) -> None:
        self.floor = 0
        self.views: dict[str, Stored] = {}


class _Memory:
    """The views of the enterprises that were read last, up to a number of bytes.

    A view that was read before a change and arrives after it must not be kept.
    So the entry is made before the question is asked: a change finds it, and
    raises its floor. An entry that was thrown out meanwhile takes nothing.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes: Final = most_bytes
        self._bytes = 0
        self._lock: Final = threading.Lock()
        self._entries: Final[OrderedDict[str, _Entry]] = OrderedDict()

    def get(self, code: str, view: str) -> Stored | None:
        with self._lock:
            entry = self._entries.get(code)
            if entry is None:
                return None
            self._entries.move_to_end(code)
            return entry.views.get(view)

    def expect(self, code: str) -> _Entry:
        """Returns the entry that a view is about to be read for."""
        with self._lock:
            entry = self._entries.get(code)
            if entry is None:
                entry = self._entries[code] = _Entry()
            return entry

    def put(self, code: str, view: str, entry: _Entry, found: Stored | None) -> None:
        with self._lock:
            if self._entries.get(code) is not entry:
                return
            if found is not None and found.revision >= entry.floor:
                self._drop(entry, view)
                entry.views[view] = found
                self._bytes += _size(found)
            if not entry.views:
                # Codes that have no archive must not push out those that have.
                del self._entries[code]
            while self._bytes > self._most_bytes:
                _, oldest = self._entries.popitem(last=False)
                self._empty(oldest)

    def told(self, heard: Sequence[Change]) -> None:
        """Forgets what was changed."""
        with self._lock:
            for change in heard:
                entry = self._entries.get(change.key) if change.kind == ARCHIVE else None
                if entry is not None:
                    entry.floor = max(entry.floor, change.revision)
                    for view, known in tuple(entry.views.items()):
                        if known.revision < entry.floor:
                            self._drop(entry, view)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def _drop(self, entry: _Entry, view: str) -> None:
        known = entry.views.pop(view, None)
        if known is not None:
            self._bytes -= _size(known)

    def _empty(self, entry: _Entry) -> None:
        for view in tuple(entry.views):
            self._drop(entry, view)


class _Want(NamedTuple):
    """A view that a call waits for."""

    key: Key
    entry: _Entry
    done: asyncio.Future[None]


class _Wanted:
    """The views that calls wait for, asked for in one question after the other.

    Used on the event loop alone; a thread of its own asks.
    """

    def __init__(
        self, memory: _Memory, read: Callable[[Sequence[Key]], Mapping[Key, Stored]]
    ) -> None:
        self._memory: Final = memory
        self._read: Final = read
        self._thread: Final = ThreadPoolExecutor(1, thread_name_prefix="views")
        self._wants: list[_Want] = []
        self._asking = False

    def put(self, code: str, view: str) -> asyncio.Future[None] | None:
        """Returns what is done once the view was asked for; None: too many wait."""
        if len(self._wants) >= _MOST_WANTED:
            return None
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._wants.append(_Want((code, view), self._memory.expect(code), done))
        if not self._asking:
            self._asking = True
            # Behind the calls that came in the same moment.
            loop.call_soon(self._ask, loop)
        return done

    def close(self) -> None:
        """Waits for the question that is under way."""
        self._thread.shutdown(cancel_futures=True)

    def _ask(self, loop: asyncio.AbstractEventLoop) -> None:
        asked, self._wants = self._wants[:_MOST_ASKED], self._wants[_MOST_ASKED:]
        try:
            answered = loop.run_in_executor(self._thread, self._remember, asked)
        except RuntimeError:
            # Closed: whoever waits asks for himself.
            self._tell([*asked, *self._wants])
            self._wants, self._asking = [], False
            return
        answered.add_done_callback(partial(self._answered, loop, asked))

    def _remember(self, asked: Sequence[_Want]) -> None:
        found: Mapping[Key, Stored] = {}
        try:
            # What is read most is wanted by several.
            found = self._read(list(dict.fromkeys(want.key for want in asked)))
        finally:
            for key, entry, _ in asked:
                self._memory.put(*key, entry, found.get(key))

    def _answered(
        self,
        loop: asyncio.AbstractEventLoop,
        asked: Sequence[_Want],
        answered: asyncio.Future[None],
    ) -> None:
        # Who finds nothing asks again, on a thread, which tells the fault.
        if not answered.cancelled():
            answered.exception()
        self._tell(asked)
        self._asking = bool(self._wants)
        if self._asking:
            loop.call_later(_LINGER_SECONDS, self._ask, loop)

    @staticmethod
    def _tell(asked: Sequence[_Want]) -> None:
        for want in asked:
            # Its caller may have left.
            if not want.done.done():
                want.done.set_result(None)


class _Connections:
    """Connections to PostgreSQL by the driver itself: one round trip for a point read, no more.

    As many as threads read at once; each is given back after its use.
    """

    quick = False

    def __init__(self, store: Store) -> None:
        self._store: Final = store
        self._idle: Final[list[Any]] = []

    def at_once(self, code: str, view: str) -> Stored | None:  # noqa: ARG002 - it always waits
        return None

    def read(self, code: str, view: str) -> Stored | None:
        found = self._asked(_POINT_POSTGRESQL, (code, view))
        return Stored(*found[0]) if found else None

    def read_several(self, keys: Sequence[Key]) -> Mapping[Key, Stored]:
        """Returns those views that there are, in one question.

        Raises:
            StoreUnavailableError: the database can't be reached.
        """
        codes, views = [code for code, _ in keys], [view for _, view in keys]
        found = self._asked(_POINTS_POSTGRESQL, (codes, views))
        return {(code, view): Stored(*rest) for code, view, *rest in found}

    def start(self) -> None:
        """Needs no event loop."""

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _asked(self, question: str, values: Sequence[Any]) -> Sequence[Sequence[Any]]:
        fault = self._store.engine.dialect.loaded_dbapi.Error
        if self._idle:
            try:
                return self._ask(self._idle.pop(), question, values)
            except (fault, IndexError):
                # A server that was restarted closed what lay idle.
                pass
        try:
            return self._ask(self._store.connect(), question, values)
        except fault as error:
            raise StoreUnavailableError from error

    def _ask(
        self, connection: Any, question: str, values: Sequence[Any]
    ) -> Sequence[Sequence[Any]]:
        try:
            found: Sequence[Sequence[Any]] = connection.execute(question, values).fetchall()
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return found


def _size(known: Stored) -> int:
    return len(known.archive) + _OVERHEAD_BYTES


_POINT_SQLITE: Final = f"SELECT {_COLUMNS} FROM snapshot WHERE code = ? AND view = ?"  # noqa: S608 - constants
_POINT_POSTGRESQL: Final = f"SELECT {_COLUMNS} FROM snapshot WHERE code = %s AND view = %s"  # noqa: S608 - constants
_POINTS_POSTGRESQL: Final = (
    f"SELECT code, view, {_COLUMNS} FROM snapshot "  # noqa: S608 - constants
    "JOIN unnest(%s::text[], %s::text[]) AS wanted (code, view) USING (code, view)"
)
