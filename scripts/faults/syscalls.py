"""Lets the Nth write or sync of a SQLite database fail, for every N there is.

A short plan runs in one thread, so that it makes the same system calls every time.
strace attaches to its process before it begins, and injects at the Nth call of one
kind, once: the process is killed on the way into the call, or the call fails with
EIO (a broken disk) or ENOSPC (a full one). The database is then checked whole. N
grows until the plan ends without a fault: then every call was hit.

strace(1) must be there and be allowed to attach: `cannot_trace` says why not.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bonafides.storage.unit_of_work import Store
from scripts.faults.checker import Findings, check
from scripts.faults.history import History
from scripts.faults.lives import Life
from scripts.faults.workload import Plan, Sign, directly

# How SQLite writes and syncs on Linux.
CALLS: Final = ("pwrite64", "fdatasync", "ftruncate")
FAULTS: Final = ("signal=KILL", "error=EIO", "error=ENOSPC")

_WRITERS: Final = 2
_BATCHES: Final = 3
_MOST_SECONDS: Final = 60.0
_MOST_POINTS: Final = 10_000
# What strace writes of a call that failed, and of one that never returned.
_MARKS: Final = ("(INJECTED)", "killed by SIGKILL")
_ATTACHED: Final = "attached"


@dataclass(slots=True)
class Outcome:
    """What came of the faults. `points`: places at which one was injected."""

    points: int = 0
    # Records.
    acked: int = 0
    unacked_stored: int = 0
    found: Findings = field(default_factory=Findings)


def cannot_trace() -> str | None:
    """Returns why strace can't be used here; None: it can."""
    strace = shutil.which("strace")
    if strace is None:
        return "strace is not installed"
    told = subprocess.run([strace, "-o", "/dev/null", "true"], capture_output=True, check=False)  # noqa: S603 - our own words
    return "strace may not trace here" if told.returncode else None


def faults(
    *, seed: int, every: int = 1, calls: Sequence[str] = CALLS, kinds: Sequence[str] = FAULTS
) -> Outcome:
    """Injects every fault at every `every`-th call, and checks what each leaves behind."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="bonafides-calls-") as name:
        folder = Path(name)
        empty = Store(f"sqlite:///{folder / 'empty.db'}")
        empty.migrate()
        # The last to close it leaves one file.
        empty.close()
        for call in calls:
            for kind in kinds:
                for nth in range(1, _MOST_POINTS, every):
                    if not _inject(folder, f"{call}:{kind}:when={nth}", seed, outcome):
                        break
    return outcome


def _inject(folder: Path, fault: str, seed: int, outcome: Outcome) -> bool:
    """Runs the plan with one fault, and checks. False: the plan makes fewer such calls."""
    home = folder / "home"
    home.mkdir()
    shutil.copy(folder / "empty.db", home / "bonafides.db")
    url = f"sqlite:///{home / 'bonafides.db'}"
    history = History(seed, _WRITERS)
    struck = _run(history.plan(url, until=_BATCHES, in_turn=True), history, home / "trace", fault)
    store = Store(url)
    try:
        found = check(store, history, lambda *batch: directly(store, seed, *batch))
    finally:
        store.close()
    shutil.rmtree(home)
    found.others = [f"{fault}: {each}" for each in found.others]
    outcome.found.add(found)
    outcome.points += struck
    outcome.acked += history.records
    return struck


def _run(plan: Plan, history: History, trace: Path, fault: str) -> bool:
    """Runs the plan under strace; tells whether the fault came."""
    life = Life(plan)
    life.wait_for(lambda told: told is Sign.READY, _MOST_SECONDS)
    call = fault.partition(":")[0]
    words = ["strace", "-p", str(life.pid), "-o", str(trace), "-e", f"trace={call}"]
    strace = subprocess.Popen(  # noqa: S603 - our own words
        [*words, "-e", f"inject={fault}"], stderr=subprocess.PIPE, text=True
    )
    try:
        _wait_until_attached(strace.stderr or ())
        life.tell("go")
        life.wait_for(lambda told: told is Sign.DONE, _MOST_SECONDS)
    finally:
        life.kill()
        strace.wait(_MOST_SECONDS)
        if strace.stderr:
            strace.stderr.close()
    history.add(life.messages)
    told = trace.read_text(encoding="utf-8", errors="replace")
    return any(mark in told for mark in _MARKS)


def _wait_until_attached(lines: Iterator[str] | Sequence[str]) -> None:
    for line in lines:
        if _ATTACHED in line:
            return
    raise ProcessLookupError("strace could not attach")
