"""The rows of `rating`: the levels that were given, as the messages that were made of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bonafides.instants import Instant
from bonafides.storage.tables import rating
from bonafides.storage.unit_of_work import UnitOfWork

_SAID: Final = ("model_version", "level", "valid_until", "message")


@dataclass(frozen=True, slots=True)
class RatingRow:
    """One level as it was given. `message` is a serialized v1.Rating, undisclosed."""

    code: str
    as_of: Instant
    model_version: str
    level: str
    valid_until: Instant
    message: bytes


def insert(work: UnitOfWork, row: RatingRow) -> None:
    """Adds the row. One of the same enterprise and instant gives way to it.

    Two changes within one operation share its instant; the later one saw more.
    """
    insert_row = (sqlite if work.dialect == "sqlite" else postgresql).insert(rating)
    work.execute(
        insert_row.on_conflict_do_update(
            index_elements=["code", "as_of"],
            set_={name: insert_row.excluded[name] for name in _SAID},
        ),
        asdict(row),
    )


def delete(work: UnitOfWork, row: RatingRow) -> None:
    """Takes the row out."""
    work.execute(sa.delete(rating).where(rating.c.code == row.code, rating.c.as_of == row.as_of))


def between(
    work: UnitOfWork, code: str, begin: Instant, end: Instant
) -> list[tuple[Instant, bytes]]:
    """Returns the messages shown from `begin` to `end`, exclusive, by as of when.

    The oldest first. The first one may be older than `begin`: it was shown still.
    """
    earlier = sa.select(sa.func.max(rating.c.as_of)).where(
        rating.c.code == code, rating.c.as_of <= begin
    )
    first = work.execute(earlier).scalar()
    found = work.execute(
        sa.select(rating.c.as_of, rating.c.message)
        .where(
            rating.c.code == code,
            rating.c.as_of >= (begin if first is None else first),
            rating.c.as_of < end,
        )
        .order_by(rating.c.as_of)
    )
    return [(Instant(row.as_of), row.message) for row in found]


def latest(work: UnitOfWork, code: str, at: Instant) -> RatingRow | None:
    """Returns the newest row as of the instant, valid or not; None if there is none."""
    found = work.execute(
        sa.select(rating)
        .where(rating.c.code == code, rating.c.as_of <= at)
        .order_by(rating.c.as_of.desc())
        .limit(1)
    ).one_or_none()
    if found is None:
        return None
    return RatingRow(
        found.code,
        Instant(found.as_of),
        found.model_version,
        found.level,
        Instant(found.valid_until),
        found.message,
    )
