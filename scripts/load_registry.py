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
from typing import Annotated, Final

import duckdb
import typer
from rich.console import Console
from rich.progress import Progress

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.errors import StoreUnavailableError
from bonafides.identity.operations import Rejection, load_registry
from bonafides.identity.registry import REQUIRED_COLUMNS
from bonafides.instants import Instant, from_datetime
from bonafides.keys import load_or_create
from bonafides.personal.sealing import Vault
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

# Rows in one unit of work: the service waits no longer than for these.
BATCH: Final = 1_000

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
    """Loads a registry file into the registry's table."""
    settings = Settings() if data_dir is None else Settings(data_dir=data_dir)
    now = from_datetime(dt.datetime.now(dt.UTC))
    try:
        report = read_file(source, now=now) if dry_run else _load(source, settings, now)
    except (FileError, SettingsError, StoreUnavailableError) as fault:
        Console(stderr=True).print(f"Not loaded: {fault}", markup=False)
        raise typer.Exit(1) from None
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
    report = Report()
    with duckdb.connect() as reader, Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(f"Reading {source.name}", total=count(reader, source))
        for batch in batches(reader, source, REQUIRED_COLUMNS, size=BATCH):
            result = load_registry(store, vault, batch, now=now)
            report.refused += [_refused(each, batch, report.read) for each in result.rejected]
            report.loaded += result.loaded
            report.read += len(batch)
            progress.advance(task, len(batch))
        report.refused += malformed(reader, source)
    return report


def _load(source: Path, settings: Settings, now: Instant) -> Report:
    vault = Vault(load_or_create(settings).kek, settings.environment)
    store = Store(settings.url)
    try:
        store.migrate()
        return read_file(source, now=now, store=store, vault=vault)
    finally:
        store.close()


def _refused(rejection: Rejection, batch: Sequence[Row], before: int) -> Refused:
    row = batch[rejection.index]
    return Refused(
        f"row {before + rejection.index + 1}",
        row["code"] or "",
        row["title"] or "",
        rejection.reason,
        rejection.description,
    )


if __name__ == "__main__":
    app()
