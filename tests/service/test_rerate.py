"""The operators' scripts on scorecards: who would move, rating anew, and sealing a card."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from bonafides.archive import operations as archive_operations
from bonafides.instants import DAY, Day, Instant, day_of, from_datetime, start_of
from bonafides.personal.sealing import Vault
from bonafides.rating import reports
from bonafides.rating.card import Level
from bonafides.rating.scorecard import Scorecard, ScorecardError, champion, load
from bonafides.records import operations as record_operations
from bonafides.storage import bulk_runs, engines, tables
from bonafides.storage.engines import DuckDb
from bonafides.storage.unit_of_work import Store
from scripts import export_records, rerate, seal_card
from tests import builders
from tests.builders import NOW, TODAY

CARD = champion(None)
_RUN = CliRunner()


def _stricter() -> Scorecard:
    draft: dict[str, Any] = json.loads(CARD.artifact)
    draft["version"] = "expert-2"
    for cut, points in zip(draft["levels"], (999, 998, 997, 996, 0), strict=True):
        cut["min_points"] = points
    return seal_card.sealed(draft, "draft")


def _trade(store: Store, vault: Vault, *, today: Day, now: Instant) -> None:
    """Gives enterprise 1 twenty orders; enterprise 2 gets none and is not rated."""
    records = [
        builders.transaction(
            f"t{number}", buyer=f"b{number}", occurred_at=start_of(Day(today - 10 * number - 1))
        )
        for number in range(20)
    ]
    builders.link_stores(store, records, now=now)
    record_operations.ingest(store, vault, builders.rates(), records, now=now)
    record_operations.fold_and_refresh(store, CARD, now=now)


@pytest.fixture
def data_dir(tmp_path: Path, vault: Vault) -> Path:
    """A data folder with two enterprises, as of now by the clock: scripts read it."""
    now = from_datetime(dt.datetime.now(dt.UTC))
    store = Store(f"sqlite:///{tmp_path / 'bonafides.db'}")
    store.migrate()
    for number in (1, 2):
        of = builders.code(number)
        facts = builders.registration_facts(
            of, verified_at=Instant(now - 40 * DAY), expires_at=Instant(now + 300 * DAY)
        )
        builders.enroll(store, of, facts=facts, now=now)
    _trade(store, vault, today=day_of(now), now=now)
    store.close()
    return tmp_path


def _rated(store: Store) -> int:
    with store.reading() as work:
        counted = sa.select(sa.func.count()).select_from(tables.rating)
        return int(work.execute(counted).scalar_one())


@pytest.mark.feature("E5")
def test_a_comparison_shows_who_would_move_and_changes_nothing(store: Store, vault: Vault) -> None:
    builders.enroll(store, builders.code(1))
    builders.enroll(store, builders.code(2))
    _trade(store, vault, today=TODAY, now=NOW)
    kept = _rated(store)
    found = rerate.compare(store, CARD, _stricter(), now=NOW)
    assert [(move.code, move.after, move.score_change) for move in found.moves] == [
        (builders.code(1).text, Level.C, 0)
    ]
    assert found.matrix["NR", "NR"] == 1
    assert found.matrix.total() == 2
    assert _rated(store) == kept


def test_nobody_moves_under_the_same_card(store: Store, vault: Vault) -> None:
    builders.enroll(store, builders.code(1))
    _trade(store, vault, today=TODAY, now=NOW)
    assert rerate.compare(store, CARD, CARD, now=NOW).moves == []
    assert rerate.compare(store, CARD, None, now=NOW).moves == []


def test_kept_levels_are_compared_with_what_the_served_card_gives_now(
    store: Store, vault: Vault
) -> None:
    builders.enroll(store, builders.code(1))
    _trade(store, vault, today=TODAY, now=NOW)
    later = Instant(NOW + 310 * DAY)
    (move,) = rerate.compare(store, CARD, None, now=later).moves
    assert (move.after, move.score_change) == (Level.NR, None)


def test_rating_anew_reaches_every_enterprise_across_batches(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rerate, "BATCH", 2)
    for number in range(1, 6):
        builders.enroll(store, builders.code(number))
    kept = _rated(store)
    assert rerate.rerate(store, CARD, now=Instant(NOW + DAY)).count == 5
    assert _rated(store) == kept + 5


@pytest.mark.feature("E6")
def test_a_run_that_is_stopped_goes_on_behind_its_last_batch(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped in the third of three batches; the first two are not rated again."""
    monkeypatch.setattr(rerate, "BATCH", 2)
    for number in range(1, 6):
        builders.enroll(store, builders.code(number))
    refresh = archive_operations.refresh_page
    seen: list[str] = []

    def interrupted(work: Any, card: Scorecard, codes: list[str], now: Instant) -> None:
        refresh(work, card, codes, now)
        # Nothing of the batch is committed by then.
        if len(seen) == 4:
            raise KeyboardInterrupt
        seen.extend(codes)

    monkeypatch.setattr(archive_operations, "refresh_page", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rerate.rerate(store, CARD, now=Instant(NOW + DAY))
    monkeypatch.setattr(archive_operations, "refresh_page", refresh)
    kept = _rated(store)
    done = rerate.rerate(store, CARD, now=Instant(NOW + 2 * DAY))
    assert (done.count, done.resumed_at) == (5, 4)
    assert _rated(store) == kept + 1
    again = rerate.rerate(store, CARD, now=Instant(NOW + 3 * DAY))
    assert (again.count, again.resumed_at) == (5, 0)


def test_a_run_of_another_card_begins_anew(store: Store) -> None:
    with store.writing() as work:
        bulk_runs.begin(work, "rerate", "another", now=NOW)
        bulk_runs.advance(work, "rerate", [builders.code(9).text])
        work.commit()
    builders.enroll(store, builders.code(1))
    assert rerate.rerate(store, CARD, now=NOW) == rerate.Rerated(1, 0)


@pytest.mark.feature("E6", "L5")
def test_store_and_duckdb_find_whom_the_served_path_would_move(
    store: Store, vault: Vault, tmp_path: Path
) -> None:
    for number in (1, 2, 3):
        builders.enroll(store, builders.code(number))
    _trade(store, vault, today=TODAY, now=NOW)
    expected = rerate.compare(store, CARD, _stricter(), now=NOW)
    cards = (CARD, _stricter())
    with store.reading() as work:
        engines.export(work, tmp_path / "records.parquet")
    with DuckDb() as duck:
        duck.attach("record", str(tmp_path / "records.parquet"))
        engines.rollups(duck)
        assert rerate.compare_on(store, duck, cards, now=NOW) == expected
    assert rerate.compare_on(store, None, cards, now=NOW) == expected
    assert rerate.rerate(store, CARD, now=NOW, check=True).wrong == []


@pytest.mark.feature("E6")
def test_a_dry_run_writes_the_report_that_promotion_reads(data_dir: Path, tmp_path: Path) -> None:
    seal_card.write(_stricter(), tmp_path / "models")
    records, shadow = tmp_path / "records.parquet", tmp_path / "shadow.json"
    exported = _RUN.invoke(export_records.app, [str(records), "--data-dir", str(data_dir)])
    assert exported.exit_code == 0
    told = {}
    for engine in (["served"], ["store"], ["duckdb", "--records", str(records)]):
        arguments = ["--dry-run", "--card", str(tmp_path / "models" / _stricter().version)]
        arguments += ["--shadow", str(shadow), "--data-dir", str(data_dir), "--engine", *engine]
        answer = _RUN.invoke(rerate.app, arguments)
        assert (answer.exit_code, answer.stderr.count("Not rated")) == (0, 0)
        told[engine[0]] = reports.read(shadow, reports.Shadow).report
        assert told[engine[0]].engine == engine[0]
    assert told["served"].after.digest == _stricter().digest
    assert told["served"].matrix == told["store"].matrix == told["duckdb"].matrix
    assert told["served"].moves == told["store"].moves == told["duckdb"].moves
    (fall,) = told["served"].falls
    assert (fall.code, fall.after) == (builders.code(1).text, Level.C)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--engine", "duckdb"],
        ["--engine", "served", "--records", "r.parquet"],
        ["--engine", "spark", "--records", "r.parquet"],
        ["--engine", "duckdb", "--records", "r.parquet", "--spark", "sc://127.0.0.1:1"],
        ["--dry-run", "--engine", "store"],
        ["--dry-run", "--shadow", "s.json"],
        ["--shadow", "s.json"],
    ],
)
def test_options_that_do_not_belong_together_are_wrong_usage(
    data_dir: Path, arguments: list[str]
) -> None:
    answer = _RUN.invoke(rerate.app, [*arguments, "--data-dir", str(data_dir)])
    assert answer.exit_code == 2


