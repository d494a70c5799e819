"""Exports the record log to one Parquet file, for engines to recount.

    python scripts/export_records.py records.parquet

One row for each record, by its latest revision, void ones too. The file holds the
keyed pseudonyms of buyers and what platforms wrote of their stores: only its owner can
read it, and it belongs where the database may be.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bonafides.errors import StoreUnavailableError
from bonafides.settings import Settings
from bonafides.storage.engines import EngineError, export
from bonafides.storage.rollups import Extent
from bonafides.storage.unit_of_work import Store

app = typer.Typer(add_completion=False, help=__doc__)


@app.command()
def main(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Parquet file to be written.")],
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the data; unset: BONAFIDES_DATA_DIR.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Exports the record log to one Parquet file."""
    settings = Settings() if data_dir is None else Settings(data_dir=data_dir)
    try:
        held = run(file, settings)
    except (EngineError, StoreUnavailableError, OSError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else fault
        Console(stderr=True).print(f"Not exported: {reason}", markup=False)
        raise typer.Exit(1) from None
    if as_json:
        print(json.dumps({"file": str(file), "records": held.records, "upto": held.upto}))
    else:
        print(f"{held.records} records, up to number {held.upto} of the log, are in {file}.")


def run(file: Path, settings: Settings) -> Extent:
    """Exports the log as it is now, over a file that may be there; returns what it holds.

    Raises:
        EngineError: the file can't be written.
        OSError: nor its folder.
    """
    store = Store(settings.url)
    try:
        store.migrate()
        with store.reading() as work:
            return export(work, file)
    finally:
        store.close()


if __name__ == "__main__":
    app()
