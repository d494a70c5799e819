"""Exports the record log to one Parquet file, for engines to recount.

    python scripts/export_records.py records.parquet

One row for each record, by its latest revision, void ones too. The file holds the
keyed pseudonyms of buyers and what platforms wrote of their stores: only its owner can
read it, and it belongs where the database may be.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.settings import Settings
from bonafides.storage.engines import EngineError, export
from bonafides.storage.rollups import Extent
from scripts.operating import AsJson, DataDir, opened, read_settings, telling

app = typer.Typer(add_completion=False, help=__doc__)


@app.command()
def main(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Parquet file to be written.")],
    data_dir: DataDir = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Exports the record log to one Parquet file."""
    with telling("Not exported", EngineError, OSError):
        held = run(file, read_settings(data_dir))
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
    with opened(settings) as store, store.reading() as work:
        return export(work, file)


if __name__ == "__main__":
    app()
