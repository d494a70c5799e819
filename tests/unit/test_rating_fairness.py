"""Fairness: nothing of a person counts, thin records aren't punished, and rings gain little."""

from __future__ import annotations

import dataclasses
from random import Random
from typing import get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafides.archive.facts import Change, Fact, Kind, Shareholder
from bonafides.archive.self_description import SelfDescription
from bonafides.archive.statistics import PlatformRecord, Statistics
from bonafides.instants import DAY, Day, Instant
from bonafides.rating.card import POINT_LEVELS, CardFeature, Level, RuleKind
from bonafides.rating.measures import RatingInputs, Share
from bonafides.rating.rate import rate
from bonafides.rating.reasons import reasons
from bonafides.rating.scorecard import champion
from tests import builders
from tests.builders import NOW, TODAY, code, registration
from tests.rating_inputs import (
    VERIFIED,
    certification,
    enterprises,
    inputs,
    platform_record,
    spotless,
    years,
)
from tests.searching import examples

CARD = champion(None)
_SHARES = [feature for feature in CARD.features if feature.prior is not None]
_ARCHIVES = 10_000
_A = POINT_LEVELS.index(Level.A)
_SURNAMES = "测试例样范模拟假"


def _person(random: Random) -> str:
    return "".join(random.choice(_SURNAMES) for _ in range(random.randint(2, 4)))


def _personal(random: Random) -> dict[str, object]:
    """Returns all of a fact sheet that may name persons, or tell how to reach one."""
    return {
        "shareholders": tuple(
            Shareholder(_person(random), is_person=True) for _ in range(random.randint(0, 4))
        ),
        "changes": tuple(
            Change(Day(TODAY - 200), "法定代表人变更", _person(random), _person(random))
            for _ in range(random.randint(0, 3))
        ),
        "self_description": SelfDescription(
            main_products=(f"{_person(random)} 139{random.randrange(10**8):08}",)
        ),
    }


def _year(random: Random) -> Statistics:
    orders = random.choice([0, 9, 12, 40, 300, 2_000])
    return dataclasses.replace(
        spotless(orders),
        repeat_buyers=random.randint(0, orders),
        deliveries_late=random.randint(0, orders) // 10,
        complaints_upheld=random.randint(0, 3),
        disputes_lost=random.randint(0, 3),
        cases_settled=random.randint(0, 5),
        active_months=random.randint(0, 12),
        responses=tuple(random.randint(0, 3) for _ in range(6)),
    )


def _archive(random: Random, number: int) -> RatingInputs:
    certified = (certification(),) if random.random() < 0.2 else ()
    listed = (builders.listing(Kind.ABNORMAL_OPERATIONS),) if random.random() < 0.1 else ()
    told = inputs(
        platform_record(
            last_year=_year(random),
            certifications=certified,
            first_day=Day(TODAY - random.randint(0, 1_000)),
        ),
        of=code(number, department_and_type=random.choice(["91", "92", "93"])),
        told=registration(established=Day(TODAY - random.randint(0, 6_000))),
        verification=dataclasses.replace(
            VERIFIED, verified_at=Instant(NOW - random.randint(0, 900) * DAY)
        ),
        purposes=frozenset({"RATE"}),
    )
    sheet = dataclasses.replace(told.sheet, public_records=listed)
    return dataclasses.replace(told, sheet=sheet)


def _of_persons(told: RatingInputs, personal: dict[str, object]) -> RatingInputs:
    sheet = dataclasses.replace(told.sheet, **personal)  # type: ignore[arg-type]  # its fields
    return dataclasses.replace(told, sheet=sheet)


@pytest.mark.feature("E2", "E12")
def test_levels_and_contributions_of_10_000_archives_stay_when_their_persons_are_exchanged() -> (
    None
):
    random = Random(20_261)  # noqa: S311 - not for secrets
    archives = [_archive(random, number) for number in range(_ARCHIVES)]
    persons = [_personal(random) for _ in archives]
    others = random.sample(persons, len(persons))
    levels = set()
    for archive, mine, theirs in zip(archives, persons, others, strict=True):
        before, after = (_of_persons(archive, each) for each in (mine, theirs))
        assert rate(before, CARD) == rate(after, CARD)
        levels.add(rate(before, CARD).level)
    assert len(levels) > 4


