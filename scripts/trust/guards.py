"""Removes one guard after the other, and sees whether a test notices.

The tree is copied, as often as there are cores; in a copy one guard is taken out, as
`guard_table` says, and the tests that are about it are run. They must fail, and they must
pass with the guard in place: first all of them are run once as they are.
"""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import tempfile
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

_ROOT: Final = Path(__file__).resolve().parents[2]
_LEFT: Final = (".*", "build", "node_modules", "__pycache__", "*.egg-info")
# What pytest answers when tests ran and some failed, and when all passed.
_FAILED: Final = 1
_PASSED: Final = 0
# For all tests as they are, and for those of one guard, which must end where they fail.
_MOST_SECONDS: Final = 600
_MOST_SECONDS_OF_ONE: Final = 120
# Tests of one guard are too few to keep a core busy with anything else.
_MOST_TREES: Final = 4


def prove(extent: Extent) -> Iterator[Figure]:
    """Yields how many guards can be taken out without a test that fails."""
    guards = GUARDS[:: extent.each_guard]
    with tempfile.TemporaryDirectory() as folder, _Trees(Path(folder)) as trees:
        trees.require_sound(guards)
        unnoticed = trees.unnoticed(guards)
    beside = f"{len(guards)} guards taken out of {len(GUARDS)}"
    yield proved("guard.unnoticed", len(unnoticed), "; ".join([beside, *unnoticed]))


class _Trees:
    """Copies of the tree, each of which one test run at a time may have."""

    def __init__(self, folder: Path) -> None:
        self._count: Final = min(os.cpu_count() or 1, _MOST_TREES)
        self._free: Final[queue.SimpleQueue[Path]] = queue.SimpleQueue()
        for number in range(self._count):
            tree = folder / str(number)
            shutil.copytree(_ROOT, tree, ignore=shutil.ignore_patterns(*_LEFT))
            self._free.put(tree)
        self._pool: Final = ThreadPoolExecutor(self._count)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def require_sound(self, guards: Sequence[Guard]) -> None:
        """Checks that all the guards' tests pass with every guard in place.

        Raises:
            AssertionError: some fail as they are.
        """
        tests = sorted({test for guard in guards for test in guard.tests})
        parts = [part for place in range(self._count) if (part := tests[place :: self._count])]
        if any(ended != _PASSED for ended in self._pool.map(self._as_it_is, parts)):
            raise AssertionError("the guards' tests fail as they are")

    def unnoticed(self, guards: Sequence[Guard]) -> list[str]:
        """Returns the names of the guards without which no test fails, or not in time.

        Raises:
            AssertionError: a guard is not where the table says.
        """
        return [name for name in self._pool.map(self._unnoticed, guards) if name]

    def _as_it_is(self, tests: Sequence[str]) -> int:
        with self._one() as tree:
            return _tests(tree, tests, _MOST_SECONDS)

    def _unnoticed(self, guard: Guard) -> str:
        """Returns the guard's name if its tests pass without it or hang; empty: they fail."""
        with self._one() as tree:
            file = tree / guard.file
            before = file.read_text(encoding="utf-8")
            if (count := before.count(guard.text)) != 1:
                raise AssertionError(f"{guard.name}: its text stands {count} times")
            _write(file, before.replace(guard.text, guard.without))
            try:
                ended = _tests(tree, guard.tests, _MOST_SECONDS_OF_ONE)
            except subprocess.TimeoutExpired:
                return f"{guard.name} (its tests did not end in {_MOST_SECONDS_OF_ONE} s)"
            finally:
                _write(file, before)
            return "" if ended == _FAILED else guard.name

    @contextmanager
    def _one(self) -> Iterator[Path]:
        tree = self._free.get()
        try:
            yield tree
        finally:
            self._free.put(tree)


def _write(file: Path, text: str) -> None:
    """Replaces the file; what was compiled of it could be of the same size and second."""
    file.write_text(text, encoding="utf-8")
    for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
        compiled.unlink()


def _tests(tree: Path, tests: Iterable[str], seconds: float) -> int:
    """Runs tests of the copy; returns how pytest ended.

    Raises:
        subprocess.TimeoutExpired: it did not end in so many seconds, and was killed.
    """
    paths = os.pathsep.join([str(tree / "service"), str(tree)])
    ended = subprocess.run(  # noqa: S603 - our own tests
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *sorted(tests)],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        check=False,
        timeout=seconds,
    )
    return ended.returncode
