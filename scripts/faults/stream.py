"""Kills a whole server again and again while platforms stream records to it.

The process that is killed is the server as it is shipped, its folds included; the
clients live here and use the typed client. A batch is acknowledged when its number
is covered by an answer that the client has read, or by the cursor that the next
server names: a cursor that is behind what was acknowledged is a loss. Clients send
ahead of their answers, so that many batches are in doubt at a kill.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import structlog
import uvloop

from bonafides import logs, server
from bonafides.access.callers import SANDBOX_ISSUER, mint
from bonafides.client import Client, ClientError
from bonafides.keys import load_or_create
from bonafides.personal.sealing import Vault
from bonafides.settings import Settings
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import record_pb2
from scripts.faults import sales
from scripts.faults.checker import check
from scripts.faults.history import History
from scripts.faults.kill import CYCLES_PER_ROUND, Outcome
from scripts.faults.lives import Life
from scripts.faults.workload import Ack, Fault, Message, Serving, directly

_WRITERS: Final = 2
_MOST_SECONDS_TO_START: Final = 60.0
_MOST_SECONDS: Final = 0.15
# A server that nobody ended ends itself.
_MOST_SECONDS_TO_LIVE: Final = 120.0
_WORKER_SECONDS: Final = 0.02
# Between two batches of a writer: without it the log grows beyond what is checked in time.
_PAUSE_SECONDS: Final = 0.004
_SHARE_WHILE_STARTING: Final = 0.1
_TOKEN_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server keeps its keys and its database."""

    folder: str
    url: str

    @property
    def settings(self) -> Settings:
        """The settings of a server there, on any free port."""
        return Settings(
            data_dir=Path(self.folder),
            database_url=self.url,
            listen="127.0.0.1:0",
            worker_seconds=_WORKER_SECONDS,
        )


def serve(place: Place, line: Connection) -> None:
    """Serves until the process is killed. The target of a process."""
    # A line for each call would bury the figures.
    errors_only = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(wrapper_class=errors_only)
    logs.send(None)
    made = server.build(place.settings, lambda: sales.NOW)

    async def run() -> None:
        await made.start()
        line.send(Serving(made.address))
        await asyncio.sleep(_MOST_SECONDS_TO_LIVE)
        await made.stop()

    uvloop.run(run())


def cycles(place: Place, *, seed: int, count: int = CYCLES_PER_ROUND) -> Outcome:
    """Kills the server `count` times on an empty database, then checks what is left."""
    keys = load_or_create(place.settings)
    vault = Vault(keys.kek, place.settings.environment)
    drawn = random.Random(seed)  # noqa: S311 - seeded, for a replay
    history = History(seed, _WRITERS, vault=vault)
    platforms = [_Platform(history, writer) for writer in range(_WRITERS)]
    for _ in range(count):
        token = mint(
            keys.issuer_private_key,
            issuer=SANDBOX_ISSUER,
            audience=place.settings.token_audience,
            subject="faults",
            kind="platform",
            platform=sales.PLATFORM,
            ttl_seconds=_TOKEN_SECONDS,
            now=sales.NOW,
        )
        _cycle(place, token, platforms, drawn)
        for each in platforms:
            history.add(each.told)
            history.doubt(each.writer, each.sent)
    store = Store(place.url)
    store.migrate()
    try:
        found = check(store, history, partial(directly, store, seed, vault=vault))
    finally:
        store.close()
    return Outcome(count, history.records, history.unacked_stored, found)


def _cycle(place: Place, token: str, platforms: Sequence[_Platform], drawn: random.Random) -> None:
    moment, share = drawn.uniform(0, _MOST_SECONDS), drawn.random()
    life = Life(place, serve)
    try:
        if share >= _SHARE_WHILE_STARTING:
            life.wait_for(lambda told: isinstance(told, Serving), _MOST_SECONDS_TO_START)
        addresses = [told.address for told in life.messages if isinstance(told, Serving)]
        for each in platforms:
            each.begin(addresses, token)
        for each in platforms if addresses else ():
            each.answered.wait(_MOST_SECONDS_TO_START)
        time.sleep(moment)
    finally:
        for each in platforms:
            each.killing.set()
        life.kill()
        for each in platforms:
            each.end()


class _Platform:
    """A client that streams batches to one server after the other."""

    def __init__(self, history: History, writer: int) -> None:
        self.writer: Final = writer
        self.told: list[Message] = []
        # The highest number that was perhaps sent, and that was acknowledged.
        self.sent = 0
        self._acked = 0
        self._seed: Final = history.seed
        self.killing = threading.Event()
        self.answered = threading.Event()
        self._client: Client | None = None
        self._thread: threading.Thread | None = None

    def begin(self, addresses: Sequence[str], token: str) -> None:
        """Begins to stream, if there is a server."""
        self.told, self.killing, self.answered = [], threading.Event(), threading.Event()
        for address in addresses:
            self._client = Client(address, token=token)
            self._thread = threading.Thread(target=self._run, args=[self._client])
            self._thread.start()

    def end(self) -> None:
        """Gives up the server that was killed."""
        if self._client and self._thread:
            self._client.close()
            self._thread.join()
        self._client = self._thread = None

    def _run(self, client: Client) -> None:
        source = f"writer-{self.writer}"
        try:
            cursor = client.get_write_cursor(source)
            if cursor < self._acked:
                self.told.append(Fault(f"{source}: cursor {cursor}, acknowledged {self._acked}"))
            self._add(cursor, stored_before=True)
            for answer in client.write_records(
                self._batches(cursor + 1), source=source, first=cursor + 1
            ):
                if answer.rejections:
                    self.told.append(Fault(f"{source}: {answer.rejections[0].reason}"))
                self._add(answer.sequence, stored_before=False)
                self.answered.set()
        except ClientError as fault:
            # Whatever a server that is being killed answers is forgiven.
            if not self.killing.is_set():
                self.told.append(Fault(f"{source}: {fault!r}"))
        self.answered.set()

    def _batches(self, first: int) -> Iterator[list[record_pb2.Record]]:
        number = first
        while not self.killing.is_set():
            self.sent = max(self.sent, number)
            yield [sales.message(one) for one in sales.batch(self._seed, self.writer, number)]
            number += 1
            time.sleep(_PAUSE_SECONDS)

    def _add(self, upto: int, *, stored_before: bool) -> None:
        for number in range(self._acked + 1, upto + 1):
            size = len(sales.batch(self._seed, self.writer, number))
            counts = (0, size) if stored_before else (size, 0)
            self.told.append(Ack(self.writer, number, *counts, rejected=0))
        self._acked = max(self._acked, upto)
