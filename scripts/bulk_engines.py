"""What computes figures of all enterprises at once: options, and opening it.

with opened_engine(kind, records, spark) as engine:      # None: the store itself
...
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, TypeAlias

import typer

from bonafides.storage import engines
from bonafides.storage.engines import DuckDb, Engine, EngineError
from bonafides.storage.tables import record

Records: TypeAlias = Annotated[
    str, typer.Option(help="Parquet of scripts/export_records.py: path or URL.")
]
Spark: TypeAlias = Annotated[str, typer.Option(help="Spark Connect endpoint, as sc://host:port.")]


class Kind(enum.StrEnum):
    """What computes: the served path, one by one, or an engine, all at once."""

    SERVED = "served"
    STORE = "store"
    DUCKDB = "duckdb"
    SPARK = "spark"


def require_options(kind: Kind, records: str, spark: str) -> None:
    """Refuses options that do not belong together.

    Raises:
        BadParameter: records or an endpoint are missing, or there for nothing.
    """
    outside = kind in {Kind.DUCKDB, Kind.SPARK}
    if outside is not bool(records):
        raise typer.BadParameter("duckdb and spark need it, and no other", param_hint="--records")
    if (kind is Kind.SPARK) is not bool(spark):
        raise typer.BadParameter("spark alone needs it", param_hint="--spark")


@contextmanager
def opened_engine(kind: Kind, records: str, spark: str) -> Iterator[Engine | None]:
    """Gives the engine with records attached and roll-ups made; None: served, or the store.

    Raises:
        EngineError: it can't be reached, or can't read the records.
    """
    match kind:
        case Kind.SERVED | Kind.STORE:
            yield None
        case Kind.DUCKDB:
            with DuckDb() as local:
                local.attach(record.name, records)
                engines.rollups(local)
                yield local
        case Kind.SPARK:
            with remote(spark) as engine:
                engine.attach(record.name, records)
                engines.rollups(engine)
                yield engine


@contextmanager
def remote(endpoint: str) -> Iterator[Engine]:
    """Gives a session on a Spark Connect endpoint, without tables.

    Raises:
        EngineError: nobody answers there, or its client is not installed.
    """
    try:
        from bonafides.storage.spark import Spark as Session  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        raise EngineError("install the extra `spark`: its client is missing") from None
    with Session(endpoint) as session:
        yield session
