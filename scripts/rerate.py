"""Rates every enterprise that takes part anew, or shows who would move.

    python scripts/rerate.py --dry-run --card models/expert-3   # against the served card
    python scripts/rerate.py --dry-run                          # against the kept levels
    python scripts/rerate.py                                    # rate anew, refresh archives
    python scripts/rerate.py --dry-run --card models/expert-3 --shadow shadow.json
        --engine duckdb --records records.parquet               # the report for promote.py

A dry run changes nothing. It compares both sides on the same facts, as of the same
instant; without a card it compares the levels that were kept last with what the served
card gives now. Nothing but the champion is ever served, so a card needs a dry run.

Facts are read, and levels and archives stored, a page of enterprises at a time, by so many
statements whatever its length. An engine computes all levels at once: the store by its own
SQL, DuckDB and Spark from an
export of scripts/export_records.py. Where all are rated anew, it is asked afterwards
whether it finds the same. A run that was stopped goes on where it was, until it is done
or another card is served.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.archive import operations as archive_operations
from bonafides.card_keys import served_card
from bonafides.instants import Instant, day_of, from_datetime, to_datetime
from bonafides.rating import bulk, page_operations, reports
from bonafides.rating.card import Level
from bonafides.rating.rate import rate
from bonafides.rating.scorecard import Scorecard, load
from bonafides.storage import bulk_runs
from bonafides.storage import identity as identity_rows
from bonafides.storage import rating as rating_rows
from bonafides.storage.engines import Engine, EngineError, Native
from bonafides.storage.unit_of_work import Store, UnitOfWork
from bonafides.v1 import rating_pb2
from scripts.bulk_engines import Kind, Records, Spark, opened_engine, require_options
from scripts.operating import AsJson, DataDir, opened, read_settings, require_data, telling

# Enterprises in one unit of work: ingestion waits no longer than for these.
BATCH: Final = 100
# Rows that a person reads; a program takes all with --json.
SHOWN: Final = 50
_RUN: Final = "rerate"

app = typer.Typer(add_completion=False, help=__doc__)


@dataclass(frozen=True, slots=True)
class Standing:
    """A level and its score; None: no points led to it."""

    level: str
    score: int | None


@dataclass(frozen=True, slots=True)
class Move:
    """An enterprise whose level changes. `score_change` None: one side has no score."""

    code: str
    before: str
    after: str
    score_change: int | None


@dataclass(slots=True)
class Comparison:
    """Who moves, and how many enterprises go from which level to which."""

    as_of: Instant
    before: str
    after: str
    moves: list[Move] = field(default_factory=list)
    matrix: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, code: str, before: Standing, after: Standing) -> None:
        """Counts one enterprise."""
        self.matrix[before.level, after.level] += 1
        if before.level == after.level:
            return
        known = before.score is not None and after.score is not None
        change = (after.score or 0) - (before.score or 0) if known else None
        self.moves.append(Move(code, before.level, after.level, change))


@dataclass(frozen=True, slots=True)
class Rerated:
    """How many were rated in all, and how many of them by a run that was stopped before.

    `wrong` are codes for which the engine finds another level; None: it was not asked.
    """

    count: int
    resumed_at: int
    wrong: list[str] | None = None


@app.command()
def main(
    *,
    card: Annotated[
        Path | None, typer.Option(help="Another card: its folder or file. Needs --dry-run.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show who would move; change nothing.")
    ] = False,
    shadow: Annotated[
        Path | None, typer.Option(help="Where to write the report for promote.py. Needs --card.")
    ] = None,
    engine: Annotated[Kind, typer.Option(help="What computes all levels.")] = Kind.SERVED,
    records: Records = "",
    spark: Spark = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Rates every enterprise anew, or shows who would move."""
    require_options(engine, records, spark)
    _require_use(card, shadow, engine, dry_run=dry_run)
    now = from_datetime(dt.datetime.now(dt.UTC))
    with telling("Not rated", EngineError, OSError):
        settings = read_settings(data_dir)
        require_data(settings)
        served = served_card(settings)
        other = None if card is None else load(card)
        # A dry run changes nothing, the tables neither.
        with (
            opened(settings, migrate=not dry_run) as store,
            opened_engine(engine, records, spark) as outside,
        ):
            if not dry_run:
                done = rerate(store, served, now=now, engine=outside, check=engine is Kind.STORE)
                _print_done(done, served, as_json=as_json)
                return
            by = None if engine is Kind.SERVED else (outside or Kind.STORE)
            found = _compared(store, by, (served, other), now)
        if shadow is not None and other is not None:
            shadow.write_text(reports.document(_shadow(found, (served, other), engine)))
        _print_comparison(found, as_json=as_json)


