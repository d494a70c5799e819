"""The commands about consents and ownership, and the script that publishes agreements."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import structlog
from google.protobuf import json_format
from typer.testing import CliRunner, Result

from bonafides.cli import app
from bonafides.identity import registry_operations
from bonafides.records import operations as records
from bonafides.v1 import enterprise_pb2
from scripts import publish_agreement
from tests import builders
from tests.serving import Served

CODE = builders.code(902)


@pytest.fixture
def served(served: Served) -> Served:
    """The served sandbox, its log kept out of the commands' standard error."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    return served


def run(served: Served, *args: str, token: str | None = None) -> Result:
    env: dict[str, str | None] = {name: None for name in os.environ if "BONAFIDES" in name}
    env |= {"BONAFIDES_SERVER": served.address, "BONAFIDES_TOKEN": token, "COLUMNS": "300"}
    return CliRunner().invoke(app, args, env=env)


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.feature("B1", "B2", "B7")
def test_texts_are_read_then_granted_then_taken_back(served: Served, tmp_path: Path) -> None:
    builders.enroll(served.store, CODE)
    owner = served.token(owns=[CODE.text])
    shown = run(served, "agreements")
    assert shown.exit_code == 0
    assert "VERIFY_IDENTITY (required)" in shown.stdout
    assert "SERVICE_AGREEMENT" in shown.stdout
    document = tmp_path / "consent.pdf"
    document.write_bytes(b"signed")
    granting = ("grant", CODE.text, "RATE", "--document", str(document))
    made = answer(run(served, *granting, "--granted", "2026-10-31", "--json", token=owner))
    assert (made["purpose"], made["live"]) == ("PURPOSE_RATE", True)
    listed = answer(run(served, "consents", CODE.text, "--json", token=owner))["consents"]
    assert {each["purpose"] for each in listed} == {"PURPOSE_RATE", "PURPOSE_VERIFY_IDENTITY"}
    taken = run(served, "revoke", CODE.text, "RATE", token=owner)
    assert "Taken back" in taken.stdout
    again = run(served, "revoke", CODE.text, "RATE", token=owner)
    assert "Nothing." in again.stdout
    assert run(served, "revoke", CODE.text, "ANYTHING", token=owner).exit_code == 2
    unknown = run(served, "grant", CODE.text, "ANYTHING", "--document", str(document), token=owner)
    assert unknown.exit_code == 2
    assents = run(served, "agreements", CODE.text, token=owner)
    assert builders.AGREEMENT in assents.stdout


@pytest.mark.feature("B6")
def test_platforms_are_authorized_and_taken_back(served: Served) -> None:
    builders.enroll(served.store, CODE)
    owner = served.token(owns=[CODE.text])
    assert "olist" in run(served, "authorize", CODE.text, "olist", token=owner).stdout
    assert "Taken back" in run(served, "unauthorize", CODE.text, "olist", token=owner).stdout
    listed = answer(run(served, "platforms", CODE.text, "--json", token=owner))["platforms"]
    assert [each["platform"] for each in listed] == [builders.PLATFORM, "olist"]
    refused = run(served, "platforms", CODE.text, token=served.token(subject="rival"))
    assert refused.exit_code == 1


