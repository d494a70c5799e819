"""Rows of facts, metrics and snapshots.

Facts are append-only and bitemporal: the sheet as of T holds what was recorded by
T, not superseded by T, and valid at T.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import sqlalchemy as sa

from bonafides.archive import facts, metrics
from bonafides.archive.facts import Fact, FactSheet
from bonafides.archive.snapshot import Snapshot, Stored
from bonafides.archive.statistics import CaseDay, Certification, PlatformRecord, Statistics
from bonafides.instants import Day, Instant
from bonafides.records.links import Store as StoreLink
from bonafides.storage import links
from bonafides.storage.changes import ARCHIVE, Change
from bonafides.storage.refunds import flag_counts
from bonafides.storage.tables import correction, correction_ruling, rollup_day
from bonafides.storage.tables import fact as fact_table
from bonafides.storage.tables import snapshot as snapshot_table
from bonafides.storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class RecordedFact:
    """A fact with the instant at which the service learned it."""

    fact: Fact
    recorded_at: Instant


def fact_sheet(work: UnitOfWork, code: str, as_of: Instant) -> FactSheet:
    """Returns what was known of the enterprise at the instant, and held then.

    Of several facts of a kind, the one that became valid last counts; of those,
    the one that was recorded last. Public records are all there, ended ones too.
    """
    asked = {"code": code, "as_of": as_of}
    told = (work.execute(each, asked) for each in (_READ_SHEET, _DISPUTED, _WITHDRAWN))
    return sheet_of(code, as_of, *told)


Rows = Iterable[sa.Row[Any]]


def sheet_of(code: str, as_of: Instant, told: Rows, disputed: Rows, withdrawn: Rows) -> FactSheet:
    """Returns the sheet of the rows of an enterprise: its facts, its cases, what was taken out."""
    known: dict[facts.Kind, Fact] = {}
    public: list[Fact] = []
    for row in told:
        found = fact_of(row)
        if found.kind in facts.PUBLIC_RECORDS:
            public.append(found)
        else:
            known[found.kind] = found
    return FactSheet(
        code=code,
        as_of=as_of,
        registration=known.get(facts.Kind.REGISTRATION),
        shareholders=_value(known, facts.Kind.SHAREHOLDERS) or (),
        changes=_value(known, facts.Kind.CHANGES) or (),
        verification=_value(known, facts.Kind.VERIFICATION),
        public_records=tuple(public),
        origins={
            kind: facts.Origin(found.source, found.retrieved_at) for kind, found in known.items()
        },
        self_description=_value(known, facts.Kind.SELF_DESCRIPTION),
        disputed=tuple(
            facts.Disputed(row.kind, row.item, Day(row.due_day), row.subject) for row in disputed
        ),
        withdrawn=tuple(fact_of(row) for row in withdrawn),
    )


def current_facts(
    work: UnitOfWork, code: str, kind: facts.Kind, item: str
) -> tuple[RecordedFact, ...]:
    """Returns what the service holds true now of one item, the latest recorded last."""
    table = fact_table.c
    told = work.execute(
        sa.select(fact_table)
        .where(
            table.code == code,
            table.kind == kind.value,
            table.item == item,
            table.superseded_at.is_(None),
        )
        .order_by(table.recorded_at)
    )
    return tuple(RecordedFact(fact_of(row), Instant(row.recorded_at)) for row in told)


def insert_fact(work: UnitOfWork, told: Fact, now: Instant) -> None:
    """Adds the fact, recorded now."""
    work.execute(
        fact_table.insert(),
        {
            "code": told.code,
            "kind": told.kind.value,
            "item": told.item,
            "recorded_at": now,
            "valid_from": told.valid_from,
            "valid_to": told.valid_to,
            "source": told.source,
            "retrieved_at": told.retrieved_at,
            "value": facts.to_json(told),
        },
    )


def supersede(work: UnitOfWork, known: RecordedFact, now: Instant) -> None:
    """Closes the recorded time of a fact: from now on it is held true no more.

    One that was recorded at this very instant was never held true at any, and is
    taken out: its recorded time would be empty, and its key is wanted.
    """
    table = fact_table.c
    this = sa.and_(
        table.code == known.fact.code,
        table.kind == known.fact.kind.value,
        table.item == known.fact.item,
        table.recorded_at == known.recorded_at,
    )
    if known.recorded_at >= now:
        work.execute(sa.delete(fact_table).where(this))
    else:
        work.execute(sa.update(fact_table).where(this).values(superseded_at=now))


def platform_records(
    work: UnitOfWork, code: str, platforms: Sequence[str], today: Day
) -> tuple[PlatformRecord, ...]:
    """Returns what each of the platforms reported, as of the day, in the order asked for.

    Seven queries, however many platforms. A platform that reported nothing has zeros.
    """
    if not platforms:
        return ()
    wanted = metrics.parameters(today) | {"code": code, "platforms": list(platforms)}
    figures: dict[str, dict[str, Any]] = {platform: {} for platform in platforms}
    for query in _FIGURES:
        for row in work.execute(query, wanted).mappings():
            figures[row["platform"]].update(row)
    for platform, flags in flag_counts(work, code, platforms).items():
        figures[platform]["refund_flags"] = flags
    held: dict[str, list[Certification]] = {platform: [] for platform in platforms}
    for row in work.execute(_CERTIFICATIONS, wanted).mappings():
        held[row["platform"]].append(certification_of(row))
    stores = links.stores(work, code, platforms)
    return tuple(
        platform_record(
            platform, figures[platform], tuple(held[platform]), stores.get(platform, ())
        )
        for platform in platforms
    )


def case_days(
    work: UnitOfWork, code: str, platforms: Sequence[str], today: Day
) -> tuple[CaseDay, ...]:
    """Returns the days of the last year on which cases were opened, by platform and day."""
    table = rollup_day.c
    names = [f.name for f in fields(CaseDay) if f.name not in {"platform", "day", "responses"}]
    told = work.execute(
        sa.select(rollup_day)
        .where(
            table.code == code,
            table.platform.in_(platforms),
            table.day > today - metrics.YEAR_DAYS,
            table.day <= today,
            table.complaints + table.disputes > 0,
        )
        .order_by(table.platform, table.day)
    ).mappings()
    return tuple(
        CaseDay(
            platform=row["platform"],
            day=Day(row["day"]),
            responses=tuple(row[name] for name in metrics.RESPONSE_BUCKETS),
            **{name: row[name] for name in names},
        )
        for row in told
    )


def read_snapshot(work: UnitOfWork, code: str, view: str) -> Stored | None:
    """Returns the stored view, which may be past its time; None if there is none."""
    row = work.execute(_READ_SNAPSHOT, {"code": code, "view": view}).one_or_none()
    if row is None:
        return None
    return Stored._make(row)


def read_revision(work: UnitOfWork, code: str) -> int:
    """Returns the revision of the enterprise's views; 0 if there are none."""
    return work.execute(_READ_REVISION, {"code": code}).scalar() or 0


