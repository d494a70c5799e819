"""Proves what is promised, prints one table, and writes build/trust.json.

    python -m scripts.trust                     # make trust: everything, within 25 minutes
    python -m scripts.trust --quick             # a little of everything; three minutes
    python -m scripts.trust --only timing.      # one family of rows

Exits 1 when a bar is missed, or a row could not be taken.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Final

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
TOPICS: Final[tuple[tuple[str, Topic], ...]] = (
    ("disclosure.", disclosure.prove),
    ("attack.", attacks.prove),
    ("matrix.", matrix.prove),
    ("cross.", crossing.prove),
    ("timing.", timing.prove),
    ("crawl.", crawl.prove),
    ("fuzz.", fuzzing.prove),
    ("guard.", guards.prove),
)


def main(
    *,
    quick: Annotated[bool, typer.Option(help="A little of everything, in three minutes.")] = False,
    only: Annotated[str, typer.Option(help="Rows whose names begin so.")] = "",
    output: Annotated[Path, typer.Option(help="The JSON file to write.")] = _OUTPUT,
) -> None:
    """Proves what is promised, and reports."""
    extent = QUICK if quick else WHOLE
    status = Console(stderr=True)
    spent: dict[str, float] = {}
    figures: list[Figure] = []
    for prefix, topic in TOPICS:
        if not (prefix.startswith(only) or only.startswith(prefix)):
            continue
        began = time.monotonic()
        with status.status(f"proving {prefix}"):
            figures += reported(prefix, topic(extent))
        spent[prefix] = time.monotonic() - began
    measured.write(output, figures)
    seconds = ", ".join(f"{name} {each:.0f}" for name, each in spent.items())
    measured.console().print(
        measured.table("What was tried, and what of it went wrong", figures),
        f"{measured.kept(figures)}; in {sum(spent.values()):.0f} s: {seconds}.",
        f"Written to {output}.",
        sep="\n",
    )
    if not figures or any(figure.holds is False for figure in figures):
        raise typer.Exit(1)


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
