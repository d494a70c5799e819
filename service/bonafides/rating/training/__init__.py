"""Makes scorecards of labelled data: for operators, never loaded by the serving process.

`fit` takes any numeric table. The only place that imports scikit-learn, scipy or
numpy; the extra `train` brings them.

    from bonafides.rating.training import fit

    card = fit(X, bad, directions={"age_days": 1, "penalties": -1})
    card.predict_proba(X)[:, 1]     # the probability of bad
"""

from __future__ import annotations

from bonafides.rating.training.fitting import FitError, fit
from bonafides.rating.training.points_card import PointsCard, PointsFeature

__all__ = ["FitError", "PointsCard", "PointsFeature", "fit"]
