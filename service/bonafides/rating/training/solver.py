"""Fits the steps between bins: one convex problem with a known answer.

    minimize   mean logistic loss + l1 * sum |w| + l2 / 2 * sum w**2
    subject to every step w with its feature's sign, what is missing at best neutral

A step is what crossing an edge adds to the log-odds of bad. Columns are centered: a
feature adds 0 on the average of the rows where it is known, so that "neutral" is 0 and
the intercept alone carries the overall rate. With signs fixed, |w| is linear on its
side, so the problem is smooth and L-BFGS-B solves it within bounds.

Rows are held as one sparse indicator a bin; steps become bins by cumulative sums. That
is 10 times cheaper than a column for each step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy import optimize, sparse, special

from bonafides.rating.training.binning import Flags, Floats, Integers, bins_of

_MOST_ITERATIONS: Final = 500
_TOLERANCE: Final = 1e-7


@dataclass(frozen=True, slots=True)
class Steps:
    """A solution: `intercept`, and all steps, feature by feature, the missing slot last."""

    intercept: float
    weights: Floats


@dataclass(frozen=True, slots=True)
class Design:
    """The bins of a table, ready to be fitted.

    `edges` has one array a column, `signs` one of -1.0 and 1.0: 1.0 where more is worse.
    `shares` are the shares of the known rows at or above each edge, by which columns are
    centered: those of the table that is fitted, also where another one is scored.
    """

    edges: Sequence[Floats]
    signs: Floats
    shares: Sequence[Floats]
    rows: sparse.csr_matrix = field(repr=False)

    @classmethod
    def of(
        cls, table: Floats, edges: Sequence[Floats], signs: Floats, neutral: Flags | None = None
    ) -> Design:
        """Returns the design of the table that is to be fitted, shape (n, columns).

        Where `neutral` holds, a feature adds 0, whatever the slot of what is missing adds.
        """
        bins = [bins_of(table[:, place], each) for place, each in enumerate(edges)]
        shares = [_shares(found, each.size) for found, each in zip(bins, edges, strict=True)]
        return cls(edges, signs, shares, _indicators(bins, edges, neutral))

    def of_other(self, table: Floats, neutral: Flags | None = None) -> Design:
        """Returns the design of another table in the same bins."""
        bins = [bins_of(table[:, place], each) for place, each in enumerate(self.edges)]
        return Design(self.edges, self.signs, self.shares, _indicators(bins, self.edges, neutral))

    def part(self, rows: Integers) -> Design:
        """Returns the design of some rows, centered as the whole."""
        return Design(self.edges, self.signs, self.shares, self.rows[rows])

    def log_odds(self, steps: Steps) -> Floats:
        """Returns the log-odds of bad of each row."""
        found: Floats = self.rows @ self.slots(steps.weights) + steps.intercept
        return found

    def slots(self, weights: Floats) -> Floats:
        """Returns what each slot adds to the log-odds: the bins of each column, and missing."""
        parts: list[Floats] = []
        start = 0
        for shares in self.shares:
            steps = weights[start : start + shares.size]
            parts.append(np.concatenate(([0.0], np.cumsum(steps))) - shares @ steps)
            parts.append(weights[start + shares.size : start + shares.size + 1])
            start += shares.size + 1
        return np.concatenate(parts)

    def gathered(self, slots: Floats) -> Floats:
        """Returns the adjoint of `slots`: gradients by slot become gradients by step."""
        parts: list[Floats] = []
        start = 0
        for shares in self.shares:
            bins = slots[start : start + shares.size + 1]
            # A step lifts every bin from its edge on, less its share everywhere.
            above = np.cumsum(bins[::-1])[::-1]
            parts.append(above[1:] - shares * above[0])
            parts.append(slots[start + shares.size + 1 : start + shares.size + 2])
            start += shares.size + 2
        return np.concatenate(parts)


def solve(
    design: Design, bad: Floats, *, l1: float, l2: float, start: Steps | None = None
) -> Steps:
    """Returns the one solution, from a start that only makes it quicker.

    `bad`, shape (n,), holds 0.0 and 1.0, both at least once.
    """
    towards = _towards(design)
    transposed = design.rows.T.tocsr()
    n = bad.size

    def loss(point: Floats) -> tuple[float, Floats]:
        # Every weight is counted in its allowed direction: it is never negative.
        weights = point[1:] * towards
        odds = design.rows @ design.slots(weights) + point[0]
        residual = (special.expit(odds) - bad) / n
        slope = design.gathered(transposed @ residual) * towards
        value = (np.logaddexp(0.0, odds) - bad * odds).mean()
        value += l1 * point[1:].sum() + l2 / 2 * (point[1:] @ point[1:])
        return value, np.concatenate(([residual.sum()], slope + l1 + l2 * point[1:]))

    if start is None:
        first = np.concatenate(([special.logit(bad.mean())], np.zeros(towards.size)))
    else:
        first = np.concatenate(([start.intercept], np.abs(start.weights)))
    found = optimize.minimize(
        loss,
        first,
        jac=True,
        method="L-BFGS-B",
        bounds=[(None, None), *[(0.0, None)] * towards.size],
        options={"maxiter": _MOST_ITERATIONS, "ftol": 1e-3 * _TOLERANCE, "gtol": 10 * _TOLERANCE},
    )
    return Steps(float(found.x[0]), found.x[1:] * towards)


def _towards(design: Design) -> Floats:
    """Returns the allowed direction of each weight; what is missing never helps."""
    return np.concatenate(
        [
            np.concatenate((np.full(shares.size, sign), [1.0]))
            for shares, sign in zip(design.shares, design.signs, strict=True)
        ]
    )


def _shares(bins: Integers, edges: int) -> Floats:
    """Returns the shares of the known rows at or above each edge."""
    counts = np.bincount(bins[bins <= edges], minlength=edges + 1).astype(np.float64)
    above = np.cumsum(counts[::-1])[::-1]
    shares: Floats = above[1:] / max(1.0, float(above[0]))
    return shares


def _indicators(
    bins: Sequence[Integers], edges: Sequence[Floats], neutral: Flags | None
) -> sparse.csr_matrix:
    """Returns one row a row, with a one for the slot of each column that is not neutral."""
    widths = np.array([each.size + 2 for each in edges], dtype=np.int64)
    starts = np.concatenate(([0], np.cumsum(widths)))
    places = np.column_stack(bins) + starts[:-1]
    n, columns = places.shape
    return sparse.csr_matrix(
        (
            np.ones(places.size) if neutral is None else (~neutral).astype(np.float64).ravel(),
            places.astype(np.int32).ravel(),
            np.arange(0, places.size + 1, columns, dtype=np.int32),
        ),
        shape=(n, int(starts[-1])),
    )
