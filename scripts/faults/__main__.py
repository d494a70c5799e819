"""Breaks the service on purpose, in five ways, and reports what was lost.

    python -m scripts.faults                  # everything; less than half an hour
    python -m scripts.faults --quick          # a little of everything; two minutes
    python -m scripts.faults --only kill --cycles 10000 --seed 7

Exits 1 when a record was lost or counted twice, or anything else was found.
"""

from __future__ import annotations

import itertools
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from scripts.faults import disk, kill, postgresql, report, stream, syscalls
from scripts.faults.report import Figure

_KINDS: Final = ("kill", "stream", "disk", "postmaster", "syscalls")
_SEEDS: Final = 2**32


# Strikes at the database of a URL, with a seed, so many times.
_Strike = Callable[[str, int, int], kill.Outcome]


@dataclass(frozen=True, slots=True)
class _Extent:
    """How often each nemesis strikes; of the system calls every `every`-th."""

    cycles: int
    streamed: int
    fillings: int
    kills: int
    every: int


_FULL: Final = _Extent(cycles=1_000, streamed=100, fillings=100, kills=100, every=1)
_QUICK: Final = _Extent(cycles=25, streamed=5, fillings=5, kills=2, every=30)

app = typer.Typer(add_completion=False, help=__doc__)


@app.command()
def main(
    *,
    seed: Annotated[
        int | None, typer.Option(help="Repeats the records and choices of an earlier run.")
    ] = None,
    cycles: Annotated[int | None, typer.Option(help="Kill cycles on each database.", min=1)] = None,
    only: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(_KINDS)}; may be repeated.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A little of everything.")] = False,
    out: Annotated[Path, typer.Option(help="File for the figures.")] = Path("build/faults.json"),
) -> None:
    """Breaks the service on purpose, and reports what was lost."""
    if unknown := set(only or ()) - set(_KINDS):
        raise typer.BadParameter(f"no such nemesis: {', '.join(sorted(unknown))}")
    console = Console()
    seed = random.SystemRandom().randrange(_SEEDS) if seed is None else seed
    console.print(f"seed {seed}: repeat with --seed {seed}")
    extent = _QUICK if quick else _FULL
    if cycles is not None:
        extent = replace(extent, cycles=cycles, streamed=cycles)
    figures: list[Figure] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bonafides-faults-") as name:
        run = _Run(console, Path(name), seed, extent)
        for kind in only or _KINDS:
            figures += getattr(run, kind)()
    figures.append(Figure("faults.seconds", round(time.monotonic() - began), "s"))
    report.show(console, figures)
    report.write(out, figures)
    if any(figure.holds is False for figure in figures):
        console.print(f"Something is wrong; repeat with --seed {seed}", style="bold red")
        raise typer.Exit(1)


