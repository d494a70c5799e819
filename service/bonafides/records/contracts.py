"""Decides which currency a platform's records of an enterprise come in.

The currency is fixed by a contract between the two, and what the contract settles
in may be another one (003 T10). The rules:

1. of contracts that cover a day the one that began last is in force; its last day
   is covered;
2. under a contract an amount in any other currency is refused; without one any
   currency is taken, and nothing is settled;
3. the settlement amount is the amount over CNY, at the rates of the record's day,
   rounded once, half-even, and recorded with its rate;
4. a refund follows its transaction, not the contract of its own day: contracts end,
   and what was sold under them is refunded after.

    under_contract(row, contracts, rates)       # a Row, or a Fault CONTRACT_CURRENCY
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bonafides.identity.codes import CodeError, UnifiedCode
from bonafides.instants import Day, from_date
from bonafides.records.ingest import RATE_UNKNOWN, Fault, Row, platform_fault
from bonafides.records.money import SETTLEMENT_CURRENCIES, Money, Rate, RateTable, converted, in_cny

COLUMNS: Final = ("code", "platform", "currency", "from_day", "to_day", "settlement_currency")
REQUIRED_COLUMNS: Final = COLUMNS[:4]

_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_SETTLED_IN: Final = frozenset({"CNY", *SETTLEMENT_CURRENCIES})


@dataclass(frozen=True, slots=True)
class Contract:
    """What currencies hold from a day to a day, both inclusive; `to_day` None: it runs on."""

    code: str
    platform: str
    currency: str
    settlement_currency: str
    from_day: Day
    to_day: Day | None


class ContractTable:
    """Contracts by enterprise and platform."""

    def __init__(self, contracts: Iterable[Contract]) -> None:
        self._contracts: Final[dict[tuple[str, str], list[Contract]]] = {}
        for contract in sorted(contracts, key=lambda each: each.from_day, reverse=True):
            of = self._contracts.setdefault((contract.code, contract.platform), [])
            of.append(contract)

    def __len__(self) -> int:
        return len(self._contracts)

    def in_force(self, code: str, platform: str, day: int) -> Contract | None:
        """Returns the contract of the day; None: there is none."""
        for contract in self._contracts.get((code, platform), ()):
            if contract.from_day <= day and (contract.to_day is None or day <= contract.to_day):
                return contract
        return None


def under_contract(row: Row, contracts: ContractTable, rates: RateTable) -> Row | Fault:
    """Returns the row with what is settled for it, or why its contract refuses it."""
    contract = contracts.in_force(row.code, row.platform, row.day)
    if contract is None or row.void or row.currency is None or row.amount_minor is None:
        return row
    if row.currency != contract.currency:
        return Fault(
            "CONTRACT_CURRENCY",
            f"By contract records come in {contract.currency}; report the amount in it.",
        )
    rate = rate_of(row)
    its_rate = rates.rate(contract.settlement_currency, Day(row.day))
    if rate is None or its_rate is None:
        return RATE_UNKNOWN
    return at_rates(row, rate, contract.settlement_currency, its_rate)


def at_rates(row: Row, rate: Rate, currency: str | None, its_rate: Rate | None) -> Row:
    """Returns the row with its amount at these rates, in CNY and in what is settled.

    `currency` and `its_rate` are those of the settlement; None: nothing is settled.
    """
    if row.currency is None or row.amount_minor is None:
        return row
    amount = Money(row.currency, row.amount_minor)
    settled = None
    if currency is not None and its_rate is not None:
        # Settled in its own currency nothing is exchanged, and two quotes of one
        # currency in one record could only contradict each other.
        its_rate = rate if currency == row.currency else its_rate
        settled = converted(amount, rate, currency, its_rate)
    return row._replace(
        amount_cny_minor=in_cny(amount, rate).minor,
        rate_e12=rate.rate_e12,
        rate_source=rate.source,
        rate_day=rate.day,
        settlement_currency=settled.currency if settled else None,
        settlement_minor=settled.minor if settled else None,
        settlement_rate_e12=its_rate.rate_e12 if settled and its_rate else None,
        settlement_rate_source=its_rate.source if settled and its_rate else None,
        settlement_rate_day=its_rate.day if settled and its_rate else None,
    )


def rate_of(row: Row) -> Rate | None:
    """Returns the rate that is recorded with a row; None: it has no amount."""
    if row.rate_e12 is None or row.rate_day is None or row.rate_source is None:
        return None
    return Rate(row.rate_e12, Day(row.rate_day), row.rate_source)


def settlement_rate_of(row: Row) -> Rate | None:
    """Returns the rate at which a row is settled; None: no contract settles it."""
    if row.settlement_rate_e12 is None or row.settlement_rate_day is None:
        return None
    return Rate(
        row.settlement_rate_e12, Day(row.settlement_rate_day), row.settlement_rate_source or ""
    )


def read_contract(told: Mapping[str, str | None]) -> Contract | Fault:
    """Returns the contract that a row of a file tells of, or why it tells of none.

    Its columns are COLUMNS; days are written YYYY-MM-DD. An empty settlement currency
    is the currency itself.
    """
    try:
        code = UnifiedCode.parse(told["code"] or "")
    except CodeError as refused:
        return Fault("CODE_FAULTY", refused.description)
    platform, currency = told["platform"] or "", told["currency"] or ""
    settled_in = told.get("settlement_currency") or currency
    if fault := platform_fault(platform) or _currency_fault(currency, settled_in):
        return fault
    try:
        from_day = _day(told["from_day"] or "")
        to_day = _day(text) if (text := told.get("to_day")) else None
    except ValueError:
        return Fault("DAY_FAULTY", "A day is written YYYY-MM-DD.")
    if to_day is not None and to_day < from_day:
        return Fault("ORDER_REVERSED", "to_day lies before from_day.")
    return Contract(code.text, platform, currency, settled_in, from_day, to_day)


def _currency_fault(currency: str, settled_in: str) -> Fault | None:
    if not _CURRENCY.fullmatch(currency):
        return Fault("CURRENCY_FAULTY", "A currency is an ISO 4217 code of three capitals.")
    if settled_in not in _SETTLED_IN | {currency}:
        return Fault(
            "SETTLEMENT_CURRENCY",
            f"A contract settles in its own currency or one of {sorted(_SETTLED_IN)}.",
        )
    return None


def _day(text: str) -> Day:
    return from_date(dt.date.fromisoformat(text))
