"""Fills the disk under SQLite until nothing more goes in, and frees it again.

The database lies on a small file system of its own. In each round a ballast file
takes all that is left while the workload writes; once a batch was refused, the
archive's roll-ups must still be readable, also through a database that is opened
only now, and when the ballast is gone the refused batch must go in, in the same
process, without anybody's help.

A file system is mounted for it, which takes root: `cannot_mount` says why not.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from bonafides.errors import StoreUnavailableError
from bonafides.storage.tables import rollup_day
from bonafides.storage.unit_of_work import Store
from scripts.faults.checker import Findings, check
from scripts.faults.history import History
from scripts.faults.lives import Life
from scripts.faults.workload import Ack, Message, Sign, directly

# What one database lives through.
FILLINGS_PER_ROUND: Final = 10

_SIZE_MB: Final = 8
_BLOCK: Final = bytes(64 * 1024)
_PAUSE_SECONDS: Final = 0.003
_MOST_SECONDS: Final = 20.0
_WRITERS: Final = 2
# Reads that are waited for while the disk is full.
_READS: Final = 5
_BATCHES_BETWEEN: Final = 5


@dataclass(slots=True)
class Outcome:
    """What came of the fillings. `felt`: those in which a batch was refused."""

    fillings: int = 0
    felt: int = 0
    healed: int = 0
    # Records.
    acked: int = 0
    reads: int = 0
    reads_failed: int = 0
    found: Findings = field(default_factory=Findings)

    def add(self, more: Outcome) -> None:
        """Adds what came of another round."""
        self.fillings += more.fillings
        self.felt += more.felt
        self.healed += more.healed
        self.acked += more.acked
        self.reads += more.reads
        self.reads_failed += more.reads_failed
        self.found.add(more.found)


def cannot_mount() -> str | None:
    """Returns why no file system can be mounted here; None: it can."""
    if os.geteuid() != 0:
        return "mounting a small file system needs root"
    try:
        with _mounted():
            return None
    except (OSError, subprocess.CalledProcessError):
        return "this machine lets nobody mount a file system"


def fillings(*, seed: int, count: int = FILLINGS_PER_ROUND) -> Outcome:
    """Fills the disk under an empty database `count` times, then checks what is left."""
    with _mounted() as folder:
        store = Store(f"sqlite:///{folder / 'bonafides.db'}")
        store.migrate()
        history = History(seed, _WRITERS)
        url = store.url.render_as_string(hide_password=False)
        outcome = Outcome()
        life = Life(history.plan(url, reads=True, pause_seconds=_PAUSE_SECONDS))
        try:
            life.wait_for(_is_ack, _MOST_SECONDS)
            for _ in range(count):
                _fill_once(life, folder, url, outcome)
        finally:
            life.kill()
        history.add(life.messages)
        outcome.acked = history.records
        outcome.reads += history.reads
        outcome.reads_failed += history.reads_failed
        try:
            outcome.found.add(check(store, history, lambda *batch: directly(store, seed, *batch)))
        finally:
            store.close()
        return outcome


def _fill_once(life: Life, folder: Path, url: str, outcome: Outcome) -> None:
    ballast = folder / "ballast"
    outcome.fillings += 1
    before = len(life.messages)
    with _filling(ballast) as fill:
        ends = time.monotonic() + _MOST_SECONDS
        # What a checkpoint gives back is taken too.
        while not life.wait_for(_is_refusal, 0.02, after=before) and time.monotonic() < ends:
            fill()
        outcome.felt += life.wait_for(_is_refusal, 0, after=before)
        full = len(life.messages)
        for _ in range(_READS):
            life.wait_for(_is_reading, _MOST_SECONDS, after=full)
            full = len(life.messages)
        _read_anew(url, outcome)
    freed = len(life.messages)
    outcome.healed += life.wait_for(_is_ack, _MOST_SECONDS, after=freed)
    # A few more, so that the next filling finds the database at another place.
    for _ in range(_BATCHES_BETWEEN):
        life.wait_for(_is_ack, _MOST_SECONDS, after=len(life.messages))


def _is_ack(message: Message) -> bool:
    return isinstance(message, Ack)


def _is_refusal(message: Message) -> bool:
    return message is Sign.REFUSED


def _is_reading(message: Message) -> bool:
    return message is Sign.READ or message is Sign.NOT_READ


def _read_anew(url: str, outcome: Outcome) -> None:
    """Reads through a database that is opened only now."""
    store = Store(url)
    try:
        with store.reading() as work:
            work.execute(sa.select(sa.func.count()).select_from(rollup_day)).scalar()
        outcome.reads += 1
    except StoreUnavailableError:
        outcome.reads_failed += 1
    finally:
        store.close()


@contextmanager
def _filling(ballast: Path) -> Iterator[Callable[[], None]]:
    """Gives the function that takes what is left of the disk; frees it all at the end."""

    def fill() -> None:
        for block in (_BLOCK, _BLOCK[:512]):
            with suppress(OSError), ballast.open("ab", buffering=0) as opened:
                while opened.write(block):
                    pass

    try:
        fill()
        yield fill
    finally:
        ballast.unlink()


@contextmanager
def _mounted() -> Iterator[Path]:
    """Mounts a small empty file system for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="bonafides-disk-") as folder:
        options = f"size={_SIZE_MB}m,mode=700"
        mount = ["mount", "-t", "tmpfs", "-o", options, "bonafides-faults", folder]
        subprocess.run(mount, check=True, capture_output=True)  # noqa: S603 - our own words
        try:
            yield Path(folder)
        finally:
            # Lazily: a database that is still open must not leave the mount behind.
            subprocess.run(["umount", "--lazy", folder], check=True, capture_output=True)  # noqa: S603, S607 - as above
