"""Retraining: a sound sealed card of a labelled table, the same again, and a whole report."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy import stats
from typer.testing import CliRunner

from bonafides.rating import soundness
from bonafides.rating.card import LEAST_BADS, Level
from bonafides.rating.features import FEATURES, Absent, Direction, Share
from bonafides.rating.scorecard import ScorecardError, canonical, champion, load, parse
from bonafides.rating.training import FitError
from bonafides.rating.training.challenger import challenge
from bonafides.rating.training.cohorts import pseudonym
from bonafides.rating.training.labelled import Labelled, figures, points, read, write
from bonafides.rating.training.report import page
from bonafides.rating.training.results import probability, results_of
from scripts import retrain, seal_card
from scripts.make_history import TRUTH
from scripts.retrain import Trained, app, train
from tests.history import labelled_rows

# What is made once serves all tests of this module: they stay in one process.
pytestmark = pytest.mark.xdist_group("retrain")
_RUNNER = CliRunner()
_SERVED = champion(None)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A card fitted to 3,000 made-up rows."""
    folder = tmp_path_factory.mktemp("retrained")
    write(labelled_rows(3_000), folder / "given.parquet")
    return train(folder / "given.parquet", _SERVED, out=folder)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two folders in which the whole chain ran on the same generated data."""
    folder = tmp_path_factory.mktemp("chain")
    for name in ("one", "again"):
        arguments = ["--out", str(folder / name), "--enterprises", "600", "--seed", "3", "--json"]
        result = _RUNNER.invoke(app, arguments)
        assert result.exit_code == 0, result.output
        told = result.stdout.splitlines()[-1]
        (folder / name / "told.json").write_text(told, encoding="utf-8")
    return [folder / "one", folder / "again"]


def _told(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "told.json").read_text("utf-8"))
    return told


@pytest.mark.feature("E6")
def test_whole_chain_gives_the_same_bytes_twice(chain: list[Path]) -> None:
    one, again = map(_told, chain)
    assert one["digest"] == again["digest"]
    for told in (one["card"], one["report"], str(chain[0] / retrain.TABLE)):
        file = Path(told)
        assert file.read_bytes() == (chain[1] / file.relative_to(chain[0])).read_bytes()


@pytest.mark.feature("E14")
def test_card_of_generated_data_is_synthetic_and_tells_no_probability(chain: list[Path]) -> None:
    told = _told(chain[0])
    card = load(Path(told["card"]))
    assert card.digest == told["digest"]
    assert card.basis == told["basis"] == "SYNTHETIC"
    # Too few outcomes of so few enterprises.
    assert card.content.calibration is None


@pytest.mark.feature("E6")
def test_card_finds_the_integrity_that_nobody_saw(chain: list[Path]) -> None:
    """Points follow the truth that the data were made of, which training never read."""
    truth = pq.read_table(chain[0] / retrain.HISTORY / TRUTH).to_pylist()
    key = hashlib.sha256(b"generated:3").digest()
    integrity = {pseudonym(key, row["code"]): row["integrity"] for row in truth}
    table = read(chain[0] / retrain.TABLE)
    later = table.where(table.split != "train")
    score = points(later, load(Path(_told(chain[0])["card"])).features).sum(axis=1)
    told = stats.spearmanr(score, [integrity[of] for of in later.enterprise.tolist()])
    assert told.statistic > 0.35


@pytest.mark.feature("E6", "E14")
def test_loader_takes_the_card_and_it_says_on_what_it_rests(done: Trained) -> None:
    card = load(done.file)
    assert card == done.card
    assert card.basis == "OUTCOMES"
    training = card.content.training
    assert training is not None
    assert training.rows == len(done.table.of_split("train"))
    assert training.bads == done.table.of_split("train").bad.sum()
    assert (done.file.parent / "card.md").read_text(encoding="utf-8") == seal_card.describe(card)
    assert "not a credit rating" in card.content.limits.en


@pytest.mark.feature("L6", "E7")
def test_every_direction_of_the_card_is_policy_s_over_all_bins(done: Trained) -> None:
    assert not list(soundness.faults(done.card.content))
    for feature in done.card.features:
        assert feature.direction is FEATURES[feature.name].direction
        sign = 1 if feature.direction is Direction.HIGHER_IS_BETTER else -1
        assert (np.diff(feature.points) * sign >= 0).all()
        assert feature.missing <= feature.not_applicable
        assert feature.min_points == 0


def test_features_that_matter_get_the_points_and_others_next_to_none(done: Trained) -> None:
    reach = {part.name: part.max_points for part in done.card.features}
    told = {reach.pop("dispute_lost_rate"), reach.pop("late_delivery_rate")}
    assert min(told) > 2 * max(reach.values())


def test_share_of_nothing_stands_at_the_expected_mean(done: Trained) -> None:
    for feature in done.card.features:
        if feature.prior is not None:
            neutral = feature.points_at(feature.slot(Share(0, 0)))
            assert feature.points_at(Absent.NOT_APPLICABLE) == neutral


def test_cuts_keep_the_champion_s_shares_of_levels(done: Trained) -> None:
    rated = done.table.where(
        (done.table.split != "out_of_time") & (done.table.figures["paid_orders"] >= 10)
    )
    ours, theirs = (points(rated, card.features).sum(axis=1) for card in (done.card, _SERVED))
    for cut, of in zip(done.card.content.levels[:-1], _SERVED.content.levels, strict=False):
        share = (theirs >= of.min_points).mean()
        # Equal scores go together, and a cut is above the next one.
        assert (ours > cut.min_points + 2).mean() <= share + 0.01
    assert [cut.level for cut in done.card.content.levels] == list(Level)[:5]


def test_probabilities_are_those_of_the_recent_cohort(done: Trained) -> None:
    calibration = done.card.content.calibration
    assert calibration is not None
    recent = done.table.of_split("recent")
    told = probability(calibration, points(recent, done.card.features).sum(axis=1))
    assert told.mean() == pytest.approx(recent.bad.mean(), abs=0.005)


@pytest.mark.feature("E6")
def test_probabilities_in_the_card_are_those_of_the_fit_calibrated_to_the_recent_cohort(
    done: Trained,
) -> None:
    """Edges are rounded up to whole numbers and points moved up: nobody's probability moves."""
    calibration = done.card.content.calibration
    assert calibration is not None
    recent, fitted = done.table.of_split("recent"), done.challenger.fitted
    drawn = np.column_stack([figures(recent, part) for part in done.card.features])
    # What is missing may be lowered to what is neutral; where all is known nothing is.
    known = ~np.isnan(drawn).any(axis=1)
    score = points(recent, done.card.features).sum(axis=1)[known]
    (shift,) = np.unique(score - fitted.score(drawn[known]))
    intercept, slope = calibration.intercept_e6 / 1e6, calibration.slope_e9 / 1e9
    as_fitted = replace(fitted, intercept=intercept - slope * float(shift), slope=slope)
    np.testing.assert_allclose(
        probability(calibration, score), as_fitted.predict_proba(drawn[known])[:, 1], atol=1e-12
    )
    # The two numbers are those that bring the served score nearest to what came.
    again = fitted.calibrated(drawn, recent.bad)
    assert slope == pytest.approx(again.slope, rel=0.02)


