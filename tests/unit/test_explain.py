"""Explanations: every part with its value, bin, points and facts, in both languages."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given

from bonafides.instants import DAY, Day, Instant, from_timestamp
from bonafides.rating.explain import bin_text, message, scorecard_message
from bonafides.rating.features import MISSING, NOT_APPLICABLE, RatingInputs
from bonafides.rating.rate import rate
from bonafides.rating.scorecard import champion, parse
from bonafides.v1 import rating_pb2
from tests.builders import NOW, TODAY, code, registration
from tests.rating_inputs import enterprises, inputs, platform_record, spotless, statistics

CARD = champion(None)


def _message(of: RatingInputs) -> rating_pb2.Rating:
    return message(rate(of, CARD), CARD)


def _part(of: RatingInputs, feature: str) -> rating_pb2.Contribution:
    return next(part for part in _message(of).contributions if part.feature == feature)


@pytest.mark.feature("E2")
@given(enterprises())
def test_told_contributions_sum_to_the_told_score(drawn: RatingInputs) -> None:
    told = _message(drawn)
    assert sum(part.points for part in told.contributions) == told.score
    assert told.HasField("score") is bool(told.contributions)


@pytest.mark.feature("E2")
@given(enterprises())
def test_every_part_names_its_facts_in_whole_words(drawn: RatingInputs) -> None:
    for part in _message(drawn).contributions:
        assert part.facts
        assert "{" not in part.facts
        assert part.title_zh
        assert part.title_en
        assert part.points <= part.max_points


@pytest.mark.feature("E5")
@pytest.mark.feature("E14")
def test_every_level_carries_model_basis_and_times() -> None:
    told = _message(inputs())
    assert told.name == f"enterprises/{code()}/rating"
    assert (told.model_version, told.model_digest) == (CARD.version, CARD.digest)
    assert told.basis == rating_pb2.BASIS_EXPERT
    assert from_timestamp(told.as_of_time) == NOW
    assert from_timestamp(told.valid_until_time) > NOW
    assert told.level == rating_pb2.LEVEL_AA
    assert not told.stale
    assert not told.overridden


@pytest.mark.feature("E2")
def test_a_share_is_told_with_its_parts_and_what_it_is_drawn_towards() -> None:
    year = statistics(transactions=120, disputes_lost=3, largest_buyer_transactions=12)
    part = _part(inputs(platform_record(last_year=year)), "dispute_lost_rate")
    assert part.facts == (
        "3 disputes lost, 118 orders counted; drawn towards the expected mean of 1.00 %"
    )
    assert part.facts_zh == "败诉纠纷3件，计入订单118个；向预期均值1.00%收缩"
    assert (part.value, part.unit) == (4 * 1_000_000 // 218, "ppm")
    assert (part.bin, part.points, part.max_points) == (">= 1.2 %, < 2.5 %", 44, 120)
    assert part.window_days == 365


def test_the_last_and_the_first_bin_have_one_end() -> None:
    feature = next(f for f in CARD.features if f.name == "verified_days")
    assert bin_text(feature, 0) == "< 30"
    assert bin_text(feature, 5) == ">= 730"


def test_what_is_missing_and_what_does_not_apply_have_no_value() -> None:
    individual = inputs(
        platform_record(oldest_store_day=None),
        of=code(department_and_type="92"),
        purposes=frozenset({"RATE"}),
    )
    for feature, bin_, absent in (
        ("capital_band", "not applicable", NOT_APPLICABLE),
        ("oldest_store_days", "missing", MISSING),
    ):
        part = _part(individual, feature)
        assert (part.bin, part.HasField("value")) == (bin_, False)
        assert part.bin == absent.value


@pytest.mark.feature("E4")
def test_not_rated_says_what_is_missing_and_until_when() -> None:
    thin = platform_record(last_year=spotless(4), first_day=Day(TODAY - 60))
    told = _message(inputs(thin))
    assert told.level == told.range_low == told.range_high == rating_pb2.LEVEL_NR
    assert not told.HasField("score")
    texts = [rule.text_en for rule in told.rules]
    assert texts == [
        "The record reaches back 60 days; 90 are needed, 30 more.",
        "4 orders were counted in the last 12 months; 10 are needed.",
    ]
    assert all(rule.text_zh for rule in told.rules)
    assert {rule.kind for rule in told.rules} == {rating_pb2.RuleHit.KIND_NOT_RATED}


def test_a_missing_consent_is_told_neutrally() -> None:
    told = _message(inputs(of=code(department_and_type="92")))
    assert "says nothing adverse" in told.rules[0].text_en
    assert "不是负面评价" in told.rules[0].text_zh


def test_a_ceiling_names_what_lifts_it() -> None:
    year = statistics(transactions=4_000, buyers=2_000, repeat_buyers=900, deliveries_late=2)
    strong = inputs(
        platform_record(
            last_year=dataclasses.replace(year, responses=(9, 0, 0, 0, 0, 0)),
            oldest_store_day=Day(TODAY - 3_000),
        ),
        told=registration(),
    )
    verification = strong.sheet.verification
    assert verification is not None
    long_ago = dataclasses.replace(verification, verified_at=Instant(NOW - 900 * DAY))
    told = _message(
        dataclasses.replace(strong, sheet=dataclasses.replace(strong.sheet, verification=long_ago))
    )
    assert told.level == rating_pb2.LEVEL_AA
    assert [(rule.kind, rule.reason) for rule in told.rules] == [
        (rating_pb2.RuleHit.KIND_CEILING, "NO_ON_SITE_EVIDENCE")
    ]
    assert "on-site certification lifts this" in told.rules[0].text_en


def test_coverage_is_told() -> None:
    told = _message(inputs(platforms_known=3))
    assert (told.coverage.platforms_covered, told.coverage.platforms_known) == (1, 3)


@pytest.mark.feature("E1")
def test_the_published_card_recomputes_the_level() -> None:
    published = scorecard_message(CARD)
    assert published.name == f"scorecards/{CARD.version}"
    recomputed = parse(published.artifact, "published")
    assert recomputed.digest == published.digest == CARD.digest
    assert rate(inputs(), recomputed) == rate(inputs(), CARD)
