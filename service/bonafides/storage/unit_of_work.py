"""Units of work: everything in one is committed together, or nothing is.

    with store.writing() as work:
        identity_rows.insert(work, submission)
        work.commit()

A unit of work that is left without `commit()` is rolled back. What it changes and
others remember it notes (storage.changes); they hear of it with the commit. It may hold no
network call. Rows are read inside it: what is left unread when it is left can't be read
anymore. On SQLite one writer works at a time in a process, behind a lock:
waiting there costs nothing, where SQLite's own busy handler sleeps and starves.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.exc import (
    TimeoutError as PoolTimeoutError,
)

from bonafides.errors import StoreUnavailableError
from bonafides.storage import changes
from bonafides.storage.changes import Change

_BUSY_TIMEOUT_MS: Final = 10_000
# Longer than reads take that share a transaction (storage.snapshots).
_RESTART_MS: Final = 30
_URL_HELP: Final = "give sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
# Key of the advisory lock under which PostgreSQL is migrated; any fixed number.
_MIGRATING: Final = 4_226_331
_MIGRATIONS: Final = Path(__file__).parent / "migrations"
# Where Alembic keeps the revision of the schema.
_VERSION: Final = sa.table("alembic_version", sa.column("version_num"))


class StoreUrlError(ValueError):
    """The database's URL can't be used. The text doesn't repeat it: it may hold a password."""


class UnitOfWork:
    """One transaction on one connection. Commits only when told."""

    def __init__(self, connection: sa.Connection, told: Callable[[Sequence[Change]], None]) -> None:
        self.connection: Final = connection
        self.dialect: Final = connection.dialect.name
        self._told: Final = told
        self._noted: Final[list[Change]] = []
        # The driver's. Weakly: a fold executes more statements than it may remember.
        self._cursors: Final[weakref.WeakSet[Any]] = weakref.WeakSet()

    def insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        """Returns an INSERT of this database that may name what is done on a conflict."""
        return sqlite.insert(table) if self.dialect == "sqlite" else postgresql.insert(table)

    def execute(self, statement: sa.Executable, parameters: Any = None) -> sa.CursorResult[Any]:
        """Executes a Core statement; a list of parameters means executemany."""
        result = self.connection.execute(statement, parameters)
        if result.returns_rows:
            self._cursors.add(result.cursor)
        return result

    def note(self, change: Change) -> None:
        """Notes what is changed, to be told of when it is committed."""
        self._noted.append(change)

    def commit(self) -> None:
        """Makes the work durable. Nothing more may be done in it."""
        if self._noted:
            changes.write(self.connection, self._noted)
        self.connection.commit()
        if self._noted:
            self._told(self._noted)

    def close(self) -> None:
        """Closes the rows that were not read to their end."""
        for cursor in tuple(self._cursors):
            cursor.close()


