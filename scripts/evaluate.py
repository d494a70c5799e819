"""Judges a scorecard beside the champion on labelled rows: quality, drift, fairness.

    python scripts/evaluate.py models/fitted-1 labelled.parquet --report evaluation.json
    python scripts/evaluate.py models/fitted-1 labelled.parquet --fairness    # that part alone
    python scripts/evaluate.py models/fitted-1 labelled.parquet --store       # who trades now, too

The table is that of scripts/retrain.py, or a platform's of the same form
(docs/training.md). The report is what scripts/promote.py asks for; it names both cards
and the table by their SHA-256, and no enterprise. Seed and rows being the same, so is the
report. With --store it tells besides how far who trades now is from who was fitted, by the
database of the settings: no outcome is needed for that. Needs the extra `train`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.card_keys import served_card
from bonafides.instants import day_of, from_datetime
from bonafides.rating import bulk, reports
from bonafides.rating.card import POINT_LEVELS
from bonafides.rating.gates import MOST_RATIO, is_unfair
from bonafides.rating.labelling import population
from bonafides.rating.reports import CardResult, DriftReport, Evaluation, GroupFairness, Interval
from bonafides.rating.scorecard import load
from bonafides.rating.training import labelled
from bonafides.rating.training.evaluation import EvaluationError
from bonafides.rating.training.judging import drift_to, judge
from bonafides.rating.training.labelled import Labelled, LabelledError
from bonafides.settings import Settings
from bonafides.storage.engines import Native
from scripts.operating import AsJson, DataDir, opened, read_settings, require_data, telling

_DIGITS: Final = 4
# A plot of a person's width: a # for each so much of the probability.
_BAR: Final = 40

app = typer.Typer(add_completion=False, help=__doc__)


@app.command()
def main(
    card: Annotated[Path, typer.Argument(help="The candidate: its folder or file.")],
    table: Annotated[Path, typer.Argument(help="Labelled rows, as Parquet.")],
    *,
    champion: Annotated[
        Path | None, typer.Option(help="The card to compare with; unset: the one that is served.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Where to write the report for promote.py.")
    ] = None,
    store: Annotated[
        bool,
        typer.Option(
            "--store", help="Tell drift to who trades now in the settings' database, too."
        ),
    ] = False,
    fairness: Annotated[
        bool, typer.Option("--fairness", help="Print the fairness report alone.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of what is drawn for bounds.")] = 0,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Judges a scorecard beside the champion on labelled rows."""
    with telling("Not evaluated", EvaluationError, LabelledError, OSError):
        other = load(champion) if champion else served_card(read_settings(data_dir))
        digest = hashlib.sha256(table.read_bytes()).hexdigest()
        rows, candidate = labelled.read(table), load(card)
        found = judge(rows, candidate, other, data_sha256=digest, seed=seed)
        if store:
            now = served_now(read_settings(data_dir))
            found = replace(found, served=drift_to(rows, now, candidate, seed=seed))
        told = reports.document(found)
        if report is not None:
            report.write_text(told, encoding="utf-8")
    if as_json:
        typer.echo(told, nl=False)
        return
    console = Console()
    if not fairness:
        _print_quality(console, found)
    _print_fairness(console, found.fairness)


def served_now(settings: Settings) -> Labelled:
    """Returns the figures of who trades now, by the store's own SQL; nothing is changed.

    Raises:
        StoreUnavailableError: the database can't be reached.
    """
    require_data(settings)
    now = from_datetime(dt.datetime.now(dt.UTC))
    # Temporary tables alone, and never committed.
    with opened(settings, migrate=False) as store, store.writing() as work:
        engine = Native(work)
        bulk.load(engine, work, now=now)
        bulk.make_features(engine, day_of(now))
        return population(engine, day_of(now), basis="OUTCOMES")


