"""Proves what is promised, prints one table, and writes build/trust.json.

    python -m scripts.trust                     # make trust: everything, within 25 minutes
    python -m scripts.trust --quick             # a little of everything; three minutes
    python -m scripts.trust --only timing.      # one family of rows

What is timed has the machine to itself. Then guards are taken out in processes of their own,
beside the other topics, of which each keeps one core busy.

Exits 1 when a bar is missed, or a row could not be taken.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer
from rich.console import Console

from scripts import measured
from scripts.measured import Figure
from scripts.trust import attacks, crawl, crossing, disclosure, fuzzing, guards, matrix, timing
from scripts.trust.extent import QUICK, WHOLE, Extent
from scripts.trust.figures import BARS, failed

_OUTPUT: Final = Path(__file__).resolve().parents[2] / "build" / "trust.json"

Topic = Callable[[Extent], Iterator[Figure]]

# What takes which rows, in order; rows by the beginning of their names.
TOPICS: Final[Mapping[str, Topic]] = {
    "timing.": timing.prove,
    "disclosure.": disclosure.prove,
    "attack.": attacks.prove,
    "matrix.": matrix.prove,
    "cross.": crossing.prove,
    "crawl.": crawl.prove,
    "fuzz.": fuzzing.prove,
    "guard.": guards.prove,
}
_ALONE: Final = "timing."
_BESIDE: Final = "guard."


def main(
    *,
    quick: Annotated[bool, typer.Option(help="A little of everything, in three minutes.")] = False,
    only: Annotated[str, typer.Option(help="Rows whose names begin so.")] = "",
    output: Annotated[Path, typer.Option(help="The JSON file to write.")] = _OUTPUT,
) -> None:
    """Proves what is promised, and reports."""
    names = [name for name in TOPICS if name.startswith(only) or only.startswith(name)]
    began = time.monotonic()
    found = _taken(names, QUICK if quick else WHOLE)
    figures = [figure for taken in found.values() for figure in taken.figures]
    measured.write(output, figures)
    seconds = ", ".join(f"{name} {taken.seconds:.0f}" for name, taken in found.items())
    measured.console().print(
        measured.table("What was tried, and what of it went wrong", figures),
        f"{measured.kept(figures)}; in {time.monotonic() - began:.0f} s: {seconds}.",
        f"Written to {output}.",
        sep="\n",
    )
    if not figures or any(figure.holds is False for figure in figures):
        raise typer.Exit(1)


class _Taken(NamedTuple):
    figures: list[Figure]
    seconds: float


def _taken(names: Sequence[str], extent: Extent) -> Mapping[str, _Taken]:
    """Returns what came of each topic, in order."""
    with Console(stderr=True).status("proving") as status, ThreadPoolExecutor(1) as beside:

        def taken(name: str) -> _Taken:
            status.update(f"proving {name}")
            began = time.monotonic()
            figures = list(reported(name, TOPICS[name](extent)))
            return _Taken(figures, time.monotonic() - began)

        found = {name: taken(name) for name in names if name == _ALONE}
        begun = {name: beside.submit(taken, name) for name in names if name == _BESIDE}
        found |= {name: taken(name) for name in names if name not in (_ALONE, _BESIDE)}
        return found | {name: work.result() for name, work in begun.items()}


def reported(prefix: str, figures: Iterator[Figure]) -> Iterator[Figure]:
    """Yields the figures of a topic, and those that it didn't come to without a value."""
    told: set[str] = set()
    why = "not taken"
    try:
        for figure in figures:
            told.add(figure.name)
            yield figure
    except Exception as fault:  # noqa: BLE001 - one topic that fails spoils no other
        why = f"{type(fault).__name__}: {fault}"
    for name in BARS:
        if name.startswith(prefix) and name not in told:
            yield failed(name, why)


if __name__ == "__main__":
    typer.run(main)
