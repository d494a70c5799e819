"""Links between stores and enterprises, in the database: which stand, and what they carry.

`judged` says what the table `store_link` must hold, of the whole log. The fold keeps the
table by `follow`, for the links that a step brings; a ruling does the same through
`rule`. Where links change under records that are folded, the records of the enterprise
on its platform are counted anew, so that the roll-ups are always those of the log up to
the watermark under the links as they stand. Whoever calls holds the watermark.

    codes = follow(work, arrived(after, upto), after, upto)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.sql.expression import ColumnElement, FromClause

from bonafides.instants import Day
from bonafides.records import fold
from bonafides.records.kinds import Kind
from bonafides.records.links import Proof, Ruling, Store, authentications_of, standing_of
from bonafides.storage.tables import (
    counter,
    link_ruling,
    record,
    rollup_buyer,
    rollup_day,
    store_dispute,
    store_link,
    unmatched_refund,
)
from bonafides.storage.unit_of_work import UnitOfWork

KEY: Final = ("code", "platform", "record_id")
Key = tuple[str, str, str]
# The counter that says up to where the log is folded.
WATERMARK: Final = "fold"

_Number = ColumnElement[int]
_NAMES: Final = tuple(column.name for column in store_link.columns)
_STORE: Final = Kind.STORE.value
# What makes records count: if it changes, so do they.
_SPAN: Final = ("code", "platform", "store_id", "from_day", "to_day")
_RECOUNTED: Final = {
    rollup_day: fold.recounted_days,
    rollup_buyer: fold.recounted_buyers,
    unmatched_refund: fold.recounted_refunds,
}


def judged(upto: _Number) -> sa.Select[Any]:
    """Returns the rows of store_link as of a sequence, with that of each link's revision."""
    link, rival = _stated(upto).cte("stated_link"), _stated(upto).cte("rival_link")
    contested = (
        sa.select(*(link.c[name] for name in KEY))
        .join_from(link, rival, _contests(rival, link))
        .distinct()
        .subquery("contested")
    )
    same = sa.and_(*(contested.c[name] == link.c[name] for name in KEY))
    return sa.select(
        *(link.c[name] for name in (*_NAMES[:-1], "sequence")),
        _stands(link, contested.c.code.is_(None)).label("stands"),
    ).select_from(link.outerjoin(contested, same))


def arrived(after: _Number, upto: _Number) -> sa.Select[Any]:
    """Returns the keys of the links that a step brings, or revises."""
    return (
        sa.select(*(record.c[name] for name in KEY))
        .where(record.c.sequence > after, record.c.sequence <= upto, record.c.kind == _STORE)
        .distinct()
    )


def follow(
    work: UnitOfWork, keys: sa.Select[Any] | Sequence[Key], after: _Number, upto: _Number
) -> frozenset[str]:
    """Makes the links of these keys anew, as of `upto`; returns whose links that touches.

    What it may change is left in `fold.relinked`, which the caller drops: the enterprises
    and platforms that have records up to `after` under a link that began or ceased to
    carry them.
    """
    fresh, before = _temporary("fold_link"), _temporary("fold_link_before")
    wanted = _temporary("fold_link_key", KEY)
    for table in (fresh, before, wanted, fold.relinked):
        table.create(work.connection, checkfirst=False)
    if isinstance(keys, sa.Select):
        work.execute(wanted.insert().from_select(KEY, keys))
    else:
        work.execute(wanted.insert(), [dict(zip(KEY, key, strict=True)) for key in keys])
    told = _stated(upto, wanted).subquery("told")
    made = sa.select(*(told.c[name] for name in _NAMES[:-1]), sa.false().label("stands"))
    work.execute(fresh.insert().from_select(_NAMES, made))
    mine = sa.tuple_(*(store_link.c[name] for name in KEY)).in_(sa.select(wanted))
    old = sa.select(store_link.c.platform, store_link.c.store_id).where(mine)
    # Kept for what else is said of the stores, also of those that are left.
    stores = sa.union(sa.select(fresh.c.platform, fresh.c.store_id), old)
    touched = sa.tuple_(store_link.c.platform, store_link.c.store_id).in_(stores)
    work.execute(before.insert().from_select(_NAMES, sa.select(store_link).where(touched)))
    work.execute(store_link.delete().where(mine))
    work.execute(store_link.insert().from_select(_NAMES, sa.select(fresh)))
    now_touched = sa.tuple_(store_link.c.platform, store_link.c.store_id).in_(
        sa.union(
            sa.select(fresh.c.platform, fresh.c.store_id),
            sa.select(before.c.platform, before.c.store_id),
        )
    )
    work.execute(store_link.update().where(now_touched).values(stands=_judgement()))
    after_it = sa.select(store_link).where(now_touched).subquery("after_it")
    work.execute(
        fold.relinked.insert().from_select(
            ("code", "platform"), _concerned(before, after_it, after)
        )
    )
    whose = sa.union(sa.select(before.c.code), sa.select(after_it.c.code))
    codes = frozenset(work.execute(whose).scalars())
    for table in (fresh, before, wanted):
        table.drop(work.connection, checkfirst=False)
    return codes