def test_few_outcomes_give_no_probability_and_the_report_says_why(tmp_path: Path) -> None:
    table = labelled_rows(500)
    assert table.of_split("train").bad.sum() < LEAST_BADS
    write(table, tmp_path / "few.parquet")
    found = train(tmp_path / "few.parquet", _SERVED, out=tmp_path)
    assert found.card.content.calibration is None
    assert f"{LEAST_BADS} and 50 are needed" in (tmp_path / "report.html").read_text("utf-8")


def test_table_of_rows_to_train_on_alone_gives_a_card_and_a_report(tmp_path: Path) -> None:
    write(labelled_rows(500, split=np.full(500, "train")), tmp_path / "train.parquet")
    found = train(tmp_path / "train.parquet", _SERVED, out=tmp_path)
    assert found.card.content.calibration is None
    assert "AUC" in (tmp_path / "report.html").read_text("utf-8")


def test_calibration_without_the_outcomes_for_it_is_refused(done: Trained) -> None:
    draft = json.loads(done.card.artifact)
    draft["training"]["bads"] = LEAST_BADS - 1
    with pytest.raises(ScorecardError, match="needs 200 bads in training"):
        parse(canonical(draft), "draft")


def test_fitted_card_that_does_not_say_on_what_is_refused(done: Trained) -> None:
    draft = json.loads(done.card.artifact)
    del draft["training"], draft["calibration"]
    with pytest.raises(ScorecardError, match="must be there for a card that was fitted"):
        parse(canonical(draft), "draft")


