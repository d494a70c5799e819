"""Reads tables from CSV and Parquet for the loading scripts, row by row as text.

Nothing is left to a sniffer: it would cut leading zeros, and give a file up for one
broken line. Lines that are no rows, and rows that a loader refuses, are listed with
their place; nothing else of them is repeated than the loader names.

    for rows in batches(reader, Path("registry.csv"), ("code",), size=1_000):
        ...
"""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, TypeVar

import duckdb
import typer
from rich.console import Console
from rich.progress import Progress

# Lines that are no rows are kept aside, in the table reject_errors. The lenient mode
# would cut cells off without a word.
_CSV: Final = (
    "SELECT * FROM read_csv(?, columns=?, header=true, auto_detect=false, delim=',',"
    " quote='\"', escape='\"', store_rejects=true)"
)
_PARQUET: Final = "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM read_parquet(?)"
_PARQUET_ROWS: Final = "SELECT count(*) FROM read_parquet(?)"
_UNREADABLE: Final = (
    "the file can't be read as CSV in UTF-8 with one kind of line end, or as Parquet"
)
# A spreadsheet takes a value that begins so for a formula.
_FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")

# Rows in one unit of work: the service waits no longer than for these.
BATCH: Final = 1_000

Row = dict[str, str | None]


class FileError(ValueError):
    """The file can't be loaded at all. The text says why and holds nothing of it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused row: where it is, which enterprise it is about, and why.

    `title` is what names the row beside the code; the loader decides what may.
    """

    place: str
    code: str
    title: str
    reason: str
    description: str


@dataclass(slots=True)
class Report:
    """What became of a file's rows."""

    read: int = 0
    loaded: int = 0
    refused: list[Refused] = field(default_factory=list)


def count(reader: duckdb.DuckDBPyConnection, source: Path) -> int | None:
    """Returns the number of rows, which only Parquet tells without reading them all.

    Raises:
        FileError: it isn't Parquet.
    """
    if is_csv(source):
        return None
    found = _query(reader, _PARQUET_ROWS, source).fetchone()
    return None if found is None else int(found[0])


def is_csv(source: Path) -> bool:
    """Tells CSV from Parquet by the file's name.

    Raises:
        FileError: it is named like neither.
    """
    suffix = source.suffix.lower()
    if suffix not in {".csv", ".parquet"}:
        raise FileError("the file must be named .csv or .parquet")
    return suffix == ".csv"


def batches(
    reader: duckdb.DuckDBPyConnection, source: Path, required: Sequence[str], *, size: int
) -> Iterator[list[Row]]:
    """Yields the rows, at most `size` at once.

    Raises:
        FileError: it isn't CSV or Parquet, or lacks a column.
    """
    if is_csv(source):
        columns = _complete(_header(source), required)
        result = _query(reader, _CSV, source, dict.fromkeys(columns, "VARCHAR"))
    else:
        result = _query(reader, _PARQUET, source)
        columns = _complete([str(column[0]) for column in result.description or ()], required)
    try:
        while rows := result.fetchmany(size):
            yield [dict(zip(columns, row, strict=True)) for row in rows]
    except duckdb.Error:
        raise FileError("the file is damaged; what came before is loaded") from None


class Rejection(Protocol):
    """A row that a loader refuses, by its place in the batch."""

    @property
    def index(self) -> int:
        """Its place, from 0."""


_Rejection = TypeVar("_Rejection", bound=Rejection)


def transfer(
    source: Path,
    required: Sequence[str],
    take: Callable[[list[Row]], tuple[int, Sequence[_Rejection]]],
    describe: Callable[[_Rejection, Row, str], Refused],
    *,
    size: int = BATCH,
) -> Report:
    """Loads a file, `size` rows at once, and shows how far it is.

    `take` loads rows and returns how many, and which it refuses; `describe` says of a
    refused row at a place what may be told.

    Raises:
        FileError: it isn't CSV or Parquet, or lacks a column.
    """
    report = Report()
    with duckdb.connect() as reader, Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(f"Reading {source.name}", total=count(reader, source))
        for batch in batches(reader, source, required, size=size):
            loaded, rejected = take(batch)
            report.refused += [
                describe(each, batch[each.index], f"row {report.read + each.index + 1}")
                for each in rejected
            ]
            report.loaded += loaded
            report.read += len(batch)
            progress.advance(task, len(batch))
        report.refused += malformed(reader, source)
    return report


def malformed(reader: duckdb.DuckDBPyConnection, source: Path) -> list[Refused]:
    """Returns the lines of the CSV file just read that were no rows."""
    if not is_csv(source):
        return []
    found = reader.execute(
        "SELECT DISTINCT line, error_type FROM reject_errors ORDER BY line"
    ).fetchall()
    return [
        Refused(f"line {line}", "", "", "MALFORMED", f"The line is no row: {str(fault).lower()}.")
        for line, fault in found
    ]


def write_rejects(source: Path, refused: Sequence[Refused]) -> Path | None:
    """Writes the refused rows beside the file, for its owner's eyes only; None: there are none.

    Of a row nothing is written but code and title: whatever personal it holds has no
    business in a second file.
    """
    path = source.with_name(f"{source.stem}.rejected.csv")
    # One left by an earlier run would be taken for this run's.
    path.unlink(missing_ok=True)
    if not refused:
        return None
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(["place", "code", "title", "reason", "description"])
        for each in refused:
            cells = (each.place, each.code, each.title, each.reason, each.description)
            writer.writerow([_harmless(cell) for cell in cells])
    return path


def print_report(report: Report, rejects: Path | None, *, dry_run: bool, as_json: bool) -> None:
    """Prints how many rows were loaded, and how many were refused for which reason."""
    reasons = Counter(each.reason for each in report.refused)
    if as_json:
        document = {
            "loaded": 0 if dry_run else report.loaded,
            "would_load": report.loaded if dry_run else 0,
            "refused": dict(sorted(reasons.items())),
            "rejects": None if rejects is None else str(rejects),
        }
        typer.echo(json.dumps(document))
        return
    console = Console()
    console.print(f"{'Would load' if dry_run else 'Loaded'} {report.loaded} rows.", markup=False)
    for reason, number in sorted(reasons.items()):
        console.print(f"Refused {number}: {reason}", markup=False)
    if rejects is not None:
        console.print(f"The refused rows are listed in {rejects}", markup=False)


def _header(source: Path) -> list[str]:
    try:
        with source.open(encoding="utf-8-sig", newline="") as opened:
            columns = next(csv.reader(opened), [])
    except (UnicodeDecodeError, csv.Error):
        raise FileError(_UNREADABLE) from None
    if len(set(columns)) < len(columns):
        raise FileError("each column must have a name of its own")
    return columns


def _complete(columns: list[str], required: Sequence[str]) -> list[str]:
    if missing := [column for column in required if column not in columns]:
        raise FileError(f"the file lacks the columns {', '.join(missing)}")
    return columns


def _query(
    reader: duckdb.DuckDBPyConnection, query: str, source: Path, *parameters: object
) -> duckdb.DuckDBPyConnection:
    try:
        return reader.execute(query, [str(source), *parameters])
    except duckdb.Error:
        # Not chained: the text quotes the line at fault.
        raise FileError(_UNREADABLE) from None


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_SIGNS) else cell
