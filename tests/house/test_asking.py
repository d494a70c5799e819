"""Tests that go over all methods really go over all of them."""

from __future__ import annotations

import pytest

from bonafides.access import policy
from bonafides.rpc import validation
from tests import builders
from tests.asking import NAMES, methods, request


@pytest.mark.parametrize("method", methods())
def test_every_method_has_a_request_of_right_shape(method: str) -> None:
    assert validation.violations(request(method, builders.code(1).text)) == ()


def test_every_method_has_a_policy_row_and_every_row_a_method() -> None:
    assert {row.method for row in policy.POLICIES} == set(methods())


@pytest.mark.parametrize("method", methods())
def test_request_that_names_an_enterprise_names_the_one_asked_for(method: str) -> None:
    """A method without a name here would be left out by tests that ask across enterprises."""
    made = request(method, builders.code(2).text)
    named = [getattr(made, field, "") for field in ("name", "parent")]
    elsewhere = [name for name in named if name and not name.startswith("enterprises/")]
    told = builders.code(2).text.encode() in made.SerializeToString()
    assert told == (method.rsplit("/", 1)[1] in NAMES)
    assert told or [name for name in named if name] == elsewhere
