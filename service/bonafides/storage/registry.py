"""Rows of the registry's table: what the registry's data say, one row per enterprise.

The row of an enterprise that takes part is marked when it is loaded anew, until
its facts follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from pydantic import TypeAdapter

from bonafides.archive.facts import Change, OperatingState, Registration, Shareholder
from bonafides.identity.registry import RegistryRow
from bonafides.identity.submission import Digest
from bonafides.instants import Day, Instant
from bonafides.personal.sealing import Sealed
from bonafides.records.money import Money
from bonafides.storage import tables
from bonafides.storage.unit_of_work import UnitOfWork

_SHAREHOLDERS: Final = TypeAdapter(tuple[Shareholder, ...])
_CHANGES: Final = TypeAdapter(tuple[Change, ...])
_registry: Final = tables.registry.c


# Keyed digests of name and number of each representative; None: not told.
PeopleIndex = tuple[tuple[Digest | None, Digest | None], ...]
_PEOPLE: Final[TypeAdapter[PeopleIndex]] = TypeAdapter(PeopleIndex)


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """What the registry's table holds of one enterprise. None: it holds nothing on this."""

    registration: Registration
    shareholders: tuple[Shareholder, ...]
    changes: tuple[Change, ...]
    representatives_index: PeopleIndex
    retrieved_at: Instant


@dataclass(frozen=True, slots=True)
class SealedRow:
    """A row for the registry's table, with what is personal sealed or indexed."""

    row: RegistryRow
    title_key: str
    representatives_index: PeopleIndex
    raw_sealed: bytes


def find_entry(work: UnitOfWork, code: str, *, lock: bool = False) -> RegistryEntry | None:
    """Returns what the registry's table holds of the code.

    With `lock`, the row isn't loaded anew until the work is done.
    """
    query = sa.select(tables.registry).where(_registry.code == code)
    row = work.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        return None
    return RegistryEntry(
        registration=Registration(
            title=row.title,
            operating_state=OperatingState(row.operating_state),
            legal_form=row.legal_form,
            registered_address=row.registered_address,
            established=_day(row.established_day),
            term_start=_day(row.term_start_day),
            term_end=_day(row.term_end_day),
            registered_capital=None
            if row.capital_minor is None
            else Money(row.capital_currency, row.capital_minor),
            business_scope=row.business_scope,
            composition=row.composition,
        ),
        shareholders=_SHAREHOLDERS.validate_json(row.shareholders),
        changes=_CHANGES.validate_json(row.changes),
        representatives_index=_PEOPLE.validate_json(row.representatives_index),
        retrieved_at=Instant(row.retrieved_at),
    )


def sealed_raw(work: UnitOfWork, code: str) -> Sealed | None:
    """Returns the row as it came, sealed; None if there is none."""
    found = work.execute(sa.select(_registry.raw_sealed).where(_registry.code == code)).scalar()
    return None if found is None else Sealed(found)


def codes_of_title(work: UnitOfWork, title_key: str, limit: int) -> list[str]:
    """Returns codes under which the registry's table has the title, at most so many."""
    found = work.execute(
        sa.select(_registry.code)
        .where(_registry.title_key == title_key)
        .order_by(_registry.code)
        .limit(limit)
    )
    return list(found.scalars())


def write_rows(work: UnitOfWork, rows: Sequence[SealedRow], now: Instant) -> None:
    """Writes rows to the registry's table, each in place of the one with its code.

    A row that was retrieved before the one it would replace is left out. Rows of
    enterprises that take part are marked, so that their facts follow.
    """
    if not rows:
        return
    insert = work.insert(tables.registry)
    replaced = {
        column.name: insert.excluded[column.name]
        for column in tables.registry.c
        if column.name not in {"code", "sync_due_at"}
    }
    work.execute(
        insert.on_conflict_do_update(
            index_elements=["code"],
            set_=replaced,
            where=insert.excluded.retrieved_at >= tables.registry.c.retrieved_at,
        ),
        [_registry_values(each, now) for each in rows],
    )
    # After the rows are locked: an enterprise that is being enrolled from the old
    # row holds that lock until it is seen here.
    enrolled = sa.exists().where(tables.enterprise.c.code == _registry.code)
    work.execute(
        sa.update(tables.registry)
        .where(_registry.code.in_([each.row.code.text for each in rows]), enrolled)
        .values(sync_due_at=now)
    )


def due_for_sync(work: UnitOfWork, limit: int) -> list[str]:
    """Returns codes of enterprises that take part and whose row was loaded anew."""
    found = work.execute(
        sa.select(_registry.code)
        .where(_registry.sync_due_at.is_not(None))
        .order_by(_registry.sync_due_at)
        .limit(limit)
    )
    return list(found.scalars())


def mark_synced(work: UnitOfWork, code: str) -> None:
    """Notes that the facts of the enterprise say what its row says."""
    work.execute(sa.update(tables.registry).where(_registry.code == code).values(sync_due_at=None))


def _registry_values(sealed: SealedRow, now: Instant) -> Mapping[str, Any]:
    told = sealed.row.registration
    capital = told.registered_capital
    return {
        "code": sealed.row.code.text,
        "title": told.title,
        "title_key": sealed.title_key,
        "operating_state": told.operating_state.value,
        "legal_form": told.legal_form,
        "registered_address": told.registered_address,
        "established_day": told.established,
        "term_start_day": told.term_start,
        "term_end_day": told.term_end,
        "capital_minor": None if capital is None else capital.minor,
        "capital_currency": None if capital is None else capital.currency,
        "business_scope": told.business_scope,
        "composition": told.composition,
        "representatives_index": _PEOPLE.dump_json(sealed.representatives_index).decode(),
        "shareholders": _SHAREHOLDERS.dump_json(sealed.row.shareholders).decode(),
        "changes": _CHANGES.dump_json(sealed.row.changes).decode(),
        "raw_sealed": sealed.raw_sealed,
        "retrieved_at": sealed.row.retrieved_at,
        "loaded_at": now,
    }


def _day(value: int | None) -> Day | None:
    return None if value is None else Day(value)
