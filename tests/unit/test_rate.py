"""Levels: a pure function of facts, card and date, that no small number can bend."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafides.archive.facts import OperatingState
from bonafides.archive.statistics import PlatformRecord, Statistics
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import DAY, HOUR, Day, Instant, day_of, start_of
from bonafides.rating.card import POINT_LEVELS, Level, RuleKind
from bonafides.rating.features import RatingInputs
from bonafides.rating.rate import RatingResult, rate
from bonafides.rating.scorecard import champion
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
    years,
)

CARD = champion(None)
_STRONG = statistics(transactions=4_000, buyers=2_000, repeat_buyers=900, deliveries_late=2)


def _with(year: Statistics, **changes: Any) -> RatingInputs:
    return inputs(platform_record(last_year=year, **changes))


def _score(year: Statistics) -> int:
    return rate(_with(year), CARD).score or 0


def _reasons(result: RatingResult) -> list[str]:
    return [hit.rule.reason for hit in result.rules]


def _individual(purposes: frozenset[str]) -> RatingInputs:
    return inputs(of=code(department_and_type="92"), purposes=purposes)


def test_a_decent_mature_enterprise_reaches_aa() -> None:
    result = rate(inputs(), CARD)
    assert result.level is Level.AA
    assert result.rules == ()


def test_a_typical_enterprise_reaches_a_or_b() -> None:
    young = dataclasses.replace(VERIFIED, verified_at=Instant(NOW - 60 * DAY))
    year = dataclasses.replace(spotless(40), active_months=8, deliveries_late=3, complaints=5)
    record = platform_record(
        last_year=year, oldest_store_day=Day(TODAY - 300), first_day=Day(TODAY - 280)
    )
    told = registration(established=Day(TODAY - 1_300))
    assert rate(inputs(record, told=told, verification=young), CARD).level in {Level.A, Level.B}


def test_an_enterprise_that_wrongs_its_buyers_falls_to_c() -> None:
    year = statistics(
        deliveries_late=170, complaints_upheld=80, disputes_lost=40, responses=(0, 0, 0, 0, 1, 9)
    )
    assert rate(_with(year), CARD).level is Level.C


@pytest.mark.feature("E2")
@given(enterprises())
def test_contributions_sum_exactly_to_the_score(drawn: RatingInputs) -> None:
    result = rate(drawn, CARD)
    if result.score is None:
        assert result.level in {Level.D, Level.NR}
        assert result.contributions == ()
    else:
        assert sum(part.points for part in result.contributions) == result.score
        assert len(result.contributions) == len(CARD.features)


@given(enterprises())
def test_the_range_holds_the_level(drawn: RatingInputs) -> None:
    result = rate(drawn, CARD)
    if result.level in POINT_LEVELS:
        ordered = [result.range_high, result.level, result.range_low]
        assert ordered == sorted(ordered, key=POINT_LEVELS.index)
    else:
        assert result.range_low == result.level == result.range_high


@pytest.mark.feature("E1")
@given(enterprises())
def test_a_level_is_a_function_of_facts_card_and_date_alone(drawn: RatingInputs) -> None:
    assert rate(drawn, CARD) == rate(dataclasses.replace(drawn), CARD)


@given(enterprises())
def test_nothing_of_a_person_moves_a_level(drawn: RatingInputs) -> None:
    other = dataclasses.replace(
        drawn,
        sheet=dataclasses.replace(
            drawn.sheet, shareholders=holders("测七八"), changes=changes_of("测九十")
        ),
    )
    assert rate(other, CARD) == rate(drawn, CARD)


@pytest.mark.feature("E4")
def test_one_perfect_order_is_not_rated() -> None:
    result = rate(_with(spotless(1)), CARD)
    assert result.level is Level.NR
    assert _reasons(result) == ["TOO_FEW_ORDERS"]


@pytest.mark.feature("E4")
def test_one_perfect_order_does_not_beat_a_thousand_good_ones() -> None:
    good = rate(_with(statistics(transactions=1_000)), CARD)
    assert good.level in {Level.AAA, Level.AA, Level.A}
    assert rate(_with(spotless(1)), CARD).score is None


@pytest.mark.feature("E4")
def test_a_spotless_small_one_is_not_below_a_flawed_large_one() -> None:
    flawed = dataclasses.replace(
        spotless(1_000),
        largest_buyer_transactions=5,
        deliveries_late=120,
        complaints=60,
        complaints_upheld=30,
        disputes=30,
        disputes_lost=20,
    )
    assert _score(spotless(12)) >= _score(flawed)


@pytest.mark.feature("E4")
def test_lost_disputes_alone_put_a_large_one_below_a_spotless_small_one() -> None:
    flawed = dataclasses.replace(spotless(1_000), disputes=30, disputes_lost=20)
    assert _score(spotless(12)) >= _score(flawed)


@pytest.mark.feature("E4")
def test_a_thin_record_is_neither_best_nor_worst() -> None:
    result = rate(_with(spotless(9), first_day=Day(TODAY - 20)), CARD)
    assert result.level is Level.NR
    assert _reasons(result) == ["RECORD_TOO_SHORT", "TOO_FEW_ORDERS"]


@pytest.mark.parametrize(("days", "rated"), [(89, False), (90, True)])
def test_ninety_days_of_record_are_needed(days: int, *, rated: bool) -> None:
    result = rate(_with(spotless(50), first_day=Day(TODAY - days)), CARD)
    assert (result.level is not Level.NR) is rated


@pytest.mark.parametrize(("orders", "rated"), [(9, False), (10, True)])
def test_ten_orders_are_needed(orders: int, *, rated: bool) -> None:
    assert (rate(_with(spotless(orders)), CARD).level is not Level.NR) is rated


@pytest.mark.feature("E4")
def test_an_enterprise_that_sells_to_itself_does_not_reach_aa() -> None:
    year = dataclasses.replace(
        spotless(5_000), buyers=1, repeat_buyers=1, largest_buyer_transactions=5_000
    )
    assert rate(_with(year), CARD).level in {Level.A, Level.B, Level.C}


def test_an_identity_that_is_not_established_is_not_rated() -> None:
    lapsed = dataclasses.replace(VERIFIED, expires_at=NOW)
    for result in (
        rate(inputs(verification=None), CARD),
        rate(inputs(verification=lapsed), CARD),
        rate(inputs(told=registration(operating_state=OperatingState.DEREGISTERED)), CARD),
        rate(inputs(told=registration(operating_state=OperatingState.ANNULLED)), CARD),
    ):
        assert (result.level, _reasons(result)) == (Level.NR, ["IDENTITY"])


def test_a_revoked_license_gives_d_before_anything_else() -> None:
    revoked = registration(operating_state=OperatingState.REVOKED)
    result = rate(inputs(told=revoked, verification=None), CARD)
    assert (result.level, _reasons(result)) == (Level.D, ["LICENSE_REVOKED"])
    assert (result.range_low, result.range_high, result.score) == (Level.D, Level.D, None)


def test_an_individual_business_gets_no_d_before_a_person_looked() -> None:
    revoked = registration(operating_state=OperatingState.REVOKED)
    individual = code(department_and_type="92")
    result = rate(inputs(of=individual, told=revoked, purposes=frozenset({"RATE"})), CARD)
    assert (result.level, _reasons(result)) == (Level.NR, ["REVIEW_BY_PERSON"])


def test_an_individual_business_is_rated_only_with_its_consent() -> None:
    refused = rate(_individual(frozenset({"VERIFY_IDENTITY"})), CARD)
    assert (refused.level, _reasons(refused)) == (Level.NR, ["CONSENT_MISSING"])
    assert rate(_individual(frozenset({"RATE"})), CARD).level is Level.AA


def test_an_enterprise_needs_no_consent_of_a_person_to_be_rated() -> None:
    assert rate(inputs(purposes=frozenset()), CARD).level is Level.AA


def test_all_evidence_together_reaches_aaa() -> None:
    assert rate(_with(_STRONG, certifications=(certification(),)), CARD).level is Level.AAA


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"first_day": Day(TODAY - 729)}, "RECORD_UNDER_TWO_YEARS"),
        (
            {
                "last_year": dataclasses.replace(
                    spotless(99), repeat_buyers=60, responses=(9, 0, 0, 0, 0, 0)
                )
            },
            "FEW_ORDERS_A_YEAR",
        ),
    ],
)
def test_aaa_is_held_at_aa_until_its_evidence_is_there(
    changes: dict[str, Any], reason: str
) -> None:
    record: dict[str, Any] = {"last_year": _STRONG, "certifications": (certification(),)} | changes
    long_ago = dataclasses.replace(VERIFIED, verified_at=Instant(NOW - 800 * DAY))
    result = rate(
        inputs(
            platform_record(oldest_store_day=Day(TODAY - 3_000), **record), verification=long_ago
        ),
        CARD,
    )
    assert (result.level, _reasons(result)) == (Level.AA, [reason])
    assert result.range_high is Level.AA


def test_a_ceiling_is_told_only_where_it_holds_something_down() -> None:
    result = rate(_with(spotless(50), first_day=Day(TODAY - 100)), CARD)
    assert result.level is not Level.AAA
    assert not [hit for hit in result.rules if hit.rule.kind is RuleKind.CEILING]


def test_without_on_site_evidence_no_points_reach_aaa() -> None:
    best = sum(f.max_points for f in CARD.features if f.name != "on_site_level")
    assert rate(_with(_STRONG), CARD).level is Level.AA
    assert CARD.level_at(best) is Level.AAA


def test_a_level_is_valid_until_the_day_ends_in_shanghai() -> None:
    result = rate(inputs(), CARD)
    assert result.valid_until == start_of(Day(day_of(NOW) + 1))


def test_a_level_is_not_valid_past_the_verification() -> None:
    soon = dataclasses.replace(VERIFIED, expires_at=Instant(NOW + HOUR))
    assert rate(inputs(verification=soon), CARD).valid_until == NOW + HOUR


@given(enterprises(), st.integers(0, 3 * DAY))
def test_a_level_is_valid_after_it_was_made(drawn: RatingInputs, later: int) -> None:
    moved = dataclasses.replace(drawn, as_of=Instant(NOW + later))
    assert rate(moved, CARD).valid_until > moved.as_of


def test_coverage_counts_authorized_platforms_of_those_that_report() -> None:
    result = rate(inputs(platform_record("a"), platform_record("b"), platforms_known=3), CARD)
    assert (result.platforms_covered, result.platforms_known) == (2, 3)


def _more(year: Statistics, **by: int) -> Statistics:
    return dataclasses.replace(year, **{name: getattr(year, name) + n for name, n in by.items()})


_WORSE = [
    {"disputes_lost": 1, "disputes": 1},
    {"complaints_upheld": 1, "complaints": 1},
    {"deliveries_late": 1},
]
_BETTER = [{"transactions": 1}, {"active_months": 1}, {"repeat_buyers": 1}]
_NEUTRAL = [{"refunds": 1}, {"refund_cny_minor": 900}, {"complaints": 1}, {"disputes": 1}]


@pytest.mark.feature("E7")
@given(years(), st.sampled_from(_WORSE))
def test_a_fact_against_an_enterprise_never_raises_its_score(
    year: Statistics, by: dict[str, int]
) -> None:
    whole = _more(year, transactions=50, buyers=50, deliveries_promised=50)
    whole = dataclasses.replace(
        whole, largest_buyer_transactions=max(1, whole.largest_buyer_transactions)
    )
    assert _score(_more(whole, **by)) <= _score(whole)


@pytest.mark.feature("E7")
@given(years(), st.sampled_from(_BETTER))
def test_a_fact_for_an_enterprise_never_lowers_its_score(
    year: Statistics, by: dict[str, int]
) -> None:
    whole = _more(year, transactions=50, buyers=50)
    whole = dataclasses.replace(
        whole, largest_buyer_transactions=max(1, whole.largest_buyer_transactions)
    )
    assert _score(_more(whole, **by)) >= _score(whole)


@pytest.mark.feature("E7")
@given(years(), st.sampled_from(_NEUTRAL))
def test_refunds_and_undecided_cases_leave_the_score_alone(
    year: Statistics, by: dict[str, int]
) -> None:
    whole = _more(year, transactions=50)
    assert _score(_more(whole, **by)) == _score(whole)


@pytest.mark.feature("E7")
@given(years(), st.integers(0, 4))
def test_a_slower_answer_never_raises_the_score(year: Statistics, step: int) -> None:
    before = list(year.responses)
    before[step] += 1
    after = list(year.responses)
    after[step + 1] += 1
    quick = dataclasses.replace(_more(year, transactions=50), responses=tuple(before))
    assert _score(dataclasses.replace(quick, responses=tuple(after))) <= _score(quick)


@pytest.mark.feature("E7")
@given(enterprises(), st.integers(1, 900))
def test_time_and_inspection_never_lower_the_score(drawn: RatingInputs, days: int) -> None:
    before = rate(drawn, CARD)
    verification = drawn.sheet.verification or VERIFIED
    older = dataclasses.replace(
        drawn,
        sheet=dataclasses.replace(
            drawn.sheet,
            verification=dataclasses.replace(
                verification, verified_at=Instant(verification.verified_at - days * DAY)
            ),
        ),
        platforms=tuple(_inspected(platform) for platform in drawn.platforms),
    )
    after = rate(older, CARD)
    if before.score is not None and after.score is not None:
        assert after.score >= before.score


def _inspected(platform: PlatformRecord) -> PlatformRecord:
    return dataclasses.replace(
        platform, certifications=(*platform.certifications, certification(1, 300))
    )


def test_a_level_names_the_enterprise_and_instant_it_is_of() -> None:
    of: UnifiedCode = code(7)
    result = rate(inputs(of=of), CARD)
    assert (result.code, result.as_of) == (of, NOW)