def _reached(kind: object, seen: dict[str, set[str]]) -> None:
    """Collects the fields of every dataclass that the type holds, by its name."""
    for part in get_args(kind):
        _reached(part, seen)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind.__name__ not in seen:
        hints = get_type_hints(kind)
        seen[kind.__name__] = set(hints)
        for hint in hints.values():
            _reached(hint, seen)


@pytest.mark.feature("E2")
def test_levels_are_computed_from_nothing_that_holds_a_person_but_what_was_exchanged() -> None:
    seen: dict[str, set[str]] = {}
    _reached(RatingInputs, seen)
    _reached(Fact, seen)
    assert {"FactSheet", "Registration", "PlatformRecord", "Statistics"} <= seen.keys()
    exchanged = {"Shareholder", "Change", "SelfDescription", "HeldCertificate"}
    words = ("person", "representative", "proprietor", "phone", "mail", "id_number", "contact")
    named = {
        f"{kind}.{field}"
        for kind, held in seen.items()
        if kind not in exchanged
        for field in held
        if any(word in field for word in words)
    }
    assert named == set()


def test_no_reason_names_a_person() -> None:
    random = Random(7)  # noqa: S311 - not for secrets
    archive = _of_persons(_archive(random, 1), _personal(random))
    told = "".join("".join(why.text) for why in reasons(archive, rate(archive, CARD)))
    names = {holder.title for holder in archive.sheet.shareholders}
    assert not [name for name in names if name in told]


@pytest.mark.feature("E4")
@pytest.mark.parametrize("feature", _SHARES, ids=lambda feature: feature.name)
def test_none_of_twelve_is_not_below_twenty_of_a_thousand(feature: CardFeature) -> None:
    few, many = (feature.points_at(feature.slot(Share(*s))) for s in ((0, 12), (20, 1_000)))
    assert few >= many


@pytest.mark.feature("E4")
@given(years(), st.integers(1, 50))
@settings(max_examples=examples(60), deadline=None)
def test_goodwill_refunds_and_undecided_cases_change_nothing(year: Statistics, more: int) -> None:
    kind = dataclasses.replace(
        year,
        refunds=year.refunds + more,
        refund_cny_minor=year.refund_cny_minor + 100 * more,
        complaints=year.complaints + more,
        disputes=year.disputes + more,
        cases_open=year.cases_open + 2 * more,
        cases_unanswered=year.cases_unanswered + more,
    )
    before, after = (inputs(platform_record(last_year=each)) for each in (year, kind))
    assert rate(before, CARD) == rate(after, CARD)


