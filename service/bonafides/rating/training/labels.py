"""Decides what came of an enterprise: bad, good, between, or not known.

Bad is, within the window of its cohort,
1. `fraud`: an authority listed it for serious illegality, by code, and did not annul that;
2. `dishonest_debtor`: a court listed it as a dishonest debtor, by code;
3. `disputes_lost`: at least LOST_AT_LEAST disputes were decided against it, and these
   are at least LOST_PPM of the orders of the window.

Grey is what lost half of that. It counts as good, and results are told with it and
without. Nothing that a platform does because of our own level is a label: the end of a
store, of a membership or of a contract makes nobody bad. Who did not trade in the window
is not known to be good, nor is who left before its end; who turned out bad before leaving
is bad.

    labels(outcomes).bad[labels(outcomes).known]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bonafides.rating.card import PPM
from bonafides.rating.training.binning import Flags, Integers
from bonafides.rating.training.labelled import COMPONENTS, GREY, Texts

LOST_AT_LEAST: Final = 3
LOST_PPM: Final = 25_000
# Half of what makes bad.
GREY_AT_LEAST: Final = 2
GREY_PPM: Final = LOST_PPM // 2


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What came in the window, an element for each enterprise.

    `orders` were paid in it, `disputes_lost` decided in it. `left`: the last store was
    closed, an authorization withdrawn or the registration ended before its end.
    """

    orders: Integers
    disputes_lost: Integers
    fraud: Flags
    dishonest_debtor: Flags
    left: Flags


@dataclass(frozen=True, slots=True)
class Labels:
    """`bad` and `component` as a labelled table has them; `known`: it belongs in one."""

    bad: Integers
    component: Texts
    known: Flags


def labels(of: Outcomes) -> Labels:
    """Returns the labels of outcomes, element by element."""
    lost = _lost(of, LOST_AT_LEAST, LOST_PPM)
    between = _lost(of, GREY_AT_LEAST, GREY_PPM)
    component = np.select(
        [of.fraud, of.dishonest_debtor, lost, between], [*COMPONENTS, GREY], default=""
    )
    bad = of.fraud | of.dishonest_debtor | lost
    return Labels(bad.astype(np.int64), component, bad | ((of.orders > 0) & ~of.left))


def _lost(of: Outcomes, at_least: int, ppm: int) -> Flags:
    enough = of.disputes_lost >= at_least
    told: Flags = enough & (of.disputes_lost * PPM >= ppm * of.orders)
    return told
