"""The process that is broken: takes records in, folds them, and says what was acknowledged.

    writers   each sends its batches one after the other, as a platform's client
              would; a batch that the database refused is sent again until it is
              acknowledged
    folders   fold what has come, in steps of random size, all the while
    reader    reads the archive's roll-ups, where the plan asks for it

An acknowledgment is written to the line AFTER the commit returned, and by the
writer itself: what the other end of the line has read was acknowledged, whatever
became of the process since. `StoreUnavailableError` is the one error that a
database in trouble may cause; any other is told as a `Fault` and ends the process.

The process ends by itself when its batches are sent, when its time is over, or
when nobody listens any more.
"""

from __future__ import annotations

import enum
import os
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Final, NamedTuple

import sqlalchemy as sa

from bonafides.errors import StoreUnavailableError
from bonafides.personal.sealing import Vault
from bonafides.records import operations
from bonafides.storage.tables import rollup_day
from bonafides.storage.unit_of_work import Store
from scripts.faults import sales

# A process that nobody ended ends itself.
_MOST_SECONDS: Final = 300.0
_RETRY_SECONDS: Final = 0.02
# A step of the fold takes ten times as long as a batch, and keeps writers waiting.
_MOST_FOLD_SECONDS: Final = 0.03
_READ_SECONDS: Final = 0.005
_MOST_FOLDED: Final = 60


class Ack(NamedTuple):
    """One batch was acknowledged: how many of its records were new, known, refused."""

    writer: int
    number: int
    accepted: int
    replayed: int
    rejected: int


class Fault(NamedTuple):
    """An error that is not ours came up."""

    text: str


class Serving(NamedTuple):
    """A server listens at an address."""

    address: str


class Sign(enum.StrEnum):
    """What else a workload tells."""

    READY = enum.auto()
    # A batch was refused, for now.
    REFUSED = enum.auto()
    READ = enum.auto()
    NOT_READ = enum.auto()
    DONE = enum.auto()


Message = Ack | Fault | Serving | Sign
Take = Callable[[int, int], Ack]


@dataclass(frozen=True, slots=True)
class Plan:
    """What one process is to do. The same plan sends the same records.

    `begin` holds, by writer, the number of the batch that is sent first, and
    `again` the (writer, number) of batches that are sent once more before. `until`
    None: batches are sent until the process is ended. A plan `in_turn` has one
    thread: writers take turns, one batch each, with a step of the fold after every
    round; it waits for a word on the line before it begins.
    """

    url: str
    seed: int
    begin: tuple[int, ...]
    again: tuple[tuple[int, int], ...] = ()
    until: int | None = None
    folders: int = 2
    reads: bool = False
    in_turn: bool = False
    pause_seconds: float = 0.0


def live(plan: Plan, line: Connection) -> None:
    """Runs a plan. The target of a process; leaves no thread behind, for it exits."""
    _Life(plan, line).run()


def directly(
    store: Store, seed: int, writer: int, number: int, *, vault: Vault | None = None
) -> Ack:
    """Sends one batch the short way, through the operation that takes records in."""
    records = sales.batch(seed, writer, number)
    vault = vault or sales.vault()
    report = operations.ingest(store, vault, sales.RATES, records, now=sales.NOW)
    return Ack(writer, number, report.accepted, report.replayed, len(report.rejected))


class _Life:
    def __init__(self, plan: Plan, line: Connection) -> None:
        self._plan: Final = plan
        self._line: Final = line
        self._telling: Final = threading.Lock()
        self._ends: Final = time.monotonic() + _MOST_SECONDS
        self._store: Final = Store(plan.url)
        self._take: Final[Take] = partial(directly, self._store, plan.seed)

    def run(self) -> None:
        plan = self._plan
        if plan.in_turn:
            self._tell(Sign.READY)
            self._line.recv()
            self._guarded(self._in_turn)
            self._leave(0)
        beside: list[Callable[[], None]] = [
            *(partial(self._fold, number) for number in range(plan.folders)),
            *([self._read] if plan.reads else []),
        ]
        writers = [
            threading.Thread(target=self._guarded, args=[partial(self._write, writer)])
            for writer in range(len(plan.begin))
        ]
        for work in beside:
            threading.Thread(target=self._guarded, args=[work], daemon=True).start()
        for thread in writers:
            thread.start()
        self._tell(Sign.READY)
        for thread in writers:
            thread.join()
        self._leave(0)

    def _write(self, writer: int) -> None:
        for owner, number in self._plan.again:
            if owner == writer:
                self._send(writer, number)
        number = self._plan.begin[writer]
        while self._plan.until is None or number <= self._plan.until:
            self._send(writer, number)
            number += 1

    def _in_turn(self) -> None:
        for number in range(min(self._plan.begin), (self._plan.until or 0) + 1):
            for writer, begin in enumerate(self._plan.begin):
                if number >= begin:
                    self._send(writer, number)
            with suppress(StoreUnavailableError):
                operations.fold(self._store, now=sales.NOW, limit=_MOST_FOLDED)
        # The last to close a SQLite database writes the log back into it.
        self._store.close()

    def _send(self, writer: int, number: int) -> None:
        while time.monotonic() < self._ends:
            try:
                ack = self._take(writer, number)
            except StoreUnavailableError:
                self._tell(Sign.REFUSED)
                time.sleep(_RETRY_SECONDS)
            else:
                self._tell(ack)
                time.sleep(self._plan.pause_seconds)
                return
        self._leave(2)

    def _fold(self, number: int) -> None:
        drawn = random.Random(f"{self._plan.seed}|folder|{number}")  # noqa: S311 - seeded, for a replay
        while True:
            time.sleep(drawn.uniform(0, _MOST_FOLD_SECONDS))
            with suppress(StoreUnavailableError):
                operations.fold(self._store, now=sales.NOW, limit=drawn.randint(1, _MOST_FOLDED))

    def _read(self) -> None:
        transactions = sa.select(sa.func.sum(rollup_day.c.transactions))
        while True:
            try:
                with self._store.reading() as work:
                    work.execute(transactions).scalar()
            except StoreUnavailableError:
                self._tell(Sign.NOT_READ)
            else:
                self._tell(Sign.READ)
            time.sleep(_READ_SECONDS)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as fault:  # noqa: BLE001 - whatever it is, the other end is told
            cause = f" < {fault.__cause__!r}" if fault.__cause__ else ""
            self._tell(Fault(f"{fault!r}{cause}"))
            self._leave(1)

    def _tell(self, message: Message) -> None:
        try:
            with self._telling:
                self._line.send(message)
        except OSError:
            self._leave(3)

    def _leave(self, code: int) -> None:
        """Ends the process at once, whatever its threads are doing."""
        with suppress(OSError), self._telling:
            self._line.send(Sign.DONE)
        os._exit(code)
