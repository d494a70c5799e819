"""What can be done with levels and scorecards.

    inputs = gather(work, code, now)          # the facts as of now
    inputs = gather_past(work, code, as_of, now)    # as they were known then
    rating = rate(work, card, inputs, now)    # the level, kept as a row
    get_rating(store, card, code, now=now)    # the kept level while it is valid
    get_scorecard(models_dir, "champion")     # what anyone needs to recompute it
    measure_peers(store, card, now=now)       # how groups of enterprises stand

A level is computed from facts, never from the archive. A kept level is served while
it is valid and of the card that is served; otherwise the enterprise is rated anew. Of
one day, card and level the last rating is kept; a change of level is always kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from bonafides.archive.categories import main_category
from bonafides.errors import BugError, NotFoundError
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import Day, Instant, day_of, from_timestamp, to_timestamp
from bonafides.rating import disputed, explain, people
from bonafides.rating import rate as rules
from bonafides.rating.features import RatingInputs
from bonafides.rating.peers import Tally, groups_of
from bonafides.rating.scorecard import (
    Scorecard,
    champion_version,
    is_version,
    load,
    models_folder,
)
from bonafides.storage import announced as announced_rows
from bonafides.storage import archive as archive_rows
from bonafides.storage import consents as consent_rows
from bonafides.storage import identity as identity_rows
from bonafides.storage import overdue, recount
from bonafides.storage import peers as peer_rows
from bonafides.storage import rating as rating_rows
from bonafides.storage import records as record_rows
from bonafides.storage import reviews as review_rows
from bonafides.storage.unit_of_work import Store, UnitOfWork
from bonafides.v1 import rating_pb2

# Enterprises that are looked at in one go: some megabytes of levels.
_PEER_PAGE: Final = 500


def gather(work: UnitOfWork, code: str, now: Instant) -> RatingInputs:
    """Returns the facts of an enterprise as of now, of authorized platforms alone."""
    reporting = record_rows.platforms(work, code)
    authorized = frozenset(consent_rows.authorized_platforms(work, code, now))
    covered = sorted(authorized.intersection(reporting))
    allowed = consent_rows.standing(work, code, now)
    sheet = archive_rows.fact_sheet(work, code, now)
    return RatingInputs(
        code=UnifiedCode.parse(code),
        as_of=now,
        sheet=sheet,
        platforms=archive_rows.platform_records(work, code, covered, day_of(now)),
        platforms_known=len(reporting),
        purposes=allowed.purposes,
        purposes_end_at=allowed.ends_at,
        people=review_rows.people_of(work, code, people.digests(sheet), now),
    )


def gather_past(work: UnitOfWork, code: str, as_of: Instant, now: Instant) -> RatingInputs:
    """Returns the facts of an enterprise as the service knew them at an instant of the past.

    Statistics are recounted from the records that had come by then; roll-ups know the
    present alone. What was authorized then and has been taken back since is not used:
    a revocation holds for the past too.
    """
    reporting = recount.platforms(work, code, as_of)
    authorized = frozenset(consent_rows.authorized_platforms(work, code, as_of))
    still = frozenset(consent_rows.authorized_platforms(work, code, now))
    covered = sorted(authorized & still & frozenset(reporting))
    sheet = archive_rows.fact_sheet(work, code, as_of)
    return RatingInputs(
        code=UnifiedCode.parse(code),
        as_of=as_of,
        sheet=sheet,
        platforms=recount.platform_records(work, code, covered, as_of),
        platforms_known=len(reporting),
        purposes=consent_rows.live_purposes(work, code, as_of)
        & consent_rows.live_purposes(work, code, now),
        people=review_rows.people_of(work, code, people.digests(sheet), as_of),
    )


def level_of(card: Scorecard, inputs: RatingInputs) -> rating_pb2.Rating:
    """Returns the level that the card gives to the facts, kept nowhere."""
    return _shown(explain.explained(inputs, rules.rate(inputs, card), card), inputs)


def rate(
    work: UnitOfWork, card: Scorecard, inputs: RatingInputs, now: Instant
) -> rating_pb2.Rating:
    """Rates the enterprise and keeps the level, in the caller's unit of work.

    Raises:
        BugError: the inputs are of another instant; only a level of now is kept.
    """
    if inputs.as_of != now:
        raise BugError("a level was to be kept of facts of another instant")
    result = rules.rate(inputs, card)
    message = _shown(explain.explained(inputs, result, card), inputs)
    if inputs.code.individual:
        review_rows.follow(work, result.code.text, _to_review(inputs), now)
    row = rating_rows.RatingRow(
        code=result.code.text,
        as_of=result.as_of,
        model_version=card.version,
        level=people.level_shown(message),
        valid_until=from_timestamp(message.valid_until_time),
        message=message.SerializeToString(deterministic=True),
    )
    last = rating_rows.latest(work, row.code, now)
    if last is not None and _says_the_same(last, row):
        rating_rows.delete(work, last)
    rating_rows.insert(work, row)
    return message


def get_rating(store: Store, card: Scorecard, code: str, *, now: Instant) -> rating_pb2.Rating:
    """Returns the level in full, to be disclosed by the caller. Rates anew if need be.

    Raises:
        NotFoundError: the enterprise does not take part.
    """
    with store.reading() as work:
        if not identity_rows.is_enrolled(work, code):
            raise NotFoundError
        row = rating_rows.latest(work, code, now)
        if row is not None and now < row.valid_until and row.model_version == card.version:
            return with_peers(work, rating_pb2.Rating.FromString(row.message))
    with store.writing() as work:
        overdue.withhold(work, code, now)
        message = with_peers(work, rate(work, card, gather(work, code, now), now))
        work.commit()
    return message


@dataclass(frozen=True, slots=True)
class PeerReport:
    """How many enterprises were looked at, how many have peers, and how many means there are."""

    enterprises: int
    compared: int
    means: int


def measure_peers(
    store: Store,
    card: Scorecard,
    *,
    now: Instant,
    on_progress: Callable[[int], object] = lambda _done: None,
) -> PeerReport:
    """Measures the means of all groups of peers anew, of the levels that were kept.

    Read page by page and stored in one short unit of work. `on_progress` is told how
    many enterprises have been looked at.
    """
    tally, seen, after = Tally(), 0, ""
    while True:
        with store.reading() as work:
            page = identity_rows.enrolled_codes(work, after, _PEER_PAGE)
            if not page:
                break
            for each in peer_rows.candidates(work, page, version=card.version, now=now):
                _count_in(tally, each, day_of(now))
        seen, after = seen + len(page), page[-1]
        on_progress(seen)
    measured = tally.measured()
    with store.writing() as work:
        identity_rows.take_turns(work, "peers")
        peer_rows.replace(work, measured, now=now)
        work.commit()
    return PeerReport(seen, len(measured.groups), len(measured.means))


def measure_peers_daily(store: Store, card: Scorecard, *, now: Instant) -> PeerReport | None:
    """Measures peers, unless that was done today already; then None."""
    with store.reading() as work:
        last = peer_rows.measured_at(work)
    if last is not None and day_of(last) >= day_of(now):
        return None
    return measure_peers(store, card, now=now)


def with_peers(work: UnitOfWork, message: rating_pb2.Rating) -> rating_pb2.Rating:
    """Returns the level with the means of its enterprise's peers beside its contributions.

    As they were measured last. Kept levels are without: what a level follows from does
    not change with its peers. A fall that was announced stands beside the level, too.
    """
    code = message.name.split("/")[1]
    message = _with_announced(work, code, message)
    if not message.contributions:
        return message
    means = peer_rows.means_for(work, code)
    if not means:
        return message
    told = rating_pb2.Rating()
    told.CopyFrom(message)
    for part in told.contributions:
        if part.feature in means:
            part.peers.CopyFrom(explain.peers_message(*means[part.feature]))
    return told


def _with_announced(work: UnitOfWork, code: str, message: rating_pb2.Rating) -> rating_pb2.Rating:
    """Returns the level with the one that a card to come would give, if it was announced."""
    row = announced_rows.find(work, code)
    if row is None or row.model_digest == message.model_digest:
        return message
    told = rating_pb2.Rating()
    told.CopyFrom(message)
    told.announced.CopyFrom(
        rating_pb2.AnnouncedLevel(
            level=rating_pb2.Level.Value(f"LEVEL_{row.level}"),
            model_version=row.model_version,
            model_digest=row.model_digest,
            announce_time=to_timestamp(row.announced_at),
            effective_time=to_timestamp(row.effective_at),
        )
    )
    return told


def get_scorecard(models_dir: Path | None, version: str) -> rating_pb2.Scorecard:
    """Returns a published scorecard; "champion" names the one that is served.

    None as the folder: the cards that come with the package.

    Raises:
        NotFoundError: no such version.
    """
    folder = models_folder(models_dir)
    if version == "champion":
        version = champion_version(folder)
    if not is_version(version):
        raise NotFoundError
    return _published(folder, version)


# The method is open to everybody and a published card never changes.
@lru_cache(maxsize=16)
def _published(folder: Path, version: str) -> rating_pb2.Scorecard:
    if not (folder / version).is_dir():
        raise NotFoundError
    return explain.scorecard_message(load(folder, version))


def _shown(message: rating_pb2.Rating, inputs: RatingInputs) -> rating_pb2.Rating:
    """Returns the level as it is shown: what is disputed marked, and as people leave it."""
    return people.shown(disputed.mark(message, inputs), inputs.people)


def _to_review(inputs: RatingInputs) -> frozenset[str]:
    """Returns the facts that a person must look at before they give D; empty: none.

    Who did not consent to be rated can have no D.
    """
    return people.digests(inputs.sheet) if "RATE" in inputs.purposes else frozenset()


def _says_the_same(last: rating_rows.RatingRow, row: rating_rows.RatingRow) -> bool:
    """Tells whether the last row is of the same day, card and level.

    An enterprise that trades is rated anew every few seconds: were each kept, it would
    fill gigabytes a year. What stood in between is recomputed from the facts as of then.
    """
    return (
        day_of(last.as_of) == day_of(row.as_of)
        and last.model_version == row.model_version
        and last.level == row.level
    )


def _count_in(tally: Tally, member: peer_rows.Candidate, today: Day) -> None:
    told = rating_pb2.Rating.FromString(member.message)
    figures = {part.feature: part.value for part in told.contributions if part.HasField("value")}
    # Without points there is nothing to compare; who did not consent has none, either.
    if figures:
        category = main_category(member.categories)
        groups = groups_of(UnifiedCode.parse(member.code), member.registration, category, today)
        tally.add(member.code, groups, figures)