def write_snapshots(work: UnitOfWork, code: str, made: Sequence[Snapshot], *, now: Instant) -> None:
    """Stores all views of one enterprise under the next revision, and notes the change."""
    write_snapshots_of_page(work, {code: made}, now=now)


def write_snapshots_of_page(
    work: UnitOfWork, page: Mapping[str, Sequence[Snapshot]], *, now: Instant
) -> None:
    """Stores the views of each of the enterprises, by code; at least one.

    What was made of them for single platforms is deleted: it is made anew when it is read.
    """
    insert = work.insert(snapshot_table)
    known = snapshot_table.c
    work.execute(
        insert.on_conflict_do_update(
            index_elements=["code", "view"],
            set_={
                "revision": known.revision + 1,
                "next_change_at": insert.excluded.next_change_at,
                "etag": insert.excluded.etag,
                "archive": insert.excluded.archive,
                "content": insert.excluded.content,
                "consents": insert.excluded.consents,
                "changed_at": sa.case(
                    (known.content == insert.excluded.content, known.changed_at),
                    else_=insert.excluded.changed_at,
                ),
            },
        ),
        [
            {
                "code": code,
                "view": one.view,
                "revision": 1,
                "next_change_at": one.next_change_at,
                "etag": one.etag,
                "archive": one.archive,
                "content": one.content,
                "consents": one.consents,
                "changed_at": now,
            }
            for code, made in page.items()
            for one in made
        ],
    )
    views = {one.view for made in page.values() for one in made}
    work.execute(
        sa.delete(snapshot_table).where(known.code.in_(list(page)), known.view.not_in(views))
    )
    revisions = work.execute(_READ_REVISIONS, {"codes": list(page)})
    for code, revision in sorted(tuple(row) for row in revisions):
        work.note(Change(ARCHIVE, code, revision, now))


