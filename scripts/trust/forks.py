"""Runs tests in forks of a process that has loaded what is not ours.

A run of few tests spends most of its time on importing libraries. They are imported here
once, and each run is a fork of this process. Whatever is ours is imported in the fork, so
that it is what its file says at that moment.

    python -m scripts.trust.forks output.txt        # in a tree; reads a line per run

A line holds for how many seconds a run may last, and pytest's arguments, as JSON; the
answer is a line with how pytest ended, negative if that was by its alarm. What it wrote
stands in the output file until the next run.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Final

# What is imported to see which libraries it takes.
_OURS: Final = (
    "bonafides.server",
    "bonafides.website",
    "bonafides.cli.commands",
    "tests.serving",
    "tests.webbing",
    "hypothesis",
)
_OF_OURS: Final = frozenset({"bonafides", "scripts", "tests", "__main__"})
# Made of the protos, which hold no guard.
_GENERATED: Final = "bonafides.v1."


def main(output: Path) -> None:
    """Answers each line of the input, until there is none."""
    _load(_libraries())
    # A fork need not look through them for cycles.
    gc.freeze()
    for line in sys.stdin:
        seconds, *arguments = json.loads(line)
        print(_run(arguments, seconds, output), flush=True)


def _run(arguments: list[str], seconds: int, output: Path) -> int:
    """Returns how pytest ended; negative if a signal ended it."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        with suppress(ProcessLookupError):
            # Whatever the tests started and left.
            os.killpg(child, signal.SIGKILL)
        return os.waitstatus_to_exitcode(status)
    ended = 3
    try:
        os.setsid()
        _speak_to(output)
        signal.alarm(seconds)
        import pytest  # noqa: PLC0415 - loaded already, and by the parent on purpose

        ended = int(pytest.main(arguments))
    finally:
        sys.stdout.flush()
        # No part of the parent's end is the child's.
        os._exit(ended)


def _speak_to(output: Path) -> None:
    """Turns input and output away from whoever reads this process's answers."""
    silent = os.open(os.devnull, os.O_RDONLY)
    told = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(silent, 0)
    os.dup2(told, 1)
    os.dup2(told, 2)


def _libraries() -> list[str]:
    """Returns the names of modules that ours import, themselves not ours; imports none."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as told:
            names: list[str] = json.load(told)
        os.waitpid(child, 0)
        return names
    try:
        for name in _OURS:
            importlib.import_module(name)
        found = [name for name in list(sys.modules) if not _is_ours(name)]
        with os.fdopen(writing, "w", encoding="utf-8") as telling:
            json.dump(found, telling)
    finally:
        os._exit(0)


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in _OF_OURS and not name.startswith(_GENERATED)


def _load(names: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            # Some are made by their packages and can't be imported by name.
            with suppress(Exception):
                importlib.import_module(name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
