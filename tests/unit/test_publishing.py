"""What becomes of a raw level: evaluations, gains, falls, relief, outages, withdrawals."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafides.instants import DAY, HOUR, Instant
from bonafides.rating.card import POINT_LEVELS, Level
from bonafides.rating.publishing import (
    CAP_DAYS,
    STEP_DAYS,
    Cause,
    Down,
    Hold,
    Moment,
    Published,
    Raw,
    Relief,
    cause_of,
    hold_of,
    last_evaluation,
    next_evaluation,
    publish,
)
from scripts import check_receipt
from tests.builders import NOW
from tests.searching import examples

# A Monday in Shanghai, at its start.
MONDAY = last_evaluation(NOW)
_BEST_FIRST = [*POINT_LEVELS, Level.D, Level.NR]


def raw(level: Level, *, high: Level | None = None, clean: Level | None = None) -> Raw:
    """Returns a raw level; nothing counts against the enterprise unless it is said."""
    reasons = ("CONSENT_MISSING",) if level is Level.NR else ()
    return Raw(level, high or level, clean or level, reasons)


def at(weeks: int, *, hours: int = 1) -> Instant:
    """Returns an instant so many weeks and hours after an evaluation."""
    return Instant(MONDAY + weeks * 7 * DAY + hours * HOUR)


def settled(given_raw: Raw, moment: Moment) -> Published:
    """Returns what is published of an enterprise that had this level a week before, too."""
    week_before = Moment(Instant(moment.as_of - 7 * DAY))
    return publish(None, given_raw, week_before)


def run(*steps: tuple[Raw, Moment]) -> list[Level]:
    """Returns what is published after each step, of an enterprise whose level has settled."""
    told: Published | None = settled(*steps[0])
    levels = []
    for given_raw, moment in steps:
        told = publish(told, given_raw, moment)
        levels.append(told.level)
    return levels


def rank(level: Level) -> int:
    """Returns the place of a level; lower is better."""
    return _BEST_FIRST.index(level)


def test_evaluations_are_weekly_at_the_start_of_monday_in_shanghai() -> None:
    # 2026-11-01T04:00:00Z was a Sunday in Shanghai; the Monday before began on October 25
    # at 16:00 UTC.
    assert next_evaluation(MONDAY) == MONDAY + 7 * DAY
    assert last_evaluation(Instant(MONDAY + 7 * DAY - 1)) == MONDAY
    assert last_evaluation(Instant(MONDAY + 7 * DAY)) == MONDAY + 7 * DAY
    assert MONDAY % (7 * DAY) == (4 * 24 - 8) * HOUR


@pytest.mark.feature("E1")
def test_a_level_follows_the_raw_one_until_its_first_evaluation() -> None:
    """A platform's past comes in piece by piece: the first piece decides nothing for long."""
    told: Published | None = None
    for hours, given_level in ((1, Level.NR), (2, Level.B), (3, Level.AAA), (4, Level.A)):
        told = publish(told, raw(given_level), Moment(at(0, hours=hours)))
        assert told.level is given_level
    told = publish(told, raw(Level.AA), Moment(at(1)))
    assert told.level is Level.AA
    assert publish(told, raw(Level.AAA), Moment(at(1, hours=2))).level is Level.AA


def test_an_outage_before_the_first_evaluation_lowers_nothing() -> None:
    told = publish(None, raw(Level.AA), Moment(at(0)))
    held = publish(told, raw(Level.B), Moment(at(0, hours=2), down=(Down.FEED,)))
    assert held.level is Level.AA


def test_a_withdrawal_before_the_first_evaluation_lifts_nothing() -> None:
    told = publish(None, raw(Level.B), Moment(at(0)))
    capped = publish(told, raw(Level.AA), Moment(at(0, hours=2), withdrawn=True))
    assert capped.level is Level.B


@pytest.mark.feature("E1")
def test_new_records_lift_a_level_one_notch_at_an_evaluation_and_once_a_month() -> None:
    steps = [(raw(Level.C), Moment(at(0)))]
    steps += [(raw(Level.AA), Moment(at(week))) for week in range(1, 16)]
    levels = run(*steps)
    # 30 days from the first level are over by the fifth evaluation.
    assert levels[:5] == [Level.C] * 5
    assert levels[5:10] == [Level.B] * 5
    assert levels[10:15] == [Level.A] * 5
    assert levels[15] is Level.AA


def test_new_records_lift_nothing_between_evaluations() -> None:
    levels = run(
        (raw(Level.B), Moment(at(0))),
        (raw(Level.A), Moment(at(4, hours=1))),
        (raw(Level.A), Moment(at(4, hours=6 * 24))),
        (raw(Level.A), Moment(at(5, hours=0))),
    )
    assert levels == [Level.B, Level.B, Level.B, Level.A]


