"""The policy, cell by cell over the wire, on both databases."""

from __future__ import annotations

from collections import defaultdict

import pytest

from bonafides.access.policy import POLICIES
from tests import policy_matrix
from tests.serving import Served


@pytest.mark.feature("D9", "F1")
def test_every_cell_of_the_policy_holds_over_the_wire(served: Served) -> None:
    methods = {
        f"/{descriptor.full_name}/{method.name}": method
        for descriptor in served.server.services
        for method in descriptor.methods
    }
    tokens, agent_token = policy_matrix.credentials(served)
    matrix = policy_matrix.measure(served.address, tokens, methods, agent_token)
    assert matrix.differing == ()
    assert matrix.cells == matrix.conforming > 4 * len(methods)


def test_every_method_has_a_cell_that_is_let_in_and_most_have_one_that_is_not() -> None:
    answers = defaultdict(set)
    for cell in policy_matrix.cells():
        answers[cell.method].add(cell.expected)
    assert set(answers) == {row.method for row in POLICIES}
    assert all(told & policy_matrix.ALLOWED for told in answers.values())
    open_to_all = {m for m, told in answers.items() if told <= policy_matrix.ALLOWED}
    # Texts and cards describe no enterprise; an archive's refusals are about purposes.
    assert open_to_all == {
        "/bonafides.v1.ConsentService/ListAgreements",
        "/bonafides.v1.RatingService/GetScorecard",
    }
