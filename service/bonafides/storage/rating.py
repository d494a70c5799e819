"""The rows of `rating`: the levels that were given, as the messages that were made of them.

With each goes its receipt, and of which facts it was. What does not answer is looked up
here too: platforms that fell silent, and renewals that wait for a source.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import sqlalchemy as sa

from bonafides.identity.submission import State
from bonafides.instants import Instant
from bonafides.rating.receipt import SECRET_BYTES
from bonafides.storage import tables
from bonafides.storage.tables import rating, write_cursor
from bonafides.storage.unit_of_work import UnitOfWork

# What is said of a level that changed nothing.
NOTHING: Final = "NOTHING"


@dataclass(frozen=True, slots=True)
class RatingRow:
    """One level as it was given. `message` is a serialized v1.Rating, undisclosed.

    `level` is the one shown, which is the published one unless people set another; `cause`
    is why it is another than before.
    """

    code: str
    as_of: Instant
    model_version: str
    level: str
    raw_level: str
    cause: str
    valid_until: Instant
    message: bytes
    marks: str
    receipt: bytes


_SAID: Final = tuple(name for name in RatingRow.__slots__ if name not in {"code", "as_of"})


def insert(work: UnitOfWork, rows: Sequence[RatingRow]) -> None:
    """Adds the rows, at least one. One of the same enterprise and instant gives way to it.

    Two changes within one operation share its instant; the later one saw more.
    """
    insert_row = work.insert(rating)
    work.execute(
        insert_row.on_conflict_do_update(
            index_elements=["code", "as_of"],
            set_={name: insert_row.excluded[name] for name in _SAID},
        ),
        [asdict(row) for row in rows],
    )


def delete(work: UnitOfWork, rows: Sequence[RatingRow]) -> None:
    """Takes the rows out."""
    gone = [{"of_code": row.code, "of_instant": row.as_of} for row in rows]
    if gone:
        work.execute(_DELETE, gone)


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
    return _newest(work, rating.c.code == code, rating.c.as_of <= at)


def before(work: UnitOfWork, code: str, at: Instant) -> RatingRow | None:
    """Returns the newest row of before the instant; None if there is none."""
    return _newest(work, rating.c.code == code, rating.c.as_of < at)


def before_of_page(work: UnitOfWork, codes: Sequence[str], at: Instant) -> dict[str, RatingRow]:
    """Returns what `before` does of each of the enterprises that has such a row, by code."""
    last = (
        sa.select(rating.c.code, sa.func.max(rating.c.as_of).label("as_of"))
        .where(rating.c.code.in_(list(codes)), rating.c.as_of < at)
        .group_by(rating.c.code)
        .subquery()
    )
    same = sa.and_(rating.c.code == last.c.code, rating.c.as_of == last.c.as_of)
    found = work.execute(sa.select(rating).join(last, same))
    return {row.code: _row(row) for row in found}


def steps(work: UnitOfWork, code: str, at: Instant, limit: int) -> list[RatingRow]:
    """Returns the rows of until before the instant that changed something, the newest first."""
    return _rows(work, limit, rating.c.code == code, rating.c.as_of < at, rating.c.cause != NOTHING)


def kept(work: UnitOfWork, code: str, at: Instant, limit: int) -> list[RatingRow]:
    """Returns the rows of until before the instant, the newest first."""
    return _rows(work, limit, rating.c.code == code, rating.c.as_of < at)


def unevaluated(work: UnitOfWork, codes: Iterable[str], since: Instant) -> list[str]:
    """Returns those of the enterprises that were not rated since the instant, sorted."""
    wanted = list(codes)
    rated = sa.select(rating.c.code).where(rating.c.code.in_(wanted), rating.c.as_of >= since)
    return sorted(set(wanted) - set(work.execute(rated.distinct()).scalars()))


def secret(work: UnitOfWork, code: str) -> bytes:
    """Returns of what the salts of the enterprise's receipts are made; drawn at first use."""
    table = tables.rating_secret
    known = sa.select(table.c.secret).where(table.c.code == code)
    found: bytes | None = work.execute(known).scalar()
    if found is None:
        drawn = {"code": code, "secret": secrets.token_bytes(SECRET_BYTES)}
        work.execute(work.insert(table).on_conflict_do_nothing(), drawn)
        # Another may have drawn it at the same time: the first one stands.
        found = work.execute(known).scalar_one()
    return bytes(found)


