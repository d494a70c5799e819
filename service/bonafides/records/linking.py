"""What can be done with the links between stores and enterprises, beside writing them.

list_stores       tells what platforms say of an enterprise's stores
dispute           the enterprise contests a link, which marks it
decide            staff rule on a link; levels, statistics and views follow at once
withhold_overdue  links whose dispute was not decided in time stop carrying records
history           tells what was disputed of a link, and what was ruled on it
waiting           tells which links are to be decided, the nearest deadline first

A ruling and the roll-ups that it changes are one commit, and the views of whom it
concerns are due in it: none is served as it was. Nothing is deleted: who rules again
rules otherwise, and both rulings are kept.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bonafides.archive import operations as archive_operations
from bonafides.errors import NotFoundError
from bonafides.instants import Instant, day_of
from bonafides.once import Request, require_same
from bonafides.rating.scorecard import Scorecard
from bonafides.records.links import Ground, Ruling, due_day
from bonafides.records.links import Store as StoreLink
from bonafides.storage import archive as archive_rows
from bonafides.storage import disputes as dispute_rows
from bonafides.storage import identity as identity_rows
from bonafides.storage import links as link_rows
from bonafides.storage import records as record_rows
from bonafides.storage.disputes import Dispute, Ruled
from bonafides.storage.links import Key
from bonafides.storage.unit_of_work import Store, UnitOfWork

_OVERDUE = "NOT_DECIDED_IN_TIME"


class OwnCaseError(Exception):
    """Whoever disputed a link doesn't rule on it."""


@dataclass(frozen=True, slots=True)
class Contest:
    """What an enterprise contests, and by which call. `submitter` as in submissions."""

    link: Key
    ground: Ground
    evidence_sha256: bytes | None
    submitter: str
    request: Request


def list_stores(
    store: Store, code: str, platforms: Sequence[str] | None = None
) -> dict[str, tuple[StoreLink, ...]]:
    """Returns the stores by platform, of these platforms or (None) of all.

    Raises:
        NotFoundError: the enterprise does not take part.
    """
    with store.reading() as work:
        if not identity_rows.is_enrolled(work, code):
            raise NotFoundError
        return link_rows.stores(work, code, platforms)


def dispute(store: Store, card: Scorecard, told: Contest, *, now: Instant) -> StoreLink:
    """Marks the link as disputed and returns how it stands. The same call again changes nothing.

    Raises:
        NotFoundError: the enterprise does not take part, or no platform says so of it.
        RequestIdReusedError: the request id came with other content.
    """
    code, platform, link_id = told.link
    with store.writing() as work:
        # Of two calls under one request id one must see the other.
        identity_rows.take_turns(work, f"dispute {told.submitter}")
        if not identity_rows.is_enrolled(work, code):
            raise NotFoundError
        before = dispute_rows.request_digest(work, told.submitter, told.request.id)
        if before is not None:
            require_same(before, told.request.digest)
        if not dispute_rows.is_link(work, told.link):
            raise NotFoundError
        if before is None:
            dispute_rows.add(work, _dispute(told, now))
            archive_operations.refresh(work, card, code, now)
        found = link_rows.stores(work, code, [platform])[platform]
        work.commit()
    return next(each for each in found if each.link_id == link_id)


def decide(store: Store, card: Scorecard, link: Key, ruled: Ruled) -> frozenset[str]:
    """Rules on the link, disputed or not; returns the codes of whom that concerns.

    Raises:
        NotFoundError: no platform says so, as far as the log is folded.
        OwnCaseError: the one who rules is the one who disputed.
    """
    with store.writing() as work:
        if not dispute_rows.is_link(work, link):
            raise NotFoundError
        submitters = {each.submitter for each in dispute_rows.disputes(work, link)}
        if ruled.by in submitters | {name.rpartition("|")[2] for name in submitters}:
            raise OwnCaseError
        codes = _ruled(work, [link], ruled)
        work.commit()
    _refresh(store, card, codes, ruled.at)
    return codes


def withhold_overdue(store: Store, card: Scorecard, *, now: Instant) -> int:
    """Rules OVERDUE on links whose dispute is past its last day; returns on how many."""
    with store.reading() as work:
        if not dispute_rows.overdue(work, day_of(now)):
            return 0
    with store.writing() as work:
        # Looked at again: another process may have done it.
        record_rows.hold_fold(work)
        links = dispute_rows.overdue(work, day_of(now))
        codes = _ruled(work, links, Ruled(Ruling.OVERDUE, _OVERDUE, "", now))
        work.commit()
    _refresh(store, card, codes, now)
    return len(links)


def history(store: Store, link: Key) -> tuple[tuple[Dispute, ...], tuple[Ruled, ...]]:
    """Returns the disputes of a link and the rulings on it, the oldest first."""
    with store.reading() as work:
        return dispute_rows.disputes(work, link), dispute_rows.rulings(work, link)


def waiting(store: Store) -> list[tuple[Key, int]]:
    """Returns the links under dispute and the last day for each, the nearest first."""
    with store.reading() as work:
        return [(link, due) for link, due in dispute_rows.waiting(work)]


def _dispute(told: Contest, now: Instant) -> Dispute:
    return Dispute(
        link=told.link,
        uid=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{told.submitter}|{told.request.id}")),
        submitter=told.submitter,
        request_id=told.request.id,
        request_digest=told.request.digest,
        ground=told.ground,
        evidence_sha256=told.evidence_sha256,
        disputed_at=now,
        due=due_day(day_of(now)),
    )


def _ruled(work: UnitOfWork, links: Sequence[Key], ruled: Ruled) -> frozenset[str]:
    """Rules on links, and has roll-ups and views follow, in the caller's unit of work."""
    if not links:
        return frozenset()
    record_rows.hold_fold(work)
    for link in links:
        dispute_rows.rule(work, link, ruled)
    # The code itself too: a link that was voided since is in no table of links.
    codes = record_rows.relink(work, links) | {code for code, _, _ in links}
    archive_rows.mark_stale(work, sorted(codes), ruled.at)
    return codes


def _refresh(store: Store, card: Scorecard, codes: Iterable[str], now: Instant) -> None:
    for code in sorted(codes):
        with store.writing() as work:
            archive_operations.refresh(work, card, code, now)
            work.commit()
