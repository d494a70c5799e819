"""Finds the Beta prior of each share: how far enterprises differ, chance taken out.

The mean is that of all rows taken together. How strongly a share is drawn towards it
follows from the spread between enterprises that the size of their wholes does not explain
(moments of Kleinman, JASA 68, 1973): little spread, strong drawing. Whole numbers, as a
card has them; alpha is at least 1.

A group of peers has a prior of its own if at least 30 enterprises with a known share are
in it and none of them has more than half of all cases there: then it tells of no member.
A group whose mean is so far above that 0 of 12 would be taken for worse than 20 of 1,000
has none either: little is no proof, and who has little is drawn as everybody is. The
groups with the most enterprises come first, as many as a card may have.

    prior_of(part, whole)       # Prior(alpha=1, beta=140)
"""

from __future__ import annotations

from typing import Final

import numpy as np

from bonafides.rating.card import MOST_GROUPS, PPM, GroupPrior, Prior, Text
from bonafides.rating.features import FEATURES, Direction
from bonafides.rating.peers import LEAST_MEMBERS, named
from bonafides.rating.soundness import FEW, MANY
from bonafides.rating.training.binning import Flags, Floats
from bonafides.rating.training.labelled import Labelled

# Bounds of how many rows a prior may be worth: less would not draw, more would not let go.
_LEAST_STRENGTH: Final = 5.0
_MOST_STRENGTH: Final = 2_000.0


def priors(table: Labelled) -> dict[str, Prior]:
    """Returns the prior of each share of the table. Without a known row: an even one."""
    everybody = np.ones(len(table), dtype=np.bool_)
    return {
        name: prior_of(*_counts(table, name, _known(table, name, everybody)))
        for name in table.wholes
    }


def group_priors(table: Labelled) -> dict[str, tuple[GroupPrior, ...]]:
    """Returns the priors of groups of peers of each share that has any, by group."""
    made: dict[str, tuple[GroupPrior, ...]] = {}
    groups = _groups(table)
    for name in table.wholes:
        found = [
            prior
            for group, members in groups.items()
            if (prior := _group_prior(table, name, group, members)) is not None
        ]
        if found:
            made[name] = tuple(found)
    return made


def _groups(table: Labelled) -> dict[str, Flags]:
    """Returns the rows of each group that is large enough, by key."""
    keys = {key for column in table.groups.values() for key in np.unique(column).tolist()}
    sizes, rows = {}, {}
    for key in sorted(key for key in keys if named(key) is not None):
        rows[key] = np.any([column == key for column in table.groups.values()], axis=0)
        sizes[key] = np.unique(table.enterprise[rows[key]]).size
    large = sorted((key for key in rows if sizes[key] >= LEAST_MEMBERS), key=lambda k: -sizes[k])
    return {key: rows[key] for key in sorted(large[:MOST_GROUPS])}


def _group_prior(table: Labelled, name: str, key: str, members: Flags) -> GroupPrior | None:
    known, group = _known(table, name, members), named(key)
    part, whole = _counts(table, name, known)
    of, place = np.unique(table.enterprise[known], return_inverse=True)
    if group is None or of.size < LEAST_MEMBERS:
        return None
    if 2 * np.bincount(place, weights=whole).max() > whole.sum():
        return None
    prior = prior_of(part, whole)
    few, many = prior.estimate(FEW), prior.estimate(MANY)
    up = FEATURES[name].direction is Direction.HIGHER_IS_BETTER
    if (few < many) if up else (few > many):
        return None
    title = Text(zh=group.title_zh, en=group.title_en)
    return GroupPrior(alpha=prior.alpha, beta=prior.beta, group=key, title=title)


def _known(table: Labelled, name: str, rows: Flags) -> Flags:
    known: Flags = rows & ~np.isnan(table.figures[name]) & (table.wholes[name] > 0)
    return known


def _counts(table: Labelled, name: str, known: Flags) -> tuple[Floats, Floats]:
    of = table.wholes[name][known]
    return np.rint(table.figures[name][known] * of / PPM), of


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