def _require_use(card: Path | None, shadow: Path | None, engine: Kind, *, dry_run: bool) -> None:
    if card is not None and not dry_run:
        told = "needs --dry-run: only the champion is served"
        raise typer.BadParameter(told, param_hint="--card")
    if card is None and (shadow is not None or (dry_run and engine is not Kind.SERVED)):
        raise typer.BadParameter("--shadow and an engine's dry run need it", param_hint="--card")


def _compared(
    store: Store,
    by: Engine | Kind | None,
    cards: tuple[Scorecard, Scorecard | None],
    now: Instant,
) -> Comparison:
    """Compares by an engine, by the store's own SQL, or, None, as levels are served."""
    served, other = cards
    if by is None or other is None:
        return compare(store, served, other, now=now)
    return compare_on(store, None if isinstance(by, Kind) else by, (served, other), now=now)


def compare(
    store: Store, served: Scorecard, other: Scorecard | None, *, now: Instant
) -> Comparison:
    """Compares the served card with the other, or, without one, the kept levels with it."""
    if other is None:
        found = Comparison(now, "kept levels", served.version)
    else:
        found = Comparison(now, served.version, other.version)
    for codes in _batches(store, "Comparing"):
        with store.reading() as work:
            page, _ = page_operations.gather_page(work, codes, now)
            for code, inputs in page.items():
                result = rate(inputs, served)
                fresh = Standing(result.level.value, result.score)
                if other is None:
                    found.add(code, _kept(work, code, now) or fresh, fresh)
                else:
                    changed = rate(inputs, other)
                    found.add(code, fresh, Standing(changed.level.value, changed.score))
    return found


def compare_on(
    store: Store, outside: Engine | None, cards: tuple[Scorecard, Scorecard], *, now: Instant
) -> Comparison:
    """Compares two cards by what an engine computes; None: the store's own SQL.

    The engine must know the records and the roll-ups.
    """
    served, other = cards
    found = Comparison(now, served.version, other.version)
    # What is loaded into the store for it is temporary, and never committed.
    with store.writing() if outside is None else store.reading() as work:
        engine = outside or Native(work)
        bulk.load(engine, work, now=now)
        bulk.make_features(engine, day_of(now))
        before = dict(bulk.levels_of(engine, served))
        for code, after in sorted(bulk.levels_of(engine, other)):
            found.add(code, *(Standing(each.level, each.score) for each in (before[code], after)))
    return found


def rerate(
    store: Store,
    served: Scorecard,
    *,
    now: Instant,
    engine: Engine | None = None,
    check: bool = False,
) -> Rerated:
    """Rates all enterprises with the served card and refreshes their archives.

    Goes on behind the last batch of a run of the same card that was stopped. Then the
    engine, or the store itself if `check` says so, is asked whether it finds the same.
    """
    with store.writing() as work:
        run = bulk_runs.begin(work, _RUN, served.digest, now=now)
        work.commit()
    count = run.done
    for codes in _batches(store, "Rating", after=run.last_code, done=run.done):
        with store.writing() as work:
            archive_operations.refresh_page(work, served, codes, now)
            bulk_runs.advance(work, _RUN, codes)
            work.commit()
        count += len(codes)
    with store.writing() as work:
        bulk_runs.end(work, _RUN)
        work.commit()
    if engine is None and not check:
        return Rerated(count, run.done)
    # As above: temporary tables alone.
    with store.writing() if engine is None else store.reading() as work:
        wrong = bulk.level_differences(engine or Native(work), work, served, now=now)
    return Rerated(count, run.done, wrong)


