"""Reconciliation: statements whose totals are the log's, and how enterprises stand."""

from __future__ import annotations

import csv
import json
import re
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from bonafides.instants import DAY, Instant, to_date
from bonafides.personal.sealing import Vault
from bonafides.records import operations
from bonafides.records.kinds import Kind, Record, RefundState
from bonafides.records.money import Money
from bonafides.records.reconciliation import harmless
from bonafides.storage.tables import (
    counter,
    platform_contract,
    record,
    refund_flag,
    rollup_buyer,
    rollup_day,
    unmatched_refund,
)
from bonafides.storage.unit_of_work import Store
from scripts import load_contracts, reconcile
from tests import builders
from tests.searching import examples

_VAULT = Vault(bytes(range(32)), "sandbox")
_FOLDED = (record, rollup_day, rollup_buyer, unmatched_refund, refund_flag, counter)
_TODAY = to_date(builders.TODAY).isoformat()


@pytest.fixture(autouse=True)
def _here(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the commands work on the store of this test."""
    monkeypatch.setenv("BONAFIDES_DATA_DIR", str(tmp_path / "kept"))
    monkeypatch.setenv("BONAFIDES_DATABASE_URL", database_url)


def sale(record_id: str, minor: int = 10_000, currency: str = "USD", **changes: Any) -> Record:
    """Returns a transaction of today."""
    told = {"amount": Money(currency, minor), "occurred_at": builders.NOW}
    return builders.transaction(record_id, **{**told, **changes})


def refund(record_id: str, minor: int = 1_000, of: str = "t1", **changes: Any) -> Record:
    """Returns a refund of today."""
    told = {"kind": Kind.REFUND, "buyer": None, "original_id": of}
    return sale(record_id, minor, **{**told, **changes})


def take_in(store: Store, *records: Record) -> None:
    """Takes records in and folds them."""
    operations.ingest(store, _VAULT, builders.rates(), records, now=builders.NOW)
    while operations.fold(store, now=builders.NOW).folded:
        pass


def run(*options: str) -> Result:
    """Runs the command for the builders' platform."""
    return CliRunner().invoke(reconcile.app, ["--platform", builders.PLATFORM, *options])


def told(*options: str) -> Any:
    """Returns what the command prints with --json."""
    result = run(*options, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def cells(file: str) -> list[dict[str, str]]:
    """Returns the lines of a statement."""
    with Path(file).open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


_sales = st.builds(
    sale,
    st.sampled_from(["t1", "t2", "t3"]),
    st.integers(1, 10**6),
    st.sampled_from(["USD", "GBP", "CNY"]),
    code=st.sampled_from([builders.code(1), builders.code(2)]),
    revision=st.integers(1, 3),
    void=st.sampled_from([False, False, True]),
    occurred_at=st.sampled_from([builders.NOW, Instant(builders.NOW - DAY)]),
)
_refunds = st.builds(
    refund,
    st.sampled_from(["r1", "r2", "r3"]),
    st.integers(1, 10**5),
    st.sampled_from(["t1", "t2", "t9"]),
    code=st.sampled_from([builders.code(1), builders.code(2)]),
    refund_state=st.sampled_from([None, *RefundState]),
)


@pytest.mark.feature("G8")
@settings(
    max_examples=examples(20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(log=st.lists(st.one_of(_sales, _refunds), max_size=20))
def test_totals_of_statements_are_those_of_the_log_and_of_the_statistics(
    store: Store, log: list[Record]
) -> None:
    with store.writing() as work:
        for emptied in _FOLDED:
            work.execute(emptied.delete())
        work.commit()
    take_in(store, *log)
    written = told("--day", _TODAY)["statements"]
    sums: Counter[tuple[str, str, str]] = Counter()
    fen: Counter[tuple[str, str]] = Counter()
    for row in _standing(store):
        pending = row.refund_state in {"submitted", "waiting"}
        line = "refund_pending" if pending else row.kind
        sums[row.code, line, row.currency] += row.amount_minor
        fen[row.code, line] += row.amount_cny_minor
    assert sums == Counter(
        {
            (each["code"], total["line"], total["currency"]): total["amount_minor"]
            for each in written
            for total in each["totals"]
        }
    )
    for each in written:
        lines = cells(each["file"])
        for kind in ("transaction", "refund", "refund_pending"):
            items = [int(line["amount_cny_minor"]) for line in lines if line["line"] == kind]
            footer = [line for line in lines if line["line"] == f"total_{kind}"]
            assert sum(items) == sum(int(line["amount_cny_minor"]) for line in footer)
            assert sum(items) == fen[each["code"], kind]
            assert len(items) == sum(int(line["records"]) for line in footer)
    with store.reading() as work:
        for row in work.execute(sa.select(rollup_day).where(rollup_day.c.day == builders.TODAY)):
            assert row.amount_cny_minor == fen[row.code, "transaction"]
            assert row.refund_cny_minor == fen[row.code, "refund"]


def _standing(store: Store) -> list[Any]:
    with store.reading() as work:
        rows = work.execute(sa.select(record).order_by(record.c.revision)).all()
    latest = {(row.code, row.kind, row.record_id): row for row in rows}
    return [row for row in latest.values() if not row.void and row.day == builders.TODAY]


@pytest.mark.feature("G8")
def test_statement_is_one_file_for_each_enterprise_with_rates_and_flags(store: Store) -> None:
    other = builders.code(2)
    take_in(store, refund("r0", 1, of="t9"), sale("t1"), refund("r1"), sale("t1", code=other))
    both = told("--day", _TODAY)["statements"]
    assert [each["code"] for each in both] == sorted([builders.code().text, other.text])
    (mine,) = told("--day", _TODAY, "--code", builders.code().text)["statements"]
    assert stat.S_IMODE(Path(mine["file"]).stat().st_mode) == 0o600
    lines = {line["record_id"]: line for line in cells(mine["file"]) if line["record_id"]}
    assert {name: lines[name]["flags"] for name in lines} == {"r0": "unmatched", "r1": "", "t1": ""}
    assert (lines["t1"]["rate_source"], lines["t1"]["rate_e12"]) == ("made up", "7100000000000")
    assert lines["r1"]["original_id"] == "t1"
    # As a word: a digest may hold the two letters.
    assert not re.search(r"\bb1\b", Path(mine["file"]).read_text(encoding="utf-8"))
    assert told("--day", "2020-01-01") == {"statements": []}


@pytest.mark.feature("G8")
def test_cell_of_a_statement_is_no_formula(store: Store) -> None:
    take_in(store, sale("=1+1"), refund("@r", of="=1+1"))
    (mine,) = told("--day", _TODAY)["statements"]
    ids = [(line["record_id"], line["original_id"]) for line in cells(mine["file"])]
    assert ids[:2] == [("'@r", "'=1+1"), ("'=1+1", "")]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"])
def test_sign_of_a_formula_is_disarmed(sign: str) -> None:
    assert harmless(f"{sign}1") == f"'{sign}1"
    assert [harmless(cell) for cell in ("1", None, 12)] == ["1", "", "12"]


@pytest.mark.feature("G7")
@pytest.mark.feature("G8")
def test_status_tells_of_each_enterprise_what_is_pending_and_flagged(store: Store) -> None:
    take_in(
        store,
        sale("t1"),
        sale("t2", 100, "CNY", occurred_at=Instant(builders.NOW - DAY)),
        refund("r1", 1_000),
        refund("r2", 2_000, refund_state=RefundState.WAITING),
        refund("r3", 100, of="t9"),
        sale("t1", code=builders.code(2)),
    )
    mine, other = sorted(told("--status")["enterprises"], key=lambda each: -len(each["lines"]))
    assert mine["lines"] == {
        "transaction": {"records": 2, "amount_cny_minor": 71_100},
        "refund": {"records": 2, "amount_cny_minor": 7_810},
        "refund_pending": {"records": 1, "amount_cny_minor": 14_200},
    }
    assert (mine["flags"], mine["last_day"], other["flags"]) == ({"unmatched": 1}, _TODAY, {})
    yesterday = to_date(builders.TODAY).replace(day=31, month=10).isoformat()
    (of_the_day,) = told("--status", "--day", yesterday)["enterprises"]
    assert of_the_day["lines"] == {"transaction": {"records": 1, "amount_cny_minor": 100}}
    assert of_the_day["flags"] == {}
    (of_today,) = told("--status", "--day", _TODAY, "--code", mine["code"])["enterprises"]
    assert of_today["flags"] == {"unmatched": 1}
    shown = run("--status").stdout
    assert mine["code"] in shown
    assert "711.00 CNY" in shown


def test_statement_is_shown_to_people_too(store: Store) -> None:
    take_in(store, sale("t1"))
    result = run("--day", _TODAY)
    assert result.exit_code == 0
    assert "100.00 USD" in result.stdout


@pytest.mark.parametrize("options", [[], ["--day", "today"], ["--status", "--code", "1"]])
def test_wrong_usage_of_reconcile_ends_with_two(options: list[str]) -> None:
    assert run(*options).exit_code == 2


# --- Contracts ---------------------------------------------------------------------------

_CONTRACTS = "code,platform,currency,from_day,to_day,settlement_currency,note\n"


def contracts(*lines: str) -> list[Any]:
    """Returns the stored contracts after loading a file of the lines."""
    file = Path("contracts.csv")
    file.write_text(_CONTRACTS + "\n".join([*lines, ""]), encoding="utf-8")
    return [CliRunner().invoke(load_contracts.app, [str(file), "--json"])]


@pytest.mark.feature("G3")
def test_loaded_contract_fixes_the_currency_of_what_is_reported_from_then_on(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    take_in(store, sale("t0", currency="GBP"))
    lines = [
        f"{builders.code().text},1688,USD,2026-01-01,,CNY,x",
        f"{builders.code().text},taobao,usd,2026-01-01,,,",
    ]
    (result,) = contracts(*lines)
    assert result.exit_code == 1
    loaded = json.loads(result.stdout)
    assert (loaded["loaded"], [each["row"] for each in loaded["refused"]]) == (1, [2])
    report = operations.ingest(
        store,
        _VAULT,
        builders.rates(),
        [sale("t1", currency="GBP"), sale("t2"), refund("r1", 10_000, of="t2")],
        now=builders.NOW,
    )
    assert [(one.index, one.reason) for one in report.rejected] == [(0, "CONTRACT_CURRENCY")]
    assert "USD" in report.rejected[0].description
    with store.reading() as work:
        settled = work.execute(
            sa.select(record.c.record_id, record.c.settlement_minor).order_by(record.c.record_id)
        )
        assert [tuple(row) for row in settled] == [("r1", 71_000), ("t0", None), ("t2", 71_000)]
    replayed = operations.ingest(
        store,
        _VAULT,
        builders.rates(),
        [sale("t0", currency="GBP"), sale("t0", 1, "GBP"), *[sale("t9", currency="GBP")] * 2],
        now=builders.NOW,
    )
    assert (replayed.accepted, replayed.replayed) == (0, 1)
    assert [one.reason for one in replayed.rejected] == [
        "REVISION_CONFLICT",
        "CONTRACT_CURRENCY",
        "CONTRACT_CURRENCY",
    ]
    (again,) = contracts(f"{builders.code().text},1688,GBP,2026-01-01,2026-12-31,,")
    assert again.exit_code == 0
    with store.reading() as work:
        (row,) = work.execute(sa.select(platform_contract)).all()
    assert (row.currency, row.settlement_currency, row.to_day is None) == ("GBP", "GBP", False)


@pytest.mark.feature("G3")
def test_contracts_come_from_parquet_and_a_dry_run_stores_none(
    store: Store, tmp_path: Path
) -> None:
    file = tmp_path / "contracts.parquet"
    with duckdb.connect() as writer:
        writer.execute(
            f"COPY (SELECT '{builders.code().text}' AS code, '1688' AS platform,"
            f" 'USD' AS currency, DATE '2026-01-01' AS from_day) TO '{file}' (FORMAT parquet)"
        )
    result = CliRunner().invoke(load_contracts.app, [str(file), "--dry-run"])
    assert (result.exit_code, result.stdout) == (0, "Would load 1 contracts.\n")
    with store.reading() as work:
        assert work.execute(sa.select(platform_contract)).all() == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "code,platform\n1,2\n"),
        ("a.csv", "code,code\n1,2\n"),
        ("a.csv", "code,platform,currency,from_day\n1,2\n"),
        ("a.parquet", "x"),
        ("a.txt", "x"),
    ],
)
def test_file_that_holds_no_contracts_is_not_loaded(
    store: Store, tmp_path: Path, name: str, text: str
) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(load_contracts.app, [str(file)])
    assert result.exit_code == 1
    assert "Not loaded" in result.stderr
    with store.reading() as work:
        assert work.execute(sa.select(platform_contract)).all() == []