class _Run:
    """One run: each method is a nemesis, and returns its figures."""

    def __init__(self, console: Console, folder: Path, seed: int, extent: _Extent) -> None:
        self._console: Final = console
        self._folder: Final = folder
        self._seed: Final = seed
        self._extent: Final = extent

    def kill(self) -> list[Figure]:
        """Kills the workload on SQLite, then on PostgreSQL."""

        def strike(url: str, seed: int, count: int) -> kill.Outcome:
            return kill.cycles(url, seed=seed, count=count)

        return self._killed("kill", self._extent.cycles, strike)

    def stream(self) -> list[Figure]:
        """Kills the server that platforms stream to, on SQLite, then on PostgreSQL."""

        def strike(url: str, seed: int, count: int) -> kill.Outcome:
            with tempfile.TemporaryDirectory(dir=self._folder) as folder:
                return stream.cycles(stream.Place(folder, url), seed=seed, count=count)

        return self._killed("stream", self._extent.streamed, strike)

    def disk(self) -> list[Figure]:
        """Fills the disk under SQLite."""
        if why := disk.cannot_mount():
            return report.skipped("disk_full.sqlite", why)
        outcome = disk.Outcome()
        for seed, count in self._rounds(self._extent.fillings, disk.FILLINGS_PER_ROUND):
            outcome.add(disk.fillings(seed=seed, count=count))
        name = "disk_full.sqlite"
        self._tell(name, outcome.found)
        return [
            Figure(f"faults.{name}.rounds", outcome.fillings, "rounds"),
            Figure(f"faults.{name}.felt", outcome.felt, "rounds", least=outcome.fillings),
            Figure(f"faults.{name}.healed", outcome.healed, "rounds", least=outcome.fillings),
            Figure(f"faults.{name}.acked", outcome.acked, "records"),
            Figure(f"faults.{name}.reads_served", outcome.reads, "reads", least=1),
            Figure(f"faults.{name}.reads_failed", outcome.reads_failed, "reads", most=0),
            *report.of_findings(name, outcome.found),
        ]

    def postmaster(self) -> list[Figure]:
        """Kills PostgreSQL under load."""
        outcome = postgresql.Outcome()
        with postgresql.server() as running:
            for seed, count in self._rounds(self._extent.kills, postgresql.KILLS_PER_ROUND):
                outcome.add(postgresql.kills(running, seed=seed, count=count))
        name = "postgresql_killed"
        self._tell(name, outcome.found)
        return [
            Figure(f"faults.{name}.kills", outcome.kills, "kills"),
            Figure(f"faults.{name}.healed", outcome.healed, "kills", least=outcome.kills),
            Figure(f"faults.{name}.acked", outcome.acked, "records"),
            Figure(f"faults.{name}.write_gap_p50", round(statistics.median(outcome.gaps), 3), "s"),
            Figure(f"faults.{name}.write_gap_max", round(max(outcome.gaps), 3), "s"),
            *report.of_findings(name, outcome.found),
        ]

    def syscalls(self) -> list[Figure]:
        """Lets each write and sync of SQLite fail."""
        name = "syscalls.sqlite"
        if why := syscalls.cannot_trace():
            return report.skipped(name, why)
        outcome = syscalls.faults(seed=self._seed, every=self._extent.every)
        self._tell(name, outcome.found)
        return [
            Figure(f"faults.{name}.points", outcome.points, "faults", least=1),
            Figure(f"faults.{name}.acked", outcome.acked, "records"),
            *report.of_findings(name, outcome.found),
        ]

    def _killed(self, kind: str, cycles: int, strike: _Strike) -> list[Figure]:
        numbers = itertools.count()

        def sqlite() -> str:
            return f"sqlite:///{self._folder / f'{kind}_{next(numbers)}.db'}"

        figures = self._rounds_of(f"{kind}.sqlite", cycles, sqlite, strike)
        with postgresql.server() as running:
            return figures + self._rounds_of(f"{kind}.postgresql", cycles, running.fresh, strike)

    def _rounds_of(
        self, name: str, cycles: int, fresh: Callable[[], str], strike: _Strike
    ) -> list[Figure]:
        outcome = kill.Outcome()
        for seed, count in self._rounds(cycles, kill.CYCLES_PER_ROUND):
            outcome.add(strike(fresh(), seed, count))
        self._tell(name, outcome.found)
        return [
            Figure(f"faults.{name}.cycles", outcome.strikes, "cycles"),
            Figure(f"faults.{name}.acked", outcome.acked, "records", least=1),
            Figure(f"faults.{name}.unacked_stored", outcome.unacked_stored, "batches"),
            *report.of_findings(name, outcome.found),
        ]

    def _rounds(self, strikes: int, most: int) -> Iterator[tuple[int, int]]:
        """Yields the seed of each round and how often it strikes."""
        for done in range(0, strikes, most):
            yield self._seed + done // most, min(most, strikes - done)

    def _tell(self, name: str, found: object) -> None:
        self._console.print(f"{name}: {found}", markup=False)


if __name__ == "__main__":
    app()
