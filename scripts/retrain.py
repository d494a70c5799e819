"""Makes a challenger: snapshots, fit, calibration, a sealed card, and a report.

    python scripts/retrain.py                                # on generated data
    python scripts/retrain.py --labelled outcomes.parquet    # on a platform's own outcomes
    python scripts/retrain.py --store                        # on what this deployment recorded

On generated data the whole chain runs: years of trade are invented, looked at quarter by
quarter as they were known then, and labelled by what came. With --store the same is done
with the database of the settings, which is read and not changed; codes become keyed
pseudonyms, and nothing of a person is looked at. A labelled table of one's own
takes the place of that; docs/training.md has its form. The challenger serves nothing: it
lies in <out>/models/<version> with its card.md, beside <out>/report.html and the table it
was fitted on. The same table, seed and wheels give the same card to the last byte.

Exit codes: 0 done, 1 the data can't be used, 2 wrong usage.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.instants import from_datetime
from bonafides.keys import load_or_create
from bonafides.personal.sealing import Vault
from bonafides.rating.labelling import labelled_table
from bonafides.rating.scorecard import ARTIFACT, Scorecard, champion, is_version
from bonafides.rating.store_history import labelled_store
from bonafides.rating.training import FitError, labelled
from bonafides.rating.training.challenger import Challenger, challenge
from bonafides.rating.training.cohorts import TooYoungError, quarters
from bonafides.rating.training.labelled import Labelled, LabelledError
from bonafides.rating.training.report import page
from bonafides.rating.training.results import results_of
from bonafides.settings import Settings
from bonafides.storage.engines import DuckDb, EngineError
from scripts import make_history, seal_card
from scripts.history_files import History, HistoryError, open_history
from scripts.operating import AsJson, DataDir, opened, read_settings, require_data, telling

TABLE: Final = "labelled.parquet"
REPORT: Final = "report.html"
MODELS: Final = "models"
HISTORY: Final = "history"
# Together with what the fit needs, below 2 GB.
_MEMORY_MB: Final = 700
_THREADS: Final = 2
_OUT: Final = Path("build", "retrain")
_HELP: Final = (__doc__ or "").replace("\n\n    ", "\n\n\b\n    ")

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@dataclass(frozen=True, slots=True)
class Trained:
    """What a run made: the sealed card and where it lies, and what is told of it."""

    card: Scorecard
    file: Path
    challenger: Challenger
    table: Labelled


@app.command(help=_HELP)
def main(
    *,
    table: Annotated[
        Path | None,
        typer.Option("--labelled", exists=True, dir_okay=False, help="A labelled table."),
    ] = None,
    own: Annotated[
        bool, typer.Option("--store", help="Look at the database of the settings; changes nothing.")
    ] = False,
    data_dir: DataDir = None,
    out: Annotated[Path, typer.Option(help="Folder to write; files in it are replaced.")] = _OUT,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same card.")] = 1,
    enterprises: Annotated[
        int, typer.Option(min=500, max=500_000, help="How many are generated.")
    ] = 20_000,
    version: Annotated[
        str, typer.Option(help="Name of the card; unset: after basis and table.")
    ] = "",
    models_dir: Annotated[
        Path | None, typer.Option(help="Folder of cards with the champion; unset: the package's.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Makes a challenger and a report on it."""
    if version and not is_version(version):
        raise typer.BadParameter("use a-z, 0-9, '.' and '-', at most 40", param_hint="--version")
    if own and table is not None:
        raise typer.BadParameter("choose it or --labelled", param_hint="--store")
    faults = (LabelledError, FitError, HistoryError, TooYoungError, EngineError, OSError)
    with telling("Not trained", *faults):
        served = champion(models_dir)
        if own:
            source = recorded(read_settings(data_dir), out)
        else:
            source = table or generated(out, seed=seed, enterprises=enterprises)
        done = train(source, served, out=out, seed=seed, version=version)
    _print(done, out, as_json=as_json)


