"""The command line against a served sandbox: answers, refusals, exit codes, JSON."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import structlog
from google.protobuf import json_format
from typer.testing import CliRunner, Result

from bonafides.cli import app
from bonafides.client import Client
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import DAY, Instant
from bonafides.rating.scorecard import champion
from bonafides.records import operations as records
from bonafides.server import system_clock
from bonafides.v1 import enterprise_pb2
from tests import builders, licenses
from tests.serving import Served

CODE = builders.code(901)
NOBODY = "127.0.0.1:1"
_SERVE = (sys.executable, "-c", "from bonafides.cli import app; app()", "serve")


@pytest.fixture
def served(served: Served) -> Served:
    """The served sandbox, its log kept out of the commands' standard error."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    return served


def _run(
    *args: str, server: str = NOBODY, token: str | None = None, text: str | None = None
) -> Result:
    """Runs a command; no variable of the tester's own reaches it."""
    env: dict[str, str | None] = {name: None for name in os.environ if "BONAFIDES" in name}
    env |= {"BONAFIDES_SERVER": server, "BONAFIDES_TOKEN": token, "COLUMNS": "300"}
    return CliRunner().invoke(app, args, env=env, input=text)


def _env() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if "BONAFIDES" not in name}


def _asked(served: Served, *args: str, token: str | None = None, text: str | None = None) -> Result:
    return _run(*args, server=served.address, token=token, text=text)


def _owner(served: Served, of: UnifiedCode = CODE) -> str:
    return served.token(owns=[of.text])


def _trade(served: Served) -> None:
    """Takes in sixty orders of thirty buyers, one every six days: enough to be rated."""
    orders = [
        builders.transaction(
            f"t{number}",
            of=CODE,
            buyer=f"b{number % 30}",
            occurred_at=Instant(builders.NOW - (1 + 6 * number) * DAY),
        )
        for number in range(60)
    ]
    builders.link_stores(served.store, orders)
    records.ingest(served.store, served.vault, builders.rates(), orders, now=builders.NOW)
    records.fold_and_refresh(served.store, champion(None), now=builders.NOW)


def _answer(result: Result) -> Any:
    assert result.exit_code == 0
    assert result.stderr == ""
    return json.loads(result.stdout)


def _refusal(result: Result) -> Any:
    """Returns the error of a call that was refused, with --json."""
    assert result.exit_code == 1
    assert result.stdout == ""
    return json.loads(result.stderr)["error"]


def _claims_file(folder: Path, **changes: Any) -> str:
    file = folder / "claims.json"
    claims = builders.claims(CODE, **changes)
    file.write_text(json_format.MessageToJson(claims, preserving_proto_field_name=True))
    return str(file)


@pytest.mark.feature("D1")
def test_anonymous_archive_has_the_registration_and_says_what_logging_in_adds(
    served: Served,
) -> None:
    builders.enroll(served.store, CODE)
    result = _asked(served, "archive", CODE.text)
    assert result.exit_code == 0
    assert builders.registration().title in result.stdout
    assert "in business (存续)" in result.stdout
    assert "Log in to see the level and the business file" in result.stdout
    assert "Not a credit rating" not in result.stdout


@pytest.mark.feature("D2")
@pytest.mark.feature("E14")
def test_member_sees_the_level_with_basis_and_what_it_is_not(served: Served) -> None:
    builders.enroll(served.store, CODE)
    for command in ("archive", "level"):
        result = _asked(served, command, CODE.text, token=served.token())
        assert result.exit_code == 0
        assert "EXPERT" in result.stdout
        assert "Not a credit rating" in result.stdout
        assert "Log in" not in result.stdout
        assert "Points, feature by feature" not in result.stdout


@pytest.mark.feature("D11")
def test_json_holds_what_the_server_answered_and_nothing_else(served: Served) -> None:
    builders.enroll(served.store, CODE)
    for token in (None, served.token(), _owner(served), served.token("operator")):
        with served.client(token) as client:
            answered = client.get_archive(CODE.text)
        shown = _answer(_asked(served, "archive", CODE.text, "--json", token=token))
        assert json_format.ParseDict(shown, type(answered)()) == answered
    assert shown["as_of_time"]


