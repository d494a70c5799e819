"""Writes down all that a published level follows from, so that anyone can recompute it.

A receipt is one JSON document in the canonical form of cards (`models/README.md`). It
holds bins, never values, and names the enterprise by a salted digest alone: whoever was
given the salt can see that it is of this enterprise, and nobody else can tell. Its SHA-256
is its identity; an Ed25519 signature is made of its bytes when it is handed out.

The salt differs from receipt to receipt, so that two can't be told to be of the same
enterprise; it follows from a secret of the enterprise and the instant, so that a level
that is computed again has the same receipt, byte for byte.

`docs/receipt.md` says what each member means, and `scripts/check_receipt.py` recomputes.

    receipt(result, card, told).digest
"""

from __future__ import annotations

import hashlib
import hmac
import json
from bisect import bisect_right
from dataclasses import dataclass, fields
from typing import Any, Final

from bonafides.instants import Instant
from bonafides.rating.card import POINT_LEVELS, CardFeature, Contribution, Level
from bonafides.rating.features import Absent, Share, Value
from bonafides.rating.marks import clean
from bonafides.rating.publishing import Down, Moment, Published, Raw, Relief
from bonafides.rating.rate import RatingResult, held
from bonafides.rating.scorecard import Scorecard, canonical

SCHEMA: Final = "bonafides-receipt-1"
SECRET_BYTES: Final = 32
_LEVELS: Final = frozenset({"level", "standing", "earned", "cap", "former"})

Slot = int | Absent


@dataclass(frozen=True, slots=True)
class Reading:
    """The slots of one feature: as it is, at both ends of its range, and unburdened.

    `clean` is the slot that it would have if nothing counted against the enterprise.
    """

    feature: CardFeature
    slot: Slot
    worst: Slot
    best: Slot
    clean: Slot


@dataclass(frozen=True, slots=True)
class Told:
    """What was published, of what. `prior` None: nothing was before."""

    prior: Published | None
    moment: Moment
    published: Published


@dataclass(frozen=True, slots=True)
class Receipt:
    """The canonical bytes of a receipt."""

    document: bytes

    @property
    def digest(self) -> str:
        """The SHA-256 of the bytes, hex."""
        return hashlib.sha256(self.document).hexdigest()

    @property
    def content(self) -> dict[str, Any]:
        """What the bytes say."""
        told: dict[str, Any] = json.loads(self.document)
        return told

    @property
    def published(self) -> Published:
        """What it says was published."""
        return _published(self.content["published"])

    @property
    def prior(self) -> Published | None:
        """What it says was published before; None: nothing was."""
        told = self.content.get("prior")
        return None if told is None else _published(told)

    @property
    def moment(self) -> Moment:
        """What it says the published level followed from, beside the raw and the prior one."""
        told, as_of = self.content["moment"], Instant(self.content["as_of"])
        relief = tuple(map(Relief, told["relief"]))
        return Moment(as_of, relief, tuple(map(Down, told["down"])), bool(told["withdrawn"]))


def readings(result: RatingResult) -> tuple[Reading, ...]:
    """Returns the slots that gave the level, in the card's order; none for D and NR."""
    return tuple(_reading(part) for part in result.contributions)


def raw_of(result: RatingResult, card: Scorecard) -> Raw:
    """Returns the raw level with what its publication asks of it."""
    best = result.level
    if result.contributions:
        total = sum(each.feature.points_at(each.clean) for each in readings(result))
        best = held(card.level_at(total), result.ceilings)
    reasons = tuple(hit.rule.reason for hit in result.rules)
    return Raw(result.level, result.range_high, best, reasons)


def receipt(result: RatingResult, card: Scorecard, told: Told, *, secret: bytes) -> Receipt:
    """Returns the receipt of the level."""
    raw = raw_of(result, card)
    rated = result.level in POINT_LEVELS
    shown: dict[str, Any] = {"level": raw.level.value, "clean": raw.clean.value}
    shown |= {"low": result.range_low.value, "high": result.range_high.value}
    if result.score is not None:
        shown["score"] = result.score
    moment: dict[str, Any] = {"withdrawn": int(told.moment.withdrawn)}
    moment |= {"relief": [each.value for each in told.moment.relief]}
    moment |= {"down": [each.value for each in told.moment.down]}
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "subject": subject(result.code.text, salt(secret, result.as_of)),
        "as_of": result.as_of,
        "model": {"version": card.version, "digest": card.digest},
        "features": [_feature(each) for each in readings(result)],
        "rules": [hit.rule.reason for hit in (result.ceilings if rated else result.rules)],
        "raw": shown,
        "moment": moment,
        "published": _document(told.published),
    }
    if told.prior is not None:
        document["prior"] = _document(told.prior)
    return Receipt(canonical(document))


def salt(secret: bytes, as_of: Instant) -> bytes:
    """Returns the salt of the enterprise's receipt of the instant."""
    return hmac.new(secret, str(as_of).encode(), hashlib.sha256).digest()


def subject(code: str, salted: bytes) -> str:
    """Returns the name of the enterprise in a receipt: SHA-256 of salt and code, hex."""
    return hashlib.sha256(salted + code.encode()).hexdigest()


def _reading(part: Contribution) -> Reading:
    feature = part.feature
    worst, best = _ends(feature, part.value, part.slot)
    unburdened = feature.slot(clean(feature.name, part.value))
    return Reading(feature, part.slot, worst, best, unburdened)


def _ends(feature: CardFeature, value: Value, slot: Slot) -> tuple[Slot, Slot]:
    if not isinstance(value, Share) or feature.prior is None:
        return slot, slot
    ends = [bisect_right(feature.edges, bound) for bound in feature.prior.bounds(value)]
    ends.sort(key=feature.points_at)
    return ends[0], ends[1]


def _feature(reading: Reading) -> dict[str, Any]:
    made: dict[str, Any] = {"feature": reading.feature.name, "slot": _slot(reading.slot)}
    made["points"] = reading.feature.points_at(reading.slot)
    for name in ("worst", "best", "clean"):
        slot: Slot = getattr(reading, name)
        # Most are as the slot itself.
        if slot != reading.slot:
            made[name] = _slot(slot)
    return made


def _slot(slot: Slot) -> int | str:
    return slot.value if isinstance(slot, Absent) else slot


def _document(state: Published) -> dict[str, Any]:
    told = {field.name: getattr(state, field.name) for field in fields(state)}
    known = {name: value for name, value in told.items() if value is not None}
    return {name: int(value) if name == "relieved" else value for name, value in known.items()}


def _published(told: dict[str, Any]) -> Published:
    values: dict[str, Any] = {
        name: Level(value) if name in _LEVELS else value for name, value in told.items()
    }
    return Published(**values | {"relieved": bool(told["relieved"])})
