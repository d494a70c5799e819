"""Rows of the record log: which of them are stored, and how new ones are added fast.

Nearly every batch is new. So the rows are added first, all at once, under a savepoint;
only if the log holds one of them are they looked up, and told apart by the caller. A
batch that is repeated shows by its first row, and is asked for in one question.

Rows are handed to the driver column by column: columns that no row uses are left out,
which is half of them for a batch of transactions.

    if not added(work, rows, last, now):
        stored = stored_digests(work, rows)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from operator import itemgetter
from typing import Any, Final

import sqlalchemy as sa

from bonafides.errors import BugError, StoreUnavailableError
from bonafides.instants import Instant
from bonafides.records.ingest import Row
from bonafides.storage.tables import record
from bonafides.storage.unit_of_work import UnitOfWork

KEY_COLUMNS: Final = 5

# code, platform, kind, record_id, revision.
Key = tuple[str, str, str, str, int]

_KEY_OF: Final[Callable[[Row], Any]] = itemgetter(*range(KEY_COLUMNS))
_NULLABLE: Final = frozenset(column.name for column in record.columns if column.nullable)
# Below this, looking up costs less than what a savepoint does.
_WORTH_TRYING: Final = 20
_SAVEPOINT: Final = "log_rows"


def added(work: UnitOfWork, rows: Sequence[Row], last: int, now: Instant) -> bool:
    """Adds all rows behind the number `last`, unless the log holds any of them.

    Returns False, and has added none, if it holds one, if two have the same key, or if
    they are too few for it to be worth trying.
    """
    if len(rows) < _WORTH_TRYING or stored_digests(work, rows[:1]):
        return False
    connection = work.connection
    connection.exec_driver_sql(f"SAVEPOINT {_SAVEPOINT}")
    if append(work, rows, last, now):
        connection.exec_driver_sql(f"RELEASE SAVEPOINT {_SAVEPOINT}")
        return True
    connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
    return False


def append(work: UnitOfWork, rows: Sequence[Row], last: int, now: Instant) -> bool:
    """Adds the rows behind the number `last`; returns whether none of them was stored.

    Returns False with some of them added on SQLite, and with a transaction that can
    only be rolled back on PostgreSQL.
    """
    # Written in the order of the key, pages fill up one after the other.
    columns = dict(zip(Row._fields, zip(*sorted(rows, key=_KEY_OF), strict=True), strict=True))
    used = {
        name: values
        for name, values in columns.items()
        if name not in _NULLABLE or values.count(None) < len(values)
    }
    names = (*used, "sequence", "recorded_at")
    values = zip(*used.values(), range(last + 1, last + len(rows) + 1), repeat(now), strict=False)
    if work.dialect == "sqlite":
        # Past SQLAlchemy's handling of parameters, which costs as much as SQLite's work.
        told = work.connection.exec_driver_sql(_insert(names), list(values))
        return told.rowcount == len(rows)
    return _copied(work, names, values)


def all_stored(work: UnitOfWork, rows: Sequence[Row]) -> bool:
    """Returns whether the log holds every row, with the same content."""
    told = _told(work.dialect, rows, [row.digest.hex() for row in rows])
    count = work.connection.execute(_COUNTS[work.dialect], told).scalar_one()
    return bool(count == len(rows))


def stored_digests(work: UnitOfWork, rows: Sequence[Row]) -> dict[Key, bytes]:
    """Returns the digests of those rows that the log holds, by key."""
    if not rows:
        return {}
    told = _told(work.dialect, rows, [""] * len(rows))
    found = work.connection.execute(_LOOKUPS[work.dialect], told).all()
    keys = list(map(_KEY_OF, rows))
    return {keys[place]: bytes(digest) for place, digest in found if digest is not None}


@lru_cache(maxsize=256)
def _insert(names: tuple[str, ...]) -> str:
    places = ", ".join("?" * len(names))
    return f"INSERT INTO record ({', '.join(names)}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608 - names of columns


@lru_cache(maxsize=256)
def _copy(names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Returns the statement, and the types that the server is sent."""
    types = tuple(_TYPES[type(record.c[name].type)] for name in names)
    return f"COPY record ({', '.join(names)}) FROM STDIN (FORMAT binary)", types


_TYPES: Final[Mapping[type, str]] = {
    sa.BigInteger: "int8",
    sa.Boolean: "bool",
    sa.LargeBinary: "bytea",
    sa.String: "text",
    sa.Text: "text",
}


def _copied(work: UnitOfWork, names: tuple[str, ...], values: Iterator[tuple[Any, ...]]) -> bool:
    driver: Any = work.connection.connection.driver_connection
    faults: Any = work.connection.dialect.loaded_dbapi
    statement, types = _copy(names)
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            # In binary the server parses nothing.
            copy.set_types(types)
            for row in values:
                copy.write_row(row)
    except faults.errors.UniqueViolation:
        return False
    except faults.OperationalError:
        raise StoreUnavailableError from None
    except faults.Error as fault:
        # PostgreSQL quotes the row that it refuses.
        raise BugError(f"the log refused rows: {type(fault).__name__}") from None
    return True


def _told(dialect: str, rows: Sequence[Row], digests: Sequence[str]) -> dict[str, str]:
    """Returns keys and digests as parameters: JSON on SQLite, one text a column on PostgreSQL."""
    if dialect == "sqlite":
        keys = zip(map(_KEY_OF, rows), digests, strict=True)
        return {"keys": json.dumps([(*key, digest) for key, digest in keys])}
    columns = [*zip(*map(_KEY_OF, rows), strict=True), digests]
    # Ids are printable, which this is not: nothing runs into its neighbor.
    return {
        name: _SEPARATOR.join(map(str, column))
        for name, column in zip(_WANTED, columns, strict=True)
    }


_SEPARATOR: Final = "\x1f"
_WANTED: Final = (*Row._fields[:KEY_COLUMNS], "digest")
_SAME_KEY: Final = " AND ".join(f"record.{name} = wanted.{name}" for name in _WANTED[:-1])
# A subquery for each key, never a join: of a log that was never analyzed PostgreSQL
# would read all there is to find a thousand.
_STORED: Final = f"(SELECT record.digest FROM record WHERE {_SAME_KEY})"  # noqa: S608 - constants
_PARTS: Final = ", ".join(
    f"json_extract(value, '$[{place}]') AS {name}" for place, name in enumerate(_WANTED)
)
_ARRAYS: Final = ", ".join(
    f"string_to_array(CAST(:{name} AS text), chr({ord(_SEPARATOR)}))"
    + ("\\:\\:bigint[]" if name == "revision" else "")
    for name in _WANTED
)
_TABLES: Final = {
    "sqlite": f"(SELECT key AS place, {_PARTS} FROM json_each(:keys)) AS wanted",  # noqa: S608 - constants
    "postgresql": f"unnest({_ARRAYS}) WITH ORDINALITY AS wanted({', '.join(_WANTED)}, number)",
}
_PLACES: Final = {"sqlite": "place", "postgresql": "number - 1"}
_HEX: Final = {
    "sqlite": f"lower(hex({_STORED}))",
    "postgresql": f"encode({_STORED}, 'hex')",
}
_LOOKUPS: Final = {
    dialect: sa.text(f"SELECT {_PLACES[dialect]}, {_STORED} FROM {table}")  # noqa: S608 - constants
    for dialect, table in _TABLES.items()
}
_COUNTS: Final = {
    dialect: sa.text(f"SELECT count(*) FROM {table} WHERE {_HEX[dialect]} = wanted.digest")  # noqa: S608 - constants
    for dialect, table in _TABLES.items()
}
