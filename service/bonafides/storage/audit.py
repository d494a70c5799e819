"""Rows of the audit: who was shown what of which enterprise.

The enterprise is in them by a keyed pseudonym: HMAC over its code and a salt of its own.
The way from an enterprise to its rows is its salt: without it, or without the key, nobody
finds them. Deleting the salt unlinks what was written; what is written later gets another.

    batch.submit(Writer(vault), entries)
    find_pseudonym(work, vault, code)                        # None: nothing was written
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bonafides.access.audit import Count, Entry, bits_of, resting
from bonafides.identity.consent import Consent, standing
from bonafides.instants import Day
from bonafides.personal.sealing import Vault
from bonafides.storage import audit_index, consents, tables
from bonafides.storage.audit_index import Range
from bonafides.storage.unit_of_work import UnitOfWork

T = TypeVar("T")

PSEUDONYM_BYTES: Final = 16
# The term of rows: what a year's disputes may ask for, and some time to open them.
KEPT_DAYS: Final = 400
_FIELD: Final = "audit enterprise"
_SALT_BYTES: Final = 16
_MOST_KNOWN: Final = 8_192
# Bounds one round of pruning.
_PRUNED_AT_ONCE: Final = 10_000
# What SQLite binds to one statement.
_MOST_VALUES: Final = 32_766
# Rows of one statement that commits by itself.
MOST_AT_ONCE: Final = 256

_salts: Final = tables.audit_salt
_shown: Final = tables.disclosure
_counts: Final = tables.disclosure_count

# In the order in which a row is made of an entry: its codes, its day, and what follows.
_NAMES: Final = ("enterprise", "acts_for", "day", "writer", "number", *Entry._fields[3:])
_COLUMNS: Final = ", ".join(_NAMES)
_COPY: Final = f"COPY {_shown.name} ({_COLUMNS}) FROM STDIN"
_SALTS: Final = sa.select(_salts.c.code, _salts.c.salt).where(
    _salts.c.code == sa.any_(sa.bindparam("codes", type_=postgresql.ARRAY(sa.String)))
)
_SALTS_SQLITE: Final = (
    "SELECT json_group_object(code, hex(salt)) FROM audit_salt "
    "WHERE code IN (SELECT value FROM json_each(?))"
)
_SALTS_HOLD: Final = (
    "(SELECT count(*) FROM json_each(?) AS known "
    "JOIN audit_salt ON code = known.key AND hex(salt) = known.value) = ?"
)


class Statement(NamedTuple):
    """A statement of SQLite with its values, and which rows it adds."""

    text: str
    values: Sequence[Any]
    ranges: Sequence[Range]


class Writer:
    """Stores rows, for the one process that it is made in. Two threads may share it.

    A sort of the shared batch.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault: Final = vault
        # No process writes under the number of another, or of its own former life.
        self._writer: Final = secrets.randbits(62)
        self._next = 0
        self._lock: Final = threading.Lock()
        # The salts that were read last, each with the pseudonym that it makes. Whoever uses
        # one has the database say in the same transaction that it is still the salt.
        self._known: Final[dict[str, _Known]] = {}

    def __call__(self, work: UnitOfWork, entries: Sequence[Entry]) -> None:
        """Adds a row for each entry, in one statement as far as the database allows."""
        entries = _with_consents(work, entries)
        codes = _codes(entries)
        known = self._remember(_salts_of(work, codes))
        first = self._numbers(len(entries))
        _insert(work, self._rows(entries, known, first))
        audit_index.note(work, self._ranges(entries, first))

    def statement(
        self, connection: sqlite3.Connection, entries: Sequence[Entry]
    ) -> Statement | None:
        """Returns a statement of SQLite that adds the rows, all or none.

        It adds them if the salts that are remembered are those that stand; those that are not
        are read. None: an enterprise has none yet, or the ledger of consents has to be read.

        Raises:
            sqlite3.Error: the salts can't be read.
        """
        if any(each.consents is None for each in entries):
            return None
        codes, remembered = _codes(entries), self._known
        known = {code: each for code in codes if (each := remembered.get(code)) is not None}
        if unknown := [code for code in codes if code not in known]:
            told = connection.execute(_SALTS_SQLITE, (json.dumps(unknown),)).fetchone()[0]
            known |= self._remember(_salts_in(told))
        if len(known) < len(codes):
            # Before numbers are taken: rows without a gap are one range.
            return None
        first = self._numbers(len(entries))
        values: list[Any] = list(chain.from_iterable(self._rows(entries, known, first)))
        salts = ",".join([each.member for each in known.values()])
        values += (f"{{{salts}}}", len(known))
        text = _insert_sqlite(len(entries), checked=True)
        return Statement(text, values, self._ranges(entries, first))

    def _numbers(self, rows: int) -> int:
        """Returns the first of so many numbers. Those of rows that fail are not used again."""
        with self._lock:
            first = self._next
            self._next += rows
        return first

    def _ranges(self, entries: Sequence[Entry], first: int) -> Sequence[Range]:
        days = {each.day for each in entries}
        return [Range(day, self._writer, first, first + len(entries) - 1) for day in days]

    def _rows(
        self, entries: Sequence[Entry], known: Mapping[str, _Known], first: int
    ) -> Sequence[Sequence[Any]]:
        names: dict[str | None, bytes | None] = {
            code: each.pseudonym for code, each in known.items()
        }
        names[None] = None
        return [
            (names[code], names[acts_for], day, self._writer, number, *rest)
            for number, (code, acts_for, day, *rest) in enumerate(entries, first)
        ]

    def _remember(self, salts: Mapping[str, bytes]) -> Mapping[str, _Known]:
        """Returns the salts with their pseudonyms, made where they are not remembered."""
        found = {}
        for code, salt in salts.items():
            known, told = self._known.get(code), salt.hex().upper()
            if known is None or known.salt != told:
                member = f'"{code}":"{told}"'
                known = _Known(told, pseudonym(self._vault, code, salt), member)
            found[code] = known
        if len(self._known) + len(found) > _MOST_KNOWN:
            self._known.clear()
        self._known.update(found)
        return found


