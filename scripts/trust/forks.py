"""Runs tests in forks of a process that has loaded whatever need not be loaded anew.

A run of few tests spends most of its time on imports. Libraries are imported here once. For
each turn of runs a fork of this process imports what of ours they leave as it is, and each
run is a fork of that one. The rest of ours is imported in the run itself, so that it is what
its file says at that moment.

    python -m scripts.trust.forks output.txt        # in a tree; reads lines, as below

A turn begins with a line that names the modules not to be loaded beforehand, as a JSON list,
and ends with the line `null`; both are answered with 0. In between, a line holds for how many
seconds a run may last, and pytest's arguments, as JSON; the answer is a line with how pytest
ended, negative if that was by its alarm. What it wrote stands in the output file until the
next run. Each line waits for the answer to the one before: of two, one process could read
what is another's.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

# What is imported to see which modules it takes.
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
    """Serves turns, until the input ends."""
    names = _modules()
    ours = [name for name in names if _is_ours(name)]
    _load(name for name in names if not _is_ours(name))
    # A fork need not look through them for cycles.
    gc.freeze()
    for line in sys.stdin:
        fresh = frozenset(json.loads(line))
        child = os.fork()
        if not child:
            _serve([name for name in ours if name not in fresh], output)
        _, status = os.waitpid(child, 0)
        if status:
            # What it was told is lost, and whoever told it waits.
            sys.exit("a turn has ended before it was over")
        print(0, flush=True)


def _serve(beforehand: list[str], output: Path) -> None:
    """Runs what each line says until the turn is over, and ends the process."""
    ended = 1
    try:
        _load(beforehand)
        gc.freeze()
        print(0, flush=True)
        for line in sys.stdin:
            if (run := json.loads(line)) is None:
                ended = 0
                break
            seconds, *arguments = run
            print(_run(arguments, seconds, output), flush=True)
    finally:
        os._exit(ended)


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


def _modules() -> list[str]:
    """Returns the names of the modules that ours import, and of ours; imports none."""
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
        with os.fdopen(writing, "w", encoding="utf-8") as telling:
            json.dump(list(sys.modules), telling)
    finally:
        os._exit(0)


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in _OF_OURS and not name.startswith(_GENERATED)


def _load(names: Iterable[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            # Some are made by their packages and can't be imported by name.
            with suppress(Exception):
                importlib.import_module(name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
