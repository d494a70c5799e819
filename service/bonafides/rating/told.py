"""Puts into words what was published of a level: beside it, step by step, and as a receipt.

The messages are in full; what each audience sees of them is disclosure's business.

    add_published(message, raw, told, receipt)     # level becomes the published one
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bonafides.instants import Instant, to_timestamp
from bonafides.rating.card import POINT_LEVELS, Level
from bonafides.rating.marks import Difference
from bonafides.rating.publishing import Cause, Raw, hold_of, next_evaluation
from bonafides.rating.receipt import Receipt, Told
from bonafides.v1 import rating_pb2

_UNRATED: Final = frozenset({rating_pb2.LEVEL_D, rating_pb2.LEVEL_NR})


def add_published(message: rating_pb2.Rating, raw: Raw, told: Told, receipt: Receipt) -> None:
    """Makes the published level the message's, and says what it has to do with the raw one.

    The range is widened to hold the published level, so that no level stands outside it.
    """
    published = told.published
    message.raw_level = message.level
    message.level = level_value(published.level)
    _widen(message, published.level)
    message.stale = bool(told.moment.down)
    hold = hold_of(raw, published, told.moment)
    if hold is not None:
        message.hold = rating_pb2.Hold.Value(f"HOLD_{hold}")
    message.publish_time.CopyFrom(to_timestamp(published.since))
    if published.former is not None and published.former_since is not None:
        message.prior_level = level_value(published.former)
        message.prior_publish_time.CopyFrom(to_timestamp(published.former_since))
    evaluation = next_evaluation(told.moment.as_of)
    message.next_evaluation_time.CopyFrom(to_timestamp(evaluation))
    if published.cap_until is not None:
        message.cap_end_time.CopyFrom(to_timestamp(published.cap_until))
    message.receipt_digest = receipt.digest


def step_message(
    code: str,
    receipt: Receipt,
    cause: str,
    *,
    levels: tuple[str, str | None],
    changed: Iterable[Difference],
) -> rating_pb2.RatingStep:
    """Returns one step of a history. `levels`: the one shown since, and the one before."""
    document, (level, former) = receipt.content, levels
    as_of = Instant(document["as_of"])
    made = rating_pb2.RatingStep(
        name=f"enterprises/{code}/ratings/{as_of}",
        as_of_time=to_timestamp(as_of),
        level=level_value(Level(level)),
        raw_level=level_value(Level(document["raw"]["level"])),
        cause=rating_pb2.Cause.Value(f"CAUSE_{Cause(cause)}"),
        model_version=document["model"]["version"],
        changed_facts=[
            rating_pb2.ChangedFact(fact=each.fact, before=each.before, after=each.after)
            for each in changed
        ],
        receipt_digest=receipt.digest,
    )
    if former is not None:
        made.prior_level = level_value(Level(former))
    return made


def receipt_message(code: str, receipt: Receipt, salt: bytes) -> rating_pb2.Receipt:
    """Returns the receipt, not signed yet."""
    return rating_pb2.Receipt(
        name=f"enterprises/{code}/receipt",
        document=receipt.document,
        digest=receipt.digest,
        salt=salt,
        as_of_time=to_timestamp(Instant(receipt.content["as_of"])),
    )


def sign(message: rating_pb2.Receipt, key: Ed25519PrivateKey) -> None:
    """Signs the receipt's document, and adds the key that the signature verifies with."""
    message.signature = key.sign(message.document)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    message.public_key = public.decode("ascii")


def level_value(level: Level) -> rating_pb2.Level.ValueType:
    """Returns the level as messages have it."""
    return rating_pb2.Level.Value(f"LEVEL_{level}")


def _widen(message: rating_pb2.Rating, level: Level) -> None:
    if level not in POINT_LEVELS:
        message.range_low = message.range_high = message.level
        return
    # Better levels have lower numbers.
    ends = {message.range_low, message.range_high} - _UNRATED | {message.level}
    message.range_low, message.range_high = max(ends), min(ends)
