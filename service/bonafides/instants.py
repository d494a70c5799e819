"""Instants and days.

An instant is an int64 count of microseconds since 1970-01-01T00:00:00Z. A day is
a count of days since 1970-01-01 on the calendar of Asia/Shanghai, which has kept
UTC+8 without summer time since 1991; records reach back no further. A month is
the count of months since January 1970 on the same calendar. Windows are
(T - n, T]: the newest day is inside, the oldest outside.

    day_of(instant(2026, 1, 1))      # the day on which it fell in Shanghai
"""

from __future__ import annotations

import datetime as dt
from typing import Final, NewType

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

Instant = NewType("Instant", int)
Day = NewType("Day", int)
Month = NewType("Month", int)

MICROSECONDS: Final = 1_000_000
HOUR: Final = 3_600 * MICROSECONDS
DAY: Final = 24 * HOUR
SHANGHAI: Final = dt.timezone(dt.timedelta(hours=8), "Asia/Shanghai")

_SHANGHAI_OFFSET: Final = 8 * HOUR
_EPOCH: Final = dt.date(1970, 1, 1)
_EPOCH_TIME: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def from_datetime(moment: dt.datetime) -> Instant:
    """Returns the instant of an aware datetime, to the microsecond."""
    return Instant((moment - _EPOCH_TIME) // dt.timedelta(microseconds=1))


def to_datetime(instant: Instant) -> dt.datetime:
    """Returns the instant as an aware datetime in UTC."""
    return _EPOCH_TIME + dt.timedelta(microseconds=instant)


def from_timestamp(stamp: Timestamp) -> Instant:
    """Returns the instant of a protobuf timestamp; nanoseconds are cut off."""
    return Instant(stamp.seconds * MICROSECONDS + stamp.nanos // 1_000)


def to_timestamp(instant: Instant) -> Timestamp:
    """Returns the instant as a protobuf timestamp."""
    return Timestamp(seconds=instant // MICROSECONDS, nanos=instant % MICROSECONDS * 1_000)


def day_of(instant: Instant) -> Day:
    """Returns the day on which the instant falls in Shanghai."""
    return Day((instant + _SHANGHAI_OFFSET) // DAY)


def start_of(day: Day) -> Instant:
    """Returns the first instant of the day in Shanghai."""
    return Instant(day * DAY - _SHANGHAI_OFFSET)


def month_of(day: Day) -> Month:
    """Returns the month in which the day lies."""
    date = to_date(day)
    return Month((date.year - 1970) * 12 + date.month - 1)


def from_date(date: dt.date) -> Day:
    """Returns the day of a calendar date."""
    return Day((date - _EPOCH).days)


def to_date(day: Day) -> dt.date:
    """Returns the day as a calendar date."""
    return _EPOCH + dt.timedelta(days=day)


def to_date_message(day: Day) -> Date:
    """Returns the day as a google.type.Date."""
    date = to_date(day)
    return Date(year=date.year, month=date.month, day=date.day)
