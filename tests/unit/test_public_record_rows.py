"""Rows of public records: what is read, what is refused, and that no person comes in."""

from __future__ import annotations

import datetime as dt

import pytest

from bonafides.archive.expiry import public_record
from bonafides.archive.facts import Kind, from_json, to_json
from bonafides.archive.public_record_rows import COLUMNS, read_row
from bonafides.archive.public_records import (
    CourtCase,
    Ground,
    Listing,
    MatchedBy,
    Penalty,
    Performance,
    RemovalGround,
    Sanction,
    Severity,
)
from bonafides.identity.registry import RowError
from bonafides.instants import DAY, Day, Instant, from_date, from_datetime, start_of
from bonafides.records.money import Money
from tests import builders
from tests.builders import NOW

_BEGAN = from_date(dt.date(2026, 7, 24))
_LISTED = {
    "kind": "ABNORMAL_OPERATIONS",
    "authority": "九九市市场监督管理局（东湾分局）",
    "ground": "未依照规定期限公示年度报告",
}
_FINED = {
    "kind": "penalty",
    "decision_number": "九市监罚〔2026〕12号",
    "authority": "九九市市场监督管理局",
    "sanction": "警告、罚款",
    "severity": "轻微违法",
}


@pytest.mark.feature("C4")
def test_court_case_is_read_with_number_court_days_and_performance() -> None:
    fact = read_row(builders.public_record_row(removed="2026-10-01"), now=NOW)
    assert fact.value == CourtCase(
        matched_by=MatchedBy.CODE,
        begins=_BEGAN,
        case_number="(2026)九9901执1号",
        court="九九市东湾区人民法院",
        performance=Performance.UNPERFORMED,
        amount=Money("CNY", 12_345_600),
        removed=from_date(dt.date(2026, 10, 1)),
    )
    assert (fact.kind, fact.source, fact.item) == (
        Kind.ENFORCEMENT,
        "court-list",
        "court-list/r1",
    )
    assert fact.retrieved_at == NOW - DAY
    assert (fact.valid_from, fact.valid_to) == (
        start_of(_BEGAN),
        start_of(from_date(dt.date(2026, 10, 1))),
    )


@pytest.mark.feature("C5")
def test_listing_and_penalty_are_read_as_words_of_closed_lists() -> None:
    listed = builders.public_record_row(
        **_LISTED, removed="2026-09-01", removal_ground="补报年度报告并申请移出"
    )
    assert public_record(read_row(listed, now=NOW)) == Listing(
        matched_by=MatchedBy.CODE,
        begins=_BEGAN,
        authority="九九市市场监督管理局(东湾分局)",
        ground=Ground.NO_ANNUAL_REPORT,
        removal_ground=RemovalGround.CORRECTED,
        removed=from_date(dt.date(2026, 9, 1)),
    )
    fined = builders.public_record_row(**_FINED, amount="5000")
    assert public_record(read_row(fined, now=NOW)) == Penalty(
        matched_by=MatchedBy.CODE,
        begins=_BEGAN,
        decision_number="九市监罚〔2026〕12号",
        authority="九九市市场监督管理局",
        sanction=Sanction.FINE,
        severity=Severity.MINOR,
        amount=Money("CNY", 500_000),
    )


@pytest.mark.parametrize("kind", ["ENFORCEMENT", "ABNORMAL_OPERATIONS", "PENALTY"])
def test_value_is_read_back_from_its_json_equal(kind: str) -> None:
    fact = read_row(builders.public_record_row(**_LISTED | _FINED | {"kind": kind}), now=NOW)
    assert from_json(fact.kind, to_json(fact)) == fact.value


@pytest.mark.feature("E10")
def test_end_is_the_last_day_or_an_instant() -> None:
    last_day = read_row(builders.public_record_row(expires="2027-01-31"), now=NOW)
    assert public_record(last_day).expires_at == start_of(Day(from_date(dt.date(2027, 2, 1))))
    time = dt.datetime(2027, 1, 31, 10, tzinfo=dt.UTC)
    at_once = read_row(builders.public_record_row(expires=time.isoformat()), now=NOW)
    assert public_record(at_once).expires_at == from_datetime(time)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"code": "9199"}, "LENGTH"),
        ({"code": builders.ID_NUMBER}, "OUT_OF_SCOPE"),
        ({"kind": "GOSSIP"}, "KIND"),
        ({"kind": "REGISTRATION"}, "KIND"),
        ({"source": "the court"}, "SOURCE"),
        ({"record_id": ""}, "RECORD_ID"),
        ({"record_id": builders.ID_NUMBER}, "RECORD_ID"),
        ({"record_id": builders.PERSON}, "RECORD_ID"),
        ({"matched_by": ""}, "MATCHED_BY"),
        ({"begins": ""}, "DATE"),
        ({"begins": "2026-02-30"}, "DATE"),
        ({"begins": "2026-11-01"}, "DATE"),
        ({"removed": "2026-07-23"}, "DATE"),
        ({"expires": "2026-07-24Tnoon"}, "DATE"),
        ({"retrieved_at": "2027-01-01"}, "RETRIEVED_AT"),
        ({"retrieved_at": ""}, "RETRIEVED_AT"),
        ({"case_number": "1"}, "NUMBER"),
        ({"court": "东湾"}, "AUTHORITY"),
        ({"amount": "-1"}, "AMOUNT"),
        ({"amount": "much"}, "AMOUNT"),
        (_LISTED | {"authority": builders.PERSON}, "AUTHORITY"),
        (_FINED | {"decision_number": "12"}, "NUMBER"),
    ],
)
def test_row_that_cannot_be_read_is_refused_with_its_reason(
    changes: dict[str, str], reason: str
) -> None:
    with pytest.raises(RowError) as refused:
        read_row(builders.public_record_row(**changes), now=NOW)
    assert refused.value.reason == reason
    assert not any(value in str(refused.value) for value in changes.values() if len(value) > 4)


@pytest.mark.feature("D5")
def test_attack_person_named_in_every_column_reaches_no_fact() -> None:
    """A source writes the debtor's name and number wherever it can."""
    planted = f"{builders.PERSON} {builders.ID_NUMBER}"
    kept, told = [], []
    for base in ({}, _LISTED, _FINED):
        row = builders.public_record_row(**base) | {"party": planted, "被执行人": planted}
        for column in (*COLUMNS, "party"):
            try:
                fact = read_row(row | {column: planted}, now=NOW)
            except RowError as fault:
                told.append(str(fault))
            else:
                kept.append(column)
                told += [repr(fact), to_json(fact)]
    assert not [text for text in told if builders.PERSON in text or builders.ID_NUMBER in text]
    # What is read as words takes anything, and keeps OTHER or NOT_KNOWN of it.
    assert {"party", "ground", "sanction", "severity", "performance"} <= set(kept)


def test_names_of_courts_are_folded_and_days_from_parquet_are_read() -> None:
    row = builders.public_record_row(begins="2026-07-24 00:00:00", court="九九市 东湾区人民法院")
    record = public_record(read_row(row, now=NOW))
    assert isinstance(record, CourtCase)
    assert (record.begins, record.court) == (_BEGAN, "九九市东湾区人民法院")


def test_time_of_retrieval_without_offset_is_in_shanghai() -> None:
    row = builders.public_record_row(retrieved_at="2026-10-31T08:00:00")
    assert read_row(row, now=NOW).retrieved_at == Instant(NOW - 28 * DAY // 24)
