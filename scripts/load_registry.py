"""Loads what the registry says of enterprises, from CSV or Parquet.

    python scripts/load_registry.py registry.csv --dry-run     # what would be refused
    python scripts/load_registry.py registry.parquet           # load it; safe to repeat

A row takes the place of the one with the same code, unless it was retrieved earlier.
Rows that can't be read are listed in <file>.rejected.csv, by code and title, with the
reason; the rest is loaded. Columns, of which the first three are needed:

    code                      unified social credit code
    title                     registered name
    retrieved_at              ISO 8601; without an offset, time in Shanghai
    operating_state           such as 存续, 在业, 注销, "吊销,未注销", or IN_BUSINESS;
                              anything else is taken for not known
    legal_form, registered_address, business_scope
    established, term_start, term_end          YYYY-MM-DD
    capital, capital_currency                  decimal number; ISO 4217, unset: CNY
    representative, representative_id_number   kept only as keyed digests
    shareholders    JSON: [{"title", "is_person", "subscribed": {"currency", "minor"}}]
    changes         JSON: [{"date", "item", "before", "after"}]

Other columns are kept, sealed, with the row as evidence. Exit codes: 0 all rows
loaded, 1 rows were refused or the file can't be read, 2 wrong usage.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import duckdb
import typer
from rich.console import Console
from rich.progress import Progress

from bonafides.errors import StoreUnavailableError
from bonafides.identity.operations import Rejection, load_registry
from bonafides.identity.registry import REQUIRED_COLUMNS
from bonafides.instants import Instant, from_datetime
from bonafides.keys import load_or_create
from bonafides.personal.sealing import Vault
from bonafides.settings import Settings, SettingsError
from bonafides.storage.unit_of_work import Store

# Rows in one unit of work: the service waits no longer than for these.
BATCH: Final = 1_000

# Nothing is left to a sniffer: it would cut leading zeros, and give a file up for one
# broken line. Lines that are no rows are kept aside, in the table reject_errors. The
# lenient mode would cut cells off without a word.
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

# \b: the lines of what is indented stay as they are.
_HELP: Final = (__doc__ or "").replace("\n\n    ", "\n\n\b\n    ")

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Row = dict[str, str | None]


class FileError(ValueError):
    """The file can't be loaded at all. The text says why and holds nothing of it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused row: where it is, which enterprise it is about, and why."""

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


@app.command(help=_HELP)
def main(
    *,
    source: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A .csv or .parquet file.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be refused; change nothing.")
    ] = False,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the data; unset: BONAFIDES_DATA_DIR.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Loads a registry file into the registry's table."""
    settings = Settings() if data_dir is None else Settings(data_dir=data_dir)
    now = from_datetime(dt.datetime.now(dt.UTC))
    try:
        report = read_file(source, now=now) if dry_run else _load(source, settings, now)
    except (FileError, SettingsError, StoreUnavailableError) as fault:
        Console(stderr=True).print(f"Not loaded: {fault}", markup=False)
        raise typer.Exit(1) from None
    rejects = None if dry_run else write_rejects(source, report.refused)
    _print_report(report, rejects, dry_run=dry_run, as_json=as_json)
    if report.refused:
        raise typer.Exit(1)


def read_file(
    source: Path, *, now: Instant, store: Store | None = None, vault: Vault | None = None
) -> Report:
    """Loads the file batch by batch; without a store and a vault it is only read.

    Raises:
        FileError: it isn't CSV or Parquet, or lacks a column.
    """
    report = Report()
    with duckdb.connect() as reader, Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(f"Reading {source.name}", total=_count(reader, source))
        for batch in _batches(reader, source):
            result = load_registry(store, vault, batch, now=now)
            report.refused += [_refused(each, batch, report.read) for each in result.rejected]
            report.loaded += result.loaded
            report.read += len(batch)
            progress.advance(task, len(batch))
        if _is_csv(source):
            report.refused += _malformed(reader)
    return report


def write_rejects(source: Path, refused: Sequence[Refused]) -> Path | None:
    """Writes the refused rows beside the file, for its owner's eyes only; None: there are none.

    Of a row only code and title are written: the representative's name and number
    have no business in a second file.
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


def _load(source: Path, settings: Settings, now: Instant) -> Report:
    vault = Vault(load_or_create(settings).kek, settings.environment)
    store = Store(settings.url)
    try:
        store.migrate()
        return read_file(source, now=now, store=store, vault=vault)
    finally:
        store.close()


def _is_csv(source: Path) -> bool:
    suffix = source.suffix.lower()
    if suffix not in {".csv", ".parquet"}:
        raise FileError("the file must be named .csv or .parquet")
    return suffix == ".csv"


def _count(reader: duckdb.DuckDBPyConnection, source: Path) -> int | None:
    """Returns the number of rows, which only Parquet tells without reading them all."""
    if _is_csv(source):
        return None
    found = _query(reader, _PARQUET_ROWS, source).fetchone()
    return None if found is None else int(found[0])


def _batches(reader: duckdb.DuckDBPyConnection, source: Path) -> Iterator[list[Row]]:
    if _is_csv(source):
        columns = _complete(_header(source))
        result = _query(reader, _CSV, source, dict.fromkeys(columns, "VARCHAR"))
    else:
        result = _query(reader, _PARQUET, source)
        columns = _complete([str(column[0]) for column in result.description or ()])
    try:
        while rows := result.fetchmany(BATCH):
            yield [dict(zip(columns, row, strict=True)) for row in rows]
    except duckdb.Error:
        raise FileError("the file is damaged; what came before is loaded") from None


def _header(source: Path) -> list[str]:
    try:
        with source.open(encoding="utf-8-sig", newline="") as opened:
            columns = next(csv.reader(opened), [])
    except (UnicodeDecodeError, csv.Error):
        raise FileError(_UNREADABLE) from None
    if len(set(columns)) < len(columns):
        raise FileError("each column must have a name of its own")
    return columns


def _complete(columns: list[str]) -> list[str]:
    if missing := [column for column in REQUIRED_COLUMNS if column not in columns]:
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


def _malformed(reader: duckdb.DuckDBPyConnection) -> list[Refused]:
    found = reader.execute(
        "SELECT DISTINCT line, error_type FROM reject_errors ORDER BY line"
    ).fetchall()
    return [
        Refused(f"line {line}", "", "", "MALFORMED", f"The line is no row: {str(fault).lower()}.")
        for line, fault in found
    ]


def _refused(rejection: Rejection, batch: Sequence[Row], before: int) -> Refused:
    row = batch[rejection.index]
    return Refused(
        f"row {before + rejection.index + 1}",
        row["code"] or "",
        row["title"] or "",
        rejection.reason,
        rejection.description,
    )


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_SIGNS) else cell


def _print_report(report: Report, rejects: Path | None, *, dry_run: bool, as_json: bool) -> None:
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
    for reason, count in sorted(reasons.items()):
        console.print(f"Refused {count}: {reason}", markup=False)
    if rejects is not None:
        console.print(f"The refused rows are listed in {rejects}", markup=False)


if __name__ == "__main__":
    app()