def test_older_schema_has_no_calibration(done: Trained) -> None:
    draft = json.loads(done.card.artifact) | {"schema_version": 2}
    with pytest.raises(ScorecardError, match="belongs to schema version 3"):
        parse(canonical(draft), "draft")


def test_what_does_not_apply_is_neutral_however_bad_missing_is() -> None:
    """Everybody without capital is good, everybody whose capital is not known bad."""
    table = labelled_rows(2_000)
    figures = dict(table.figures)
    unknown = np.isnan(figures["capital_band"]) & table.does_apply("capital_band")
    bad = np.where(unknown, 1, np.where(table.does_apply("capital_band"), table.bad, 0))
    changed = labelled_rows(2_000, bad=bad, component=np.where(bad == 1, "fraud", ""))
    made = challenge(changed, _SERVED, version="x", table_sha256="0" * 64, l1=1e-4, l2=1e-3)
    card = seal_card.sealed(made.draft, "x")
    part = next(each for each in card.features if each.name == "capital_band")
    assert part.points_at(Absent.MISSING) < part.points_at(Absent.NOT_APPLICABLE)


def test_report_is_one_page_that_needs_nothing_beside_itself(done: Trained) -> None:
    text = page(done.table, done.challenger, done.card, _SERVED)
    assert text.count("<svg") >= 5
    assert "<script" not in text
    assert not re.findall(r"(?:src|href)=\"(?!#)", text)
    assert not re.findall(r"url\((?!#)", text)
    HTMLParser().feed(text)
    assert not any(name in text for name in done.table.enterprise.tolist()[200:300])
    assert done.card.digest in text


def test_levels_that_can_not_be_told_apart_are_named_in_the_report(done: Trained) -> None:
    results = results_of(done.table.of_split("out_of_time"), done.card)
    text = page(done.table, done.challenger, done.card, _SERVED)
    for one, other in results.alike:
        assert f"{one} and {other} can't be told apart" in text
    assert text.count("can't be told apart") == len(results.alike)


def test_rows_that_tell_nothing_are_refused() -> None:
    rng = np.random.default_rng(1)
    bad = (rng.random(300) < 0.2).astype(np.int64)
    table = labelled_rows(300, bad=bad, component=np.where(bad == 1, "fraud", ""))
    none = {name: np.full(300, 5.0) for name in FEATURES}
    flat = Labelled(
        **{
            **{name: getattr(table, name) for name in Labelled.__slots__},
            "figures": none,
            "applies": {},
        }
    )
    with pytest.raises(FitError, match="no feature tells good from bad"):
        challenge(flat, _SERVED, version="x", table_sha256="0" * 64, l1=1e-3, l2=1e-3)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--labelled", "{folder}/text.parquet"], "is no Parquet file; export the table"),
        (["--labelled", "{folder}/one.parquet"], "good rows and bad ones"),
    ],
)
def test_data_that_can_not_be_used_end_with_the_remedy(
    arguments: list[str], told: str, tmp_path: Path
) -> None:
    (tmp_path / "text.parquet").write_text("x", encoding="utf-8")
    nobody = np.zeros(60, dtype=np.int64)
    write(labelled_rows(60, bad=nobody, component=np.full(60, "")), tmp_path / "one.parquet")
    given = [each.format(folder=tmp_path) for each in arguments]
    result = _RUNNER.invoke(app, [*given, "--out", str(tmp_path)])
    assert result.exit_code == 1
    assert told in " ".join(result.output.split())


def test_wrong_version_is_wrong_usage(tmp_path: Path) -> None:
    assert _RUNNER.invoke(app, ["--version", "../x", "--out", str(tmp_path)]).exit_code == 2
