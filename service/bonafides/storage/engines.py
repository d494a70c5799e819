"""Runs the expressions of metrics, folds and points outside the store, over Parquet.

There is one definition of every figure: a SQLAlchemy Core expression. The store
executes it natively. An engine gets it as text: compiled for PostgreSQL with literal
values, which DuckDB reads as it is and Spark after translation
(`bonafides.storage.spark`). What an expression may use, so that all of them answer
alike to the last unit, is held by tests/service/test_parity.py.

A `Name` is how an expression finds a table: an engine knows `record` (attached from
Parquet), what was made of it, and what was loaded, by the names of `storage.tables`.

    with DuckDb() as engine:
        engine.attach("record", "records.parquet")
        rollups(engine)
        engine.rows(metrics.days(), metrics.parameters(today))
"""

from __future__ import annotations

import csv
import marshal
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

import duckdb
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from bonafides.records import fold
from bonafides.storage.rollups import (
    EXPORTED,
    ROLLUPS,
    STANDS,
    Extent,
    Recount,
    exported,
    last_sequence,
    measured,
)
from bonafides.storage.tables import record, rollup_buyer, rollup_day, store_link, unmatched_refund
from bonafides.storage.unit_of_work import UnitOfWork

BATCH_ROWS: Final = 50_000

# Without pyformat no `%` is doubled: the text goes to no driver's placeholders.
_DIALECT: Final = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]  # SQLAlchemy types no dialect's arguments


class EngineError(Exception):
    """An engine can't do what it was asked. Holds no value of a row."""


class Engine(Protocol):
    """What runs expressions over Parquet."""

    def attach(self, name: str, parquet: str) -> None:
        """Makes Parquet known as a table: a file, a pattern, or what URL the engine reads.

        Raises:
            EngineError: the engine can't read it.
        """

    def make(self, name: str, statement: sa.Select[Any], parameters: Mapping[str, int]) -> None:
        """Makes the rows of a statement known as a table."""

    def load(self, table: sa.Table, rows: Iterable[Sequence[Any]]) -> None:
        """Makes rows known as a table, in the order of its columns: integers and texts."""

    def rows(
        self, statement: sa.Select[Any], parameters: Mapping[str, int]
    ) -> Iterator[Sequence[tuple[Any, ...]]]:
        """Yields the rows of a statement, batch by batch.

        Raises:
            EngineError: the engine can't compute them.
        """


def text(statement: sa.Select[Any], parameters: Mapping[str, int] | None = None) -> str:
    """Returns a statement as PostgreSQL's SQL, with its parameters as literal values."""
    bound = _bound(statement, parameters or {})
    return str(bound.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))


def rollups(engine: Engine) -> None:
    """Makes the roll-ups of all attached records, by the expressions of the fold.

    Which links stand is not judged again: the export says so.
    """
    engine.make(store_link.name, fold.exported_links(), {})
    engine.make(rollup_day.name, fold.recounted_days(), {})
    engine.make(rollup_buyer.name, fold.recounted_buyers(), {})
    engine.make(unmatched_refund.name, fold.recounted_refunds(), {})


def export(work: UnitOfWork, file: Path) -> Extent:
    """Writes the log to a Parquet file, as of now; returns what it holds.

    One row for each record, its latest revision, void ones too: what is void is still
    known, and a refund of it is not unmatched.
    """
    upto = last_sequence(work)
    columns = [sa.Column(name, record.c[name].type) for name in EXPORTED]
    columns.append(sa.Column(STANDS, sa.Boolean))
    with DuckDb() as engine:
        rows = (tuple(row) for row in exported(work, upto))
        engine.write_parquet(sa.Table(record.name, sa.MetaData(), *columns), rows, file)
        engine.attach(record.name, str(file))
        return Extent(*one_row(engine, measured(record)))


def recount(engine: Engine, folder: Path) -> Recount:
    """Returns the roll-ups of the attached records, kept in files in the folder.

    The engine is done when this returns: no unit of work need wait for it.
    """
    extent = Extent(*one_row(engine, measured(record)))
    rollups(engine)
    rows = {table.name: _spooled(engine, table, folder) for table in ROLLUPS}
    return Recount(extent, rows)


def one_row(engine: Engine, statement: sa.Select[Any]) -> tuple[Any, ...]:
    """Returns the only row of a statement.

    Raises:
        EngineError: it gives none.
    """
    for batch in engine.rows(statement, {}):
        return batch[0]
    raise EngineError("the engine gave no row")


def _spooled(engine: Engine, table: sa.Table, folder: Path) -> Iterator[Sequence[tuple[Any, ...]]]:
    file = folder / table.name
    with file.open("wb") as opened:
        for batch in engine.rows(sa.select(*table.c), {}):
            marshal.dump(list(batch), opened)
    return _read(file)


def _read(file: Path) -> Iterator[Sequence[tuple[Any, ...]]]:
    with file.open("rb") as opened:
        while True:
            try:
                yield marshal.load(opened)  # noqa: S302 - written by this process, just now
            except EOFError:
                return


class Native:
    """The store itself as an engine, within one unit of work. Its log is `record`.

    What is made and loaded are temporary tables, gone when the unit is left.
    """

    def __init__(self, work: UnitOfWork) -> None:
        self._work: Final = work

    def attach(self, name: str, parquet: str) -> None:
        """Refuses: a store reads no Parquet."""
        raise EngineError(f"the store attaches nothing: {name}, {parquet}")

    def make(self, name: str, statement: sa.Select[Any], parameters: Mapping[str, int]) -> None:
        """Makes the rows of a statement known as a temporary table."""
        self._work.execute(sa.CreateTableAs(_bound(statement, parameters), name, temporary=True))

    def load(self, table: sa.Table, rows: Iterable[Sequence[Any]]) -> None:
        """Makes rows known as a temporary table."""
        table.create(self._work.connection, checkfirst=False)
        names = table.columns.keys()
        if values := [dict(zip(names, row, strict=True)) for row in rows]:
            self._work.execute(table.insert(), values)

    def rows(
        self, statement: sa.Select[Any], parameters: Mapping[str, int]
    ) -> Iterator[Sequence[tuple[Any, ...]]]:
        """Yields the rows of a statement, batch by batch."""
        for batch in self._work.execute(statement, dict(parameters)).partitions(BATCH_ROWS):
            yield [tuple(row) for row in batch]