@pytest.mark.feature("A15")
def test_ownership_from_claim_to_removal(served: Served) -> None:
    row = builders.registry_row() | {"contact_email": "contact@example.com"}
    registry_operations.load_registry(served.store, served.vault, [row], now=served.clock.now)
    founder = served.token(subject="founder")
    with served.client(founder) as client:
        made = client.submit_identity(builders.claims(), builders.request_id())
    assert made.state == enterprise_pb2.Submission.STATE_VERIFIED
    code = builders.code().text
    claim = answer(run(served, "claim", made.name, "--json", token=founder))
    assert (claim["state"], claim["contact"]) == ("STATE_CHALLENGED", "c***@example.com")
    assert "CHALLENGED" in run(served, "claimed", claim["name"], token=founder).stdout
    served.server.worker.run_once()
    (mail,) = (served.settings.data_dir / "outbox").glob("*.txt")
    digits = mail.read_text(encoding="utf-8").split("验证码:")[1][:8]
    assert "GRANTED" in run(served, "confirm", claim["name"], digits, token=founder).stdout
    invited = answer(run(served, "invite", code, "staff", "--json", token=founder))
    helper = served.token(subject="helper")
    joined = answer(run(served, "join", code, invited["one_time_code"], "--json", token=helper))
    assert "helper" in run(served, "members", code, token=founder).stdout
    assert "Removed" in run(served, "remove", joined["name"], token=founder).stdout
    assert "MEMBER_REMOVED" in run(served, "notices", code, token=founder).stdout
    vouched = run(served, "vouch", code, "issuer", "x", token=served.token("platform"))
    assert vouched.exit_code == 1
    staff = served.token("operator", subject="ann")
    assert answer(run(served, "disputes", "--json", token=staff)) == {"claims": []}
    refused = run(served, "decide", claim["name"], "grant", "--json", token=staff)
    assert json.loads(refused.stderr)["error"]["reason"] == "OWNERSHIP_STATE"


@pytest.mark.feature("B7")
def test_script_publishes_a_version_once_and_never_with_other_words(tmp_path: Path) -> None:
    file = tmp_path / "agreement.txt"
    file.write_text("协议第一条", encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if "BONAFIDES" not in name}

    def publish(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own script
            [
                sys.executable,
                str(Path(publish_agreement.__file__)),
                "SERVICE_AGREEMENT",
                "2027-01",
                str(file),
                "--title",
                "服务协议",
                "--data-dir",
                str(tmp_path / "data"),
                *more,
            ],
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )

    first = publish("--effective", "2027-01-01", "--json")
    assert json.loads(first.stdout)["added"] is True
    assert "Known already" in publish("--effective", "2027-01-01").stdout
    file.write_text("协议第二条", encoding="utf-8")
    changed = publish("--effective", "2027-01-01")
    assert changed.returncode == 1
    assert "other words" in changed.stderr
    assert publish("--effective", "soon").returncode == 2


@pytest.mark.feature("A11")
def test_what_is_open_is_told_with_whose_turn_it_is(served: Served) -> None:
    registry_operations.load_registry(
        served.store, served.vault, [builders.registry_row(CODE)], now=builders.NOW
    )
    token = served.token()
    with served.client(token) as client:
        wrong = builders.claims(CODE, title="九九市千草贸易有限公司")
        client.submit_identity(wrong, builders.request_id())
    found = answer(run(served, "requirements", CODE.text, "--json", token=token))["requirements"]
    assert [each["state"] for each in found] == ["STATE_CURRENTLY_DUE", "STATE_OPTIONAL"]
    shown = run(served, "requirements", CODE.text, token=token)
    assert "you must act" in shown.stdout
    assert "copy the title from the license" in shown.stdout


@pytest.mark.feature("A2")
def test_draft_is_filled_in_shown_and_confirmed(served: Served, tmp_path: Path) -> None:
    registry_operations.load_registry(
        served.store, served.vault, [builders.registry_row(CODE)], now=builders.NOW
    )
    whole = json_format.MessageToDict(builders.claims(CODE), preserving_proto_field_name=True)
    title = whole.pop("title")
    del whole["code"]
    held, given = tmp_path / "held.json", tmp_path / "given.json"
    held.write_text(json.dumps({"title": title}))
    given.write_text(json.dumps(whole))
    platform, member = served.token("platform"), served.token()
    made = answer(run(served, "prefill", CODE.text, str(held), "--json", token=platform))
    shown = run(served, "draft", made["name"], token=member)
    assert "title: platform:1688" in shown.stdout
    done = answer(run(served, "confirm-draft", made["name"], str(given), "--json", token=member))
    assert done["state"] == "STATE_VERIFIED"


