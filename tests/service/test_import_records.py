"""The import commands as operators give them: records and exchange rates."""

from __future__ import annotations

import csv
import datetime as dt
import json
import resource
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from currency_converter import CurrencyConverter
from typer.testing import CliRunner, Result

from bonafides.identity.codes import UnifiedCode
from bonafides.instants import Day, from_date, to_date
from bonafides.storage import records as record_rows
from bonafides.storage.tables import record, rollup_day
from bonafides.storage.unit_of_work import Store
from scripts import import_records, load_rates
from tests import builders

_CODE = builders.code().text
_HEADING = "id,store,ordered,buyer,price,state"
_MAPPING = """
dataset = "shop"
last_record = "SELECT max(TRY_CAST(ordered AS TIMESTAMP)) FROM orders"

[[records]]
kind = "transaction"
from = "orders.csv"
where = "state <> 'test'"

[records.columns]
record_id = "id"
store_id = "store"
occurred_at = "ordered"
buyer = "buyer"
amount = "price"
currency = "'CNY'"
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the commands work on a database of this test alone."""
    monkeypatch.setenv("BONAFIDES_DATA_DIR", str(tmp_path / "kept"))
    monkeypatch.delenv("BONAFIDES_DATABASE_URL", raising=False)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder of orders, two of them good, with its mapping and links beside it."""
    folder = tmp_path / "shop"
    folder.mkdir()
    orders(folder, "t1,s1,2026-09-01 10:00:00,b1,19.90,paid")
    (tmp_path / "shop.toml").write_text(_MAPPING, encoding="utf-8")
    links = f"dataset,store_id,platform,code\nshop,s1,1688,{_CODE}\n"
    (tmp_path / "links.csv").write_text(links, encoding="utf-8")
    return folder


def orders(folder: Path, *lines: str) -> None:
    """Writes the orders anew: the lines, and one of a known day that ends the data set."""
    last = "t9,s1,2026-09-03 20:00:00,b1,5,paid"
    (folder / "orders.csv").write_text("\n".join([_HEADING, *lines, last, ""]), encoding="utf-8")


def imported(shop: Path, *options: str) -> Result:
    """Imports the shop's orders."""
    beside = shop.parent
    arguments = [str(beside / "shop.toml"), str(shop), "--links", str(beside / "links.csv")]
    return CliRunner().invoke(import_records.app, [*arguments, *options])


def told(result: Result) -> dict[str, Any]:
    """Returns the summary that a command prints with --json."""
    assert result.exit_code == 0, result.output
    summary: dict[str, Any] = json.loads(result.stdout)
    return summary


def stored(folder: Path) -> list[Any]:
    """Returns the log by record id."""
    store = Store(f"sqlite:///{folder.parent / 'kept' / 'bonafides.db'}")
    with store.reading() as work:
        rows = list(work.execute(sa.select(record).order_by(record.c.record_id)).all())
    store.close()
    return rows


def test_import_stores_folds_and_tells(shop: Path) -> None:
    summary = told(imported(shop, "--end-day", "2026-10-31", "--json"))
    assert summary["read"] == summary["accepted"] == 2
    assert (summary["refused"], summary["end_day"]) == ({}, "2026-10-31")
    first, last = stored(shop)
    assert (first.code, first.platform, first.amount_cny_minor) == (_CODE, "1688", 1_990)
    assert (to_date(Day(first.day)), to_date(Day(last.day))) == (
        dt.date(2026, 10, 29),
        dt.date(2026, 10, 31),
    )
    store = Store(f"sqlite:///{shop.parent / 'kept' / 'bonafides.db'}")
    # What is sold in a store that nobody is said to have counts for nobody.
    assert counted(store) is None
    sold = builders.transaction(of=UnifiedCode.parse(_CODE), store_id="s1")
    builders.link_stores(store, [sold])
    assert counted(store) == 2
    store.close()


def counted(store: Store) -> int | None:
    """Returns how many transactions are folded."""
    with store.reading() as work:
        found = work.execute(sa.select(sa.func.sum(rollup_day.c.transactions))).scalar_one()
    return None if found is None else int(found)