class DuckDb:
    """DuckDB in this process, over local files or whatever its extensions reach.

    It may use the memory given, in MB, and spills to a folder of its own beyond.
    """

    def __init__(self, *, memory_mb: int = 4_096, threads: int | None = None) -> None:
        self._spill: Final = tempfile.TemporaryDirectory(prefix="bonafides-")
        config: dict[str, Any] = {
            "memory_limit": f"{memory_mb}MB",
            "temp_directory": self._spill.name,
            "preserve_insertion_order": "false",
        }
        if threads is not None:
            config["threads"] = str(threads)
        self._connection: Final = duckdb.connect(":memory:", config=config)
        self._run("SET enable_progress_bar = false")

    def __enter__(self) -> Self:
        """Returns the engine."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the engine, and forgets what it made."""
        self._connection.close()
        self._spill.cleanup()

    def attach(self, name: str, parquet: str) -> None:
        """Makes Parquet known as a table. See `Engine`."""
        read = f"SELECT * FROM read_parquet({literal(parquet)})"  # noqa: S608 - quoted
        self._run(f"CREATE OR REPLACE VIEW {name} AS {read}")

    def make(self, name: str, statement: sa.Select[Any], parameters: Mapping[str, int]) -> None:
        """Makes the rows of a statement known as a table, kept in memory."""
        self._run(f"CREATE OR REPLACE TEMP TABLE {name} AS {text(statement, parameters)}")

    def load(self, table: sa.Table, rows: Iterable[Sequence[Any]]) -> None:
        """Makes rows known as a table, kept in memory."""
        columns = ", ".join(f"{c.name} {_type(c)}" for c in table.columns)
        self._run(f"CREATE OR REPLACE TEMP TABLE {table.name} ({columns})")
        with tempfile.TemporaryDirectory(prefix="bonafides-") as folder:
            # Row by row DuckDB takes a thousand rows a second; from a file, a million.
            file = Path(folder) / "rows.csv"
            write_csv(file, rows)
            self._run(f"INSERT INTO {table.name} {_from_csv(table, file)}")

    def rows(
        self, statement: sa.Select[Any], parameters: Mapping[str, int]
    ) -> Iterator[Sequence[tuple[Any, ...]]]:
        """Yields the rows of a statement, batch by batch."""
        told = self._run(text(statement, parameters))
        while batch := told.fetchmany(BATCH_ROWS):
            yield batch

    def write_parquet(self, table: sa.Table, rows: Iterable[Sequence[Any]], file: Path) -> int:
        """Writes rows to a Parquet file that only its owner reads; returns how many.

        No text among them may be empty: empty stands for NULL on the way. The file is
        there whole, or not at all.
        """
        with tempfile.TemporaryDirectory(prefix="bonafides-", dir=file.parent) as folder:
            csv_file, made = Path(folder) / "rows.csv", Path(folder) / "rows.parquet"
            count = write_csv(csv_file, rows)
            read = _from_csv(table, csv_file)
            self._run(f"COPY ({read}) TO {literal(str(made))} (FORMAT parquet, COMPRESSION zstd)")
            made.chmod(0o600)
            made.replace(file)
        return count

    def _run(self, statement: str) -> duckdb.DuckDBPyConnection:
        try:
            return self._connection.execute(statement)
        except duckdb.Error as fault:
            # Texts of conversion errors quote values; the others speak of the statement.
            raise EngineError(f"DuckDB: {type(fault).__name__}") from None


def write_csv(file: Path, rows: Iterable[Sequence[Any]]) -> int:
    """Writes rows so that `_from_csv` reads them back: bytes in hexadecimal, None empty."""
    count = 0
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        for row in rows:
            writer.writerow([c.hex() if isinstance(c, bytes) else c for c in row])
            count += 1
    return count


def _bound(statement: sa.Select[Any], parameters: Mapping[str, int]) -> sa.Select[Any]:
    wanted = statement.compile(dialect=_DIALECT).params
    return statement.params({name: n for name, n in parameters.items() if name in wanted})


def literal(value: str) -> str:
    """Returns a text as a literal of SQL."""
    return "'" + value.replace("'", "''") + "'"


def _from_csv(table: sa.Table, file: Path) -> str:
    """Returns the query that reads a table's columns out of a file of `write_csv`."""
    kinds = {c.name: _type(c) for c in table.columns}
    read = {name: "VARCHAR" if kind == "BLOB" else kind for name, kind in kinds.items()}
    types = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in read.items())
    columns = ", ".join(
        f"unhex({name}) AS {name}" if kind == "BLOB" else name for name, kind in kinds.items()
    )
    return (
        f"SELECT {columns} FROM read_csv({literal(str(file))}, columns = {{{types}}},"  # noqa: S608 - quoted
        " auto_detect = false, header = false, delim = ',', quote = '\"', escape = '\"',"
        " nullstr = '')"
    )


def _type(column: sa.Column[Any]) -> str:
    match column.type:
        case sa.BigInteger():
            return "BIGINT"
        case sa.Boolean():
            return "BOOLEAN"
        case sa.LargeBinary():
            return "BLOB"
        case _:
            return "VARCHAR"