@pytest.mark.feature("A12")
def test_change_is_announced_from_a_file(served: Served, tmp_path: Path) -> None:
    registry_operations.load_registry(
        served.store, served.vault, [builders.registry_row(CODE)], now=builders.NOW
    )
    token = served.token(owns=[CODE.text])
    with served.client(token) as client:
        before = client.submit_identity(builders.claims(CODE), builders.request_id())
    file = tmp_path / "changes.json"
    file.write_text(json.dumps({"phone": "13900139000"}))
    made = answer(run(served, "amend", CODE.text, str(file), "--json", token=token))
    assert made["amends"] == before.name
    assert [each["field"] for each in made["changes"]] == ["phone"]


@pytest.mark.feature("A2")
def test_draft_is_taken_back_by_its_platform(served: Served, tmp_path: Path) -> None:
    held = tmp_path / "held.json"
    held.write_text(json.dumps({"title": builders.registration().title}))
    platform = served.token("platform")
    made = answer(run(served, "prefill", CODE.text, str(held), "--json", token=platform))
    gone = answer(run(served, "delete-draft", made["name"], "--json", token=platform))
    assert gone["state"] == "STATE_WITHDRAWN"
    assert run(served, "draft", made["name"], token=served.token()).exit_code != 0


@pytest.mark.feature("J2")
def test_buyer_is_shown_corrected_and_erased_from_files(served: Served, tmp_path: Path) -> None:
    told = [builders.transaction(f"t{n}", of=CODE, buyer=f"b{n}") for n in range(3)]
    builders.link_stores(served.store, told)
    records.ingest(served.store, served.vault, builders.rates(), told, now=builders.NOW)
    platform = served.token("platform")
    wrong, right = tmp_path / "wrong", tmp_path / "right"
    wrong.write_text("b1\n")
    right.write_text("b2\n")
    shown = run(served, "buyer-holdings", str(wrong), token=platform)
    assert f"enterprises/{CODE}" in shown.stdout
    assert "REPEAT_RATE" in shown.stdout
    correct = ("correct-buyer", CODE.text, "transaction", "t1", str(wrong), "--right", str(right))
    done = answer(run(served, *correct, "--json", token=platform))
    assert done == {"revision": 2}
    assert "Revision 2 holds" in run(served, *correct, token=platform).stdout
    told_of = answer(run(served, "buyer-holdings", str(right), "--json", token=platform))
    assert {each["record_id"] for each in told_of["records"]} == {"t1", "t2"}
    nobody = run(served, "buyer-holdings", str(wrong), token=platform)
    assert "No record names this buyer." in nobody.stdout
    assert answer(run(served, "erase-buyer", str(right), "--json", token=platform)) == {
        "records": 2
    }


@pytest.mark.feature("F4")
def test_access_log_shows_platforms_by_name_and_persons_by_number(served: Served) -> None:
    builders.enroll(served.store, CODE)
    purpose = ("--purpose", "eligibility")
    assert (
        run(served, "archive", CODE.text, *purpose, token=served.token("platform")).exit_code == 0
    )
    for token in (served.token(), served.token(subject="member-2")):
        assert run(served, "archive", CODE.text, token=token).exit_code == 0
    owner = served.token(subject="owner", owns=[CODE.text])
    shown = run(served, "access-log", CODE.text, token=owner)
    assert shown.exit_code == 0, shown.stderr
    assert f"{builders.PLATFORM} (platform)" in shown.stdout
    assert "persons logged in" in shown.stdout
    listed = answer(run(served, "access-log", CODE.text, "--json", token=owner))["accesses"]
    persons = [each for each in listed if each["kind"] == "KIND_PERSONS"]
    assert [each["count"] for each in persons] == ["2"]
    assert "platform" not in persons[0] or persons[0]["platform"] == ""
    other = run(served, "access-log", CODE.text, token=served.token(subject="member-2"))
    assert other.exit_code == 1
