"""What waits for a person of the service, in one list.

list_queue     submissions in which something differs, disputes of ownership and of
               store links, cases of correction, reviews of levels, proposed overrides:
               the nearest deadline first

A dispute of a link or a correction is due by law on its 15th working day; the same is
kept for the others. What a later submission of the same submitter overtook waits for
nobody. A dispute of ownership and an override take two members of staff, a review where
one of them asked for it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from bonafides.instants import DAY, Day, Instant, day_of
from bonafides.records.links import due_day
from bonafides.storage import corrections as correction_rows
from bonafides.storage import disputes as dispute_rows
from bonafides.storage import identity as rows
from bonafides.storage import membership as member_rows
from bonafides.storage import overrides as override_rows
from bonafides.storage import reviews as review_rows
from bonafides.storage.unit_of_work import Store, UnitOfWork


class Kind(enum.StrEnum):
    """What waits. The values are names of v1.QueueItem.Kind."""

    SUBMISSION = "SUBMISSION"
    OWNERSHIP = "OWNERSHIP"
    STORE = "STORE"
    CORRECTION = "CORRECTION"
    REVIEW = "REVIEW"
    OVERRIDE = "OVERRIDE"


@dataclass(frozen=True, slots=True)
class QueueItem:
    """Something that waits, by its resource's name, and until when at most."""

    name: str
    kind: Kind
    since: Instant
    due: Day
    four_eyes: bool = False

    @property
    def code(self) -> str:
        """The code of the enterprise that the resource belongs to."""
        return self.name.split("/", 2)[1]

    def overdue(self, now: Instant) -> bool:
        """Returns whether its last day is over."""
        return day_of(now) > self.due

    def age_days(self, now: Instant) -> int:
        """Returns since how many whole days it waits."""
        return max(0, now - self.since) // DAY


def list_queue(store: Store, *, offset: int, limit: int) -> tuple[QueueItem, ...]:
    """Returns at most `limit` items behind the first `offset`, the nearest deadline first."""
    most = offset + limit
    with store.reading() as work:
        # Deadlines follow the order of begin: the first of all are among the first of each.
        found = [
            *_submissions(work, most),
            *_claims(work, most),
            *_links(work, most),
            *_cases(work, most),
            *_reviews(work, most),
            *_proposals(work, most),
        ]
    found.sort(key=lambda item: (item.due, item.since, item.name))
    return tuple(found[offset:most])


def _submissions(work: UnitOfWork, most: int) -> list[QueueItem]:
    return [
        QueueItem(f"enterprises/{code}/submissions/{uid}", Kind.SUBMISSION, at, _due(at))
        for code, uid, at in rows.differing(work, most)
    ]


def _claims(work: UnitOfWork, most: int) -> list[QueueItem]:
    return [
        QueueItem(
            f"enterprises/{claim.code}/ownershipClaims/{claim.uid}",
            Kind.OWNERSHIP,
            claim.claimed_at,
            _due(claim.claimed_at),
            four_eyes=True,
        )
        for claim in member_rows.disputes(work, (0, ""), most)
    ]


def _links(work: UnitOfWork, most: int) -> list[QueueItem]:
    told: list[QueueItem] = []
    for link, due in dispute_rows.waiting(work)[:most]:
        code, platform, record_id = link
        since = min(
            each.disputed_at for each in dispute_rows.disputes(work, link) if each.due >= due
        )
        name = f"enterprises/{code}/platforms/{platform}/stores/{record_id}"
        told.append(QueueItem(name, Kind.STORE, since, due))
    return told


def _cases(work: UnitOfWork, most: int) -> list[QueueItem]:
    return [
        QueueItem(
            f"enterprises/{case.code}/corrections/{case.uid}",
            Kind.CORRECTION,
            case.opened_at,
            case.due,
        )
        for case in correction_rows.open_cases(work, most)
    ]


def _reviews(work: UnitOfWork, most: int) -> list[QueueItem]:
    return [
        QueueItem(
            f"enterprises/{each.code}/reviews/{each.uid}",
            Kind.REVIEW,
            each.opened_at,
            each.due,
            four_eyes=each.four_eyes,
        )
        for each in review_rows.waiting(work, most)
    ]


def _proposals(work: UnitOfWork, most: int) -> list[QueueItem]:
    return [
        QueueItem(
            f"enterprises/{each.code}/overrides/{each.uid}",
            Kind.OVERRIDE,
            each.proposed_at,
            _due(each.proposed_at),
            four_eyes=True,
        )
        for each in override_rows.proposals(work, most)
    ]


def _due(since: Instant) -> Day:
    return due_day(day_of(since))