@pytest.mark.feature("E1")
def test_a_fall_by_points_waits_for_a_second_evaluation() -> None:
    low = raw(Level.B, high=Level.A)
    levels = run(
        (raw(Level.A), Moment(at(0))),
        (low, Moment(at(0, hours=5))),
        (low, Moment(at(1))),
        (low, Moment(at(1, hours=5))),
        (low, Moment(at(2))),
    )
    assert levels == [Level.A, Level.A, Level.A, Level.A, Level.B]


def test_a_fall_that_even_the_optimistic_reading_shows_is_taken_at_the_next_evaluation() -> None:
    levels = run(
        (raw(Level.A), Moment(at(0))),
        (raw(Level.C, high=Level.B), Moment(at(0, hours=5))),
        (raw(Level.C, high=Level.B), Moment(at(1))),
    )
    assert levels == [Level.A, Level.A, Level.C]


def test_a_level_that_is_back_at_the_next_evaluation_never_fell() -> None:
    low = raw(Level.B, high=Level.A)
    levels = run(
        (raw(Level.A), Moment(at(0))),
        (low, Moment(at(1))),
        (raw(Level.A), Moment(at(2))),
        (low, Moment(at(3))),
    )
    assert levels == [Level.A] * 4


@pytest.mark.feature("E10")
def test_a_knock_out_acts_at_once_and_its_end_restores_at_once() -> None:
    levels = run(
        (raw(Level.AA), Moment(at(0))),
        (raw(Level.D), Moment(at(0, hours=2))),
        (raw(Level.AA), Moment(at(0, hours=3), relief=(Relief.KNOCK_OUT_ENDED,))),
    )
    assert levels == [Level.AA, Level.D, Level.AA]


@pytest.mark.feature("E10")
def test_relief_restores_at_once_what_was_earned() -> None:
    burdened = raw(Level.C, clean=Level.AA)
    levels = run(
        (raw(Level.AA), Moment(at(0))),
        (burdened, Moment(at(1))),
        (raw(Level.AA), Moment(at(1, hours=2), relief=(Relief.LESS_AGAINST,))),
    )
    assert levels == [Level.AA, Level.C, Level.AA]


@pytest.mark.feature("E10")
def test_relief_of_what_was_there_from_the_start_restores_too() -> None:
    levels = run(
        (raw(Level.B, clean=Level.AA), Moment(at(0))),
        (raw(Level.AA), Moment(at(0, hours=2), relief=(Relief.LESS_AGAINST,))),
    )
    assert levels == [Level.B, Level.AA]


@pytest.mark.feature("E4")
def test_a_trifle_of_relief_releases_no_gain_that_waits_for_its_month() -> None:
    levels = run(
        (raw(Level.C), Moment(at(0))),
        (raw(Level.AA), Moment(at(1), relief=(Relief.LESS_AGAINST,))),
    )
    assert levels == [Level.C, Level.C]


def test_relief_that_comes_while_there_is_no_level_is_not_lost() -> None:
    levels = run(
        (raw(Level.B, clean=Level.AA), Moment(at(0))),
        (raw(Level.NR), Moment(at(1))),
        (raw(Level.NR), Moment(at(2), relief=(Relief.LESS_AGAINST,))),
        (raw(Level.AA), Moment(at(3))),
    )
    assert levels == [Level.B, Level.NR, Level.NR, Level.AA]


@pytest.mark.feature("E4")
def test_going_without_a_level_for_a_day_skips_no_month() -> None:
    """A consent is taken back and given again, to have a gain at once: it stands as it stood."""
    levels = run(
        (raw(Level.B, clean=Level.AA), Moment(at(0))),
        (raw(Level.NR), Moment(at(0, hours=2))),
        (raw(Level.AA), Moment(at(0, hours=3))),
    )
    assert levels == [Level.B, Level.NR, Level.B]


@pytest.mark.feature("E1")
def test_a_silent_feed_holds_the_level_and_takes_no_rating_away() -> None:
    thin = Raw(Level.NR, Level.NR, Level.NR, ("RECORD_TOO_SHORT", "TOO_FEW_ORDERS"))
    down = (Down.FEED,)
    levels = run(
        (raw(Level.A), Moment(at(0))),
        (raw(Level.C), Moment(at(1), down=down)),
        (raw(Level.C), Moment(at(2), down=down)),
        (thin, Moment(at(3), down=down)),
        (raw(Level.A), Moment(at(4), relief=(Relief.FEED_CAME_BACK,))),
    )
    assert levels == [Level.A] * 5


