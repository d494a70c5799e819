"""Tells whether rows are still those that a card was made for.

PSI compares two distributions over the same bins: the sum of (actual - expected) *
ln(actual / expected). Of the score and the levels it is called PSI, of one feature CSI.
What counts as drift is no fixed 0.1 or 0.25, which mean other things for 500 rows than
for 500,000: the bound is what chance alone gives, in 95 of 100 draws of as many rows from
what was expected.

When labels have matured, actual bads are held against those that were expected, with the
exact interval of a count.

    drift(expected, actual, seed=0).drifted     # counts by bin, the same bins in both
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import stats

from bonafides.rating.reports import Drift, Interval
from bonafides.rating.training.binning import Floats, Integers
from bonafides.rating.training.evaluation import DRAWS

# Added to each bin, so that an empty one is a small share and no division by zero.
_HALF: Final = 0.5
_CONFIDENCE: Final = 0.95


def drift(expected: Integers, actual: Integers, *, seed: int, draws: int = DRAWS) -> Drift:
    """Returns the drift between two rows of counts over the same bins, at least one in each."""
    random = np.random.default_rng(seed)
    shares = _shares(expected[None, :])[0]
    by_chance = _psi(
        random.multinomial(int(expected.sum()), shares, size=draws),
        random.multinomial(int(actual.sum()), shares, size=draws),
    )
    found = _psi(expected[None, :], actual[None, :])[0]
    return Drift(float(found), float(np.quantile(by_chance, _CONFIDENCE)))


def actual_over_expected(bad: Floats, probabilities: Floats) -> Interval:
    """Returns the bads that came over the bads that were expected; 1 is as expected.

    The interval is exact for a count (Garwood 1936).
    """
    actual, expected = float(bad.sum()), float(probabilities.sum())
    tail = (1 - _CONFIDENCE) / 2
    low = stats.chi2.ppf(tail, 2 * actual) / 2 if actual else 0.0
    high = stats.chi2.ppf(1 - tail, 2 * (actual + 1)) / 2
    return Interval(actual / expected, float(low) / expected, float(high) / expected)


def _psi(expected: Integers, actual: Integers) -> Floats:
    one, other = _shares(expected), _shares(actual)
    found: Floats = ((other - one) * np.log(other / one)).sum(axis=1)
    return found


def _shares(counts: Integers) -> Floats:
    filled = counts + _HALF
    shares: Floats = filled / filled.sum(axis=1, keepdims=True)
    return shares
