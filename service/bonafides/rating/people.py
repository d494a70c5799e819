"""Decides what people may change of a level, after card and calendar have given it.

Pure rules:

1. D of an individual business waits for a person: it is given only on a finding that it
   stands, for exactly the facts that the person looked at. A finding that it does not
   covers these facts and any part of them: nobody is worse off for losing a listing.
   Without consent to be rated there is no D and nothing to look at.
2. Who refuses a level that a machine alone gave has NR, with a neutral reason, and
   nothing else of what the machine computed is in the message. D by a public record
   stays: no points led to it, and of an individual business a person has found so.
3. An override replaces the level and its range from its start up to its term, of at
   most MAX_TERM_DAYS, and is marked. Score, contributions and rules stay as computed.
   It can't be D, and sets no level where the identity is not established or consent is
   missing: those are not people's to lend. Being no machine's, it goes before (2).
4. Time alone ends an override: the level is valid until then at most.

    shown(explain.message(result, card), inputs.people)
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from bonafides.archive.expiry import public_record, standing_records
from bonafides.archive.facts import Fact, FactSheet, Kind, OperatingState, Registration, to_json
from bonafides.archive.public_records import CourtCase, Performance
from bonafides.instants import Instant, from_timestamp, to_timestamp
from bonafides.v1 import rating_pb2

MAX_TERM_DAYS: Final = 30
# Names of `bonafides.rating.card.Level`, which is built on what is built on this module.
SETTABLE: Final = frozenset({"AAA", "AA", "A", "B", "C", "NR"})
REFUSED: Final = "AUTOMATIC_RATING_REFUSED"

# Reasons of NR that no override lifts (3).
_NOT_TO_LEND: Final = frozenset({"IDENTITY", "CONSENT_MISSING"})
_REFUSED_ZH: Final = "该企业选择不接受仅由自动化方式作出的评级。这不是负面评价；可随时撤回该选择。"
_REFUSED_EN: Final = (
    "The enterprise has chosen not to be rated by a machine alone. This says nothing adverse; "
    "it can take that back at any time."
)
_DIGEST_CHARACTERS: Final = 32


class Outcome(enum.StrEnum):
    """What a person found of a level. The values are names of v1.Review.State."""

    STANDS = "STANDS"
    STANDS_NOT = "STANDS_NOT"


@dataclass(frozen=True, slots=True)
class Override:
    """A level that people set, by its name, from its start until `expires_at`, exclusive."""

    uid: str
    level: str
    expires_at: Instant
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class People:
    """What people have said of an enterprise's level as of an instant.

    `finding` is of the facts that would give D now; None: nobody has looked at them.
    `refuses`: the enterprise takes no automatic level. `override`: the one that holds.
    """

    finding: Outcome | None = None
    refuses: bool = False
    override: Override | None = None


NOBODY: Final = People()


def knock_outs(sheet: FactSheet) -> tuple[Fact, ...]:
    """Returns the facts that would give D: a revoked licence, and listings that stand.

    Who has performed is no dishonest debtor, whether or not the court has taken the
    entry off already.
    """
    registered = sheet.registration
    found = [
        fact
        for fact in standing_records(sheet, Kind.DISHONEST_DEBTOR, Kind.SERIOUS_ILLEGAL)
        if not _is_performed(fact)
    ]
    if registered is not None and _state(registered) is OperatingState.REVOKED:
        found.insert(0, registered)
    return tuple(found)


def digests(sheet: FactSheet) -> frozenset[str]:
    """Returns what tells these facts from others, whenever they were retrieved.

    Of the registration its state alone counts: a new address is no new ground for D.
    """
    return frozenset(map(_digest, knock_outs(sheet)))


def covers(outcome: Outcome, looked_at: Collection[str], now: frozenset[str]) -> bool:
    """Returns whether a finding about some facts holds for those that stand now (1)."""
    if outcome is Outcome.STANDS:
        return now == frozenset(looked_at)
    return now <= frozenset(looked_at)


def shown(message: rating_pb2.Rating, people: People) -> rating_pb2.Rating:
    """Returns the level as people leave it."""
    override = people.override
    if override is not None and not _NOT_TO_LEND.intersection(h.reason for h in message.rules):
        return _overridden(message, override)
    if people.refuses and message.level != rating_pb2.LEVEL_D:
        return _refused(message)
    return message


def level_shown(message: rating_pb2.Rating) -> str:
    """Returns the name of the level that the message shows."""
    return rating_pb2.Level.Name(message.level).removeprefix("LEVEL_")


def _overridden(message: rating_pb2.Rating, override: Override) -> rating_pb2.Rating:
    made = rating_pb2.Rating()
    made.CopyFrom(message)
    made.level = rating_pb2.Level.Value(f"LEVEL_{override.level}")
    # The range of the computed level would tell which one it was.
    made.range_low = made.range_high = made.level
    made.overridden = True
    made.override = f"{message.name.removesuffix('/rating')}/overrides/{override.uid}"
    made.disputed = message.disputed or override.disputed
    valid_until = min(from_timestamp(message.valid_until_time), override.expires_at)
    made.valid_until_time.CopyFrom(to_timestamp(valid_until))
    return made


def _refused(message: rating_pb2.Rating) -> rating_pb2.Rating:
    # Named one by one, so that nothing the machine computed rides along.
    made = rating_pb2.Rating(
        name=message.name,
        level=rating_pb2.LEVEL_NR,
        range_low=rating_pb2.LEVEL_NR,
        range_high=rating_pb2.LEVEL_NR,
        as_of_time=message.as_of_time,
        valid_until_time=message.valid_until_time,
        model_version=message.model_version,
        basis=message.basis,
        coverage=message.coverage,
        stale=message.stale,
        model_digest=message.model_digest,
    )
    kind = rating_pb2.RuleHit.KIND_NOT_RATED
    made.rules.extend(hit for hit in message.rules if hit.kind == kind)
    made.rules.add(kind=kind, reason=REFUSED, text_zh=_REFUSED_ZH, text_en=_REFUSED_EN)
    return made


def _is_performed(fact: Fact) -> bool:
    told = public_record(fact)
    return isinstance(told, CourtCase) and told.performance is Performance.PERFORMED


def _state(registered: Fact) -> OperatingState | None:
    told = registered.value
    return told.operating_state if isinstance(told, Registration) else None


def _digest(fact: Fact) -> str:
    told = str(_state(fact)) if fact.kind is Kind.REGISTRATION else to_json(fact)
    text = f"{fact.kind.value}|{fact.item}|{told}"
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARACTERS]
