"""The commands about applications, as a maker and as staff, against a sandbox."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import structlog
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from typer.testing import CliRunner, Result

from bonafides.access import acceptance
from bonafides.cli import app
from bonafides.instants import Instant
from tests import builders
from tests.applying import EMAIL
from tests.serving import Served

LIVE_ID = "live-" + "0" * 32
CREATE = (
    "application create --role integrator --kind server --country SG --currency SGD "
    f"--product integrity-archive --email {EMAIL} --title Sample --description Reads"
).split()


@pytest.fixture
def served(served: Served) -> Served:
    """The served sandbox, its log kept out of the commands' standard error."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    return served


def run(served: Served, *args: str, kind: str = "member") -> Result:
    env: dict[str, str | None] = {name: None for name in os.environ if "BONAFIDES" in name}
    token = served.token(kind, subject="maker")
    env |= {"BONAFIDES_SERVER": served.address, "BONAFIDES_TOKEN": token, "COLUMNS": "300"}
    return CliRunner().invoke(app, args, env=env)


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.feature("I2", "I4", "I6", "I7")
def test_maker_and_staff_lead_an_application_through_the_sandbox(
    served: Served, tmp_path: Path
) -> None:
    made = answer(run(served, *CREATE, "--json"))
    client_id = made["client_id"]
    shown = run(served, "application", "show", client_id)
    assert made["sandbox_resources"]["test_enterprise"] in shown.stdout
    assert client_id in run(served, "application", "list").stdout
    done = run(served, "application", "update", client_id, "--title", "Renamed")
    assert "Renamed" in done.stdout
    file = tmp_path / "app.pem"
    thumbprint = answer(run(served, "application", "new-key", str(file), "--json"))["thumbprint"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    assert run(served, "application", "new-key", str(file)).exit_code == 1
    assert file.read_bytes() == before
    held = answer(run(served, "application", "key", client_id, str(file), "--json"))
    assert held["name"] == f"applications/{client_id}/keys/{thumbprint}"
    assert thumbprint in run(served, "application", "keys", client_id).stdout
    report = tmp_path / "report.txt"
    report.write_bytes(b"all calls as expected")
    passed = run(served, "application", "passed", client_id, str(report), kind="operator")
    assert "READY" in passed.stdout
    stated = run(served, "application", "statement", client_id, LIVE_ID)
    public = load_pem_public_key(run(served, "application", "service-key").stdout.encode())
    read = acceptance.read(stated.stdout.strip(), public, Instant(builders.NOW))  # type: ignore[arg-type]  # the sandbox's is Ed25519
    assert (read.sandbox_client_id, read.live_client_id) == (client_id, LIVE_ID)
    launch = run(served, "application", "launch", client_id)
    assert launch.exit_code == 1
    assert "LIVE_DEPLOYMENT" in launch.stderr
    assert "REVOKED" in run(served, "application", "revoke-key", held["name"]).stdout
    assert "CLOSED" in run(served, "application", "close", client_id).stdout


@pytest.mark.feature("I12")
def test_staff_suspend_and_resume(served: Served) -> None:
    client_id = answer(run(served, *CREATE, "--json"))["client_id"]
    suspend = ("application", "suspend", client_id, "misuse", "--reason", "proxy credentials")
    assert "SUSPENDED" in run(served, *suspend, kind="operator").stdout
    assert run(served, *suspend).exit_code == 1
    resume = ("application", "resume", client_id, "--reason", "settled")
    assert "DRAFT" in run(served, *resume, kind="operator").stdout


@pytest.mark.feature("I6")
def test_file_that_holds_no_key_is_wrong_usage(served: Served, tmp_path: Path) -> None:
    client_id = answer(run(served, *CREATE, "--json"))["client_id"]
    file = tmp_path / "app.pem"
    file.write_bytes(b"no key")
    for name in (str(file), str(tmp_path / "absent.pem")):
        assert run(served, "application", "key", client_id, name).exit_code == 2
    absent = run(
        served, "application", "confirm", f"applications/{client_id}/changes/1", "12345678"
    )
    assert absent.exit_code == 1
    present = run(served, "application", "present", client_id, str(file))
    assert "APPLICATION_STATE" in present.stderr or "NOT_IN_SANDBOX" in present.stderr
    contract = ("application", "contract", client_id, "--reference", "C", "--signed", "2026-11-01")
    assert run(served, *contract, kind="operator").exit_code == 1
