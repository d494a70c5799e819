"""When a submission that waits is looked at again. `builders.NOW` is a Sunday at noon."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafides.identity.rechecks import MINUTES, next_recheck
from bonafides.instants import DAY, HOUR, MICROSECONDS, Instant, day_of
from tests import builders

_FIRST = "00000000-0000-4000-8000-000000000000"
_LAST = "ffffffff-0000-4000-8000-000000000000"


def _days(uid: str, tries: int) -> list[int]:
    """Returns the days from NOW to each try, if every one is made on time."""
    now, days = builders.NOW, []
    for count in range(1, tries + 1):
        now = next_recheck(now, uid, answered=count, unreached=0, reached=True)
        days.append(day_of(now) - builders.TODAY)
    return days


@pytest.mark.feature("A4")
def test_a_registry_is_asked_again_over_fifteen_working_days_then_every_ten() -> None:
    """Working days 1, 3, 5, 8, 11, 15, 25, 35 behind a Sunday."""
    assert _days(_FIRST, 8) == [1, 3, 5, 10, 15, 19, 33, 47]


@pytest.mark.feature("A4")
@given(st.uuids(version=4), st.integers(1, 9), st.integers(0, 6))
def test_no_recheck_falls_on_a_weekend_by_its_step(uid: uuid.UUID, tries: int, day: int) -> None:
    now = Instant(builders.NOW - 12 * HOUR + day * DAY)
    again = next_recheck(now, str(uid), answered=tries, unreached=0, reached=True)
    # 1970-01-01 was a Thursday: 2 and 3 are Saturday and Sunday.
    assert day_of(again) % 7 not in {2, 3}
    assert again > now


@pytest.mark.feature("A4")
def test_submissions_that_waited_together_come_back_staggered() -> None:
    first, last = (
        next_recheck(builders.NOW, uid, answered=1, unreached=0, reached=True)
        for uid in (_FIRST, _LAST)
    )
    assert first == builders.NOW + DAY
    assert 3 * HOUR < last - first < 4 * HOUR


@pytest.mark.feature("A5")
def test_a_source_that_was_not_reached_is_asked_again_within_minutes() -> None:
    minutes = [
        (next_recheck(builders.NOW, uid, answered=0, unreached=tries, reached=False) - builders.NOW)
        / (60 * MICROSECONDS)
        for tries in range(1, 8)
        for uid in (_FIRST, _LAST)
    ]
    assert minutes[::2] == [*MINUTES, MINUTES[-1], MINUTES[-1]]
    assert all(
        first < last <= 1.25 * first
        for first, last in zip(minutes[::2], minutes[1::2], strict=True)
    )