class Store:
    """A database, SQLite or PostgreSQL, and the way into it.

    At most `connections` are open at once; a unit of work beyond them waits.

    Raises:
        StoreUrlError: not a URL of SQLite or PostgreSQL, or its driver is not installed.
    """

    def __init__(self, url: str, *, connections: int = 16) -> None:
        self.url: Final = _parsed(url)
        self._sqlite: Final = self.url.get_backend_name() == "sqlite"
        self._connections: Final = connections
        self.engine: Final = self._engine()
        self._listeners: Final[list[Callable[[Sequence[Change]], None]]] = []
        self._writer: Final[Any] = threading.Lock() if self._sqlite else nullcontext()

    @contextmanager
    def reading(self) -> Iterator[UnitOfWork]:
        """Opens a unit of work that sees one snapshot and changes nothing.

        Raises:
            StoreUnavailableError: the database can't be reached.
        """
        with _unavailable_is_ours(), self.engine.connect() as connection:
            if self._sqlite:
                connection.exec_driver_sql("BEGIN")
            else:
                connection.exec_driver_sql(
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
                )
            with self._unit(connection) as work:
                yield work

    @contextmanager
    def writing(self) -> Iterator[UnitOfWork]:
        """Opens a unit of work that may change things, and rolls back unless told to commit.

        Raises:
            StoreUnavailableError: the database can't be reached.
        """
        with _unavailable_is_ours(), self._writer, self.engine.connect() as connection:
            if self._sqlite:
                # Take the write lock at once: a reader that turns writer halfway
                # can't wait for it and fails with SQLITE_BUSY.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            with self._unit(connection) as work:
                yield work

    def execute_alone(self, statement: sa.Executable) -> None:
        """Executes a statement as a transaction of its own.

        On SQLite other writers wait for no longer than the statement itself takes: in a unit
        of work they wait for each turn of the interpreter as well.

        Raises:
            StoreUnavailableError: the database can't be reached.
        """
        with _unavailable_is_ours(), self.engine.connect() as connection:
            connection.execute(statement)
            connection.commit()

    def copy_log(self) -> None:
        """Copies SQLite's write-ahead log back into the database, and has it begun anew.

        While somebody always writes it would not be, and grow. Writers wait for what came
        during the copying, and some milliseconds for who reads: where somebody reads or
        writes for longer it is left to the next time.

        Raises:
            StoreUnavailableError: the database can't be reached.
        """
        with _unavailable_is_ours(), self.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").all()
            connection.exec_driver_sql(f"PRAGMA busy_timeout={_RESTART_MS}")
            try:
                with self._writer:
                    connection.exec_driver_sql("PRAGMA wal_checkpoint(RESTART)").all()
            finally:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")

    def migrate(self) -> None:
        """Brings the schema up to date. Safe to repeat, and to run in two processes at once."""
        with _unavailable_is_ours():
            if self._is_up_to_date():
                return
        # Loaded where there is something to do: it costs a tenth of a server's start.
        from alembic import command  # noqa: PLC0415
        from alembic.config import Config  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        config.set_main_option("path_separator", "os")
        with _unavailable_is_ours(), self.engine.connect() as connection:
            config.attributes["connection"] = connection
            # Two processes that start at once must not both create the tables.
            connection.exec_driver_sql(
                "BEGIN IMMEDIATE" if self._sqlite else f"SELECT pg_advisory_xact_lock({_MIGRATING})"
            )
            command.upgrade(config, "head")
            connection.commit()

    def _is_up_to_date(self) -> bool:
        """Returns whether the schema is that of the last of our migrations."""
        with self.engine.connect() as connection:
            if not sa.inspect(connection).has_table(_VERSION.name):
                return False
            found = connection.execute(sa.select(_VERSION.c.version_num)).scalars().all()
        # Files are named after the revision, in order.
        last = max(file.stem for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
        return found == [last.partition("_")[0]]

    def listen(self, told: Callable[[Sequence[Change]], None]) -> None:
        """Has the changes of this store's own units of work told of, once committed."""
        self._listeners.append(told)

    def connect(self) -> Any:
        """Returns a connection of PostgreSQL's driver itself, which commits by itself.

        It is the caller's own, and counts among no others.

        Raises:
            Error: the driver's own; the database can't be reached.
        """
        arguments, options = self.engine.dialect.create_connect_args(self.url)
        return self.engine.dialect.connect(*arguments, **options, autocommit=True)

    def close(self) -> None:
        """Closes every connection."""
        self.engine.dispose()

    @contextmanager
    def _unit(self, connection: sa.Connection) -> Iterator[UnitOfWork]:
        work = UnitOfWork(connection, self._tell)
        try:
            yield work
        finally:
            # Before the connection goes back to the pool. On SQLite a rollback lets a SELECT
            # that is halfway stand, and its old snapshot with it: the next unit of work
            # there could not begin to write, for as long as anything, a traceback say,
            # held on to the rows.
            work.close()

    def _tell(self, told: Sequence[Change]) -> None:
        for listener in self._listeners:
            listener(told)

    def _engine(self) -> sa.Engine:
        if not self._sqlite:
            return sa.create_engine(
                self.url, pool_size=self._connections, max_overflow=0, pool_pre_ping=True
            )
        if self.url.database and self.url.database != ":memory:":
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(
            self.url,
            pool_size=self._connections,
            max_overflow=0,
            connect_args={"timeout": _BUSY_TIMEOUT_MS / 1_000, "isolation_level": None},
        )
        sa.event.listen(engine, "connect", _prepare_sqlite)
        return engine


def _parsed(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except ArgumentError:
        raise StoreUrlError(_URL_HELP) from None
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise StoreUrlError(_URL_HELP)
    try:
        # Loads the driver, so that one which is not installed is told of here.
        parsed.get_dialect().import_dbapi()
    except (NoSuchModuleError, ModuleNotFoundError):
        raise StoreUrlError("install the extra `postgres`: its driver is missing") from None
    return parsed


_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "temp_store=MEMORY",
    # Pages: 16 MB. A batch writes to a thousand pages, which would be copied back into
    # the database, and that synced, with every single commit.
    "wal_autocheckpoint=4000",
)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


@contextmanager
def _unavailable_is_ours() -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError as fault:
        raise StoreUnavailableError from fault
    except DBAPIError as fault:
        if isinstance(fault, OperationalError) or fault.connection_invalidated:
            raise StoreUnavailableError from fault
        raise
