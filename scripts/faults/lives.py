"""Starts a process of the workload, listens to it, and ends it.

life = Life(plan)
life.wait_for(lambda told: told is Sign.READY, 30)
life.kill()                       # SIGKILL
life.messages                     # what it told until then, nothing missing
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Final

from scripts.faults.workload import Message, live

# Children are forked from a process that has one thread and no connection, and has
# loaded what they need: a fork of this process would share its own with them.
_PROCESSES: Final = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    ["__main__", "scripts.faults.stream", "sqlite3", "sqlalchemy.dialects.postgresql.psycopg"]
)
_MOST_SECONDS_TO_END: Final = 30.0


class Life:
    """One process, from its start to its end. `run` tells what it does over its line."""

    def __init__(self, plan: object, run: Callable[[Any, Connection], None] = live) -> None:
        self._line, theirs = _PROCESSES.Pipe()
        self._process: Final = _PROCESSES.Process(target=run, args=(plan, theirs), daemon=True)
        self._process.start()
        # Else the line would not end with the process.
        theirs.close()
        self._told: Final = threading.Condition()
        self._messages: Final[list[tuple[float, Message]]] = []
        self._over = False
        self._listener: Final = threading.Thread(target=self._listen, args=[self._line])
        self._listener.start()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid or 0

    @property
    def messages(self) -> list[Message]:
        """What it has told so far, in order."""
        return [message for _, message in self.timed]

    @property
    def timed(self) -> list[tuple[float, Message]]:
        """What it has told so far, each with the monotonic time of its arrival, in seconds."""
        with self._told:
            return list(self._messages)

    def tell(self, word: str) -> None:
        """Lets a process begin that waits for it."""
        self._line.send(word)

    def wait_for(
        self, wanted: Callable[[Message], bool], seconds: float, *, after: int = 0
    ) -> bool:
        """Waits for a message, of those from position `after` on.

        Returns False if it did not come in time, or can't come any more.
        """

        def came() -> bool:
            return any(wanted(message) for _, message in self._messages[after:])

        with self._told:
            self._told.wait_for(lambda: came() or self._over, seconds)
            return came()

    def kill(self) -> None:
        """Ends the process by SIGKILL: no line of it runs any more."""
        self._process.kill()
        self.join()

    def join(self) -> int | None:
        """Waits for the end; returns the exit code, negative for a signal."""
        self._process.join(_MOST_SECONDS_TO_END)
        # What it told before its end is read to the end.
        self._listener.join(_MOST_SECONDS_TO_END)
        self._line.close()
        return self._process.exitcode

    def _listen(self, line: Connection) -> None:
        while True:
            try:
                message = line.recv()
            except (EOFError, OSError):
                break
            with self._told:
                self._messages.append((time.monotonic(), message))
                self._told.notify_all()
        with self._told:
            self._over = True
            self._told.notify_all()
