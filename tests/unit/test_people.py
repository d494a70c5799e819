"""What people may change of a level: pure rules."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafides.archive.facts import Disputed, Fact, Kind, OperatingState
from bonafides.archive.public_records import Performance
from bonafides.instants import DAY, Day, Instant, from_timestamp, start_of
from bonafides.rating import disputed, explain, people
from bonafides.rating.card import Level
from bonafides.rating.features import FEATURES, RatingInputs
from bonafides.rating.people import NOBODY, Outcome, Override, People
from bonafides.rating.rate import rate
from bonafides.rating.rules import RULES
from bonafides.rating.scorecard import champion
from bonafides.v1 import rating_pb2
from tests import rating_inputs
from tests.builders import NOW, PLATFORM, TODAY, code, court_case, listing, penalty, registration
from tests.searching import examples

CARD = champion(None)
INDIVIDUAL = code(department_and_type="92")
SOON = Instant(NOW + DAY // 4)
REVOKED = registration(operating_state=OperatingState.REVOKED)


def with_facts(*facts: Fact, **changes: Any) -> RatingInputs:
    made = rating_inputs.inputs(**changes)
    sheet = dataclasses.replace(made.sheet, public_records=facts)
    return dataclasses.replace(made, sheet=sheet)


def individual(*facts: Fact, finding: Outcome | None = None, **changes: Any) -> RatingInputs:
    told: dict[str, Any] = {"of": INDIVIDUAL, "purposes": frozenset({"RATE"})}
    return with_facts(*facts, people=People(finding=finding), **(told | changes))


def debt(**changes: Any) -> Fact:
    return court_case(Kind.DISHONEST_DEBTOR, of=INDIVIDUAL, **changes)


def serious() -> Fact:
    return listing(Kind.SERIOUS_ILLEGAL, of=INDIVIDUAL, item="r2")


def message(inputs: RatingInputs) -> rating_pb2.Rating:
    return explain.message(rate(inputs, CARD), CARD)


def reasons(inputs: RatingInputs) -> list[str]:
    return [hit.rule.reason for hit in rate(inputs, CARD).rules]


# --- D of an individual business ------------------------------------------------------


@pytest.mark.feature("E13")
@pytest.mark.parametrize(
    ("facts", "changes", "reason"),
    [
        ([debt()], {}, "DISHONEST_DEBTOR"),
        ([serious()], {}, "SERIOUS_ILLEGAL"),
        ([], {"told": REVOKED}, "LICENSE_REVOKED"),
    ],
)
def test_individual_business_has_d_only_once_a_person_found_so(
    facts: list[Fact], changes: dict[str, Any], reason: str
) -> None:
    waits = individual(*facts, **changes)
    assert rate(waits, CARD).level is Level.NR
    assert rate(individual(*facts, finding=Outcome.STANDS, **changes), CARD).level is Level.D
    assert reasons(individual(*facts, finding=Outcome.STANDS, **changes)) == [reason]
    cleared = rate(individual(*facts, finding=Outcome.STANDS_NOT, **changes), CARD)
    assert cleared.level not in {Level.D, Level.NR}


@pytest.mark.feature("E13", "B5")
def test_finding_gives_no_d_without_consent_to_be_rated() -> None:
    found = individual(debt(), finding=Outcome.STANDS, purposes=frozenset())
    assert rate(found, CARD).level is Level.NR
    assert reasons(found) == ["CONSENT_MISSING"]


@pytest.mark.feature("E13")
@pytest.mark.parametrize("finding", [None, *Outcome])
def test_d_of_a_company_waits_for_nobody(finding: Outcome | None) -> None:
    listed = with_facts(listing(Kind.SERIOUS_ILLEGAL), people=People(finding=finding))
    assert rate(listed, CARD).level is Level.D


@pytest.mark.feature("E13")
def test_finding_that_d_stands_covers_exactly_the_facts_and_the_other_any_part() -> None:
    one, both = frozenset({"a"}), frozenset({"a", "b"})
    assert people.covers(Outcome.STANDS, both, both)
    assert not people.covers(Outcome.STANDS, both, one)
    assert not people.covers(Outcome.STANDS, one, both)
    assert people.covers(Outcome.STANDS_NOT, both, one)
    assert not people.covers(Outcome.STANDS_NOT, one, both)


@pytest.mark.feature("E13")
def test_facts_that_give_d_are_told_apart_by_what_they_say_and_not_by_when() -> None:
    told = individual(debt()).sheet
    later = dataclasses.replace(debt(), retrieved_at=NOW)
    assert people.digests(told) == people.digests(individual(later).sheet)
    assert people.digests(told) != people.digests(individual(debt(item="r9")).sheet)
    partly = debt(performance=Performance.PARTLY_PERFORMED)
    assert people.digests(told) != people.digests(individual(partly).sheet)
    assert not people.digests(individual(debt(performance=Performance.PERFORMED)).sheet)
    # A new address is no new ground for D; that the licence is revoked is one.
    moved = registration(operating_state=OperatingState.REVOKED, registered_address="九九市")
    assert people.digests(individual(told=REVOKED).sheet) == people.digests(
        individual(told=moved).sheet
    )
    assert not people.digests(individual().sheet)


# --- Override and refusal -------------------------------------------------------------


def overridden(level: str = "C", expires_at: Instant = SOON) -> People:
    return People(override=Override("u", level, expires_at))


@pytest.mark.feature("E8")
@settings(max_examples=examples(60), deadline=None)
@given(rating_inputs.enterprises(), st.sampled_from(sorted(people.SETTABLE)))
def test_override_changes_the_level_shown_and_nothing_that_was_computed(
    drawn: RatingInputs, level: str
) -> None:
    before = message(drawn)
    shown = people.shown(before, overridden(level))
    lent = {hit.reason for hit in before.rules} & {"IDENTITY", "CONSENT_MISSING"}
    assert shown.overridden is not bool(lent)
    assert people.level_shown(shown) == (people.level_shown(before) if lent else level)
    for name in ("rules", "contributions", "coverage", "model_digest", "as_of_time"):
        assert getattr(shown, name) == getattr(before, name)
    assert shown.HasField("score") == before.HasField("score")
    assert shown.score == before.score
    if shown.overridden:
        # A range would tell the level that was computed.
        assert {shown.range_low, shown.range_high} == {shown.level}


@pytest.mark.feature("E8", "E10")
def test_overridden_level_is_valid_until_the_override_ends_at_most() -> None:
    before = message(rating_inputs.inputs())
    shown = people.shown(before, overridden(expires_at=SOON))
    assert from_timestamp(shown.valid_until_time) == SOON
    far = people.shown(before, overridden(expires_at=Instant(NOW + 20 * DAY)))
    assert from_timestamp(far.valid_until_time) == start_of(Day(TODAY + 1))


@pytest.mark.feature("E13", "E4")
@settings(max_examples=examples(60), deadline=None)
@given(rating_inputs.enterprises())
def test_refusal_leaves_nothing_of_what_a_machine_computed(drawn: RatingInputs) -> None:
    before = message(drawn)
    shown = people.shown(before, People(refuses=True))
    if before.level == rating_pb2.LEVEL_D:
        assert shown == before
        return
    assert (shown.level, shown.range_low, shown.range_high) == (rating_pb2.LEVEL_NR,) * 3
    assert not shown.contributions
    assert not shown.HasField("score")
    assert shown.rules[-1].reason == people.REFUSED
    assert {hit.kind for hit in shown.rules} == {rating_pb2.RuleHit.KIND_NOT_RATED}


def test_where_people_say_nothing_the_level_is_as_it_was() -> None:
    before = message(rating_inputs.inputs())
    assert people.shown(before, NOBODY) == before


def test_people_can_set_every_level_but_d() -> None:
    assert {level.value for level in Level} - people.SETTABLE == {"D"}


# --- Marks ----------------------------------------------------------------------------


def marked(inputs: RatingInputs) -> set[str]:
    made = disputed.mark(message(inputs), inputs)
    parts = {part.feature for part in made.contributions if part.disputed}
    parts |= {hit.reason for hit in made.rules if hit.disputed}
    assert made.disputed is bool(parts)
    return parts


def contesting(told: Disputed, *facts: Fact) -> RatingInputs:
    made = with_facts(*facts)
    return dataclasses.replace(made, sheet=dataclasses.replace(made.sheet, disputed=(told,)))


@pytest.mark.feature("E9")
def test_every_feature_and_rule_says_of_what_it_is_made() -> None:
    assert set(disputed.MADE_OF) == {*FEATURES, *RULES}


@pytest.mark.feature("E9")
@pytest.mark.parametrize(
    ("told", "facts", "expected"),
    [
        (Disputed("penalty", penalty().item, TODAY), [penalty()], {"penalty_weight"}),
        # Past its last day a published record counts still.
        (Disputed("penalty", penalty().item, Day(TODAY - 1)), [penalty()], {"penalty_weight"}),
        # One that stands no more counts nowhere.
        (Disputed("penalty", "court-list/gone", TODAY), [penalty()], set()),
        (Disputed("shareholders", "", TODAY), [], set()),
        (Disputed("certification", "x", TODAY, PLATFORM), [], {"evidence_level", "on_site_level"}),
        (Disputed("certification", "x", Day(TODAY - 1), PLATFORM), [], set()),
    ],
)
def test_points_are_marked_that_rest_on_what_is_disputed_and_counts(
    told: Disputed, facts: list[Fact], expected: set[str]
) -> None:
    # The ceiling that lacks on-site evidence looks at the same.
    assert marked(contesting(told, *facts)) - {"NO_ON_SITE_EVIDENCE"} == expected
