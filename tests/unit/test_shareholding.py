"""What does not agree among shareholders is told, and only that."""

from __future__ import annotations

from typing import Any

import pytest

from bonafides.archive.assemble import assemble
from bonafides.archive.facts import Shareholder
from bonafides.archive.shareholding import findings
from bonafides.records.money import Money
from tests.views.inputs import COMPANY, INDIVIDUAL, inputs, rating, sheet

pytestmark = pytest.mark.feature("C3")

CAPITAL = Money("CNY", 100_000_000)


def holder(share_ppm: int | None = None, minor: int | None = None, **changes: Any) -> Shareholder:
    """Returns an organization that holds a share."""
    subscribed = None if minor is None else Money(changes.pop("currency", "CNY"), minor)
    return Shareholder(
        "九九", is_person=False, subscribed=subscribed, share_ppm=share_ppm, **changes
    )


def reasons(*holders: Shareholder, capital: Money | None = CAPITAL) -> list[str]:
    """Returns the reasons of what does not agree."""
    return [found.reason for found in findings(holders, capital)]


def test_shares_and_subscriptions_that_add_up_are_no_finding() -> None:
    assert reasons(holder(600_000, 60_000_000), holder(400_000, 40_000_000)) == []
    assert reasons() == []


def test_three_rounded_thirds_are_no_finding() -> None:
    assert reasons(*[holder(333_300, 33_333_300)] * 3) == []


@pytest.mark.parametrize("last", [399_000, 401_000])
def test_shares_off_by_more_than_rounding_are_a_finding(last: int) -> None:
    assert reasons(holder(600_000), holder(last)) == ["SHARES_SUM"]


def test_share_that_is_not_known_leaves_room_for_less_but_not_for_more() -> None:
    assert reasons(holder(600_000), holder()) == []
    assert reasons(holder(600_000), holder(500_000), holder()) == ["SHARES_SUM"]


@pytest.mark.parametrize("minor", [39_000_000, 41_000_000])
def test_subscriptions_beside_the_capital_are_a_finding(minor: int) -> None:
    assert reasons(holder(minor=60_000_000), holder(minor=minor)) == ["CONTRIBUTIONS_SUM"]


def test_what_can_not_be_compared_is_no_finding() -> None:
    one, other = holder(minor=1), holder(minor=5, currency="USD")
    assert reasons(one, other) == reasons(one, holder()) == []
    assert reasons(one, capital=None) == []


def test_more_paid_in_than_subscribed_is_a_finding_in_one_currency_alone() -> None:
    assert reasons(holder(minor=100_000_000, paid=Money("CNY", 100_000_001))) == [
        "PAID_ABOVE_SUBSCRIBED"
    ]
    assert reasons(holder(minor=100_000_000, paid=Money("JPY", 200_000_001))) == []


def test_finding_stands_in_the_archive_and_hides_nothing() -> None:
    made = assemble(inputs(COMPANY), rating())
    assert [found.reason for found in made.findings] == ["PAID_ABOVE_SUBSCRIBED"]
    assert len(made.shareholders) == 3


def test_individual_business_has_neither_shareholders_nor_findings_of_them() -> None:
    held = (holder(700_000, 5), holder(700_000, 5))
    made = assemble(inputs(INDIVIDUAL, sheet=sheet(INDIVIDUAL, shareholders=held)), rating())
    assert (list(made.shareholders), list(made.findings)) == ([], [])
