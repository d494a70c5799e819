"""Fits a scorecard to labelled rows.

1. Directions: those that are given; else the sign of the rank correlation with bad.
2. Bins (`binning`), made on the rows that are fitted alone, in every fold anew.
3. Steps with fixed signs (`solver`), over a grid of penalties; the solutions with the
   least loss on rows held out are averaged (stratified folds; whole groups if groups are
   given). The mean of cards in the same bins is such a card, and which of several nearly
   equal penalties comes out best is chance where bad rows are few.
4. Whole points; they keep the order of bins, so directions hold on the card itself.
5. Calibration with two numbers, on scores of rows held out, or on the cohort given.

One thread throughout: with two on a busy machine a fit took nine times as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from scipy import stats
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from threadpoolctl import threadpool_limits

from bonafides.rating.training.binning import (
    MAX_BINS,
    MIN_SHARE,
    Flags,
    Floats,
    Integers,
    edges_of,
)
from bonafides.rating.training.points_card import (
    POINTS_PER_NAT,
    PointsCard,
    PointsFeature,
    calibration,
)
from bonafides.rating.training.solver import Design, Steps, solve
from bonafides.rating.training.tables import FitError, outcomes_of, table_of

__all__ = ["FitError", "fit"]

Directions: TypeAlias = Mapping[str, int] | Sequence[int]

# From strong to weak, so that each solution is a start for the next.
L1_GRID: Final = (1e-2, 5e-3, 2.5e-3, 1.2e-3, 6e-4, 3e-4, 1.5e-4, 7e-5, 3e-5, 1e-5)
L2_GRID: Final = (3e-2, 1e-2, 3e-3, 1e-3)
_FOLDS: Final = 5
# One side to fit on, one to look at.
_FEWEST: Final = 2
_BINNING: Final = {"max_bins": MAX_BINS, "min_share": MIN_SHARE}
# How many solutions are averaged.
_AVERAGED: Final = 5
# A path is left once so many weaker penalties in a row did worse.
_PATIENCE: Final = 2


def fit(
    X: Any,  # noqa: N803 - the field's name for it
    y: Any,
    *,
    directions: Directions | None = None,
    l1: float | None = None,
    l2: float | None = None,
    groups: Sequence[Any] | None = None,
    neutral: Flags | None = None,
    seed: int = 0,
) -> PointsCard:
    """Returns the card that fits best where it was not fitted.

    `X` is a float array or a data frame, shape (n, columns), NaN for missing; `y`, shape
    (n,), is 1 for bad and 0 for good. `directions` says of each column, by name or in
    order, whether more is better (1) or worse (-1); 0, or none at all: as the rows have
    it. `l1` and `l2` fix the penalties that are else found by cross-validation. Rows of
    one group are never on both sides of a split. `neutral`, shape (n, columns), is True
    where a feature does not apply: there the value is NaN and adds exactly nothing.

    Raises:
        FitError: the data can't be fitted; the text says why.
    """
    rows, names = table_of(X)
    bad = outcomes_of(y, len(rows))
    with threadpool_limits(limits=1):
        signs = _signs(rows, bad, names, directions)
        splits = _splits(bad, groups, seed)
        found = _best(_Rows(rows, bad, neutral), signs, splits, _grid(l1, l2))
        edges = [edges_of(column, bad) for column in rows.T]
        design = Design.of(rows, edges, signs, neutral)
        steps = _mean([solve(design, bad, l1=each.l1, l2=each.l2) for each in found])
        features = _features(names, design, steps)
        held_out = np.mean([each.log_odds for each in found], axis=0)
        intercept, slope = calibration(held_out, bad)
    fingerprint = {
        "bads": int(bad.sum()),
        "directions": [feature.direction for feature in features],
        "penalties": [[each.l1, each.l2] for each in found],
        "rows": len(rows),
        "seed": seed,
        **_BINNING,
    }
    shift = steps.intercept
    return PointsCard(features, intercept + slope * shift, slope / POINTS_PER_NAT, fingerprint)


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is fitted: the table, what came of its rows, and where a feature does not apply."""

    table: Floats
    bad: Floats
    neutral: Flags | None

    def neutral_of(self, rows: Integers) -> Flags | None:
        """Returns where features do not apply, of some rows."""
        return None if self.neutral is None else self.neutral[rows]


@dataclass(frozen=True, slots=True)
class _Tried:
    """A pair of penalties: the loss on rows held out, and their log-odds, row by row."""

    l1: float
    l2: float
    loss: float
    log_odds: Floats


def _grid(l1: float | None, l2: float | None) -> list[tuple[float, tuple[float, ...]]]:
    return [(each, L1_GRID if l1 is None else (l1,)) for each in (L2_GRID if l2 is None else (l2,))]


