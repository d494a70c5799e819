"""Every enterprise at once, on DuckDB: figures out of Parquet, and points out of figures.

    build.over_duckdb        the roll-ups and every metric by the expressions that the
                             service has, over SQL written by hand for the same Parquet:
                             per enterprise and platform, counts and amounts of a year
                             and a quarter, distinct and repeat buyers, late deliveries
    score.rescore_1m         points of a card for a million rows by SQL, over numpy's
                             searchsorted on the same columns in memory

Times are CPU of this process, all threads of both engines included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any, Final

import sqlalchemy as sa

from bonafides.archive import metrics
from bonafides.instants import DAY, day_of
from bonafides.rating import sql
from bonafides.rating.card import PPM, CardFeature
from bonafides.rating.scorecard import champion
from bonafides.storage.tables import record
from scripts.bench import workload
from scripts.bench.effort import Effort
from scripts.bench.figures import of_rounds, ratios
from scripts.measured import Figure

_ROWS: Final = 1_000_000
_PER_ENTERPRISE: Final = 100
_DAYS: Final = 400
_QUERIES: Final = (metrics.days, metrics.buyers, metrics.unmatched_refunds)


def rescored(effort: Effort) -> Iterator[Figure]:
    """Yields the row of scoring a million enterprises in bulk."""
    import duckdb  # noqa: PLC0415 - of the extra `bench`
    import numpy as np  # noqa: PLC0415

    from bonafides.storage.engines import text  # noqa: PLC0415

    card = champion(None).features
    with duckdb.connect() as engine:
        columns = ", ".join(_random(column, card) for column in sql.feature.c)
        engine.execute(f"CREATE TABLE feature AS SELECT {columns} FROM range({_ROWS}) AS r(i)")  # noqa: S608 - constants
        table = engine.execute("SELECT * FROM feature").fetchnumpy()
        points = text(sql.points(card))
        ours, theirs = [], []
        for _ in range(effort.rounds):
            query = f"CREATE OR REPLACE TABLE scored AS SELECT code, score FROM ({points})"  # noqa: S608 - our own
            ours.append(_cpu(partial(engine.execute, query)))
            theirs.append(_cpu(lambda: _by_numpy(np, card, table)))
        total = engine.execute("SELECT sum(score) FROM scored").fetchall()[0][0]
    if total != int(_by_numpy(np, card, table).sum()):
        raise ArithmeticError("the two scores differ")
    beside = f"{median(ours):.2f} s of CPU to {median(theirs):.2f}"
    yield of_rounds("score.rescore_1m.over_numpy", ratios(ours, theirs), beside)


def built(folder: Path, effort: Effort) -> Iterator[Figure]:
    """Yields the row of computing all figures of all enterprises from Parquet."""
    from bonafides.storage import engines  # noqa: PLC0415 - of the extra `batch`

    today = day_of(workload.NOW)
    ours, theirs = [], []
    file = folder / "records.parquet"
    with engines.DuckDb() as engine:
        engine._run(f"COPY ({_records(effort.built, today)}) TO '{file}' (FORMAT parquet)")  # noqa: SLF001 - filling
        engine.attach(record.name, str(file))

        def by_expressions() -> None:
            engines.rollups(engine)
            for query in _QUERIES:
                engine.make("figures", query(), metrics.parameters(today))

        for _ in range(effort.rounds):
            ours.append(_cpu(by_expressions))
            theirs.append(_cpu(lambda: engine._run(_by_hand(today))))  # noqa: SLF001 - not ours to run
    file.unlink()
    beside = f"{median(ours):.2f} s of CPU to {median(theirs):.2f}, {effort.built:,} records"
    yield of_rounds("build.over_duckdb", ratios(ours, theirs), beside)


def _records(count: int, today: int) -> str:
    """Returns the query that makes the records: a store for each enterprise, and its trade."""
    enterprises = max(1, count // _PER_ENTERPRISE)
    stores = {
        "code": "printf('9199000%011d', i)",
        "platform": "'1688'",
        "kind": "'store'",
        "record_id": "'s1'",
        "store_id": "'s1'",
        "revision": "1::BIGINT",
        "sequence": f"({count} + i + 1)::BIGINT",
        "void": "false",
        "from_day": f"({today} - 2 * {_DAYS})::BIGINT",
        "stands": "true",
    }
    trade = {
        "code": f"printf('9199000%011d', i % {enterprises})",
        "platform": "'1688'",
        "kind": "'transaction'",
        "record_id": "printf('T%012d', i)",
        "store_id": "'s1'",
        "revision": "1::BIGINT",
        "sequence": "(i + 1)::BIGINT",
        "void": "false",
        "day": f"({today} - i * 7919 % {_DAYS})::BIGINT",
        "occurred_at": f"({today} - i * 7919 % {_DAYS})::BIGINT * {DAY}",
        "buyer": "encode(printf('b%015d', i * 104729 % 700000))",
        "amount_cny_minor": "(100 + i * 31337 % 5000000)::BIGINT",
        "promised_day": f"({today} - i * 7919 % {_DAYS} + 5)::BIGINT",
        "delivered_day": f"({today} - i * 7919 % {_DAYS} + 2 + i % 5)::BIGINT",
    }
    return f"{_made(trade, count)} UNION ALL {_made(stores, enterprises)}"


def _made(values: Mapping[str, str], count: int) -> str:
    """Returns a query of so many rows; columns that have no value are null."""
    kinds = {sa.BigInteger: "BIGINT", sa.LargeBinary: "BLOB"}
    types = {column.name: kinds.get(type(column.type), "VARCHAR") for column in record.c}
    types["stands"] = "BOOLEAN"
    columns = [f"{values.get(name, f'NULL::{kind}')} AS {name}" for name, kind in types.items()]
    return f"SELECT {', '.join(columns)} FROM range({count}) AS r(i)"  # noqa: S608 - constants


def _by_hand(today: int) -> str:
    return f"""
        CREATE OR REPLACE TEMP TABLE by_hand AS
        WITH latest AS (
            SELECT * FROM record
            QUALIFY row_number() OVER (
                PARTITION BY code, platform, kind, record_id ORDER BY revision DESC) = 1
        ), linked AS (
            SELECT code, platform, store_id FROM latest WHERE kind = 'store' AND NOT void AND stands
        ), sold AS (
            SELECT * FROM latest SEMI JOIN linked USING (code, platform, store_id)
            WHERE kind = 'transaction' AND NOT void AND day > {today} - 365
        ), bought AS (
            SELECT code, platform, buyer, count(*) AS n FROM sold GROUP BY ALL
        )
        SELECT * FROM (
            SELECT code, platform, count(*) AS year, sum(amount_cny_minor) AS amount,
                count(*) FILTER (WHERE day > {today} - 90) AS quarter,
                count(*) FILTER (WHERE delivered_day > promised_day) AS late,
                count(DISTINCT day // 30) AS months
            FROM sold GROUP BY ALL
        ) JOIN (
            SELECT code, platform, count(*) AS buyers, count(*) FILTER (WHERE n > 1) AS again,
                max(n) AS largest
            FROM bought GROUP BY ALL
        ) USING (code, platform)
    """  # noqa: S608 - constants


def _random(column: sa.Column[Any], card: tuple[CardFeature, ...]) -> str:
    name = column.name
    if name == "code":
        return "printf('9199000%011d', i) AS code"
    if name.endswith("_applies"):
        return f"1::BIGINT AS {name}"
    if name.endswith("_whole"):
        return f"(i % 499 + 20)::BIGINT AS {name}"
    if name.endswith("_part"):
        return f"(i * 7919 % 19)::BIGINT AS {name}"
    edges = next(part.edges for part in card if part.name == name)
    return f"(hash(i, '{name}') % {2 * edges[-1]})::BIGINT AS {name}"


def _by_numpy(np: Any, card: tuple[CardFeature, ...], table: Any) -> Any:
    """Returns the scores. It knows of no missing values: there are none."""
    total = 0
    for part in card:
        if part.prior is None:
            figure = table[part.name]
        else:
            alpha, beta = part.prior.alpha, part.prior.beta
            drawn = (table[f"{part.name}_part"] + alpha) * PPM
            figure = drawn // (table[f"{part.name}_whole"] + alpha + beta)
        slots = np.searchsorted(np.array(part.edges), figure, side="right")
        total = total + np.array(part.points)[slots]
    return total


def _cpu(work: Callable[[], object]) -> float:
    start = process_time()
    work()
    return process_time() - start
