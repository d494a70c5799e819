"""Which public records stand, and the microsecond at which each stops."""

from __future__ import annotations

import datetime as dt

import pytest

from bonafides.archive.expiry import (
    TERMS,
    Standing,
    ends_at,
    public_record,
    restorable_from,
    standing,
    standing_records,
    term_of,
)
from bonafides.archive.facts import COURT_CASES, LISTINGS, PUBLIC_RECORDS, Fact, FactSheet, Kind
from bonafides.archive.public_records import MatchedBy, Severity
from bonafides.errors import BugError
from bonafides.instants import DAY, Day, Instant, from_date, start_of
from tests import builders
from tests.builders import NOW, TODAY


def _day(year: int, month: int, day: int) -> Day:
    return from_date(dt.date(year, month, day))


def _sheet(*facts: Fact) -> FactSheet:
    return FactSheet(builders.code().text, NOW, None, (), (), None, facts)


@pytest.mark.feature("E10")
def test_every_kind_and_severity_has_its_term() -> None:
    for kind in COURT_CASES:
        assert term_of(kind, public_record(builders.court_case(kind))).kind is kind
    for kind in LISTINGS:
        assert term_of(kind, public_record(builders.listing(kind))).kind is kind
    for severity in Severity:
        found = term_of(Kind.PENALTY, public_record(builders.penalty(severity=severity)))
        assert found.severity is severity
    assert {term.kind for term in TERMS} == PUBLIC_RECORDS
    assert len({(term.kind, term.severity) for term in TERMS}) == len(TERMS)


@pytest.mark.feature("E10")
@pytest.mark.parametrize(
    ("fact", "from_day"),
    [
        (builders.penalty(severity=Severity.MINOR), _day(2026, 7, 24)),
        (builders.penalty(severity=Severity.MODERATE), _day(2026, 10, 24)),
        (builders.penalty(severity=Severity.SERIOUS), _day(2027, 7, 24)),
        (builders.listing(Kind.SERIOUS_ILLEGAL), _day(2027, 7, 24)),
        (builders.listing(Kind.ABNORMAL_OPERATIONS), _day(2026, 7, 24)),
    ],
)
def test_record_may_be_taken_off_from_the_day_that_its_term_names(
    fact: Fact, from_day: Day
) -> None:
    assert restorable_from(fact.kind, public_record(fact)) == from_day


@pytest.mark.feature("E10")
def test_table_says_of_every_term_where_it_comes_from() -> None:
    assert all(term.trigger and term.restoration and term.source for term in TERMS)
    # Nobody has read the texts themselves: a row that says otherwise needs its proof.
    assert not any(term.verified for term in TERMS)


@pytest.mark.feature("E10")
@pytest.mark.parametrize(
    ("severity", "ends"),
    [
        (Severity.MINOR, _day(2026, 4, 30)),
        (Severity.MODERATE, _day(2027, 1, 31)),
        (Severity.SERIOUS, _day(2029, 1, 31)),
        (Severity.NOT_KNOWN, _day(2026, 4, 30)),
    ],
)
def test_penalty_stands_for_its_calendar_months_to_the_microsecond(
    severity: Severity, ends: Day
) -> None:
    """Decided on 31 January; a month without a 31st ends on its last day."""
    fact = builders.penalty(begins=_day(2026, 1, 31), severity=severity)
    end = start_of(ends)
    assert ends_at(fact.kind, public_record(fact)) == end
    assert standing(fact, Instant(end - 1)) is Standing.STANDS
    assert standing(fact, end) is Standing.EXPIRED


@pytest.mark.feature("E10")
def test_end_that_the_source_gives_holds_in_place_of_a_term_nobody_verified() -> None:
    end = Instant(NOW + 5)
    fact = builders.listing(expires_at=end)
    assert standing(fact, Instant(end - 1)) is Standing.STANDS
    assert standing(fact, end) is Standing.EXPIRED


@pytest.mark.feature("C5")
def test_removed_record_stands_until_the_day_of_its_removal() -> None:
    fact = builders.listing(removed=TODAY)
    assert standing(fact, Instant(start_of(TODAY) - 1)) is Standing.STANDS
    assert standing(fact, start_of(TODAY)) is Standing.REMOVED


@pytest.mark.feature("C5")
def test_record_matched_by_name_stands_at_no_time() -> None:
    fact = builders.court_case(Kind.DISHONEST_DEBTOR, matched_by=MatchedBy.NAME)
    for at in (NOW, Instant(NOW - 99 * DAY), Instant(NOW + 5_000 * DAY)):
        assert standing(fact, at) is Standing.MATCHED_BY_NAME
    assert standing_records(_sheet(fact)) == ()


def test_records_are_narrowed_by_kind() -> None:
    case, penalty = builders.court_case(), builders.penalty()
    assert standing_records(_sheet(case, penalty)) == (case, penalty)
    assert standing_records(_sheet(case, penalty), Kind.PENALTY) == (penalty,)


def test_fact_of_another_kind_is_no_public_record() -> None:
    with pytest.raises(BugError):
        public_record(builders.registration_facts(builders.code())[0])
