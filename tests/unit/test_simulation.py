"""Simulations: honest steps and days, and nothing else, move a hypothetical level."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafides.archive.facts import Kind
from bonafides.archive.public_records import Severity
from bonafides.archive.statistics import CaseDay
from bonafides.instants import DAY, Day, Instant, start_of
from bonafides.rating.card import Level
from bonafides.rating.features import FEATURES
from bonafides.rating.measures import MISSING, RatingInputs
from bonafides.rating.rate import rate
from bonafides.rating.scorecard import champion
from bonafides.rating.simulation import HORIZON_DAYS, Present, Step, imagined, matters, simulate
from tests import builders
from tests.builders import NOW, PLATFORM, TODAY
from tests.rating_inputs import VERIFIED, enterprises, inputs, platform_record, spotless
from tests.searching import examples

CARD = champion(None)
# What no step may make: recipes for faking, and age.
_NEVER = (
    "paid_orders",
    "distinct_buyers",
    "repeat_buyer_rate",
    "largest_buyer_share",
    "active_months",
    "oldest_store_days",
    "registration_days",
)


def _present(*cases: CaseDay, **changes: object) -> Present:
    """Returns a spotless year but for the cases, which the year counts too."""
    year = dataclasses.replace(
        spotless(500),
        complaints=40,
        complaints_upheld=sum(each.complaints_upheld for each in cases),
        disputes_lost=sum(each.disputes_lost for each in cases),
        cases_settled=sum(each.cases_settled for each in cases),
        cases_open=sum(each.cases_open for each in cases),
        cases_unanswered=sum(each.cases_unanswered for each in cases),
        responses=tuple(map(sum, zip(*(each.responses for each in cases), strict=True)))
        or (0,) * 6,
    )
    return Present(inputs(platform_record(last_year=year), **changes), cases)  # type: ignore[arg-type]  # as the builder takes them


def _listed(*facts: object) -> Present:
    told = inputs()
    sheet = dataclasses.replace(told.sheet, public_records=tuple(facts))  # type: ignore[arg-type]  # facts
    return Present(dataclasses.replace(told, sheet=sheet), ())


def _measured(present: Present, feature: str, *steps: Step, days: int = 0) -> object:
    return FEATURES[feature].measure(imagined(present, steps, Day(TODAY + days)))


@pytest.mark.feature("E3")
@given(enterprises())
@settings(max_examples=examples(40), deadline=None)
def test_nothing_done_today_leaves_the_level_as_it_is(drawn: RatingInputs) -> None:
    assert simulate(Present(drawn, ()), CARD, ()) == rate(drawn, CARD)


@pytest.mark.feature("E3")
@given(enterprises(), st.sets(st.sampled_from(Step)), st.integers(0, HORIZON_DAYS))
@settings(max_examples=examples(60), deadline=None)
def test_no_step_makes_orders_buyers_or_age(
    drawn: RatingInputs, steps: set[Step], days: int
) -> None:
    present, day = Present(drawn, ()), Day(TODAY + days)
    done, waited = imagined(present, steps, day), imagined(present, (), day)
    for name in _NEVER:
        assert FEATURES[name].measure(done) == FEATURES[name].measure(waited)


def test_trade_goes_on_as_it_does_while_ages_grow() -> None:
    present = _present()
    assert _measured(present, "paid_orders", days=400) == 500
    assert _measured(present, "registration_days", days=400) == 3_650 + 400
    assert _measured(present, "verified_days", days=200) == 400 + 200


def test_verification_lapses_unless_it_is_renewed() -> None:
    present = _present()
    assert simulate(present, CARD, (), Day(TODAY + 301)).level is Level.NR
    renewed = simulate(present, CARD, {Step.RENEW_VERIFICATION}, Day(TODAY + 301))
    assert renewed.level is not Level.NR
    assert _measured(present, "verified_days", Step.RENEW_VERIFICATION, days=301) == 701


@pytest.mark.feature("E3")
def test_completed_verification_counts_from_today() -> None:
    present = _present(verification=None)
    assert _measured(present, "verified_days", days=30) is MISSING
    assert _measured(present, "verified_days", Step.COMPLETE_VERIFICATION, days=30) == 30
    assert _measured(present, "verified_days", Step.RENEW_VERIFICATION, days=30) is MISSING


def test_lapsed_verification_is_not_renewed_but_completed_anew() -> None:
    present = _present(verification=dataclasses.replace(VERIFIED, expires_at=NOW))
    assert not matters(present, Step.RENEW_VERIFICATION)
    assert matters(present, Step.COMPLETE_VERIFICATION)


@pytest.mark.feature("E3", "C9")
def test_certification_of_today_ages_like_any_other() -> None:
    present, step = _present(), Step.CERTIFY_ON_SITE
    levels = [_measured(present, "on_site_level", step, days=days) for days in (0, 365, 366, 731)]
    assert levels == [2, 2, 1, 0]
    nobody = Present(dataclasses.replace(present.inputs, platforms=()), ())
    assert not matters(nobody, step)


def test_case_leaves_the_window_a_year_after_it_was_opened() -> None:
    lost = CaseDay(PLATFORM, Day(TODAY - 300), disputes_lost=4, responses=(0, 0, 0, 0, 0, 4))
    present = _present(lost)
    left = [_measured(present, "dispute_lost_rate", days=days) for days in (64, 65)]
    assert [share.part for share in left] == [4, 0]  # type: ignore[attr-defined]  # shares
    assert _measured(present, "first_response_hours", days=64) == 72


@pytest.mark.parametrize(("days_ago", "hours"), [(0, 12), (1, 24), (2, 24), (3, 72), (300, 72)])
def test_answer_of_today_is_as_late_as_the_case_is_old(days_ago: int, hours: int) -> None:
    waits = CaseDay(PLATFORM, Day(TODAY - days_ago), cases_open=3, cases_unanswered=3)
    present = _present(waits)
    assert _measured(present, "first_response_hours", Step.ANSWER_OPEN_CASES) == hours


@pytest.mark.feature("E3")
def test_settled_cases_count_as_settled_and_answered() -> None:
    mixed = CaseDay(
        PLATFORM, TODAY, complaints_upheld=1, cases_open=3, cases_unanswered=1, responses=(0,) * 6
    )
    present = _present(mixed)
    after = imagined(present, {Step.SETTLE_OPEN_CASES})
    year = after.platforms[0].last_year
    assert (year.cases_settled, year.cases_open, year.cases_unanswered) == (3, 0, 0)
    assert year.responses == (0, 0, 0, 1, 0, 0)
    assert year.complaints_upheld == 1


@pytest.mark.feature("E3", "E10")
def test_listing_that_is_corrected_is_gone_at_once() -> None:
    present = _listed(builders.listing(Kind.ABNORMAL_OPERATIONS, begins=Day(TODAY - 40)))
    assert _measured(present, "abnormal_list_days") == 41
    assert _measured(present, "abnormal_list_days", Step.END_ABNORMAL_LISTING) == 0
    assert _measured(present, "abnormal_list_days", Step.RESTORE_PENALTIES) == 41


@pytest.mark.feature("E10")
def test_penalty_is_restored_no_sooner_than_its_rules_allow() -> None:
    serious = builders.penalty(begins=Day(TODAY - 30), severity=Severity.SERIOUS)
    present = _listed(serious)
    weights = [
        _measured(present, "penalty_weight", Step.RESTORE_PENALTIES, days=days)
        for days in (0, 300, 340)
    ]
    assert weights == [900, 450, 0]


@pytest.mark.feature("E3")
def test_performed_court_order_lifts_the_knock_out() -> None:
    present = _listed(
        builders.court_case(Kind.DISHONEST_DEBTOR), builders.court_case(Kind.ENFORCEMENT, item="e")
    )
    assert simulate(present, CARD, ()).level is Level.D
    done = simulate(present, CARD, {Step.PERFORM_COURT_ORDERS})
    assert done.level is simulate(_listed(), CARD, ()).level


def test_listing_of_serious_illegality_stands_for_a_year_whatever_is_done() -> None:
    listed = builders.listing(Kind.SERIOUS_ILLEGAL, begins=Day(TODAY - 300))
    steps = {Step.END_SERIOUS_LISTING, Step.RENEW_VERIFICATION}
    assert simulate(_listed(listed), CARD, steps).level is Level.D
    assert simulate(_listed(listed), CARD, steps, Day(TODAY + 70)).level is not Level.D


def test_later_day_is_seen_as_it_begins() -> None:
    assert imagined(_present(), (), Day(TODAY + 3)).as_of == start_of(Day(TODAY + 3))
    assert imagined(_present(), (), TODAY).as_of == NOW


def test_consents_that_stand_go_on_standing() -> None:
    present = _present(purposes_end_at=Instant(NOW + DAY))
    later = imagined(present, (), Day(TODAY + 9))
    assert later.purposes == present.inputs.purposes
    assert rate(later, CARD).valid_until > later.as_of