def train(
    source: Path, served: Scorecard, *, out: Path, seed: int = 1, version: str = ""
) -> Trained:
    """Fits, seals and reports on a labelled table; replaces the card of that version in `out`.

    Raises:
        LabelledError: the table is not in the form of docs/training.md.
        FitError: its rows can't be fitted.
        OSError: a file can't be read or written.
    """
    with _doing("Fitting") as _:
        table = labelled.read(source)
        digest = hashlib.sha256(source.read_bytes()).hexdigest()
        name = version or f"{table.basis.lower()}-{digest[:8]}"
        challenger = challenge(table, served, version=name, table_sha256=digest, seed=seed)
    with _doing("Sealing and reporting"):
        card = seal_card.sealed(challenger.draft, name)
        # A challenger is no version yet: levels were never given by it.
        (out / MODELS / name / ARTIFACT).unlink(missing_ok=True)
        file = seal_card.write(card, out / MODELS)
        text = page(table, challenger, card, served)
        (out / REPORT).write_text(text, encoding="utf-8")
    return Trained(card, file, challenger, table)


def generated(out: Path, *, seed: int, enterprises: int) -> Path:
    """Generates data in place of those in `out`; returns the file of their labelled table.

    Raises:
        OSError: a file can't be written.
    """
    folder = out / HISTORY
    shutil.rmtree(folder, ignore_errors=True)
    make_history.write(folder, seed=seed, enterprises=enterprises)
    snapshots(open_history(folder), out / TABLE, seed=seed)
    return out / TABLE


def recorded(settings: Settings, out: Path) -> Path:
    """Looks at the database of the settings; returns the file of its labelled table, in `out`.

    Raises:
        TooYoungError: its log is too short.
        EngineError: the log can't be copied.
        OSError: a file can't be written.
        SettingsError: the keys can't be used.
    """
    require_data(settings)
    # The same pseudonyms as long as the key is: an enterprise stays in its split.
    vault = Vault(load_or_create(settings).kek, settings.environment)
    out.mkdir(parents=True, exist_ok=True)
    now = from_datetime(dt.datetime.now(dt.UTC))
    with opened(settings, migrate=False) as store, _bar() as progress:
        task = progress.add_task("Looking at quarters", total=None)
        table = labelled_store(
            store,
            key=vault.index("training", "pseudonyms"),
            folder=out,
            now=now,
            memory_mb=_MEMORY_MB,
            threads=_THREADS,
            on_cohort=lambda: progress.advance(task),
        )
        progress.update(task, total=1, completed=1)
    labelled.write(table, out / TABLE)
    return out / TABLE


def snapshots(history: History, file: Path, *, seed: int) -> Labelled:
    """Writes the labelled table of a generated history; returns it.

    Raises:
        TooYoungError: the history is too short.
        EngineError: the log can't be read.
    """
    cohorts = quarters(history.first, history.last)
    # Pseudonyms of generated codes hide nobody; the key is the seed's so that they stay.
    key = hashlib.sha256(f"generated:{seed}".encode()).digest()
    with DuckDb(memory_mb=_MEMORY_MB, threads=_THREADS) as engine, _bar() as progress:
        engine.attach("history", str(history.records))
        task = progress.add_task("Looking at quarters", total=len(cohorts))
        table = labelled_table(
            engine,
            history.participants,
            cohorts,
            key=key,
            basis="SYNTHETIC",
            on_cohort=lambda: progress.advance(task),
        )
    labelled.write(table, file)
    return table


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


@contextmanager
def _doing(what: str) -> Iterator[None]:
    """Shows that something is done whose end can't be foretold."""
    with _bar() as progress:
        task = progress.add_task(what, total=None)
        yield
        progress.update(task, total=1, completed=1)


def _print(done: Trained, out: Path, *, as_json: bool) -> None:
    results = results_of(done.table.of_split("out_of_time"), done.card)
    if as_json:
        told = {
            "version": done.card.version,
            "basis": done.card.basis,
            "digest": done.card.digest,
            "card": str(done.file),
            "report": str(out / REPORT),
            "rows": len(done.table),
            "auc_out_of_time": results.auc,
            "silent": list(done.challenger.silent),
            "alike": [list(pair) for pair in results.alike],
        }
        print(json.dumps(told, sort_keys=True))
        return
    console = Console()
    auc = "-" if results.auc is None else f"{results.auc:.4f}"
    console.print(
        f"Challenger {done.card.version} ({done.card.basis}): {done.file}\n"
        f"SHA-256 {done.card.digest}\n"
        f"AUC out of time {auc}; the report is {out / REPORT}.",
        markup=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    app()
