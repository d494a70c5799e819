"""Which records are taken in, and what is kept of them."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from bonafides.identity.codes import UnifiedCode
from bonafides.instants import DAY, Day, Instant
from bonafides.personal.sealing import Vault
from bonafides.records.ingest import EARLIEST_DAY, Fault, Intake, Row
from bonafides.records.kinds import Kind, Outcome, Record, RefundState
from bonafides.records.money import Money, Rate, RateTable
from tests import builders


def taken(record: Record, *, rates: RateTable | None = None, kek: bytes = bytes(32)) -> Row | Fault:
    """Returns what the intake makes of the record."""
    return Intake(Vault(kek, "sandbox"), rates or builders.rates(), builders.NOW).row(record)


def row(record: Record, **options: Any) -> Row:
    """Returns the row of a record that is taken in."""
    made = taken(record, **options)
    assert isinstance(made, Row)
    return made


def reason(record: Record) -> str:
    """Returns why the record is refused."""
    made = taken(record)
    assert isinstance(made, Fault)
    return made.reason


def of_kind(kind: Kind, **changes: Any) -> Record:
    """Returns a valid record of the kind."""
    return builders.transaction("r1", **{"kind": kind, **_VALID[kind], **changes})


_CASE = {"amount": None, "original_id": "t1", "outcome": Outcome.UNDECIDED}
_PERIOD = {"amount": None, "buyer": None, "from_day": Day(builders.TODAY - 100)}
_VALID: dict[Kind, dict[str, Any]] = {
    Kind.STORE: {**_PERIOD, "detail": {"title": "百草店"}},
    Kind.TRANSACTION: {},
    Kind.REFUND: {"buyer": None, "original_id": "t1"},
    Kind.COMPLAINT: _CASE,
    Kind.DISPUTE: _CASE,
    Kind.CERTIFICATION: {**_PERIOD, "detail": {"agency": "九九检验中心", "scope": "仓储"}},
    Kind.MEMBERSHIP: {**_PERIOD, "to_day": Day(builders.TODAY + 200)},
}
_LATER = Instant(builders.NOW + 2 * DAY)
_TOMORROW = Instant(builders.NOW + DAY)


@pytest.mark.parametrize("kind", list(Kind))
def test_valid_record_of_each_kind_is_taken_in(kind: Kind) -> None:
    assert row(of_kind(kind)).kind == kind.value


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        (Kind.STORE, "from_day"),
        (Kind.TRANSACTION, "amount"),
        (Kind.REFUND, "amount"),
        (Kind.COMPLAINT, "outcome"),
        (Kind.DISPUTE, "outcome"),
        (Kind.CERTIFICATION, "from_day"),
        (Kind.MEMBERSHIP, "from_day"),
    ],
)
def test_what_a_kind_needs_is_missed_unless_the_record_is_void(kind: Kind, missing: str) -> None:
    assert reason(of_kind(kind, **{missing: None})) == "FIELD_MISSING"
    assert row(of_kind(kind, void=True, **{missing: None})).void


@pytest.mark.parametrize(
    ("kind", "foreign"),
    [
        (Kind.STORE, {"buyer": "b1"}),
        (Kind.TRANSACTION, {"outcome": Outcome.UPHELD}),
        (Kind.REFUND, {"promised_day": Day(builders.TODAY)}),
        (Kind.TRANSACTION, {"refund_state": RefundState.DONE}),
        (Kind.DISPUTE, {"requested_at": builders.NOW}),
        (Kind.COMPLAINT, {"amount": Money("CNY", 1)}),
        (Kind.TRANSACTION, {"detail": {"title": "x"}}),
        (Kind.STORE, {"detail": {"agency": "x"}}),
    ],
)
def test_what_a_kind_does_not_know_is_refused(kind: Kind, foreign: dict[str, Any]) -> None:
    assert reason(of_kind(kind, **foreign)) == "FIELD_NOT_ALLOWED"


@pytest.mark.parametrize("text", ["", "x" * 81, "a\x00b", "a\nb", "a\u202eb", "a\u200bb", "\ud800"])
@pytest.mark.parametrize("name", ["record_id", "store_id", "buyer"])
def test_faulty_id_is_refused_without_repeating_it(name: str, text: str) -> None:
    changed: dict[str, Any] = {name: text}
    made = taken(dataclasses.replace(builders.transaction(), **changed))
    assert isinstance(made, Fault)
    assert made.reason == "ID_FAULTY"
    assert not text or text not in made.description


def test_faulty_original_is_refused() -> None:
    assert reason(of_kind(Kind.REFUND, original_id="")) == "ID_FAULTY"


@pytest.mark.parametrize("platform", ["", "1688.com", "Taobao", "-a", "a b", "x" * 41, "淘宝"])
def test_faulty_platform_is_refused(platform: str) -> None:
    assert reason(builders.transaction(platform=platform)) == "PLATFORM_FAULTY"


@pytest.mark.parametrize("revision", [0, -1, 2**63])
def test_revision_out_of_range_is_refused(revision: int) -> None:
    assert reason(builders.transaction(revision=revision)) == "REVISION_FAULTY"


@pytest.mark.parametrize(
    ("minor", "fault"), [(0, "AMOUNT_NOT_POSITIVE"), (-1, "AMOUNT_NOT_POSITIVE")]
)
def test_amount_must_be_above_zero(minor: int, fault: str) -> None:
    assert reason(builders.transaction(amount=Money("CNY", minor))) == fault


def test_amount_beyond_the_range_is_refused() -> None:
    assert reason(builders.transaction(amount=Money("CNY", 10**15 + 1))) == "AMOUNT_FAULTY"


@pytest.mark.feature("G2")
def test_amount_is_stored_with_the_rate_that_converted_it() -> None:
    made = row(builders.transaction(amount=Money("GBP", 1_050), occurred_at=builders.NOW))
    assert (made.amount_minor, made.currency, made.amount_cny_minor) == (1_050, "GBP", 9_975)
    assert (made.rate_e12, made.rate_source) == (9_500_000_000_000, "made up")
    assert made.rate_day == builders.TODAY - 7


def test_amount_without_a_known_rate_is_refused() -> None:
    assert reason(builders.transaction(amount=Money("XAU", 1))) == "RATE_UNKNOWN"


@pytest.mark.parametrize(
    "changes",
    [
        {"occurred_at": _LATER},
        {"occurred_at": Instant(0)},
        {"delivered_day": Day(builders.TODAY + 2)},
        {"promised_day": Day(builders.TODAY + 40_000)},
        {"promised_day": Day(EARLIEST_DAY - 1)},
    ],
)
def test_implausible_time_is_refused(changes: dict[str, Any]) -> None:
    assert reason(builders.transaction(**changes)) == "TIME_IMPLAUSIBLE"


@pytest.mark.parametrize("kind", [Kind.STORE, Kind.CERTIFICATION])
def test_what_will_begin_is_refused_but_a_membership_may(kind: Kind) -> None:
    ahead = {"from_day": Day(builders.TODAY + 30), "to_day": None}
    assert reason(of_kind(kind, **ahead)) == "TIME_IMPLAUSIBLE"
    assert row(of_kind(Kind.MEMBERSHIP, **ahead)).from_day == builders.TODAY + 30


def test_clock_that_is_a_day_ahead_is_believed() -> None:
    made = row(builders.transaction(occurred_at=_TOMORROW, promised_day=Day(builders.TODAY + 20)))
    assert made.day == builders.TODAY + 1


@pytest.mark.parametrize("name", ["first_response_at", "decided_at"])
def test_answer_before_the_complaint_is_refused(name: str) -> None:
    before = Instant(builders.transaction().occurred_at - 1)
    assert reason(of_kind(Kind.COMPLAINT, **{name: before})) == "ORDER_REVERSED"


def test_end_before_the_beginning_is_refused() -> None:
    assert reason(of_kind(Kind.MEMBERSHIP, to_day=Day(EARLIEST_DAY + 1))) == "ORDER_REVERSED"


@pytest.mark.parametrize(
    ("kind", "outcome"), [(Kind.COMPLAINT, Outcome.LOST), (Kind.DISPUTE, Outcome.UPHELD)]
)
def test_outcome_of_another_kind_is_refused(kind: Kind, outcome: Outcome) -> None:
    assert reason(of_kind(kind, outcome=outcome)) == "OUTCOME_NOT_ALLOWED"


@pytest.mark.parametrize("text", ["", "x" * 501, "a\x1fb"])
def test_faulty_detail_is_refused(text: str) -> None:
    assert reason(of_kind(Kind.STORE, detail={"title": text})) == "DETAIL_FAULTY"


def test_detail_is_kept_as_sorted_json() -> None:
    made = row(of_kind(Kind.STORE, detail={"title": "店", "category": "百货"}))
    assert made.detail == '{"category":"百货","title":"店"}'
    assert json.loads(made.detail)["title"] == "店"


def test_buyer_is_kept_under_a_key_of_the_platform() -> None:
    one = row(builders.transaction(buyer="b1"))
    assert one.buyer is not None
    assert len(one.buyer) == 16
    assert one.buyer == row(builders.transaction("t2", buyer="b1")).buyer
    assert one.buyer != row(builders.transaction(buyer="b1", platform="taobao")).buyer
    assert one.buyer != row(builders.transaction(buyer="b1"), kek=bytes([1]) * 32).buyer
    assert row(builders.transaction(buyer=None)).buyer is None


def test_repr_of_a_record_does_not_show_its_buyer() -> None:
    assert "b-secret" not in repr(builders.transaction(buyer="b-secret"))


@pytest.mark.parametrize(
    "changes",
    [
        {"buyer": "b2"},
        {"buyer": None},
        {"amount": Money("USD", 10_000)},
        {"amount": Money("CNY", 10_001)},
        {"store_id": "s2"},
        {"void": True},
        {"occurred_at": Instant(builders.NOW - 1)},
        {"promised_day": Day(builders.TODAY)},
        {"delivered_day": Day(builders.TODAY)},
    ],
)
def test_other_content_has_another_digest(changes: dict[str, Any]) -> None:
    order = builders.transaction(occurred_at=builders.NOW)
    one, other = row(order), row(dataclasses.replace(order, **changes))
    assert one.digest != other.digest


@pytest.mark.parametrize(
    "changes", [{"refund_state": RefundState.DONE}, {"requested_at": builders.NOW}]
)
def test_refund_of_another_state_or_request_has_another_digest(changes: dict[str, Any]) -> None:
    assert row(of_kind(Kind.REFUND)).digest != row(of_kind(Kind.REFUND, **changes)).digest


def test_request_that_lies_ahead_is_refused() -> None:
    assert reason(of_kind(Kind.REFUND, requested_at=_LATER)) == "TIME_IMPLAUSIBLE"


def test_later_rate_leaves_the_digest_as_it_was() -> None:
    order = builders.transaction(amount=Money("USD", 10_000), occurred_at=builders.NOW)
    later = RateTable([("USD", Rate(6_900_000_000_000, builders.TODAY, "made up"))])
    one, other = row(order), row(order, rates=later)
    assert one.amount_cny_minor != other.amount_cny_minor
    assert one.digest == other.digest


@pytest.mark.feature("A7", "D5")
def test_attack_identity_number_in_place_of_a_code_is_not_stored(vault: Vault) -> None:
    made = Intake(vault, builders.rates(), builders.NOW).row(
        builders.transaction(of=UnifiedCode.parse(builders.ID_NUMBER))
    )
    assert isinstance(made, Fault)
    assert made.reason == "OUT_OF_SCOPE"
    assert builders.ID_NUMBER not in made.description
