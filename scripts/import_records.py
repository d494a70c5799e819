"""Imports records from the CSV and Parquet files of a folder.

A TOML mapping says which columns are what (`bonafides.records.mapping`). Safe to
repeat: what was imported is a replay the second time, for a data set that is
moved in time keeps the last day of its first import. Rows that are refused go to
a file with the reason, the rest is stored, folded, and shown.

    python scripts/import_records.py scripts/mappings/olist.toml ../data/olist --links links.csv
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.card_keys import served_card
from bonafides.instants import Day, Instant, day_of, from_date, from_datetime, to_date
from bonafides.keys import load_or_create
from bonafides.personal.sealing import Vault
from bonafides.records import bulk, operations
from bonafides.records.bulk import Refused, Source, Summary, UnreadableError
from bonafides.records.ingest import IngestReport
from bonafides.records.kinds import Record
from bonafides.records.mapping import Mapping, MappingError, load
from bonafides.settings import Settings
from bonafides.storage import records as record_rows
from bonafides.storage.unit_of_work import Store
from scripts.operating import AsJson, DataDir, opened, read_settings, telling

_Take = Callable[[Sequence[Record]], IngestReport]

# A cell that begins so is a formula to a spreadsheet.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_HEADING: Final = ("kind", "record_id", "reason", "description")

app = typer.Typer(add_completion=False, help=__doc__)


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be imported. `end_day` None: that of the first import, else yesterday."""

    mapping: Path
    folder: Path
    links: Path | None
    end_day: Day | None
    rejects: Path
    dry_run: bool