class _Known(NamedTuple):
    """The salt of an enterprise in hex as SQLite writes it, and the pseudonym that it makes."""

    salt: str
    pseudonym: bytes
    # Code and salt as a member of an object of JSON.
    member: str


def _with_consents(work: UnitOfWork, entries: Sequence[Entry]) -> Sequence[Entry]:
    """Returns the entries, each with the consents that the ledger has of its instant."""
    asked = {each.code for each in entries if each.consents is None and each.code is not None}
    if not asked:
        return entries
    ledgers = consents.ledgers(work, sorted(asked))
    return [
        each
        if each.consents is not None or each.code is None
        else each._replace(consents=_consented(ledgers[each.code], each))
        for each in entries
    ]


def _consented(ledger: Sequence[Consent], of: Entry) -> int:
    return bits_of(standing(ledger, of.shown_at).purposes) & resting(of.classes)


def _codes(entries: Sequence[Entry]) -> list[str]:
    codes = {each.code for each in entries} | {each.acts_for for each in entries}
    return [code for code in codes if code is not None]


def add_counts(work: UnitOfWork, counts: Sequence[Count]) -> None:
    """Adds to the counts of the public's reads."""
    summed: dict[tuple[Day, str], int] = {}
    for day, method, times in counts:
        summed[day, method] = summed.get((day, method), 0) + times
    dialect = sqlite if work.dialect == "sqlite" else postgresql
    insert = dialect.insert(_counts)
    # In order: two processes must not wait for each other's row in turn.
    work.execute(
        insert.on_conflict_do_update(
            index_elements=["day", "method"],
            set_={"count": _counts.c.count + insert.excluded.count},
        ),
        [
            {"day": day, "method": method, "count": times}
            for (day, method), times in sorted(summed.items())
        ],
    )


def pseudonym(vault: Vault, code: str, salt: bytes) -> bytes:
    """Returns the pseudonym that the audit has for an enterprise, 16 bytes."""
    return vault.index(_FIELD, f"{salt.hex()}|{code}")[:PSEUDONYM_BYTES]


def find_pseudonym(work: UnitOfWork, vault: Vault, code: str) -> bytes | None:
    """Returns the pseudonym of an enterprise; None: nothing was written of it, or unlinked."""
    salt = work.execute(sa.select(_salts.c.salt).where(_salts.c.code == code)).scalar()
    return None if salt is None else pseudonym(vault, code, salt)


