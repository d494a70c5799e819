"""Makes a challenger of a labelled table: a card in the form that is served.

1. Priors of shares are fitted to the rows that are trained on (`priors`), those of groups
   of peers beside that of all.
2. Points are fitted to what a card of these priors would bin (`fitting`), in the
   directions that policy has; what does not apply is exactly neutral.
3. Edges of whole figures become whole: nothing lies between. Points of a feature are
   moved up so that none is below 0. A feature that tells nothing apart gives nobody a
   point, and stays: the next challenger may find otherwise.
4. The cuts of the levels keep the shares of levels that the champion gives: who moves,
   moves because the challenger ranks otherwise.
5. Score becomes probability on the recent cohort, by two numbers, and only where enough
   outcomes were seen; else points order.
6. Texts and rules are the champion's: they are policy.

    challenge(table, champion(None), version="synthetic-1", table_sha256=digest).draft
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version as installed
from typing import Any, Final

import numpy as np

from bonafides.rating.card import (
    LEAST_BADS,
    LEAST_BADS_OUT_OF_TIME,
    CardFeature,
    takes_groups,
)
from bonafides.rating.features import Direction, Share
from bonafides.rating.scorecard import Scorecard
from bonafides.rating.soundness import FITTED_SINCE, WITH_GROUPS
from bonafides.rating.training.binning import Floats, Integers
from bonafides.rating.training.fitting import fit
from bonafides.rating.training.labelled import Labelled, figures, points
from bonafides.rating.training.points_card import (
    POINTS_PER_NAT,
    PointsCard,
    PointsFeature,
    calibration,
)
from bonafides.rating.training.priors import group_priors, priors
from bonafides.rating.training.tables import FitError

# The wheels on which the same rows and seed give the same card.
_LIBRARIES: Final = ("numpy", "scikit-learn", "scipy")
_TITLES: Final = {
    "SYNTHETIC": {
        "en": "Integrity level, card fitted to generated data",
        "zh": "诚信等级评分卡（生成数据拟合）",
    },
    "OUTCOMES": {
        "en": "Integrity level, card fitted to outcomes",
        "zh": "诚信等级评分卡（结果数据拟合）",
    },
}
_NOT_FOR_LENDING: Final = {
    "en": "The level says how far an enterprise's verified record supports dealing with it in"
    " good faith. It is not a credit rating and not meant for lending. ",
    "zh": "本等级说明经核验的记录在多大程度上支持与该企业诚信交易。它不是信用评级，不用于信贷。",
}
_LIMITS: Final = {
    "SYNTHETIC": {
        "en": "Points were fitted to generated data: they serve tests and the sandbox, and say"
        " nothing of anybody real.",
        "zh": "分数由生成数据拟合，仅用于测试和沙箱，不涉及任何真实主体。",
    },
    "OUTCOMES": {
        "en": "Points were fitted to what came of enterprises within a year.",
        "zh": "分数由企业其后一年的结果拟合。",
    },
}


@dataclass(frozen=True, slots=True)
class Challenger:
    """A card that is not sealed yet, and what is told of it beside.

    `draft` lacks golden rows alone. `silent` are the features that told nothing apart;
    `why_no_probability` is empty for a card that gives probabilities.
    """

    draft: dict[str, Any]
    fitted: PointsCard
    silent: tuple[str, ...]
    why_no_probability: str


def challenge(
    table: Labelled,
    champion: Scorecard,
    *,
    version: str,
    table_sha256: str,
    seed: int = 0,
    l1: float | None = None,
    l2: float | None = None,
) -> Challenger:
    """Returns the challenger of the table; `l1` and `l2` fix penalties, as in `fit`.

    Raises:
        FitError: the rows can't be fitted; the text says why.
    """
    before, fitted = _fitted(table.of_split("train"), champion, seed, (l1, l2))
    after = tuple(_feature(*each) for each in zip(before, fitted.features, strict=True))
    silent = tuple(part.name for part in after if part.max_points == part.min_points)
    if len(silent) == len(after):
        raise FitError("no feature tells good from bad; give more rows, or outcomes that differ")
    limits = {lang: text + _LIMITS[table.basis][lang] for lang, text in _NOT_FOR_LENDING.items()}
    draft = {
        **json.loads(champion.artifact),
        "schema_version": max(
            WITH_GROUPS if takes_groups(after) else FITTED_SINCE, champion.content.schema_version
        ),
        "version": version,
        "basis": table.basis,
        "title": _TITLES[table.basis],
        "limits": limits,
        "max_feature_points": max(part.max_points - part.min_points for part in after),
        "features": [json.loads(part.model_dump_json(exclude_none=True)) for part in after],
        "levels": _levels(table, champion, after),
        "training": _training(table, fitted, table_sha256, seed),
    }
    found, why = _calibration(table, after)
    # A champion that was fitted has one of its own.
    draft.pop("calibration", None)
    if found:
        draft["calibration"] = found
    return Challenger(draft, fitted, silent, why)


def _fitted(
    train: Labelled,
    champion: Scorecard,
    seed: int,
    penalties: tuple[float | None, float | None],
) -> tuple[tuple[CardFeature, ...], PointsCard]:
    """Returns the champion's features with priors of these rows, and the points fitted to them."""
    drawn, of_groups = priors(train), group_priors(train)
    before = tuple(
        feature.model_copy(
            update={
                "prior": drawn.get(feature.name),
                "group_priors": of_groups.get(feature.name),
            }
        )
        for feature in champion.features
    )
    fitted = fit(
        np.column_stack([figures(train, feature) for feature in before]),
        train.bad,
        directions=[_sign(feature) for feature in before],
        groups=train.enterprise.tolist(),
        neutral=np.column_stack([~train.does_apply(feature.name) for feature in before]),
        l1=penalties[0],
        l2=penalties[1],
        seed=seed,
    )
    return before, fitted


