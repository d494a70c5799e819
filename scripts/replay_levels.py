"""Makes the kept levels of an enterprise again, each by its own card, and compares the bytes.

    python scripts/replay_levels.py 91990000MA00000011

Facts count as they were known then, records as they had come by then. A level differs if
what it rested on may not be used any more, such as a platform that was taken back since;
otherwise something was changed behind the service's back. Exit code 1: some differ.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.errors import NotFoundError
from bonafides.instants import from_datetime, to_datetime
from bonafides.rating import history_operations as history
from scripts.operating import AsJson, DataDir, opened, read_settings, telling

app = typer.Typer(add_completion=False, help=__doc__)


class _NoLevelError(Exception):
    """There is nothing to replay."""


@app.command()
def main(
    code: Annotated[str, typer.Argument(help="Unified social credit code, 18 characters.")],
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Compares each kept level with what its card gives to the facts as of then."""
    now = from_datetime(dt.datetime.now(dt.UTC))
    with telling("Not replayed", _NoLevelError):
        settings = read_settings(data_dir)
        with opened(settings) as store:
            try:
                told = list(history.replay(store, settings.models_dir, code, now=now))
            except NotFoundError:
                raise _NoLevelError("no such enterprise takes part; check the code.") from None
    if as_json:
        typer.echo(json.dumps([_document(each) for each in told]))
    else:
        _print(told)
    if any(not each.agrees for each in told):
        raise typer.Exit(1)


def _document(each: history.Replayed) -> dict[str, object]:
    return {
        "as_of_time": to_datetime(each.as_of).isoformat(),
        "model_version": each.model_version,
        "level": each.level,
        "agrees": each.agrees,
    }


def _print(told: list[history.Replayed]) -> None:
    table = Table("as of", "card", "level", "the same bytes")
    for each in told:
        agrees = "yes" if each.agrees else "NO"
        table.add_row(to_datetime(each.as_of).isoformat(), each.model_version, each.level, agrees)
    Console().print(table)


if __name__ == "__main__":
    app()