def _splits(
    bad: Floats, groups: Sequence[Any] | None, seed: int
) -> list[tuple[Integers, Integers]]:
    """Returns the rows that are fitted and those held out, fold by fold.

    Raises:
        FitError: too few rows of a kind for two folds.
    """
    folds = min(_FOLDS, int(min(bad.sum(), bad.size - bad.sum())))
    if folds < _FEWEST:
        raise FitError("there must be at least two good rows and two bad ones")
    rows = np.zeros((bad.size, 1))
    if groups is None:
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
        return list(splitter.split(rows, bad))
    if len(groups) != bad.size:
        raise FitError(f"there are {bad.size} rows and {len(groups)} groups")
    folds = min(folds, np.unique(np.asarray(groups)).size)
    if folds >= _FEWEST:
        grouped = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        made = list(grouped.split(rows, bad, groups))
        if all(np.ptp(bad[fitted]) for fitted, _ in made):
            return made
    raise FitError("the bad rows are of too few groups to hold some of them out")


def _best(
    given: _Rows,
    signs: Floats,
    splits: Sequence[tuple[Integers, Integers]],
    grid: Iterable[tuple[float, tuple[float, ...]]],
) -> list[_Tried]:
    """Returns the penalties that did best on rows held out, the best first."""
    folds = [_Fold.of(given, signs, split) for split in splits]
    tried: list[_Tried] = []
    for l2, path in grid:
        tried += _along(path, l2, folds, given.bad)
    return sorted(tried, key=lambda each: each.loss)[:_AVERAGED]


def _along(path: Sequence[float], l2: float, folds: Sequence[_Fold], bad: Floats) -> list[_Tried]:
    """Returns what the penalties of a path did, until weaker ones only do worse."""
    for fold in folds:
        fold.steps = None
    tried: list[_Tried] = []
    worse, least = 0, np.inf
    for l1 in path:
        odds = np.empty(bad.size)
        for fold in folds:
            odds[fold.held_out] = fold.fitted(l1, l2)
        loss = float((np.logaddexp(0.0, odds) - bad * odds).mean())
        tried.append(_Tried(l1, l2, loss, odds))
        worse = 0 if loss < least else worse + 1
        least = min(least, loss)
        if worse > _PATIENCE:
            break
    return tried


def _mean(steps: Sequence[Steps]) -> Steps:
    return Steps(
        float(np.mean([each.intercept for each in steps])),
        np.mean([each.weights for each in steps], axis=0),
    )


@dataclass(slots=True)
class _Fold:
    """One split: its bins, and where the last solution was."""

    design: Design
    other: Design
    bad: Floats
    held_out: Integers
    steps: Steps | None = None

    @classmethod
    def of(cls, given: _Rows, signs: Floats, split: tuple[Integers, Integers]) -> _Fold:
        fitted, held_out = split
        rows, bad = given.table[fitted], given.bad[fitted]
        edges = [edges_of(column, bad) for column in rows.T]
        design = Design.of(rows, edges, signs, given.neutral_of(fitted))
        other = design.of_other(given.table[held_out], given.neutral_of(held_out))
        return cls(design, other, bad, held_out)

    def fitted(self, l1: float, l2: float) -> Floats:
        """Returns the log-odds of the rows held out."""
        self.steps = solve(self.design, self.bad, l1=l1, l2=l2, start=self.steps)
        return self.other.log_odds(self.steps)


def _signs(
    rows: Floats, bad: Floats, names: Sequence[str], directions: Directions | None
) -> Floats:
    """Returns 1.0 for each column of which more is worse, else -1.0."""
    told = _told(names, directions)
    return np.array(
        [
            -float(direction) if direction else _sign_of(column, bad)
            for column, direction in zip(rows.T, told, strict=True)
        ]
    )


def _told(names: Sequence[str], directions: Directions | None) -> list[int]:
    if directions is None:
        return [0] * len(names)
    if isinstance(directions, Mapping):
        if unknown := sorted(set(directions) - set(names)):
            raise FitError(f"directions name columns that are not there: {', '.join(unknown)}")
        told = [directions.get(name, 0) for name in names]
    else:
        told = list(directions)
    if len(told) != len(names):
        raise FitError(f"there are {len(names)} columns and {len(told)} directions")
    if any(direction not in {-1, 0, 1} for direction in told):
        raise FitError("a direction is 1 (more is better), -1 (more is worse) or 0 (as the rows)")
    return told


def _sign_of(column: Floats, bad: Floats) -> float:
    present = ~np.isnan(column)
    known, outcome = column[present], bad[present]
    if known.size == 0 or known.min() == known.max() or outcome.min() == outcome.max():
        return 1.0
    ranks = stats.rankdata(known)
    return 1.0 if np.cov(ranks, outcome)[0, 1] >= 0 else -1.0


def _features(names: Sequence[str], design: Design, steps: Steps) -> tuple[PointsFeature, ...]:
    slots = np.rint(-design.slots(steps.weights) * POINTS_PER_NAT).astype(np.int64)
    made: list[PointsFeature] = []
    start = 0
    for name, edges, sign in zip(names, design.edges, design.signs, strict=True):
        end = start + edges.size + 1
        points = [int(each) for each in slots[start:end]]
        made.append(
            PointsFeature(name, -int(sign), *_merged(edges, points), missing=int(slots[end]))
        )
        start = end + 1
    return tuple(made)


def _merged(edges: Floats, points: list[int]) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Returns edges and points without the edges at which nothing changes."""
    kept = [place for place in range(edges.size) if points[place] != points[place + 1]]
    return (
        tuple(float(edges[place]) for place in kept),
        (points[0], *(points[place + 1] for place in kept)),
    )
