"""Builders of labelled rows: enterprises of known goodness, whose figures follow it.

Generated alone: pseudonyms are numbers, the region is that of generated codes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bonafides.rating.features import FEATURES, Direction
from bonafides.rating.training.labelled import Labelled

REGION = "990000"
# What a share is of, unless told otherwise.
_WHOLE = 200.0


def rows(count: int = 3_000, *, seed: int = 1, strength: float = 1.0, **changes: Any) -> Labelled:
    """Returns rows of as many enterprises, a third in each split, about one in eight bad.

    `strength` is how much of goodness the figures show; 0: nothing.
    """
    random = np.random.default_rng(seed)
    goodness = random.normal(size=count)
    bad = (random.random(count) < 1 / (1 + np.exp(2.4 + 1.6 * goodness))).astype(np.int64)
    figures, wholes = {}, {}
    for name, feature in FEATURES.items():
        sign = 1 if feature.direction is Direction.HIGHER_IS_BETTER else -1
        shown = sign * strength * goodness + random.normal(size=count)
        if feature.is_share:
            wholes[name] = np.full(count, _WHOLE)
            part = np.clip(np.rint(10 + 4 * shown), 0, _WHOLE)
            figures[name] = part / _WHOLE * 1_000_000
        else:
            figures[name] = np.floor(np.clip(_middle(name) * (1 + 0.5 * shown), 0, None))
    grey = (bad == 0) & (random.random(count) < 0.1)
    made: dict[str, Any] = {
        "basis": "SYNTHETIC",
        "enterprise": np.array([f"e{number:06}" for number in range(count)]),
        "as_of": np.full(count, np.datetime64("2026-01-01")),
        "figures": figures,
        "wholes": wholes,
        "applies": {},
        "bad": bad,
        "component": np.where(bad == 1, "disputes_lost", np.where(grey, "grey", "")),
        "split": np.array(["train", "recent", "out_of_time"])[np.arange(count) % 3],
        "entity_type": np.array(["company", "individual_business"])[random.integers(0, 2, count)],
        "size_band": np.array(["small", "large"])[random.integers(0, 2, count)],
        "region": np.full(count, REGION),
        "is_new": random.random(count) < 0.3,
    }
    return Labelled(**(made | changes))


def _middle(name: str) -> float:
    days = {"days": 700.0, "hours": 20.0, "count": 100.0}
    return days.get(FEATURES[name].unit, 1.5)