def test_a_dry_run_prints_one_document_for_programs(data_dir: Path, tmp_path: Path) -> None:
    seal_card.write(_stricter(), tmp_path / "models")
    other = str(tmp_path / "models" / "expert-2")
    arguments = ["--dry-run", "--card", other, "--data-dir", str(data_dir), "--json"]
    answer = _RUN.invoke(rerate.app, arguments)
    told = json.loads(answer.stdout)
    assert answer.exit_code == 0
    assert (told["before"], told["after"], told["rated"], told["moved"]) == (
        CARD.version,
        "expert-2",
        2,
        1,
    )
    assert told["matrix"]["NR"] == {"NR": 1}
    assert [move["after"] for move in told["moves"]] == ["C"]


def test_a_dry_run_prints_tables_for_people(data_dir: Path, tmp_path: Path) -> None:
    seal_card.write(_stricter(), tmp_path / "models")
    other = str(tmp_path / "models" / "expert-2" / "scorecard.json")
    arguments = ["--dry-run", "--card", other, "--data-dir", str(data_dir)]
    answer = _RUN.invoke(rerate.app, arguments)
    assert answer.exit_code == 0
    assert "1 of 2 enterprises would move." in answer.stdout
    assert builders.code(1).text in answer.stdout


def test_a_dry_run_without_a_card_compares_with_the_kept_levels(data_dir: Path) -> None:
    answer = _RUN.invoke(rerate.app, ["--dry-run", "--data-dir", str(data_dir), "--json"])
    assert json.loads(answer.stdout)["before"] == "kept levels"


