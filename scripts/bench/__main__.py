"""Measures everything that has a bar, prints a table, and writes build/bench.json.

A benchmark reports: it exits 0 though a bar is missed, and 1 only when it can't
measure at all. What could not be measured is a row without a value, which keeps no
bar; what this build does not have yet is named under the table and is no row.

    python -m scripts.bench --quick             # make bench QUICK=1
    python -m scripts.bench --only score        # one family of rows
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from scripts import measured
from scripts.bench import builds, fits, folds, idle, ingests, pages, reads, scores, streams, submit
from scripts.bench.databases import Databases, databases
from scripts.bench.effort import FULL, QUICK, USUAL, Effort
from scripts.bench.figures import BARS, failed
from scripts.bench.processes import NotMeasuredError
from scripts.measured import Figure, kept, table, write

# Rows of the table for which this build has nothing to measure.
NOT_BUILT: Final[frozenset[str]] = frozenset()

_ROOT: Final = Path(__file__).resolve().parents[2]
_OUTPUT: Final = _ROOT / "build" / "bench.json"
# Beside the output and not in /tmp, which may be memory: durable is what is measured.
_WORKPLACE: Final = _ROOT / "build"

Topic = Callable[[Path, Databases, Effort], Iterator[Figure]]

# What measures which rows, in order; rows by the beginnings of their names.
TOPICS: Final[tuple[tuple[tuple[str, ...], Topic], ...]] = (
    (("process.",), lambda folder, _made, effort: idle.measure(folder, effort)),
    (("score.with", "score.over"), lambda _folder, _made, effort: scores.measure(effort)),
    (("score.rescore",), lambda _folder, _made, effort: builds.rescored(effort)),
    (("score.fit",), lambda _folder, _made, effort: fits.measure(effort)),
    (("read.",), reads.measure),
    (("ingest.stream.",), streams.measure),
    (("ingest.fdatasync", "ingest.sqlite.", "ingest.postgresql."), ingests.measure),
    (("fold.", "build.from"), folds.measure),
    (("build.over",), lambda folder, _made, effort: builds.built(folder, effort)),
    (("submit.",), submit.measure),
    (("web.",), lambda folder, _made, effort: pages.measure(folder, effort)),
)


def main(
    *,
    quick: Annotated[bool, typer.Option(help="Small sizes, in two minutes.")] = False,
    full: Annotated[bool, typer.Option(help="The largest sizes, at length.")] = False,
    only: Annotated[str, typer.Option(help="Rows whose names begin so.")] = "",
    output: Annotated[Path, typer.Option(help="The JSON file to write.")] = _OUTPUT,
) -> None:
    """Measures the service against what it could be at best, and reports."""
    if quick and full:
        raise typer.BadParameter("choose --quick or --full")
    console = Console(stderr=True)
    effort = FULL if full else QUICK if quick else USUAL
    spent: dict[str, float] = {}
    figures = list(_measured(effort, only, console, spent))
    write(output, figures)
    shown = table("Ratios of this run on this machine", figures)
    measured.console().print(shown, *_closing(figures, spent, output), sep="\n")
    if not any(figure.value is not None for figure in figures):
        raise typer.Exit(1)


def _measured(
    effort: Effort, only: str, console: Console, spent: dict[str, float]
) -> Iterator[Figure]:
    """Yields the figures of every topic asked for; the fault of one spoils no other.

    `spent` gets the seconds that each topic took.
    """
    _WORKPLACE.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=_WORKPLACE))
        )
        made = stack.enter_context(databases(folder))
        for prefixes, topic in TOPICS:
            if only.startswith(prefixes) or any(each.startswith(only) for each in prefixes):
                start = time.monotonic()
                with console.status(f"measuring {', '.join(prefixes)}"):
                    for figure in reported(prefixes, topic(folder, made, effort)):
                        if figure.name.startswith(only):
                            yield figure
                spent[prefixes[0]] = time.monotonic() - start


def reported(prefixes: tuple[str, ...], figures: Iterator[Figure]) -> Iterator[Figure]:
    """Yields the figures of a topic, and after a fault its other rows without a value."""
    told: set[str] = set()
    try:
        for figure in figures:
            told.add(figure.name)
            yield figure
    except (NotMeasuredError, ImportError) as fault:
        for name in BARS:
            if name.startswith(prefixes) and name not in told | NOT_BUILT:
                yield failed(name, str(fault))


def _closing(figures: list[Figure], spent: dict[str, float], output: Path) -> Iterator[str]:
    yield f"{kept(figures)}; measured in {sum(spent.values()):.0f} s on {os.cpu_count()} CPUs."
    yield "Seconds: " + ", ".join(f"{name} {each:.0f}" for name, each in spent.items()) + "."
    if absent := sorted(NOT_BUILT - {figure.name for figure in figures}):
        yield f"Not built yet, so no rows: {', '.join(absent)}."
    yield f"Written to {output}."


if __name__ == "__main__":
    typer.run(main)
