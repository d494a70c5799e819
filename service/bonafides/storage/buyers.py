"""Where a platform's buyers are named in the log, and taking one out of it.

`buyer_place` says in whose records a buyer is named. It follows the log up to a mark of
its own, in steps that the worker takes; what lies behind the mark is read from the log.
So neither taking records in nor folding them pays for what is asked rarely, and nobody
has to read the whole log for it.

    seen = codes_naming(work, "1688", buyer)
    told(work, seen, "1688", buyer)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from bonafides.instants import Day
from bonafides.storage import tables
from bonafides.storage.records import hold_fold, hold_log, mark, move_mark, remembered
from bonafides.storage.unit_of_work import UnitOfWork

_PLACED: Final = "buyers_placed"

_place: Final = tables.buyer_place.c
_record: Final = tables.record.c
_rollup: Final = tables.rollup_buyer.c


@dataclass(frozen=True, slots=True)
class Named:
    """A revision that names the buyer. `latest`: no later one replaces it."""

    code: str
    kind: str
    record_id: str
    revision: int
    day: Day
    latest: bool


def is_behind(work: UnitOfWork) -> bool:
    """Returns whether there are records behind the mark, without holding anything."""
    last = work.execute(sa.select(sa.func.max(_record.sequence))).scalar() or 0
    return last > (remembered(work, _PLACED) or 0)


def place(work: UnitOfWork, limit: int) -> int:
    """Notes where the next records of the log name buyers; returns how many it looked at."""
    after = mark(work, _PLACED)
    ahead = sa.select(_record.sequence).where(_record.sequence > after)
    ahead = ahead.order_by(_record.sequence).limit(limit)
    upto = work.execute(sa.select(sa.func.max(ahead.subquery().c.sequence))).scalar()
    if upto is None:
        return 0
    named = (
        sa.select(_record.platform, _record.buyer, _record.code)
        .where(_record.sequence.between(after + 1, upto), _record.buyer.is_not(None))
        .distinct()
    )
    insert = work.insert(tables.buyer_place)
    keys = ["platform", "buyer", "code"]
    work.execute(insert.from_select(keys, named).on_conflict_do_nothing(index_elements=keys))
    move_mark(work, _PLACED, upto)
    return int(upto) - after


def codes_naming(work: UnitOfWork, platform: str, buyer: bytes) -> frozenset[str]:
    """Returns whose records name the buyer, in any revision."""
    placed = work.execute(
        sa.select(_place.code).where(_place.platform == platform, _place.buyer == buyer)
    )
    found = set(placed.scalars())
    after = remembered(work, _PLACED) or 0
    behind = work.execute(
        sa.select(_record.code)
        .where(_record.sequence > after, _record.platform == platform, _record.buyer == buyer)
        .distinct()
    )
    return frozenset(found | set(behind.scalars()))


def told(work: UnitOfWork, codes: Iterable[str], platform: str, buyer: bytes) -> list[Named]:
    """Returns the revisions that name the buyer, the latest day first."""
    later = tables.record.alias("later")
    keys = ("code", "platform", "kind", "record_id")
    superseded = sa.exists().where(
        *(later.c[name] == _record[name] for name in keys), later.c.revision > _record.revision
    )
    found = [
        Named(row.code, row.kind, row.record_id, row.revision, Day(row.day), not row.superseded)
        for code in sorted(codes)
        for row in work.execute(
            sa.select(
                _record.code,
                _record.kind,
                _record.record_id,
                _record.revision,
                _record.day,
                superseded.label("superseded"),
            ).where(_record.code == code, _record.platform == platform, _record.buyer == buyer)
        )
    ]
    return sorted(found, key=lambda n: (-n.day, n.code, n.kind, n.record_id, -n.revision))


def hold(work: UnitOfWork) -> None:
    """Keeps records from coming, from being folded and from being placed until the commit."""
    hold_log(work)
    hold_fold(work)
    mark(work, _PLACED)


def erase(work: UnitOfWork, codes: Iterable[str], platform: str, buyer: bytes) -> int:
    """Takes the buyer out of every record and roll-up; returns of how many revisions.

    Under `hold`. Totals by day hold no buyer and stay. A record without a buyer counts as
    a transaction and as no buyer's, so what is removed here is what a recount leaves out.
    """
    done = 0
    for code in sorted(codes):
        done += work.execute(
            sa.update(tables.record)
            .where(_record.code == code, _record.platform == platform, _record.buyer == buyer)
            .values(buyer=None)
        ).rowcount
        work.execute(
            sa.delete(tables.rollup_buyer).where(
                _rollup.code == code, _rollup.platform == platform, _rollup.buyer == buyer
            )
        )
    work.execute(
        sa.delete(tables.buyer_place).where(_place.platform == platform, _place.buyer == buyer)
    )
    return done


def detach(work: UnitOfWork, key: tuple[str, str, str, str], buyer: bytes, *, before: int) -> int:
    """Takes the buyer out of the revisions of a record below one; returns of how many.

    Under `hold`, and for revisions that are superseded: roll-ups count the latest alone.
    """
    code, platform, kind, record_id = key
    return work.execute(
        sa.update(tables.record)
        .where(
            _record.code == code,
            _record.platform == platform,
            _record.kind == kind,
            _record.record_id == record_id,
            _record.revision < before,
            _record.buyer == buyer,
        )
        .values(buyer=None)
    ).rowcount
