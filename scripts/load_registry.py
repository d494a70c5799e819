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
    composition               form of composition of an individual business
    representative, representative_id_number   kept only as keyed digests; of several,
                              names and numbers in the same order with 、 between them
    shareholders    JSON: [{"title", "is_person"}], and of each if known "subscribed" and
                    "paid": {"currency", "minor"}, "subscribed_by" and "paid_on":
                    YYYY-MM-DD, "share_ppm": the share in millionths
    changes         JSON: [{"date", "item", "before", "after"}]
    contact_email   the address that the registry publishes; one-time codes by which a
                    login shows that it acts for the enterprise go there

Other columns are kept, sealed, with the row as evidence. Exit codes: 0 all rows
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

from bonafides.identity.registry import REQUIRED_COLUMNS
from bonafides.identity.registry_operations import Rejection, load_registry
from bonafides.instants import Instant, from_datetime
from bonafides.keys import load_or_create
from bonafides.personal.sealing import Vault
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
    """Loads a registry file into the registry's table."""
    with telling("Not loaded", FileError):
        settings = read_settings(data_dir)
        now = from_datetime(dt.datetime.now(dt.UTC))
        report = read_file(source, now=now) if dry_run else _load(source, settings, now)
    rejects = None if dry_run else write_rejects(source, report.refused)
    print_report(report, rejects, dry_run=dry_run, as_json=as_json)
    if report.refused:
        raise typer.Exit(1)


def read_file(
    source: Path, *, now: Instant, store: Store | None = None, vault: Vault | None = None
) -> Report:
    """Loads the file batch by batch; without a store and a vault it is only read.

    Raises:
        FileError: it isn't CSV or Parquet, or lacks a column.
    """

    def take(batch: Sequence[Row]) -> tuple[int, Sequence[Rejection]]:
        result = load_registry(store, vault, batch, now=now)
        return result.loaded, result.rejected

    return transfer(source, REQUIRED_COLUMNS, take, _refused)


def _load(source: Path, settings: Settings, now: Instant) -> Report:
    vault = Vault(load_or_create(settings).kek, settings.environment)
    with opened(settings) as store:
        return read_file(source, now=now, store=store, vault=vault)


def _refused(rejection: Rejection, row: Row, place: str) -> Refused:
    return Refused(
        place,
        row["code"] or "",
        row["title"] or "",
        rejection.reason,
        rejection.description,
    )


if __name__ == "__main__":
    app()
