"""Resource names: the one form of each, and a remedy for every other."""

from __future__ import annotations

import pytest

from bonafides.errors import InvalidFieldsError
from bonafides.rpc import messages
from tests import builders

CODE = builders.code(1)


def test_names_are_read() -> None:
    assert messages.enterprise_of(f"enterprises/{CODE}/archive", "archive") == CODE
    assert messages.enterprise_of(f"enterprises/{CODE}/rating", "rating") == CODE
    assert messages.submission_of(f"enterprises/{CODE}/submissions/u1") == (CODE, "u1")
    assert messages.scorecard_of("scorecards/expert-1") == "expert-1"


def test_code_in_a_name_is_normalised() -> None:
    assert messages.enterprise_of(f"enterprises/{CODE.text.lower()}/archive", "archive") == CODE


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        str(CODE),
        "enterprises",
        f"enterprises/{CODE}",
        f"enterprises/{CODE}/rating",
        f"enterprises/{CODE}/archive/",
        f"/enterprises/{CODE}/archive",
        f"enterprises/{CODE}/archive/archive",
        "enterprises//archive",
        "Enterprises/x/archive",
    ],
)
def test_name_of_another_form_is_refused_with_the_form(name: str) -> None:
    with pytest.raises(InvalidFieldsError) as refusal:
        messages.enterprise_of(name, "archive")
    (violation,) = refusal.value.violations
    assert (violation.field, violation.reason) == ("name", "RESOURCE_NAME")
    assert violation.description == "Write the name as enterprises/{code}/archive."


@pytest.mark.feature("A7")
@pytest.mark.parametrize(
    ("code", "reason"),
    [("123456789012345", "OLD_REGISTRATION_NUMBER"), ("123", "LENGTH"), ("*" * 18, "ALPHABET")],
)
def test_what_is_no_code_is_refused_with_its_reason(code: str, reason: str) -> None:
    with pytest.raises(InvalidFieldsError) as refusal:
        messages.enterprise_of(f"enterprises/{code}/archive", "archive")
    (violation,) = refusal.value.violations
    assert (violation.field, violation.reason) == ("name", reason)
    assert code not in str(refusal.value)