def secrets_of_page(work: UnitOfWork, codes: Sequence[str]) -> dict[str, bytes]:
    """Returns what `secret` does of each of the enterprises, by code."""
    table = tables.rating_secret
    known = sa.select(table.c.code, table.c.secret).where(table.c.code.in_(list(codes)))
    found = {row.code: bytes(row.secret) for row in work.execute(known)}
    if len(found) < len(codes):
        drawn = [
            {"code": code, "secret": secrets.token_bytes(SECRET_BYTES)}
            for code in codes
            if code not in found
        ]
        work.execute(work.insert(table).on_conflict_do_nothing(), drawn)
        # Another may have drawn one at the same time: the first one stands.
        found = {row.code: bytes(row.secret) for row in work.execute(known)}
    return found


def last_written(work: UnitOfWork, platforms: Iterable[str]) -> dict[str, Instant]:
    """Returns when each of the platforms streamed records last; one that never did is out."""
    newest = sa.func.max(write_cursor.c.written_at)
    told = sa.select(write_cursor.c.writer, newest.label("at")).group_by(write_cursor.c.writer)
    found = work.execute(told.where(write_cursor.c.writer.in_(list(platforms))))
    return {row.writer: Instant(row.at) for row in found}


def renewals_wait(work: UnitOfWork, ended_at: Mapping[str, Instant]) -> frozenset[str]:
    """Returns who of the enterprises renewed before its instant, and a source has not answered.

    A stranger's submission tells nothing: it must be by whom the enterprise takes part.
    """
    if not ended_at:
        return frozenset()
    found = work.execute(_RENEWALS, {"codes": list(ended_at)})
    return frozenset(row.code for row in found if row.submitted_at < ended_at[row.code])


def _renewals() -> sa.Select[Any]:
    """Returns the statement behind `renewals_wait`, made once."""
    table, evidence = tables.submission.c, tables.evidence.c
    enrolling, taking_part = tables.submission.alias("enrolling").c, tables.enterprise.c
    own = (
        sa.select(enrolling.submitter)
        .join_from(
            tables.enterprise,
            enrolling.code.table,
            sa.and_(enrolling.code == taking_part.code, enrolling.uid == taking_part.uid),
        )
        .where(taking_part.code == table.code)
        .correlate(tables.submission)
    )
    last = (
        sa.select(sa.func.max(evidence.asked_at))
        .where(evidence.code == table.code, evidence.uid == table.uid)
        .correlate(tables.submission)
        .scalar_subquery()
    )
    answer = tables.evidence.alias("answer").c
    unreached = (
        sa.select(answer.uid)
        .where(
            answer.code == table.code,
            answer.uid == table.uid,
            answer.asked_at == last,
            answer.fault != "",
        )
        .exists()
    )
    return sa.select(table.code, table.submitted_at).where(
        table.code.in_(sa.bindparam("codes", expanding=True)),
        table.state == State.PENDING.value,
        table.submitter.in_(own),
        unreached,
    )


_RENEWALS: Final = _renewals()
_DELETE: Final = sa.delete(rating).where(
    rating.c.code == sa.bindparam("of_code"), rating.c.as_of == sa.bindparam("of_instant")
)


def _newest(work: UnitOfWork, *where: sa.ColumnElement[bool]) -> RatingRow | None:
    return next(iter(_rows(work, 1, *where)), None)


def _rows(work: UnitOfWork, limit: int, *where: sa.ColumnElement[bool]) -> list[RatingRow]:
    told = sa.select(rating).where(*where).order_by(rating.c.as_of.desc()).limit(limit)
    return [_row(found) for found in work.execute(told)]


def _row(found: sa.Row[Any]) -> RatingRow:
    return RatingRow(
        found.code,
        Instant(found.as_of),
        found.model_version,
        found.level,
        found.raw_level,
        found.cause,
        Instant(found.valid_until),
        found.message,
        found.marks,
        bytes(found.receipt),
    )