@pytest.mark.feature("E2")
def test_owner_gets_the_points_and_they_sum_to_the_score(served: Served) -> None:
    builders.enroll(served.store, CODE)
    _trade(served)
    shown = _answer(_asked(served, "explain", CODE.text, "--json", token=_owner(served)))
    points = [part.get("points", 0) for part in shown["contributions"]]
    assert sum(points) == shown["score"]
    printed = _asked(served, "explain", CODE.text, token=_owner(served)).stdout
    for part in shown["contributions"]:
        assert part["feature"] in printed
        assert part["title_zh"] in printed


@pytest.mark.feature("D3")
def test_member_is_told_that_the_explanation_is_the_owners(served: Served) -> None:
    builders.enroll(served.store, CODE)
    result = _asked(served, "explain", CODE.text, token=served.token())
    assert result.exit_code == 0
    assert "shown to the enterprise itself and to staff" in result.stdout


@pytest.mark.feature("D1")
def test_level_without_login_is_refused_with_what_to_do(served: Served) -> None:
    builders.enroll(served.store, CODE)
    result = _asked(served, "level", CODE.text)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "why: LOGIN_REQUIRED" in result.stderr
    assert "what to do: Log in" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.feature("C11")
def test_enterprise_that_takes_no_part_is_not_found(served: Served) -> None:
    refused = _refusal(_asked(served, "archive", CODE.text, "--json", token=served.token()))
    assert refused["code"] == "NOT_FOUND"
    assert refused["reason"] == "RESOURCE_NOT_FOUND"
    assert refused["next_step"]
    assert refused["metadata"]["call_id"]


def test_expired_token_is_refused_and_not_repeated(served: Served) -> None:
    token = served.token(ttl_seconds=60)
    served.clock.now = system_clock()
    result = _asked(served, "archive", CODE.text, token=token)
    assert result.exit_code == 1
    assert "CREDENTIAL_EXPIRED" in result.stderr
    assert token not in result.stderr


@pytest.mark.feature("A1")
def test_submission_can_be_followed_by_its_submitter_alone(served: Served, tmp_path: Path) -> None:
    file = _claims_file(tmp_path)
    made = _answer(_asked(served, "submit", file, "--json", token=served.token()))
    assert made["state"] == "STATE_PENDING"
    printed = _asked(served, "submission", made["name"], token=served.token()).stdout
    assert "PENDING" in printed
    assert "Nothing to do" in printed
    stranger = served.token(subject="stranger")
    refused = _refusal(_asked(served, "submission", made["name"], "--json", token=stranger))
    assert refused["reason"] == "RESOURCE_NOT_FOUND"


def test_submission_with_the_same_request_id_is_made_once(served: Served, tmp_path: Path) -> None:
    args = ("submit", _claims_file(tmp_path), "--json", "--request-id", builders.request_id())
    first = _answer(_asked(served, *args, token=served.token()))
    assert _answer(_asked(served, *args, token=served.token()))["name"] == first["name"]


def test_claims_come_from_standard_input_and_digests_from_files(
    served: Served, tmp_path: Path
) -> None:
    claims = builders.claims(CODE)
    claims.license.copy_sha256 = b""
    claims.authorizations[0].evidence_sha256 = b""
    document = tmp_path / "document"
    document.write_bytes(b"a scan")
    files = ("--license-copy", str(document), "--authorization-document", str(document))
    text = json_format.MessageToJson(claims)
    refused = _refusal(_asked(served, "submit", "-", "--json", token=served.token(), text=text))
    assert {fault["field"] for fault in refused["violations"]} == {
        "claims.license.copy_sha256",
        "claims.authorizations[0].evidence_sha256",
    }
    made = _asked(served, "submit", "-", *files, "--json", token=served.token(), text=text)
    assert _answer(made)["state"] == "STATE_PENDING"


