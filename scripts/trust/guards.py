"""Removes one guard after the other, and sees whether a test notices.

The tree is copied; in the copy one guard is taken out, as `guard_table` says, and the
tests that are about it are run. They must fail, and they must pass with the guard in
place: first all of them are run once as they are.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from scripts.measured import Figure
from scripts.trust.extent import Extent
from scripts.trust.figures import proved
from scripts.trust.guard_table import GUARDS, Guard

_ROOT: Final = Path(__file__).resolve().parents[2]
_LEFT: Final = (".*", "build", "node_modules", "__pycache__", "*.egg-info")
# What pytest answers when tests ran and some failed, and when all passed.
_FAILED: Final = 1
_PASSED: Final = 0
_MOST_SECONDS: Final = 600


def prove(extent: Extent) -> Iterator[Figure]:
    """Yields how many guards can be taken out without a test that fails."""
    guards = GUARDS[:: extent.each_guard]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(_ROOT, tree, ignore=shutil.ignore_patterns(*_LEFT))
        if _tests(tree, {test for guard in guards for test in guard.tests}) != _PASSED:
            raise AssertionError("the guards' tests fail as they are")
        unnoticed = [guard.name for guard in guards if not _noticed(tree, guard)]
    beside = f"{len(guards)} guards taken out of {len(GUARDS)}"
    yield proved("guard.unnoticed", len(unnoticed), "; ".join([beside, *unnoticed]))


def _noticed(tree: Path, guard: Guard) -> bool:
    file = tree / guard.file
    before = file.read_text(encoding="utf-8")
    if before.count(guard.text) != 1:
        raise AssertionError(f"{guard.name}: its text stands {before.count(guard.text)} times")
    file.write_text(before.replace(guard.text, guard.without), encoding="utf-8")
    try:
        return _tests(tree, guard.tests) == _FAILED
    finally:
        file.write_text(before, encoding="utf-8")


def _tests(tree: Path, tests: Iterable[str]) -> int:
    """Runs tests of the copy; returns how pytest ended."""
    paths = os.pathsep.join([str(tree / "service"), str(tree)])
    ended = subprocess.run(  # noqa: S603 - our own tests
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *sorted(tests)],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        check=False,
        timeout=_MOST_SECONDS,
    )
    return ended.returncode
