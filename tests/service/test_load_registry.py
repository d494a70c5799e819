"""Loading registry files: what is stored, what is refused, and that nothing leaks."""

from __future__ import annotations

import csv
import datetime as dt
import json
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from bonafides.archive.facts import Change, OperatingState, Shareholder
from bonafides.identity.registry import (
    COLUMNS,
    MAX_ROW_CHARACTERS,
    RowError,
    operating_state,
    read_row,
)
from bonafides.instants import DAY, Instant, from_date
from bonafides.personal.sealing import Place, Vault, WrappedKey
from bonafides.records.money import Money
from bonafides.storage import registry as registry_rows
from bonafides.storage import tables
from bonafides.storage.unit_of_work import Store
from scripts.load_registry import app, read_file
from scripts.table_files import Report, write_rejects
from tests import builders

_CODE = builders.code()
_PERSONAL = (builders.ID_NUMBER, builders.PERSON)


@pytest.fixture
def live_store(tmp_path: Path) -> Iterator[Store]:
    """The store that the command makes in the data folder."""
    store = Store(f"sqlite:///{tmp_path / 'data' / 'bonafides.db'}")
    store.migrate()
    yield store
    store.close()


def _file(folder: Path, *table: Mapping[str, str]) -> Path:
    path = folder / "registry.csv"
    with path.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(
            opened, sorted({column for row in table for column in row}), lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(table)
    return path


def _load(path: Path, store: Store, vault: Vault, *, now: Instant = builders.NOW) -> Report:
    return read_file(path, now=now, store=store, vault=vault)


def _entry(store: Store, code: str = _CODE.text) -> registry_rows.RegistryEntry:
    with store.reading() as work:
        found = registry_rows.find_entry(work, code)
    assert found is not None
    return found


def _reasons(report: Report) -> list[tuple[str, str]]:
    return [(each.place, each.reason) for each in report.refused]


def _run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


@pytest.mark.feature("C1", "C3")
def test_a_row_is_stored_with_every_column_it_has(
    store: Store, vault: Vault, tmp_path: Path
) -> None:
    holder = {
        "title": "测三四",
        "is_person": True,
        "subscribed": {"currency": "CNY", "minor": 5},
        "subscribed_by": "2034-05-06",
        "paid": {"currency": "CNY", "minor": 3},
        "paid_on": "2024-05-06",
        "share_ppm": 333_333,
    }
    change = {"date": "2024-05-06", "item": "法定代表人变更", "before": "测五六", "after": "测一二"}
    row = builders.registry_row(shareholders=json.dumps([holder]), changes=json.dumps([change]))
    report = _load(_file(tmp_path, row), store, vault)
    entry = _entry(store)
    assert (report.read, report.loaded, report.refused) == (1, 1, [])
    assert entry.registration == builders.registration()
    held = Shareholder(
        "测三四",
        is_person=True,
        subscribed=Money("CNY", 5),
        subscribed_by=from_date(dt.date(2034, 5, 6)),
        paid=Money("CNY", 3),
        paid_on=from_date(dt.date(2024, 5, 6)),
        share_ppm=333_333,
    )
    assert entry.shareholders == (held,)
    changed = Change(from_date(dt.date(2024, 5, 6)), "法定代表人变更", "测五六", "测一二")
    assert entry.changes == (changed,)
    assert entry.retrieved_at == builders.NOW - 2 * DAY
    assert set(row) == set(COLUMNS)


@pytest.mark.feature("C1")
def test_the_row_as_it_came_is_kept_sealed(store: Store, vault: Vault, tmp_path: Path) -> None:
    row = builders.registry_row() | {"another column": "kept"}
    _load(_file(tmp_path, row), store, vault)
    subject = f"registry/{_CODE.text}"
    with store.reading() as work:
        sealed = work.execute(sa.select(tables.registry.c.raw_sealed)).scalar_one()
        wrapped = work.execute(sa.select(tables.subject_key.c.wrapped)).scalar_one()
    key = vault.unwrap(subject, WrappedKey(wrapped))
    assert json.loads(vault.open(key, Place("registry", subject, "raw"), sealed)) == {
        column: value or None for column, value in row.items()
    }


def test_loading_again_replaces_the_row_and_keeps_its_key(
    store: Store, vault: Vault, tmp_path: Path
) -> None:
    first = builders.registry_row(title="旧名公司")
    _load(_file(tmp_path, first), store, vault)
    with store.reading() as work:
        keys = work.execute(sa.select(tables.subject_key)).all()
    _load(_file(tmp_path, builders.registry_row()), store, vault)
    assert _entry(store).registration == builders.registration()
    with store.reading() as work:
        assert work.execute(sa.select(tables.subject_key)).all() == keys


def test_a_row_retrieved_earlier_replaces_nothing(
    store: Store, vault: Vault, tmp_path: Path
) -> None:
    _load(_file(tmp_path, builders.registry_row()), store, vault)
    stale = builders.registry_row(title="旧名公司", retrieved_at="2020-01-01T00:00:00+08:00")
    _load(_file(tmp_path, stale), store, vault)
    assert _entry(store).registration.title == builders.registration().title


def test_of_two_rows_with_one_code_the_later_one_counts(
    store: Store, vault: Vault, tmp_path: Path
) -> None:
    rows = [builders.registry_row(title=title) for title in ("旧名公司", "新名公司")]
    assert _load(_file(tmp_path, *rows), store, vault).loaded == 2
    assert _entry(store).registration.title == "新名公司"


def test_bad_rows_are_refused_with_their_reason_and_the_rest_is_loaded(
    store: Store, vault: Vault, tmp_path: Path
) -> None:
    bad = [
        {"code": "9199"},
        {"code": "990000000000018"},
        {"code": builders.ID_NUMBER},
        {"title": " "},
        {"established": "2016-02-30"},
        {"capital": "a lot"},
        {"capital": "-1"},
        {"capital_currency": "yuan"},
        {"shareholders": "{"},
        {"shareholders": '[{"title": "测", "is_person": true, "share_ppm": 1000001}]'},
        {"shareholders": '[{"title": "测", "is_person": true, "paid_on": "2026-02-30"}]'},
        {
            "shareholders": '[{"title": "测", "is_person": true,'
            ' "paid": {"currency": "CNY", "minor": -1}}]'
        },
        {"changes": '[{"date": "yesterday", "item": "x"}]'},
        {"retrieved_at": ""},
        {"retrieved_at": "2027-01-01T00:00:00+08:00"},
    ]
    table = [builders.registry_row() | changes for changes in bad]
    good = builders.registry_row(builders.code(2))
    report = _load(_file(tmp_path, *table, good), store, vault)
    assert [reason for _, reason in _reasons(report)] == [
        "LENGTH",
        "OLD_REGISTRATION_NUMBER",
        "OUT_OF_SCOPE",
        "REQUIRED",
        "DATE",
        "CAPITAL",
        "CAPITAL",
        "CAPITAL",
        "SHAREHOLDERS",
        "SHAREHOLDERS",
        "SHAREHOLDERS",
        "SHAREHOLDERS",
        "CHANGES",
        "RETRIEVED_AT",
        "RETRIEVED_AT",
    ]
    assert [place for place, _ in _reasons(report)] == [f"row {row}" for row in range(1, 16)]
    assert report.loaded == 1
    assert _entry(store, builders.code(2).text).registration == builders.registration()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"business_scope": "营" * MAX_ROW_CHARACTERS}, "LENGTH"),
        ({"another column": "x" * MAX_ROW_CHARACTERS}, "LENGTH"),
        ({"title": "名" * 201}, "REQUIRED"),
        ({"representative": "甲、乙", "representative_id_number": "1、2、3"}, "REPRESENTATIVES"),
        ({"representative": "、" * 50, "representative_id_number": ""}, "REPRESENTATIVES"),
    ],
    ids=["a long value", "a long column of no name", "title", "numbers", "representatives"],
)
def test_row_beyond_any_registration_is_refused(changes: dict[str, str], reason: str) -> None:
    with pytest.raises(RowError) as refused:
        read_row(builders.registry_row() | changes, now=builders.NOW)
    assert refused.value.reason == reason