def test_rating_anew_says_how_many_were_rated(data_dir: Path) -> None:
    answer = _RUN.invoke(rerate.app, ["--data-dir", str(data_dir), "--json"])
    assert json.loads(answer.stdout) == {"model_version": CARD.version, "rated": 2}
    assert answer.exit_code == 0


def test_a_card_without_a_dry_run_is_wrong_usage(data_dir: Path) -> None:
    arguments = ["--card", "models/expert-1", "--data-dir", str(data_dir)]
    assert _RUN.invoke(rerate.app, arguments).exit_code == 2


def test_a_card_that_is_not_sound_is_refused_and_named(data_dir: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_bytes(CARD.artifact.replace(b'"base":0', b'"base":1'))
    arguments = ["--dry-run", "--card", str(bad), "--data-dir", str(data_dir)]
    answer = _RUN.invoke(rerate.app, arguments)
    assert answer.exit_code == 1
    assert "base" in answer.stderr


def test_a_folder_without_data_is_refused_and_stays_empty(tmp_path: Path) -> None:
    answer = _RUN.invoke(rerate.app, ["--dry-run", "--data-dir", str(tmp_path)])
    assert answer.exit_code == 1
    assert "no data" in answer.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.feature("E5")
def test_a_sealed_version_is_never_overwritten(tmp_path: Path) -> None:
    draft = tmp_path / "draft.json"
    content: dict[str, Any] = json.loads(CARD.artifact)
    draft.write_text(json.dumps(content, indent=2, ensure_ascii=False), encoding="utf-8")
    arguments = [str(draft), "--models-dir", str(tmp_path)]
    assert _RUN.invoke(seal_card.app, arguments).exit_code == 0
    assert load(tmp_path, CARD.version) == CARD
    content["levels"][0]["min_points"] += 1
    draft.write_text(json.dumps(content), encoding="utf-8")
    answer = _RUN.invoke(seal_card.app, arguments)
    assert answer.exit_code == 1
    assert "choose a new version" in " ".join(answer.stderr.split())
    assert load(tmp_path, CARD.version) == CARD


def test_a_draft_that_is_not_sound_is_not_sealed() -> None:
    draft: dict[str, Any] = json.loads(CARD.artifact)
    draft["features"][0]["points"].reverse()
    with pytest.raises(ScorecardError):
        seal_card.sealed(draft, "draft")
    del draft["features"][0]["title"]
    with pytest.raises(ScorecardError):
        seal_card.sealed(draft, "draft")
