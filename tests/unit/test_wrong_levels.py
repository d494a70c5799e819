"""Which levels were wrong while something counted that a ruling took out."""

from __future__ import annotations

import pytest

from bonafides.identity.wrong_levels import Span, spans
from bonafides.instants import DAY, HOUR, Day, Instant, start_of
from bonafides.rating.card import Level
from tests.builders import TODAY

pytestmark = pytest.mark.feature("E9")

MIDNIGHT = start_of(TODAY)
NOON = Instant(MIDNIGHT + 12 * HOUR)
END = Instant(MIDNIGHT + 2 * DAY)


def test_level_that_was_shown_all_along_is_wrong_from_begin_to_end() -> None:
    kept = [(Instant(MIDNIGHT - DAY), Level.C)]
    assert spans(kept, NOON, END, restored=Level.A) == (Span(Level.C, NOON, END),)


def test_level_that_the_ruling_restored_was_not_wrong() -> None:
    kept = [(Instant(MIDNIGHT - DAY), Level.A), (Instant(NOON + DAY), Level.C)]
    tomorrow = start_of(Day(TODAY + 1))
    found = spans(kept, NOON, END, restored=Level.A)
    # Of a day and level the last rating is kept: it may be as old as the day.
    assert found == (Span(Level.C, tomorrow, END),)


def test_changes_within_a_day_overlap_rather_than_leave_a_gap() -> None:
    kept = [(MIDNIGHT, Level.C), (NOON, Level.B), (Instant(NOON + HOUR), Level.A)]
    assert spans(kept, MIDNIGHT, END, restored=Level.A) == (
        Span(Level.C, MIDNIGHT, NOON),
        Span(Level.B, MIDNIGHT, Instant(NOON + HOUR)),
    )


def test_days_of_one_level_are_one_span() -> None:
    kept = [(Instant(MIDNIGHT + day * DAY), Level.C) for day in range(2)]
    assert spans(kept, MIDNIGHT, END, restored=Level.A) == (Span(Level.C, MIDNIGHT, END),)


def test_nothing_is_wrong_where_nothing_was_rated() -> None:
    assert spans([], MIDNIGHT, END, restored=Level.A) == ()
