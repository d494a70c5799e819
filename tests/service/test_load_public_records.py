"""The command that loads public records, from file to view."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from bonafides.archive.operations import get_archive
from bonafides.archive.public_record_rows import COLUMNS
from bonafides.instants import Instant
from bonafides.rating.scorecard import champion
from bonafides.server import system_clock
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import disclosure_pb2 as v1
from bonafides.v1.archive_pb2 import Archive
from scripts.load_public_records import app
from tests import builders

_RETRIEVED = "2026-09-01T00:00:00+08:00"


@pytest.fixture
def live_store(tmp_path: Path) -> Iterator[Store]:
    """The store that the command finds in the data folder, with one enterprise."""
    store = Store(f"sqlite:///{tmp_path / 'data' / 'bonafides.db'}")
    store.migrate()
    builders.enroll(store, builders.code(), now=system_clock())
    yield store
    store.close()


def _row(**changes: str) -> dict[str, str]:
    return builders.public_record_row(retrieved_at=_RETRIEVED) | changes


def _file(folder: Path, *table: Mapping[str, str]) -> Path:
    path = folder / "records.csv"
    with path.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(
            opened, sorted({column for row in table for column in row}), lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(table)
    return path


def _run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def _shown(store: Store, now: Instant) -> Archive:
    shown = get_archive(
        store, champion(None), builders.code().text, audience=v1.AUDIENCE_OWNER, now=now
    )
    return Archive.FromString(shown)


@pytest.mark.feature("C4")
def test_command_loads_the_file_and_the_view_follows(live_store: Store, tmp_path: Path) -> None:
    exit_code, output = _run(str(_file(tmp_path, _row())), "--data-dir", str(tmp_path / "data"))
    assert exit_code == 0
    assert "Loaded 1 rows." in output
    assert _shown(live_store, system_clock()).public_records.court_cases


@pytest.mark.feature("C4")
def test_parquet_is_loaded_like_csv(live_store: Store, tmp_path: Path) -> None:
    path = tmp_path / "records.parquet"
    duckdb.sql(
        f"COPY (SELECT * REPLACE (CAST(begins AS TIMESTAMP) AS begins)"  # noqa: S608 - a path of ours
        f" FROM read_csv('{_file(tmp_path, _row())}', all_varchar=true)) TO '{path}'"
    )
    assert _run(str(path), "--data-dir", str(tmp_path / "data"))[0] == 0
    assert _shown(live_store, system_clock()).public_records.court_cases


def test_refused_rows_are_listed_by_code_and_id_and_the_rest_is_loaded(
    live_store: Store, tmp_path: Path
) -> None:
    path = _file(tmp_path, _row(), _row(record_id="r2", court="x"))
    exit_code, output = _run(str(path), "--data-dir", str(tmp_path / "data"), "--json")
    rejects = tmp_path / "records.rejected.csv"
    assert exit_code == 1
    assert json.loads(output.splitlines()[-1]) == {
        "loaded": 1,
        "would_load": 0,
        "refused": {"AUTHORITY": 1},
        "rejects": str(rejects),
    }
    with rejects.open(encoding="utf-8", newline="") as opened:
        listed = list(csv.reader(opened))
    assert listed[1][:4] == ["row 2", builders.code().text, "r2", "AUTHORITY"]
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600
    assert _shown(live_store, system_clock()).public_records.court_cases


@pytest.mark.feature("D5")
def test_attack_person_planted_in_a_row_is_in_no_file_but_the_input(
    tmp_path: Path,
) -> None:
    planted = f"{builders.PERSON}{builders.ID_NUMBER}"
    path = _file(
        tmp_path,
        _row(party=planted, ground=planted),
        _row(party="", record_id=planted),
        _row(party="", court=planted),
    )
    exit_code, output = _run(str(path), "--data-dir", str(tmp_path / "data"))
    assert exit_code == 1
    written = [file for file in tmp_path.rglob("*") if file.is_file() and file != path]
    assert tmp_path / "records.rejected.csv" in written
    for value in (builders.PERSON, builders.ID_NUMBER):
        assert value not in output
        assert not [file.name for file in written if value.encode() in file.read_bytes()]


def test_dry_run_tells_what_would_be_refused_and_writes_nothing(tmp_path: Path) -> None:
    path = _file(tmp_path, _row(), _row(kind="GOSSIP"))
    exit_code, output = _run(str(path), "--dry-run", "--data-dir", str(tmp_path / "data"))
    assert exit_code == 1
    assert "Would load 1 rows." in output
    assert "Refused 1: KIND" in output
    assert [file.name for file in tmp_path.iterdir()] == ["records.csv"]


def test_file_without_the_needed_columns_is_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "records.csv"
    path.write_text("kind,code\n1,2\n")
    exit_code, output = _run(str(path), "--dry-run")
    assert exit_code == 1
    assert "lacks the columns source" in " ".join(output.split())


def test_help_names_every_column() -> None:
    exit_code, output = _run("--help")
    assert exit_code == 0
    assert [column for column in COLUMNS if column not in output] == []
