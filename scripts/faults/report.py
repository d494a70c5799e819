"""What a run of faults reports: a table for people, build/faults.json for programs.

The JSON is a list of {"name", "value", "unit", "bar", "holds"}, as of `make bench`.
`holds` None: the figure has no bar, or its nemesis was skipped, and `value` is None
then; why it was skipped stands in the table.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from scripts.faults.checker import Findings


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `least` and `most` are the ends of its bar, inclusive; None: no such end."""

    name: str
    value: float | None
    unit: str
    least: float | None = None
    most: float | None = None
    note: str = ""

    @property
    def bar(self) -> str | None:
        """The bar in words; None: it has none."""
        if self.least is not None:
            return f">= {self.least:g}"
        return None if self.most is None else f"<= {self.most:g}"

    @property
    def holds(self) -> bool | None:
        """Whether the value is within its bar; None: nothing to be said."""
        if self.value is None or self.bar is None:
            return None
        return (self.least is None or self.value >= self.least) and (
            self.most is None or self.value <= self.most
        )


def of_findings(name: str, found: Findings) -> list[Figure]:
    """Returns the figures of what a checker found; all of them must be 0."""
    return [
        Figure(f"faults.{name}.lost", found.lost, "records", most=0),
        Figure(f"faults.{name}.doubled", found.doubled, "records", most=0),
        Figure(f"faults.{name}.other_findings", len(found.others), "findings", most=0),
    ]


def skipped(name: str, why: str) -> list[Figure]:
    """Returns the figures of a nemesis that could not be tried, each without a value."""
    nothing = of_findings(name, Findings())
    return [Figure(each.name, None, each.unit, most=0, note=f"skipped: {why}") for each in nothing]


def write(file: Path, figures: Sequence[Figure]) -> None:
    """Writes the figures as JSON, in order."""
    told = [
        {"name": f.name, "value": f.value, "unit": f.unit, "bar": f.bar, "holds": f.holds}
        for f in figures
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def show(console: Console, figures: Sequence[Figure]) -> None:
    """Prints the figures as a table."""
    table = Table(Column("Figure", overflow="fold"), "Value", "Unit", "Bar", "Holds", "")
    words = {True: "yes", False: "NO", None: ""}
    for figure in figures:
        value = "-" if figure.value is None else f"{figure.value:.6g}"
        style = "bold red" if figure.holds is False else None
        table.add_row(
            figure.name,
            value,
            figure.unit,
            figure.bar or "",
            words[figure.holds],
            figure.note,
            style=style,
        )
    console.print(table)