def count_anew(work: UnitOfWork, upto: _Number) -> None:
    """Puts a recount up to a sequence in place of the roll-ups of `fold.relinked`."""
    pairs = sa.select(fold.relinked.c.code, fold.relinked.c.platform)
    for table, recounted in _RECOUNTED.items():
        names = [column.name for column in table.columns]
        work.execute(table.delete().where(sa.tuple_(table.c.code, table.c.platform).in_(pairs)))
        work.execute(table.insert().from_select(names, recounted(upto, anew=True)))


def stores(
    work: UnitOfWork, code: str, platforms: Sequence[str] | None = None
) -> dict[str, tuple[Store, ...]]:
    """Returns what platforms say of the enterprise's stores, the oldest first, by platform.

    None: of all platforms. What they say is that of the revision that is folded.
    """
    found: dict[str, list[Store]] = {}
    statement = _STORES
    if platforms is not None:
        statement = statement.where(store_link.c.platform.in_(list(platforms)))
    for row in work.execute(statement, {"code": code}).mappings():
        found.setdefault(row["platform"], []).append(_store(row))
    return _in_order(found)


def stores_of_page(
    work: UnitOfWork, codes: Sequence[str]
) -> dict[str, dict[str, tuple[Store, ...]]]:
    """Returns what `stores` does of each of the enterprises, by code, of all platforms."""
    found: dict[str, dict[str, list[Store]]] = {}
    for row in work.execute(_STORES_OF_PAGE, {"codes": list(codes)}).mappings():
        of_code = found.setdefault(row["code"], {})
        of_code.setdefault(row["platform"], []).append(_store(row))
    return {code: _in_order(told) for code, told in found.items()}


def open_disputes() -> sa.Select[Any]:
    """Returns the links under dispute, with the first day on which a decision is due.

    A decision settles every dispute that came before it; that a deadline passed, none.
    """
    decided = (
        sa.select(sa.func.max(link_ruling.c.ruled_at))
        .where(
            *(link_ruling.c[name] == store_dispute.c[name] for name in KEY),
            link_ruling.c.ruling != Ruling.OVERDUE.value,
        )
        .scalar_subquery()
    )
    keys = [store_dispute.c[name] for name in KEY]
    return (
        sa.select(*keys, sa.func.min(store_dispute.c.due_day).label("due_day"))
        .where(store_dispute.c.disputed_at > sa.func.coalesce(decided, 0))
        .group_by(*keys)
    )


def _in_order(found: Mapping[str, Sequence[Store]]) -> dict[str, tuple[Store, ...]]:
    # Sorted here: the collations of the databases differ.
    return {
        platform: tuple(sorted(found[platform], key=lambda each: (each.opened, each.link_id)))
        for platform in sorted(found)
    }


def _store(row: Mapping[Any, Any]) -> Store:
    detail: dict[str, str] = json.loads(row["detail"] or "{}")
    return Store(
        link_id=row["record_id"],
        store_id=row["store_id"],
        opened=Day(row["from_day"]),
        closed=None if row["to_day"] is None else Day(row["to_day"]),
        standing=standing_of(row["ruling"], stands=bool(row["stands"])),
        title=detail.get("title", ""),
        category=detail.get("category", ""),
        address=detail.get("address", ""),
        proof=Proof(detail.get("proof", Proof.NOT_TOLD)),
        evidence_sha256=bytes.fromhex(detail.get("evidence_sha256", "")),
        authentications=authentications_of(detail),
        disputed=row["due_day"] is not None,
        due=None if row["due_day"] is None else Day(row["due_day"]),
        claimed=bool(row["claimed"]),
    )


def _stated(upto: _Number, of: FromClause | None = None) -> sa.Select[Any]:
    """Returns the links that platforms state as of a sequence, with their last rulings.

    `stated` is the place of the first of the revisions from which on each has covered
    the days that the last one covers.
    """
    last, other, told = (record.alias(name) for name in ("last", "other", "told"))
    # A void revision may have no days to compare.
    covers = sa.and_(
        other.c.void.is_(sa.false()),
        other.c.from_day.is_not(None),
        other.c.store_id == last.c.store_id,
        other.c.from_day <= last.c.from_day,
        sa.or_(
            other.c.to_day.is_(None),
            sa.and_(last.c.to_day.is_not(None), other.c.to_day >= last.c.to_day),
        ),
    )
    broken = (
        sa.select(sa.func.max(other.c.revision))
        .where(*_revisions(other, last, upto), ~covers)
        .correlate(last)
        .scalar_subquery()
    )
    since = (
        sa.select(sa.func.min(told.c.sequence))
        .where(*_revisions(told, last, upto), told.c.revision > sa.func.coalesce(broken, 0))
        .correlate(last)
    )
    ruling = (
        sa.select(link_ruling.c.ruling)
        .where(*(link_ruling.c[name] == last.c[name] for name in KEY))
        .order_by(link_ruling.c.number.desc())
        .limit(1)
        .correlate(last)
    )
    wanted = sa.tuple_(*(last.c[name] for name in KEY))
    return sa.select(
        *(last.c[name] for name in _NAMES[:6]),
        since.scalar_subquery().label("stated"),
        ruling.scalar_subquery().label("ruling"),
        last.c.sequence,
    ).where(
        last.c.kind == _STORE,
        last.c.sequence <= upto,
        last.c.void.is_(sa.false()),
        fold.current(last, upto),
        *([] if of is None else [wanted.in_(sa.select(*(of.c[name] for name in KEY)))]),
    )


