"""What integrators may call: the table of scopes, held against the policy."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafides.access import agents, policy
from bonafides.access.agents import OWN, SCOPES
from bonafides.access.callers import Caller, CallerKind, audience
from bonafides.client.signed_channel import AGENT_KEY
from bonafides.errors import AgentTokenRequiredError, BugError, ScopeRequiredError
from bonafides.rpc.call import AGENT
from bonafides.v1 import disclosure_pb2

CODE, OTHER = "91990000MA0000001T", "91990000MA00000028"
ALONE = Caller(CallerKind.INTEGRATOR, "issuer", "app-1", application="app-1", role="INTEGRATOR")
ACTING = dataclasses.replace(ALONE, acts_for=CODE, agency="uid", scopes=frozenset(SCOPES))
OPENED = frozenset(method for scope in SCOPES.values() for method in scope.methods)


@pytest.mark.feature("D9", "I10")
def test_scopes_and_policy_open_the_same_methods_to_integrators() -> None:
    rows = {row.method for row in policy.POLICIES if CallerKind.INTEGRATOR in row.callers}
    assert rows == OPENED | OWN
    assert not OPENED & OWN


def test_no_two_scopes_open_the_same_method() -> None:
    assert sum(len(scope.methods) for scope in SCOPES.values()) == len(OPENED)


def test_every_scope_says_what_it_is_for_and_fits_its_column() -> None:
    assert all(scope.says.endswith(".") and scope.methods for scope in SCOPES.values())
    assert len(" ".join(SCOPES)) < 500


@pytest.mark.feature("I10")
@pytest.mark.parametrize("scope", SCOPES)
def test_scope_opens_its_own_methods_and_no_other(scope: str) -> None:
    caller = dataclasses.replace(ACTING, scopes=frozenset({scope}))
    for method in SCOPES[scope].methods:
        policy.check(method, caller)
    for method in (OPENED | OWN) - SCOPES[scope].methods:
        with pytest.raises(ScopeRequiredError):
            policy.check(method, caller)


@pytest.mark.feature("I10")
def test_without_an_agent_token_there_are_own_affairs_alone() -> None:
    for method in OWN:
        policy.check(method, ALONE)
    for method in OPENED:
        with pytest.raises(AgentTokenRequiredError):
            policy.check(method, ALONE)


@pytest.mark.feature("D7", "I10")
def test_integrator_sees_its_enterprise_and_of_others_nothing() -> None:
    assert audience(ACTING, CODE) == disclosure_pb2.AUDIENCE_INTEGRATOR
    assert audience(ACTING, OTHER) == disclosure_pb2.AUDIENCE_UNSPECIFIED
    assert audience(ALONE, CODE) == disclosure_pb2.AUDIENCE_UNSPECIFIED
    assert audience(ALONE, "") == disclosure_pb2.AUDIENCE_UNSPECIFIED


@given(drawn=st.binary(min_size=32, max_size=40), environment=st.sampled_from(["sandbox", "live"]))
def test_token_tells_its_environment_and_nothing_else_is_one(
    drawn: bytes, environment: str
) -> None:
    token = agents.new_token(environment, drawn)
    assert agents.environment_of(token) == environment
    assert agents.environment_of(token + "A") is None
    assert agents.environment_of(token[:-1]) is None
    assert agents.environment_of(token + "\n") is None


def test_token_of_fewer_than_256_bits_is_not_made() -> None:
    with pytest.raises(BugError):
        agents.new_token("live", bytes(31))


def test_client_and_server_mean_the_same_key() -> None:
    assert AGENT_KEY == AGENT
