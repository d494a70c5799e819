"""Contracts: which is in force, which currency it wants, what it settles."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafides.instants import Day
from bonafides.personal.sealing import Vault
from bonafides.records.contracts import (
    REQUIRED_COLUMNS,
    Contract,
    ContractTable,
    read_contract,
    under_contract,
)
from bonafides.records.ingest import Fault, Intake, Row
from bonafides.records.kinds import Kind
from bonafides.records.money import (
    SETTLEMENT_CURRENCIES,
    Money,
    Rate,
    RateTable,
    as_text,
    minor_digits,
)
from bonafides.records.refunds import Ledger, request_allowed, settle
from tests import builders

_CODE = builders.code().text
_RATES = RateTable(
    [
        ("USD", Rate(7_100_000_000_000, builders.TODAY, "bank")),
        ("JPY", Rate(48_000_000_000, builders.TODAY, "bank")),
    ]
)


def contract(**changes: Any) -> Contract:
    """Returns a contract in USD from a hundred days ago on."""
    told: dict[str, Any] = {
        "code": _CODE,
        "platform": builders.PLATFORM,
        "currency": "USD",
        "settlement_currency": "USD",
        "from_day": Day(builders.TODAY - 100),
        "to_day": None,
    }
    return Contract(**{**told, **changes})


def row(currency: str, minor: int = 10_000, **changes: Any) -> Row:
    """Returns the row of a transaction of today."""
    told = builders.transaction(amount=Money(currency, minor), occurred_at=builders.NOW, **changes)
    made = Intake(Vault(bytes(32), "sandbox"), _RATES, builders.NOW).row(told)
    assert isinstance(made, Row)
    return made


def under(*contracts: Contract, currency: str = "USD", **changes: Any) -> Row | Fault:
    """Returns what contracts make of a transaction."""
    return under_contract(row(currency, **changes), ContractTable(contracts), _RATES)


@pytest.mark.feature("G3")
def test_other_currency_than_the_contracts_is_refused_and_the_contracts_is_named() -> None:
    made = under(contract(), currency="JPY")
    assert isinstance(made, Fault)
    assert (made.reason, "USD" in made.description) == ("CONTRACT_CURRENCY", True)
    assert isinstance(under(contract()), Row)


@pytest.mark.feature("G3")
@pytest.mark.parametrize(
    "of",
    [
        contract(code=builders.code(2).text),
        contract(platform="taobao"),
        contract(from_day=Day(builders.TODAY + 1)),
        contract(to_day=Day(builders.TODAY - 1)),
    ],
)
def test_without_a_contract_in_force_any_currency_is_taken_and_nothing_settled(
    of: Contract,
) -> None:
    made = under(of, currency="JPY")
    assert isinstance(made, Row)
    assert (made.settlement_currency, made.settlement_minor) == (None, None)


@pytest.mark.feature("G3")
def test_contract_that_began_last_is_in_force_and_its_last_day_is_covered() -> None:
    older, newer = contract(), contract(currency="JPY", from_day=Day(builders.TODAY - 9))
    ended = contract(currency="JPY", from_day=Day(builders.TODAY - 5), to_day=builders.TODAY)
    assert isinstance(under(newer, older, currency="JPY"), Row)
    assert isinstance(under(older, ended, currency="USD"), Fault)
    table = ContractTable([older, ended])
    assert table.in_force(_CODE, builders.PLATFORM, builders.TODAY + 1) is older


@pytest.mark.feature("G6")
@given(minor=st.integers(1, 10**12), settled_in=st.sampled_from(["USD", "CNY", "JPY"]))
def test_settlement_is_the_decimal_quotient_rounded_once(minor: int, settled_in: str) -> None:
    made = under(contract(settlement_currency=settled_in), minor=minor)
    assert isinstance(made, Row)
    per_unit = {"USD": "7.1", "CNY": "1", "JPY": "0.048"}
    exact = Decimal(minor).scaleb(-2) * Decimal("7.1") / Decimal(per_unit[settled_in])
    scaled = exact.scaleb(minor_digits(settled_in)).quantize(Decimal(1), ROUND_HALF_EVEN)
    assert (made.settlement_currency, made.settlement_minor) == (settled_in, int(scaled))


@pytest.mark.feature("G2")
def test_settlement_is_stored_with_the_rate_that_made_it() -> None:
    made = under(contract(settlement_currency="JPY"))
    assert isinstance(made, Row)
    told = (made.settlement_rate_e12, made.settlement_rate_source, made.settlement_rate_day)
    assert told == (48_000_000_000, "bank", builders.TODAY)


def test_settlement_in_a_currency_without_a_quote_is_refused() -> None:
    made = under(contract(settlement_currency="NOK"))
    assert isinstance(made, Fault)
    assert made.reason == "RATE_UNKNOWN"


@pytest.mark.feature("G3")
@pytest.mark.feature("G6")
def test_refund_follows_its_transaction_under_a_contract_of_another_currency() -> None:
    sold = under(contract(settlement_currency="JPY"))
    assert isinstance(sold, Row)
    now = ContractTable([contract(currency="JPY")])
    common: dict[str, Any] = {"kind": Kind.REFUND, "buyer": None, "original_id": "t1"}
    parts = [row("USD", 3_333, record_id=f"r{n}", **common) for n in range(3)]
    parts.append(row("USD", 1, record_id="r3", **common))
    made = settle(parts, Ledger([sold]), now, RateTable([]))
    settled = [part.settlement_minor for part in made if isinstance(part, Row)]
    assert (len(settled), sum(part or 0 for part in settled)) == (4, sold.settlement_minor)
    named_none = row("USD", 1, kind=Kind.REFUND, buyer=None)
    (refused,) = settle([named_none], Ledger([]), now, _RATES)
    assert isinstance(refused, Fault)
    assert refused.reason == "CONTRACT_CURRENCY"


def told(**changes: str | None) -> dict[str, str | None]:
    """Returns a row of a file of contracts."""
    row: dict[str, str | None] = {
        "code": _CODE,
        "platform": "1688",
        "currency": "USD",
        "from_day": "2026-01-01",
    }
    return row | changes


def test_row_of_a_file_is_a_contract() -> None:
    made = read_contract(told(to_day="2026-12-31", settlement_currency="JPY"))
    assert isinstance(made, Contract)
    assert (made.currency, made.settlement_currency) == ("USD", "JPY")
    assert made.to_day == made.from_day + 364
    open_ended = read_contract(told(to_day=""))
    assert isinstance(open_ended, Contract)
    assert (open_ended.to_day, open_ended.settlement_currency) == (None, "USD")
    assert set(told()) == set(REQUIRED_COLUMNS)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"code": "1"}, "CODE_FAULTY"),
        ({"platform": "A b"}, "PLATFORM_FAULTY"),
        ({"currency": "usd"}, "CURRENCY_FAULTY"),
        ({"settlement_currency": "XAU"}, "SETTLEMENT_CURRENCY"),
        ({"from_day": None}, "DAY_FAULTY"),
        ({"to_day": "soon"}, "DAY_FAULTY"),
        ({"to_day": "2025-12-31"}, "ORDER_REVERSED"),
    ],
)
def test_row_that_tells_of_no_contract_is_refused(changes: dict[str, Any], reason: str) -> None:
    made = read_contract(told(**changes))
    assert isinstance(made, Fault)
    assert made.reason == reason


@pytest.mark.feature("G2")
def test_twelve_currencies_are_settled_in_with_the_digits_of_their_minor_units() -> None:
    assert len(SETTLEMENT_CURRENCIES) == 12
    assert {c: minor_digits(c) for c in SETTLEMENT_CURRENCIES} == dict(SETTLEMENT_CURRENCIES)
    assert [as_text(Money("JPY", 12)), as_text(Money("GBP", 1_205))] == ["12 JPY", "12.05 GBP"]


@pytest.mark.feature("G5")
def test_request_is_allowed_from_the_day_of_the_transaction_to_the_ninetieth_after() -> None:
    sold = Day(20_000)
    allowed = [request_allowed(sold, Day(sold + days)) for days in (-1, 0, 90, 91)]
    assert allowed == [False, True, True, False]
