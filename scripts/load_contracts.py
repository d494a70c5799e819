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

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import duckdb
import typer
from rich.console import Console

from bonafides.errors import StoreUnavailableError
from bonafides.records.contracts import COLUMNS, REQUIRED_COLUMNS, Contract, read_contract
from bonafides.records.ingest import Fault
from bonafides.settings import Settings, SettingsError
from bonafides.storage.contracts import save_contracts
from bonafides.storage.unit_of_work import Store

# Rows in one unit of work: the service waits no longer than for these.
BATCH: Final = 1_000
# Nothing is left to a sniffer, and a line that is no row ends the loading: a contract
# that is missing would let any currency in.
_CSV: Final = (
    "SELECT * FROM read_csv(?, columns=?, header=true, auto_detect=false, delim=',',"
    " quote='\"', escape='\"')"
)
_PARQUET: Final = "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM read_parquet(?)"
_HELP: Final = (__doc__ or "").replace("\n\n    ", "\n\n\b\n    ")

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class FileError(ValueError):
    """The file can't be loaded. The text says why and holds nothing of it."""


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
    """Loads a file of contracts."""
    settings = Settings() if data_dir is None else Settings(data_dir=data_dir)
    try:
        contracts, refused = read_file(source)
        if not dry_run:
            _save(settings, contracts)
    except (FileError, SettingsError, StoreUnavailableError) as fault:
        Console(stderr=True).print(f"Not loaded: {fault}", markup=False)
        raise typer.Exit(1) from None
    _show(len(contracts), refused, dry_run=dry_run, as_json=as_json)
    if refused:
        raise typer.Exit(1)


def read_file(source: Path) -> tuple[list[Contract], list[tuple[int, Fault]]]:
    """Returns the contracts of a file, and which rows, counted from 1, tell of none.

    Raises:
        FileError: it isn't CSV or Parquet, or lacks a column.
    """
    contracts: list[Contract] = []
    refused: list[tuple[int, Fault]] = []
    for number, row in enumerate(_rows(source), start=1):
        made = read_contract(row)
        if isinstance(made, Fault):
            refused.append((number, made))
        else:
            contracts.append(made)
    return contracts, refused


def _rows(source: Path) -> Iterator[dict[str, str | None]]:
    query, parameters = _query(source)
    with duckdb.connect() as reader:
        try:
            result = reader.execute(query, parameters)
            columns = [str(column[0]) for column in result.description or ()]
            if missing := [name for name in REQUIRED_COLUMNS if name not in columns]:
                raise FileError(f"the file lacks the columns {', '.join(missing)}")
            while rows := result.fetchmany(BATCH):
                for row in rows:
                    told = dict(zip(columns, row, strict=True))
                    yield {name: told[name] for name in COLUMNS if name in told}
        except duckdb.Error:
            # Not chained: the text quotes the line at fault.
            raise FileError("the file can't be read as CSV in UTF-8, or as Parquet") from None


def _query(source: Path) -> tuple[str, list[Any]]:
    suffix = source.suffix.lower()
    if suffix == ".parquet":
        return _PARQUET, [str(source)]
    if suffix != ".csv":
        raise FileError("the file must be named .csv or .parquet")
    try:
        with source.open(encoding="utf-8-sig", newline="") as opened:
            columns = next(csv.reader(opened), [])
    except (UnicodeDecodeError, csv.Error):
        raise FileError("the file can't be read as CSV in UTF-8, or as Parquet") from None
    if len(set(columns)) < len(columns) or not all(columns):
        raise FileError("each column must have a name of its own")
    return _CSV, [str(source), dict.fromkeys(columns, "VARCHAR")]


def _save(settings: Settings, contracts: list[Contract]) -> None:
    store = Store(settings.url)
    try:
        store.migrate()
        for start in range(0, len(contracts), BATCH):
            with store.writing() as work:
                save_contracts(work, contracts[start : start + BATCH])
                work.commit()
    finally:
        store.close()


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
