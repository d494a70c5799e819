"""What came of an enterprise, when that is ripe, and in which split it is."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafides.instants import Day, day_of, from_date
from bonafides.rating.training.cohorts import TooYoungError, pseudonym, quarters, split_of
from bonafides.rating.training.labels import Outcomes, labels
from bonafides.rating.training.priors import prior_of
from bonafides.rating.training.results import LevelResult, alike, wilson


def _outcome(
    orders: int = 100,
    lost: int = 0,
    *,
    fraud: bool = False,
    debtor: bool = False,
    left: bool = False,
) -> tuple[int, str, bool]:
    """Returns bad, component and whether it is known, of one enterprise."""
    told = labels(
        Outcomes(
            orders=np.array([orders]),
            disputes_lost=np.array([lost]),
            fraud=np.array([fraud]),
            dishonest_debtor=np.array([debtor]),
            left=np.array([left]),
        )
    )
    return int(told.bad[0]), str(told.component[0]), bool(told.known[0])


def test_listings_and_disputes_lost_make_bad_by_the_first_that_fits() -> None:
    assert _outcome(fraud=True, debtor=True, lost=9) == (1, "fraud", True)
    assert _outcome(debtor=True, lost=9) == (1, "dishonest_debtor", True)
    assert _outcome(lost=3) == (1, "disputes_lost", True)


def test_few_disputes_or_a_low_rate_do_not_make_bad() -> None:
    assert _outcome(orders=10, lost=2) == (0, "grey", True)
    assert _outcome(orders=121, lost=3) == (0, "grey", True)
    assert _outcome(orders=1_000, lost=9) == (0, "", True)


def test_no_trade_is_no_exposure_and_not_good() -> None:
    assert _outcome(orders=0) == (0, "", False)
    assert _outcome(orders=0, debtor=True) == (1, "dishonest_debtor", True)


def test_who_left_is_censored_unless_bad_before() -> None:
    assert _outcome(left=True) == (0, "", False)
    assert _outcome(left=True, fraud=True) == (1, "fraud", True)


def test_newest_ripe_quarters_are_out_of_time() -> None:
    found = quarters(_day(2022, 1, 1), _day(2026, 9, 30))
    splits = [cohort.split for cohort in found]
    assert splits == ["train"] * 7 + ["recent"] * 4 + ["out_of_time"] * 2
    # A year of quarters tells probabilities; its newest trains nobody, as those after it.
    by_split = {name: [c.day for c in found if c.split == name] for name in splits}
    assert by_split["recent"][:-1] == by_split["train"][-3:]
    assert by_split["train"][-1] < by_split["recent"][-1] < by_split["out_of_time"][0]
    # 14 months later everything of the last window is learned.
    assert found[-1].day == _day(2025, 6, 30)
    assert day_of(found[-1].ripe_at) <= _day(2026, 9, 30)
    # A year of record lies before the first.
    assert found[0].day == _day(2023, 3, 31)


def test_history_that_is_too_short_is_refused_with_what_is_needed() -> None:
    with pytest.raises(TooYoungError, match="4 are needed"):
        quarters(_day(2024, 1, 1), _day(2025, 9, 30))


@given(st.text(min_size=1, max_size=30))
def test_enterprise_is_in_one_split_and_its_pseudonym_hides_the_code(code: str) -> None:
    name = pseudonym(b"key", code)
    assert split_of(name) == split_of(pseudonym(b"key", code))
    assert name != pseudonym(b"another", code)


def test_enterprises_are_spread_over_splits_as_planned() -> None:
    splits = [split_of(pseudonym(b"key", str(number))) for number in range(4_000)]
    shares = [splits.count(name) / len(splits) for name in ("train", "recent", "out_of_time")]
    assert shares == pytest.approx([0.45, 0.25, 0.3], abs=0.03)


def test_prior_of_a_share_is_found_again() -> None:
    rng = np.random.default_rng(3)
    whole = rng.integers(5, 500, 4_000)
    part = rng.binomial(whole, rng.beta(4, 76, whole.size))
    prior = prior_of(part.astype(float), whole.astype(float))
    assert prior.mean_ppm == pytest.approx(50_000, rel=0.05)
    assert prior.alpha + prior.beta == pytest.approx(80, rel=0.3)


def test_shares_that_never_differ_are_drawn_strongly_and_none_at_all_evenly() -> None:
    same = prior_of(np.full(50, 10.0), np.full(50, 200.0))
    assert (same.alpha, same.beta) == (100, 1_900)
    nothing = prior_of(np.empty(0), np.empty(0))
    assert (nothing.alpha, nothing.beta) == (1, 1)
    never = prior_of(np.zeros(50), np.full(50, 200.0))
    assert never.alpha == 1


def test_neighbors_that_differ_by_chance_are_told_to_be_alike() -> None:
    levels = [LevelResult("AAA", 400, 4, 0, 1), LevelResult("AA", 900, 12, 0, 1)]
    worse = LevelResult("A", 900, 60, 0, 1)
    assert alike([*levels, worse]) == (("AAA", "AA"),)


def test_bounds_of_a_share_hold_it_and_are_wide_without_rows() -> None:
    low, high = wilson(3, 100)
    assert 0 < low < 0.03 < high < 0.1
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 10)[0] == 0.0


def _day(year: int, month: int, day: int) -> Day:
    return from_date(dt.date(year, month, day))