def test_lines_that_are_no_rows_are_refused_by_their_line(
    store: Store, vault: Vault, tmp_path: Path
) -> None:
    path = _file(tmp_path, builders.registry_row())
    with path.open("a", encoding="utf-8") as opened:
        opened.write("too,few\n" + "too many," * 20 + '\nunclosed,"\n')
    report = _load(path, store, vault)
    assert report.loaded == 1
    assert _reasons(report) == [(f"line {line}", "MALFORMED") for line in (3, 4, 5)]


def test_a_byte_order_mark_is_no_part_of_the_first_column(
    store: Store, vault: Vault, tmp_path: Path
) -> None:
    path = _file(tmp_path, builders.registry_row())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert _load(path, store, vault).loaded == 1


def test_a_file_in_another_encoding_is_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "registry.csv"
    path.write_bytes("code,title,retrieved_at,名称\n".encode("gbk"))
    exit_code, output = _run(str(path), "--dry-run")
    assert exit_code == 1
    assert "can't be read as CSV in UTF-8" in " ".join(output.split())


def test_batches_number_their_rows_through(store: Store, vault: Vault, tmp_path: Path) -> None:
    table = [builders.registry_row(builders.code(number)) for number in range(1_001)]
    report = _load(_file(tmp_path, *table, builders.registry_row(code="1")), store, vault)
    assert (report.read, report.loaded) == (1_002, 1_001)
    assert _reasons(report) == [("row 1002", "LENGTH")]


