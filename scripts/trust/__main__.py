"""Proves what is promised, prints one table, and writes build/trust.json.

    python -m scripts.trust                     # make trust: everything, within 25 minutes
    python -m scripts.trust --quick             # a little of everything; three minutes
    python -m scripts.trust --only timing.      # one family of rows

Exits 1 when a bar is missed, or a row could not be taken.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from scripts import measured
from scripts.trust import topics
from scripts.trust.extent import QUICK, WHOLE

_OUTPUT: Final = Path(__file__).resolve().parents[2] / "build" / "trust.json"


def main(
    *,
    quick: Annotated[bool, typer.Option(help="A little of everything, in three minutes.")] = False,
    only: Annotated[str, typer.Option(help="Rows whose names begin so.")] = "",
    output: Annotated[Path, typer.Option(help="The JSON file to write.")] = _OUTPUT,
) -> None:
    """Proves what is promised, and reports."""
    names = [name for name in topics.TOPICS if name.startswith(only) or only.startswith(name)]
    began = time.monotonic()
    with Console(stderr=True).status("proving") as status:
        found = topics.taken(
            names,
            QUICK if quick else WHOLE,
            tell=lambda begun: status.update(f"proving {', '.join(begun)}"),
        )
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


if __name__ == "__main__":
    typer.run(main)
