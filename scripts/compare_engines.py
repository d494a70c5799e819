"""Holds the points and raw levels of every engine against one another, on a million rows.

    python scripts/compare_engines.py                        # SQLite, PostgreSQL, DuckDB, Spark
    python scripts/compare_engines.py --rows 100000 --card models/expert-1

Rows are generated block by block, the same on every engine, and scored by the very SQL
that levels are computed by; what numpy gives to the same rows is what all must give: the
points of each feature, the score and the level, exactly. PostgreSQL and a Spark Connect
server are started for it, on this machine alone, and end with it.

Exit codes: 0 all agree, 1 they do not, or an engine could not be asked, 2 wrong usage.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.rating import level_sql, sql
from bonafides.rating.scorecard import Scorecard, champion, load
from bonafides.storage.engines import DuckDb, Engine, EngineError, Native
from bonafides.storage.unit_of_work import Store, UnitOfWork
from scripts.operating import telling
from scripts.sampling_features import TABLES, Block, Column, Expected, expected, invent

ROWS: Final = 1_000_000
# What is in memory at once, of which every engine has a copy.
BLOCK: Final = 100_000
_MEMORY_MB: Final = 600

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_HELP: Final = (__doc__ or "").replace("\n\n    ", "\n\n\b\n    ")


@dataclass(slots=True)
class Compared:
    """How many rows an engine was asked for, how many it gave otherwise, and its seconds."""

    rows: int = 0
    points_differ: int = 0
    levels_differ: int = 0
    seconds: float = 0.0


@app.command(help=_HELP)
def main(
    *,
    rows: Annotated[int, typer.Option(min=1, max=100_000_000, help="How many rows.")] = ROWS,
    card: Annotated[
        Path | None, typer.Option(help="Folder or file of a card; unset: the champion.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same rows.")] = 1,
) -> None:
    """Compares the engines."""
    faults = (EngineError, ImportError, OSError)
    with telling("Not compared", *faults), _servers() as (stores, endpoint):
        told = compare(
            load(card) if card else champion(None), stores, endpoint, rows=rows, seed=seed
        )
    table = Table("engine", "rows", "points differ", "levels differ", "seconds")
    for name, each in told.items():
        counts = (each.rows, each.points_differ, each.levels_differ)
        table.add_row(name, *(f"{count:,}" for count in counts), f"{each.seconds:.1f}")
    Console().print(table)
    if any(each.points_differ or each.levels_differ for each in told.values()):
        raise typer.Exit(1)


def compare(
    card: Scorecard,
    stores: Mapping[str, Store],
    endpoint: str,
    *,
    rows: int,
    block: int = BLOCK,
    seed: int = 1,
) -> dict[str, Compared]:
    """Returns what each engine gave of so many rows, held against numpy.

    `stores` are asked by name, then DuckDB, then Spark at the endpoint; nothing is kept.

    Raises:
        EngineError: an engine can't be asked.
    """
    found = {name: Compared() for name in (*stores, "duckdb", "spark")}
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("Comparing", total=rows)
        for number, start in enumerate(range(0, rows, block)):
            made = invent(card, number=number, rows=min(block, rows - start), seed=seed)
            right = expected(card, made)
            for name, told in found.items():
                begun = time.perf_counter()
                with tempfile.TemporaryDirectory(prefix="bonafides-") as folder, ExitStack() as on:
                    engine = on.enter_context(_loaded(name, stores, endpoint, made, Path(folder)))
                    _hold(engine, card, made, right, told)
                told.seconds += time.perf_counter() - begun
            progress.advance(task, len(made.codes))
    return found


def _hold(engine: Engine, card: Scorecard, block: Block, right: Expected, told: Compared) -> None:
    """Asks the engine, and counts what it gives otherwise, rows that are not there included."""
    size = len(block.codes)
    points, scores = _asked(engine, sql.points(card.features), block, len(card.features) + 1)
    wrong = (points[:, :-1] != right.points).any(axis=1) | (points[:, -1] != right.scores)
    told.points_differ += int((wrong | ~scores[:, -1]).sum())
    levels, known = _asked(engine, level_sql.levels(card.content), block, 2)
    wrong = (levels[:, 0] != right.places) | (known[:, 1] != right.scored)
    told.levels_differ += int((wrong | (right.scored & (levels[:, 1] != right.scores))).sum())
    told.rows += size


def _asked(engine: Engine, statement: sa.Select[Any], block: Block, width: int) -> tuple[Any, Any]:
    """Returns the cells behind the code in the order of the block, and where one is there.

    Raises:
        EngineError: the engine gave a code twice, or one that is not in the block.
    """
    cells = np.zeros((len(block.codes), width), dtype=np.int64)
    known = np.zeros((len(block.codes), width), dtype=np.bool_)
    first = int(block.codes[0][-11:])
    count = 0
    for batch in engine.rows(statement, {}):
        codes, *columns = zip(*batch, strict=True)
        places = np.array([int(code[-11:]) for code in codes]) - first
        for number, column in enumerate(columns):
            there = np.array([cell is not None for cell in column])
            known[places, number] = there
            cells[places, number] = [0 if cell is None else cell for cell in column]
        count += places.size
    if count != len(block.codes):
        raise EngineError(f"{count} rows came back of {len(block.codes)}")
    return cells, known


@contextmanager
def _loaded(
    name: str, stores: Mapping[str, Store], endpoint: str, block: Block, folder: Path
) -> Iterator[Engine]:
    """Gives the engine with the block's tables; a store forgets them with its unit of work."""
    if name in stores:
        with stores[name].writing() as work:
            for table in TABLES:
                _fill(work, table, block)
            yield Native(work)
        return
    for table in TABLES:
        _write(table, block, folder / f"{table.name}.parquet")
    with ExitStack() as opened:
        engine: Engine
        if name == "duckdb":
            engine = opened.enter_context(DuckDb(memory_mb=_MEMORY_MB))
        else:
            from bonafides.storage.spark import Spark  # noqa: PLC0415 - an extra

            engine = opened.enter_context(Spark(endpoint))
        for table in TABLES:
            engine.attach(table.name, str(folder / f"{table.name}.parquet"))
        yield engine


