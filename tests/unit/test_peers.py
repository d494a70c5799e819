"""Whom an enterprise is compared with, and what a mean of peers never tells."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafides.archive.categories import main_category
from bonafides.instants import Day
from bonafides.rating.peers import LEAST_MEMBERS, Group, Tally, groups_of
from tests.builders import TODAY, code, registration

pytestmark = pytest.mark.feature("E2")

COMPANY, INDIVIDUAL = code(1), code(2, department_and_type="92")
BAKERS = Group("company/category/x", "x", "x")
FORM = Group("company/form/limited/age/3-5", "y", "y")


def keys(of: Any = COMPANY, category: str | None = None, **told: Any) -> list[str]:
    """Returns the keys of the groups, the closest first."""
    return [group.key for group in groups_of(of, registration(**told), category, TODAY)]


def tallied(*figures: int, groups: tuple[Group, ...] = (BAKERS,)) -> Tally:
    """Returns a tally of one feature, of as many enterprises as figures."""
    tally = Tally()
    for number, figure in enumerate(figures):
        tally.add(f"c{number}", groups, {"f": figure})
    return tally


def test_main_category_is_that_of_most_open_stores_and_of_equals_the_first_by_name() -> None:
    assert main_category(["b", "a", "b"]) == "b"
    assert main_category(["b", "a", " b", "a "]) == "a"
    assert main_category(["", " "]) is main_category([]) is None


def test_group_is_of_the_category_first_and_of_form_and_age_next() -> None:
    assert keys(category="百货") == ["company/category/百货", "company/form/limited/age/10+"]
    assert keys(category=None) == ["company/form/limited/age/10+"]


def test_individual_businesses_and_companies_are_never_in_one_group() -> None:
    groups = groups_of(INDIVIDUAL, registration(legal_form="个体工商户"), "百货", TODAY)
    assert [group.key for group in groups] == [
        "individual_business/category/百货",
        "individual_business/form/individual/age/10+",
    ]
    assert groups[0].title_en == "individual businesses, 百货"
    assert groups[0].title_zh == "个体工商户，百货"


@pytest.mark.parametrize(
    ("days", "band"),
    [(0, "0-1"), (364, "0-1"), (365, "1-3"), (3 * 365, "3-5"), (5 * 365, "5-10"), (3_650, "10+")],
)
def test_age_band_begins_with_the_year(days: int, band: str) -> None:
    assert keys(established=Day(TODAY - days)) == [f"company/form/limited/age/{band}"]


@pytest.mark.parametrize(
    ("printed", "form"),
    [
        ("有限责任公司(自然人独资)", "limited"),
        ("有限责任公司分公司", "branch"),
        ("其他股份有限公司(非上市)", "joint_stock"),
        ("普通合伙企业", "partnership"),
        ("个人独资企业", "sole_investor"),
    ],
)
def test_legal_form_is_told_by_its_words(printed: str, form: str) -> None:
    assert keys(legal_form=printed) == [f"company/form/{form}/age/10+"]


def test_who_says_too_little_is_compared_with_nobody() -> None:
    assert keys(established=None) == keys(legal_form="别的") == keys(legal_form=None) == []
    assert groups_of(COMPANY, None, None, TODAY) == ()
    assert keys(category="长" * 101, established=None) == []


def test_thirty_members_have_a_mean_and_twenty_nine_have_none() -> None:
    measured = tallied(*[7] * LEAST_MEMBERS).measured()
    assert [(mean.feature, mean.mean_milli, mean.members) for mean in measured.means] == [
        ("f", 7_000, 30)
    ]
    small = tallied(*[7] * (LEAST_MEMBERS - 1)).measured()
    assert (small.groups, small.means) == ({}, ())


def test_category_that_is_too_small_gives_way_to_form_and_age() -> None:
    tally = tallied(*[7] * 30, groups=(FORM,))
    tally.add("baker", (BAKERS, FORM), {"f": 7})
    assert tally.measured().groups["baker"] == FORM.key


def test_figure_that_too_few_have_has_no_mean() -> None:
    tally = tallied(*[7] * 30)
    tally.add("other", (BAKERS,), {"rare": 1})
    assert [mean.feature for mean in tally.measured().means] == ["f"]


def test_mean_in_which_one_member_is_half_or_more_is_withheld() -> None:
    assert tallied(*[10] * 29, 291).measured().means == ()
    assert len(tallied(*[10] * 29, 290).measured().means) == 1


def test_joining_member_is_not_told_by_the_difference_of_two_days() -> None:
    before = tallied(*[1_000] * 35).measured().means
    after = tallied(*[1_000] * 35, 1_500).measured().means
    assert before == after


@given(st.lists(st.integers(0, 10**6), min_size=30, max_size=60))
def test_mean_has_two_digits_and_lies_within_them_of_the_true_one(figures: list[int]) -> None:
    for mean in tallied(*figures).measured().means:
        true = sum(figures) * 1_000 / len(figures)
        assert len(str(mean.mean_milli).rstrip("0")) <= 2
        assert abs(mean.mean_milli - true) <= max(1, true * 0.051)
        assert mean.members % 10 == 0
        assert mean.members <= len(figures)
