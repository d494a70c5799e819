"""Measures how groups of enterprises stand: the means that owners see beside their figures.

    python scripts/measure_peers.py

A group is of one type and main store category, or of one legal form and age; it has at
least 30 members, or is not measured. The service does the same once a day. Means never
enter points. Safe to repeat; it may run while the service does.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.card_keys import served_card
from bonafides.errors import StoreUnavailableError
from bonafides.instants import Instant, from_datetime
from bonafides.rating.operations import PeerReport, measure_peers
from bonafides.rating.scorecard import ScorecardError
from bonafides.settings import Settings
from bonafides.storage import identity as identity_rows
from bonafides.storage.unit_of_work import Store, StoreUrlError

app = typer.Typer(add_completion=False, help=__doc__)


@app.command()
def main(
    *,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the data; unset: BONAFIDES_DATA_DIR.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Measures peer means anew."""
    settings = Settings() if data_dir is None else Settings(data_dir=data_dir)
    try:
        report = run(settings, from_datetime(dt.datetime.now(dt.UTC)))
    except (ScorecardError, StoreUnavailableError, StoreUrlError) as fault:
        Console(stderr=True).print(f"Not measured: {fault}", style="red", markup=False)
        raise typer.Exit(1) from None
    if as_json:
        print(json.dumps(asdict(report), sort_keys=True))
        return
    print(
        f"{report.enterprises} enterprises looked at: {report.compared} have peers,"
        f" {report.means} means were measured."
    )


def run(settings: Settings, now: Instant) -> PeerReport:
    """Measures peer means as of now."""
    card = served_card(settings)
    store = Store(settings.url)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        store.migrate()
        with store.reading() as work:
            count = identity_rows.count_enrolled(work)
        with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
            task = progress.add_task("Measuring peers", total=count)
            return measure_peers(
                store,
                card,
                now=now,
                on_progress=lambda done: progress.update(task, completed=done),
            )
    finally:
        store.close()


if __name__ == "__main__":
    app()
