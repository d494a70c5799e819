"""Rows of what each platform is not shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import sqlalchemy as sa

from bonafides.instants import Instant
from bonafides.storage.changes import PLATFORM_MASK, Change
from bonafides.storage.tables import platform_mask
from bonafides.storage.unit_of_work import UnitOfWork

_mask: Final = platform_mask.c


@dataclass(frozen=True, slots=True)
class MaskRow:
    """One mask. `number` is its own among the masks of all platforms."""

    platform: str
    version: int
    number: int
    uid: str
    request_digest: bytes
    withheld: tuple[str, ...]
    reason: str
    set_at: Instant
    set_by: str


def add(work: UnitOfWork, made: MaskRow) -> None:
    """Adds a mask, which holds from now on, and notes the change."""
    work.execute(platform_mask.insert(), asdict(made) | {"withheld": " ".join(made.withheld)})
    work.note(Change(PLATFORM_MASK, made.platform, made.version, made.set_at))


def last_number(work: UnitOfWork) -> int:
    """Returns the highest number of any mask; 0: there is none."""
    return work.execute(sa.select(sa.func.max(_mask.number))).scalar() or 0


def history(work: UnitOfWork, platform: str) -> list[MaskRow]:
    """Returns every mask that the platform had, the latest first."""
    found = work.execute(
        sa.select(platform_mask).where(_mask.platform == platform).order_by(_mask.version.desc())
    )
    return [_row(row) for row in found]


def current(work: UnitOfWork) -> dict[str, MaskRow]:
    """Returns the mask that holds for each platform that ever had one."""
    last = (
        sa.select(_mask.platform, sa.func.max(_mask.version).label("version"))
        .group_by(_mask.platform)
        .subquery()
    )
    same = sa.and_(_mask.platform == last.c.platform, _mask.version == last.c.version)
    found = work.execute(sa.select(platform_mask).join(last, same))
    return {row.platform: _row(row) for row in found}


def _row(row: sa.Row[Any]) -> MaskRow:
    return MaskRow(**(row._asdict() | {"withheld": tuple(row.withheld.split())}))
