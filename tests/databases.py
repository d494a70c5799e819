"""Databases of tests: each test has its own, copied from one that was migrated once.

Migrations are tried by tests/house/test_migrations and by every test that starts a process;
copying what they made takes a tenth of the time.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
import tempfile
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.util import LRUCache

from bonafides.storage.unit_of_work import Store

# Of Linux, in memory. Elsewhere, and where there is little of it, the cluster is on disk.
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - what is made there has a name nobody guesses
_ROOM: Final = 2 << 30
# What protects from the loss of power and nothing else. No test pulls the plug; those that
# kill processes kill the service's, whose commits the server has then.
_SETTINGS: Final = ("fsync = off", "full_page_writes = off", "max_wal_size = '256MB'")
_TEMPLATE: Final = "migrated"


_COMPILED: Final[MutableMapping[Any, Any]] = LRUCache(5_000)
_DIALECTS: Final[dict[type[sa.Dialect], sa.Dialect]] = {}


def share_what_is_compiled() -> None:
    """Has all stores of this process remember together how their statements are written.

    A process that serves has one store, whose engine remembers that. Here each test has a
    store of its own, and would spend a third of its time on compiling what the test before
    compiled. Engines compile alike if their dialects are one.
    """
    sa.event.listen(sa.Engine, "engine_connect", _share)


def _share(connection: sa.Connection) -> None:
    # The first has looked at its server by now; every other is of the same.
    connection.dialect = _DIALECTS.setdefault(type(connection.dialect), connection.dialect)
    connection.execution_options(compiled_cache=_COMPILED)


def place(url: str) -> None:
    """Puts a migrated database where the URL points, if that is a file that is not there."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        file = Path(parsed.database)
        if not file.exists():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.write_bytes(_sqlite())


def opened(file: Path) -> Store:
    """Returns the store in a file of SQLite, which is made and migrated if it is not there."""
    url = f"sqlite:///{file}"
    place(url)
    return Store(url)


@functools.cache
def _sqlite() -> bytes:
    """Returns the bytes of a migrated file, as SQLite leaves it once the last has closed it."""
    with tempfile.TemporaryDirectory(prefix="bonafides-") as folder:
        file = Path(folder) / "migrated.db"
        _migrate(f"sqlite:///{file}")
        return file.read_bytes()


def _migrate(url: str) -> None:
    store = Store(url)
    store.migrate()
    store.close()


@dataclass(frozen=True, slots=True)
class Cluster:
    """A PostgreSQL server of this test process, and who may make databases in it."""

    server: sa.URL
    admin: sa.Engine

    @contextlib.contextmanager
    def database(self, name: str, *, migrated: bool = True) -> Iterator[str]:
        """Makes a database; gives its URL. Whoever is in it at the end is thrown out."""
        template = f'TEMPLATE "{_TEMPLATE}" STRATEGY file_copy' if migrated else ""
        self._run(f'CREATE DATABASE "{name}" {template}')
        try:
            yield self._url(name)
        finally:
            self._run(f'DROP DATABASE "{name}" WITH (FORCE)')

    def prepare(self) -> None:
        """Settles for speed, and makes what databases are copied from."""
        for setting in _SETTINGS:
            self._run(f"ALTER SYSTEM SET {setting}")
        self._run("SELECT pg_reload_conf()")
        self._run(f'CREATE DATABASE "{_TEMPLATE}"')
        _migrate(self._url(_TEMPLATE))

    def _run(self, statement: str) -> None:
        with self.admin.connect() as connection:
            connection.exec_driver_sql(statement)

    def _url(self, name: str) -> str:
        return self.server.set(database=name).render_as_string(hide_password=False)


@contextlib.contextmanager
def cluster(pgserver: Any) -> Iterator[Cluster]:
    """Starts a server with the package that brings one; it ends with the context."""
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ROOM
    with tempfile.TemporaryDirectory(
        prefix="bonafides-pg-", dir=_MEMORY if roomy else None
    ) as folder:
        server = pgserver.get_server(folder, cleanup_mode="stop")
        # The server's own URL names a socket; psycopg is named because it is what we ship.
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        try:
            made = Cluster(url, admin)
            made.prepare()
            yield made
        finally:
            admin.dispose()
            server.cleanup()
