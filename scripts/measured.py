"""What is measured and what must hold of it, as tables for people and JSON for programs.

figure = Figure("fold.exponent", 1.02, Bar("exponent", 1.15))
document([figure])[0]["holds"]       # True
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

# Of what is written to a file or a pipe: no row is broken.
_WIDTH: Final = 180


@dataclass(frozen=True, slots=True)
class Bar:
    """What must hold of a figure, and where it should go. `at_least`: more is better."""

    unit: str
    limit: float | None = None
    goal: float | None = None
    at_least: bool = False

    @property
    def text(self) -> str | None:
        """The bar as it is written, such as "<= 1.6"; None without one."""
        return None if self.limit is None else f"{self._sign} {self.limit:.4g}"

    @property
    def goal_text(self) -> str:
        """The goal as it is written; empty without one."""
        return "" if self.goal is None else f"{self._sign} {self.goal:.4g}"

    def holds(self, value: float | None) -> bool | None:
        """Tells whether the value keeps the bar; None without a bar.

        A value that could not be measured keeps none.
        """
        if self.limit is None:
            return None
        if value is None:
            return False
        return value >= self.limit if self.at_least else value <= self.limit

    @property
    def _sign(self) -> str:
        return ">=" if self.at_least else "<="


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: the median of its rounds, their least and greatest, and what stands beside.

    `beside` holds the absolute figures that the ratio was made of, for people. A
    value of None could not be measured; `beside` then says why.
    """

    name: str
    value: float | None
    bar: Bar
    low: float | None = None
    high: float | None = None
    beside: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether it keeps its bar; None without one."""
        return self.bar.holds(self.value)


def document(figures: Iterable[Figure]) -> list[dict[str, str | float | bool | None]]:
    """Returns what build/bench.json holds, in the order measured."""
    return [
        {
            "name": figure.name,
            "value": None if figure.value is None else round(figure.value, 6),
            "unit": figure.bar.unit,
            "bar": figure.bar.text,
            "holds": figure.holds,
        }
        for figure in figures
    ]


def write(file: Path, figures: Iterable[Figure]) -> None:
    """Writes the document, in place of an older one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document(figures), indent=2, allow_nan=False)
    file.write_text(f"{text}\n", encoding="utf-8")


def console() -> Console:
    """Returns where tables are printed."""
    return Console() if sys.stdout.isatty() else Console(width=_WIDTH)


def table(title: str, figures: Sequence[Figure]) -> Table:
    """Returns the figures as a table for people."""
    made = Table(title=title, title_justify="left")
    made.add_column("row", no_wrap=True)
    made.add_column("value", justify="right", no_wrap=True)
    for heading in ("least - greatest", "bar", "goal", "", "made of"):
        made.add_column(heading, no_wrap=heading in {"bar", "goal"})
    for figure in figures:
        made.add_row(
            figure.name,
            _number(figure.value),
            f"{_number(figure.low)} - {_number(figure.high)}" if figure.low is not None else "",
            figure.bar.text or "",
            figure.bar.goal_text,
            _verdict(figure),
            figure.beside,
        )
    return made


def kept(figures: Iterable[Figure]) -> str:
    """Returns how many bars hold, in words."""
    judged = [figure.holds for figure in figures if figure.holds is not None]
    return f"{judged.count(True)} of {len(judged)} bars hold"


def _verdict(figure: Figure) -> str:
    if figure.holds is None:
        return ""
    if figure.holds:
        return "[green]holds[/green]"
    if figure.value is None:
        return "[red bold]NOT MEASURED[/red bold]"
    return "[red bold]MISSED[/red bold]"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
