"""Removes one guard after the other, and sees whether a test notices.

The tree is copied, as often as there are cores; in a copy one guard is taken out, as
`guard_table` says, and the tests that are about it are run. They must fail, and they must
pass with the guard in place: first all of them are run once as they are. Each run is a
process of its own (`forks`), which reads from the copy whatever the guard's file reaches
(`imports`); so the guards of one file are tried in one turn. What was taken out, and which
test noticed, is listed in build/guards.txt.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import ChainMap
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

from scripts.measured import Figure
from scripts.trust.extent import Extent
from scripts.trust.figures import proved
from scripts.trust.guard import Guard
from scripts.trust.guard_table import GUARDS
from scripts.trust.imports import reached

_ROOT: Final = Path(__file__).resolve().parents[2]
_LIST: Final = _ROOT / "build" / "guards.txt"
_LEFT: Final = (".*", "build", "node_modules", "__pycache__", "*.egg-info")
# What pytest answers when tests ran and some failed, and when all passed.
_FAILED: Final = 1
_PASSED: Final = 0
# For all tests as they are, and for that of one guard, which must end where it fails.
_MOST_SECONDS: Final = 1_200
_MOST_SECONDS_OF_ONE: Final = 120
# Of what failing tests wrote, for who has to mend them.
_MOST_TOLD: Final = 2_000
_OPTIONS: Final = (
    "-q",
    "-x",
    "-p",
    "no:cacheprovider",
    # It costs a third of a run, and no test takes it.
    "-p",
    "no:faker",
    # Its plugins are imported before pytest is told of them, and theirs are no tests of ours.
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
)
# Tests of one guard are too few to keep a core busy with anything else.
_MOST_TREES: Final = 4


def prove(extent: Extent) -> Iterator[Figure]:
    """Yields how many guards can be taken out without a test that fails."""
    guards = GUARDS[:: extent.each_guard]
    with tempfile.TemporaryDirectory() as folder, _Trees(Path(folder)) as trees:
        trees.require_sound(guards)
        found = trees.without_each(guards)
    _LIST.parent.mkdir(exist_ok=True)
    _LIST.write_text(listed(guards, found), encoding="utf-8")
    unnoticed = [name for name in found if name]
    beside = f"{len(guards)} guards taken out of {len(GUARDS)}, listed in build/{_LIST.name}"
    yield proved("guard.unnoticed", len(unnoticed), "; ".join([beside, *unnoticed]))


def listed(guards: Sequence[Guard], found: Sequence[str]) -> str:
    """Returns a line for each guard: whether its test noticed, where it is, and which test."""
    return "".join(
        f"{'UNNOTICED' if unnoticed else 'noticed'}\t{guard.name}\t{guard.file}\t{test}\n"
        for guard, unnoticed in zip(guards, found, strict=True)
        for test in guard.tests
    )


class _Tree:
    """A copy of the tree, and the process whose forks run its tests; one run at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder
        self._output: Final = folder.with_suffix(".txt")
        self._temporary: Final = folder.with_suffix(".tmp")
        shutil.copytree(_ROOT, folder, ignore=shutil.ignore_patterns(*_LEFT))
        paths = os.pathsep.join([str(folder / "service"), str(folder)])
        self._process: Final = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "scripts.trust.forks", str(self._output)],
            cwd=folder,
            # What is compiled once serves all runs.
            env={**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def turn(self, fresh: Iterable[str]) -> Iterator[None]:
        """Has all of ours but these modules loaded before the runs; they are, in each run."""
        self._ask(sorted(fresh))
        yield
        self._ask(None)

    def run(self, tests: Iterable[str], seconds: int = _MOST_SECONDS) -> int:
        """Runs tests of the copy, in a turn; returns how pytest ended, negative if not in time.

        Raises:
            AssertionError: the process that runs them has ended.
        """
        return self._ask([seconds, *_OPTIONS, f"--basetemp={self._temporary}", *tests])

    def without(self, guard: Guard) -> int:
        """Runs the guard's tests with the guard taken out; returns how pytest ended.

        Raises:
            AssertionError: the guard is not where the table says.
        """
        file = self._folder / guard.file
        before = file.read_text(encoding="utf-8")
        if (count := before.count(guard.text)) != 1:
            raise AssertionError(f"{guard.name}: its text stands {count} times")
        _write(file, before.replace(guard.text, guard.without))
        try:
            return self.run(guard.tests, _MOST_SECONDS_OF_ONE)
        finally:
            _write(file, before)

    def _ask(self, line: object) -> int:
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise AssertionError("tests can't be run without pipes")
        process.stdin.write(json.dumps(line) + "\n")
        process.stdin.flush()
        if not (answer := process.stdout.readline()):
            raise AssertionError("what runs the tests has ended")
        return int(answer)

    def told(self) -> str:
        """Returns the end of what the last run wrote."""
        return self._output.read_text(encoding="utf-8", errors="replace")[-_MOST_TOLD:]

    def close(self) -> None:
        """Ends the process; it ends by itself once nothing more comes."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()


class _Trees:
    """Copies of the tree, each of which one test run at a time may have."""

    def __init__(self, folder: Path) -> None:
        self._count: Final = min(os.cpu_count() or 1, _MOST_TREES)
        self._all: Final = [_Tree(folder / str(number)) for number in range(self._count)]
        self._free: Final[queue.SimpleQueue[_Tree]] = queue.SimpleQueue()
        for tree in self._all:
            self._free.put(tree)
        self._pool: Final = ThreadPoolExecutor(self._count)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        for tree in self._all:
            tree.close()

    def require_sound(self, guards: Sequence[Guard]) -> None:
        """Checks that all the guards' tests pass with every guard in place.

        Raises:
            AssertionError: some fail as they are.
        """
        tests = sorted({test for guard in guards for test in guard.tests})
        parts = [part for place in range(self._count) if (part := tests[place :: self._count])]
        for failed in filter(None, self._pool.map(self._failed, parts)):
            raise AssertionError(f"the guards' tests fail as they are: {failed}")

    def without_each(self, guards: Sequence[Guard]) -> list[str]:
        """Returns the name of each guard without which no test fails, or not in time; else "".

        Raises:
            AssertionError: a guard is not where the table says.
        """
        of_files: dict[str, list[Guard]] = {}
        for guard in guards:
            of_files.setdefault(guard.file, []).append(guard)
        # The longest turns first, so that no tree is left with one in the end.
        turns = sorted(of_files.values(), key=len, reverse=True)
        found = ChainMap(*self._pool.map(self._unnoticed, turns))
        return [found[guard] for guard in guards]

    def _failed(self, tests: Sequence[str]) -> str:
        """Returns what was wrong with tests of a tree as it is; empty: nothing."""
        # With all of ours loaded beforehand: so no test fails for that alone.
        with self._one() as tree, tree.turn(()):
            return "" if tree.run(tests) == _PASSED else tree.told()

    def _unnoticed(self, guards: Sequence[Guard]) -> dict[Guard, str]:
        """Returns for each guard of one file its name if its test passes without it or hangs."""
        with self._one() as tree, tree.turn(reached(guards[0].file)):
            return {guard: _said(guard, tree.without(guard)) for guard in guards}

    @contextmanager
    def _one(self) -> Iterator[_Tree]:
        tree = self._free.get()
        try:
            yield tree
        finally:
            self._free.put(tree)


def _said(guard: Guard, ended: int) -> str:
    """Returns the guard's name unless its test failed without it."""
    if ended == -signal.SIGALRM:
        return f"{guard.name} (its test did not end in {_MOST_SECONDS_OF_ONE} s)"
    return "" if ended == _FAILED else guard.name


def _write(file: Path, text: str) -> None:
    """Replaces the file; what was compiled of it could be of the same size and second."""
    file.write_text(text, encoding="utf-8")
    for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
        compiled.unlink()
