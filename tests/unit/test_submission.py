"""The states of a submission, and claims as values."""

from __future__ import annotations

import itertools

import pytest

from bonafides.errors import TransitionNotAllowedError
from bonafides.identity.claims import read_claims
from bonafides.identity.submission import (
    TRANSITIONS,
    Claims,
    Purpose,
    State,
    advance,
    from_stored,
    to_stored,
)
from bonafides.v1 import enterprise_pb2 as enterprise
from tests import builders


def _claims() -> Claims:
    return read_claims(builders.claims(), now=builders.NOW)


@pytest.mark.feature("A10")
@pytest.mark.parametrize(("before", "after"), list(itertools.product(State, State)))
def test_every_transition_outside_the_table_is_refused(before: State, after: State) -> None:
    if after in TRANSITIONS[before]:
        assert advance(before, after) is after
        return
    with pytest.raises(TransitionNotAllowedError) as refused:
        advance(before, after)
    assert refused.value.metadata == {"from_state": before.name, "to_state": after.name}


@pytest.mark.feature("A10")
def test_the_table_has_every_state() -> None:
    assert set(TRANSITIONS) == set(State)


@pytest.mark.feature("A10")
def test_what_was_refuted_or_has_lapsed_never_becomes_verified_again() -> None:
    reached = {State.REJECTED, State.ACTION_REQUIRED, State.LAPSED, State.WITHDRAWN}
    while more := set().union(*(TRANSITIONS[state] for state in reached)) - reached:
        reached |= more
    assert State.VERIFIED not in reached


def test_states_and_purposes_are_those_of_the_protos() -> None:
    states = {f"STATE_{state.name}" for state in State} | {"STATE_UNSPECIFIED"}
    purposes = {f"PURPOSE_{purpose.name}" for purpose in Purpose} | {"PURPOSE_UNSPECIFIED"}
    assert states == set(enterprise.Submission.State.keys())
    assert purposes == set(enterprise.Purpose.keys())
    assert [purpose.value for purpose in Purpose] == [purpose.name for purpose in Purpose]


def test_claims_are_read_back_as_they_were_stored() -> None:
    claims = _claims()
    assert from_stored(to_stored(claims)) == claims


@pytest.mark.feature("A1")
def test_personal_values_are_in_no_repr_and_not_in_the_open_part() -> None:
    claims = _claims()
    stored = to_stored(claims)
    shown = f"{claims!r} {claims} {stored!r} {stored.title} {stored.license}"
    for value in (builders.ID_NUMBER, builders.PHONE, builders.EMAIL, builders.PERSON):
        assert value not in shown
    assert builders.ID_NUMBER in stored.personal.decode()
