"""Finds what is wrong with a card that is well formed: the checks before it may serve.

The bins are finite, so that what is shown here is shown for all inputs:
1. every feature is one of the code's, once, with the code's unit, direction and
   window, and none is of a person;
2. edges ascend; over all bins the points follow the direction; missing is never above
   the neutral slot; the neutral points of a share are those of its expected mean; priors
   are of groups that the code knows, missing is never above the points of a group's
   expected mean, and none puts 0 of 12 below 20 of 1,000;
3. no feature moves the score by more than the card's own bound;
4. the levels are those that points give, best first, and every score has one;
5. every rule of the code, as far as the schema version has it, is there once, does what
   the code says it is for, and asks for what can be reached: so no input has a level by
   points beside a knock-out, and each rule lets somebody pass;
6. the golden rows reach every slot of every feature and score exactly as they say;
7. a card says on what it was fitted if, and only if, it was, and has a calibration only
   where enough outcomes were behind it.

It says nothing of causes: whether a feature ought to count is for people.

    next(faults(content), None)     # ("features.dispute_lost_rate.points", "fall in bin 3")
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from string import Formatter
from typing import Final

from bonafides.rating.card import (
    LEAST_BADS,
    LEAST_BADS_OUT_OF_TIME,
    POINT_LEVELS,
    PPM,
    CardFeature,
    Content,
    GoldenValue,
    Rule,
    RuleKind,
    golden_row,
)
from bonafides.rating.features import FEATURES, Absent, Direction, Share, Value
from bonafides.rating.peers import named
from bonafides.rating.rules import RULES

Fault = tuple[str, str]

# The schema version from which on cards print the explanations of the code, and from
# which on a card that was fitted says on what.
WITH_EXPLANATIONS: Final = 3
FITTED_SINCE: Final = 3
# The schema version from which on features may have priors of groups of peers.
WITH_GROUPS: Final = 4
# Little tells nothing: the first must not give fewer points than the second.
FEW: Final = Share(0, 12)
MANY: Final = Share(20, 1_000)
PLACEHOLDERS: Final = frozenset({"measured", "at_least", "lacking"})
# Words of features that would be of a person. The code knows no such feature anyway;
# they are told apart so that the refusal says why.
_OF_A_PERSON: Final = re.compile(
    r"person|representative|proprietor|shareholder|director|owner|birth|gender|sex|ethnic"
    r"|national|id_number|phone|mail|face"
)


def faults(content: Content) -> Iterator[Fault]:
    """Yields where and what, for each fault; nothing for a sound card."""
    names = [feature.name for feature in content.features]
    known = []
    for feature in content.features:
        where = f"features.{feature.name}"
        if names.count(feature.name) > 1:
            yield where, "is there more than once"
        if _OF_A_PERSON.search(feature.name):
            yield where, "is of a person; nothing of a person may be a feature"
        elif feature.name not in FEATURES:
            yield where, "is no feature of this build"
        else:
            known.append(feature)
            yield from _feature_faults(content, feature, where)
    yield from _level_faults(content)
    yield from _rule_faults(content)
    yield from _training_faults(content)
    if len(known) == len(names) == len(set(names)):
        yield from _golden_faults(content)


def _feature_faults(content: Content, feature: CardFeature, where: str) -> Iterator[Fault]:
    policy = FEATURES[feature.name]
    told = (feature.explanation.zh, feature.explanation.en)
    if content.schema_version >= WITH_EXPLANATIONS and told != policy.explanation:
        yield f"{where}.explanation", "is not what the feature of the code publishes"
    if feature.unit != policy.unit:
        yield f"{where}.unit", f"must be {policy.unit}"
    if feature.type != ("share" if policy.is_share else "integer"):
        yield f"{where}.type", "is not the type of the feature's values"
    if feature.direction is not policy.direction:
        yield f"{where}.direction", f"must be {policy.direction}: it is policy, not data"
    if feature.window_days != policy.window_days:
        yield f"{where}.window_days", f"must be {policy.window_days}"
    if len(feature.points) != len(feature.edges) + 1:
        yield f"{where}.points", "must be one more than the edges"
        return
    yield from _bin_faults(feature, where)
    yield from _slot_faults(content, feature, where)


def _bin_faults(feature: CardFeature, where: str) -> Iterator[Fault]:
    if any(one >= other for one, other in pairwise(feature.edges)):
        yield f"{where}.edges", "must ascend"
    sign = 1 if feature.direction is Direction.HIGHER_IS_BETTER else -1
    for number, (one, other) in enumerate(pairwise(feature.points), start=1):
        if (other - one) * sign < 0:
            yield f"{where}.points", f"run against the direction in bin {number}"


def _slot_faults(content: Content, feature: CardFeature, where: str) -> Iterator[Fault]:
    if feature.missing > feature.not_applicable:
        yield f"{where}.missing", "is better than neutral (not_applicable)"
    if not min(feature.points) <= feature.not_applicable <= max(feature.points):
        yield f"{where}.not_applicable", "is outside the points of the bins"
    if feature.max_points - feature.min_points > content.max_feature_points:
        yield f"{where}.points", f"move the score by more than {content.max_feature_points}"
    if (feature.type == "share") != (feature.prior is not None):
        yield f"{where}.prior", "must be there for a share, and for nothing else"
    elif feature.prior is not None:
        neutral = feature.points_at(feature.slot(Share(0, 0)))
        if feature.not_applicable != neutral:
            yield f"{where}.not_applicable", f"must be {neutral}, as for the expected mean"
        if feature.edges[0] <= 0 or feature.edges[-1] > PPM:
            yield f"{where}.edges", "must lie above 0 and up to 1,000,000 ppm"
    yield from _group_faults(content, feature, where)


def _group_faults(content: Content, feature: CardFeature, where: str) -> Iterator[Fault]:
    if feature.group_priors is None:
        return
    if content.schema_version < WITH_GROUPS:
        yield f"{where}.group_priors", f"belong to schema version {WITH_GROUPS}"
    if feature.prior is None:
        yield f"{where}.group_priors", "must stand beside a prior: they are of a share"
        return
    names = [each.group for each in feature.group_priors]
    if names != sorted(set(names)):
        yield f"{where}.group_priors", "must be sorted by group, each there once"
    for each in feature.group_priors:
        told, group = f"{where}.group_priors.{each.group}", named(each.group)
        if group is None or (each.title.zh, each.title.en) != group[1:]:
            yield told, "is no group of peers of this build, or called otherwise there"
        drawn = feature.drawn((each.group,))
        if feature.missing > drawn.points_at(drawn.slot(Share(0, 0))):
            yield told, "leaves missing better than the group's expected mean"
        few, many = (drawn.points_at(drawn.slot(of)) for of in (FEW, MANY))
        if few < many:
            yield told, "puts 0 of 12 below 20 of 1,000"


def _level_faults(content: Content) -> Iterator[Fault]:
    if tuple(cut.level for cut in content.levels) != POINT_LEVELS:
        yield "levels", "must be AAA, AA, A, B, C, in this order"
        return
    if any(one.min_points <= other.min_points for one, other in pairwise(content.levels)):
        yield "levels", "must have descending min_points"
    if content.levels[-1].min_points > sum(f.min_points for f in content.features):
        yield "levels.C", "must begin at or below the lowest score that can be"
    if content.levels[0].min_points > sum(f.max_points for f in content.features):
        yield "levels.AAA", "begins above the highest score that can be"


def _rule_faults(content: Content) -> Iterator[Fault]:
    reasons = [rule.reason for rule in content.rules]
    for reason, policy in RULES.items():
        if reason not in reasons and policy.since <= content.schema_version:
            yield f"rules.{reason}", "is missing"
    for rule in content.rules:
        where = f"rules.{rule.reason}"
        if reasons.count(rule.reason) > 1:
            yield where, "is there more than once"
        if rule.reason not in RULES:
            yield where, "is no rule of this build"
        elif RULES[rule.reason].since > content.schema_version:
            yield where, f"belongs to schema version {RULES[rule.reason].since}"
        else:
            yield from _reach_faults(rule, where)
        if (rule.kind is RuleKind.CEILING) != (rule.holds_at in POINT_LEVELS[1:]):
            yield f"{where}.holds_at", "must be a level below AAA for a ceiling, else absent"
        yield from _text_faults(rule, where)


def _reach_faults(rule: Rule, where: str) -> Iterator[Fault]:
    policy = RULES[rule.reason]
    if rule.kind is not policy.kind:
        yield f"{where}.kind", f"must be {policy.kind}"
    if policy.most is not None and rule.at_least > policy.most:
        yield f"{where}.at_least", f"is above {policy.most}, which is the most there can be"


def _text_faults(rule: Rule, where: str) -> Iterator[Fault]:
    for language, text in (("zh", rule.text.zh), ("en", rule.text.en)):
        try:
            named = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
        except ValueError:
            named = {""}
        if not named <= PLACEHOLDERS:
            yield f"{where}.text.{language}", "may name {measured}, {at_least}, {lacking} alone"


def _training_faults(content: Content) -> Iterator[Fault]:
    training, calibration = content.training, content.calibration
    if content.schema_version < FITTED_SINCE and (training or calibration):
        yield "training" if training else "calibration", "belongs to schema version 3"
    elif content.schema_version >= FITTED_SINCE and (content.basis == "EXPERT") == bool(training):
        yield "training", "must be there for a card that was fitted, and for no EXPERT one"
    if calibration is None:
        return
    if (
        training is None
        or training.bads < LEAST_BADS
        or training.bads_out_of_time < LEAST_BADS_OUT_OF_TIME
    ):
        yield (
            "calibration",
            f"needs {LEAST_BADS} bads in training and {LEAST_BADS_OUT_OF_TIME} out of time",
        )


def _golden_faults(content: Content) -> Iterator[Fault]:
    reached: set[tuple[str, int | Absent]] = set()
    unseen = {each.group for part in content.features for each in part.group_priors or ()}
    by_name = {feature.name: feature for feature in content.features}
    for number, row in enumerate(content.golden):
        where = f"golden.{number}"
        if row.values.keys() != by_name.keys():
            yield f"{where}.values", "must name exactly the card's features"
            continue
        values = {name: _value(told) for name, told in row.values.items()}
        if any(isinstance(v, Share) and not 0 <= v.part <= v.whole for v in values.values()):
            yield f"{where}.values", "hold a share whose part is not within its whole"
            continue
        if row.group is None:
            reached |= {(name, by_name[name].slot(value)) for name, value in values.items()}
        unseen.discard(row.group or "")
        if golden_row(content, values, row.group) != row:
            yield where, "scores otherwise in this build"
    for feature in content.features:
        slots = {*range(len(feature.points)), *Absent}
        if any((feature.name, slot) not in reached for slot in slots):
            yield f"golden.{feature.name}", "reaches not every bin, missing and not applicable"
    for group in sorted(unseen):
        yield f"golden.{group}", "is the group of no row"


def _value(told: GoldenValue) -> Value:
    match told:
        case tuple():
            return Share(*told)
        case str():
            return Absent(told)
        case _:
            return told
