"""Puts a level into words: what each feature gave, of which facts, and which rules decided.

Every contribution names its value, unit, bin, points and the facts that were counted,
so that the enterprise can recompute it with the published card; `bonafides.rating.reasons`
says on what the most was lost. The message is in full; what each audience sees of it is
disclosure's business.

    message(rate(inputs, card), card).contributions[0].bin     # ">= 365"
"""

from __future__ import annotations

from typing import Final

from bonafides.instants import Instant, to_date_message, to_timestamp
from bonafides.rating.card import CardFeature, Contribution
from bonafides.rating.measures import Absent, RatingInputs
from bonafides.rating.peers import PeerMean
from bonafides.rating.rate import RatingResult, RuleHit
from bonafides.rating.reasons import Reason, facts, reasons
from bonafides.rating.scorecard import Scorecard
from bonafides.v1 import rating_pb2

_PPM_IN_PERCENT: Final = 10_000


def message(result: RatingResult, card: Scorecard) -> rating_pb2.Rating:
    """Returns the level with its explanation, undisclosed."""
    made = rating_pb2.Rating(
        name=f"enterprises/{result.code.text}/rating",
        level=rating_pb2.Level.Value(f"LEVEL_{result.level}"),
        range_low=rating_pb2.Level.Value(f"LEVEL_{result.range_low}"),
        range_high=rating_pb2.Level.Value(f"LEVEL_{result.range_high}"),
        as_of_time=to_timestamp(result.as_of),
        valid_until_time=to_timestamp(result.valid_until),
        model_version=card.version,
        basis=rating_pb2.Basis.Value(f"BASIS_{card.basis}"),
        coverage=rating_pb2.Coverage(
            platforms_covered=result.platforms_covered, platforms_known=result.platforms_known
        ),
        contributions=[_contribution(part) for part in result.contributions],
        rules=[_rule(hit) for hit in result.rules],
        model_digest=card.digest,
    )
    if result.score is not None:
        made.score = result.score
    return made


def explained(inputs: RatingInputs, result: RatingResult, card: Scorecard) -> rating_pb2.Rating:
    """Returns the level that was given to the inputs, with its explanation and reasons."""
    made = message(result, card)
    made.reasons.extend(map(_reason, reasons(inputs, result)))
    return made


def scorecard_message(card: Scorecard) -> rating_pb2.Scorecard:
    """Returns the card as it is published: enough to recompute any level given by it."""
    return rating_pb2.Scorecard(
        name=f"scorecards/{card.version}",
        basis=rating_pb2.Basis.Value(f"BASIS_{card.basis}"),
        artifact=card.artifact,
        digest=card.digest,
        signature=card.signature,
    )


def peers_message(mean: PeerMean, measured_at: Instant) -> rating_pb2.PeerMean:
    """Returns the mean of a group of peers as a message."""
    return rating_pb2.PeerMean(
        group=mean.group.key,
        title_zh=mean.group.title_zh,
        title_en=mean.group.title_en,
        mean_milli=mean.mean_milli,
        members=mean.members,
        as_of_time=to_timestamp(measured_at),
    )


def bin_text(feature: CardFeature, slot: int | Absent) -> str:
    """Returns the slot in words: ">= 30, < 90", ">= 1.2 %", "missing" or "not applicable"."""
    if isinstance(slot, Absent):
        return slot.value
    start = f">= {_edge(feature, slot - 1)}" if slot else ""
    end = f"< {_edge(feature, slot)}" if slot < len(feature.edges) else ""
    return ", ".join(part for part in (start, end) if part)


def _edge(feature: CardFeature, position: int) -> str:
    edge = feature.edges[position]
    if feature.unit != "ppm":
        return str(edge)
    whole, rest = divmod(edge, _PPM_IN_PERCENT)
    return f"{whole}.{rest:04}".rstrip("0").rstrip(".") + " %"


def _contribution(part: Contribution) -> rating_pb2.Contribution:
    told = facts(part)
    made = rating_pb2.Contribution(
        feature=part.feature.name,
        title_zh=part.feature.title.zh,
        title_en=part.feature.title.en,
        unit=part.feature.unit,
        bin=bin_text(part.feature, part.slot),
        points=part.points,
        max_points=part.feature.max_points,
        window_days=part.feature.window_days,
        facts=told.en,
        facts_zh=told.zh,
    )
    if part.figure is not None:
        made.value = part.figure
    return made


def _reason(why: Reason) -> rating_pb2.Reason:
    feature = why.part.feature
    made = rating_pb2.Reason(
        feature=feature.name,
        kind=rating_pb2.Reason.Kind.Value(f"KIND_{feature.remedy.kind}"),
        reason=feature.reason.code,
        points_lost=why.points_lost,
        text_zh=why.text.zh,
        text_en=why.text.en,
        to_date=to_date_message(why.until),
        sources=why.sources,
        correction_target=why.target,
    )
    if why.since is not None:
        made.from_date.CopyFrom(to_date_message(why.since))
    if why.cases_until_full is not None:
        made.cases_until_full = why.cases_until_full
    return made


def _rule(hit: RuleHit) -> rating_pb2.RuleHit:
    numbers = {
        "measured": hit.measured,
        "at_least": hit.rule.at_least,
        "lacking": hit.rule.at_least - hit.measured,
    }
    return rating_pb2.RuleHit(
        kind=rating_pb2.RuleHit.Kind.Value(f"KIND_{hit.rule.kind}"),
        reason=hit.rule.reason,
        text_zh=hit.rule.text.zh.format(**numbers),
        text_en=hit.rule.text.en.format(**numbers),
    )