def _columns(table: sa.Table, block: Block) -> list[Column]:
    return [block.tables[table.name][column.name] for column in table.c if column.name != "code"]


def _fill(work: UnitOfWork, table: sa.Table, block: Block) -> None:
    """Makes a temporary table of the block. Row by row through the library would take minutes."""
    table.create(work.connection, checkfirst=False)
    rows = _rows(table, block)
    if work.dialect == "sqlite":
        marks = ", ".join("?" * len(table.c))
        work.connection.exec_driver_sql(f"INSERT INTO {table.name} VALUES ({marks})", rows)  # noqa: S608 - our own names
        return
    cursor = work.connection.connection.cursor()
    with cursor.copy(f"COPY {table.name} FROM STDIN") as copied:
        for row in rows:
            copied.write_row(row)
    cursor.close()


def _rows(table: sa.Table, block: Block) -> Sequence[tuple[Any, ...]]:
    columns = []
    for column in _columns(table, block):
        cells = column.values.astype(object)
        cells[column.absent] = None
        columns.append(cells.tolist())
    return list(zip(block.codes, *columns, strict=True))


def _write(table: sa.Table, block: Block, file: Path) -> None:
    names = [column.name for column in table.c if column.name != "code"]
    cells = {
        name: pa.array(column.values, mask=column.absent)
        for name, column in zip(names, _columns(table, block), strict=True)
    }
    pq.write_table(pa.table({"code": pa.array(block.codes), **cells}), file)


@contextmanager
def _servers() -> Iterator[tuple[dict[str, Store], str]]:
    """Gives two empty databases, and the endpoint of a Spark Connect server, for as long."""
    from pysail.spark import SparkConnectServer  # noqa: PLC0415 - of the extra `test`

    from scripts.bench.databases import databases  # noqa: PLC0415 - as above

    # It tells of every session otherwise.
    os.environ.setdefault("RUST_LOG", "error")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bonafides-")))
        made = stack.enter_context(databases(folder))
        stores = {}
        for name in ("sqlite", "postgresql"):
            stores[name] = Store(made.fresh(name))
            stack.callback(stores[name].close)
        spark = SparkConnectServer(ip="127.0.0.1", port=0)
        spark.start(background=True)
        stack.callback(spark.stop)
        address = spark.listening_address
        if address is None:
            raise EngineError("the Spark Connect server listens nowhere")
        yield stores, f"sc://127.0.0.1:{address[1]}"


if __name__ == "__main__":
    app()
