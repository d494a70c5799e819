"""A page of enterprises is rated at once as each would be alone, in so many statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from bonafides.archive import operations as archive_operations
from bonafides.identity.corrections import Sort
from bonafides.instants import DAY, Instant
from bonafides.personal.sealing import Vault
from bonafides.rating import operations as rating_operations
from bonafides.rating import page_operations, peers
from bonafides.rating.card import Level
from bonafides.rating.scorecard import champion
from bonafides.storage import announced, reviews, tables
from bonafides.storage import identity as identity_rows
from bonafides.storage.unit_of_work import Store, UnitOfWork
from tests.builders import NOW, TODAY
from tests.service import parity

CARD = champion(None)
LATER = Instant(NOW + DAY)


@pytest.fixture
def filled(store: Store, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Thirty enterprises with every kind of record, of which people said this and that."""
    monkeypatch.setattr(peers, "LEAST_MEMBERS", 2)
    parity.fill(store, vault, parity.generated)
    codes = _codes(store)
    with store.writing() as work:
        archive_operations.refresh_page(work, CARD, codes, NOW)
        refusing, told = codes[0], codes[1]
        reviews.say(work, refusing, reviews.Refusal(refused=True, at=NOW), "owner")
        announced.replace(
            work,
            [announced.AnnouncedLevel(told, "x-1", "0" * 64, Level.C.value, NOW, LATER)],
        )
        work.execute(tables.correction.insert(), _case(codes[2]))
        # About facts that are others now: whoever rates next ends it.
        individual = next(code for code in codes if code.startswith("92"))
        ended = reviews.ReviewRow(
            individual, "review", reviews.KNOCK_OUT, frozenset({"x"}), NOW, "", b"", TODAY
        )
        reviews.add(work, ended)
        work.commit()
    rating_operations.measure_peers(store, CARD, now=NOW)
    return store


def _case(code: str) -> dict[str, Any]:
    """Returns a case about a fact of the enterprise that nobody has ruled on."""
    values: dict[str, Any] = {}
    for column in tables.correction.c:
        empty = b"" if isinstance(column.type, sa.LargeBinary) else ""
        number = isinstance(column.type, sa.BigInteger | sa.Integer)
        if not column.nullable and column.server_default is None:
            values[column.name] = 0 if number else empty
    sort = {"sort": Sort.FACT.value, "kind": "REGISTRATION", "opened_at": NOW, "state": "OPEN"}
    return values | sort | {"code": code, "uid": "case", "due_day": LATER // DAY + 40}


def _codes(store: Store) -> list[str]:
    with store.reading() as work:
        return identity_rows.enrolled_codes(work, "", 1_000)


def _kept(work: UnitOfWork) -> dict[str, Sequence[Any]]:
    """Returns every row that rating and refreshing write, and what others are told of."""
    written = (tables.rating, tables.snapshot, tables.review)
    rows = {table.name: sorted(map(tuple, work.execute(sa.select(table)))) for table in written}
    return {**rows, "changes": sorted(work._noted, key=lambda each: each.key)}


def _after(store: Store, does: Callable[[UnitOfWork, list[str]], object]) -> dict[str, Any]:
    """Returns what is kept after something that is then taken back."""
    codes = _codes(store)
    with store.writing() as work:
        does(work, codes)
        return _kept(work)


def _one_by_one(work: UnitOfWork, codes: list[str]) -> None:
    for code in codes:
        archive_operations.refresh(work, CARD, code, LATER)


def _at_once(work: UnitOfWork, codes: list[str]) -> None:
    archive_operations.refresh_page(work, CARD, codes, LATER)


@pytest.mark.feature("E6", "L5")
def test_a_page_leaves_the_same_levels_views_and_receipts_as_one_by_one(filled: Store) -> None:
    alone, together = _after(filled, _one_by_one), _after(filled, _at_once)
    assert together == alone
    levels = {row[3] for row in together["rating"]}
    assert {Level.A, Level.NR} <= levels
    assert [row for row in together["review"] if LATER in row]


@pytest.mark.feature("E6")
def test_inputs_of_a_page_are_those_of_one_by_one(filled: Store) -> None:
    codes = _codes(filled)
    with filled.reading() as work:
        page, _ = page_operations.gather_page(work, codes, LATER)
        for code in codes:
            assert page[code] == rating_operations.gather(work, code, LATER)


@pytest.mark.feature("E6")
def test_a_page_takes_as_many_statements_whatever_its_length(filled: Store) -> None:
    codes = _codes(filled)
    counted: list[int] = []
    # None of whom people said anything, nor of whom a person is to look.
    with filled.reading() as work:
        spoken = {row.code for row in work.execute(sa.select(tables.review.c.code))}
    plain = [code for code in codes[1:] if code not in spoken]
    for page in (plain[:4], plain):
        statements: list[str] = []

        def seen(*told: Any, into: list[str] = statements) -> None:
            into.append(told[2])

        sa.event.listen(filled.engine, "before_cursor_execute", seen)
        with filled.writing() as work:
            archive_operations.refresh_page(work, CARD, page, LATER)
        sa.event.remove(filled.engine, "before_cursor_execute", seen)
        counted.append(len(statements))
    assert len(plain) > 20
    assert max(counted) - min(counted) <= 3
    assert max(counted) < 45


def test_who_does_not_take_part_is_left_alone(filled: Store) -> None:
    with filled.writing() as work:
        before = _kept(work)
        archive_operations.refresh_page(work, CARD, ["91990000MA00000000"], LATER)
        assert _kept(work) == before