@app.command()
def main(  # noqa: PLR0917 - options, given by name
    mapping: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="TOML mapping of columns.")
    ],
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="Folder of CSV and Parquet files.")
    ],
    links: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="CSV: dataset, store_id, platform, code."),
    ] = None,
    end_day: Annotated[
        str,
        typer.Option(
            help="Day onto which the last record of the data set is moved, as 2026-10-31."
            " Unset: that of the first import, else yesterday in Shanghai."
        ),
    ] = "",
    rejects: Annotated[
        Path | None, typer.Option(help="File for refused rows; unset: in the folder of the data.")
    ] = None,
    data_dir: DataDir = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Store nothing; say what would be refused and why.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Imports records from CSV and Parquet files."""
    with telling("Nothing more was imported", MappingError, UnreadableError, UnicodeDecodeError):
        settings = read_settings(data_dir)
        file = rejects or settings.data_dir / f"rejects-{mapping.stem}.csv"
        job = Job(mapping, folder, links, _day(end_day), file, dry_run)
        summary, last = run(job, settings, from_datetime(dt.datetime.now(dt.UTC)))
    if as_json:
        print(json.dumps(_told(summary, job, last), ensure_ascii=False, indent=2, sort_keys=True))
    else:
        _show(summary, job)
    if not summary.read:
        raise typer.Exit(1)


def run(job: Job, settings: Settings, now: Instant) -> tuple[Summary, Day | None]:
    """Imports, folds and refreshes; returns what became of the rows, and the last day.

    None: the data set is not moved in time.

    Raises:
        MappingError: the mapping can't be used.
        UnreadableError: the files can't be read; what was stored until then stays.
    """
    mapping = load(job.mapping)
    with opened(settings) as store:
        last = _last_day(store, mapping, job, now)
        with bulk.open_folder(job.folder) as folder:
            shift_days = 0 if last is None else folder.shift_days(mapping, last)
            if last is not None and not job.dry_run:
                _keep_last_day(store, mapping, last)
            source = Source(folder, mapping, _links(mapping, job.links), shift_days)
            with _taking(store, settings, now, dry_run=job.dry_run) as take:
                summary = _transfer(source, take, None if job.dry_run else job.rejects)
        if not job.dry_run:
            operations.fold_and_refresh(store, served_card(settings), now=now)
    return summary, last


@contextmanager
def _taking(store: Store, settings: Settings, now: Instant, *, dry_run: bool) -> Iterator[_Take]:
    """Gives the function that takes a batch in, or rehearses it and stores nothing."""
    vault = Vault(load_or_create(settings).kek, settings.environment)
    with store.reading() as work:
        rates = record_rows.rate_table(work)
    if not dry_run:
        yield partial(operations.ingest, store, vault, rates, now=now)
        return
    # What the files say twice shows only where the first is stored: in a scratch store.
    with tempfile.TemporaryDirectory(prefix="bonafides-") as scratch_dir:
        scratch = Store(f"sqlite:///{Path(scratch_dir) / 'scratch.db'}")
        scratch.migrate()
        try:
            yield partial(operations.rehearse, store, scratch, vault, rates, now=now)
        finally:
            scratch.close()


def _transfer(source: Source, take: _Take, refused_file: Path | None) -> Summary:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    progress = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
    with progress, _refusals(refused_file) as on_refused:
        total = sum(source.folder.count(block) for block in source.mapping.records)
        task = progress.add_task("Importing", total=total)
        return bulk.transfer(
            source,
            take,
            on_refused=on_refused,
            on_progress=lambda rows: progress.advance(task, rows),
        )


@contextmanager
def _refusals(file: Path | None) -> Iterator[Callable[[Refused], None]]:
    """Gives the function that writes a refused row into the file, anew; None: nowhere."""
    if file is None:
        yield lambda _refused: None
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(_HEADING)

        def write(refused: Refused) -> None:
            cells = astuple(refused)
            writer.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])

        yield write


def _links(mapping: Mapping, file: Path | None) -> dict[str, bulk.Link] | None:
    if not mapping.linked:
        return None
    if file is None or mapping.dataset is None:
        raise UnreadableError("the mapping names no code and platform: give --links")
    return bulk.load_links(file, mapping.dataset)


def _day(text: str) -> Day | None:
    if not text:
        return None
    try:
        return from_date(dt.date.fromisoformat(text))
    except ValueError:
        raise typer.BadParameter("give a day as 2026-10-31", param_hint="--end-day") from None


def _last_day(store: Store, mapping: Mapping, job: Job, now: Instant) -> Day | None:
    """Returns the day onto which the last record is moved; None: it stays where it is."""
    if mapping.last_record is None:
        return None
    if job.end_day is not None:
        return job.end_day
    with store.reading() as work:
        known = record_rows.remembered(work, _kept(mapping))
    # The default is not yesterday again and again: moved to other days than before,
    # every record would be in conflict with itself.
    return Day(day_of(now) - 1 if known is None else known)


def _keep_last_day(store: Store, mapping: Mapping, last: Day) -> None:
    with store.writing() as work:
        record_rows.remember(work, _kept(mapping), last)
        work.commit()


def _kept(mapping: Mapping) -> str:
    return f"end|{mapping.dataset}"


def _told(summary: Summary, job: Job, last: Day | None) -> dict[str, object]:
    return {
        "read": summary.read,
        "accepted": summary.accepted,
        "replayed": summary.replayed,
        "refused": dict(sorted(summary.refused.items())),
        "examples": summary.examples,
        "end_day": None if last is None else to_date(last).isoformat(),
        "rejects": None if job.dry_run else str(job.rejects),
    }


def _show(summary: Summary, job: Job) -> None:
    console = Console()
    would = "would be " if job.dry_run else ""
    console.print(
        f"{summary.read} rows: {summary.accepted} {would}stored,"
        f" {summary.replayed} known before, {summary.refused.total()} {would}refused."
    )
    if not summary.refused:
        return
    table = Table("Reason", "Rows", "For example")
    for reason, count in sorted(summary.refused.items()):
        table.add_row(reason, str(count), ", ".join(summary.examples[reason]))
    console.print(table)
    if not job.dry_run:
        console.print(f"The refused rows are in {job.rejects}.", markup=False)


if __name__ == "__main__":
    app()
