"""Reasons: on what the most was lost, with figures, days, sources, and what to do."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings

from bonafides.archive.facts import Kind, Origin
from bonafides.instants import Day
from bonafides.rating.explain import explained
from bonafides.rating.measures import NOT_APPLICABLE, RatingInputs
from bonafides.rating.rate import rate
from bonafides.rating.reasons import Reason, reasons
from bonafides.rating.scorecard import champion
from bonafides.v1 import rating_pb2
from tests import builders
from tests.builders import NOW, TODAY
from tests.rating_inputs import (
    VERIFIED,
    certification,
    enterprises,
    inputs,
    platform_record,
    spotless,
    statistics,
)
from tests.searching import examples

CARD = champion(None)


def _reasons(of: RatingInputs) -> tuple[Reason, ...]:
    return reasons(of, rate(of, CARD))


def _reason(of: RatingInputs, feature: str) -> Reason:
    return next(why for why in _reasons(of) if why.part.feature.name == feature)


def _few_orders(*, disputes_lost: int) -> RatingInputs:
    year = dataclasses.replace(spotless(12), disputes=disputes_lost, disputes_lost=disputes_lost)
    return inputs(platform_record(last_year=year, certifications=(certification(),)))


@pytest.mark.feature("E2")
@given(enterprises())
@settings(max_examples=examples(60), deadline=None)
def test_reasons_are_the_four_features_that_lost_most_ties_in_the_cards_order(
    drawn: RatingInputs,
) -> None:
    result = rate(drawn, CARD)
    lost = {
        part.feature.name: part.feature.max_points - part.points
        for part in result.contributions
        if part.slot is not NOT_APPLICABLE and part.points < part.feature.max_points
    }
    order = sorted(lost, key=lambda name: -lost[name])[:4]
    found = reasons(drawn, result)
    assert [why.part.feature.name for why in found] == order
    assert [why.points_lost for why in found] == [lost[name] for name in order]


@pytest.mark.feature("E2")
def test_high_scorer_gets_reasons_too() -> None:
    strong = inputs(platform_record(certifications=(certification(),)))
    assert len(_reasons(strong)) == 4


@pytest.mark.feature("E2")
def test_enterprise_without_points_has_rules_and_no_reasons() -> None:
    bare = inputs(platform_record(last_year=spotless(3)))
    told = explained(bare, rate(bare, CARD), CARD)
    assert list(told.reasons) == []
    assert [rule.reason for rule in told.rules] == ["TOO_FEW_ORDERS"]


@pytest.mark.feature("E2")
def test_reason_names_figures_days_source_and_how_many_cases_more_it_takes() -> None:
    why = _reason(_few_orders(disputes_lost=2), "dispute_lost_rate")
    assert (why.since, why.until) == (Day(TODAY - 364), TODAY)
    assert why.sources == (builders.PLATFORM,)
    assert why.cases_until_full == 101 - 12
    assert why.text.en.startswith(
        "Disputes were decided against the enterprise: 2 disputes lost, 12 orders counted; "
        "drawn towards the expected mean of 1.00 % (2025-11-02 to 2026-11-01). "
        "20 of 120 points. 12 orders count little: from 101 orders on, 89 more"
    )
    assert why.text.zh.startswith("有裁定败诉的纠纷：败诉纠纷2件，计入订单12个")
    assert "满101个订单后" in why.text.zh


@pytest.mark.feature("E2", "E9")
def test_reason_says_where_to_correct_a_record_of_the_one_platform_that_told() -> None:
    why = _reason(_few_orders(disputes_lost=2), "dispute_lost_rate")
    assert why.target == f"record:{builders.PLATFORM}:dispute:ID"
    assert f"bonafides appeal {builders.code().text} {why.target}" in why.text.en


def test_of_several_platforms_the_enterprise_says_which_one_told_it_wrong() -> None:
    year = statistics(disputes=20, disputes_lost=20)
    both = inputs(platform_record("b", last_year=year), platform_record("a", last_year=year))
    why = _reason(both, "dispute_lost_rate")
    assert why.sources == ("a", "b")
    assert why.target == "record:PLATFORM:dispute:ID"
    assert why.cases_until_full == 0
    assert "count little" not in why.text.en


@pytest.mark.feature("E2")
def test_listed_fact_names_who_published_it_and_the_one_record_to_correct() -> None:
    listed = builders.listing(Kind.ABNORMAL_OPERATIONS, begins=Day(TODAY - 40))
    told = inputs()
    told = dataclasses.replace(
        told, sheet=dataclasses.replace(told.sheet, public_records=(listed,))
    )
    why = _reason(told, "abnormal_list_days")
    assert why.part.feature.remedy.kind == "LISTED_FACT"
    assert why.sources == (listed.source,)
    assert why.target == f"fact:abnormal_operations:{listed.item}"
    assert "41 days" in why.text.en
    assert "41天" in why.text.zh


def test_reason_about_the_identity_names_the_submission_and_its_source() -> None:
    told = inputs(verification=dataclasses.replace(VERIFIED, verified_at=NOW))
    sheet = dataclasses.replace(told.sheet, origins={Kind.VERIFICATION: Origin("registry", NOW)})
    why = _reason(dataclasses.replace(told, sheet=sheet), "verified_days")
    assert why.sources == ("registry",)
    assert why.target == f"check:{VERIFIED.uid}:CHECK"


@pytest.mark.feature("E2")
@given(enterprises())
@settings(max_examples=examples(40), deadline=None)
def test_every_reason_is_whole_words_in_both_languages(drawn: RatingInputs) -> None:
    told = explained(drawn, rate(drawn, CARD), CARD)
    for why in told.reasons:
        assert why.kind != rating_pb2.Reason.KIND_UNSPECIFIED
        assert "{" not in why.text_en + why.text_zh
        assert "None" not in why.text_en + why.text_zh
        assert why.points_lost > 0
        assert why.correction_target
