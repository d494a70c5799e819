"""Features say what they say in their docstrings, and nothing of a person."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given

from bonafides.archive.facts import Change
from bonafides.instants import DAY, Day, Instant
from bonafides.rating.features import (
    FEATURES,
    MISSING,
    NOT_APPLICABLE,
    RatingInputs,
    Share,
    Value,
    capital_band,
    evidence_level,
    orders_counted,
    record_days,
    registration_days,
    verified_days,
)
from bonafides.rating.trade import (
    active_months,
    case_settled_rate,
    complaint_upheld_rate,
    dispute_lost_rate,
    distinct_buyers,
    first_response_hours,
    largest_buyer_share,
    late_delivery_rate,
    oldest_store_days,
    on_site_level,
    paid_orders,
    repeat_buyer_rate,
)
from bonafides.records.money import Money
from tests.builders import NOW, TODAY, code, registration
from tests.rating_inputs import (
    VERIFIED,
    certification,
    changes_of,
    enterprises,
    holders,
    inputs,
    platform_record,
    spotless,
    statistics,
)


def _values(of: RatingInputs) -> dict[str, Value]:
    return {name: feature.measure(of) for name, feature in FEATURES.items()}


@pytest.mark.feature("E2")
@pytest.mark.parametrize("name", FEATURES)
def test_every_feature_publishes_its_direction_and_source(name: str) -> None:
    zh, en = FEATURES[name].explanation
    assert "better" in en or "best" in en
    assert "Source:" in en
    assert "越" in zh or "最好" in zh
    assert "来源：" in zh


@pytest.mark.parametrize("name", FEATURES)
def test_no_feature_names_anything_of_a_person(name: str) -> None:
    words = ("person", "representative", "proprietor", "shareholder", "gender", "birth", "phone")
    assert not [word for word in words if word in name]


@given(enterprises())
def test_names_of_persons_and_change_records_move_no_feature(drawn: RatingInputs) -> None:
    other = dataclasses.replace(
        drawn,
        sheet=dataclasses.replace(
            drawn.sheet, shareholders=holders("测七八") * 3, changes=changes_of("测九十") * 4
        ),
    )
    assert _values(other) == _values(drawn)


@given(enterprises())
def test_a_feature_of_the_same_facts_is_the_same(drawn: RatingInputs) -> None:
    assert _values(drawn) == _values(dataclasses.replace(drawn))


@given(enterprises())
def test_a_share_is_a_part_of_its_whole(drawn: RatingInputs) -> None:
    shares = [value for value in _values(drawn).values() if isinstance(value, Share)]
    assert all(0 <= share.part <= share.whole and share.whole > 0 for share in shares)


def test_days_verified_count_from_the_verification() -> None:
    assert verified_days(inputs()) == 400


def test_a_lapsed_verification_gives_no_days_and_no_evidence() -> None:
    lapsed = dataclasses.replace(VERIFIED, expires_at=NOW)
    assert verified_days(inputs(verification=lapsed)) is MISSING
    assert evidence_level(inputs(verification=lapsed)) is MISSING


def test_evidence_rises_from_document_to_registry_to_on_site() -> None:
    registry = inputs()
    document = dataclasses.replace(
        registry, sheet=dataclasses.replace(registry.sheet, registration=None)
    )
    on_site = inputs(platform_record(certifications=(certification(),)))
    assert [evidence_level(i) for i in (document, registry, on_site)] == [1, 2, 3]


def test_registration_without_a_date_is_missing() -> None:
    assert registration_days(inputs()) == 3_650
    assert registration_days(inputs(told=registration(established=None))) is MISSING


@pytest.mark.parametrize(
    ("yuan", "band"), [(0, 0), (99_999, 0), (100_000, 1), (1_000_000, 2), (10**7, 3), (10**10, 3)]
)
def test_capital_is_banded_and_capped(yuan: int, band: int) -> None:
    told = registration(registered_capital=Money("CNY", yuan * 100))
    assert capital_band(inputs(told=told)) == band


def test_capital_does_not_apply_where_there_is_none_to_register() -> None:
    individual = inputs(of=code(department_and_type="92"))
    partnership = inputs(told=registration(legal_form="有限合伙企业", registered_capital=None))
    foreign = inputs(told=registration(registered_capital=Money("USD", 100)))
    assert [capital_band(i) for i in (individual, partnership, foreign)] == [NOT_APPLICABLE] * 3


def test_capital_that_the_registry_does_not_tell_is_missing() -> None:
    assert capital_band(inputs(told=registration(registered_capital=None))) is MISSING


def test_the_oldest_store_of_all_platforms_counts() -> None:
    two = inputs(
        platform_record("a", oldest_store_day=Day(TODAY - 10)),
        platform_record("b", oldest_store_day=Day(TODAY - 70)),
        platform_record("c", oldest_store_day=None),
    )
    assert oldest_store_days(two) == 70
    assert oldest_store_days(inputs(platform_record(oldest_store_day=None))) is MISSING


def test_active_months_are_those_of_the_best_platform_and_at_most_twelve() -> None:
    best = platform_record("a", last_year=statistics(active_months=13))
    other = platform_record("b", last_year=statistics(active_months=2))
    assert active_months(inputs(best, other)) == 12


def test_figures_are_summed_over_platforms_and_buyers_never_merged() -> None:
    two = inputs(platform_record("a"), platform_record("b"))
    assert paid_orders(two) == 1_000
    assert distinct_buyers(two) == 600
    assert repeat_buyer_rate(two) == Share(90, 600)
    assert late_delivery_rate(two) == Share(40, 996)
    assert largest_buyer_share(two) == Share(12, 1_000)


def test_without_platforms_trade_is_missing() -> None:
    bare = dataclasses.replace(inputs(), platforms=())
    trade = [paid_orders, active_months, distinct_buyers, repeat_buyer_rate, dispute_lost_rate]
    assert {measure(bare) for measure in trade} == {MISSING}


def test_buyers_are_missing_where_no_platform_tells_them_apart() -> None:
    unnamed = statistics(buyers=0, repeat_buyers=0, largest_buyer_transactions=0)
    nameless = inputs(platform_record(last_year=unnamed))
    buyers = (distinct_buyers, repeat_buyer_rate, largest_buyer_share)
    assert [measure(nameless) for measure in buyers] == [MISSING] * 3
    assert paid_orders(nameless) == 500


@pytest.mark.feature("E4")
def test_an_enterprise_that_sells_to_itself_stays_small() -> None:
    alone = statistics(transactions=5_000, buyers=1, largest_buyer_transactions=5_000)
    assert paid_orders(inputs(platform_record(last_year=alone))) == 10


@pytest.mark.feature("E4")
def test_one_buyer_counts_for_at_most_a_quarter_of_the_orders() -> None:
    year = statistics(transactions=1_000, largest_buyer_transactions=700)
    assert orders_counted(inputs(platform_record(last_year=year))) == 300 + 100


@pytest.mark.feature("E4")
def test_a_buyers_many_orders_do_not_thin_out_lost_disputes() -> None:
    year = statistics(transactions=1_000, largest_buyer_transactions=990, disputes_lost=4)
    assert dispute_lost_rate(inputs(platform_record(last_year=year))) == Share(4, 20)


def test_cases_at_the_edge_of_the_window_never_exceed_the_orders() -> None:
    year = dataclasses.replace(spotless(3), disputes_lost=5, complaints_upheld=4)
    late = inputs(platform_record(last_year=year))
    assert dispute_lost_rate(late) == complaint_upheld_rate(late) == Share(3, 3)


@pytest.mark.feature("E4")
def test_a_buyers_many_orders_do_not_thin_out_late_deliveries() -> None:
    year = statistics(
        transactions=1_000,
        largest_buyer_transactions=900,
        deliveries_promised=1_000,
        deliveries_late=50,
    )
    assert late_delivery_rate(inputs(platform_record(last_year=year))) == Share(50, 110)
    all_late = dataclasses.replace(year, deliveries_late=400)
    assert late_delivery_rate(inputs(platform_record(last_year=all_late))) == Share(400, 400)


@pytest.mark.parametrize(
    ("item", "days"),
    [
        ("控股股东变更", 300),
        ("实际控制人变更", 300),
        ("经营者变更", 300),
        ("经营者住所变更", 3_650),
        ("投资人变更", 3_650),
        ("法定代表人变更", 3_650),
    ],
)
def test_age_begins_again_with_a_change_of_control_and_of_nothing_else(
    item: str, days: int
) -> None:
    told = inputs()
    change = Change(Day(TODAY - 300), item, "测五六", "测七八")
    sheet = dataclasses.replace(told.sheet, changes=(change,))
    assert registration_days(dataclasses.replace(told, sheet=sheet)) == days


def test_change_of_control_that_is_announced_changes_nothing_yet() -> None:
    told = inputs()
    change = Change(Day(TODAY + 1), "控股股东变更", "测五六", "测七八")
    sheet = dataclasses.replace(told.sheet, changes=(change,))
    assert registration_days(dataclasses.replace(told, sheet=sheet)) == 3_650


def test_cases_settled_are_a_share_of_those_closed_against_or_by_agreement() -> None:
    year = dataclasses.replace(
        spotless(100), complaints=9, complaints_upheld=2, disputes=4, disputes_lost=1
    )
    settled = dataclasses.replace(year, cases_settled=6, cases_open=4)
    assert case_settled_rate(inputs(platform_record(last_year=settled))) == Share(6, 9)
    assert case_settled_rate(inputs(platform_record(last_year=spotless(9)))) is NOT_APPLICABLE
    assert case_settled_rate(dataclasses.replace(inputs(), platforms=())) is MISSING


def test_refunds_and_undecided_cases_move_no_feature() -> None:
    before = inputs()
    year = statistics(
        refunds=400,
        refund_cny_minor=4_000_000,
        complaints=300,
        disputes=90,
        cases_open=382,
        cases_unanswered=382,
    )
    assert _values(inputs(platform_record(last_year=year))) == _values(before)


def test_undecided_complaints_leave_the_time_to_the_first_answer_neutral() -> None:
    year = dataclasses.replace(spotless(100), complaints=30)
    assert first_response_hours(inputs(platform_record(last_year=year))) is NOT_APPLICABLE


def test_decided_cases_without_a_known_answer_are_missing() -> None:
    year = dataclasses.replace(spotless(100), complaints=3, complaints_upheld=1)
    assert first_response_hours(inputs(platform_record(last_year=year))) is MISSING


@pytest.mark.parametrize(
    ("responses", "hours"),
    [
        ((1, 0, 0, 0, 0, 0), 0),
        ((1, 1, 0, 0, 0, 0), 0),
        ((1, 2, 0, 0, 0, 0), 1),
        ((0, 0, 0, 0, 5, 4), 24),
        ((0, 0, 0, 0, 0, 1), 72),
    ],
)
def test_the_median_answer_is_the_start_of_its_step(responses: tuple[int, ...], hours: int) -> None:
    year = statistics(responses=responses)
    assert first_response_hours(inputs(platform_record(last_year=year))) == hours


def test_medians_are_merged_over_platforms() -> None:
    quick = platform_record("a", last_year=statistics(responses=(5, 0, 0, 0, 0, 0)))
    slow = platform_record("b", last_year=statistics(responses=(0, 0, 0, 0, 0, 4)))
    assert first_response_hours(inputs(quick, slow)) == 0


@pytest.mark.feature("C9")
@pytest.mark.parametrize(
    ("inspected_days_ago", "expires_in_days", "level"),
    [(100, 265, 2), (365, 0, 2), (366, 10, 1), (100, -1, 0), (700, None, 1), (731, None, 0)],
)
def test_an_inspection_counts_while_valid_and_more_while_recent(
    inspected_days_ago: int, expires_in_days: int | None, level: int
) -> None:
    held = (certification(inspected_days_ago, expires_in_days),)
    assert on_site_level(inputs(platform_record(certifications=held))) == level


@pytest.mark.feature("C9")
def test_a_paid_membership_is_no_certification() -> None:
    paid = inputs(platform_record(membership_days=5_000))
    assert on_site_level(paid) == 0
    assert evidence_level(paid) == 2


def test_a_certification_of_tomorrow_does_not_count_yet() -> None:
    early = inputs(platform_record(certifications=(certification(-1),)))
    assert on_site_level(early) == 0


def test_record_days_reach_back_to_the_first_record_of_any_platform() -> None:
    two = inputs(platform_record("a", first_day=Day(TODAY - 5)), platform_record("b"))
    assert record_days(two) == 1_000
    assert record_days(inputs(platform_record(first_day=None))) == 0


def test_a_verification_of_the_future_is_not_in_force() -> None:
    later = dataclasses.replace(VERIFIED, verified_at=Instant(NOW + DAY))
    assert verified_days(inputs(verification=later)) is MISSING