def test_an_individual_business_has_neither_capital_nor_shareholders(
    store: Store, vault: Vault, tmp_path: Path
) -> None:
    of = builders.code(department_and_type="92")
    holders = json.dumps([{"title": "测三四", "is_person": True}])
    _load(_file(tmp_path, builders.registry_row(of, shareholders=holders)), store, vault)
    entry = _entry(store, of.text)
    assert entry.registration.registered_capital is None
    assert entry.shareholders == ()


def test_characters_that_cannot_be_shown_are_marked_and_refuse_nothing(
    store: Store, vault: Vault, tmp_path: Path
) -> None:
    row = builders.registry_row(registered_address="九九市\ue056路\n1号")
    _load(_file(tmp_path, row), store, vault)
    assert _entry(store).registration.registered_address == "九九市\ufffd路 1号"


@pytest.mark.feature("A6")
@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("存续", OperatingState.IN_BUSINESS),
        ("存续（在营、开业、在册）", OperatingState.IN_BUSINESS),
        ("在业", OperatingState.IN_BUSINESS),
        ("in_business", OperatingState.IN_BUSINESS),
        ("迁出", OperatingState.MOVED),
        ("歇业", OperatingState.SUSPENDED),
        ("清算中", OperatingState.IN_LIQUIDATION),
        ("已注销", OperatingState.DEREGISTERED),
        ("注销企业", OperatingState.DEREGISTERED),
        ("吊销,未注销", OperatingState.REVOKED),
        ("吊销，已注销", OperatingState.REVOKED),
        ("撤销", OperatingState.ANNULLED),
        ("未注销", OperatingState.NOT_KNOWN),
        ("other", OperatingState.NOT_KNOWN),
        ("", OperatingState.NOT_KNOWN),
    ],
)
def test_operating_states_are_read_as_registries_write_them(
    text: str, state: OperatingState
) -> None:
    assert operating_state(text) is state


def test_parquet_is_loaded_like_csv(store: Store, vault: Vault, tmp_path: Path) -> None:
    source = _file(tmp_path, builders.registry_row())
    path = tmp_path / "registry.parquet"
    duckdb.sql(
        f"COPY (SELECT * REPLACE (CAST(established AS TIMESTAMP) AS established,"  # noqa: S608 - a path of ours
        f" CAST(term_end AS DATE) AS term_end, CAST(capital AS DECIMAL(18, 2)) AS capital)"
        f" FROM read_csv('{source}', all_varchar=true)) TO '{path}'"
    )
    report = _load(path, store, vault)
    assert (report.loaded, report.refused) == (1, [])
    assert _entry(store).registration == builders.registration()


@pytest.mark.feature("A7")
def test_real_enterprises_load_and_the_trade_union_is_refused(
    store: Store, vault: Vault, tmp_path: Path
) -> None:
    with (builders.shared_data() / "companies_dev.csv").open(encoding="utf-8") as opened:
        table = [
            {
                "code": row["uscc"],
                "title": row["name"],
                "established": row["registration_date"],
                "registered_address": row["address"],
                "retrieved_at": "2019-05-01",
            }
            for row in csv.DictReader(opened)
        ]
    report = _load(_file(tmp_path, *table), store, vault)
    assert report.loaded == 3_960
    assert [reason for _, reason in _reasons(report)] == ["OUT_OF_SCOPE"]