def _sign(feature: CardFeature) -> int:
    return 1 if feature.direction is Direction.HIGHER_IS_BETTER else -1


def _feature(before: CardFeature, fitted: PointsFeature) -> CardFeature:
    """Returns the champion's feature with what was fitted."""
    up = -min(0, fitted.missing, *fitted.points)
    # Without an edge there are two bins all the same, so that the slot of missing can stay.
    edges = tuple(math.ceil(edge) for edge in fitted.edges) or (before.edges[0],)
    given = fitted.points if fitted.edges else fitted.points * 2
    part = before.model_copy(
        update={
            "edges": edges,
            "points": tuple(points + up for points in given),
            "missing": fitted.missing + up,
            "not_applicable": up,
        }
    )
    if part.prior is None:
        return part
    # A share of nothing lies at the expected mean: its points are what is neutral.
    neutral = part.points_at(part.slot(Share(0, 0)))
    groups = [part.drawn((each.group,)) for each in part.group_priors or ()]
    # Nowhere is it better to hide a share than to have what is expected of one's peers.
    means = [each.points_at(each.slot(Share(0, 0))) for each in groups]
    return part.model_copy(
        update={"not_applicable": neutral, "missing": min(part.missing, neutral, *means)}
    )


def _levels(
    table: Labelled, champion: Scorecard, features: Sequence[CardFeature]
) -> list[dict[str, Any]]:
    """Returns cuts that leave at each level as many of those who are rated as the champion."""
    enough = next(r.at_least for r in champion.content.rules if r.reason == "TOO_FEW_ORDERS")
    rated = table.where((table.split != "out_of_time") & (table.figures["paid_orders"] >= enough))
    if not len(rated):
        raise FitError(f"no row to train on has the {enough} orders that a level needs")
    theirs = points(rated, champion.features).sum(axis=1)
    ours = np.sort(points(rated, features).sum(axis=1))
    cuts = [
        int(np.searchsorted(np.sort(theirs), cut.min_points)) for cut in champion.content.levels
    ]
    at = [int(ours[min(place, ours.size - 1)]) for place in cuts]
    # The last level is everybody's who is left; above it each cut is higher than the next.
    at[-1] = sum(part.min_points for part in features)
    for place in range(len(at) - 2, -1, -1):
        at[place] = max(at[place], at[place + 1] + 1)
    return [
        {"level": cut.level.value, "min_points": score}
        for cut, score in zip(champion.content.levels, at, strict=True)
    ]


def _training(table: Labelled, fitted: PointsCard, digest: str, seed: int) -> dict[str, Any]:
    train = table.of_split("train")
    days = np.datetime_as_string(np.unique(train.as_of), unit="D")
    return {
        "table_sha256": digest,
        "first_cohort": str(days[0]),
        "last_cohort": str(days[-1]),
        "rows": len(train),
        "enterprises": int(np.unique(train.enterprise).size),
        "bads": int(train.bad.sum()),
        "bads_recent": int(table.of_split("recent").bad.sum()),
        "bads_out_of_time": int(table.of_split("out_of_time").bad.sum()),
        "seed": seed,
        "penalties": [[repr(l1), repr(l2)] for l1, l2 in fitted.fingerprint["penalties"]],
        "libraries": {name: installed(name) for name in _LIBRARIES},
    }


def _calibration(
    table: Labelled, features: Sequence[CardFeature]
) -> tuple[Mapping[str, Any] | None, str]:
    """Returns what makes probabilities of scores, or why there are none."""
    recent = table.of_split("recent")
    bads = int(table.of_split("train").bad.sum())
    later = int(table.of_split("out_of_time").bad.sum())
    if bads < LEAST_BADS or later < LEAST_BADS_OUT_OF_TIME:
        return None, (
            f"{bads} bads in training and {later} out of time;"
            f" {LEAST_BADS} and {LEAST_BADS_OUT_OF_TIME} are needed"
        )
    if not len(recent) or recent.bad.min() == recent.bad.max():
        return None, "the recent cohort has no good rows or no bad ones"
    score: Integers = points(recent, features).sum(axis=1)
    odds: Floats = -score / POINTS_PER_NAT
    intercept, slope = calibration(odds, recent.bad.astype(np.float64))
    slope_e9 = round(slope / POINTS_PER_NAT * 10**9)
    if slope_e9 < 1:
        return None, "in the recent cohort a higher score was not better"
    return {
        "as_of": str(np.datetime_as_string(recent.as_of.max(), unit="D")),
        "intercept_e6": round(intercept * 10**6),
        "slope_e9": slope_e9,
    }, ""
