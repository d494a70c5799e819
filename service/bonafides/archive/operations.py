"""What can be done with archives: record facts, refresh the views, read one.

record_facts          adds facts; what they differ from is superseded, never rewritten
load_public_records   records rows of a file of public records, and refreshes whom they touch
refresh               rates, assembles, and stores one snapshot for each view
refresh_page          the same for many enterprises, in so many statements in all
evaluate_due          refreshes whoever was not rated since the last evaluation
view_at_once          reads a view if that takes no waiting, for the event loop
read_view             reads a view, refreshed first if time alone has changed it
get_archive           the same by the store alone, as bytes
get_past_archive      makes the archive as it was known at an instant, and keeps nothing
update_self_description  replaces what an enterprise says of itself
look_up               finds enterprises by their exact registered name
get_revision          tells which revision the views have
forget_changes        deletes old rows of the table of changes

A view that is past its time is never handed out, by whichever way it was read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bonafides.access.audit import bits_of
from bonafides.access.field_masks import NO_MASK, Mask
from bonafides.archive import snapshot
from bonafides.archive.assemble import assemble
from bonafides.archive.facts import Fact, Kind
from bonafides.archive.public_record_rows import read_row
from bonafides.archive.self_description import SELF, SelfDescription
from bonafides.archive.snapshot import Snapshot, Stored
from bonafides.errors import NotFoundError, RateLimitedError, RevisionNotReachedError
from bonafides.identity.registry import RowError
from bonafides.instants import DAY, MICROSECONDS, Instant, day_of
from bonafides.once import Request, require_same
from bonafides.rating import operations as rating_operations
from bonafides.rating import page_operations
from bonafides.rating.features import RatingInputs
from bonafides.rating.publishing import last_evaluation
from bonafides.rating.scorecard import Scorecard
from bonafides.records.ingest import Rejection
from bonafides.storage import archive as rows
from bonafides.storage import changes, overdue, owner_requests, titles
from bonafides.storage.corrections import past_term_of_page
from bonafides.storage.identity import (
    enrolled_at,
    enrolled_codes,
    is_enrolled,
    take_turns,
    take_turns_of_page,
    taking_part,
)
from bonafides.storage.rating import unevaluated
from bonafides.storage.snapshots import Snapshots
from bonafides.storage.unit_of_work import Store, UnitOfWork
from bonafides.v1 import archive_pb2, disclosure_pb2, rating_pb2

# How often an enterprise may replace what it says of itself in 24 hours.
_CHANGES_PER_DAY: Final = 20
# In one round of the worker, so that the others wait for some seconds at most.
_EVALUATED_AT_ONCE: Final = 200
# Enterprises of one name that are told of; in one district a name is given once.
_MOST_NAMESAKES: Final = 10


def record_facts(work: UnitOfWork, facts: Sequence[Fact], *, now: Instant) -> None:
    """Records what was learned of enterprises, in the caller's unit of work.

    A fact that says the same as what is known changes nothing, but that a source
    which was asked again and said the same makes it as fresh as that. One that is valid
    already supersedes what was held valid; one that will be valid later stands
    beside it until then, and supersedes only what was announced before it.
    """
    for fact in facts:
        known = [
            recorded
            for recorded in rows.current_facts(work, fact.code, fact.kind, fact.item)
            if (recorded.fact.valid_from <= now) == (fact.valid_from <= now)
        ]
        if any(_tells_nothing_new(recorded.fact, fact) for recorded in known):
            continue
        for recorded in known:
            rows.supersede(work, recorded, now)
        rows.insert_fact(work, fact, now)


@dataclass(frozen=True, slots=True)
class LoadReport:
    """How many rows were taken in or known already, and which were refused."""

    loaded: int
    rejected: tuple[Rejection, ...]


def load_public_records(
    store: Store | None,
    card: Scorecard | None,
    table: Sequence[Mapping[str, str | None]],
    *,
    now: Instant,
) -> LoadReport:
    """Records the rows in one unit of work, with the levels and views that follow from them.

    Safe to repeat. A row replaces the one with the same code, kind, source and record
    id, unless it was retrieved earlier: an old file can't bring back what was taken off
    since. Columns are those of `bonafides.archive.public_record_rows`. Without a store
    and a card the rows are only read, which tells what would be refused.
    """
    told: list[Fact] = []
    rejected: list[Rejection] = []
    for index, values in enumerate(table):
        try:
            told.append(read_row(values, now=now))
        except RowError as fault:
            rejected.append(Rejection(index, fault.reason, fault.description))
    if store is not None and card is not None and told:
        with store.writing() as work:
            # Two loads at once would each supersede what the other has not seen.
            take_turns(work, "public records")
            for code in sorted({fact.code for fact in told}):
                overdue.withhold(work, code, now)
            for fact in told:
                if not _is_stale(work, fact):
                    record_facts(work, [fact], now=now)
            for code in sorted({fact.code for fact in told}):
                refresh(work, card, code, now)
            work.commit()
    return LoadReport(len(told), tuple(rejected))


def refresh(work: UnitOfWork, card: Scorecard, code: str, now: Instant) -> None:
    """Rates and assembles the enterprise and stores its views, in the caller's unit of work.

    An enterprise that does not take part is left alone.
    """
    if not is_enrolled(work, code):
        return
    # Before the turn: it folds, and whoever folds may be waiting for the archive.
    overdue.withhold(work, code, now)
    # Of two at once, the one that gathered its facts first could store its views last,
    # and a listing would be out of them until midnight.
    take_turns(work, f"archive {code}")
    inputs = rating_operations.gather(work, code, now)
    titles.keep(work, {code: _title(inputs)})
    rating = rating_operations.with_peers(work, rating_operations.rate(work, card, inputs, now))
    rows.write_snapshots(work, code, _views(inputs, rating), now=now)


def refresh_page(work: UnitOfWork, card: Scorecard, codes: Sequence[str], now: Instant) -> None:
    """Does what `refresh` does for each of the enterprises, in so many statements in all.

    The page is to be no longer than others may wait.
    """
    codes = taking_part(work, codes)
    if not codes:
        return
    for code in past_term_of_page(work, codes, day_of(now)):
        overdue.withhold(work, code, now)
    take_turns_of_page(work, (f"archive {code}" for code in codes))
    inputs, told = page_operations.gather_page(work, codes, now)
    titles.keep(work, {code: _title(inputs[code]) for code in codes})
    ratings = page_operations.rate_page(work, card, inputs, told, now)
    views = {code: _views(inputs[code], ratings[code]) for code in codes}
    rows.write_snapshots_of_page(work, views, now=now)


def _views(inputs: RatingInputs, rating: rating_pb2.Rating) -> tuple[Snapshot, ...]:
    # Else nothing in it rests on a person's consent.
    consents = bits_of(inputs.purposes) if inputs.code.individual else 0
    return snapshot.views(assemble(inputs, rating), consents)


def _title(inputs: RatingInputs) -> str:
    return "" if inputs.registration is None else inputs.registration.title


@dataclass(slots=True)
class Evaluations:
    """How far a process is with the last evaluation: which, and behind which code it goes on.

    It begins anew with the process, and passes over who was rated since.
    """

    of: Instant | None = None
    after: str = ""
    done: bool = False


def evaluate_due(store: Store, card: Scorecard, seen: Evaluations, *, now: Instant) -> None:
    """Refreshes the next of those that were not rated since the last evaluation.

    Each in a unit of work of its own, so that the fault of one keeps no other.

    Raises:
        ExceptionGroup: the faults of those that could not be refreshed. They are
            evaluated when they are next read.
    """
    evaluation = last_evaluation(now)
    if seen.of != evaluation:
        seen.of, seen.after, seen.done = evaluation, "", False
    if seen.done:
        return
    with store.reading() as work:
        page = enrolled_codes(work, seen.after, _EVALUATED_AT_ONCE)
        due = unevaluated(work, page, evaluation)
    seen.after, seen.done = (page[-1] if page else ""), not page
    faults: list[Exception] = []
    for code in due:
        try:
            with store.writing() as work:
                refresh(work, card, code, now)
                work.commit()
        except Exception as fault:  # noqa: BLE001 - raised below, with the others
            faults.append(fault)
    if faults:
        raise ExceptionGroup("enterprises were not evaluated", faults)


def view_at_once(
    snapshots: Snapshots,
    code: str,
    *,
    audience: disclosure_pb2.Audience.ValueType,
    now: Instant,
    min_revision: int = 0,
    mask: Mask = NO_MASK,
) -> Stored | None:
    """Returns the view that the audience may see, without waiting; None: ask `read_view`."""
    view = snapshot.view_name(audience, mask)
    found = None if view is None else snapshots.at_once(code, view)
    if found is None or now >= found.next_change_at or found.revision < min_revision:
        return None
    return found


def fetch_view(
    snapshots: Snapshots,
    code: str,
    *,
    audience: disclosure_pb2.Audience.ValueType,
    mask: Mask = NO_MASK,
) -> asyncio.Future[None] | None:
    """Returns what is done once `view_at_once` may know the view; None: ask `read_view`."""
    view = snapshot.view_name(audience, mask)
    return None if view is None else snapshots.fetch(code, view)


def read_view(
    store: Store,
    snapshots: Snapshots,
    card: Scorecard,
    code: str,
    *,
    audience: disclosure_pb2.Audience.ValueType,
    now: Instant,
    min_revision: int = 0,
    mask: Mask = NO_MASK,
) -> Stored:
    """Returns the view that the audience may see, at least of this revision.

    What the mask withholds is not in it.

    Raises:
        NotFoundError: no such enterprise takes part, or the audience has no view.
        RevisionNotReachedError: it is not of this revision yet.
    """
    view = _view(audience, mask)
    found = snapshots.read(code, view)
    if found is None or now >= found.next_change_at:
        found = _refreshed(store, card, code, _view(audience), now)
        if mask.key:
            found = _narrowed(store, code, (_view(audience), view), mask)
    if found.revision < min_revision:
        raise RevisionNotReachedError
    return found


def get_archive(
    store: Store,
    card: Scorecard,
    code: str,
    *,
    audience: disclosure_pb2.Audience.ValueType,
    now: Instant,
) -> bytes:
    """Returns the archive as the audience may see it, serialized.

    Raises:
        NotFoundError: no such enterprise takes part, or the audience has no view.
    """
    view = _view(audience)
    with store.reading() as work:
        found = rows.read_snapshot(work, code, view)
    if found is None or now >= found.next_change_at:
        found = _refreshed(store, card, code, view, now)
    return found.archive


def get_past_archive(
    store: Store,
    card: Scorecard,
    code: str,
    *,
    audience: disclosure_pb2.Audience.ValueType,
    as_of: Instant,
    now: Instant,
) -> bytes:
    """Returns the archive as it was known at the instant, as the audience may see it, serialized.

    Facts count as recorded by then, statistics are recounted from the records that had
    come by then, and the level is the card's answer to these, published as it was then.
    Nothing of it is kept.

    Raises:
        NotFoundError: no such enterprise took part then, or the audience has no view.
    """
    if audience not in snapshot.VIEWS:
        raise NotFoundError
    with store.reading() as work:
        since = enrolled_at(work, code)
        if since is None or as_of < since:
            raise NotFoundError
        inputs = rating_operations.gather_past(work, code, as_of, now)
        level = rating_operations.past_level(work, card, inputs)
    archive = assemble(inputs, level)
    return snapshot.shown(archive, audience).SerializeToString(deterministic=True)


def update_self_description(
    store: Store,
    card: Scorecard,
    code: str,
    told: SelfDescription,
    *,
    request: Request,
    now: Instant,
) -> archive_pb2.SelfDescription:
    """Replaces what the enterprise says of itself; returns what stands, in full.

    Idempotent by request id. An empty description takes it back.

    Raises:
        NotFoundError: no such enterprise takes part.
        RequestIdReusedError: the request id came before with another digest.
        RateLimitedError: it was replaced too often in 24 hours.
    """
    with store.writing() as work:
        if not is_enrolled(work, code):
            raise NotFoundError
        overdue.withhold(work, code, now)
        take_turns(work, f"archive {code}")
        before = owner_requests.find_digest(work, code, request.id)
        if before is not None:
            require_same(before, request.digest)
        else:
            _leave_time(work, code, now)
            owner_requests.insert(work, code, request.id, request.digest, now)
            said = Fact(
                code=code,
                kind=Kind.SELF_DESCRIPTION,
                value=told,
                source=SELF,
                retrieved_at=now,
                valid_from=now,
            )
            record_facts(work, [said], now=now)
            refresh(work, card, code, now)
        inputs = rating_operations.gather(work, code, now)
        work.commit()
    # What the archive shows, so that both always say the same.
    shown = assemble(inputs, rating_pb2.Rating()).self_description
    shown.name = f"enterprises/{code}/self-description"
    return shown


def look_up(store: Store, title: str) -> list[str]:
    """Returns the codes of the enterprises of this registered name, sorted; ten at most.

    Raises:
        NotFoundError: nobody who takes part bears it.
    """
    with store.reading() as work:
        found = titles.find(work, title, _MOST_NAMESAKES)
    if not found:
        raise NotFoundError
    return found


def get_revision(store: Store, code: str) -> int:
    """Returns the revision of the enterprise's views; 0 if there are none."""
    with store.reading() as work:
        return rows.read_revision(work, code)