def write_narrowed(work: UnitOfWork, code: str, made: Snapshot, *, revision: int) -> None:
    """Stores a view that was made of another one of this revision.

    To be done in the enterprise's turn, so that no later revision is there already.
    """
    insert = work.insert(snapshot_table)
    values = {
        "revision": revision,
        "next_change_at": made.next_change_at,
        "etag": made.etag,
        "archive": made.archive,
        "consents": made.consents,
    }
    work.execute(
        insert.values(code=code, view=made.view, **values).on_conflict_do_update(
            index_elements=["code", "view"], set_=values
        )
    )


def mark_stale(work: UnitOfWork, codes: Iterable[str], now: Instant) -> None:
    """Makes the views of the enterprises due: they are refreshed when next read, or before."""
    marked = [{"stale_code": code} for code in codes]
    if marked:
        due = sa.update(snapshot_table).where(snapshot_table.c.code == sa.bindparam("stale_code"))
        work.execute(due.values(next_change_at=0), marked)
    for stale in (each["stale_code"] for each in marked):
        # What other processes remember of it must not be served, either.
        work.note(Change(ARCHIVE, stale, read_revision(work, stale), now))


def stale_codes(work: UnitOfWork) -> list[str]:
    """Returns the enterprises whose views were made due and not refreshed since, sorted."""
    table = snapshot_table.c
    due = sa.select(table.code).where(table.next_change_at == 0).distinct().order_by(table.code)
    return list(work.execute(due).scalars())