def test_a_knock_out_acts_while_a_feed_is_silent() -> None:
    levels = run((raw(Level.A), Moment(at(0))), (raw(Level.D), Moment(at(1), down=(Down.FEED,))))
    assert levels == [Level.A, Level.D]


def test_an_identity_that_lapsed_is_held_only_while_its_source_is_down() -> None:
    lapsed = Raw(Level.NR, Level.NR, Level.NR, ("IDENTITY",))
    held = Moment(at(1), down=(Down.SOURCE,))
    assert run((raw(Level.A), Moment(at(0))), (lapsed, held))[-1] is Level.A
    feed = Moment(at(1), down=(Down.FEED,))
    assert run((raw(Level.A), Moment(at(0))), (lapsed, feed))[-1] is Level.NR


@pytest.mark.feature("E4")
def test_a_withdrawal_lifts_nothing_for_twelve_months() -> None:
    steps = [(raw(Level.B, clean=Level.AA), Moment(at(0)))]
    steps += [(raw(Level.AA), Moment(at(1), withdrawn=True))]
    steps += [
        (raw(Level.AA), Moment(at(week), relief=(Relief.LESS_AGAINST,))) for week in range(2, 53)
    ]
    assert set(run(*steps)) == {Level.B}
    assert run(*steps, (raw(Level.AA), Moment(at(54))))[-1] is Level.A


def test_causes_say_why_a_level_is_another() -> None:
    told = publish(None, raw(Level.B, clean=Level.AA), Moment(at(-1)))
    assert cause_of(None, told, Moment(at(0))) is Cause.FIRST_LEVEL
    told = publish(told, raw(Level.B, clean=Level.AA), Moment(at(0)))
    relieved = Moment(at(1), relief=(Relief.LESS_AGAINST,))
    assert cause_of(told, publish(told, raw(Level.A), relieved), relieved) is Cause.RESTORED
    late = Moment(at(6))
    assert cause_of(told, publish(told, raw(Level.A), late), late) is Cause.GAINED
    assert cause_of(told, publish(told, raw(Level.C), late), late) is Cause.FELL
    assert cause_of(told, publish(told, raw(Level.D), late), late) is Cause.KNOCKED_OUT
    assert cause_of(told, publish(told, raw(Level.NR), late), late) is Cause.NOT_RATED
    assert cause_of(told, told, late) is Cause.NOTHING


def test_holds_say_why_the_published_level_is_not_the_raw_one() -> None:
    told = publish(settled(raw(Level.B), Moment(at(0))), raw(Level.B), Moment(at(0)))
    assert hold_of(raw(Level.B), told, Moment(at(0))) is None
    assert hold_of(raw(Level.A), told, Moment(at(0))) is Hold.ONE_NOTCH_A_MONTH
    assert hold_of(raw(Level.A), told, Moment(at(4))) is Hold.NEXT_EVALUATION
    assert hold_of(raw(Level.C), told, Moment(at(0))) is Hold.NEXT_EVALUATION
    assert hold_of(raw(Level.C), told, Moment(at(0), down=(Down.FEED,))) is Hold.NO_ANSWER
    capped = dataclasses.replace(told, cap=Level.B)
    assert hold_of(raw(Level.A), capped, Moment(at(4))) is Hold.WITHDRAWAL


# --- Laws over any history -----------------------------------------------------------

_POINTS = st.sampled_from(POINT_LEVELS)
_GAPS = st.integers(min_value=1, max_value=20 * 24)


@st.composite
def _raws(draw: st.DrawFn) -> Raw:
    if draw(st.integers(0, 9)) == 0:
        level = draw(st.sampled_from([Level.D, Level.NR]))
        thin = ["RECORD_TOO_SHORT", "TOO_FEW_ORDERS", "IDENTITY", "CONSENT_MISSING"]
        reasons = draw(st.lists(st.sampled_from(thin), min_size=1, max_size=2, unique=True))
        return Raw(level, level, level, tuple(reasons))
    level, one, other = (draw(_POINTS) for _ in range(3))
    return Raw(level, min(level, one, key=rank), min(level, other, key=rank))


@st.composite
def _histories(draw: st.DrawFn) -> list[tuple[Raw, Moment]]:
    now, steps = MONDAY, []
    for _ in range(draw(st.integers(1, 25))):
        now = Instant(now + draw(_GAPS) * HOUR)
        relief = tuple(draw(st.sets(st.sampled_from(Relief), max_size=1)))
        down = tuple(draw(st.sets(st.sampled_from(Down), max_size=1)))
        withdrawn = draw(st.integers(0, 9)) == 0
        steps.append((draw(_raws()), Moment(now, relief, down, withdrawn)))
    return steps


