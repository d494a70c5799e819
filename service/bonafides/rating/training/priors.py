"""Finds the Beta prior of each share: how far enterprises differ, chance taken out.

The mean is that of all rows taken together. How strongly a share is drawn towards it
follows from the spread between enterprises that the size of their wholes does not explain
(moments of Kleinman, JASA 68, 1973): little spread, strong drawing. Whole numbers, as a
card has them; alpha is at least 1.

    prior_of(part, whole)       # Prior(alpha=1, beta=140)
"""

from __future__ import annotations

from typing import Final

import numpy as np

from bonafides.rating.card import PPM, Prior
from bonafides.rating.training.binning import Floats
from bonafides.rating.training.labelled import Labelled

# Bounds of how many rows a prior may be worth: less would not draw, more would not let go.
_LEAST_STRENGTH: Final = 5.0
_MOST_STRENGTH: Final = 2_000.0


def priors(table: Labelled) -> dict[str, Prior]:
    """Returns the prior of each share of the table. Without a known row: an even one."""
    made = {}
    for name, whole in table.wholes.items():
        known = ~np.isnan(table.figures[name]) & (whole > 0)
        of = whole[known]
        made[name] = prior_of(np.rint(table.figures[name][known] * of / PPM), of)
    return made


def prior_of(part: Floats, whole: Floats) -> Prior:
    """Returns the prior of shares `part` of `whole`, each of shape (n,), whole above 0."""
    total = float(whole.sum())
    if not total:
        return Prior(alpha=1, beta=1)
    # A mean of 0 or 1 would leave no room for either side.
    mean = float(np.clip(part.sum() / total, 1.0 / PPM, 1.0 - 1.0 / PPM))
    strength = _strength(part, whole, mean)
    alpha = max(1, round(mean * strength))
    return Prior(alpha=min(alpha, PPM), beta=int(np.clip(round(alpha * (1 - mean) / mean), 1, PPM)))


def _strength(part: Floats, whole: Floats, mean: float) -> float:
    """Returns alpha + beta, within its bounds."""
    total, rows = float(whole.sum()), whole.size
    spread = float((whole * (part / whole - mean) ** 2).sum())
    chance = mean * (1 - mean)
    room = total - float((whole**2).sum()) / total - (rows - 1)
    between = (spread - chance * (rows - 1)) / (chance * room) if room > 0 else 1.0
    if between <= 0:
        return _MOST_STRENGTH
    return float(np.clip(1 / between - 1, _LEAST_STRENGTH, _MOST_STRENGTH))
