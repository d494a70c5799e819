"""Gives a level: a pure function of facts, card and date.

1. A knock-out gives D: a public record decides, not points.
2. Otherwise too little to say gives NR, with every reason at once. NR is no judgement.
3. Otherwise the points give a level, and ceilings hold it down until their evidence is
   there.
4. The range is the level on a pessimistic and on an optimistic reading of the same
   shares, under the same ceilings. D and NR have no range but themselves.

D and NR have no score: no points led to them. This is the raw level; what is published
of it, and when, is `bonafides.rating.publishing`'s business.

    rate(inputs, champion(None)).level     # Level.A
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bonafides.archive.expiry import ends_at, public_record, standing_records
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import Day, Instant, start_of
from bonafides.rating.card import (
    Contribution,
    Level,
    Rule,
    RuleKind,
    lower,
    score,
    takes_groups,
)
from bonafides.rating.features import FEATURES, RatingInputs, identity_established
from bonafides.rating.rules import RULES
from bonafides.rating.scorecard import Scorecard


@dataclass(frozen=True, slots=True)
class RuleHit:
    """A rule that decided, and what it measured."""

    rule: Rule
    measured: int


@dataclass(frozen=True, slots=True)
class RatingResult:
    """A level, and all that led to it.

    `score` is the sum of the contributions, which are in the card's order. None, with
    no contributions: no points led to the level. `valid_until` is the first instant at
    which time alone may change the level, and is after `as_of`.
    """

    code: UnifiedCode
    as_of: Instant
    valid_until: Instant
    level: Level
    range_low: Level
    range_high: Level
    score: int | None
    contributions: tuple[Contribution, ...]
    rules: tuple[RuleHit, ...]
    platforms_covered: int
    platforms_known: int
    ceilings: tuple[RuleHit, ...] = ()


def rate(inputs: RatingInputs, card: Scorecard) -> RatingResult:
    """Rates the enterprise by the card."""
    # 1. and 2.
    for kind, level in ((RuleKind.KNOCK_OUT, Level.D), (RuleKind.NOT_RATED, Level.NR)):
        if hits := _hits(inputs, card, kind):
            return _result(inputs, (level, level, level), hits)
    # 3. and 4.
    values = {part.name: FEATURES[part.name].measure(inputs) for part in card.features}
    groups = inputs.peer_groups if takes_groups(card.features) else ()
    scored = score(card.features, values, groups)
    by_points = card.level_at(scored.total)
    ceilings = _hits(inputs, card, RuleKind.CEILING)
    ends = (by_points, card.level_at(scored.low), card.level_at(scored.high))
    level, low, high = (held(end, ceilings) for end in ends)
    felt = tuple(hit for hit in ceilings if held(by_points, (hit,)) is not by_points)
    result = _result(inputs, (level, low, high), felt, scored.contributions)
    return replace(result, ceilings=ceilings)


def _hits(inputs: RatingInputs, card: Scorecard, kind: RuleKind) -> tuple[RuleHit, ...]:
    measured = ((rule, RULES[rule.reason].measure(inputs)) for rule in card.rules(kind))
    return tuple(RuleHit(rule, number) for rule, number in measured if number < rule.at_least)


def held(level: Level, ceilings: tuple[RuleHit, ...]) -> Level:
    """Returns the level that the ceilings leave of one that points give."""
    for hit in ceilings:
        level = lower(level, hit.rule.holds_at or level)
    return level


def _result(
    inputs: RatingInputs,
    levels: tuple[Level, Level, Level],
    rules: tuple[RuleHit, ...],
    contributions: tuple[Contribution, ...] = (),
) -> RatingResult:
    level, low, high = levels
    return RatingResult(
        code=inputs.code,
        as_of=inputs.as_of,
        valid_until=_valid_until(inputs),
        level=level,
        range_low=low,
        range_high=high,
        score=sum(part.points for part in contributions) if contributions else None,
        contributions=contributions,
        rules=rules,
        platforms_covered=len(inputs.platforms),
        platforms_known=max(inputs.platforms_known, len(inputs.platforms)),
    )


def _valid_until(inputs: RatingInputs) -> Instant:
    # Ages, windows and certifications turn with the day in Shanghai.
    ends = [start_of(Day(inputs.today + 1))]
    ends += [ends_at(fact.kind, public_record(fact)) for fact in standing_records(inputs.sheet)]
    if inputs.purposes_end_at is not None:
        ends.append(inputs.purposes_end_at)
    verification = inputs.sheet.verification
    if verification is not None and identity_established(inputs):
        ends.append(verification.expires_at)
    return min(ends)
