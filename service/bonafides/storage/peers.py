"""What peer means are measured of, and the means as they were measured last.

Figures are those of the levels that were kept: of each enterprise that takes part the
newest one, if it is of the card that is served and not too old. Nothing of a single
enterprise is stored here but the group to which it belongs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from bonafides.archive import facts
from bonafides.instants import DAY, Instant, day_of
from bonafides.rating.peers import Group, Measured, PeerMean
from bonafides.records.kinds import Kind
from bonafides.storage import tables
from bonafides.storage.unit_of_work import UnitOfWork

# An enterprise that neither trades nor is read is rated no more; its figures are then
# left out rather than taken for today's.
OLDEST_LEVEL: Final = 31 * DAY
_MEASURED: Final = "peers_measured"
_STEP: Final = 1_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """An enterprise with a level. `message` is a serialized v1.Rating, undisclosed.

    `categories` are those of its open stores on platforms that it authorized, "" where
    a store names none.
    """

    code: str
    message: bytes
    registration: facts.Registration | None
    categories: tuple[str, ...]


def candidates(
    work: UnitOfWork, page: Sequence[str], *, version: str, now: Instant
) -> list[Candidate]:
    """Returns those of the page of codes that have a fresh level of the card, in order."""
    fresh = {"codes": page, "oldest": now - OLDEST_LEVEL, "now": now, "version": version}
    levels = {row.code: row.message for row in work.execute(_LEVELS, fresh)}
    codes = list(levels)
    told = _registrations(work, codes, now)
    categories = _categories(work, codes, now)
    return [
        Candidate(code, message, told.get(code), tuple(categories.get(code, ())))
        for code, message in levels.items()
    ]


def measured_at(work: UnitOfWork) -> Instant | None:
    """Returns when peer means were measured last; None: never."""
    counter = tables.counter.c
    found = work.execute(sa.select(counter.value).where(counter.name == _MEASURED)).scalar()
    return None if found is None else Instant(found)


def replace(work: UnitOfWork, measured: Measured, *, now: Instant) -> None:
    """Stores what was measured in place of what was there."""
    work.execute(sa.delete(tables.peer_mean))
    rows = [
        {
            "peer_group": mean.group.key,
            "feature": mean.feature,
            "title_zh": mean.group.title_zh,
            "title_en": mean.group.title_en,
            "mean_milli": mean.mean_milli,
            "members": mean.members,
            "measured_at": now,
        }
        for mean in measured.means
    ]
    if rows:
        work.execute(tables.peer_mean.insert(), rows)
    _regroup(work, measured.groups)
    insert = work.insert(tables.counter)
    work.execute(
        insert.on_conflict_do_update(
            index_elements=["name"], set_={"value": insert.excluded.value}
        ),
        {"name": _MEASURED, "value": now},
    )


def means_for(work: UnitOfWork, code: str) -> dict[str, tuple[PeerMean, Instant]]:
    """Returns, by feature, the mean of the enterprise's group and when it was measured.

    Empty: the enterprise is in no group.
    """
    return means_of_page(work, [code]).get(code, {})


def means_of_page(
    work: UnitOfWork, codes: Sequence[str]
) -> dict[str, dict[str, tuple[PeerMean, Instant]]]:
    """Returns what `means_for` does of each of the enterprises that is in a group, by code."""
    found: dict[str, dict[str, tuple[PeerMean, Instant]]] = {}
    for row in work.execute(_MEANS, {"codes": list(codes)}):
        group = Group(row.peer_group, row.title_zh, row.title_en)
        mean = PeerMean(group, row.feature, row.mean_milli, row.members)
        found.setdefault(row.code, {})[row.feature] = (mean, Instant(row.measured_at))
    return found


def _regroup(work: UnitOfWork, groups: Mapping[str, str]) -> None:
    """Writes the groups that changed: of a hundred enterprises hardly one a day."""
    table = tables.peer_group
    known = {row.code: row.peer_group for row in work.execute(sa.select(table))}
    gone = [{"gone": code} for code in known.keys() - groups.keys()]
    if gone:
        work.execute(sa.delete(table).where(table.c.code == sa.bindparam("gone")), gone)
    moved = [
        {"code": code, "peer_group": group}
        for code, group in groups.items()
        if known.get(code) != group
    ]
    insert = work.insert(table)
    upsert = insert.on_conflict_do_update(
        index_elements=["code"], set_={"peer_group": insert.excluded.peer_group}
    )
    for start in range(0, len(moved), _STEP):
        work.execute(upsert, moved[start : start + _STEP])


def _registrations(
    work: UnitOfWork, codes: Sequence[str], now: Instant
) -> dict[str, facts.Registration]:
    found: dict[str, facts.Registration] = {}
    for row in work.execute(_REGISTRATIONS, {"codes": codes, "now": now}):
        value = facts.from_json(facts.Kind.REGISTRATION, row.value)
        if isinstance(value, facts.Registration):
            found[row.code] = value
    return found


def _categories(work: UnitOfWork, codes: Sequence[str], now: Instant) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in work.execute(_STORES, {"codes": codes, "now": now, "today": day_of(now)}):
        detail = json.loads(row.detail or "{}")
        found.setdefault(row.code, []).append(detail.get("category", ""))
    return found


_NOW: Final = sa.bindparam("now", type_=sa.BigInteger)
_CODES: Final[sa.BindParameter[Sequence[str]]] = sa.bindparam("codes", expanding=True)


def _levels() -> sa.Select[tuple[str, bytes]]:
    rating = tables.rating.c
    newest = (
        sa.select(rating.code, sa.func.max(rating.as_of).label("as_of"))
        .where(rating.code.in_(_CODES), rating.as_of <= _NOW)
        .group_by(rating.code)
        .subquery()
        .c
    )
    return (
        sa.select(rating.code, rating.message)
        .join_from(
            tables.rating,
            newest.code.table,
            sa.and_(rating.code == newest.code, rating.as_of == newest.as_of),
        )
        .where(
            rating.as_of > sa.bindparam("oldest", type_=sa.BigInteger),
            rating.model_version == sa.bindparam("version"),
        )
        .order_by(rating.code)
    )


def _registered() -> sa.Select[tuple[str, str]]:
    fact = tables.fact.c
    return (
        sa.select(fact.code, fact.value)
        .where(
            fact.code.in_(_CODES),
            fact.kind == facts.Kind.REGISTRATION.value,
            fact.superseded_at.is_(None),
            fact.valid_from <= _NOW,
            sa.or_(fact.valid_to.is_(None), fact.valid_to > _NOW),
        )
        .order_by(fact.valid_from, fact.recorded_at)
    )


def _open_stores() -> sa.Select[tuple[str, str | None]]:
    store, later, link = tables.record.c, tables.record.alias("later").c, tables.store_link.c
    allowed = tables.platform_authorization.c
    today = sa.bindparam("today", type_=sa.BigInteger)
    superseded = sa.exists().where(
        *(later[name] == store[name] for name in ("code", "platform", "kind", "record_id")),
        later.revision > store.revision,
    )
    authorized = sa.exists().where(
        allowed.code == store.code,
        allowed.platform == store.platform,
        allowed.granted_at <= _NOW,
        sa.or_(allowed.revoked_at.is_(None), allowed.revoked_at > _NOW),
    )
    linked = sa.exists().where(
        *(link[name] == store[name] for name in ("code", "platform", "record_id")),
        link.stands,
        link.from_day <= today,
        sa.or_(link.to_day.is_(None), link.to_day > today),
    )
    return sa.select(store.code, store.detail).where(
        store.code.in_(_CODES),
        store.kind == Kind.STORE.value,
        linked,
        ~superseded,
        authorized,
    )


_LEVELS: Final = _levels()
_REGISTRATIONS: Final = _registered()
_STORES: Final = _open_stores()
_MEANS: Final = (
    sa.select(tables.peer_group.c.code, tables.peer_mean)
    .join_from(
        tables.peer_group,
        tables.peer_mean,
        tables.peer_group.c.peer_group == tables.peer_mean.c.peer_group,
    )
    .where(tables.peer_group.c.code.in_(_CODES))
)