def _batches(store: Store, doing: str, *, after: str = "", done: int = 0) -> Iterator[list[str]]:
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(doing, total=_count(store), completed=done)
        last = after
        while codes := _after(store, last):
            yield codes
            progress.advance(task, len(codes))
            last = codes[-1]


def _after(store: Store, code: str) -> list[str]:
    with store.reading() as work:
        return identity_rows.enrolled_codes(work, code, BATCH)


def _count(store: Store) -> int:
    count, last = 0, ""
    while codes := _after(store, last):
        count, last = count + len(codes), codes[-1]
    return count


def _kept(work: UnitOfWork, code: str, now: Instant) -> Standing | None:
    row = rating_rows.latest(work, code, now)
    if row is None:
        return None
    message = rating_pb2.Rating.FromString(row.message)
    # What is published follows the raw level by a calendar, whichever card gave it.
    return Standing(row.raw_level, message.score if message.HasField("score") else None)


def _shadow(found: Comparison, cards: tuple[Scorecard, Scorecard], engine: Kind) -> reports.Shadow:
    before, after = (reports.CardName.of(card) for card in cards)
    return reports.Shadow(
        as_of_time=to_datetime(found.as_of).isoformat(),
        before=before,
        after=after,
        engine=engine.value,
        matrix=_matrix(found),
        moves=tuple(
            reports.Move(move.code, Level(move.before), Level(move.after), move.score_change)
            for move in found.moves
        ),
    )


def _print_done(done: Rerated, served: Scorecard, *, as_json: bool) -> None:
    if as_json:
        told: dict[str, object] = {"model_version": served.version, "rated": done.count}
        if done.wrong is not None:
            told["wrong"] = done.wrong
        typer.echo(json.dumps(told))
    else:
        console = Console()
        console.print(f"Rated {done.count} enterprises with {served.version}.", markup=False)
        if done.resumed_at:
            console.print(f"{done.resumed_at} of them were rated before it was stopped.")
        for code in (done.wrong or [])[:SHOWN]:
            console.print(f"{code}: the engine finds another level.", markup=False)
    if done.wrong:
        raise typer.Exit(1)


def _print_comparison(found: Comparison, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_document(found)))
        return
    console = Console()
    rated = found.matrix.total()
    console.print(f"{len(found.moves)} of {rated} enterprises would move.", markup=False)
    console.print(_matrix_table(found))
    if found.moves:
        console.print(_moves_table(found.moves))
    if len(found.moves) > SHOWN:
        console.print(f"{SHOWN} of {len(found.moves)} are shown; --json has all.", markup=False)


def _document(found: Comparison) -> dict[str, object]:
    return {
        "as_of_time": to_datetime(found.as_of).isoformat(),
        "before": found.before,
        "after": found.after,
        "rated": found.matrix.total(),
        "moved": len(found.moves),
        "matrix": _matrix(found),
        "moves": [asdict(move) for move in found.moves],
    }


def _matrix(found: Comparison) -> dict[str, dict[str, int]]:
    matrix: dict[str, dict[str, int]] = {}
    for (before, after), count in sorted(found.matrix.items()):
        matrix.setdefault(before, {})[after] = count
    return matrix


def _matrix_table(found: Comparison) -> Table:
    table = Table(title=f"From {found.before} (rows) to {found.after} (columns)")
    table.add_column("")
    for after in Level:
        table.add_column(after, justify="right")
    for before in Level:
        counts = [found.matrix[before.value, after.value] for after in Level]
        table.add_row(before, *(str(count) if count else "" for count in counts))
    return table


def _moves_table(moves: list[Move]) -> Table:
    table = Table("enterprise", "from", "to", title="Who would move")
    table.add_column("score", justify="right")
    for move in moves[:SHOWN]:
        change = "" if move.score_change is None else f"{move.score_change:+d}"
        table.add_row(move.code, move.before, move.after, change)
    return table


if __name__ == "__main__":
    app()
