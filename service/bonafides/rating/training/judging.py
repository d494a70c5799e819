"""Judges a candidate beside the champion on a labelled table, and fills in the report.

1. Scores are the cards' own, computed as they are served (`labelled.points`).
2. Probabilities are the card's own where it has them; else those that the recent cohort
   gives to its score. Both cards are then held against the rows out of time.
3. Drift goes from the rows of "train" to those out of time, over the candidate's slots.
4. Fairness and migration are of the rows that nobody fitted points to: recent and out of
   time together.
5. What boosting with the same directions reaches out of time is told beside it.

No rule of the cards is applied: a labelled table knows no knock-outs, and tells levels
that points give.

    judge(table, candidate, champion, data_sha256=digest).log_loss_difference.low
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy import special

from bonafides.rating.card import POINT_LEVELS
from bonafides.rating.features import Direction
from bonafides.rating.reports import (
    CardName,
    CardResult,
    DriftReport,
    Evaluation,
    FeatureDrift,
    GroupFairness,
    Migration,
    Performance,
)
from bonafides.rating.scorecard import Scorecard
from bonafides.rating.training import labelled
from bonafides.rating.training.binning import Floats, Integers
from bonafides.rating.training.drift import actual_over_expected, drift
from bonafides.rating.training.evaluation import (
    EvaluationError,
    auc,
    boosting_auc,
    measured,
    paired_difference,
    recalibrated,
    row_losses,
)
from bonafides.rating.training.fairness import Flags, Rated, by_group
from bonafides.rating.training.labelled import (
    AXES,
    COMPONENTS,
    GREY,
    SPLITS,
    Labelled,
    joined,
)

# Into so many bins of equal size the score is cut to tell whether it drifts.
_SCORE_BINS: Final = 10


def judge(
    table: Labelled, candidate: Scorecard, champion: Scorecard, *, data_sha256: str, seed: int = 0
) -> Evaluation:
    """Returns how the candidate does beside the champion.

    Raises:
        EvaluationError: a split is missing, or holds not both good rows and bad ones.
    """
    for name in SPLITS:
        if not (table.split == name).any():
            raise EvaluationError(f"the table has no rows of split {name}; label that cohort, too")
    of_candidate, of_champion = _Scored.of(table, candidate), _Scored.of(table, champion)
    out = table.split == "out_of_time"
    bad = table.bad[out].astype(np.float64)
    ours, theirs = of_candidate.probabilities[out], of_champion.probabilities[out]
    boosted = _boosting(table, candidate, seed)
    train = table.bad[table.split == "train"]
    return Evaluation(
        candidate=CardName.of(candidate),
        champion=CardName.of(champion),
        data_basis=table.basis,
        data_sha256=data_sha256,
        seed=seed,
        train_rows=int(train.size),
        train_bads=int(train.sum()),
        candidate_result=_result(table, of_candidate),
        champion_result=_result(table, of_champion),
        log_loss_difference=paired_difference(
            row_losses(ours, bad), row_losses(theirs, bad), table.enterprise[out], seed=seed
        ),
        boosting_auc=boosted,
        boosting_gap=boosted - auc(of_candidate.score[out], bad),
        drift=_drift(table, candidate, of_candidate, (table.split == "train", out), seed),
        migration=_migration(table, of_champion, of_candidate),
        fairness=fairness_of(table, candidate),
    )


def fairness_of(table: Labelled, card: Scorecard) -> tuple[GroupFairness, ...]:
    """Returns how each group of each axis of audit fares with the card, rows of train apart."""
    held_out = table.where(table.split != "train")
    rows = Rated(
        held_out.enterprise.tolist(),
        _levels(card, labelled.points(held_out, card.features).sum(axis=1)),
        held_out.bad.astype(np.float64),
    )
    is_new = np.where(held_out.is_new, "new", "established")
    axes = [(name, getattr(held_out, name)) for name in AXES] + [("is_new", is_new)]
    return tuple(group for name, groups in axes for group in by_group(name, groups.tolist(), rows))


def drift_to(table: Labelled, served: Labelled, card: Scorecard, *, seed: int = 0) -> DriftReport:
    """Returns how far who is served now is from who the card was fitted to.

    `served` has no outcomes, and is of split "served": of bads nothing is told.

    Raises:
        EvaluationError: one of them has no rows.
    """
    train = table.where(table.split == "train")
    if not len(train) or not len(served):
        raise EvaluationError("drift needs rows that were trained on, and somebody who trades")
    both = joined([train, served])
    flags = (both.split == "train", both.split == "served")
    return replace(_drift(both, card, _Scored.of_points(both, card), flags, seed), bads=None)


@dataclass(frozen=True, slots=True)
class _Scored:
    """What a card gives to every row of a table."""

    points: Integers
    score: Floats
    levels: Sequence[str]
    probabilities: Floats
    has_probabilities: bool

    @classmethod
    def of(cls, table: Labelled, card: Scorecard) -> _Scored:
        scored = cls.of_points(table, card)
        own = _own_probabilities(card, scored.score)
        if own is not None:
            return replace(scored, probabilities=own, has_probabilities=True)
        recent = table.split == "recent"
        bad = table.bad[recent].astype(np.float64)
        told = recalibrated(scored.score[recent], bad, scored.score)
        return replace(scored, probabilities=told)

    @classmethod
    def of_points(cls, table: Labelled, card: Scorecard) -> _Scored:
        """Returns what the card gives before any probability; these are NaN."""
        points = labelled.points(table, card.features)
        score = points.sum(axis=1).astype(np.float64)
        return cls(points, score, _levels(card, score), np.full(score.size, np.nan), False)


def _own_probabilities(card: Scorecard, score: Floats) -> Floats | None:
    # Schema versions without probabilities have no such member, or leave it out.
    told = getattr(card.content, "calibration", None)
    if told is None:
        return None
    probabilities: Floats = special.expit(told.intercept_e6 / 1e6 - told.slope_e9 / 1e9 * score)
    return probabilities


def _result(table: Labelled, scored: _Scored) -> CardResult:
    out, bad = table.split == "out_of_time", table.bad.astype(np.float64)
    good = out & (table.bad == 0)

    def performance(rows: Flags) -> Performance:
        return measured(scored.score[rows], bad[rows], scored.probabilities[rows])

    components: dict[str, float | None] = {}
    for name in COMPONENTS:
        rows = good | (out & (table.component == name))
        components[name] = auc(scored.score[rows], bad[rows]) if bad[rows].any() else None
    return CardResult(
        has_probabilities=scored.has_probabilities,
        out_of_time=performance(out),
        without_grey=performance(out & (table.component != GREY)),
        components=components,
    )


def _drift(
    table: Labelled, card: Scorecard, scored: _Scored, between: tuple[Flags, Flags], seed: int
) -> DriftReport:
    train, out = between
    edges = np.unique(np.quantile(scored.score[train], np.linspace(0, 1, _SCORE_BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, scored.score, side="right")
    ranks = np.array([POINT_LEVELS.index(level) for level in scored.levels])
    features = {}
    for feature in card.features:
        told = labelled.figures(table, feature)
        absent = np.isnan(told)
        missing = absent & table.does_apply(feature.name)
        slots = np.searchsorted(np.array(feature.edges), told, side="right")
        slots[absent] = len(feature.points) + 1
        slots[missing] = len(feature.points)
        features[feature.name] = FeatureDrift(
            drift(*_counts(slots, train, out), seed=seed),
            float(missing[train].mean()),
            float(missing[out].mean()),
        )
    bad = table.bad[out].astype(np.float64)
    return DriftReport(
        score=drift(*_counts(bins, train, out), seed=seed),
        levels=drift(*_counts(ranks, train, out), seed=seed),
        features=features,
        bads=actual_over_expected(bad, scored.probabilities[out])
        if scored.has_probabilities
        else None,
    )


def _counts(slots: Integers, train: Flags, out: Flags) -> tuple[Integers, Integers]:
    """Returns how many of either rows are in each slot that one of them reaches."""
    _, place = np.unique(slots[train | out], return_inverse=True)
    kept = train[train | out]
    most = int(place.max()) + 1
    return (
        np.bincount(place[kept], minlength=most),
        np.bincount(place[~kept], minlength=most),
    )


def _migration(table: Labelled, before: _Scored, after: _Scored) -> Migration:
    matrix: dict[str, dict[str, int]] = {}
    held_out = np.flatnonzero(table.split != "train").tolist()
    moves = Counter((before.levels[row], after.levels[row]) for row in held_out)
    for (one, other), count in sorted(moves.items()):
        matrix.setdefault(one, {})[other] = count
    return Migration(matrix)


def _boosting(table: Labelled, card: Scorecard, seed: int) -> float:
    signs = [
        1 if feature.direction is Direction.HIGHER_IS_BETTER else -1 for feature in card.features
    ]
    rows = np.column_stack([labelled.figures(table, feature) for feature in card.features])
    train, out = table.split == "train", table.split == "out_of_time"
    bad = table.bad.astype(np.float64)
    return boosting_auc((rows[train], bad[train]), (rows[out], bad[out]), signs=signs, seed=seed)


def _levels(card: Scorecard, score: Floats | Integers) -> list[str]:
    cuts = card.content.levels
    # From the lowest on; what is below every cut is C, as `level_at` has it.
    edges = np.array([cut.min_points for cut in reversed(cuts)])
    names = [POINT_LEVELS[-1].value, *(cut.level.value for cut in reversed(cuts))]
    return [names[place] for place in np.searchsorted(edges, score, side="right")]
