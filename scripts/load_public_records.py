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
from typing import Final

import typer

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.archive.operations import load_public_records
from bonafides.archive.public_record_rows import REQUIRED_COLUMNS, is_record_id
from bonafides.card_keys import served_card
from bonafides.instants import Instant, from_datetime
from bonafides.rating.scorecard import Scorecard
from bonafides.records.ingest import Rejection
from bonafides.settings import Settings
from bonafides.storage.unit_of_work import Store
from scripts.operating import AsJson, DataDir, DryRun, TableFile, opened, read_settings, telling
from scripts.table_files import (
    FileError,
    Refused,
    Report,
    Row,
    print_report,
    transfer,
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
    source: TableFile,
    dry_run: DryRun = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Loads a file of public records."""
    with telling("Not loaded", FileError):
        settings = read_settings(data_dir)
        now = from_datetime(dt.datetime.now(dt.UTC))
        report = read_file(source, now=now) if dry_run else _load(source, settings, now)
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

    def take(batch: Sequence[Row]) -> tuple[int, Sequence[Rejection]]:
        result = load_public_records(store, card, batch, now=now)
        return result.loaded, result.rejected

    return transfer(source, REQUIRED_COLUMNS, take, _refused, size=BATCH)


def _load(source: Path, settings: Settings, now: Instant) -> Report:
    card = served_card(settings)
    with opened(settings) as store:
        return read_file(source, now=now, store=store, card=card)


def _refused(rejection: Rejection, row: Row, place: str) -> Refused:
    record_id = (row["record_id"] or "").strip()
    return Refused(
        place,
        row["code"] or "",
        # What is no id may be somebody's name or number.
        record_id if is_record_id(record_id) else "",
        rejection.reason,
        rejection.description,
    )


if __name__ == "__main__":
    app()
