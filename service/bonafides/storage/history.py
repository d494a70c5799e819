"""Reads the past of the store: every revision with its instant, and every fact that was learned.

For training alone, which looks at each day of the past as it was known then. Nothing of a
person is read: no representative, no shareholder, no word of a submission; of a change of
the registration the item and the day, not what stood there before and after. A buyer is
the keyed pseudonym that the log has.

    for row in revisions(work): ...            # in the columns of a history
    learned(work, codes)["91..."]              # (recorded, superseded or None, fact)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from bonafides.archive.facts import PUBLIC_RECORDS, Fact, Kind
from bonafides.instants import Instant
from bonafides.records.kinds import Kind as RecordKind
from bonafides.storage import links
from bonafides.storage.archive import fact_of
from bonafides.storage.rollups import STANDS, last_sequence
from bonafides.storage.tables import fact, platform_authorization, record
from bonafides.storage.unit_of_work import UnitOfWork

_READ: Final = (Kind.REGISTRATION, Kind.CHANGES, Kind.VERIFICATION, *sorted(PUBLIC_RECORDS))


class Known(NamedTuple):
    """A fact, from when it was held true, and until when; None: it is still."""

    at: Instant
    until: Instant | None
    fact: Fact


class Authorized(NamedTuple):
    """A platform's authorization, from when on, and until when; None: it runs on."""

    platform: str
    granted_at: Instant
    revoked_at: Instant | None


def revisions(work: UnitOfWork, columns: Sequence[str]) -> Iterable[sa.Row[Any]]:
    """Returns every revision of the log, void ones too, streamed, with when it was recorded.

    `columns` are of the log; the last one is whether the link stands that a STORE record
    states, as it is judged now: what is known by now not to be the enterprise's store tells
    nothing of it at any time.
    """
    end = sa.literal(last_sequence(work), sa.BigInteger)
    judged = links.judged(end).subquery("judged")
    its_link = sa.and_(
        record.c.kind == RecordKind.STORE.value,
        *(judged.c[name] == record.c[name] for name in links.KEY),
    )
    told = (
        sa.select(*(record.c[name] for name in columns), judged.c.stands.label(STANDS))
        .select_from(record.outerjoin(judged, its_link))
        .where(record.c.sequence <= end)
    )
    return work.execute(told.execution_options(yield_per=10_000))


def extent(work: UnitOfWork) -> tuple[Instant, Instant] | None:
    """Returns when the first and the last revision was recorded; None of an empty log."""
    at = record.c.recorded_at
    first, last = tuple(work.execute(sa.select(sa.func.min(at), sa.func.max(at))).one())
    return None if first is None else (Instant(first), Instant(last))


def learned(work: UnitOfWork, codes: Sequence[str]) -> dict[str, list[Known]]:
    """Returns what was learned of each of the enterprises, in the order of learning."""
    found: dict[str, list[Known]] = {code: [] for code in codes}
    for row in work.execute(
        sa.select(fact)
        .where(fact.c.code.in_(list(codes)), fact.c.kind.in_([kind.value for kind in _READ]))
        .order_by(fact.c.recorded_at, fact.c.kind, fact.c.item)
    ):
        until = None if row.superseded_at is None else Instant(row.superseded_at)
        found[row.code].append(Known(Instant(row.recorded_at), until, _without_words(fact_of(row))))
    return found


def authorizations(work: UnitOfWork, codes: Sequence[str]) -> dict[str, list[Authorized]]:
    """Returns every authorization of platforms by each of the enterprises, revoked ones too."""
    table = platform_authorization.c
    found: dict[str, list[Authorized]] = {code: [] for code in codes}
    for row in work.execute(
        sa.select(table.code, table.platform, table.granted_at, table.revoked_at)
        .where(table.code.in_(list(codes)))
        .order_by(table.code, table.granted_at, table.platform)
    ):
        revoked = None if row.revoked_at is None else Instant(row.revoked_at)
        found[row.code].append(Authorized(row.platform, Instant(row.granted_at), revoked))
    return found


def _without_words(told: Fact) -> Fact:
    """Returns the fact; of changes, without what stood there, which may be names."""
    if told.kind is not Kind.CHANGES:
        return told
    changes: Any = told.value
    return replace(told, value=tuple(replace(each, before="", after="") for each in changes))
