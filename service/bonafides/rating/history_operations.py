"""What can be done with levels that were given: told step by step, proved, and made again.

list_ratings(store, code, until=None, size=100)     # step by step, with causes
get_receipt(store, card, code, as_of=None, now=now)    # all that a level follows from
replay(store, models_dir, code, now=now)    # kept levels again, byte for byte
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Final

from bonafides.errors import NotFoundError
from bonafides.instants import Instant, to_timestamp
from bonafides.rating import explain, operations
from bonafides.rating.marks import differing
from bonafides.rating.publishing import publish
from bonafides.rating.rate import rate
from bonafides.rating.receipt import Receipt, Told, raw_of, receipt, salt
from bonafides.rating.scorecard import Scorecard, load, models_folder
from bonafides.rating.told import add_published, receipt_message, step_message
from bonafides.storage import identity as identity_rows
from bonafides.storage import rating as rating_rows
from bonafides.storage.rating import RatingRow
from bonafides.storage.unit_of_work import Store, UnitOfWork
from bonafides.v1 import rating_pb2

# Behind every instant that a row can have.
_FOREVER: Final = Instant(2**53)
# Levels that are made again in one unit of work.
_PAGE: Final = 50


def list_ratings(
    store: Store, code: str, *, until: Instant | None, size: int
) -> tuple[list[rating_pb2.RatingStep], Instant | None]:
    """Returns the steps of a level's history, the latest first, and where the next page begins.

    A step changed the level shown, the raw level or the card, and says which facts
    differ from those of the step before. `until` is where the page begins; None: with the
    latest. None in the answer: there are no more.

    Raises:
        NotFoundError: the enterprise does not take part.
    """
    with store.reading() as work:
        _require_part(work, code)
        # One more, to compare the last of the page with.
        rows = rating_rows.steps(work, code, until or _FOREVER, size + 1)
    steps = []
    for row, former in zip_longest(rows[:size], rows[1 : size + 1]):
        changed = differing(json.loads(former.marks), json.loads(row.marks)) if former else ()
        levels = (row.level, former.level if former else None)
        receipt = Receipt(row.receipt)
        steps.append(step_message(code, receipt, row.cause, levels=levels, changed=changed))
    return steps, rows[size - 1].as_of if len(rows) > size else None


def get_receipt(
    store: Store, card: Scorecard, code: str, *, as_of: Instant | None, now: Instant
) -> rating_pb2.Receipt:
    """Returns the receipt of the level, not signed; None as the instant: of the level of now.

    Of an instant of the past it is the receipt of the level that was kept last by then.

    Raises:
        NotFoundError: the enterprise does not take part, or had no level by then.
    """
    if as_of is None:
        # Rated anew if what is kept is valid no more.
        operations.get_rating(store, card, code, now=now)
    with store.reading() as work:
        _require_part(work, code)
        row = rating_rows.latest(work, code, now if as_of is None else as_of)
        secret = rating_rows.secret(work, code) if row is not None else b""
    if row is None:
        raise NotFoundError
    return receipt_message(code, Receipt(row.receipt), salt(secret, row.as_of))


@dataclass(frozen=True, slots=True)
class Replayed:
    """A level that was kept, and whether making it again gives the same bytes."""

    as_of: Instant
    model_version: str
    level: str
    agrees: bool


def replay(store: Store, models_dir: Path | None, code: str, *, now: Instant) -> Iterator[Replayed]:
    """Makes every kept level again by its own card, the latest first, and compares the bytes.

    Raises:
        NotFoundError: the enterprise does not take part.
        ScorecardError: a card of one of the levels is not there, or can't be used.
    """
    folder, until = models_folder(models_dir), _FOREVER
    while True:
        with store.reading() as work:
            _require_part(work, code)
            page = rating_rows.kept(work, code, until, _PAGE)
            told = [(row, again(work, load(folder, row.model_version), row, now)) for row in page]
        for row, made in told:
            agrees = made == (row.message, row.receipt)
            yield Replayed(row.as_of, row.model_version, row.level, agrees)
        if len(page) < _PAGE:
            return
        until = page[-1].as_of


def again(work: UnitOfWork, card: Scorecard, row: RatingRow, now: Instant) -> tuple[bytes, bytes]:
    """Returns message and receipt of a kept level, made again by its card, of facts as of then.

    They are those that were kept, byte for byte, unless what they rested on may be used no
    more. What did not answer, and what was published before, are as the receipt has it:
    the table of sources knows the present alone.
    """
    given = Receipt(row.receipt)
    inputs = operations.gather_past(work, row.code, row.as_of, now)
    result = rate(inputs, card)
    raw = raw_of(result, card)
    told = Told(given.prior, given.moment, publish(given.prior, raw, given.moment))
    made = receipt(result, card, told, secret=rating_rows.secret(work, row.code))
    message = explain.explained(inputs, result, card)
    add_published(message, raw, told, made)
    message.valid_until_time.CopyFrom(to_timestamp(row.valid_until))
    message = operations.shown(message, inputs)
    return message.SerializeToString(deterministic=True), made.document


def _require_part(work: UnitOfWork, code: str) -> None:
    if not identity_rows.is_enrolled(work, code):
        raise NotFoundError
