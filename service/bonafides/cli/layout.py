"""The parts that answers are laid out with: headings, pairs, tables, figures that may be unset.

Whatever is shown comes from outside: it is text, never markup.
"""

from __future__ import annotations

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bonafides.cli.figures import count, day, moment, percent, plain
from bonafides.v1 import enterprise_pb2

Row = tuple[str, str | None]


def title(title: str, name: str = "") -> RenderableType:
    """Returns a bold heading, a second line under it."""
    heading = lines(title, name)
    heading.stylize("bold")
    return heading


DISPUTED = "DISPUTED"


def heading(text: str, *, disputed: bool = False) -> RenderableType:
    """Returns the heading of a section."""
    mark = f" ({DISPUTED})" if disputed else ""
    return Text(f"\n{plain(text)}{mark}", style="bold cyan")


def mark(*, disputed: bool) -> str:
    """Returns the mark of what is disputed, or nothing."""
    return DISPUTED if disputed else ""


def facts(*rows: Row) -> RenderableType:
    """Returns label and value side by side; a row whose value is None is left out."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, cell in rows:
        if cell is not None:
            grid.add_row(Text(plain(label)), Text(plain(cell)))
    return grid


def table(*columns: str) -> Table:
    """Returns an empty table."""
    table = Table(header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def add_row(table: Table, *cells: str | Text) -> None:
    """Adds a row; a string is content from outside, never markup."""
    table.add_row(*(cell if isinstance(cell, Text) else Text(plain(cell) or "–") for cell in cells))


def lines(*texts: str) -> Text:
    """Returns the texts that are not empty, one under the other."""
    return Text("\n".join(plain(text) for text in texts if text))


def moment_of(message: Message, field: str) -> str | None:
    """Returns a time of the message; None where it is unset."""
    stamp: Timestamp = getattr(message, field)
    return moment(stamp) if message.HasField(field) else None


def day_of(message: Message, field: str) -> str | None:
    """Returns a day of the message; None where it is unset."""
    date: Date = getattr(message, field)
    return day(date) if message.HasField(field) else None


def count_of(message: Message, field: str) -> str | None:
    """Returns a number of the message; None where it is unset."""
    return count(getattr(message, field)) if message.HasField(field) else None


def percent_of(message: Message, field: str) -> str | None:
    """Returns a rate of the message; None where it is unset."""
    return percent(getattr(message, field)) if message.HasField(field) else None


def with_unit(figure: str | None, unit: str) -> str | None:
    """Returns a figure with its unit; None without one."""
    return f"{figure} {unit}" if figure else None


def provenance(shown: enterprise_pb2.Provenance) -> str | None:
    """Returns which source said so, and when it was asked."""
    retrieved = moment_of(shown, "retrieve_time")
    return ", asked ".join(part for part in (shown.source, retrieved) if part) or None