def _with_ring(platform: PlatformRecord, orders: int, *, hands: int = 1) -> PlatformRecord:
    """Lets the enterprise itself buy so much by so many hands; each order is flawless."""
    year = platform.last_year
    each = -(-orders // hands)
    ring = dataclasses.replace(
        year,
        transactions=year.transactions + orders,
        buyers=year.buyers + hands,
        repeat_buyers=year.repeat_buyers + hands,
        largest_buyer_transactions=max(year.largest_buyer_transactions, each),
        buyer_squares=year.buyer_squares + hands * each * each,
        deliveries_promised=year.deliveries_promised + orders,
        active_months=12,
        responses=(year.responses[0] + orders, *year.responses[1:]),
        cases_settled=year.cases_settled + orders,
    )
    return dataclasses.replace(platform, last_year=ring)


@pytest.mark.feature("E4")
@given(enterprises(), st.integers(0, 5_000))
@settings(max_examples=examples(120), deadline=None)
def test_attack_ring_of_one_buyer_lifts_no_raw_level_across_a(
    told: RatingInputs, more: int
) -> None:
    """An enterprise below A buys from itself until most of its record is that."""
    before = rate(told, CARD).level
    if before in POINT_LEVELS[: _A + 1] or not told.platforms:
        return
    orders = 1 + more + sum(each.last_year.transactions for each in told.platforms)
    first, *others = told.platforms
    ring = dataclasses.replace(told, platforms=(_with_ring(first, orders), *others))
    after = rate(ring, CARD)
    assert after.level not in POINT_LEVELS[: _A + 1]
    assert after.range_high not in POINT_LEVELS[: _A + 1]


@pytest.mark.feature("E4")
@given(enterprises(), st.integers(0, 5_000), st.integers(2, 7))
@settings(max_examples=examples(120), deadline=None)
def test_attack_ring_of_few_hands_lifts_no_raw_level_above_a(
    told: RatingInputs, more: int, hands: int
) -> None:
    """Several hands make four fifths of the record, so that none of them is half of it."""
    above = POINT_LEVELS[:_A]
    if rate(told, CARD).level in above or not told.platforms:
        return
    orders = more + 4 * (1 + sum(each.last_year.transactions for each in told.platforms))
    first, *others = told.platforms
    ring = dataclasses.replace(told, platforms=(_with_ring(first, orders, hands=hands), *others))
    after = rate(ring, CARD)
    assert after.level not in above
    assert after.range_high not in above


@pytest.mark.feature("E4")
def test_record_of_few_buyers_is_held_at_a_and_says_what_lifts_it() -> None:
    year = dataclasses.replace(spotless(2_000), buyers=8, buyer_squares=8 * 250**2)
    long = platform_record(last_year=year, certifications=(certification(),))
    result = rate(inputs(long), CARD)
    (hit,) = result.rules
    assert result.level is Level.A
    assert (hit.rule.reason, hit.measured) == ("FEW_BUYERS_MAKE_THE_RECORD", 8)


@pytest.mark.feature("E4")
@pytest.mark.parametrize("feature", ["dispute_lost_rate", "complaint_upheld_rate"])
def test_attack_one_buyer_thins_lost_cases_out_by_ten_orders_at_most(feature: str) -> None:
    year = dataclasses.replace(spotless(800), disputes_lost=12, complaints_upheld=24)
    told = inputs(platform_record(last_year=year))
    values = [
        next(p.value for p in rate(each, CARD).contributions if p.feature.name == feature)
        for each in (told, inputs(_with_ring(told.platforms[0], 790)))
    ]
    wholes = [value.whole for value in values if isinstance(value, Share)]
    assert wholes[1] - wholes[0] <= 10


@pytest.mark.feature("E4")
def test_record_of_one_buyer_is_held_at_b_and_says_what_lifts_it() -> None:
    year = dataclasses.replace(
        spotless(2_000), buyers=401, largest_buyer_transactions=1_600, repeat_buyers=100
    )
    result = rate(inputs(platform_record(last_year=year)), CARD)
    assert result.level is Level.B
    (hit,) = result.rules
    assert (hit.rule.reason, hit.measured) == ("ONE_BUYER_MAKES_THE_RECORD", 20)


@pytest.mark.feature("E4")
def test_platform_that_names_no_buyers_holds_nobody_down() -> None:
    year = dataclasses.replace(spotless(2_000), buyers=0, largest_buyer_transactions=0)
    result = rate(inputs(platform_record(last_year=year)), CARD)
    assert "ONE_BUYER_MAKES_THE_RECORD" not in {hit.rule.reason for hit in result.rules}


@pytest.mark.feature("E7", "L6")
@given(enterprises(), st.booleans())
@settings(max_examples=examples(60), deadline=None)
def test_no_input_reaches_a_level_by_points_beside_a_knock_out(
    told: RatingInputs,
    certified: bool,  # noqa: FBT001 - drawn
) -> None:
    listed = builders.court_case(Kind.DISHONEST_DEBTOR)
    platforms = tuple(
        dataclasses.replace(each, certifications=(certification(),)) if certified else each
        for each in told.platforms
    )
    sheet = dataclasses.replace(told.sheet, public_records=(listed,))
    result = rate(dataclasses.replace(told, sheet=sheet, platforms=platforms), CARD)
    assert result.level not in POINT_LEVELS
    assert (result.range_low, result.range_high, result.score) == (result.level, result.level, None)


@pytest.mark.feature("L6")
def test_every_rule_of_yes_and_no_hits_at_no_and_passes_at_yes() -> None:
    kinds = (RuleKind.KNOCK_OUT, RuleKind.NOT_RATED)
    yes_or_no = [r for kind in kinds for r in CARD.rules(kind) if r.reason not in _COUNTED]
    assert {rule.at_least for rule in yes_or_no} == {1}


_COUNTED = {"RECORD_TOO_SHORT", "TOO_FEW_ORDERS"}
