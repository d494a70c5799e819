"""Fitting scorecards: directions by construction, honest missing values, the same card again."""

from __future__ import annotations

import math
import subprocess
import sys
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from bonafides.rating.training import FitError, PointsCard, fit
from bonafides.rating.training.binning import MAX_BINS, MIN_SHARE, bins_of, edges_of
from tests.searching import examples

Floats = npt.NDArray[np.float64]
# Quick, where the penalty is not what a test is about.
quick = partial(fit, l1=3e-4, l2=1e-3)


def labelled(
    rows: int = 2_000, columns: int = 6, *, seed: int = 1, missing: float = 0.05
) -> tuple[Floats, Floats, Floats]:
    """Returns a table, what came of its rows, and the true log-odds of bad.

    The first half of the columns matter: of even ones more is worse, of odd ones better.
    """
    rng = np.random.default_rng(seed)
    table = rng.lognormal(size=(rows, columns))
    z = np.log(table)
    odds = -1.5 + sum((-1) ** place * z[:, place] for place in range(columns // 2))
    bad = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(float)
    table[rng.random(table.shape) < missing] = np.nan
    return table, bad, odds


def assert_sound(card: PointsCard) -> None:
    """Checks over all bins what a card promises of itself."""
    for feature in card.features:
        steps = np.diff(feature.points) * feature.direction
        assert (steps >= 0).all()
        assert feature.missing <= 0
        assert len(feature.points) == len(feature.edges) + 1 <= MAX_BINS
        assert list(feature.edges) == sorted(set(feature.edges))
    assert card.slope >= 0


@pytest.mark.feature("E7", "L6")
@settings(max_examples=examples(15), deadline=None)
@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(60, 400),
    directions=st.lists(st.sampled_from([-1, 0, 1]), min_size=4, max_size=4),
)
def test_every_direction_holds_over_all_bins(seed: int, rows: int, directions: list[int]) -> None:
    table, bad, _ = labelled(rows, 4, seed=seed)
    bad[:4] = [0, 1, 0, 1]
    card = quick(table, bad, directions=directions)
    assert_sound(card)
    for feature, direction in zip(card.features, directions, strict=True):
        assert direction in {0, feature.direction}


@pytest.mark.feature("E7")
def test_raising_a_good_value_never_lowers_the_score() -> None:
    table, bad, _ = labelled()
    card = quick(table, bad)
    before = card.score(table)
    for place, feature in enumerate(card.features):
        moved = table.copy()
        moved[:, place] *= 1.7
        assert ((card.score(moved) - before) * feature.direction >= 0).all()


def test_directions_of_the_rows_are_found() -> None:
    table, bad, _ = labelled()
    card = quick(table, bad)
    assert [feature.direction for feature in card.features[:3]] == [-1, 1, -1]
    wrong = quick(table, bad, directions={"x0": 1})
    # Held to a direction that the rows contradict, a feature says nothing.
    assert set(wrong.features[0].points) == {0}


@pytest.mark.feature("E6")
def test_same_rows_and_seed_give_the_same_card() -> None:
    table, bad, _ = labelled(300, 3)
    card = fit(table, bad)
    assert card.digest == fit(table, bad).digest
    assert card.digest != fit(table, bad, seed=1).digest


def test_card_comes_near_the_truth_and_is_calibrated() -> None:
    table, bad, odds = labelled(6_000, 4, missing=0.0)
    card = fit(table[:4_000], bad[:4_000])
    told, seen = card.predict_proba(table[4_000:])[:, 1], bad[4_000:]
    truth = 1 / (1 + np.exp(-odds[4_000:]))
    assert roc_auc_score(seen, told) > roc_auc_score(seen, truth) - 0.01
    # Twelve bins of a straight line cost about 0.01.
    assert log_loss(seen, told) < log_loss(seen, truth) + 0.015
    assert abs(told.mean() - seen.mean()) < 0.02


def test_outcomes_without_a_pattern_give_next_to_no_points() -> None:
    rng = np.random.default_rng(5)
    table, bad = rng.normal(size=(1_500, 10)), (rng.random(1_500) < 0.1).astype(float)
    card = fit(table, bad)
    told = card.predict_proba(table)[:, 1]
    assert np.abs(told - bad.mean()).max() < 0.1


def test_missing_that_foretells_good_is_neutral_at_best() -> None:
    table, bad, _ = labelled(1_500, 4, missing=0.0)
    rng = np.random.default_rng(2)
    for place, share in ((0, 0.02), (1, 0.6)):
        table[(rng.random(bad.size) < share) & (bad == place), place] = np.nan
    card = fit(table, bad)
    good, worse = (feature.missing for feature in card.features[:2])
    assert good == 0
    assert worse < 0


def test_known_rows_get_nothing_on_average() -> None:
    """Neutral is what the known rows get: so 0 for missing gives no advantage."""
    table, bad, _ = labelled(missing=0.2)
    card = quick(table, bad)
    points = card.points(table).astype(float)
    points[np.isnan(table)] = np.nan
    assert np.abs(np.nanmean(points, axis=0)).max() <= 0.5


@example([0.0, 5e-324], 0)
@given(
    st.lists(
        st.one_of(st.floats(-1e6, 1e6), st.sampled_from([0.0, 1.0, math.nan])),
        min_size=1,
        max_size=300,
    ),
    st.integers(0, 1_000),
)
def test_bins_are_few_and_large_and_their_edges_part_the_values(
    told: list[float], seed: int
) -> None:
    values = np.array(told)
    bad = np.random.default_rng(seed).integers(0, 2, values.size).astype(float)
    edges = edges_of(values, bad)
    counts = np.bincount(bins_of(values, edges), minlength=edges.size + 2)
    assert edges.size < MAX_BINS
    assert counts[-1] == np.isnan(values).sum()
    if edges.size:
        # An edge on a rounder number may move one row in two hundred.
        assert counts[:-1].min() >= MIN_SHARE * values.size - 2 * (0.005 * values.size + 1)


def test_edges_are_numbers_that_a_person_reads() -> None:
    rng = np.random.default_rng(3)
    values = rng.lognormal(3, 1, 5_000)
    edges = edges_of(values, (rng.random(5_000) < 0.2).astype(float))
    assert edges.size > 3
    assert all(len(f"{edge:g}".replace(".", "").strip("0")) <= 3 for edge in edges)


def test_value_on_an_edge_belongs_to_the_bin_that_begins_there() -> None:
    assert bins_of(np.array([29.9, 30.0, np.nan]), np.array([30.0])).tolist() == [0, 1, 2]


def test_columns_that_tell_nothing_give_no_points() -> None:
    table, bad, _ = labelled(500, 3)
    table[:, 1], table[:, 2] = 7.0, np.nan
    card = quick(table, bad)
    assert [feature.points for feature in card.features[1:]] == [(0,), (0,)]
    assert_sound(card)


def test_frame_is_read_by_the_names_of_its_columns() -> None:
    table, bad, _ = labelled(500, 3)
    frame = pd.DataFrame(table, columns=["age", "late", "refunds"])
    card = quick(frame, pd.Series(bad), directions={"late": 1})
    turned = frame[["refunds", "age", "late"]].assign(other="text")
    assert (card.score(turned) == card.score(frame)).all()
    with pytest.raises(FitError, match="lacks the columns late"):
        card.score(frame.drop(columns="late"))


def test_one_row_scores_as_in_a_table() -> None:
    table, bad, _ = labelled(400)
    card = quick(table, bad)
    assert [int(card.score(row[None, :])[0]) for row in table] == card.score(table).tolist()


def test_infinite_values_are_in_the_outer_bins() -> None:
    table, bad, _ = labelled(400, 2)
    card = quick(table, bad)
    ends = card.points(np.array([[-np.inf, -np.inf], [np.inf, np.inf]]))
    assert ends[:, 0].tolist() == [card.features[0].points[0], card.features[0].points[-1]]


def test_rows_of_one_group_are_never_on_both_sides() -> None:
    """Each row stands ten times: held out beside its copies, noise would look like a rule."""
    rng = np.random.default_rng(4)
    table, bad = rng.normal(size=(60, 8)), (rng.random(60) < 0.3).astype(float)
    groups = np.repeat(np.arange(60), 10)
    copies, outcomes = np.repeat(table, 10, axis=0), np.repeat(bad, 10)
    apart = fit(copies, outcomes, groups=groups.tolist())
    mixed = fit(copies, outcomes)
    assert np.ptp(apart.predict_proba(table)[:, 1]) < np.ptp(mixed.predict_proba(table)[:, 1])


def test_card_is_calibrated_anew_on_another_cohort() -> None:
    table, bad, _ = labelled(4_000)
    card = quick(table[:2_000], bad[:2_000])
    later, outcomes = table[2_000:], bad[2_000:].copy()
    outcomes[::2] = 0.0
    again = card.calibrated(later, outcomes)
    assert again.features == card.features
    assert abs(again.predict_proba(later)[:, 1].mean() - outcomes.mean()) < 0.005


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"y": [0.0] * 20}, "good rows and bad ones"),
        ({"y": [0.0, 2.0] * 10}, "is 1 .bad. or 0 .good."),
        ({"y": ["a"] * 20}, "is 1 .bad. or 0 .good."),
        ({"y": [0.0, 1.0]}, "20 rows and 2 outcomes"),
        ({"y": [1.0] + [0.0] * 19}, "at least two good rows and two bad"),
        ({"X": np.zeros(20)}, "rows and columns"),
        ({"X": np.zeros((20, 0))}, "rows and columns"),
        ({"X": [["a"]] * 20}, "must hold numbers"),
        ({"X": pd.DataFrame(np.zeros((20, 2)), columns=["a", "a"])}, "a name of its own"),
        ({"directions": [1, 1]}, "1 columns and 2 directions"),
        ({"directions": {"age": 1}}, "not there: age"),
        ({"directions": [2]}, "a direction is 1"),
        ({"groups": [1]}, "20 rows and 1 groups"),
        ({"groups": [1] * 10 + [2] * 10, "y": [1.0, 0.0] * 5 + [0.0] * 10}, "too few groups"),
    ],
)
def test_what_can_not_be_fitted_is_refused_with_the_reason(
    changes: dict[str, Any], told: str
) -> None:
    given_data: dict[str, Any] = {"X": np.arange(20.0)[:, None], "y": [0.0, 1.0] * 10}
    given_data |= changes
    with pytest.raises(FitError, match=told):
        fit(given_data.pop("X"), given_data.pop("y"), **given_data)


@pytest.mark.feature("E1")
def test_card_without_training_libraries_is_what_serving_loads() -> None:
    program = "import bonafides.rating.scorecard, sys; print('sklearn' in sys.modules)"
    done = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    assert done.stdout.strip() == "False"