def test_attack_planted_personal_values_are_in_no_file_but_the_input(
    live_store: Store, tmp_path: Path
) -> None:
    """The values come right, in a refused row, in a broken line, and in a broken column."""
    broken = builders.registry_row(builders.code(2), established="x", changes=builders.ID_NUMBER)
    path = _file(tmp_path, builders.registry_row(), broken)
    with path.open("a", encoding="utf-8") as opened:
        opened.write(f"{builders.PERSON},{builders.ID_NUMBER}\n")
    exit_code, output = _run(str(path), "--data-dir", str(tmp_path / "data"))
    assert exit_code == 1
    rejects = tmp_path / "registry.rejected.csv"
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600
    assert _entry(live_store).registration == builders.registration()
    written = [file for file in tmp_path.rglob("*") if file.is_file() and file != path]
    assert rejects in written
    for value in _PERSONAL:
        assert value not in output
        assert not [file.name for file in written if value.encode() in file.read_bytes()]


def test_the_command_loads_and_says_what_it_refused(live_store: Store, tmp_path: Path) -> None:
    path = _file(tmp_path, builders.registry_row(), builders.registry_row(code="1"))
    exit_code, output = _run(str(path), "--data-dir", str(tmp_path / "data"), "--json")
    rejects = tmp_path / "registry.rejected.csv"
    assert exit_code == 1
    assert json.loads(output.splitlines()[-1]) == {
        "loaded": 1,
        "would_load": 0,
        "refused": {"LENGTH": 1},
        "rejects": str(rejects),
    }
    with rejects.open(encoding="utf-8", newline="") as opened:
        listed = list(csv.reader(opened))
    assert listed[1][:4] == [
        "row 2",
        "1",
        builders.registration().title,
        "LENGTH",
    ]
    assert _entry(live_store).registration == builders.registration()


def test_a_clean_file_loads_with_exit_code_0_and_removes_old_rejects(
    live_store: Store, tmp_path: Path
) -> None:
    path = _file(tmp_path, builders.registry_row())
    (tmp_path / "registry.rejected.csv").write_text("of an earlier run")
    exit_code, output = _run(str(path), "--data-dir", str(tmp_path / "data"))
    assert exit_code == 0
    assert "Loaded 1 rows." in output
    assert not (tmp_path / "registry.rejected.csv").exists()
    assert _entry(live_store).registration == builders.registration()


def test_a_dry_run_tells_what_would_be_refused_and_writes_nothing(tmp_path: Path) -> None:
    path = _file(tmp_path, builders.registry_row(), builders.registry_row(code="1"))
    exit_code, output = _run(str(path), "--data-dir", str(tmp_path / "data"), "--dry-run")
    assert exit_code == 1
    assert "Would load 1 rows." in output
    assert "Refused 1: LENGTH" in output
    assert [file.name for file in tmp_path.iterdir()] == ["registry.csv"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("registry.csv", "code,name\n1,2\n", "lacks the columns title, retrieved_at"),
        ("registry.csv", "code,title,title\n1,2,3\n", "must have a name of its own"),
        ("registry.csv", "", "lacks the columns"),
        ("registry.txt", "code\n", "must be named .csv or .parquet"),
        ("registry.parquet", "no parquet", "can't be read"),
    ],
)
def test_files_that_cannot_be_loaded_are_refused_whole(
    tmp_path: Path, name: str, content: str, says: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    exit_code, output = _run(str(path), "--dry-run")
    assert exit_code == 1
    assert says in " ".join(output.split())


def test_wrong_usage_ends_with_exit_code_2(tmp_path: Path) -> None:
    assert _run(str(tmp_path / "absent.csv"))[0] == 2
    assert _run()[0] == 2


def test_the_help_names_every_column() -> None:
    exit_code, output = _run("--help")
    assert exit_code == 0
    assert [column for column in COLUMNS if column not in output] == []


def test_attack_refused_titles_are_no_formulas_for_a_spreadsheet(tmp_path: Path) -> None:
    path = _file(tmp_path, builders.registry_row(code="1", title="=cmd()"))
    rejects = write_rejects(path, read_file(path, now=builders.NOW).refused)
    assert rejects is not None
    assert "'=cmd()" in rejects.read_text(encoding="utf-8")
