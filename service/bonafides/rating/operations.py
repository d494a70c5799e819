"""What can be done with levels and scorecards.

    inputs = gather(work, code, now)          # the facts as of now
    inputs = gather_past(work, code, as_of, now)    # as they were known then
    rating = rate(work, card, inputs, now)    # the level, published and kept as a row
    get_rating(store, card, code, now=now)    # the kept level while it is valid
    get_scorecard(models_dir, "champion")     # what anyone needs to recompute it
    measure_peers(store, card, now=now)       # how groups of enterprises stand

A level is computed from facts, never from the archive. A kept level is served while
it is valid and of the card that is served; otherwise the enterprise is rated anew. A
rating that changed nothing gives way to the next of its day; whatever changed is kept,
for `bonafides.rating.history_operations` to tell.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from bonafides.archive.categories import main_category
from bonafides.errors import BugError, NotFoundError
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import HOUR, Day, Instant, day_of, from_timestamp, to_timestamp
from bonafides.rating import disputed, explain, people
from bonafides.rating import rate as rules
from bonafides.rating.card import Level
from bonafides.rating.features import RatingInputs
from bonafides.rating.marks import marks, relief, withdrawn
from bonafides.rating.peers import PeerMean, Tally, groups_of
from bonafides.rating.publishing import (
    FEED_SILENT_HOURS,
    Cause,
    Down,
    Moment,
    Raw,
    cause_of,
    next_evaluation,
    publish,
)
from bonafides.rating.receipt import Receipt, Told, raw_of, receipt
from bonafides.rating.scorecard import (
    Scorecard,
    champion_version,
    is_version,
    load,
    models_folder,
)
from bonafides.rating.told import add_published
from bonafides.records.links import Store as StoreLink
from bonafides.storage import announced as announced_rows
from bonafides.storage import archive as archive_rows
from bonafides.storage import consents as consent_rows
from bonafides.storage import identity as identity_rows
from bonafides.storage import links, overdue, recount
from bonafides.storage import membership as membership_rows
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


def past_level(work: UnitOfWork, card: Scorecard, inputs: RatingInputs) -> rating_pb2.Rating:
    """Returns the level as of the inputs' instant, which may be past; keeps nothing.

    What was published then holds beside the facts as they were known then, unless these
    give another raw level by now: then what was published rested on what may be used no
    more, or on another card, and the raw level stands alone.
    """
    result = rules.rate(inputs, card)
    message = explain.explained(inputs, result, card)
    row = rating_rows.latest(work, result.code.text, result.as_of)
    if row is not None and (row.raw_level, row.model_version) == (result.level, card.version):
        given = Receipt(row.receipt)
        moment = replace(given.moment, as_of=result.as_of)
        told = Told(given.prior, moment, given.published)
        add_published(message, raw_of(result, card), told, given)
    return shown(message, inputs)


def rate(
    work: UnitOfWork, card: Scorecard, inputs: RatingInputs, now: Instant
) -> rating_pb2.Rating:
    """Rates the enterprise, publishes and keeps the level, in the caller's unit of work.

    Raises:
        BugError: the inputs are of another instant; only a level of now is kept.
    """
    if inputs.as_of != now:
        raise BugError("a level was to be kept of facts of another instant")
    if inputs.code.individual:
        review_rows.follow(work, inputs.code.text, to_review(inputs), now)
    before = rating_rows.before(work, inputs.code.text, now)
    around = _around(work, inputs)
    row = made(card, inputs, before, around, rating_rows.secret(work, inputs.code.text))
    if before is not None and gives_way(before, row):
        rating_rows.delete(work, [before])
    rating_rows.insert(work, [row])
    membership_rows.add_notices(work, notices_of(before, row), now)
    return rating_pb2.Rating.FromString(row.message)


def notices_of(
    before: rating_rows.RatingRow | None, row: rating_rows.RatingRow
) -> list[tuple[str, str]]:
    """Returns what those who act for the enterprise are told of another level, with its code."""
    if before is None or row.level == before.level:
        return []
    if row.level == Level.NR.value:
        return [(row.code, "LEVEL_NOT_RATED")]
    if before.level == Level.NR.value:
        return [(row.code, "LEVEL_RATED")]
    order = [each.value for each in Level]
    rose = order.index(row.level) < order.index(before.level)
    return [(row.code, "LEVEL_ROSE" if rose else "LEVEL_FELL")]


def get_rating(store: Store, card: Scorecard, code: str, *, now: Instant) -> rating_pb2.Rating:
    """Returns the level in full, to be disclosed by the caller. Rates anew if need be.

    Raises:
        NotFoundError: the enterprise does not take part.
    """
    with store.reading() as work:
        row = _kept(work, card, code, now)
        if row is not None:
            return with_peers(work, rating_pb2.Rating.FromString(row.message))
    with store.writing() as work:
        message = with_peers(work, _rated(work, card, code, now))
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
    means = peer_rows.means_for(work, code) if message.contributions else {}
    return beside(message, announced_rows.find(work, code), means)


def beside(
    message: rating_pb2.Rating,
    announced: announced_rows.AnnouncedLevel | None,
    means: Mapping[str, tuple[PeerMean, Instant]],
) -> rating_pb2.Rating:
    """Returns the level with what was announced, and with the means by feature, beside it."""
    message = _with_announced(message, announced)
    if not message.contributions or not means:
        return message
    told = rating_pb2.Rating()
    told.CopyFrom(message)
    for part in told.contributions:
        if part.feature in means:
            part.peers.CopyFrom(explain.peers_message(*means[part.feature]))
    return told


def _with_announced(
    message: rating_pb2.Rating, row: announced_rows.AnnouncedLevel | None
) -> rating_pb2.Rating:
    """Returns the level with the one that a card to come would give, if it was announced."""
    # Who refused automatic levels is told of none to come: without one there is no raw level.
    if row is None or row.model_digest == message.model_digest or not message.raw_level:
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


def shown(message: rating_pb2.Rating, inputs: RatingInputs) -> rating_pb2.Rating:
    """Returns the level as it is shown: what is disputed marked, and as people leave it."""
    return people.shown(disputed.mark(message, inputs), inputs.people)


def to_review(inputs: RatingInputs) -> frozenset[str]:
    """Returns the facts that a person must look at before they give D; empty: none.

    Who did not consent to be rated can have no D.
    """
    return people.digests(inputs.sheet) if "RATE" in inputs.purposes else frozenset()


@dataclass(frozen=True, slots=True)
class Around:
    """What the table of facts does not tell: what does not answer, and who reports nothing.

    `changes_at` is when the first platform will count as silent; None: none will.
    `uncovered` are the platforms that are authorized without anything that counts, each
    with the stores that it says are the enterprise's.
    """

    down: tuple[Down, ...]
    changes_at: Instant | None
    uncovered: Mapping[str, tuple[StoreLink, ...]]


def around_of(
    inputs: RatingInputs,
    written: Mapping[str, Instant],
    uncovered: Mapping[str, tuple[StoreLink, ...]],
    *,
    waits: bool,
) -> Around:
    """Returns what is around a level.

    `written` is when each platform that is covered streamed last, `waits`: a source does
    not answer whether the verification goes on.
    """
    silent_from = [Instant(at + FEED_SILENT_HOURS * HOUR) for at in written.values()]
    down = [Down.FEED] if any(at <= inputs.as_of for at in silent_from) else []
    if waits:
        down.append(Down.SOURCE)
    ahead = [at for at in silent_from if at > inputs.as_of]
    return Around(tuple(down), min(ahead, default=None), uncovered)


def lapsed_at(inputs: RatingInputs) -> Instant | None:
    """Returns when the verification of an enterprise in business lapsed; None: it has not."""
    verification, told = inputs.sheet.verification, inputs.registration
    if verification is None or inputs.as_of < verification.expires_at:
        return None
    ended = told is not None and told.operating_state.ended
    return None if ended else verification.expires_at


def _around(work: UnitOfWork, inputs: RatingInputs) -> Around:
    covered = {each.platform for each in inputs.platforms}
    code, lapsed = inputs.code.text, lapsed_at(inputs)
    authorized = consent_rows.authorized_platforms(work, code, inputs.as_of)
    rest = sorted(set(authorized) - covered)
    stores = links.stores(work, code, rest) if rest else {}
    return around_of(
        inputs,
        rating_rows.last_written(work, covered),
        {platform: stores.get(platform, ()) for platform in rest},
        waits=lapsed is not None and bool(rating_rows.renewals_wait(work, {code: lapsed})),
    )


def made(
    card: Scorecard,
    inputs: RatingInputs,
    before: rating_rows.RatingRow | None,
    around: Around,
    secret: bytes,
) -> rating_rows.RatingRow:
    """Returns the level as it is kept: raw, then published."""
    result = rules.rate(inputs, card)
    raw = raw_of(result, card)
    noted = marks(inputs, result, around.down, around.uncovered)
    prior, moment = None, Moment(result.as_of, (), around.down)
    if before is not None:
        prior, had = Receipt(before.receipt).published, json.loads(before.marks)
        moment = replace(moment, relief=relief(had, noted), withdrawn=withdrawn(had, noted))
    told = Told(prior, moment, publish(prior, raw, moment))
    given = receipt(result, card, told, secret=secret)
    message = explain.explained(inputs, result, card)
    add_published(message, raw, told, given)
    ends = [result.valid_until, next_evaluation(result.as_of), around.changes_at]
    message.valid_until_time.CopyFrom(to_timestamp(min(end for end in ends if end is not None)))
    message = shown(message, inputs)
    level = people.level_shown(message)
    return rating_rows.RatingRow(
        code=result.code.text,
        as_of=result.as_of,
        model_version=card.version,
        level=level,
        raw_level=raw.level.value,
        cause=_cause(before, told, raw, card, level),
        valid_until=from_timestamp(message.valid_until_time),
        message=message.SerializeToString(deterministic=True),
        marks=json.dumps(noted, sort_keys=True, ensure_ascii=False),
        receipt=given.document,
    )


def _cause(
    before: rating_rows.RatingRow | None, told: Told, raw: Raw, card: Scorecard, level: str
) -> str:
    """Returns why the level shown is another than before, or what else moved."""
    if before is not None and level != before.level:
        was_published = Receipt(before.receipt).published.level.value
        if level != told.published.level.value or before.level != was_published:
            return Cause.BY_PEOPLE
    cause = cause_of(told.prior, told.published, told.moment)
    if cause is not Cause.NOTHING or before is None:
        return cause
    if before.raw_level != raw.level:
        return Cause.RAW_LEVEL_MOVED
    return Cause.NOTHING if before.model_version == card.version else Cause.CARD_CHANGED


def gives_way(before: rating_rows.RatingRow, row: rating_rows.RatingRow) -> bool:
    """Tells whether the row before changed nothing, and the new one is of the same day.

    An enterprise that trades is rated anew every few seconds: were each kept, it would
    fill gigabytes a year. What stood in between is recomputed from the facts as of then.
    A receipt's prior state is that of the receipt kept before it: so what moved the state,
    be it an evaluation that left the level where it was, is kept.
    """
    if before.cause != Cause.NOTHING or day_of(before.as_of) != day_of(row.as_of):
        return False
    given = Receipt(before.receipt)
    return given.prior == given.published


def _kept(
    work: UnitOfWork, card: Scorecard, code: str, now: Instant
) -> rating_rows.RatingRow | None:
    """Returns the level that is kept, if it is of the card and still valid."""
    if not identity_rows.is_enrolled(work, code):
        raise NotFoundError
    row = rating_rows.latest(work, code, now)
    is_valid = row is not None and now < row.valid_until and row.model_version == card.version
    return row if is_valid else None


def _rated(work: UnitOfWork, card: Scorecard, code: str, now: Instant) -> rating_pb2.Rating:
    overdue.withhold(work, code, now)
    # Of two at once each would take the same step up.
    identity_rows.take_turns(work, f"archive {code}")
    return rate(work, card, gather(work, code, now), now)


def _count_in(tally: Tally, member: peer_rows.Candidate, today: Day) -> None:
    told = rating_pb2.Rating.FromString(member.message)
    figures = {part.feature: part.value for part in told.contributions if part.HasField("value")}
    # Without points there is nothing to compare; who did not consent has none, either.
    if figures:
        category = main_category(member.categories)
        groups = groups_of(UnifiedCode.parse(member.code), member.registration, category, today)
        tally.add(member.code, groups, figures)