@pytest.mark.feature("A14")
def test_licence_is_uploaded_and_named_by_the_submission_of_the_same_file(
    served: Served, tmp_path: Path
) -> None:
    image = tmp_path / "licence.png"
    image.write_bytes(licenses.png(licenses.license_image(CODE)))
    upload = ("upload-license", str(image), "--code", CODE.text)
    shown = _asked(served, *upload, token=_owner(served))
    assert (shown.exit_code, shown.stderr) == (0, "")
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    assert digest in shown.stdout
    assert "--license-copy" in shown.stdout
    made = _answer(_asked(served, *upload, "--json", token=_owner(served)))
    assert made["name"] == f"enterprises/{CODE}/documents/{digest}"
    submit = ("submit", _claims_file(tmp_path), "--license-copy", str(image), "--json")
    submitted = _answer(_asked(served, *submit, token=_owner(served)))
    assert submitted["license_document"] == made["name"]


@pytest.mark.feature("A14")
def test_file_that_is_no_image_is_refused_with_what_to_send(served: Served, tmp_path: Path) -> None:
    paper = tmp_path / "licence.pdf"
    paper.write_bytes(b"%PDF-1.7 and more")
    upload = ("upload-license", str(paper), "--code", CODE.text, "--json")
    told = _refusal(_asked(served, *upload, token=_owner(served)))
    assert told["reason"] == "INVALID_FIELD"
    assert "JPEG or PNG" in told["violations"][0]["description"]
    absent = _asked(served, "upload-license", str(tmp_path / "no"), "--code", CODE.text)
    assert absent.exit_code == 2
    assert "No such file" in absent.stderr


@pytest.mark.feature("A1")
def test_every_faulty_field_is_named_with_its_remedy(served: Served, tmp_path: Path) -> None:
    file = _claims_file(tmp_path, phone="1", email="planted", title="", code="91")
    result = _asked(served, "submit", file, token=served.token())
    assert result.exit_code == 1
    for field in ("claims.phone:", "claims.email:", "claims.title:", "claims.code:"):
        assert field in result.stderr
    assert "planted" not in result.stderr
    assert "what to do: Correct the fields" in result.stderr


@pytest.mark.feature("D5")
def test_no_personal_value_of_a_refused_submission_is_repeated(
    served: Served, tmp_path: Path
) -> None:
    representative = enterprise_pb2.Representative(
        person=builders.PERSON, id_number=builders.ID_NUMBER[:-1] + "9"
    )
    file = _claims_file(tmp_path, representative=representative, email=f"{builders.PHONE}@")
    for flags in ((), ("--json",)):
        result = _asked(served, "submit", file, *flags, token=served.token())
        assert result.exit_code == 1
        for value in (builders.PERSON, builders.ID_NUMBER[:-1], builders.PHONE):
            assert value not in result.output


def test_tokens_of_every_kind_open_what_is_theirs(served: Served) -> None:
    served.clock.now = system_clock()
    builders.enroll(served.store, CODE, now=served.clock.now)
    folder = str(served.settings.data_dir)
    audiences = {
        ("member",): False,
        ("owner", CODE.text): True,
        ("platform", builders.PLATFORM): False,
        ("operator",): True,
    }
    for kind, explained in audiences.items():
        made = _run("token", *kind, "--data-dir", folder)
        assert made.exit_code == 0
        token = made.stdout.strip()
        named = ["--purpose", "eligibility"] if "platform" in kind else []
        shown = _answer(_asked(served, "level", CODE.text, *named, "--json", token=token))
        assert ("rules" in shown) == explained


def test_token_file_wins_over_the_variable(served: Served, tmp_path: Path) -> None:
    builders.enroll(served.store, CODE)
    file = tmp_path / "token"
    file.write_text(served.token() + "\n")
    result = _asked(served, "level", CODE.text, "--token-file", str(file), token="not-a-token")
    assert result.exit_code == 0


