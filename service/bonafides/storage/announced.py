"""The rows of `announced_level`: who falls by a card that is to be served, and from when on.

Written as a whole when a card is announced, or announced again; each enterprise sees its
own row beside its level until the card is served or withdrawn.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

import sqlalchemy as sa

from bonafides.instants import Instant
from bonafides.storage.tables import announced_level
from bonafides.storage.unit_of_work import UnitOfWork

_STEP: Final = 1_000


@dataclass(frozen=True, slots=True)
class AnnouncedLevel:
    """The level that an enterprise would have by the card. Levels as the card names them."""

    code: str
    model_version: str
    model_digest: str
    level: str
    announced_at: Instant
    effective_at: Instant


def replace(work: UnitOfWork, rows: Sequence[AnnouncedLevel]) -> list[str]:
    """Stores the rows in place of those that were there.

    Who was told of the same level by the same card keeps the instant of being told.
    Returns the codes of all that now see something else, sorted.
    """
    known = {row.code: AnnouncedLevel(**row._mapping) for row in work.execute(_ALL)}  # noqa: SLF001 - its public name
    told = {row.code: _kept(known.get(row.code), row) for row in rows}
    work.execute(sa.delete(announced_level))
    made = [asdict(row) for row in told.values()]
    for start in range(0, len(made), _STEP):
        work.execute(announced_level.insert(), made[start : start + _STEP])
    return sorted(code for code in known.keys() | told.keys() if known.get(code) != told.get(code))


def find(work: UnitOfWork, code: str) -> AnnouncedLevel | None:
    """Returns what was announced to the enterprise; None: nothing."""
    row = work.execute(_ONE, {"code": code}).one_or_none()
    return None if row is None else AnnouncedLevel(**row._mapping)  # noqa: SLF001 - its public name


def find_of_page(work: UnitOfWork, codes: Sequence[str]) -> dict[str, AnnouncedLevel]:
    """Returns what was announced to each of the enterprises, by code; who is not there: nothing."""
    rows = work.execute(_ALL.where(announced_level.c.code.in_(list(codes))))
    return {row.code: AnnouncedLevel(**row._mapping) for row in rows}  # noqa: SLF001 - its public name


def _kept(known: AnnouncedLevel | None, row: AnnouncedLevel) -> AnnouncedLevel:
    if known is None or dataclasses.replace(known, announced_at=row.announced_at) != row:
        return row
    return known


_ALL: Final = sa.select(announced_level)
_ONE: Final = _ALL.where(announced_level.c.code == sa.bindparam("code"))
