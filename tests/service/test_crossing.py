"""No owner gets at another's enterprise, by any method."""

from __future__ import annotations

import pytest

from tests import builders
from tests.crossing import absent, crossings, enroll, owners_methods, staff_methods
from tests.serving import Served


@pytest.mark.feature("D7")
def test_other_s_enterprise_is_not_found_by_any_owner_s_method(served: Served) -> None:
    owned = enroll(served, 3)
    made = list(crossings(served, owned))
    assert [each for each in made if each.let_in] == []
    assert len(made) == len(owners_methods()) * 6 + 2 * 3


@pytest.mark.feature("D7")
def test_own_enterprise_is_found_by_the_same_requests(served: Served) -> None:
    """Or the test above would say nothing: the requests are good."""
    owned = enroll(served, 2)
    swapped = [
        type(each)(other.code, each.token, other.ids)
        for each, other in zip(owned, reversed(owned), strict=True)
    ]
    let_in = {each.method.rsplit("/", 1)[1] for each in crossings(served, swapped) if each.let_in}
    assert {"GetAdvice", "GetCorrection", "ListRatings", "ListReviews", "GetReceipt"} <= let_in


@pytest.mark.feature("D7")
def test_staff_find_nothing_of_an_enterprise_that_takes_no_part(served: Served) -> None:
    enroll(served, 1)
    made = list(absent(served, builders.code(2).text))
    assert [each for each in made if each.let_in] == []
    assert len(made) == len(staff_methods()) > 30
