"""A card that was fitted: bins, whole points, and two numbers for probabilities.

Points are good: the more, the less likely bad. `POINTS_TO_DOUBLE` points double the odds
against bad before calibration. The score is the sum of the points and nothing else;

    probability of bad = 1 / (1 + exp(-(intercept - slope * score)))

    card.score(X)               # array([ 31, -12, ...])
    card.predict_proba(X)       # columns: good, bad
    card.digest                 # the same for the same data, seed and wheels
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from scipy import optimize, special

from bonafides.rating.training.binning import Floats, Integers, bins_of
from bonafides.rating.training.tables import outcomes_of, table_of

POINTS_TO_DOUBLE: Final = 40
POINTS_PER_NAT: Final = POINTS_TO_DOUBLE / math.log(2)


@dataclass(frozen=True, slots=True)
class PointsFeature:
    """One column: `direction` 1 where more is better, -1 where more is worse.

    A bin begins at its edge: n edges, n + 1 points. `missing` is at most 0, which is
    what the known rows get on average.
    """

    name: str
    direction: int
    edges: tuple[float, ...]
    points: tuple[int, ...]
    missing: int


@dataclass(frozen=True, slots=True)
class PointsCard:
    """Features in the order of the columns, and the calibration of the score."""

    features: tuple[PointsFeature, ...]
    intercept: float
    slope: float
    # How it was found: l1, l2, rows, bads, seed. No clock, no commit.
    fingerprint: Mapping[str, Any]

    def points(self, table: Any) -> Integers:
        """Returns the points of each row and feature, shape (n, features).

        Raises:
            FitError: not a table of these columns.
        """
        rows, _ = table_of(table, names=[feature.name for feature in self.features])
        return np.column_stack(
            [
                _slots(feature)[bins_of(rows[:, place], np.array(feature.edges))]
                for place, feature in enumerate(self.features)
            ]
        )

    def score(self, table: Any) -> Integers:
        """Returns the sum of the points of each row, shape (n,).

        Raises:
            FitError: not a table of these columns.
        """
        found: Integers = self.points(table).sum(axis=1)
        return found

    def predict_proba(self, table: Any) -> Floats:
        """Returns the probabilities of good and of bad, shape (n, 2).

        Raises:
            FitError: not a table of these columns.
        """
        bad = special.expit(self.intercept - self.slope * self.score(table))
        return np.column_stack((1.0 - bad, bad))

    def calibrated(self, table: Any, outcomes: Any) -> PointsCard:
        """Returns the card with the probabilities of another cohort, and the same points.

        Raises:
            FitError: not a table of these columns, or outcomes other than 0 and 1.
        """
        score = self.score(table)
        bad = outcomes_of(outcomes, score.size)
        # In log-odds the problem is as well scaled as that of a fit.
        intercept, slope = calibration(-score / POINTS_PER_NAT, bad)
        return replace(self, intercept=intercept, slope=slope / POINTS_PER_NAT)

    def document(self) -> dict[str, Any]:
        """Returns the card as it is written: plain numbers and texts, in a fixed order."""
        return {
            "features": [
                {
                    "name": feature.name,
                    "direction": feature.direction,
                    "edges": list(feature.edges),
                    "points": list(feature.points),
                    "missing": feature.missing,
                }
                for feature in self.features
            ],
            "calibration": {"intercept": self.intercept, "slope": self.slope},
            "fingerprint": dict(self.fingerprint),
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the document with sorted keys and no spaces, in hexadecimal digits."""
        text = json.dumps(self.document(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def calibration(log_odds: Floats, bad: Floats) -> tuple[float, float]:
    """Returns intercept and slope that bring log-odds nearest to what was seen."""

    def loss(point: Floats) -> tuple[float, Floats]:
        odds = point[0] + point[1] * log_odds
        residual = special.expit(odds) - bad
        value = (np.logaddexp(0.0, odds) - bad * odds).mean()
        return value, np.array([residual.mean(), (residual * log_odds).mean()])

    # A slope below 0 would turn every point around.
    bounds = [(None, None), (0.0, None)]
    found = optimize.minimize(loss, [0.0, 1.0], jac=True, method="L-BFGS-B", bounds=bounds)
    return float(found.x[0]), float(found.x[1])


def _slots(feature: PointsFeature) -> Integers:
    return np.array([*feature.points, feature.missing], dtype=np.int64)
