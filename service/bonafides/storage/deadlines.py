"""Which enterprises have a deadline that is near or was lately, and when that was looked at.

Deadlines are the ends of verifications and of consents of the enterprise; see
`bonafides.identity.requirements`.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from bonafides.identity.submission import State
from bonafides.instants import Instant
from bonafides.storage import tables
from bonafides.storage.records import remember, remembered
from bonafides.storage.unit_of_work import UnitOfWork

_TOLD: Final = "deadlines_told"


def told_at(work: UnitOfWork) -> Instant | None:
    """Returns when enterprises were told of their deadlines last; None: never."""
    found = remembered(work, _TOLD)
    return None if found is None else Instant(found)


def note_told(work: UnitOfWork, now: Instant) -> None:
    """Notes that enterprises were told."""
    remember(work, _TOLD, now)


def codes_with_deadlines(work: UnitOfWork, begin: Instant, end: Instant) -> list[str]:
    """Returns the enterprises with a deadline from `begin` to `end`, by code.

    All at once: a sixth of the enterprises at most, and each page would read as much.
    """
    enterprise, submission, consent = (
        tables.enterprise.c,
        tables.submission.c,
        tables.consent.c,
    )
    verifications = (
        sa.select(enterprise.code)
        .join_from(
            tables.enterprise,
            tables.submission,
            sa.and_(submission.code == enterprise.code, submission.uid == enterprise.uid),
        )
        .where(
            submission.state.in_([State.VERIFIED.value, State.LAPSED.value]),
            submission.expires_at.between(begin, end),
        )
    )
    consents = (
        sa.select(enterprise.code)
        .join_from(tables.enterprise, tables.consent, consent.code == enterprise.code)
        .where(consent.of_submission == "", consent.expires_at.between(begin, end))
    )
    return sorted(work.execute(verifications.union(consents)).scalars())