@pytest.mark.feature("G1")
def test_repeated_import_changes_nothing_and_keeps_the_days_of_the_first(shop: Path) -> None:
    told(imported(shop, "--end-day", "2026-10-31", "--json"))
    before = stored(shop)
    summary = told(imported(shop, "--json"))
    assert (summary["accepted"], summary["replayed"], summary["refused"]) == (0, 2, {})
    assert summary["end_day"] == "2026-10-31"
    assert stored(shop) == before


def test_data_set_ends_yesterday_unless_told_otherwise(shop: Path) -> None:
    summary = told(imported(shop, "--json"))
    shanghai = dt.timezone(dt.timedelta(hours=8))
    yesterday = dt.datetime.now(shanghai).date() - dt.timedelta(days=1)
    # A test that runs over midnight sees the day before.
    assert dt.date.fromisoformat(summary["end_day"]) in {yesterday, yesterday - dt.timedelta(1)}


def test_refused_rows_go_to_a_file_with_the_reason_and_the_rest_is_stored(shop: Path) -> None:
    orders(
        shop,
        "t1,s1,2026-09-01 10:00:00,b-secret,19.90,paid",
        "t2,s1,2026-09-01 10:00:00,b-secret,0,paid",
        "t3,s2,2026-09-01 10:00:00,b-secret,1,paid",
        "=t4,s1,2026-09-01 10:00:00,b-secret,1.001,paid",
        "t5,s1,soon,b-secret,1,paid",
        "t6,s1,2026-09-01 10:00:00,b-secret,1,test",
    )
    rejects = shop.parent / "rejects.csv"
    summary = told(imported(shop, "--rejects", str(rejects), "--json"))
    assert (summary["read"], summary["accepted"]) == (6, 2)
    with rejects.open(encoding="utf-8", newline="") as opened:
        rows = [(row["record_id"], row["reason"]) for row in csv.DictReader(opened)]
    assert sorted(rows) == [
        ("'=t4", "AMOUNT_FAULTY"),
        ("t2", "AMOUNT_NOT_POSITIVE"),
        ("t3", "STORE_NOT_LINKED"),
        ("t5", "FIELD_UNREADABLE"),
    ]
    assert "b-secret" not in rejects.read_text(encoding="utf-8")
    assert [row.record_id for row in stored(shop)] == ["t1", "t9"]


def test_dry_run_says_what_would_be_refused_and_stores_nothing(shop: Path) -> None:
    told(imported(shop, "--end-day", "2026-10-31", "--json"))
    orders(
        shop,
        "t1,s1,2026-09-01 10:00:00,b1,20.00,paid",
        "t2,s1,2026-09-01 10:00:00,b1,1,paid",
        "t2,s1,2026-09-01 10:00:00,b1,2,paid",
        "t3,s1,2026-09-01 10:00:00,b1,-1,paid",
    )
    before = stored(shop)
    shown = imported(shop, "--dry-run")
    summary = told(imported(shop, "--dry-run", "--json"))
    assert stored(shop) == before
    assert (summary["accepted"], summary["replayed"], summary["rejects"]) == (1, 1, None)
    assert summary["refused"] == {"AMOUNT_NOT_POSITIVE": 1, "REVISION_CONFLICT": 2}
    assert summary["examples"]["REVISION_CONFLICT"] == ["transaction t1", "transaction t2"]
    assert "would be refused" in shown.stdout
    assert "AMOUNT_NOT_POSITIVE" in shown.stdout


def test_dry_run_of_a_first_import_fixes_no_day(shop: Path) -> None:
    told(imported(shop, "--end-day", "2026-10-30", "--dry-run", "--json"))
    summary = told(imported(shop, "--end-day", "2026-10-31", "--json"))
    assert (summary["accepted"], summary["end_day"]) == (2, "2026-10-31")


