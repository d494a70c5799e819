"""Amounts and exchange rates, in integers.

An amount is a count of minor units of an ISO 4217 currency. A rate is CNY for one
unit of a currency, times 10**12. The CNY amount of a record is computed once, when
it is taken in, half-even to the fen, with the rate of the record's day or of the
last banking day before; a later table of rates changes no old figure.

    rates.rate("GBP", day)                     # Rate(rate_e12=9_512_345_678_901, ...)
    in_cny(Money("GBP", 1_050), rate)          # Money("CNY", 9988)

The currencies that enterprises abroad are settled in are a table, with the digits
of their minor units. The source (003 G01) counts twelve and names none; these
twelve are the choice of this service.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from bonafides.instants import Day

RATE_SCALE: Final = 10**12
MAX_AMOUNT_MINOR: Final = 10**15
# A thousand yuan for one unit; the dearest currency costs some 24.
MAX_RATE_E12: Final = 10**15
# A rate older than this says nothing about the day: holidays last ten days at most.
MAX_RATE_AGE_DAYS: Final = 31

# What a contract may settle in, beside CNY, with the digits of the minor unit.
SETTLEMENT_CURRENCIES: Final[Mapping[str, int]] = {
    "AUD": 2,
    "CAD": 2,
    "CHF": 2,
    "DKK": 2,
    "EUR": 2,
    "GBP": 2,
    "HKD": 2,
    "JPY": 0,
    "NOK": 2,
    "SEK": 2,
    "SGD": 2,
    "USD": 2,
}

# ISO 4217 currencies whose minor unit is not a hundredth.
_EXPONENTS: Final = {"BHD": 3, "JPY": 0, "KRW": 0, "KWD": 3, "OMR": 3, "TND": 3, "VND": 0}
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of money in minor units."""

    currency: str
    minor: int


@dataclass(frozen=True, slots=True)
class Rate:
    """CNY for one unit of a currency, times 10**12, with the day and source of the quote."""

    rate_e12: int
    day: Day
    source: str


PAR: Final = Rate(RATE_SCALE, Day(0), "par")


def minor_digits(currency: str) -> int:
    """Returns how many decimal digits the currency's minor unit has."""
    return _EXPONENTS.get(currency, 2)


def parse(text: str, currency: str) -> Money:
    """Returns the amount written as a decimal number, such as "-12.50".

    Raises:
        ValueError: not a currency, not a decimal number, finer than the currency's
            minor unit, or beyond 10**15 minor units. The text is not repeated.
    """
    if not _CURRENCY.fullmatch(currency):
        raise ValueError("not an ISO 4217 currency code")
    try:
        scaled = Decimal(text).scaleb(minor_digits(currency))
    except InvalidOperation:
        raise ValueError("not a decimal number") from None
    if not scaled.is_finite() or abs(scaled) > MAX_AMOUNT_MINOR:
        raise ValueError("beyond the range of amounts")
    if scaled != scaled.to_integral_value():
        raise ValueError("finer than the currency's minor unit")
    return Money(currency, int(scaled))


def as_text(amount: Money) -> str:
    """Returns the amount as people write it, such as "12.50 GBP"."""
    digits = minor_digits(amount.currency)
    return f"{Decimal(amount.minor).scaleb(-digits):.{digits}f} {amount.currency}"


def in_cny(amount: Money, rate: Rate) -> Money:
    """Returns the amount in CNY, rounded half-even to the fen."""
    if rate is PAR and amount.currency == "CNY":
        return amount
    return converted(amount, rate, "CNY", PAR)


def converted(amount: Money, rate: Rate, currency: str, its_rate: Rate) -> Money:
    """Returns the amount in another currency, over CNY, rounded once, half-even.

    `rate` is that of the amount's currency, `its_rate` that of the other one.
    """
    numerator = amount.minor * rate.rate_e12 * 10 ** minor_digits(currency)
    denominator = its_rate.rate_e12 * 10 ** minor_digits(amount.currency)
    return Money(currency, _divide_half_even(numerator, denominator))


class RateTable:
    """Rates by currency and day. CNY is always at par."""

    def __init__(self, quotes: Iterable[tuple[str, Rate]]) -> None:
        self._quotes: Final[dict[str, _Series]] = {}
        for currency, rate in sorted(quotes, key=lambda quote: (quote[0], quote[1].day)):
            series = self._quotes.setdefault(currency, _Series([], []))
            series.days.append(rate.day)
            series.rates.append(rate)

    def rate(self, currency: str, day: Day) -> Rate | None:
        """Returns the rate of the day, or of the last banking day before.

        None: the currency is not in the table, or its last quote is more than
        31 days older than the day.
        """
        if currency == "CNY":
            return PAR
        series = self._quotes.get(currency)
        if series is None:
            return None
        position = bisect_right(series.days, day)
        if position == 0 or day - series.days[position - 1] > MAX_RATE_AGE_DAYS:
            return None
        return series.rates[position - 1]


@dataclass(frozen=True, slots=True)
class _Series:
    """The quotes of one currency by ascending day: days and rates, side by side."""

    days: list[Day]
    rates: list[Rate]


def _divide_half_even(numerator: int, denominator: int) -> int:
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient % 2):
        return quotient + 1
    return quotient
