"""Kills the workload again and again, in the middle of what it does.

A round is one database, two writers, and as many cycles as are asked for, 50 as a
rule. A cycle starts a process on what the last one left, lets it work for a moment
that the seed decides, and sends SIGKILL. Nobody else has the database open, so that
SQLite has to recover its log at the next start. Some processes are killed while
they still open the database. Of the batches in doubt some are sent again, some are
skipped; some that were acknowledged long ago are sent once more.

SIGKILL takes the process and leaves the operating system: what was written and not
yet synced survives it. What a power cut does is not tried here.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import Final

from bonafides.storage.unit_of_work import Store
from scripts.faults.checker import Findings, check
from scripts.faults.history import History
from scripts.faults.lives import Life
from scripts.faults.workload import Ack, Sign, directly

CYCLES_PER_ROUND: Final = 50

_WRITERS: Final = 2
_MOST_SECONDS_TO_START: Final = 60.0
_MOST_SECONDS: Final = 0.15
# Of the kills, this share may come before the first acknowledgment, half of them
# while the database is being opened.
_SHARE_EARLY: Final = 0.2
_SHARE_SKIPPED: Final = 0.3
_MOST_AGAIN: Final = 3


@dataclass(slots=True)
class Outcome:
    """What came of a nemesis: how often it struck, what was acknowledged, what was found."""

    strikes: int = 0
    # Records.
    acked: int = 0
    # Batches that were stored although nobody was told so.
    unacked_stored: int = 0
    found: Findings = field(default_factory=Findings)

    def add(self, more: Outcome) -> None:
        """Adds what came of another round."""
        self.strikes += more.strikes
        self.acked += more.acked
        self.unacked_stored += more.unacked_stored
        self.found.add(more.found)


def cycles(url: str, *, seed: int, count: int = CYCLES_PER_ROUND) -> Outcome:
    """Kills the workload `count` times on an empty database, then checks what is left."""
    store = Store(url)
    store.migrate()
    # Nothing of ours may keep the database open: its log would not be recovered.
    store.close()
    drawn = random.Random(seed)  # noqa: S311 - seeded, for a replay
    history = History(seed, _WRITERS)
    for _ in range(count):
        known = sorted(history.acked)
        again = drawn.sample(known, min(len(known), drawn.randint(0, _MOST_AGAIN)))
        _cycle(history, url, drawn, again)
    try:
        found = check(store, history, lambda *batch: directly(store, seed, *batch))
    finally:
        store.close()
    return Outcome(count, history.records, history.unacked_stored, found)


def _cycle(history: History, url: str, drawn: random.Random, again: list[tuple[int, int]]) -> None:
    life = Life(history.plan(url, again=tuple(again)))
    try:
        moment, share = drawn.uniform(0, _MOST_SECONDS), drawn.random()
        if share >= _SHARE_EARLY:
            life.wait_for(lambda told: isinstance(told, Ack), _MOST_SECONDS_TO_START)
        elif share >= _SHARE_EARLY / 2:
            life.wait_for(lambda told: told is Sign.READY, _MOST_SECONDS_TO_START)
        time.sleep(moment)
    finally:
        life.kill()
    history.add(life.messages)
    history.go_on(skip=drawn.random() < _SHARE_SKIPPED)
