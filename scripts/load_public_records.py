"""Loads what courts and authorities published of enterprises, from CSV or Parquet.

    python scripts/load_public_records.py records.csv --dry-run    # what would be refused
    python scripts/load_public_records.py records.csv              # load it; safe to repeat

A row takes the place of the one with the same code, kind, source and record id, unless
it was retrieved earlier. To take a record off, load it again with `removed`: it leaves
levels and views at once, and stays where staff can see it. A record that was matched by
NAME may be a namesake's: it counts for nothing and is shown to staff alone. Rows that
can't be read are listed in <file>.rejected.csv, by code and record id, with the reason;
the rest is loaded. Columns, of which the first line is needed:

    kind, code, source, record_id, matched_by, begins, retrieved_at
                      kind: DISHONEST_DEBTOR, ENFORCEMENT, JUDGMENT, EQUITY_FREEZE,
                      ABNORMAL_OPERATIONS, SERIOUS_ILLEGAL or PENALTY; source: such as
                      court-list; matched_by: CODE or NAME; begins: the day of
                      publication, judgment, listing or decision, YYYY-MM-DD;
                      retrieved_at: ISO 8601; without an offset, time in Shanghai
    removed           the first day on which the source held it no more
    expires           its last day, or the time at which it ends, as the source has it;
                      unset: the term of its kind
    case_number, court, performance     of court cases; such as 未履行 or UNPERFORMED
    authority, ground, removal_ground   of listings
    decision_number, authority, sanction, severity     of penalties; such as 罚款, 轻微
    amount, currency  decimal number; ISO 4217, unset: CNY

Other columns are not read and not kept; none is for a person. Exit codes: 0 all rows
loaded, 1 rows were refused or the file can't be read, 2 wrong usage.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import duckdb
import typer
from rich.console import Console
from rich.progress import Progress

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.archive.operations import load_public_records
from bonafides.archive.public_record_rows import REQUIRED_COLUMNS, is_record_id
from bonafides.errors import StoreUnavailableError
from bonafides.instants import Instant, from_datetime
from bonafides.rating.scorecard import Scorecard, ScorecardError, champion
from bonafides.records.ingest import Rejection
from bonafides.settings import Settings, SettingsError
from bonafides.storage.unit_of_work import Store
from scripts.table_files import (
    FileError,
    Refused,
    Report,
    Row,
    batches,
    count,
    malformed,
    print_report,
    write_rejects,
)

# Rows in one unit of work, each perhaps with a level and views to make anew: the service
# waits no longer than for these.
BATCH: Final = 200

# \b: the lines of what is indented stay as they are.
_HELP: Final = (__doc__ or "").replace("\n\n    ", "\n\n\b\n    ")

app = typer.Typer(add_completion=False, rich_markup_mode=None)


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
    """Loads a file of public records."""
    settings = Settings() if data_dir is None else Settings(data_dir=data_dir)
    now = from_datetime(dt.datetime.now(dt.UTC))
    try:
        report = read_file(source, now=now) if dry_run else _load(source, settings, now)
    except (FileError, ScorecardError, SettingsError, StoreUnavailableError) as fault:
        Console(stderr=True).print(f"Not loaded: {fault}", markup=False)
        raise typer.Exit(1) from None
    rejects = None if dry_run else write_rejects(source, report.refused)
    print_report(report, rejects, dry_run=dry_run, as_json=as_json)
    if report.refused:
        raise typer.Exit(1)


def read_file(
    source: Path, *, now: Instant, store: Store | None = None, card: Scorecard | None = None
) -> Report:
    """Loads the file batch by batch; without a store and a card it is only read.

    Raises:
        FileError: it isn't CSV or Parquet, or lacks a column.
    """
    report = Report()
    with duckdb.connect() as reader, Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(f"Reading {source.name}", total=count(reader, source))
        for batch in batches(reader, source, REQUIRED_COLUMNS, size=BATCH):
            result = load_public_records(store, card, batch, now=now)
            report.refused += [_refused(each, batch, report.read) for each in result.rejected]
            report.loaded += result.loaded
            report.read += len(batch)
            progress.advance(task, len(batch))
        report.refused += malformed(reader, source)
    return report


def _load(source: Path, settings: Settings, now: Instant) -> Report:
    card = champion(settings.models_dir)
    store = Store(settings.url)
    try:
        store.migrate()
        return read_file(source, now=now, store=store, card=card)
    finally:
        store.close()


def _refused(rejection: Rejection, batch: Sequence[Row], before: int) -> Refused:
    row = batch[rejection.index]
    record_id = (row["record_id"] or "").strip()
    return Refused(
        f"row {before + rejection.index + 1}",
        row["code"] or "",
        # What is no id may be somebody's name or number.
        record_id if is_record_id(record_id) else "",
        rejection.reason,
        rejection.description,
    )


if __name__ == "__main__":
    app()
