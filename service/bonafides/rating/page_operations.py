"""Rates a page of enterprises at once: the same levels, by so many statements in all.

What `bonafides.rating.operations` does for one enterprise is done here for many in one
unit of work. Facts are read page by page (`bonafides.storage.pages`), the level of each is
made by the same functions, and all are stored together. Rules:

1. The order is that of one: people's reviews are followed first, then levels are made of
   what was kept before, then what changed nothing gives way.
2. Whatever an enterprise has alone, such as a review that is to be opened, is done for it
   alone.

    inputs, around = gather_page(work, codes, now)
    ratings = rate_page(work, card, inputs, around, now)
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from bonafides.errors import BugError
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import Instant
from bonafides.rating.features import RatingInputs
from bonafides.rating.operations import (
    Around,
    around_of,
    beside,
    gives_way,
    lapsed_at,
    made,
    notices_of,
    to_review,
)
from bonafides.rating.scorecard import Scorecard
from bonafides.storage import announced as announced_rows
from bonafides.storage import membership as membership_rows
from bonafides.storage import pages
from bonafides.storage import peers as peer_rows
from bonafides.storage import rating as rating_rows
from bonafides.storage import reviews as review_rows
from bonafides.storage.pages import Gathered
from bonafides.storage.unit_of_work import UnitOfWork
from bonafides.v1 import rating_pb2


def gather_page(
    work: UnitOfWork, codes: Sequence[str], now: Instant
) -> tuple[dict[str, RatingInputs], dict[str, Gathered]]:
    """Returns the facts of each of the enterprises as of now, and what they were made of."""
    told = pages.gathered(work, codes, now)
    inputs = {
        code: RatingInputs(
            code=UnifiedCode.parse(code),
            as_of=now,
            sheet=known.sheet,
            platforms=known.platforms,
            platforms_known=len(known.reporting),
            purposes=known.standing.purposes,
            purposes_end_at=known.standing.ends_at,
            people=known.people,
        )
        for code, known in told.items()
    }
    return inputs, told


def rate_page(
    work: UnitOfWork,
    card: Scorecard,
    page: Mapping[str, RatingInputs],
    told: Mapping[str, Gathered],
    now: Instant,
) -> dict[str, rating_pb2.Rating]:
    """Rates the enterprises, keeps their levels, and returns them with peers beside them.

    Raises:
        BugError: inputs are of another instant; only a level of now is kept.
    """
    if any(inputs.as_of != now for inputs in page.values()):
        raise BugError("a level was to be kept of facts of another instant")
    for code, inputs in page.items():
        facts = to_review(inputs)
        if inputs.code.individual and (facts or told[code].reviewed):
            review_rows.follow(work, code, facts, now)
    codes = list(page)
    before = rating_rows.before_of_page(work, codes, now)
    around = _around(work, page, told)
    secrets = rating_rows.secrets_of_page(work, codes)
    rows = [made(card, page[code], before.get(code), around[code], secrets[code]) for code in codes]
    gone = [
        before[row.code] for row in rows if row.code in before and gives_way(before[row.code], row)
    ]
    rating_rows.delete(work, gone)
    rating_rows.insert(work, rows)
    told_of = (notices_of(before.get(row.code), row) for row in rows)
    membership_rows.add_notices(work, list(itertools.chain.from_iterable(told_of)), now)
    announced = announced_rows.find_of_page(work, codes)
    means = peer_rows.means_of_page(work, codes)
    return {
        row.code: beside(
            rating_pb2.Rating.FromString(row.message),
            announced.get(row.code),
            means.get(row.code, {}),
        )
        for row in rows
    }


def _around(
    work: UnitOfWork, page: Mapping[str, RatingInputs], told: Mapping[str, Gathered]
) -> dict[str, Around]:
    covered = {code: {each.platform for each in page[code].platforms} for code in page}
    written = rating_rows.last_written(work, sorted(set().union(*covered.values())))
    lapsed = {code: at for code in page if (at := lapsed_at(page[code])) is not None}
    waiting = rating_rows.renewals_wait(work, lapsed)
    made_of = {}
    for code, inputs in page.items():
        rest = sorted(set(told[code].authorized) - covered[code])
        made_of[code] = around_of(
            inputs,
            {platform: written[platform] for platform in covered[code] & written.keys()},
            {platform: told[code].stores.get(platform, ()) for platform in rest},
            waits=code in waiting,
        )
    return made_of
