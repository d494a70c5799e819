"""Loads contracts, which fix the currency of a platform's records, from CSV or Parquet.

    python scripts/load_contracts.py contracts.csv --dry-run    # what would be refused
    python scripts/load_contracts.py contracts.parquet          # load them; safe to repeat

A row takes the place of the one with the same enterprise, platform and first day. It
governs what is reported from now on; what was stored stays as it is. Columns, of which
the last two may be left out or empty:

    code                   unified social credit code
    platform               such as 1688
    currency               ISO 4217: what records of the platform come in
    from_day               YYYY-MM-DD, the first day
    to_day                 the last day; empty: it runs on
    settlement_currency    what is paid out; empty: the currency itself

Exit codes: 0 all rows loaded, 1 rows were refused or the file can't be read, 2 wrong
usage. Rows that are refused are told with line and reason; the rest is loaded.
"""

from __future__ import annotations

import json
import sys
from itertools import chain
from pathlib import Path
from typing import Final

import duckdb
import typer
from rich.console import Console

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.records.contracts import COLUMNS, REQUIRED_COLUMNS, Contract, read_contract
from bonafides.records.ingest import Fault
from bonafides.settings import Settings
from bonafides.storage.contracts import save_contracts
from scripts.operating import AsJson, DataDir, DryRun, TableFile, opened, read_settings, telling
from scripts.table_files import BATCH, FileError, batches, malformed

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
    """Loads a file of contracts."""
    with telling("Not loaded", FileError):
        contracts, refused = read_file(source)
        if not dry_run:
            _save(read_settings(data_dir), contracts)
    _show(len(contracts), refused, dry_run=dry_run, as_json=as_json)
    if refused:
        raise typer.Exit(1)


def read_file(source: Path) -> tuple[list[Contract], list[tuple[int, Fault]]]:
    """Returns the contracts of a file, and which rows, counted from 1, tell of none.

    Raises:
        FileError: it isn't CSV or Parquet, or lacks a column; or a line is no row: a
            contract that is missing would let any currency in.
    """
    contracts: list[Contract] = []
    refused: list[tuple[int, Fault]] = []
    with duckdb.connect() as reader:
        found = batches(reader, source, REQUIRED_COLUMNS, size=BATCH)
        for number, row in enumerate(chain.from_iterable(found), start=1):
            made = read_contract({name: row[name] for name in COLUMNS if name in row})
            if isinstance(made, Fault):
                refused.append((number, made))
            else:
                contracts.append(made)
        if torn := malformed(reader, source):
            raise FileError(f"{torn[0].place} is no row; mend it, nothing is loaded before")
    return contracts, refused


def _save(settings: Settings, contracts: list[Contract]) -> None:
    with opened(settings) as store:
        for start in range(0, len(contracts), BATCH):
            with store.writing() as work:
                save_contracts(work, contracts[start : start + BATCH])
                work.commit()


def _show(loaded: int, refused: list[tuple[int, Fault]], *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        told = [
            {"row": number, "reason": fault.reason, "description": fault.description}
            for number, fault in refused
        ]
        print(json.dumps({"would_load" if dry_run else "loaded": loaded, "refused": told}))
        return
    console = Console()
    console.print(f"{'Would load' if dry_run else 'Loaded'} {loaded} contracts.")
    for number, fault in refused:
        console.print(f"Refused row {number}: {fault.reason}. {fault.description}", markup=False)


if __name__ == "__main__":
    app()
