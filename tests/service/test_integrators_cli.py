"""The commands about integrators, from the link to the end."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner, Result

from bonafides.cli import app
from tests import builders
from tests.integrators import application
from tests.serving import Served

CODE = builders.code(1)


@pytest.fixture
def served(served: Served) -> Served:
    """The served sandbox, its log kept out of the commands' standard error."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    return served


def run(served: Served, *args: str, token: str, agent_token: str | None = None) -> Result:
    env: dict[str, str | None] = {name: None for name in os.environ if "BONAFIDES" in name}
    env |= {
        "BONAFIDES_SERVER": served.address,
        "BONAFIDES_TOKEN": token,
        "BONAFIDES_AGENT_TOKEN": agent_token,
        "COLUMNS": "300",
    }
    return CliRunner().invoke(app, args, env=env)


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.feature("I9", "I10", "I11")
def test_owner_and_integrator_come_to_terms_on_the_command_line(served: Served) -> None:
    builders.enroll(served.store, CODE)
    application(served.store, "app-1")
    own = served.token(owns=[CODE.text])
    theirs = served.token("integrator", subject="app-1", application="app-1")
    link = answer(run(served, "request-link", "--scope", "archive.read", "--json", token=theirs))[
        "url"
    ]
    asked = run(served, "requested", link, token=own)
    assert "Application app-1" in asked.stdout
    granting = ("authorize-app", CODE.text, link, "--scope", "archive.read", "--days", "30")
    shown = run(served, *granting, token=own)
    code = shown.stdout.rpartition("Code for the integrator: ")[2].strip()
    agent_token = run(served, "agent-token", code, token=theirs).stdout.strip()
    assert agent_token.startswith("bfa_sandbox_")
    acting = run(served, "archive", CODE.text, "--json", token=theirs, agent_token=agent_token)
    assert answer(acting)["registration"]["code"] == CODE.text
    refused = run(served, "level", CODE.text, token=theirs, agent_token=agent_token)
    assert refused.exit_code == 1
    assert "rating.read" in refused.stderr
    for parent, token in ((f"enterprises/{CODE}", own), ("applications/app-1", theirs)):
        (listed,) = answer(run(served, "integrators", parent, "--json", token=token))[
            "authorizations"
        ]
        assert listed["state"] == "STATE_ACTIVE"
        counted = run(served, "agent-counts", parent, token=token)
        assert "1 given: 1 active" in counted.stdout
    ended = run(served, "revoke-app", listed["name"], token=own)
    assert "revoked" in ended.stdout
    after = run(served, "archive", CODE.text, token=theirs, agent_token=agent_token)
    assert "agent token" in after.stderr
