"""Roll-ups are recounted by any engine, and put in place exactly once."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from bonafides.archive.operations import get_archive
from bonafides.personal.sealing import Vault
from bonafides.rating.scorecard import champion
from bonafides.records.kinds import Record
from bonafides.records.operations import ForeignRecordsError, fold, ingest, rebuild, refresh_due
from bonafides.storage import engines
from bonafides.storage.engines import DuckDb
from bonafides.storage.rollups import ROLLUPS, Recount
from bonafides.storage.tables import rollup_day
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import archive_pb2, disclosure_pb2
from scripts import export_records, rebuild_archives
from scripts.verify_rollups import verify
from tests.builders import NOW, code, enroll, link_stores, rates, transaction

CARD = champion(None)


def take(store: Store, vault: Vault, records: Sequence[Record]) -> None:
    """Takes records in and folds them."""
    link_stores(store, records)
    assert ingest(store, vault, rates(), list(records), now=NOW).rejected == ()
    while fold(store, now=NOW).folded:
        pass


def kept(store: Store) -> list[list[Any]]:
    """Returns every roll-up."""
    with store.reading() as work:
        return [
            [tuple(row) for row in work.execute(sa.select(table).order_by(*table.primary_key))]
            for table in ROLLUPS
        ]


def spoil(store: Store) -> None:
    """Makes the roll-ups wrong: one day counts too much, another is one that never was."""
    with store.writing() as work:
        work.execute(rollup_day.update().values(transactions=rollup_day.c.transactions + 5))
        row: dict[str, Any] = {c.name: 1 for c in rollup_day.columns}
        row |= {"code": code(2).text, "platform": "1688", "day": 3}
        work.execute(rollup_day.insert(), row)
        work.commit()


def recounted(store: Store, folder: Path) -> Recount:
    """Returns what DuckDB recounts of the log as it is now."""
    file = folder / "records.parquet"
    with store.reading() as work:
        engines.export(work, file)
    with DuckDb() as engine:
        engine.attach("record", str(file))
        return engines.recount(engine, folder)


def orders(store: Store) -> int:
    """Returns how many orders the owner sees in the archive."""
    owner = disclosure_pb2.AUDIENCE_OWNER
    served = get_archive(store, CARD, code().text, audience=owner, now=NOW)
    read = archive_pb2.Archive.FromString(served)
    return sum(one.cumulative.transactions for one in read.platforms)


@pytest.mark.feature("L5", "C7")
@pytest.mark.parametrize("by", ["store", "duckdb"])
def test_rebuild_mends_roll_ups_and_touches_nobody_else(
    store: Store, vault: Vault, tmp_path: Path, by: str
) -> None:
    enroll(store, code())
    take(store, vault, [transaction("1"), transaction("1", revision=2), transaction("2")])
    right = kept(store)
    spoil(store)
    rebuilt = rebuild(store, None if by == "store" else recounted(store, tmp_path), now=NOW)
    assert kept(store) == right
    assert rebuilt.codes == {code().text, code(2).text}
    again = rebuild(store, None if by == "store" else recounted(store, tmp_path), now=NOW)
    assert again.codes == frozenset()


@pytest.mark.feature("C13")
def test_archive_of_mended_roll_ups_is_due_until_it_is_refreshed(
    store: Store, vault: Vault
) -> None:
    take(store, vault, [transaction("1")])
    spoil(store)
    enroll(store, code())
    wrong = orders(store)
    rebuild(store, now=NOW)
    # Nobody has refreshed it, as if the rebuild had been stopped here.
    assert (wrong, orders(store)) == (6, 1)
    spoil(store)
    rebuild(store, now=NOW)
    told: list[tuple[int, int]] = []
    done = refresh_due(store, CARD, now=NOW, on_progress=lambda *at: told.append(at))
    assert (done, told) == (1, [(1, 1)])
    assert refresh_due(store, CARD, now=NOW, on_progress=lambda *at: told.append(at)) == 0


@pytest.mark.feature("G1")
def test_records_that_came_after_the_export_are_counted_once(
    store: Store, vault: Vault, tmp_path: Path
) -> None:
    take(store, vault, [transaction("1"), transaction("2")])
    before = recounted(store, tmp_path)
    take(store, vault, [transaction("2", revision=2, void=True), transaction("3", buyer="b3")])
    right = kept(store)
    # The link of the store and two transactions.
    assert rebuild(store, before, now=NOW).upto == 3
    assert kept(store) == right


def test_late_lower_revision_changes_no_recount(store: Store, vault: Vault, tmp_path: Path) -> None:
    take(store, vault, [transaction("1", revision=4)])
    take(store, vault, [transaction("1", revision=2, buyer="b7")])
    right = kept(store)
    rebuild(store, recounted(store, tmp_path), now=NOW)
    assert kept(store) == right
    rebuild(store, now=NOW)
    assert kept(store) == right


@pytest.mark.feature("G1")
def test_records_of_another_log_change_nothing(store: Store, vault: Vault, tmp_path: Path) -> None:
    other = Store(f"sqlite:///{tmp_path / 'other.db'}")
    other.migrate()
    take(other, vault, [transaction(f"{number}") for number in range(3)])
    foreign = recounted(other, tmp_path)
    other.close()
    take(store, vault, [transaction("1"), transaction("2")])
    right = kept(store)
    with pytest.raises(ForeignRecordsError):
        rebuild(store, foreign, now=NOW)
    assert kept(store) == right


@pytest.fixture
def folder(tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with one enterprise and spoiled roll-ups."""
    monkeypatch.delenv("BONAFIDES_DATABASE_URL", raising=False)
    data = tmp_path / "kept"
    store = Store(f"sqlite:///{data / 'bonafides.db'}")
    store.migrate()
    enroll(store, code())
    take(store, vault, [transaction("1"), transaction("2", buyer=None)])
    spoil(store)
    store.close()
    return data


