"""Says when a submission that waits is looked at again.

Two schedules, by why it waits:

1. The sources answered, and one holds nothing yet. A registry lags 3 to 15 working
   days behind what it decided, so it is asked after 1, 3, 5, 8, 11 and 15 working
   days, then every 10.
2. A source was not reached. It may be back in a minute: after 1, 5, 15 and 60
   minutes, then every 4 hours.

Each submission comes a little later than its step, by a share that follows from its
id: those that waited for the same source don't all come back at once. Saturdays and
Sundays are no working days; public holidays are not known here and cost a day.

    next_recheck(now, uid, answered=1, unreached=0, reached=True)
"""

from __future__ import annotations

from typing import Final

from bonafides.instants import DAY, HOUR, MICROSECONDS, Instant, day_of

# Working days from each try to the next; the last one repeats.
WORKING_DAYS: Final = (1, 2, 2, 3, 3, 4, 10)
# Minutes from each try in vain to the next; the last one repeats.
MINUTES: Final = (1, 5, 15, 60, 240)

_MINUTE: Final = 60 * MICROSECONDS
# How far the tries of one step are spread: four hours, or a quarter of the minutes.
_SPREAD: Final = 4 * HOUR
_QUARTER: Final = 4
_PARTS: Final = 1 << 32
# 1970-01-01, day 0, was a Thursday.
_THURSDAY: Final = 3
_WEEK: Final = 7
_SATURDAY: Final = 5


def next_recheck(
    now: Instant, uid: str, *, answered: int, unreached: int, reached: bool
) -> Instant:
    """Returns when the sources are asked again.

    `answered` and `unreached` count the rounds so far in which every source answered
    or one did not, the last one, which `reached` is of, among them.
    """
    share = int(uid[:8], 16)
    if not reached:
        wait = MINUTES[min(unreached, len(MINUTES)) - 1] * _MINUTE
        return Instant(now + wait + wait // _QUARTER * share // _PARTS)
    wanted = WORKING_DAYS[min(answered, len(WORKING_DAYS)) - 1]
    day, passed = day_of(now), 0
    while wanted:
        passed += 1
        wanted -= (day + passed + _THURSDAY) % _WEEK < _SATURDAY
    return Instant(now + passed * DAY + _SPREAD * share // _PARTS)
