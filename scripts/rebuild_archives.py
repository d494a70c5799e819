"""Recounts the roll-ups from the records, and refreshes the archives that this changes.

    python scripts/rebuild_archives.py                                    # in the database
    python scripts/export_records.py records.parquet
    python scripts/rebuild_archives.py --engine duckdb --records records.parquet --check
    python scripts/rebuild_archives.py --engine spark --spark sc://spark:15002
        --records s3a://lake/records.parquet

The records are an export of this database's log; of another's nothing is written. They
are given to the engine as they are: it must reach them. Where the roll-ups are right
nothing changes. Safe to repeat: what was stopped goes on where it was, and records that
came after the export are folded as well.
"""

from __future__ import annotations

import datetime as dt
import enum
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.card_keys import served_card
from bonafides.instants import Instant, from_datetime
from bonafides.rating import bulk
from bonafides.records import operations
from bonafides.records.operations import ForeignRecordsError
from bonafides.settings import Settings
from bonafides.storage import engines
from bonafides.storage.engines import DuckDb, Engine, EngineError, Native
from bonafides.storage.tables import record
from bonafides.storage.unit_of_work import Store
from scripts.operating import AsJson, DataDir, opened, read_settings, telling

app = typer.Typer(add_completion=False, help=__doc__)


class Kind(enum.StrEnum):
    """What recounts."""

    STORE = "store"
    DUCKDB = "duckdb"
    SPARK = "spark"


@dataclass(frozen=True, slots=True)
class Job:
    """What recounts, and what of; a store recounts its own log."""

    engine: Kind
    records: str
    endpoint: str
    check: bool


@dataclass(frozen=True, slots=True)
class Done:
    """What was done. `wrong` are codes whose points differ; None: not looked at."""

    upto: int
    changed: int
    refreshed: int
    wrong: list[str] | None


@app.command()
def main(
    *,
    engine: Annotated[Kind, typer.Option(help="What recounts.")] = Kind.STORE,
    records: Annotated[
        str, typer.Option(help="Parquet of scripts/export_records.py: path or URL.")
    ] = "",
    spark: Annotated[str, typer.Option(help="Spark Connect endpoint, as sc://host:port.")] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Compare the engine's points with those served.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Recounts the roll-ups from the records, and refreshes the archives that this changes."""
    if (engine is Kind.STORE) is bool(records):
        raise typer.BadParameter(
            "duckdb and spark need it, store has its own", param_hint="--records"
        )
    if (engine is Kind.SPARK) is not bool(spark):
        raise typer.BadParameter("spark alone needs it", param_hint="--spark")
    job = Job(engine, records, spark, check)
    with telling("Not rebuilt", EngineError, ForeignRecordsError):
        done = run(job, read_settings(data_dir), from_datetime(dt.datetime.now(dt.UTC)))
    _print(done, as_json=as_json)
    if done.wrong:
        raise typer.Exit(1)


def run(job: Job, settings: Settings, now: Instant) -> Done:
    """Recounts, replaces, refreshes, and compares if asked to.

    Raises:
        EngineError: the engine can't be reached, or can't read the records.
        ForeignRecordsError: the records are not of this log; nothing was changed.
    """
    card = served_card(settings)
    with opened(settings) as store, _engine(job) as engine:
        rebuilt = _rebuild(store, engine, now)
        with _progress() as progress:
            task = progress.add_task("Refreshing archives", total=None)
            refreshed = operations.refresh_due(
                store,
                card,
                now=now,
                on_progress=lambda done, of: progress.update(task, completed=done, total=of),
            )
        wrong = None
        if job.check:
            # What is loaded for it is not kept.
            with store.writing() as work:
                other = engine or Native(work)
                wrong = bulk.differences(other, work, card.features, now=now)
    return Done(rebuilt.upto, len(rebuilt.codes), refreshed, wrong)


def _rebuild(store: Store, engine: Engine | None, now: Instant) -> operations.Rebuilt:
    if engine is None:
        return operations.rebuild(store, now=now)
    with tempfile.TemporaryDirectory(prefix="bonafides-") as folder:
        return operations.rebuild(store, engines.recount(engine, Path(folder)), now=now)


@contextmanager
def _engine(job: Job) -> Iterator[Engine | None]:
    """Gives the engine with the records attached; None: the store itself."""
    match job.engine:
        case Kind.STORE:
            yield None
        case Kind.DUCKDB:
            with DuckDb() as engine:
                engine.attach(record.name, job.records)
                yield engine
        case Kind.SPARK:
            try:
                from bonafides.storage.spark import Spark  # noqa: PLC0415 - an extra
            except ModuleNotFoundError:
                raise EngineError("install the extra `spark`: its client is missing") from None
            with Spark(job.endpoint) as remote:
                remote.attach(record.name, job.records)
                yield remote


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))


def _print(done: Done, *, as_json: bool) -> None:
    if as_json:
        told = {
            "upto": done.upto,
            "changed": done.changed,
            "refreshed": done.refreshed,
            "points_differ": done.wrong,
        }
        print(json.dumps(told, sort_keys=True))
        return
    print(
        f"Recounted up to number {done.upto} of the log: the figures of {done.changed}"
        f" enterprises changed, {done.refreshed} archives were refreshed."
    )
    if done.wrong is not None:
        print(f"{len(done.wrong)} enterprises have other points on the engine than served.")


if __name__ == "__main__":
    app()
