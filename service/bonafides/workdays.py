"""Counts working days of mainland China, as terms are set in them.

1. A working day is a Monday to Friday that the State Council did not declare a holiday,
   or a Saturday or Sunday that it declared one of work in its place (调休).
2. The notices say so year by year, some weeks before the year begins. For a year whose
   notice is not in the table, Monday to Friday count: a term then ends early rather than
   late, which is to the good of whom it protects.
3. A last day is stored when its term begins: a notice that comes later moves none.

The table holds the notices of the years named in `YEARS`; its days agree with those of
two calendars that others keep (chinesecalendar 1.11.0, holidays 0.109).

    nth_workday(from_date(dt.date(2026, 9, 30)), 1)     # 2026-10-08
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from bonafides.instants import Day, from_date, to_date

YEARS: Final = frozenset({2025, 2026})

# Month and day, both inclusive. Source: the notices on holidays of these years, as the
# two calendars named above have them.
_OFF: Final = {
    2025: ("01-01", "01-28/02-04", "04-04/04-06", "05-01/05-05", "05-31/06-02", "10-01/10-08"),
    2026: (
        *("01-01/01-03", "02-15/02-23", "04-04/04-06", "05-01/05-05", "06-19/06-21"),
        *("09-25/09-27", "10-01/10-07"),
    ),
}
_WORKED: Final = {
    2025: ("01-26", "02-08", "04-27", "09-28", "10-11"),
    2026: ("01-04", "02-14", "02-28", "05-09", "09-20", "10-10"),
}
_WEEKEND: Final = 5


def is_workday(day: Day) -> bool:
    """Returns whether it is a working day."""
    return day in _ON_WEEKENDS or (to_date(day).weekday() < _WEEKEND and day not in _HOLIDAYS)


def nth_workday(after: Day, number: int) -> Day:
    """Returns the nth working day after the day, which doesn't count itself."""
    found = after
    while number:
        found = Day(found + 1)
        number -= is_workday(found)
    return found


def _days(year: int, spans: tuple[str, ...]) -> list[Day]:
    told: list[Day] = []
    for span in spans:
        first, _, last = span.partition("/")
        begin, end = (
            from_date(dt.date.fromisoformat(f"{year}-{each}")) for each in (first, last or first)
        )
        told += [Day(day) for day in range(begin, end + 1)]
    return told


_HOLIDAYS: Final = frozenset(day for year in YEARS for day in _days(year, _OFF[year]))
_ON_WEEKENDS: Final = frozenset(day for year in YEARS for day in _days(year, _WORKED[year]))