def unlink(work: UnitOfWork, code: str) -> None:
    """Deletes the salt: the rows stay, and nobody can tell of whom they are."""
    work.execute(sa.delete(_salts).where(_salts.c.code == code))


def prune(work: UnitOfWork, today: Day) -> int:
    """Deletes some of the rows past their term, and such counts; returns how many, 0 if none."""
    first = Day(today - KEPT_DAYS)
    key = sa.tuple_(_shown.c.day, _shown.c.writer, _shown.c.number)
    old = sa.select(_shown.c.day, _shown.c.writer, _shown.c.number).where(_shown.c.day < first)
    told = work.execute(sa.delete(_shown).where(key.in_(old.limit(_PRUNED_AT_ONCE))))
    work.execute(sa.delete(_counts).where(_counts.c.day < first))
    audit_index.forget(work, first)
    return told.rowcount


def _salts_of(work: UnitOfWork, codes: Sequence[str]) -> Mapping[str, bytes]:
    """Returns the salts of enterprises, made where there is none."""
    if not codes:
        return {}
    found = _read_salts(work, codes)
    missing = sorted(code for code in codes if code not in found)
    if not missing:
        return found
    _add_salts(work, [(code, os.urandom(_SALT_BYTES)) for code in missing])
    # Another process may have been first.
    return _read_salts(work, codes)


def _read_salts(work: UnitOfWork, codes: Sequence[str]) -> dict[str, bytes]:
    if work.dialect != "sqlite":
        found = work.execute(_SALTS, {"codes": codes}).all()
        return {row.code: bytes(row.salt) for row in found}
    # One row: each further one would hand the interpreter to another thread and wait to
    # have it back.
    told = work.connection.exec_driver_sql(_SALTS_SQLITE, (json.dumps(codes),)).scalar_one()
    return _salts_in(told)


def _salts_in(told: str) -> dict[str, bytes]:
    return {code: bytes.fromhex(salt) for code, salt in json.loads(told).items()}


def _add_salts(work: UnitOfWork, rows: Sequence[tuple[str, bytes]]) -> None:
    if work.dialect == "sqlite":
        for part in batched(rows, _MOST_VALUES // 2):
            values = tuple(chain.from_iterable(part))
            work.connection.exec_driver_sql(_salts_sqlite(len(part)), values)
        return
    insert = postgresql.insert(_salts).on_conflict_do_nothing()
    work.execute(insert, [{"code": code, "salt": salt} for code, salt in rows])


@lru_cache(64)
def _salts_sqlite(salts: int) -> str:
    """Returns one statement for so many salts, for the reason given in `_read_salts`."""
    rows = ", ".join(["(?, ?)"] * salts)
    return f"INSERT OR IGNORE INTO {_salts.name} (code, salt) VALUES {rows}"  # noqa: S608 - constants


def _insert(work: UnitOfWork, rows: Sequence[Sequence[Any]]) -> None:
    if work.dialect == "sqlite":
        for part in batched(rows, _MOST_VALUES // len(_NAMES)):
            values = tuple(chain.from_iterable(part))
            work.connection.exec_driver_sql(_insert_sqlite(len(part), checked=False), values)
        return
    if not work.connection.in_transaction():
        # What goes past it begins no transaction by itself, and would not be committed.
        work.connection.begin()
    # A third of the time that executemany takes for sixty rows.
    cursor = work.connection.connection.cursor()
    with cursor.copy(_COPY) as copy:
        for row in rows:
            copy.write_row(row)


@lru_cache(2 * MOST_AT_ONCE)
def _insert_sqlite(rows: int, *, checked: bool) -> str:
    """Returns one statement for so many rows, for the reason given in `_read_salts`.

    `checked`: it adds none if not all of the salts, given behind the rows as an object in
    JSON and a number, are those that the database has.
    """
    row = f"({', '.join('?' * len(_NAMES))})"
    values = f"VALUES {', '.join([row] * rows)}"
    source = f"SELECT * FROM ({values}) WHERE {_SALTS_HOLD}" if checked else values  # noqa: S608 - constants
    return f"INSERT INTO {_shown.name} ({_COLUMNS}) {source}"


def batched(rows: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """Yields the rows in parts of at most so many."""
    for begin in range(0, len(rows), most):
        yield rows[begin : begin + most]