def _document(told: Published) -> dict[str, Any]:
    known = {name: value for name, value in dataclasses.asdict(told).items() if value is not None}
    made: dict[str, Any] = json.loads(json.dumps({**known, "relieved": int(told.relieved)}))
    return made


@settings(max_examples=examples(50), deadline=None)
@given(_histories())
@pytest.mark.feature("L2")
def test_the_checker_publishes_as_the_service_does(steps: list[tuple[Raw, Moment]]) -> None:
    told: Published | None = None
    for given_raw, moment in steps:
        document = {
            "as_of": moment.as_of,
            "raw": {"level": given_raw.level, "high": given_raw.high, "clean": given_raw.clean},
            "rules": list(given_raw.reasons),
            "moment": {
                "withdrawn": int(moment.withdrawn),
                "relief": list(moment.relief),
                "down": list(moment.down),
            },
        }
        prior = None if told is None else _document(told)
        told = publish(told, given_raw, moment)
        assert check_receipt.publish(prior, document) == _document(told)


@settings(max_examples=examples(50), deadline=None)
@given(_histories())
@pytest.mark.feature("E1")
def test_no_more_than_a_notch_a_month_is_gained_without_relief(
    steps: list[tuple[Raw, Moment]],
) -> None:
    told: Published | None = None
    last_gain: Instant | None = None
    for given_raw, told_moment in steps:
        moment = dataclasses.replace(told_moment, relief=())
        if given_raw.level is Level.D:
            continue
        before, told = told, publish(told, given_raw, moment)
        if before is None or before.standing is None or told.level not in POINT_LEVELS:
            continue
        if before.stepped_at is None:
            last_gain = told.stepped_at
            continue
        gained = rank(before.standing) - rank(told.level)
        assert gained <= 1
        if gained == 1:
            assert moment.as_of >= told.evaluated_at > before.evaluated_at
            assert last_gain is None or told.evaluated_at - last_gain >= STEP_DAYS * DAY
            last_gain = told.evaluated_at


@settings(max_examples=examples(50), deadline=None)
@given(_histories())
@pytest.mark.feature("E1")
def test_an_outage_lowers_no_level_that_is_given_by_points(
    steps: list[tuple[Raw, Moment]],
) -> None:
    told: Published | None = None
    for given_raw, told_moment in steps:
        moment = dataclasses.replace(told_moment, down=(Down.FEED,))
        before, told = told, publish(told, given_raw, moment)
        if before is None or before.level not in POINT_LEVELS or told.level not in POINT_LEVELS:
            continue
        assert rank(told.level) <= rank(before.level)


@settings(max_examples=examples(50), deadline=None)
@given(_histories(), st.integers(0, 24))
@pytest.mark.feature("E4")
def test_a_withdrawal_raises_no_level_within_twelve_months(
    steps: list[tuple[Raw, Moment]], number: int
) -> None:
    told: Published | None = None
    cap: Level | None = None
    until = 0
    for place, (given_raw, told_moment) in enumerate(steps):
        moment = dataclasses.replace(told_moment, withdrawn=place == number)
        if moment.withdrawn and told is not None:
            cap, until = told.standing, moment.as_of + CAP_DAYS * DAY
        told = publish(told, given_raw, moment)
        if cap is not None and moment.as_of < until and told.level in POINT_LEVELS:
            assert rank(told.level) >= rank(cap)


@settings(max_examples=examples(50), deadline=None)
@given(_histories())
def test_no_level_is_above_what_was_earned_or_what_facts_give_when_it_rises(
    steps: list[tuple[Raw, Moment]],
) -> None:
    told: Published | None = None
    for given_raw, moment in steps:
        before, told = told, publish(told, given_raw, moment)
        if told.level not in POINT_LEVELS:
            continue
        assert told.earned is not None
        assert rank(told.earned) <= rank(told.level)
        rose = before is None or rank(told.level) < rank(before.level)
        assert not rose or rank(given_raw.level) <= rank(told.level)


@settings(max_examples=examples(50), deadline=None)
@given(_histories())
def test_the_same_facts_at_the_same_instant_again_change_nothing(
    steps: list[tuple[Raw, Moment]],
) -> None:
    told: Published | None = None
    for given_raw, moment in steps:
        told = publish(told, given_raw, moment)
        again = publish(told, given_raw, Moment(moment.as_of, (), moment.down))
        assert again.level is told.level
