"""Amounts and rates: integers, half-even, the rate of the day or of the banking day before."""

from __future__ import annotations

import dataclasses
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafides.instants import Day
from bonafides.records.kinds import Record
from bonafides.records.money import (
    MAX_AMOUNT_MINOR,
    MAX_RATE_E12,
    PAR,
    Money,
    Rate,
    RateTable,
    in_cny,
    minor_digits,
    parse,
)
from bonafides.storage.tables import metadata

_CURRENCIES = ("CNY", "USD", "JPY", "KWD")


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.50", "CNY", 1_250),
        ("-12.5", "GBP", -1_250),
        ("12.500", "USD", 1_250),
        ("1050", "JPY", 1_050),
        ("1.005", "KWD", 1_005),
        ("0", "BRL", 0),
    ],
)
def test_decimal_text_becomes_minor_units(text: str, currency: str, minor: int) -> None:
    assert parse(text, currency) == Money(currency, minor)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("0.001", "GBP"),
        ("10.5", "JPY"),
        ("twelve", "CNY"),
        ("", "CNY"),
        ("NaN", "CNY"),
        ("Infinity", "CNY"),
        ("1e30", "CNY"),
        ("1", "yuan"),
        ("1", ""),
    ],
)
def test_what_is_no_amount_is_refused(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match=r"not a|finer|beyond"):
        parse(text, currency)


@pytest.mark.feature("G9")
def test_conversion_rounds_half_to_even() -> None:
    half = Rate(500_000_000_000, Day(0), "made up")
    assert [in_cny(Money("USD", minor), half).minor for minor in (1, 3, 5, -1, -3)] == [
        0,
        2,
        2,
        0,
        -2,
    ]


@pytest.mark.feature("G9")
@given(
    minor=st.integers(-MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR),
    currency=st.sampled_from(_CURRENCIES),
    rate_e12=st.integers(1, MAX_RATE_E12),
)
def test_conversion_is_the_decimal_product_to_the_fen(
    minor: int, currency: str, rate_e12: int
) -> None:
    converted = in_cny(Money(currency, minor), Rate(rate_e12, Day(0), "made up"))
    units = Decimal(minor).scaleb(-minor_digits(currency))
    yuan = Decimal(rate_e12).scaleb(-12)
    assert converted.currency == "CNY"
    assert converted.minor == int((units * yuan * 100).quantize(Decimal(1), ROUND_HALF_EVEN))


@pytest.mark.feature("G2")
def test_rate_is_that_of_the_last_banking_day() -> None:
    friday, monday = Rate(9, Day(100), "bank"), Rate(8, Day(103), "bank")
    table = RateTable([("GBP", monday), ("GBP", friday)])
    told = [table.rate("GBP", Day(day)) for day in (99, 100, 102, 103, 134, 135)]
    assert told == [None, friday, friday, monday, monday, None]


def test_yuan_is_at_par_and_other_currencies_need_a_quote() -> None:
    table = RateTable([])
    assert table.rate("CNY", Day(20_000)) is PAR
    assert table.rate("USD", Day(20_000)) is None
    assert in_cny(Money("CNY", 1_234), PAR) == Money("CNY", 1_234)


@pytest.mark.feature("G9")
def test_no_table_and_no_record_holds_a_float() -> None:
    types = {
        column.type.python_type for table in metadata.tables.values() for column in table.columns
    }
    assert not types & {float, Decimal}
    fields = dataclasses.fields(Record) + dataclasses.fields(Money) + dataclasses.fields(Rate)
    assert not [field.name for field in fields if "float" in str(field.type)]
