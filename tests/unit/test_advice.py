"""Advice: the cheapest honest ways up, each of which keeps its promise in simulation."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafides.archive.facts import COURT_CASES, LISTINGS, Fact, Kind
from bonafides.archive.public_records import Severity
from bonafides.archive.statistics import CaseDay
from bonafides.instants import Day
from bonafides.rating.advice import BEGUN, HORIZON_DAYS, MOST_WAYS, STEPS, advise, reaches
from bonafides.rating.card import POINT_LEVELS, Level
from bonafides.rating.features import FEATURES
from bonafides.rating.measures import Direction, RatingInputs
from bonafides.rating.scorecard import champion
from bonafides.rating.simulation import Present, Step, simulate
from tests import builders
from tests.builders import PLATFORM, TODAY
from tests.rating_inputs import certification, enterprises, inputs, platform_record, spotless
from tests.searching import examples

CARD = champion(None)
_RECORDS = (
    *(builders.court_case(kind, item=kind.value) for kind in sorted(COURT_CASES)),
    *(builders.listing(kind, item=kind.value) for kind in sorted(LISTINGS)),
    builders.penalty(severity=Severity.SERIOUS),
)
_FORBIDDEN = re.compile(
    r"order|buyer|repeat|sales|sell more|older|age\b|订单|买家|复购|成立|开店|销量", re.IGNORECASE
)


def _with(told: RatingInputs, *facts: Fact) -> Present:
    sheet = dataclasses.replace(told.sheet, public_records=facts)
    return Present(dataclasses.replace(told, sheet=sheet), ())


@st.composite
def presents(draw: st.DrawFn) -> Present:
    """Draws an enterprise with any public records, and cases that its year counts."""
    told = draw(enterprises())
    records = draw(st.sets(st.sampled_from(range(len(_RECORDS))), max_size=3))
    present = _with(told, *(_RECORDS[number] for number in sorted(records)))
    cases: list[CaseDay] = []
    platforms = []
    for platform in told.platforms:
        day = CaseDay(
            platform.platform,
            Day(TODAY - draw(st.integers(0, 364))),
            complaints_upheld=draw(st.integers(0, 9)),
            disputes_lost=draw(st.integers(0, 9)),
            cases_open=draw(st.integers(0, 5)),
            cases_unanswered=0,
        )
        year = dataclasses.replace(
            platform.last_year,
            complaints_upheld=platform.last_year.complaints_upheld + day.complaints_upheld,
            disputes_lost=platform.last_year.disputes_lost + day.disputes_lost,
            cases_open=day.cases_open,
        )
        cases.append(day)
        platforms.append(dataclasses.replace(platform, last_year=year))
    return Present(dataclasses.replace(present.inputs, platforms=tuple(platforms)), tuple(cases))


@pytest.mark.feature("E3", "L7")
@given(presents())
@settings(max_examples=examples(30), deadline=None)
def test_following_the_advice_gives_the_promised_raw_level(present: Present) -> None:
    advice = advise(present, CARD)
    assert len(advice.ways) <= MOST_WAYS
    for way in advice.ways:
        assert advice.target is not None
        assert simulate(present, CARD, set(way.steps), way.day) == way.promised
        assert reaches(way.promised, advice.target)
        assert not reaches(advice.present, advice.target)
        assert TODAY <= way.day <= TODAY + HORIZON_DAYS


@pytest.mark.feature("L7")
@given(presents())
@settings(max_examples=examples(15), deadline=None)
def test_every_step_of_a_way_is_needed_and_waiting_alone_is_none(present: Present) -> None:
    advice = advise(present, CARD)
    for way in advice.ways:
        assert way.steps
        assert advice.time_alone is None or way.day < advice.time_alone.day
        for left_out in way.steps:
            less = simulate(present, CARD, {*way.steps} - {left_out}, way.day)
            assert advice.target is not None
            assert not reaches(less, advice.target)


@pytest.mark.feature("L7")
@given(presents())
@settings(max_examples=examples(30), deadline=None)
def test_no_day_before_the_earliest_one_would_do(present: Present) -> None:
    advice = advise(present, CARD)
    for way in advice.ways[:1]:
        assert advice.target is not None
        for day in range(TODAY, way.day):
            sooner = simulate(present, CARD, set(way.steps), Day(day))
            assert not reaches(sooner, advice.target)


def test_every_age_that_grows_is_looked_at() -> None:
    grows = {
        feature.name
        for feature in FEATURES.values()
        if feature.unit == "days" and feature.direction is Direction.HIGHER_IS_BETTER
    }
    assert grows == BEGUN.keys()


@pytest.mark.feature("E3")
@given(presents())
@settings(max_examples=examples(15), deadline=None)
def test_advice_never_names_orders_buyers_or_age(present: Present) -> None:
    advice = advise(present, CARD)
    told = "".join(advice.text)
    assert _FORBIDDEN.findall(told) == []


def test_no_step_is_told_with_what_invites_faking() -> None:
    assert STEPS.keys() == set(Step)
    for told in STEPS.values():
        assert _FORBIDDEN.findall("".join(told.words)) == []


@pytest.mark.feature("L7")
def test_on_site_certification_is_the_one_way_from_aa_to_aaa() -> None:
    advice = advise(Present(inputs(), ()), CARD)
    assert (advice.present.level, advice.target) == (Level.AA, Level.AAA)
    (way,) = advice.ways
    assert (way.steps, way.day, way.promised.level) == (
        (Step.CERTIFY_ON_SITE,),
        TODAY,
        Level.AAA,
    )
    assert "Ask an independent agency" in advice.text.en
    assert "请独立机构实地检查并认证。最早2026-11-01可达AAA" in advice.text.zh


def test_cheaper_way_comes_first() -> None:
    present = _with(
        inputs(platform_record(certifications=(certification(),))),
        builders.listing(Kind.ABNORMAL_OPERATIONS, begins=Day(TODAY - 200)),
        builders.court_case(Kind.DISHONEST_DEBTOR),
        builders.court_case(Kind.ENFORCEMENT, item="e"),
    )
    advice = advise(present, CARD)
    costs = [sum(STEPS[step].cost for step in way.steps) for way in advice.ways]
    assert costs == sorted(costs)
    assert advice.ways[0].steps == (Step.PERFORM_COURT_ORDERS,)


@pytest.mark.feature("L7")
def test_where_no_honest_way_is_there_that_is_said_with_what_time_does() -> None:
    young = inputs(platform_record(last_year=spotless(40), first_day=Day(TODAY - 60)))
    advice = advise(Present(young, ()), CARD)
    assert (advice.present.level, advice.ways) == (Level.NR, ())
    assert advice.time_alone is not None
    assert advice.time_alone.day == TODAY + 30
    assert "No honest step reaches it" in advice.text.en
    assert "Time alone reaches it on 2026-12-01." in advice.text.en


def test_neither_steps_nor_time_make_trade() -> None:
    advice = advise(Present(inputs(platform_record(last_year=spotless(3))), ()), CARD)
    assert (advice.ways, advice.time_alone) == ((), None)
    assert "Time alone does not reach it" in advice.text.en


def test_nothing_is_above_the_highest() -> None:
    strong = inputs(platform_record(certifications=(certification(),)))
    advice = advise(Present(strong, ()), CARD)
    assert (advice.present.level, advice.target, advice.ways) == (Level.AAA, None, ())
    assert "none is above" in advice.text.en


def test_from_no_level_any_level_by_points_is_the_next() -> None:
    advice = advise(Present(inputs(verification=None), ()), CARD)
    assert advice.target is POINT_LEVELS[-1]
    assert advice.ways[0].steps == (Step.COMPLETE_VERIFICATION,)


def test_lost_disputes_leave_with_time_and_not_by_a_step() -> None:
    lost = CaseDay(PLATFORM, Day(TODAY - 300), disputes_lost=9)
    year = dataclasses.replace(spotless(500), disputes=9, disputes_lost=9)
    advice = advise(Present(inputs(platform_record(last_year=year)), (lost,)), CARD)
    assert advice.time_alone is not None
    assert advice.time_alone.day == TODAY + 65
