"""What a card does on rows that it was not fitted to, in figures for people.

Everything here is told of one table and one card: how well the score tells bad from good,
by component of bad too, how many were bad at each level, and which neighboring levels
can't be told apart.

    results = results_of(table.of_split("out_of_time"), card)
    results.auc, results.levels[0].low
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from scipy import special, stats
from sklearn.metrics import log_loss, roc_auc_score, roc_curve

from bonafides.rating.card import Calibration
from bonafides.rating.scorecard import Scorecard
from bonafides.rating.training.binning import Flags, Floats, Integers
from bonafides.rating.training.labelled import COMPONENTS, GREY, Labelled, points

_QUANTILE_95: Final = 1.959964
_SIGNIFICANT: Final = 0.05


@dataclass(frozen=True, slots=True)
class LevelResult:
    """How many rows a level has, how many of them were bad, and the share's 95 % bounds."""

    level: str
    rows: int
    bads: int
    low: float
    high: float

    @property
    def rate(self) -> float | None:
        """The share of bad rows; None without a row."""
        return self.bads / self.rows if self.rows else None


@dataclass(frozen=True, slots=True)
class Results:
    """What a card does on some rows. None: it can't be told, for want of good or bad rows.

    `components` has the AUC of each component of bad against all good rows, and
    "without grey" that of bad against good without what lies between. `alike` names
    neighboring levels whose shares of bad do not differ at 95 %.
    """

    rows: int
    bads: int
    auc: float | None
    ks: float | None
    log_loss: float | None
    components: dict[str, float | None]
    levels: tuple[LevelResult, ...]
    alike: tuple[tuple[str, str], ...]


def results_of(table: Labelled, card: Scorecard) -> Results:
    """Returns what the card does on the rows of the table."""
    score: Integers = points(table, card.features).sum(axis=1)
    levels = level_results(table, card, score)
    loss = None
    if card.content.calibration and _both(table.bad):
        loss = float(log_loss(table.bad, probability(card.content.calibration, score)))
    return Results(
        rows=len(table),
        bads=int(table.bad.sum()),
        auc=_auc(score, table.bad),
        ks=_ks(score, table.bad),
        log_loss=loss,
        components=_components(table, score),
        levels=levels,
        alike=alike(levels),
    )


def probability(of: Calibration, score: Integers) -> Floats:
    """Returns the probability of bad that a calibration gives scores."""
    odds = of.intercept_e6 / 10**6 - of.slope_e9 / 10**9 * score
    told: Floats = special.expit(odds)
    return told


def level_results(table: Labelled, card: Scorecard, score: Integers) -> tuple[LevelResult, ...]:
    """Returns each level that points give, best first; before any rule."""
    cuts = card.content.levels
    place = np.full(score.size, len(cuts) - 1)
    for number in range(len(cuts) - 1, -1, -1):
        place[score >= cuts[number].min_points] = number
    made = []
    for number, cut in enumerate(cuts):
        rows = int((place == number).sum())
        bads = int(table.bad[place == number].sum())
        made.append(LevelResult(cut.level.value, rows, bads, *wilson(bads, rows)))
    return tuple(made)


def alike(levels: Sequence[LevelResult]) -> tuple[tuple[str, str], ...]:
    """Returns the neighbors whose shares of bad do not differ at 95 % (Fisher's exact test)."""
    return tuple(
        (one.level, other.level)
        for one, other in pairwise(levels)
        if stats.fisher_exact(
            [[one.bads, one.rows - one.bads], [other.bads, other.rows - other.bads]]
        ).pvalue
        >= _SIGNIFICANT
    )


def wilson(bads: int, rows: int) -> tuple[float, float]:
    """Returns the 95 % bounds of a share (Wilson, JASA 22, 1927); 0 and 1 without a row."""
    if not rows:
        return 0.0, 1.0
    rate, z2 = bads / rows, _QUANTILE_95**2
    middle = (rate + z2 / (2 * rows)) / (1 + z2 / rows)
    half = _QUANTILE_95 * math.sqrt(rate * (1 - rate) / rows + z2 / (4 * rows**2)) / (1 + z2 / rows)
    return max(0.0, middle - half), min(1.0, middle + half)


def _components(table: Labelled, score: Integers) -> dict[str, float | None]:
    good = table.bad == 0
    told: dict[str, Flags] = {name: good | (table.component == name) for name in COMPONENTS}
    told["without grey"] = table.component != GREY
    return {name: _auc(score[rows], table.bad[rows]) for name, rows in told.items()}


def _both(bad: Integers) -> bool:
    return bool(bad.size) and bool(bad.min() < bad.max())


def _auc(score: Integers, bad: Integers) -> float | None:
    return float(roc_auc_score(bad, -score)) if _both(bad) else None


def _ks(score: Integers, bad: Integers) -> float | None:
    """Returns the greatest distance between the distributions of bad and good scores."""
    if not _both(bad):
        return None
    false, true, _ = roc_curve(bad, -score)
    return float(np.abs(true - false).max())
