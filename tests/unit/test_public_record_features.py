"""What public records do to a level: knock-outs, points, and nothing at all for a namesake."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafides.archive.facts import COURT_CASES, LISTINGS, Fact, Kind
from bonafides.archive.public_records import MatchedBy, Performance, Severity
from bonafides.instants import DAY, Day, Instant, day_of
from bonafides.rating.card import Level
from bonafides.rating.features import FEATURES, RatingInputs
from bonafides.rating.rate import rate
from bonafides.rating.scorecard import champion, load, models_folder
from tests import builders
from tests.builders import NOW, TODAY
from tests.rating_inputs import enterprises, inputs
from tests.searching import examples

CARD = champion(None)
_KNOCKS_OUT = [
    (builders.court_case(Kind.DISHONEST_DEBTOR), "DISHONEST_DEBTOR"),
    (builders.listing(Kind.SERIOUS_ILLEGAL), "SERIOUS_ILLEGAL"),
]
_EVERY_KIND = [
    *(builders.court_case(kind, item=kind.value) for kind in sorted(COURT_CASES)),
    *(builders.listing(kind, item=kind.value) for kind in sorted(LISTINGS)),
    builders.penalty(severity=Severity.SERIOUS),
]


def _with(told: RatingInputs, *facts: Fact, as_of: Instant = NOW) -> RatingInputs:
    sheet = dataclasses.replace(told.sheet, public_records=facts, as_of=as_of)
    return dataclasses.replace(told, sheet=sheet, as_of=as_of)


def _measured(feature: str, *facts: Fact, as_of: Instant = NOW) -> object:
    return FEATURES[feature].measure(_with(inputs(), *facts, as_of=as_of))


def _by_name(fact: Fact) -> Fact:
    value = dataclasses.replace(fact.value, matched_by=MatchedBy.NAME)  # type: ignore[type-var]  # a public record
    return dataclasses.replace(fact, value=value)


@pytest.mark.feature("E1")
@pytest.mark.parametrize(("fact", "reason"), _KNOCKS_OUT)
def test_listing_gives_a_company_d_with_its_reason_and_basis(fact: Fact, reason: str) -> None:
    result = rate(_with(inputs(), fact), CARD)
    assert (result.level, result.score) == (Level.D, None)
    (hit,) = result.rules
    assert hit.rule.reason == reason
    assert "Source:" in hit.rule.basis.en


@pytest.mark.feature("E13")
@pytest.mark.parametrize("fact", [fact for fact, _ in _KNOCKS_OUT])
def test_listed_individual_business_waits_for_a_person_and_gets_no_d(fact: Fact) -> None:
    of = builders.code(department_and_type="92")
    result = rate(_with(inputs(of=of, purposes=frozenset({"RATE"})), fact), CARD)
    assert result.level is Level.NR
    assert [hit.rule.reason for hit in result.rules] == ["LISTING_REVIEW_BY_PERSON"]


@pytest.mark.feature("C5")
@given(enterprises(), st.sets(st.sampled_from(range(len(_EVERY_KIND)))))
@settings(max_examples=examples(40), deadline=None)
def test_attack_records_of_a_namesake_change_nothing_of_a_level(
    told: RatingInputs, chosen: set[int]
) -> None:
    """Somebody of the same name is a dishonest debtor, and worse."""
    namesakes = [_by_name(_EVERY_KIND[number]) for number in chosen]
    assert rate(_with(told, *namesakes), CARD) == rate(told, CARD)


@pytest.mark.feature("E7")
@given(enterprises(), st.sets(st.sampled_from(range(len(_EVERY_KIND)))))
@settings(max_examples=examples(40), deadline=None)
def test_one_record_more_never_raises_the_score(told: RatingInputs, chosen: set[int]) -> None:
    names = ("unfulfilled_cases", "penalty_weight", "abnormal_list_days")
    less = _with(told, *(_EVERY_KIND[number] for number in chosen))
    more = _with(told, *_EVERY_KIND)
    for feature in CARD.features:
        if feature.name in names:
            points = [
                feature.points_at(feature.slot(FEATURES[feature.name].measure(each)))
                for each in (less, more)
            ]
            assert points[1] <= points[0]


@pytest.mark.feature("E10")
def test_performed_debt_knocks_out_no_more() -> None:
    performed = builders.court_case(Kind.DISHONEST_DEBTOR, performance=Performance.PERFORMED)
    assert rate(_with(inputs(), performed), CARD).level is rate(inputs(), CARD).level


@pytest.mark.parametrize(
    ("kind", "performance", "counted"),
    [
        (Kind.ENFORCEMENT, Performance.UNPERFORMED, 1),
        (Kind.ENFORCEMENT, Performance.NOT_KNOWN, 1),
        (Kind.ENFORCEMENT, Performance.PERFORMED, 0),
        (Kind.JUDGMENT, Performance.PARTLY_PERFORMED, 1),
        (Kind.JUDGMENT, Performance.NOT_KNOWN, 0),
        (Kind.JUDGMENT, Performance.PERFORMED, 0),
        (Kind.EQUITY_FREEZE, Performance.UNPERFORMED, 0),
    ],
)
def test_case_counts_only_while_it_is_known_to_be_unfulfilled(
    kind: Kind, performance: Performance, counted: int
) -> None:
    fact = builders.court_case(kind, performance=performance)
    assert _measured("unfulfilled_cases", fact) == counted


def test_weight_of_a_penalty_goes_by_severity_and_halves_every_180_days() -> None:
    serious = builders.penalty(begins=TODAY, severity=Severity.SERIOUS)
    days = (0, 179, 180, 360)
    weights = [
        _measured("penalty_weight", serious, as_of=Instant(NOW + past * DAY)) for past in days
    ]
    assert weights == [900, 900, 450, 225]
    minor = builders.penalty(begins=TODAY, item="r2", severity=Severity.NOT_KNOWN)
    assert _measured("penalty_weight", serious, minor) == 1_000
    assert _measured("penalty_weight") == 0


def test_days_on_the_list_count_the_first_and_the_longest_entry() -> None:
    today = builders.listing(begins=TODAY)
    longer = builders.listing(begins=Day(TODAY - 30), item="r2")
    assert _measured("abnormal_list_days", today) == 1
    assert _measured("abnormal_list_days", today, longer) == 31
    assert _measured("abnormal_list_days") == 0


@pytest.mark.feature("E10")
def test_level_is_valid_no_longer_than_the_next_record_stands() -> None:
    end = Instant(NOW + 7)
    listed = builders.listing(Kind.SERIOUS_ILLEGAL, expires_at=end)
    result = rate(_with(inputs(), listed), CARD)
    assert (result.level, result.valid_until) == (Level.D, end)
    after = rate(_with(inputs(), listed, as_of=end), CARD)
    assert after.level is rate(inputs(), CARD).level
    assert day_of(after.valid_until) == TODAY + 1


@pytest.mark.feature("E5")
def test_earlier_card_gives_the_levels_that_it_gave() -> None:
    """Card 1 knows nothing of public records, of individual businesses' either."""
    first = load(models_folder(None), "expert-1")
    for told in (inputs(), inputs(of=builders.code(department_and_type="92"))):
        for fact, _ in _KNOCKS_OUT:
            result = rate(_with(told, fact), first)
            plain = rate(told, first)
            assert (result.level, result.rules) == (plain.level, plain.rules)


def test_spotless_public_record_leaves_levels_about_where_the_first_card_had_them() -> None:
    first = load(models_folder(None), "expert-1")
    assert rate(inputs(), CARD).level is rate(inputs(), first).level