def _of_one(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(
        table.c.code == sa.bindparam("code"),
        table.c.platform.in_(sa.bindparam("platforms", expanding=True)),
    )


# The figures of a platform, each narrowed by a scope.
FIGURES: Final = (
    metrics.days,
    metrics.buyers,
    metrics.unmatched_refunds,
    metrics.stores,
    metrics.membership,
)
# Made once: building a statement takes longer than running it.
_FIGURES: Final = tuple(query(_of_one) for query in FIGURES)
_CERTIFICATIONS: Final = metrics.certifications(_of_one)
_AS_OF: Final = sa.bindparam("as_of", type_=sa.BigInteger)
_FACTS: Final = (
    sa.select(fact_table)
    .where(
        fact_table.c.recorded_at <= _AS_OF,
        sa.or_(fact_table.c.superseded_at.is_(None), fact_table.c.superseded_at > _AS_OF),
        fact_table.c.valid_from <= _AS_OF,
        sa.or_(
            fact_table.c.valid_to.is_(None),
            fact_table.c.valid_to > _AS_OF,
            # Operators see what ended, too.
            fact_table.c.kind.in_([kind.value for kind in facts.PUBLIC_RECORDS]),
        ),
    )
    .order_by(
        fact_table.c.valid_from, fact_table.c.recorded_at, fact_table.c.kind, fact_table.c.item
    )
)
_READ_SHEET: Final = _FACTS.where(fact_table.c.code == sa.bindparam("code"))
# Of one fact or record, the case with the nearest deadline.
_CONTESTED: Final = (correction.c.kind, correction.c.item, correction.c.subject)
_CASES: Final = (
    sa.select(correction.c.code, *_CONTESTED, sa.func.min(correction.c.due_day).label("due_day"))
    .where(
        correction.c.sort.in_(("FACT", "RECORD")),
        correction.c.opened_at <= _AS_OF,
        ~sa.exists().where(
            correction_ruling.c.code == correction.c.code,
            correction_ruling.c.uid == correction.c.uid,
            correction_ruling.c.ruled_at <= _AS_OF,
            # That a term passed decides nothing.
            correction_ruling.c.outcome != "OVERDUE",
        ),
    )
    .group_by(correction.c.code, *_CONTESTED)
    .order_by(*_CONTESTED)
)
_DISPUTED: Final = _CASES.where(correction.c.code == sa.bindparam("code"))
_LATER: Final = correction_ruling.alias("later")
# Public records that the last ruling on them took out.
_TAKEN_OUT: Final = (
    sa.select(fact_table)
    .join(
        correction_ruling,
        sa.and_(
            correction_ruling.c.code == fact_table.c.code,
            correction_ruling.c.ruled_at == fact_table.c.superseded_at,
        ),
    )
    .join(
        correction,
        sa.and_(
            correction.c.code == fact_table.c.code,
            correction.c.uid == correction_ruling.c.uid,
            correction.c.kind == fact_table.c.kind,
            correction.c.item == fact_table.c.item,
        ),
    )
    .where(
        fact_table.c.kind.in_([kind.value for kind in facts.PUBLIC_RECORDS]),
        correction.c.sort == "FACT",
        correction_ruling.c.outcome == "UPHELD",
        correction_ruling.c.applied.is_(True),
        correction_ruling.c.ruled_at <= _AS_OF,
        ~sa.exists().where(
            _LATER.c.code == correction_ruling.c.code,
            _LATER.c.uid == correction_ruling.c.uid,
            _LATER.c.number > correction_ruling.c.number,
            _LATER.c.ruled_at <= _AS_OF,
        ),
    )
    .order_by(fact_table.c.kind, fact_table.c.item, fact_table.c.recorded_at)
)
_WITHDRAWN: Final = _TAKEN_OUT.where(fact_table.c.code == sa.bindparam("code"))
# What makes a sheet: facts, cases, and what rulings took out; each is to be narrowed to codes.
SHEET: Final = (
    (_FACTS, fact_table.c.code),
    (_CASES, correction.c.code),
    (_TAKEN_OUT, fact_table.c.code),
)
_READ_SNAPSHOT: Final = sa.select(
    *(snapshot_table.c[name] for name in Stored._fields),
).where(
    snapshot_table.c.code == sa.bindparam("code"), snapshot_table.c.view == sa.bindparam("view")
)
_READ_REVISIONS: Final = (
    sa.select(snapshot_table.c.code, sa.func.max(snapshot_table.c.revision))
    .where(snapshot_table.c.code.in_(sa.bindparam("codes", expanding=True)))
    .group_by(snapshot_table.c.code)
)
_READ_REVISION: Final = sa.select(sa.func.max(snapshot_table.c.revision)).where(
    snapshot_table.c.code == sa.bindparam("code")
)


def fact_of(row: sa.Row[Any]) -> Fact:
    """Returns the fact that a row holds."""
    kind = facts.Kind(row.kind)
    return Fact(
        code=row.code,
        kind=kind,
        value=facts.from_json(kind, row.value),
        source=row.source,
        retrieved_at=Instant(row.retrieved_at),
        valid_from=Instant(row.valid_from),
        valid_to=None if row.valid_to is None else Instant(row.valid_to),
        item=row.item,
    )


def _value(known: Mapping[facts.Kind, Fact], kind: facts.Kind) -> Any:
    return known[kind].value if kind in known else None


def platform_record(
    platform: str,
    figures: Mapping[str, Any],
    held: tuple[Certification, ...],
    stores: tuple[StoreLink, ...],
) -> PlatformRecord:
    """Returns what a platform reported, of the rows of its figures taken together."""
    return PlatformRecord(
        platform=platform,
        open_stores=figures.get("open_stores", 0),
        oldest_store_day=figures.get("oldest_store_day"),
        membership_days=figures.get("membership_days", 0),
        certifications=held,
        cumulative=_statistics(figures, metrics.CUMULATIVE),
        last_year=_statistics(figures, metrics.LAST_YEAR),
        first_day=figures.get("first_day"),
        last_day=figures.get("last_day"),
        refund_flags=figures.get("refund_flags", {}),
        stores=stores,
    )


def _statistics(figures: Mapping[str, Any], window: str) -> Statistics:
    return Statistics(
        **{name: figures.get(window + name, 0) for name in _SUMMED},
        active_months=figures.get("active_months", 0),
        responses=tuple(figures.get(window + name, 0) for name in metrics.RESPONSE_BUCKETS),
    )


_SUMMED: Final = tuple(
    field.name for field in fields(Statistics) if field.name not in {"active_months", "responses"}
)


def certification_of(row: Mapping[Any, Any]) -> Certification:
    """Returns the certification that a row of figures holds."""
    detail = json.loads(row["detail"] or "{}")
    return Certification(
        agency=detail.get("agency", ""),
        scope=detail.get("scope", ""),
        inspected=Day(row["from_day"]),
        expires=None if row["to_day"] is None else Day(row["to_day"]),
    )