def test_one_batch_after_the_other_is_taken_in(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bonafides.records.bulk.BATCH_ROWS", 3)
    orders(shop, *(f"t1{n},s1,2026-09-01 10:00:00,b{n},1,paid" for n in range(10)))
    assert told(imported(shop, "--json"))["accepted"] == 11


@pytest.mark.parametrize(
    ("mapping", "fault"),
    [
        (_MAPPING.replace('"price"', '"prize"'), "prize"),
        (_MAPPING.replace("transaction", "order"), "kind"),
        (_MAPPING.replace("FROM orders", "FROM orders WHERE false"), "finds no instant"),
    ],
)
def test_mapping_that_fits_no_file_ends_with_one_and_says_why(
    shop: Path, mapping: str, fault: str
) -> None:
    (shop.parent / "shop.toml").write_text(mapping, encoding="utf-8")
    result = imported(shop)
    assert result.exit_code == 1
    assert fault in result.stderr


def test_links_that_are_wanted_and_not_given_end_with_one(shop: Path) -> None:
    arguments = [str(shop.parent / "shop.toml"), str(shop)]
    result = CliRunner().invoke(import_records.app, arguments)
    assert result.exit_code == 1
    assert "--links" in result.stderr


def test_wrong_usage_ends_with_two(shop: Path) -> None:
    assert imported(shop, "--end-day", "tomorrow").exit_code == 2
    assert CliRunner().invoke(import_records.app, ["no-such.toml", str(shop)]).exit_code == 2
    assert CliRunner().invoke(load_rates.app, []).exit_code == 2


def test_import_of_ten_thousands_of_rows_stays_in_bounds(shop: Path) -> None:
    orders(shop, *(f"a{n:06d},s1,2026-09-01 10:00:00,b{n},1,paid" for n in range(30_000)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert told(imported(shop, "--json"))["accepted"] == 30_001
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 300_000


@pytest.mark.feature("G2")
def test_rates_of_a_file_are_loaded_to_the_twelfth_digit(shop: Path) -> None:
    file = shop.parent / "rates.csv"
    lines = [
        "currency,date,rate,source",
        "GBP,2026-10-30,9.1234567890125,bank",
        "USD,2026-10-30,7.1,bank",
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    result = CliRunner().invoke(load_rates.app, [str(file), "--json"])
    assert json.loads(result.stdout) == {"currencies": ["GBP", "USD"], "loaded": 2}
    assert rate(shop, "GBP", dt.date(2026, 11, 1)) == 9_123_456_789_012
    file.write_text(lines[0] + "\nGBP,2026-10-30,9.2,bank\n", encoding="utf-8")
    assert CliRunner().invoke(load_rates.app, [str(file)]).exit_code == 0
    assert rate(shop, "GBP", dt.date(2026, 11, 1)) == 9_200_000_000_000


@pytest.mark.parametrize(
    "line",
    ["GBP,2026-10-30,-1,b", "GBP,2026-10-30,x,b", "gbp,2026-10-30,1,b", "GBP,soon,1,b", "GBP"],
)
def test_line_that_is_no_rate_is_named_and_nothing_is_loaded(shop: Path, line: str) -> None:
    file = shop.parent / "rates.csv"
    file.write_text(f"currency,date,rate,source\nUSD,2026-10-30,7.1,b\n{line}\n", encoding="utf-8")
    result = CliRunner().invoke(load_rates.app, [str(file)])
    assert result.exit_code == 1
    assert "line 3" in result.stderr


@pytest.mark.feature("G2")
def test_rates_of_the_central_bank_are_those_of_its_table(shop: Path) -> None:
    result = CliRunner().invoke(load_rates.app, ["--ecb", "--currency", "GBP"])
    assert result.exit_code == 0
    monday = dt.date(2018, 1, 15)
    ecb: Any = CurrencyConverter(decimal=True)  # type: ignore[no-untyped-call]  # ships no types
    yuan, pounds = (Decimal(ecb.convert(1, "EUR", unit, date=monday)) for unit in ("CNY", "GBP"))
    expected = int((yuan / pounds * 10**12).quantize(Decimal(1), ROUND_HALF_EVEN))
    assert rate(shop, "GBP", monday) == expected
    assert rate(shop, "GBP", monday - dt.timedelta(days=1)) == rate(
        shop, "GBP", monday - dt.timedelta(days=3)
    )


def test_currency_that_the_central_bank_does_not_quote_is_named(shop: Path) -> None:
    result = CliRunner().invoke(load_rates.app, ["--ecb", "--currency", "XAU"])
    assert result.exit_code == 1
    assert "XAU" in result.stderr
    assert shop.exists()


def rate(shop: Path, currency: str, date: dt.date) -> int | None:
    """Returns the stored rate of the day."""
    store = Store(f"sqlite:///{shop.parent / 'kept' / 'bonafides.db'}")
    with store.reading() as work:
        known = record_rows.rate_table(work).rate(currency, from_date(date))
    store.close()
    return known.rate_e12 if known else None
