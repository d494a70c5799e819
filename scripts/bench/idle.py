"""What the serving process costs before anybody calls: its memory, and its start.

Importing is measured with compiled bytecode in a folder of its own, as an installed
package has it: the first import fills the folder and does not count.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scripts.bench.effort import Effort
from scripts.bench.figures import of_rounds
from scripts.bench.processes import NotMeasuredError, resident_mb, service, started
from scripts.measured import Figure

_PROGRAM: Final = "import bonafides.server, bonafides.cli"
_NO_BYTECODE: Final = "PYTHONDONTWRITEBYTECODE"


def measure(folder: Path, effort: Effort) -> Iterator[Figure]:
    """Yields the rows of the process."""
    data = folder / "idle"
    with started({"idle": service(data)}, folder) as servers:
        held = resident_mb(servers["idle"].pid)
    yield of_rounds("process.idle_memory_mb", [held], "resident, SQLite, no call yet")
    environment = {name: value for name, value in os.environ.items() if name != _NO_BYTECODE}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    _import_seconds(environment)
    yield of_rounds(
        "process.import_cpu_s",
        [_import_seconds(environment) for _ in range(effort.imports)],
        "interpreter included, server and command line",
    )


def _import_seconds(environment: dict[str, str]) -> float:
    """Returns the CPU seconds of a process that imports the server and ends."""
    process = os.posix_spawn(sys.executable, [sys.executable, "-c", _PROGRAM], environment)
    _, status, usage = os.wait4(process, 0)
    if os.waitstatus_to_exitcode(status):
        raise NotMeasuredError("the server can't be imported")
    return usage.ru_utime + usage.ru_stime
