"""A card with priors of groups of peers: the champion, and two groups' means beside its own."""

from __future__ import annotations

import json
from typing import Any, Final

from bonafides.rating.peers import named
from bonafides.rating.scorecard import Scorecard, champion
from scripts.seal_card import sealed

# Few and many disputes are expected among these, as alpha and beta.
GOODS: Final = "category/百货"
CLOTHES: Final = "category/服装"
ELDERS: Final = "age/10+"
PRIORS: Final = {
    "dispute_lost_rate": {GOODS: (1, 499), CLOTHES: (10, 490), ELDERS: (2, 198)},
    "complaint_upheld_rate": {GOODS: (1, 199), ELDERS: (3, 197)},
    "case_settled_rate": {ELDERS: (4, 8)},
}


def priors_of(groups: dict[str, tuple[int, int]]) -> list[dict[str, Any]]:
    """Returns the priors as a card writes them."""
    made = []
    for key in sorted(groups):
        group = named(key)
        assert group is not None
        title = {"zh": group.title_zh, "en": group.title_en}
        alpha, beta = groups[key]
        made.append({"group": key, "title": title, "alpha": alpha, "beta": beta})
    return made


def draft() -> dict[str, Any]:
    """Returns the card as JSON, without golden rows that fit."""
    told: dict[str, Any] = json.loads(champion(None).artifact)
    told |= {"schema_version": 4, "version": "grouped-1"}
    for feature in told["features"]:
        if feature["name"] in PRIORS:
            feature["group_priors"] = priors_of(PRIORS[feature["name"]])
            # Among clothes 2 % are expected: what is missing may not be better than that.
            feature["missing"] = 0
    return told


def card() -> Scorecard:
    """Returns the card, sealed."""
    return sealed(draft(), "grouped-1")
