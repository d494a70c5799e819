"""From a table of outcomes to the card that a running server serves, by the scripts alone."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bonafides.instants import DAY, Day, Instant, day_of, from_datetime, start_of
from bonafides.rating.scorecard import CHAMPION as CHAMPION_FILE
from bonafides.rating.scorecard import champion, champion_version, load, models_folder
from bonafides.rating.training import labelled
from bonafides.records import operations as record_operations
from scripts import evaluate, promote, rerate, retrain, rollback, sign_card
from tests import builders, labelled_rows
from tests.serving import PATIENCE_SECONDS, Served, serving

# What is made once serves all tests of this module: they stay in one process.
pytestmark = pytest.mark.xdist_group("promotion-chain")

_RUN = CliRunner()
_WHY = ["--approver", "li", "--approver", "wang", "--reason", "tried"]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labelled rows of generated enterprises, as a platform would bring its own."""
    return _outcomes(tmp_path_factory.mktemp("outcomes"), seed=1)


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which retraining ran on years that it generated."""
    out = tmp_path_factory.mktemp("years")
    _done(retrain.app, ["--out", str(out), "--enterprises", "3000", "--version", "years-1"])
    return out


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of cards of one's own, in a sandbox of one's own."""
    folder = tmp_path / "models"
    shutil.copytree(models_folder(None), folder)
    monkeypatch.setenv("BONAFIDES_MODELS_DIR", str(folder))
    monkeypatch.setenv("BONAFIDES_DATA_DIR", str(tmp_path / "data"))
    return folder


def _done(app: Any, arguments: list[str]) -> Result:
    result = _RUN.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result


def _outcomes(folder: Path, *, seed: int) -> Path:
    file = folder / f"outcomes-{seed}.parquet"
    labelled.write(labelled_rows.rows(6_000, seed=seed), file)
    return file


def _fitted(table: Path, models: Path, version: str) -> None:
    """Retrains beside the champion of the folder, and puts the card beside it."""
    arguments = ["--labelled", str(table), "--models-dir", str(models), "--version", version]
    _done(retrain.app, [*arguments, "--out", str(models.parent)])


def _judged(
    models: Path, version: str, table: Path, folder: Path, *, sign: bool = True
) -> dict[str, bool]:
    """Evaluates, signs and shadows the card, and asks to promote it; returns gate by gate."""
    card, evaluation, shadow = models / version, folder / "evaluation.json", folder / "shadow.json"
    _done(evaluate.app, [str(card), str(table), "--report", str(evaluation), "--store"])
    served = json.loads(evaluation.read_text(encoding="utf-8"))["served"]
    assert served["bads"] is None
    assert set(served["features"]) == {part.name for part in load(card).features}
    if sign:
        _done(sign_card.app, [version, "--public-key", str(folder / "card-public.pem")])
    _done(rerate.app, ["--dry-run", "--card", str(card), "--shadow", str(shadow)])
    options = ["--evaluation", str(evaluation), "--shadow", str(shadow)]
    told = _RUN.invoke(promote.app, [version, *options, *_WHY, "--json"])
    return {each["gate"]: each["passed"] for each in json.loads(told.stdout)["gates"]}


def _until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _trade(running: Served) -> None:
    """Has one enterprise sell to twenty buyers, as of now by the clock: scripts read it."""
    now = from_datetime(dt.datetime.now(dt.UTC))
    of, today = builders.code(1), day_of(now)
    facts = builders.registration_facts(
        of, verified_at=Instant(now - 40 * DAY), expires_at=Instant(now + 300 * DAY)
    )
    builders.enroll(running.store, of, facts=facts, now=now)
    records = [
        builders.transaction(
            f"t{number}", buyer=f"b{number}", occurred_at=start_of(Day(today - 10 * number - 1))
        )
        for number in range(20)
    ]
    builders.link_stores(running.store, records, now=now)
    record_operations.ingest(running.store, running.vault, builders.rates(), records, now=now)
    record_operations.fold_and_refresh(running.store, champion(None), now=now)
    running.clock.now = now


def _version(running: Served) -> str:
    with running.client(running.token("operator")) as client:
        return client.get_rating(builders.code(1).text).model_version


@pytest.mark.feature("E6", "E14")
def test_a_card_fitted_to_outcomes_is_judged_promoted_served_and_taken_back(
    outcomes: Path, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = "fitted-0"
    _fitted(_outcomes(tmp_path, seed=2), models, before)
    # Who comes after a card that people made moves a third of all: that is refused.
    (models / CHAMPION_FILE).write_text(before, encoding="ascii")
    with serving(tmp_path / "data", models_dir=models) as running:
        _trade(running)
        _fitted(outcomes, models, "fitted-1")
        assert load(models, "fitted-1").content.calibration is not None
        gates = _judged(models, "fitted-1", outcomes, tmp_path)
        assert gates == dict.fromkeys(gates, True)
        assert champion_version(models) == "fitted-1"
        assert _until(lambda: _version(running) == "fitted-1")
        assert json.loads(_done(rerate.app, ["--json"]).stdout)["model_version"] == "fitted-1"
        _done(rollback.app, ["--approver", "li", "--reason", "tried"])
        assert _until(lambda: _version(running) == before)
    # Live serves a card that people made, and takes none of generated rows in its place.
    expert = champion(None).version
    for version in (expert, "fitted-1"):
        _done(sign_card.app, [version])
    (models / CHAMPION_FILE).write_text(expert, encoding="ascii")
    monkeypatch.setenv("BONAFIDES_ENVIRONMENT", "live")
    monkeypatch.setenv("BONAFIDES_CARD_KEY", str(tmp_path / "card-public.pem"))
    assert not _judged(models, "fitted-1", outcomes, tmp_path, sign=False)["basis"]
    assert champion_version(models) == expert


@pytest.mark.feature("E6")
def test_a_card_fitted_to_generated_years_foretells_better_and_is_asked_every_gate(
    years: Path, models: Path, tmp_path: Path
) -> None:
    shutil.copytree(years / retrain.MODELS / "years-1", models / "years-1")
    with serving(tmp_path / "data", models_dir=models) as running:
        _trade(running)
    gates = _judged(models, "years-1", years / retrain.TABLE, tmp_path)
    told = {gate for gate, passed in gates.items() if passed}
    assert told >= {"basis", "signature", "directions", "golden", "evaluation", "auc", "log_loss"}
    # Of so few enterprises chance decides on the others; docs/promotion.md has the figures.
    assert set(gates) - told <= {"calibration", "fairness", "migration"}
    promoted = champion_version(models) == "years-1"
    assert promoted is (told == set(gates))