def _print_quality(console: Console, found: Evaluation) -> None:
    ours, theirs = found.candidate_result, found.champion_result
    console.print(
        f"{found.candidate.version} ({found.candidate.basis}) beside {found.champion.version},"
        f" on rows of basis {found.data_basis}",
        markup=False,
    )
    table = Table("out of time", title="Quality")
    for name in (found.candidate.version, found.champion.version):
        table.add_column(name, justify="right")
    for name in ("rows", "bads", "auc", "ks", "log_loss", "intercept", "slope"):
        cells = [getattr(result.out_of_time, name) for result in (ours, theirs)]
        table.add_row(name, *(_number(cell) for cell in cells))
    table.add_row("auc without grey", *(_number(r.without_grey.auc) for r in (ours, theirs)))
    for name in ours.components:
        table.add_row(f"auc {name}", *(_number(r.components[name]) for r in (ours, theirs)))
    console.print(table)
    console.print(f"Log-loss less the champion's: {_interval(found.log_loss_difference)}")
    console.print(
        f"Boosting with the same directions: AUC {found.boosting_auc:.4f},"
        f" a gap of {found.boosting_gap:+.4f}"
    )
    _print_curve(console, ours)
    _print_drift(console, found.drift, "Drift")
    if found.served is not None:
        _print_drift(console, found.served, "Drift to who trades now")
    moved = found.migration
    console.print(
        f"{moved.moved} of {moved.rated} rows would move, {moved.moved_two} by two notches."
    )


def _print_curve(console: Console, result: CardResult) -> None:
    kind = "own" if result.has_probabilities else "from the recent cohort"
    table = Table("rows", "expected", "seen", "", title=f"Calibration ({kind})")
    for point in result.out_of_time.curve:
        bar = "#" * round(point.seen * _BAR)
        table.add_row(str(point.rows), f"{point.expected:.4f}", f"{point.seen:.4f}", bar)
    console.print(table)


def _print_drift(console: Console, told: DriftReport, title: str) -> None:
    table = Table("", "PSI", "by chance", "drifted", "missing then", "now", title=title)
    for name, drift in (("score", told.score), ("levels", told.levels)):
        table.add_row(
            name, f"{drift.psi:.4f}", f"{drift.bound:.4f}", "yes" if drift.drifted else "", "", ""
        )
    for name, feature in told.features.items():
        table.add_row(
            name,
            f"{feature.drift.psi:.4f}",
            f"{feature.drift.bound:.4f}",
            "yes" if feature.drift.drifted else "",
            f"{feature.missing_expected:.1%}",
            f"{feature.missing_actual:.1%}",
        )
    console.print(table)
    if told.bads is not None:
        console.print(f"Actual over expected bads: {_interval(told.bads)}")


def _print_fairness(console: Console, groups: Sequence[GroupFairness]) -> None:
    table = Table("axis", "group", "rows", "goods", *POINT_LEVELS, title="Fairness")
    for name in ("false C/D", "missed bads", f"ratio, at most {MOST_RATIO}"):
        table.add_column(name)
    for group in groups:
        shares = (f"{group.levels.get(level, 0.0):.1%}" for level in POINT_LEVELS)
        ratio = "too few to judge" if group.ratio is None else _interval(group.ratio)
        table.add_row(
            group.axis,
            group.group,
            str(group.rows),
            str(group.goods),
            *shares,
            _interval(group.false_low),
            _interval(group.false_high),
            f"{ratio} UNFAIR" if is_unfair(group) else ratio,
        )
    console.print(table)
    console.print("False C/D: good rows that got C or D. Missed bads: bad rows that got A or more.")
    console.print("The ratio is a group's false C/D over that of the rest of its axis.")


def _interval(told: Interval | None) -> str:
    if told is None:
        return "none"
    return f"{told.estimate:.3f} ({told.low:.3f} to {told.high:.3f})"


def _number(told: float | None) -> str:
    if told is None:
        return "never came"
    return str(told) if isinstance(told, int) else f"{told:.{_DIGITS}f}"


if __name__ == "__main__":
    app()
