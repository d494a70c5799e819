"""Runs several processes that serve one port, and replaces those that die.

It knows nothing of what they serve. The rules:

1. Each is spawned, never forked: a library that was forked with its threads and
   locks hangs.
2. All of the first ones must come up, or the start fails with what one of them says.
3. One that dies is replaced, at once the first time, later after growing pauses
   while it keeps dying young.
4. SIGTERM and Ctrl-C end all of them, by SIGTERM; who takes too long is killed.
5. If this process dies, they notice (`parent_died`) and end by themselves.

    supervise(worker, settings, count=4, drain_seconds=5)
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import Any, Final, TypeAlias

import structlog

# A process that lived this long did not die of its start.
_OLD_SECONDS: Final = 60.0
_MOST_PAUSE_SECONDS: Final = 30.0
_FIRST_PAUSE_SECONDS: Final = 0.5
_TICK_SECONDS: Final = 0.1
_START_SECONDS: Final = 60.0
# Beside what calls under way have: the end of a background round.
_GRACE_SECONDS: Final = 10.0
_SPAWN: Final = multiprocessing.get_context("spawn")
_log: Final = structlog.get_logger("bonafides.processes")

# Called with what it serves, its number from 0, and where it says that it is up: an
# empty text, or why it can't be.
Worker: TypeAlias = Callable[[Any, int, Connection], None]


class StartError(Exception):
    """A process could not start. The text is what it said."""


@dataclass(slots=True)
class _Running:
    """One of the processes, and what is known of those before it in its place."""

    number: int
    process: SpawnProcess
    news: Connection
    started_at: float
    deaths: int = 0
    # When it is to be replaced; None while it lives.
    due_at: float | None = None


def supervise(worker: Worker, served: object, *, count: int, drain_seconds: float) -> None:
    """Runs `count` processes until SIGTERM or Ctrl-C, then ends them.

    `worker` and `served` travel to the processes by pickle.

    Raises:
        StartError: one of the first ones could not start.
    """
    stopping = _Signals()
    running: list[_Running] = []
    try:
        for number in range(count):
            # One by one: those that were started are ended if the next can't be.
            running.append(_start(worker, served, number))  # noqa: PERF401 - as above
        _require_up(running, stopping)
        while not stopping.asked:
            _replace_dead(worker, served, running)
            wait([each.process.sentinel for each in running if each.due_at is None], _TICK_SECONDS)
    finally:
        _end(running, drain_seconds)
        stopping.restore()


def parent_died() -> int:
    """Returns what becomes readable when the process that supervises this one is gone."""
    parent = multiprocessing.parent_process()
    if parent is None:
        raise StartError("this process was not started by another")
    return parent.sentinel


class _Signals:
    """Whether the end was asked for, from the first moment on."""

    def __init__(self) -> None:
        self.asked = False
        self._before: Final = {
            number: signal.signal(number, self._ask) for number in (signal.SIGTERM, signal.SIGINT)
        }

    def restore(self) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True


def _start(worker: Worker, served: object, number: int) -> _Running:
    news, says = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=worker, args=(served, number, says), name=f"worker-{number}")
    process.start()
    # The process has its own end; with this one closed, its death is read as the end.
    says.close()
    return _Running(number, process, news, time.monotonic())


def _require_up(running: list[_Running], stopping: _Signals) -> None:
    """Waits until all are up, or the end is asked for (2)."""
    end = time.monotonic() + _START_SECONDS
    waiting = {each.news: each for each in running}
    while waiting and not stopping.asked:
        if time.monotonic() > end:
            raise StartError("a process did not come up in time")
        for news in wait(list(waiting), _TICK_SECONDS):
            each = waiting.pop(news)  # type: ignore[call-overload]  # what was waited for
            try:
                fault = each.news.recv()
            except EOFError:
                fault = "a process died while it started; its log says why"
            if fault:
                raise StartError(fault)


def _replace_dead(worker: Worker, served: object, running: list[_Running]) -> None:
    """Notices who died, and starts the successors that are due (3)."""
    now = time.monotonic()
    for place, each in enumerate(running):
        if each.due_at is None and not each.process.is_alive():
            young = now - each.started_at < _OLD_SECONDS
            each.deaths = each.deaths + 1 if young else 1
            pause = 0.0 if each.deaths == 1 else _FIRST_PAUSE_SECONDS * 2 ** (each.deaths - 2)
            pause = min(pause, _MOST_PAUSE_SECONDS)
            each.due_at = now + pause
            _log.error(
                "worker_died",
                worker=each.number,
                exit_code=each.process.exitcode,
                restart_seconds=pause,
            )
        if each.due_at is not None and each.due_at <= now:
            each.news.close()
            successor = _start(worker, served, each.number)
            successor.deaths = each.deaths
            running[place] = successor


def _end(running: list[_Running], drain_seconds: float) -> None:
    """Ends all of them (4)."""
    for each in running:
        each.process.terminate()
    end = time.monotonic() + drain_seconds + _GRACE_SECONDS
    for each in running:
        each.process.join(max(0.0, end - time.monotonic()))
        if each.process.is_alive():
            _log.error("worker_killed", worker=each.number)
            each.process.kill()
            each.process.join()
        each.news.close()
