"""Instants, days and months."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from bonafides import instants
from bonafides.instants import Day, Instant

_DAYS = st.integers(min_value=8_000, max_value=60_000).map(Day)


def test_day_begins_at_midnight_in_shanghai() -> None:
    before = instants.from_datetime(dt.datetime(2026, 10, 31, 15, 59, 59, 999_999, dt.UTC))
    assert instants.to_date(instants.day_of(before)) == dt.date(2026, 10, 31)
    assert instants.to_date(instants.day_of(Instant(before + 1))) == dt.date(2026, 11, 1)


@given(_DAYS)
def test_start_of_a_day_is_its_first_instant(day: Day) -> None:
    start = instants.start_of(day)
    assert (instants.day_of(start), instants.day_of(Instant(start - 1))) == (day, day - 1)


@given(_DAYS)
def test_day_agrees_with_the_calendar_of_the_standard_library(day: Day) -> None:
    shown = instants.to_datetime(instants.start_of(day)).astimezone(instants.SHANGHAI)
    assert (shown.date(), shown.hour) == (instants.to_date(day), 0)


@given(_DAYS)
def test_month_changes_on_the_first_of_a_month(day: Day) -> None:
    first = instants.to_date(day).day == 1
    assert (instants.month_of(day) - instants.month_of(Day(day - 1))) == int(first)


@given(st.integers(min_value=-(10**15), max_value=10**16).map(Instant))
def test_instant_survives_a_timestamp_and_a_datetime(instant: Instant) -> None:
    assert instants.from_timestamp(instants.to_timestamp(instant)) == instant
    assert instants.from_datetime(instants.to_datetime(instant)) == instant
