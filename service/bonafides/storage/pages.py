"""Reads what levels follow from, of a page of enterprises at once.

What the modules of each kind of row read of one enterprise is read here of many, by the
same expressions narrowed to a page of codes, and made into the same objects. So many
statements, however many enterprises: but for what people said of a level, which is read
one by one of those few of whom there is anything.

    told = gathered(work, ["91...", "92..."], now)
    told["91..."].sheet, told["91..."].platforms
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from bonafides.archive import metrics
from bonafides.archive.facts import FactSheet
from bonafides.archive.statistics import Certification, PlatformRecord
from bonafides.identity import consent
from bonafides.identity.consent import Standing
from bonafides.instants import Instant, day_of
from bonafides.rating import people
from bonafides.rating.people import NOBODY, People
from bonafides.records.kinds import Kind
from bonafides.records.links import Store as StoreLink
from bonafides.storage import archive, consents, links, refunds, reviews
from bonafides.storage.tables import (
    automation_refusal,
    level_override,
    record,
    review,
    store_link,
)
from bonafides.storage.unit_of_work import UnitOfWork

Codes = Sequence[str]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is known of one enterprise as of an instant.

    `reporting` are the platforms that reported anything that counts, `platforms` what
    those of them reported that are authorized, both sorted; `stores` those of all.
    `reviewed`: people were asked about its level.
    """

    reporting: tuple[str, ...]
    authorized: tuple[str, ...]
    standing: Standing
    sheet: FactSheet
    platforms: tuple[PlatformRecord, ...]
    stores: Mapping[str, tuple[StoreLink, ...]]
    people: People
    reviewed: bool


def gathered(work: UnitOfWork, codes: Codes, now: Instant) -> dict[str, Gathered]:
    """Returns what is known of each of the enterprises, by code, as of now."""
    reporting = _reporting(work, codes)
    authorized = consents.authorized_of_page(work, codes, now)
    ledgers = consents.ledgers(work, codes)
    sheets = _sheets(work, codes, now)
    stores = links.stores_of_page(work, codes)
    covered = {code: sorted({*reporting[code]} & {*authorized[code]}) for code in codes}
    platforms = _platform_records(work, covered, stores, now)
    spoken, reviewed = _spoken_of(work, codes)
    return {
        code: Gathered(
            reporting=reporting[code],
            authorized=authorized[code],
            standing=consent.standing(ledgers[code], now),
            sheet=sheets[code],
            platforms=platforms[code],
            stores=stores.get(code, {}),
            people=reviews.people_of(work, code, people.digests(sheets[code]), now)
            if code in spoken
            else NOBODY,
            reviewed=code in reviewed,
        )
        for code in codes
    }


def _reporting(work: UnitOfWork, codes: Codes) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {code: set() for code in codes}
    for row in work.execute(_REPORTING, {"codes": list(codes)}):
        found[row.code].add(row.platform)
    # Sorted here: the collations of the databases differ.
    return {code: tuple(sorted(platforms)) for code, platforms in found.items()}


def _sheets(work: UnitOfWork, codes: Codes, now: Instant) -> dict[str, FactSheet]:
    asked = {"codes": list(codes), "as_of": now}
    parts: list[dict[str, list[sa.Row[Any]]]] = []
    for statement in _SHEETS:
        rows: dict[str, list[sa.Row[Any]]] = defaultdict(list)
        for row in work.execute(statement, asked):
            rows[row.code].append(row)
        parts.append(rows)
    return {
        code: archive.sheet_of(code, now, *(part.get(code, ()) for part in parts)) for code in codes
    }


def _platform_records(
    work: UnitOfWork,
    covered: Mapping[str, Sequence[str]],
    stores: Mapping[str, Mapping[str, tuple[StoreLink, ...]]],
    now: Instant,
) -> dict[str, tuple[PlatformRecord, ...]]:
    wanted = metrics.parameters(day_of(now)) | {"codes": [c for c in covered if covered[c]]}
    if not wanted["codes"]:
        return dict.fromkeys(covered, ())
    figures: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for query in _FIGURES:
        for row in work.execute(query, wanted).mappings():
            figures[row["code"], row["platform"]].update(row)
    counts = refunds.flag_counts_of_page(work, list(covered))
    for key, flags in counts.items():
        figures[key]["refund_flags"] = flags
    held: dict[tuple[str, str], list[Certification]] = defaultdict(list)
    for row in work.execute(_CERTIFICATIONS, wanted).mappings():
        held[row["code"], row["platform"]].append(archive.certification_of(row))
    return {
        code: tuple(
            archive.platform_record(
                platform,
                figures.get((code, platform), {}),
                tuple(held.get((code, platform), ())),
                stores.get(code, {}).get(platform, ()),
            )
            for platform in platforms
        )
        for code, platforms in covered.items()
    }


def _spoken_of(work: UnitOfWork, codes: Codes) -> tuple[frozenset[str], frozenset[str]]:
    """Returns of whose levels people said anything, and of whose there is a review."""
    found = [tuple(row) for row in work.execute(_SPOKEN_OF, {"codes": list(codes)})]
    reviewed = frozenset(code for code, kind in found if kind == _REVIEW)
    return frozenset(code for code, _ in found), reviewed


_CODES: Final[sa.BindParameter[Codes]] = sa.bindparam("codes", expanding=True)
_REVIEW: Final = "review"


def _of_page(table: sa.Table) -> sa.ColumnElement[bool]:
    return table.c.code.in_(_CODES)


_FIGURES: Final = tuple(query(_of_page) for query in archive.FIGURES)
_CERTIFICATIONS: Final = metrics.certifications(_of_page)
_SHEETS: Final = tuple(statement.where(code.in_(_CODES)) for statement, code in archive.SHEET)
# As `storage.records.platforms` has it.
_REPORTING: Final = sa.union(
    sa.select(store_link.c.code, store_link.c.platform).where(
        _of_page(store_link), store_link.c.stands.is_(sa.true())
    ),
    sa.select(record.c.code, record.c.platform).where(
        _of_page(record), record.c.kind.in_([Kind.CERTIFICATION.value, Kind.MEMBERSHIP.value])
    ),
)
_SPOKEN_OF: Final = sa.union(
    *(
        sa.select(table.c.code, sa.literal(name).label("kind")).where(_of_page(table))
        for table, name in (
            (review, _REVIEW),
            (automation_refusal, "refusal"),
            (level_override, "override"),
        )
    )
)
