"""Runs the expressions on Spark, through any Spark Connect endpoint.

The text that DuckDB reads is translated to Spark's SQL. The endpoint reads the
Parquet itself: the path or URL is one that its machines reach.

    with Spark("sc://spark.example:15002") as engine:
        engine.attach("record", "s3a://lake/records/")
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

import sqlalchemy as sa
import sqlglot
from pyspark.errors import PySparkException
from pyspark.sql.connect.session import SparkSession
from sqlglot.errors import SqlglotError

from bonafides.storage.engines import BATCH_ROWS, EngineError, text


class Spark:
    """A session on a Spark Connect endpoint, such as sc://host:port.

    Raises:
        EngineError: nobody answers there.
    """

    def __init__(self, endpoint: str) -> None:
        try:
            self._session: Final[Any] = SparkSession.builder.remote(endpoint).create()
        except (PySparkException, ValueError) as fault:
            raise EngineError(f"Spark: {type(fault).__name__}") from None

    def __enter__(self) -> Self:
        """Returns the engine."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends the session, with what it made."""
        self._session.stop()

    def attach(self, name: str, parquet: str) -> None:
        """Makes Parquet known as a table. See `bonafides.storage.engines.Engine`."""
        with _Faults():
            self._session.read.parquet(parquet).createOrReplaceTempView(name)

    def make(self, name: str, statement: sa.Select[Any], parameters: Mapping[str, int]) -> None:
        """Makes a statement known as a table; Spark plans it into whatever reads from it."""
        with _Faults():
            self._session.sql(translated(statement, parameters)).createOrReplaceTempView(name)

    def load(self, table: sa.Table, rows: Iterable[Sequence[Any]]) -> None:
        """Makes rows known as a table: integers and texts, sent to the endpoint."""
        schema = ", ".join(f"{c.name} {_type(c)}" for c in table.columns)
        with _Faults():
            made = self._session.createDataFrame([tuple(row) for row in rows], schema)
            made.createOrReplaceTempView(table.name)

    def rows(
        self, statement: sa.Select[Any], parameters: Mapping[str, int]
    ) -> Iterator[Sequence[tuple[Any, ...]]]:
        """Yields the rows of a statement, batch by batch."""
        batch: list[tuple[Any, ...]] = []
        with _Faults():
            for row in self._session.sql(translated(statement, parameters)).toLocalIterator():
                batch.append(tuple(_plain(cell) for cell in row))
                if len(batch) == BATCH_ROWS:
                    yield batch
                    batch = []
        if batch:
            yield batch


def translated(statement: sa.Select[Any], parameters: Mapping[str, int] | None = None) -> str:
    """Returns a statement as Spark's SQL, with its parameters as literal values.

    Raises:
        EngineError: it holds what Spark has no word for.
    """
    source = text(statement, parameters)
    try:
        made = sqlglot.transpile(
            source,
            read="postgres",
            write="spark",
            unsupported_level=sqlglot.ErrorLevel.RAISE,
        )
    except SqlglotError as fault:
        raise EngineError(f"Spark: {type(fault).__name__}") from None
    return made[0]


class _Faults:
    """Turns Spark's faults into ours; their texts may quote values."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(fault, PySparkException):
            raise EngineError(f"Spark: {type(fault).__name__}") from None


def _type(column: sa.Column[Any]) -> str:
    return "bigint" if isinstance(column.type, sa.BigInteger) else "string"


def _plain(cell: Any) -> Any:
    return bytes(cell) if isinstance(cell, bytearray) else cell