def run(app: Any, *arguments: str) -> Result:
    """Runs a script as an operator does."""
    return CliRunner().invoke(app, list(arguments))


def test_operator_exports_rebuilds_and_checks(folder: Path, tmp_path: Path) -> None:
    file, data = str(tmp_path / "r.parquet"), ("--data-dir", str(folder), "--json")
    exported = run(export_records.app, file, *data)
    # The link of the store and two transactions.
    assert json.loads(exported.stdout)["records"] == 3
    assert Path(file).stat().st_mode & 0o077 == 0
    options = ("--engine", "duckdb", "--records", file, "--check")
    told = json.loads(run(rebuild_archives.app, *options, *data).stdout)
    assert told == {"upto": 3, "changed": 2, "refreshed": 1, "points_differ": []}
    told = json.loads(run(rebuild_archives.app, "--check", *data).stdout)
    assert told == {"upto": 3, "changed": 0, "refreshed": 0, "points_differ": []}


@pytest.fixture
def spark_endpoint() -> Iterator[str]:
    """A Spark Connect server of this process, on loopback."""
    # Its client logs what it can't plan lazily; nothing of it is ours.
    logging.getLogger("pyspark").setLevel(logging.CRITICAL)
    server = pytest.importorskip(
        "pysail.spark", reason="install the test extra to run on Spark Connect"
    ).SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    yield f"sc://127.0.0.1:{server.listening_address[1]}"
    server.stop()


@pytest.mark.xdist_group("parity")
@pytest.mark.feature("L5", "C7")
def test_operator_rebuilds_and_checks_on_spark(
    folder: Path, tmp_path: Path, spark_endpoint: str
) -> None:
    file, data = str(tmp_path / "r.parquet"), ("--data-dir", str(folder), "--json")
    assert run(export_records.app, file, *data).exit_code == 0
    options = ("--engine", "spark", "--spark", spark_endpoint, "--records", file, "--check")
    first = run(rebuild_archives.app, *options, *data)
    assert json.loads(first.stdout) == {
        "upto": 3,
        "changed": 2,
        "refreshed": 1,
        "points_differ": [],
    }
    again = run(rebuild_archives.app, *options, *data)
    assert json.loads(again.stdout)["changed"] == 0
    store = Store(f"sqlite:///{folder / 'bonafides.db'}")
    with store.reading() as work:
        assert verify(work).differences == []
    store.close()


def test_rebuild_tells_what_it_needs(folder: Path, tmp_path: Path) -> None:
    data = ("--data-dir", str(folder))
    assert run(rebuild_archives.app, "--engine", "duckdb", *data).exit_code == 2
    assert run(rebuild_archives.app, "--records", "r.parquet", *data).exit_code == 2
    absent = ("--records", str(tmp_path / "absent.parquet"))
    assert run(rebuild_archives.app, "--engine", "spark", *absent, *data).exit_code == 2
    failed = run(rebuild_archives.app, "--engine", "duckdb", *absent, *data)
    assert (failed.exit_code, "Not rebuilt: DuckDB" in failed.stderr) == (1, True)
