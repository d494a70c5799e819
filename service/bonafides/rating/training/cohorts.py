"""Which days are looked at, when outcomes are ripe, and who is in which split.

1. Days are ends of quarters: one row for each enterprise and quarter.
2. An outcome is what came within OUTCOME_DAYS after the day. It is ripe MATURITY_DAYS
   later, when what was decided by then is published and learned.
3. The two newest ripe quarters are out of time. The four before them are recent: on them
   probabilities are fitted. All but the newest of these, and the older ones, are trained on.
4. An enterprise is in one split alone, by its keyed pseudonym: one bad year makes four
   rows bad, and a card that saw one of them would be praised for knowing the others. So
   a quarter may be trained on and recent, for other enterprises.

    quarters(first, last)[-1].split     # "out_of_time"
    split_of("9f..")                    # the split that this enterprise is in
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from bonafides.instants import Day, Instant, from_date, start_of

OUTCOME_DAYS: Final = 365
# Two months: most of what was decided within the window is learned by then.
MATURITY_DAYS: Final = 61
# What features look back on.
HISTORY_DAYS: Final = 365
OUT_OF_TIME: Final = 2
# A year: one quarter holds so few bad rows that a slope fitted to it is off by a tenth, and
# knows one season.
RECENT: Final = 4
# Shares of enterprises in "train" and "recent", in percent; the others are out of time.
_TRAIN_PERCENT: Final = 45
_RECENT_PERCENT: Final = 25
_QUARTER_ENDS: Final = ((3, 31), (6, 30), (9, 30), (12, 31))


class TooYoungError(ValueError):
    """There is too little history to train on. The text says how much is needed."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """A day that is looked at, and the split that its rows are in."""

    day: Day
    split: str

    @property
    def as_of(self) -> Instant:
        """The last instant of the day."""
        return Instant(start_of(Day(self.day + 1)) - 1)

    @property
    def ends(self) -> Day:
        """The last day on which what comes counts."""
        return Day(self.day + OUTCOME_DAYS)

    @property
    def ripe_at(self) -> Instant:
        """The last instant at which what came is learned of."""
        return Instant(start_of(Day(self.ends + MATURITY_DAYS + 1)) - 1)


def quarters(first: Day, last: Day) -> tuple[Cohort, ...]:
    """Returns the ripe quarters of a history from `first` to `last`, both inclusive, by split.

    In order within a split. Of a history just long enough the recent ones are fewer than four.

    Raises:
        TooYoungError: fewer than four: one to train on, a recent one, two out of time.
    """
    since, until = first + HISTORY_DAYS, last - OUTCOME_DAYS - MATURITY_DAYS
    epoch = dt.date(1970, 1, 1)
    years = range(
        (epoch + dt.timedelta(days=first)).year, 1 + (epoch + dt.timedelta(days=last)).year
    )
    ends = [from_date(dt.date(year, *end)) for year in years for end in _QUARTER_ENDS]
    ripe = [day for day in ends if since <= day <= until]
    if len(ripe) < OUT_OF_TIME + 2:
        raise TooYoungError(
            f"the history has {len(ripe)} quarters whose outcomes are ripe; 4 are needed: a year"
            " before the first, and 14 months after the last"
        )
    closed, newest = ripe[:-OUT_OF_TIME], ripe[-OUT_OF_TIME:]
    return (
        *(Cohort(day, "train") for day in closed[:-1]),
        *(Cohort(day, "recent") for day in closed[-RECENT:]),
        *(Cohort(day, "out_of_time") for day in newest),
    )


def pseudonym(key: bytes, code: str) -> str:
    """Returns the keyed pseudonym of an enterprise, 32 hexadecimal digits."""
    return hmac.new(key, code.encode(), hashlib.sha256).hexdigest()[:32]


def split_of(enterprise: str) -> str:
    """Returns the one split that an enterprise is in, by its pseudonym."""
    percent = int(enterprise[:8], 16) * 100 >> 32
    if percent < _TRAIN_PERCENT:
        return "train"
    return "recent" if percent < _TRAIN_PERCENT + _RECENT_PERCENT else "out_of_time"
