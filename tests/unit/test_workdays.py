"""Working days of mainland China."""

from __future__ import annotations

import datetime as dt

import pytest

from bonafides.instants import from_date, to_date
from bonafides.records.links import due_day
from bonafides.workdays import YEARS, is_workday, nth_workday


def works(text: str) -> bool:
    return is_workday(from_date(dt.date.fromisoformat(text)))


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-11-20", True),
        ("2026-11-21", False),
        # The first and last day of a holiday, and the days around it.
        ("2026-09-30", True),
        ("2026-10-01", False),
        ("2026-10-07", False),
        ("2026-10-08", True),
        # A Saturday and a Sunday that are worked in place of holidays.
        ("2026-10-10", True),
        ("2026-09-20", True),
        ("2025-10-08", False),
        ("2025-01-26", True),
    ],
)
def test_holidays_are_off_and_weekends_in_their_place_are_worked(
    day: str, *, expected: bool
) -> None:
    assert works(day) is expected


def test_years_without_a_notice_count_monday_to_friday() -> None:
    assert max(YEARS) < 2030
    assert works("2030-10-01")
    assert not works("2030-10-05")


def test_fifteenth_working_day_passes_over_a_week_of_holidays() -> None:
    opened = from_date(dt.date(2026, 9, 28))
    assert to_date(due_day(opened)).isoformat() == "2026-10-23"
    assert to_date(nth_workday(opened, 1)).isoformat() == "2026-09-29"
    assert to_date(due_day(from_date(dt.date(2026, 11, 1)))).isoformat() == "2026-11-20"
