"""Measures how well a score tells good from bad, on rows that it was not fitted to.

The more points, the less likely bad. What is measured of one cohort:

1. AUC: how often a good row scores above a bad one, ties counting half.
2. KS: the widest gap between the two distributions of the score.
3. Log-loss, and calibration: intercept and slope that bring the probabilities nearest to
   what was seen (0 and 1 are perfect), and the curve, tenth by tenth.

A card without probabilities is compared by those that two numbers, fitted on an earlier
cohort, make of its score (`recalibrated`): that changes no order. Two cards are compared
row by row, drawing whole enterprises anew: rows of one enterprise are no independent
witnesses.

    measured(score, bad, probabilities).auc     # 0.81
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from scipy import special, stats
from sklearn import metrics
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from bonafides.rating.reports import CurvePoint, Interval, Performance
from bonafides.rating.training.binning import Floats
from bonafides.rating.training.points_card import POINTS_PER_NAT, calibration

# Draws of a bootstrap: enough for bounds at 95 %, which settle to two digits.
DRAWS: Final = 1_000
_TENTHS: Final = 10
# Probabilities nearer to certainty than this are cut, so that log-odds are finite.
_NEAREST: Final = 1e-9
# AUC and KS need good and bad.
_BOTH: Final = 2


class EvaluationError(ValueError):
    """The rows can't be evaluated. The text says why, and holds none of them."""


def measured(score: Floats, bad: Floats, probabilities: Floats) -> Performance:
    """Returns what the score and its probabilities are worth on these rows.

    Raises:
        EvaluationError: there are not both good rows and bad ones.
    """
    _require_both(bad)
    odds = special.logit(_cut(probabilities))
    intercept, slope = calibration(odds, bad)
    return Performance(
        rows=int(bad.size),
        bads=int(bad.sum()),
        auc=auc(score, bad),
        ks=float(stats.ks_2samp(score[bad == 1], score[bad == 0], method="asymp").statistic),
        log_loss=float(row_losses(probabilities, bad).mean()),
        intercept=intercept,
        slope=slope,
        curve=_curve(probabilities, bad),
    )


def auc(score: Floats, bad: Floats) -> float:
    """Returns how often a good row scores above a bad one; a tie counts half.

    Raises:
        EvaluationError: there are not both good rows and bad ones.
    """
    _require_both(bad)
    return float(metrics.roc_auc_score(bad, -score))


def row_losses(probabilities: Floats, bad: Floats) -> Floats:
    """Returns the log-loss of each row."""
    sure = _cut(probabilities)
    losses: Floats = -(bad * np.log(sure) + (1 - bad) * np.log1p(-sure))
    return losses


def recalibrated(score: Floats, bad: Floats, of: Floats) -> Floats:
    """Returns the probabilities that a cohort's outcomes give to the scores `of`.

    Raises:
        EvaluationError: there are not both good rows and bad ones.
    """
    _require_both(bad)
    intercept, slope = calibration(-score / POINTS_PER_NAT, bad)
    probabilities: Floats = special.expit(intercept - slope * of / POINTS_PER_NAT)
    return probabilities


def paired_difference(
    one: Floats, other: Floats, enterprises: Sequence[Any], *, seed: int, draws: int = DRAWS
) -> Interval:
    """Returns the mean of `one - other` over rows, by drawing enterprises anew."""
    _, place = np.unique(np.asarray(enterprises), return_inverse=True)
    sums = np.bincount(place, weights=one - other)
    rows = np.bincount(place).astype(np.float64)
    random = np.random.default_rng(seed)
    means = np.empty(draws)
    for draw in range(draws):
        drawn = random.integers(0, sums.size, sums.size)
        means[draw] = sums[drawn].sum() / rows[drawn].sum()
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(float((one - other).mean()), float(low), float(high))


def boosting_auc(
    fitted: tuple[Floats, Floats],
    judged: tuple[Floats, Floats],
    *,
    signs: Sequence[int],
    seed: int,
) -> float:
    """Returns the AUC that boosting reaches with the same columns and directions.

    What a points card gives up for being readable. Both tables come with their outcomes;
    `signs` says of each column whether more is better (1) or worse (-1). Fitted on one
    thread.

    Raises:
        EvaluationError: one of the tables has not both good rows and bad ones.
    """
    rows, bad = fitted
    _require_both(bad)
    with threadpool_limits(limits=1):
        model = HistGradientBoostingClassifier(
            # Its signs speak of the probability of bad.
            monotonic_cst=[-sign for sign in signs],
            early_stopping=False,
            random_state=seed,
        ).fit(rows, bad)
        return auc(-model.predict_proba(judged[0])[:, 1], judged[1])


def _curve(probabilities: Floats, bad: Floats) -> tuple[CurvePoint, ...]:
    order = np.argsort(probabilities, kind="stable")
    return tuple(
        CurvePoint(int(part.size), float(probabilities[part].mean()), float(bad[part].mean()))
        for part in np.array_split(order, _TENTHS)
        if part.size
    )


def _cut(probabilities: Floats) -> Floats:
    cut: Floats = np.clip(probabilities, _NEAREST, 1 - _NEAREST)
    return cut


def _require_both(bad: Floats) -> None:
    if np.unique(bad).size < _BOTH:
        raise EvaluationError("there must be good rows and bad ones in each part that is judged")
