"""Nobody acts for an enterprise without its word: every attack of the table is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bonafides.access.callers import Caller, CallerKind, TokenVerifier
from bonafides.errors import AgentTokenError
from bonafides.identity.integrator_operations import AGENT_INDEX
from bonafides.instants import DAY, Instant
from bonafides.rpc.authentication import Authentication
from bonafides.rpc.call import Received
from bonafides.storage.agencies import Agents
from tests import builders
from tests.agent_attacks import ATTACKS, Stage, reason
from tests.integrators import application, authorized
from tests.serving import Served, serving

APP, OTHER_APP = "app-1", "app-2"
CALLER = Caller(CallerKind.INTEGRATOR, "issuer", application=APP)
CODE = builders.code(1)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two processes of a sandbox, on SQLite."""
    folder = tmp_path_factory.mktemp("agents") / "data"
    with serving(folder) as first, serving(folder) as second:
        yield Stage(first, second)


@pytest.mark.feature("I10")
@pytest.mark.parametrize("attack", ATTACKS)
def test_attack_is_refused_for_the_reason_of_the_table(stage: Stage, attack: str) -> None:
    assert reason(stage, attack) == ATTACKS[attack][0]


def agents_of(served: Served) -> Agents:
    """Returns what looks after agent tokens, apart from that of the server."""
    vault = served.vault
    made = Agents(
        served.store, served.server.follower, lambda text: vault.index(AGENT_INDEX, text), "sandbox"
    )
    deadline = time.monotonic() + 20
    while not served.server.follower.is_fresh():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return made


def fault_of(agents: Agents, caller: Caller, *tokens: str, now: Instant = builders.NOW) -> str:
    with pytest.raises(AgentTokenError) as refusal:
        agents.acting(caller, tokens, now)
    return refusal.value.fault


@pytest.mark.feature("I10")
def test_log_is_told_why_a_token_is_refused(served: Served) -> None:
    builders.enroll(served.store, CODE)
    token, _ = authorized(served, application(served.store, APP), CODE)
    agents, platform = agents_of(served), Caller(CallerKind.PLATFORM, "issuer", application=APP)
    assert fault_of(agents, CALLER, token, token) == "REPEATED"
    assert fault_of(agents, platform, token) == "NOT_AN_INTEGRATOR"
    assert fault_of(agents, replace(CALLER, application=""), token) == "NOT_AN_INTEGRATOR"
    assert fault_of(agents, CALLER, token[:-1]) == "FORM"
    assert fault_of(agents, CALLER, token.replace("sandbox", "live")) == "ENVIRONMENT"


@pytest.mark.feature("I10")
def test_remembered_token_is_its_applications_and_ends(served: Served) -> None:
    builders.enroll(served.store, CODE)
    application(served.store, OTHER_APP)
    token, _ = authorized(served, application(served.store, APP), CODE, term_days=1)
    agents, over = agents_of(served), Instant(builders.NOW + DAY)
    acting = agents.acting(CALLER, [token], builders.NOW)
    assert acting.acts_for == CODE.text
    assert fault_of(agents, replace(CALLER, application=OTHER_APP), token) == "NOT_IN_FORCE"
    assert fault_of(agents, CALLER, token, now=over) == "NOT_IN_FORCE"
    agents.require(acting, builders.NOW)
    with pytest.raises(AgentTokenError):
        agents.require(acting, over)


@pytest.mark.feature("I10")
def test_attack_of_two_agent_tokens_none_is_chosen_before_anything_is_used_up() -> None:
    authentication = Authentication(TokenVerifier({}, "bonafides-sandbox", "sandbox"))
    received = Received([], [], agent_tokens=["one", "two"])
    assert authentication.at_once(received, builders.NOW) is None
    with pytest.raises(AgentTokenError) as refusal:
        authentication.resolve("/bonafides.v1.ArchiveService/GetArchive", received, builders.NOW)
    assert refusal.value.fault == "REPEATED"
