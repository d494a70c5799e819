"""Cards are measured as their rows deserve: quality, calibration, drift and fairness."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bonafides.rating.features import FEATURES
from bonafides.rating.gates import is_unfair
from bonafides.rating.reports import Evaluation, document, read
from bonafides.rating.scorecard import champion, load, models_folder
from bonafides.rating.training.drift import actual_over_expected, drift
from bonafides.rating.training.evaluation import (
    EvaluationError,
    auc,
    measured,
    paired_difference,
    recalibrated,
    row_losses,
)
from bonafides.rating.training.fairness import Rated, by_group
from bonafides.rating.training.judging import drift_to, fairness_of, judge
from bonafides.rating.training.labelled import Labelled
from tests.labelled_rows import rows

CARD = champion(None)
OLDER = load(models_folder(None), "expert-1")


def test_auc_and_ks_are_those_worked_out_by_hand() -> None:
    score, bad = np.array([10.0, 20, 20, 30, 40]), np.array([1.0, 1, 0, 0, 0])
    # Pairs of good and bad: five of six in order, one tie.
    assert auc(score, bad) == pytest.approx(5.5 / 6)
    found = measured(score, bad, np.array([0.8, 0.6, 0.4, 0.2, 0.1]))
    assert found.ks == pytest.approx(2 / 3)
    assert (found.rows, found.bads) == (5, 2)


def test_calibration_finds_what_probabilities_were_bent_by() -> None:
    random = np.random.default_rng(3)
    odds = random.normal(-1, 1.5, 40_000)
    bad = (random.random(40_000) < 1 / (1 + np.exp(-odds))).astype(float)
    straight = measured(-odds, bad, 1 / (1 + np.exp(-odds)))
    assert straight.slope == pytest.approx(1, abs=0.05)
    assert straight.intercept == pytest.approx(0, abs=0.05)
    bent = measured(-odds, bad, 1 / (1 + np.exp(-2 * odds)))
    assert bent.slope == pytest.approx(0.5, abs=0.03)
    assert bent.log_loss > straight.log_loss
    assert sum(point.rows for point in straight.curve) == 40_000
    for point in straight.curve:
        assert point.seen == pytest.approx(point.expected, abs=0.03)


def test_recalibration_keeps_the_order_and_matches_the_cohort() -> None:
    random = np.random.default_rng(4)
    score = random.normal(300, 100, 5_000)
    bad = (random.random(5_000) < 1 / (1 + np.exp((score - 200) / 50))).astype(float)
    probabilities = recalibrated(score, bad, score)
    assert probabilities.mean() == pytest.approx(bad.mean(), abs=1e-3)
    assert (np.argsort(-score, kind="stable") == np.argsort(probabilities, kind="stable")).all()


def test_a_paired_difference_draws_enterprises_and_not_rows() -> None:
    """One enterprise with a hundred rows is one witness, not a hundred."""
    one = np.concatenate([np.full(100, 0.5), np.zeros(20)])
    other = np.zeros(120)
    alone = paired_difference(one, other, range(120), seed=0)
    of_one = paired_difference(one, other, [0] * 100 + list(range(1, 21)), seed=0)
    assert alone.estimate == of_one.estimate
    assert alone.low > 0
    assert of_one.low == 0


def test_rows_without_both_outcomes_are_refused() -> None:
    with pytest.raises(EvaluationError, match="good rows and bad"):
        auc(np.array([1.0, 2.0]), np.array([0.0, 0.0]))


def test_losses_stay_finite_where_a_card_was_sure_and_wrong() -> None:
    assert np.isfinite(row_losses(np.array([0.0, 1.0]), np.array([1.0, 0.0]))).all()


def test_drift_is_told_from_chance_whatever_the_number_of_rows() -> None:
    random = np.random.default_rng(5)
    shares = np.array([0.1, 0.2, 0.4, 0.3])
    few = drift(random.multinomial(300, shares), random.multinomial(200, shares), seed=0)
    many = drift(random.multinomial(300_000, shares), random.multinomial(9_000, shares), seed=0)
    assert not few.drifted
    assert not many.drifted
    assert few.bound > many.bound
    moved = np.array([0.13, 0.2, 0.4, 0.27])
    # Far below the customary 0.1, and yet no chance in so many rows.
    small = drift(random.multinomial(300_000, shares), random.multinomial(9_000, moved), seed=0)
    assert small.drifted
    assert small.psi < 0.1
    assert drift(np.array([5, 0]), np.array([0, 5]), seed=0).drifted


def test_actual_over_expected_bads_has_the_exact_interval_of_a_count() -> None:
    told = actual_over_expected(np.array([1.0] * 10 + [0.0] * 90), np.full(100, 0.1))
    assert told.estimate == pytest.approx(1.0)
    # Garwood: 10 events, 4.795 to 18.390.
    assert told.low == pytest.approx(0.4795, abs=1e-3)
    assert told.high == pytest.approx(1.8390, abs=1e-3)
    assert actual_over_expected(np.zeros(5), np.full(5, 0.2)).low == 0


def alone(levels: list[str]) -> Rated:
    """Good rows, each of an enterprise of its own."""
    return Rated([str(number) for number in range(len(levels))], levels, np.zeros(len(levels)))


@pytest.mark.feature("E12")
def test_a_group_whose_good_rows_get_c_more_often_is_unfair() -> None:
    groups = ["one"] * 1_000 + ["other"] * 1_000
    levels = ["C"] * 150 + ["A"] * 850 + ["C"] * 100 + ["A"] * 900
    one, other = by_group("region", groups, alone(levels))
    assert one.false_low
    assert one.false_low.estimate == pytest.approx(0.15)
    assert one.ratio
    assert one.ratio.estimate == pytest.approx(1.5, abs=0.01)
    assert one.ratio.low > 1
    assert is_unfair(one)
    assert not is_unfair(other)
    assert one.levels == {"A": 0.85, "C": 0.15}


@pytest.mark.feature("E12")
def test_a_ratio_that_may_be_chance_or_of_too_few_is_told_and_not_held_against() -> None:
    groups = ["one"] * 40 + ["other"] * 40
    levels = ["C"] * 4 + ["A"] * 36 + ["C"] * 3 + ["A"] * 37
    one, _ = by_group("size_band", groups, alone(levels))
    assert one.ratio
    assert one.ratio.estimate > 1.25
    assert one.ratio.low < 1
    assert not is_unfair(one)
    few, _ = by_group("size_band", ["a"] * 5 + ["b"] * 75, alone(levels))
    assert few.ratio is None
    assert few.goods == 5


@pytest.mark.feature("E12")
def test_ten_rows_of_one_enterprise_tell_less_than_ten_enterprises() -> None:
    groups = ["one"] * 1_000 + ["other"] * 1_000
    levels = ["C"] * 150 + ["A"] * 850 + ["C"] * 100 + ["A"] * 900
    apart, _ = by_group("region", groups, alone(levels))
    tens = Rated([str(number // 10) for number in range(2_000)], levels, np.zeros(2_000))
    together, _ = by_group("region", groups, tens)
    assert apart.ratio
    assert together.ratio
    assert together.ratio.estimate == apart.ratio.estimate
    assert together.ratio.low < 1 < apart.ratio.low
    assert not is_unfair(together)


@pytest.mark.feature("E12")
def test_groups_that_fare_alike_are_hardly_ever_called_unfair() -> None:
    """A hundred reports of six regions whose good enterprises get C alike often."""
    random = np.random.default_rng(11)
    called = 0
    for _ in range(100):
        regions = random.choice(["a", "b", "c", "d", "e", "f"], 1_200).tolist()
        levels = np.where(random.random(1_200) < 0.08, "C", "A").tolist()
        called += any(map(is_unfair, by_group("region", regions, alone(levels))))
    assert called <= 10


@pytest.mark.feature("E12")
def test_every_axis_is_told_and_shares_add_up() -> None:
    told = fairness_of(rows(), CARD)
    assert {group.axis for group in told} == {"entity_type", "size_band", "region", "is_new"}
    assert {group.group for group in told if group.axis == "is_new"} == {"new", "established"}
    for group in told:
        assert sum(group.levels.values()) == pytest.approx(1)
        assert group.goods + group.bads == group.rows
    # All rows but those of train.
    assert sum(group.rows for group in told if group.axis == "entity_type") == 2_000


@pytest.mark.feature("E6")
def test_a_judged_candidate_is_measured_beside_the_champion() -> None:
    found = judge(rows(), OLDER, CARD, data_sha256="0" * 64)
    assert (found.candidate.digest, found.champion.digest) == (OLDER.digest, CARD.digest)
    assert found.data_basis == "SYNTHETIC"
    assert found.candidate_result.out_of_time.rows == 1_000
    assert found.candidate_result.out_of_time.auc > 0.7
    assert found.candidate_result.without_grey.rows < 1_000
    assert found.candidate_result.components["disputes_lost"] is not None
    assert found.candidate_result.components["fraud"] is None
    assert found.log_loss_difference.low <= found.log_loss_difference.estimate
    assert found.boosting_gap == pytest.approx(
        found.boosting_auc - found.candidate_result.out_of_time.auc
    )
    assert found.drift.features.keys() == {feature.name for feature in OLDER.features}
    assert found.migration.rated == 2_000
    assert judge(rows(), OLDER, CARD, data_sha256="0" * 64) == found


def test_the_same_card_differs_from_itself_in_nothing() -> None:
    found = judge(rows(900), CARD, CARD, data_sha256="0" * 64)
    assert (found.log_loss_difference.low, found.log_loss_difference.high) == (0, 0)
    assert found.migration.moved == 0


def test_a_feature_that_went_missing_is_found_to_drift() -> None:
    told = rows(900)
    gone = told.split == "out_of_time"
    told.figures["paid_orders"][gone] = np.nan
    found = judge(told, CARD, CARD, data_sha256="0" * 64).drift.features["paid_orders"]
    assert found.drift.drifted
    assert (found.missing_expected, found.missing_actual) == (0, 1)


def test_a_table_without_a_split_is_refused_by_its_name() -> None:
    told = rows(300)
    with pytest.raises(EvaluationError, match="recent"):
        judge(told.where(told.split != "recent"), CARD, CARD, data_sha256="0" * 64)


def test_rows_hold_every_feature() -> None:
    assert rows(30).figures.keys() == FEATURES.keys()


@pytest.mark.feature("E6")
def test_a_report_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "evaluation.json"
    found = judge(rows(900), OLDER, CARD, data_sha256="0" * 64)
    file.write_text(document(found), encoding="utf-8")
    assert read(file, Evaluation).report == found


@pytest.mark.feature("E12")
def test_who_is_served_drifts_without_any_outcome_and_by_what_moved_alone() -> None:
    table = rows()
    same, moved = rows(2_000, seed=9), rows(2_000, seed=9)
    moved.figures["dispute_lost_rate"][:] = 300_000.0
    there = drift_to(table, served(same), CARD)
    other = drift_to(table, served(moved), CARD)
    assert there.bads is None
    assert other.features["dispute_lost_rate"].drift.drifted
    assert other.features["dispute_lost_rate"].drift.psi > 1
    assert other.score.psi > there.score.psi
    untouched = [name for name in there.features if name != "dispute_lost_rate"]
    assert all(there.features[name] == other.features[name] for name in untouched)


def test_drift_to_nobody_is_refused() -> None:
    nobody = served(rows()).where(np.zeros(3_000, dtype=np.bool_))
    with pytest.raises(EvaluationError, match="somebody who trades"):
        drift_to(rows(), nobody, CARD)


def served(table: Labelled) -> Labelled:
    """Returns rows as of who is served, without outcomes."""
    size = len(table)
    return dataclasses.replace(
        table, split=np.full(size, "served"), bad=np.zeros(size, dtype=np.int64)
    )
