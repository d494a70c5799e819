"""Has the QR codes of an image read by a process that can do nothing else.

Decoders of images are where hostile bytes win. They never run in the process that
serves: `qr_program` is started for one image, with an empty environment, in a session
of its own, and confines itself before it reads. Here it is only fed, and distrusted:

1. It has 15 seconds, then it is killed with all of its session.
2. At most 64 KiB of its answer are read; more is a fault.
3. Whatever is not the one line that was asked for is a fault, and so is a death.

A fault means that the image can't be read, whatever the cause: the same image would
fail the same way again. What keeps every image from being read, such as no memory to
start a process, is raised, so that it is tried again later.

    QrReader().read(content)       # ["https://..."], [] where there is none
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Final

_PROGRAM: Final = Path(__file__).with_name("qr_program.py")
# The processor's time is bounded by the program itself; this is for a busy machine.
_SECONDS: Final = 15.0
# Four texts of 7,089 characters.
_MOST_ANSWER: Final = 65_536
_NEEDED: Final = ("zxingcpp", "PIL")


class UnreadableError(Exception):
    """The image could not be read within the limits. Says nothing of what is in it."""


class QrReader:
    """Reads QR codes. `command` and `seconds` are other ones in tests alone."""

    def __init__(
        self,
        command: tuple[str, ...] = (sys.executable, "-I", str(_PROGRAM)),
        seconds: float = _SECONDS,
    ) -> None:
        self._command: Final = command
        self._seconds: Final = seconds

    def read(self, content: bytes) -> list[str]:
        """Returns what the QR codes of the image say, in no order. Empty: none was found.

        Raises:
            UnreadableError: no image, too large, or the process died, dawdled or babbled.
            OSError: no process can be started.
        """
        process = subprocess.Popen(  # noqa: S603 - our own words
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            start_new_session=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        feeding = threading.Thread(target=_feed, args=(process.stdin, content), name="qr")
        try:
            feeding.start()
            answer = _answer(process.stdout, time.monotonic() + self._seconds)
        finally:
            # Its session, too. It is there until it is waited for, so it is still its id.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            feeding.join()
            process.stdout.close()
        return _texts(answer)


def installed() -> bool:
    """Returns whether what the program needs is there: the extra `qr`."""
    return all(importlib.util.find_spec(name) is not None for name in _NEEDED)


def _feed(pipe: IO[bytes], content: bytes) -> None:
    # A process that died reads no more; the answer tells.
    with contextlib.suppress(OSError), pipe:
        pipe.write(content)


def _answer(pipe: IO[bytes], end: float) -> bytes:
    """Returns all that comes before the pipe is closed."""
    answer = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while (left := end - time.monotonic()) > 0:
            if not selector.select(left):
                continue
            part = os.read(pipe.fileno(), _MOST_ANSWER)
            if not part:
                return answer
            answer += part
            if len(answer) > _MOST_ANSWER:
                raise UnreadableError
    raise UnreadableError


def _texts(answer: bytes) -> list[str]:
    try:
        told = json.loads(answer)
    except (ValueError, RecursionError):
        raise UnreadableError from None
    match told:
        case {"texts": [*texts]} if all(isinstance(text, str) for text in texts):
            return texts
        case _:
            raise UnreadableError