def forget_changes(store: Store, *, now: Instant) -> int:
    """Deletes changes that everybody has heard of; returns how many."""
    deleted = 0
    while True:
        with store.writing() as work:
            step = changes.prune(work.connection, now)
            work.commit()
        if not step:
            return deleted
        deleted += step


def _leave_time(work: UnitOfWork, code: str, now: Instant) -> None:
    """Refuses a change that comes too soon: each one is kept for good."""
    oldest = owner_requests.nth_latest_at(work, code, _CHANGES_PER_DAY)
    if oldest is not None and (wait := oldest + DAY - now) > 0:
        raise RateLimitedError(-(-wait // MICROSECONDS))


def _view(audience: disclosure_pb2.Audience.ValueType, mask: Mask = NO_MASK) -> str:
    view = snapshot.view_name(audience, mask)
    if view is None:
        raise NotFoundError
    return view


def _refreshed(store: Store, card: Scorecard, code: str, view: str, now: Instant) -> Stored:
    with store.reading() as work:
        # Asked whether the code is known or not, so that both take the same time.
        if not is_enrolled(work, code):
            raise NotFoundError
    with store.writing() as work:
        overdue.withhold(work, code, now)
        take_turns(work, f"archive {code}")
        found = rows.read_snapshot(work, code, view)
        # Another reader may have refreshed it while this one waited for its turn.
        if found is not None and now < found.next_change_at:
            return found
        refresh(work, card, code, now)
        found = rows.read_snapshot(work, code, view)
        work.commit()
    if found is None:
        raise NotFoundError
    return found


def _narrowed(store: Store, code: str, views: tuple[str, str], mask: Mask) -> Stored:
    """Makes the second view of the first, and stores it."""
    whole_view, view = views
    with store.writing() as work:
        # In turn with whoever assembles: what is made of an older revision must not be
        # stored beside a newer one, where nobody would ever replace it.
        take_turns(work, f"archive {code}")
        whole = rows.read_snapshot(work, code, whole_view)
        if whole is None:
            raise NotFoundError
        made = snapshot.narrowed(whole, view, mask)
        rows.write_narrowed(work, code, made, revision=whole.revision)
        work.commit()
    return Stored(whole.revision, made.next_change_at, made.etag, made.archive, made.consents)


def _is_stale(work: UnitOfWork, told: Fact) -> bool:
    known = rows.current_facts(work, told.code, told.kind, told.item)
    return any(recorded.fact.retrieved_at > told.retrieved_at for recorded in known)


def _tells_nothing_new(known: Fact, told: Fact) -> bool:
    return (
        known.value == told.value
        and known.source == told.source
        and known.valid_to == told.valid_to
        and known.valid_from <= told.valid_from
        and known.retrieved_at >= told.retrieved_at
    )