@pytest.mark.feature("I4")
def test_live_makes_no_tokens(tmp_path: Path) -> None:
    result = _run("token", "member", "--environment", "live", "--data-dir", str(tmp_path))
    assert result.exit_code == 1
    assert "Live makes no access tokens" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.feature("E1")
def test_scorecard_is_fetched_by_anybody_and_agrees_with_its_digest(
    served: Served, tmp_path: Path
) -> None:
    file = tmp_path / "card.json"
    shown = _answer(_asked(served, "scorecard", "--output", str(file), "--json"))
    assert hashlib.sha256(file.read_bytes()).hexdigest() == shown["digest"]
    printed = _asked(served, "scorecard").stdout
    assert "agrees with the artifact" in printed
    assert "verified_days" in printed
    assert "AAA" in printed


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("nonsense",),
        ("archive",),
        ("archive", CODE.text, "--nonsense"),
        ("archive", CODE.text, "--timeout", "0"),
        ("archive", CODE.text, "--token-file", "/nonexistent"),
        ("archive", CODE.text, "--root-certificates", "/nonexistent"),
        ("submit", "/nonexistent"),
        ("token", "nobody"),
        ("token", "owner"),
        ("token", "owner", "1"),
        ("token", "platform"),
        ("token", "member", "x"),
        ("token", "member", "--minutes", "61"),
        ("token", "member", "--subject", "a b"),
        ("token", "member", "--environment", "x"),
        ("serve", "--threads", "0"),
    ],
)
def test_wrong_usage_exits_2_and_says_so(args: tuple[str, ...]) -> None:
    result = _run(*args)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    told = _run(*args, "--json")
    assert told.exit_code == 2
    assert told.stdout == ""
    assert json.loads(told.stderr)["error"]["code"] == "WRONG_USAGE"


def test_server_that_does_not_answer_is_named_with_what_to_do() -> None:
    result = _run("archive", CODE.text)
    assert result.exit_code == 1
    assert NOBODY in result.stderr
    assert "bonafides serve" in result.stderr
    assert "Traceback" not in result.stderr


def test_submission_whose_answer_was_lost_can_be_repeated(tmp_path: Path) -> None:
    wanted = builders.request_id()
    args = ("submit", _claims_file(tmp_path), "--request-id", wanted, "--timeout", "0.5")
    assert f"--request-id {wanted}" in _run(*args).stderr


@pytest.mark.feature("J8")
def test_plaintext_to_another_machine_is_refused() -> None:
    refused = _refusal(_run("archive", CODE.text, "--json", server="192.0.2.1:50051", token="t"))
    assert refused["code"] == "REFUSED"
    assert "--root-certificates" in refused["next_step"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--listen", "0.0.0.0:0"), "without TLS only loopback is served"),
        (("--models-dir", "/nonexistent"), "The scorecard can't be used"),
        (("--environment", "live"), "kek.bin is missing"),
    ],
)
def test_server_that_cannot_start_says_why(
    args: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter and arguments
        [*_SERVE, "--data-dir", str(tmp_path / "data"), *args],
        capture_output=True,
        check=False,
        text=True,
        env=_env(),
        timeout=30,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    # Where a line is broken depends on the width and on the folder's name.
    assert said.replace(" ", "") in "".join(done.stderr.split())
    assert "what to do:" in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_serves_until_sigterm_and_exits_0(tmp_path: Path) -> None:
    options = ["--data-dir", str(tmp_path / "data"), "--listen", "127.0.0.1:0"]
    with subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
        [*_SERVE, *options],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=_env(),
    ) as process:
        assert process.stderr
        assert process.stdout
        events = (json.loads(line) for line in process.stderr)
        address = next(event["address"] for event in events if event["event"] == "serving")
        with Client(address) as client:
            client.wait_until_serving()
            assert client.get_scorecard().digest
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        assert process.stdout.read() == ""