def _revisions(log: FromClause, last: FromClause, upto: _Number) -> list[ColumnElement[bool]]:
    same = [log.c[name] == last.c[name] for name in fold.KEY]
    return [*same, log.c.sequence <= upto, log.c.revision <= last.c.revision]


def _contests(rival: FromClause, link: FromClause) -> ColumnElement[bool]:
    """Returns whether the rival keeps a link from carrying what it covers."""
    return sa.and_(
        clashes(rival, link),
        rival.c.stated < link.c.stated,
        sa.or_(rival.c.ruling.is_(None), rival.c.ruling == Ruling.UPHELD.value),
    )


def clashes(rival: FromClause, link: FromClause) -> ColumnElement[bool]:
    """Returns whether two links give one store to two enterprises for the same days."""
    return sa.and_(
        rival.c.platform == link.c.platform,
        rival.c.store_id == link.c.store_id,
        rival.c.code != link.c.code,
        sa.or_(rival.c.to_day.is_(None), rival.c.to_day >= link.c.from_day),
        sa.or_(link.c.to_day.is_(None), link.c.to_day >= rival.c.from_day),
    )


def _stands(link: FromClause, uncontested: ColumnElement[bool]) -> ColumnElement[bool]:
    return sa.or_(
        sa.and_(link.c.ruling.is_not(None), link.c.ruling == Ruling.UPHELD.value),
        sa.and_(link.c.ruling.is_(None), uncontested),
    )


def _judgement() -> ColumnElement[bool]:
    rival = store_link.alias("rival")
    return _stands(store_link, ~sa.exists().where(_contests(rival, store_link)))


def _concerned(before: FromClause, now: FromClause, after: _Number) -> sa.Select[Any]:
    """Returns whose records on which platform are folded and under links that changed."""
    spans = [
        sa.select(*(links.c[name] for name in _SPAN)).where(links.c.stands.is_(sa.true()))
        for links in (before, now)
    ]
    ceased = spans[0].except_(spans[1]).subquery("ceased")
    began = spans[1].except_(spans[0]).subquery("began")
    names = _SPAN[:3]
    changed = sa.union(
        sa.select(*(ceased.c[name] for name in names)),
        sa.select(*(began.c[name] for name in names)),
    ).subquery("relinked_store")
    folded = sa.exists().where(
        *(record.c[name] == changed.c[name] for name in names),
        record.c.kind.in_([kind.value for kind in fold.COUNTED]),
        record.c.sequence <= after,
    )
    return sa.select(changed.c.code, changed.c.platform).where(folded).distinct()


def _temporary(name: str, columns: tuple[str, ...] = _NAMES) -> sa.Table:
    return sa.Table(
        name,
        sa.MetaData(),
        *(sa.Column(c.name, c.type) for c in store_link.columns if c.name in columns),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )


def _stores(of: Callable[[sa.Column[str]], sa.ColumnElement[bool]]) -> sa.Select[Any]:
    """Returns the statement behind `stores`, made once; `of` says of whose."""
    log, later, rival = record.alias("log"), record.alias("later"), store_link.alias("rival")
    disputes = open_disputes().where(of(store_dispute.c.code)).subquery("open_dispute")
    newest = ~sa.exists().where(
        *(later.c[name] == log.c[name] for name in fold.KEY),
        later.c.revision > log.c.revision,
        later.c.sequence <= _FOLDED,
    )
    said = sa.and_(
        *(log.c[name] == store_link.c[name] for name in KEY),
        log.c.kind == _STORE,
        log.c.sequence <= _FOLDED,
        newest,
    )
    disputed = sa.and_(*(disputes.c[name] == store_link.c[name] for name in KEY))
    claimed = sa.exists().where(
        clashes(rival, store_link),
        sa.or_(rival.c.ruling.is_(None), rival.c.ruling == Ruling.UPHELD.value),
    )
    return (
        sa.select(
            *(store_link.c[name] for name in ("code", *_NAMES[1:6], "ruling", "stands")),
            log.c.detail,
            disputes.c.due_day,
            claimed.label("claimed"),
        )
        .select_from(store_link.join(log, said).outerjoin(disputes, disputed))
        .where(of(store_link.c.code))
    )


_CODE: Final = sa.bindparam("code", type_=sa.String)
_FOLDED: Final = sa.func.coalesce(
    sa.select(counter.c.value).where(counter.c.name == WATERMARK).scalar_subquery(), 0
)
_STORES: Final = _stores(lambda code: code == _CODE)
_STORES_OF_PAGE: Final = _stores(lambda code: code.in_(sa.bindparam("codes", expanding=True)))
