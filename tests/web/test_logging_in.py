"""`bonafides login` and `logout`: by the sandbox's issuer, by a provider, and what is kept."""

from __future__ import annotations

import base64
import json
import os
import shlex
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from typer.testing import CliRunner, Result

from bonafides.cli import app as command
from bonafides.cli import provider
from bonafides.cli.faults import CommandError
from bonafides.cli.provider import Provider
from bonafides.web.local_issuer import COMMAND_LINE, PATH
from tests import builders
from tests.serving import Served
from tests.webbing import Visitor, Website

CODE = builders.code().text


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder of configuration that is there for this test alone."""
    return tmp_path / "config"


def environment(served: Served, home: Path, **more: str) -> dict[str, str | None]:
    env: dict[str, str | None] = {name: None for name in os.environ if "BONAFIDES" in name}
    return env | {
        "BONAFIDES_SERVER": served.address,
        "BONAFIDES_DATA_DIR": str(served.settings.data_dir),
        "XDG_CONFIG_HOME": str(home),
        "COLUMNS": "300",
        **more,
    }


def run(served: Served, home: Path, *arguments: str, **more: str) -> Result:
    return CliRunner().invoke(command, arguments, env=environment(served, home, **more))


@pytest.fixture
def served(served: Served) -> Served:
    """The sandbox at the time of this machine: logins end by the clock of who logs in."""
    served.clock.now = type(served.clock.now)(time.time_ns() // 1_000)
    return served


def kept(home: Path) -> Path:
    return home / "bonafides" / "logins.json"


# --- In a sandbox ---------------------------------------------------------------------


@pytest.mark.feature("D2")
@pytest.mark.feature("D3")
def test_owner_logs_in_and_is_known_until_logging_out(served: Served, home: Path) -> None:
    assert run(served, home, "level", CODE).exit_code == 1
    done = run(served, home, "login", CODE)
    assert done.exit_code == 0, done.output
    assert f"as the owner of {CODE}, for 60 minutes" in done.stdout
    assert run(served, home, "level", CODE).exit_code == 0
    assert run(served, home, "access-log", CODE).exit_code == 0
    assert "Logged out of" in run(served, home, "logout").stdout
    assert "Nobody was logged in" in run(served, home, "logout").stdout
    refused = run(served, home, "level", CODE)
    assert refused.exit_code == 1
    assert "why: LOGIN_REQUIRED" in refused.stderr
    assert "bonafides login" in refused.stderr


@pytest.mark.feature("D2")
def test_visitor_of_the_command_line_is_that_of_the_website(
    served: Served, home: Path, visitor: Visitor
) -> None:
    done = run(served, home, "login", "--json")
    assert json.loads(done.stdout) == {
        "server": served.address,
        "who": "a visitor",
        "minutes": 60,
    }
    visitor.log_in()
    for who in ("visitor", f"owner-{CODE}"):
        run(served, home, "login", *([CODE] if "owner" in who else []))
        document = json.loads(kept(home).read_text())[served.address]
        body = document["token"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=="))
        assert claims["sub"] == f"sandbox-{who}"


def test_token_is_kept_for_its_owner_alone(served: Served, home: Path) -> None:
    run(served, home, "login")
    assert stat.S_IMODE(kept(home).stat().st_mode) == 0o600
    assert stat.S_IMODE(kept(home).parent.stat().st_mode) == 0o700
    assert [each.name for each in kept(home).parent.iterdir()] == ["logins.json"]
    kept(home).chmod(0o644)
    refused = run(served, home, "level", CODE)
    assert refused.exit_code == 1
    assert "chmod 600" in refused.stderr


def test_token_goes_to_its_own_server_alone(served: Served, home: Path) -> None:
    run(served, home, "login")
    other = served.address.replace("127.0.0.1", "localhost")
    refused = run(served, home, "level", CODE, "--server", other)
    assert "why: LOGIN_REQUIRED" in refused.stderr
    assert run(served, home, "level", CODE).exit_code == 0


def test_named_token_comes_before_the_login(served: Served, home: Path) -> None:
    run(served, home, "login")
    refused = run(served, home, "level", CODE, "--token", "bad.token.here")
    assert "why: CREDENTIAL_INVALID" in refused.stderr
    wrong = run(served, home, "login", BONAFIDES_TOKEN="x.y.z")
    assert wrong.exit_code == 2
    assert "BONAFIDES_TOKEN" in wrong.stderr


def test_login_that_has_ended_is_said_to_have(served: Served, home: Path) -> None:
    run(served, home, "login")
    document = json.loads(kept(home).read_text())
    document[served.address]["expires_at"] = 1.0
    kept(home).write_text(json.dumps(document))
    refused = run(served, home, "archive", CODE)
    assert refused.exit_code == 1
    assert "has ended" in refused.stderr
    assert "bonafides login" in refused.stderr
    assert run(served, home, "login").exit_code == 0
    assert run(served, home, "archive", CODE).exit_code == 0


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', "\x00\xff", "[" * 100_000], ids=range(5))
def test_file_that_holds_no_logins_is_named_with_the_remedy(
    served: Served, home: Path, text: str
) -> None:
    kept(home).parent.mkdir(parents=True)
    kept(home).write_bytes(text.encode("latin-1"))
    kept(home).chmod(0o600)
    refused = run(served, home, "level", CODE)
    assert refused.exit_code == 1
    assert "holds no logins" in refused.stderr
    assert str(kept(home)) in refused.stderr


def test_token_that_the_service_refuses_is_not_kept(
    served: Served, home: Path, tmp_path: Path
) -> None:
    refused = run(served, home, "login", "--data-dir", str(tmp_path / "other"))
    assert refused.exit_code == 1
    assert "--data-dir" in refused.stderr
    assert not kept(home).exists()


def test_live_lets_nobody_in_without_a_provider(served: Served, home: Path) -> None:
    refused = run(served, home, "login", "--environment", "live")
    assert refused.exit_code == 1
    assert "--issuer" in refused.stderr


# --- At a provider --------------------------------------------------------------------


def browser(tmp_path: Path) -> str:
    """A browser of one line, as BROWSER names one."""
    script = tmp_path / "browser.py"
    script.write_text(
        "import sys, httpx2\n"
        "httpx2.get(sys.argv[1], follow_redirects=True, trust_env=False).raise_for_status()\n"
    )
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(script))} %s"


@pytest.mark.feature("D3")
def test_owner_logs_in_by_a_browser_at_a_provider(
    served: Served, home: Path, website: Website, tmp_path: Path
) -> None:
    told = {k: v for k, v in environment(served, home).items() if v is not None}
    kept_of_ours = {name: value for name, value in os.environ.items() if "BONAFIDES" not in name}
    done = subprocess.run(  # noqa: S603 - our own command
        [
            *(sys.executable, "-c", "from bonafides.cli import app; app()"),
            *("login", CODE, "--issuer", f"{website.origin}{PATH}"),
        ],
        env=kept_of_ours | told | {"BROWSER": browser(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"{website.origin}{PATH}/authorize?" in done.stderr
    # The token is in no output.
    token = json.loads(kept(home).read_text())[served.address]["token"]
    assert token not in done.stdout + done.stderr
    assert run(served, home, "access-log", CODE).exit_code == 0


def at_sandbox(website: Website) -> Provider:
    return Provider(f"{website.origin}{PATH}", COMMAND_LINE, "visitor")


def following(address: str) -> Any:
    return httpx2.get(address, follow_redirects=True, trust_env=False)


def test_answer_with_another_state_ends_nothing(website: Website) -> None:
    def show(address: str) -> None:
        asked = parse_qs(urlsplit(address).query)
        back = asked["redirect_uri"][0]
        for state in ("", "another", "état"):
            told = urlencode({"code": "stolen", "state": state})
            assert httpx2.get(f"{back}?{told}", trust_env=False).status_code == 404
        assert httpx2.get(back.replace("callback", ""), trust_env=False).status_code == 404
        assert following(address).status_code == 200

    token, seconds = provider.log_in(at_sandbox(website), show)
    assert token.count(".") == 2
    assert 0 < seconds <= 3_600


def test_code_is_worth_nothing_without_its_verifier(website: Website) -> None:
    codes: list[tuple[str, str]] = []

    def show(address: str) -> None:
        asked = parse_qs(urlsplit(address).query)
        # Somebody reads the code where it passes, and is first to use it.
        sent = httpx2.get(address, follow_redirects=False, trust_env=False)
        told = parse_qs(urlsplit(sent.headers["location"]).query)
        codes.append((told["code"][0], asked["redirect_uri"][0]))
        thief = httpx2.post(
            f"{website.origin}{PATH}/token",
            data={
                "grant_type": "authorization_code",
                "code": codes[0][0],
                "redirect_uri": codes[0][1],
                "client_id": COMMAND_LINE,
                "code_verifier": "x" * 43,
            },
            trust_env=False,
        )
        assert thief.status_code == 400
        assert following(sent.headers["location"]).status_code == 200

    # The code is used up: nobody gets in by it, the thief neither.
    with pytest.raises(CommandError, match="let nobody in"):
        provider.log_in(at_sandbox(website), show)


def test_nobody_who_logs_in_is_waited_for_without_end(website: Website) -> None:
    with pytest.raises(CommandError, match="Nobody logged in"):
        provider.log_in(at_sandbox(website), lambda _address: None, wait_seconds=0.05)


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("http://login.example", "not https"),
        ("http://127.0.0.1:1/sandbox-issuer", "can't be reached"),
        ("ftp://login.example", "not https"),
    ],
)
def test_provider_that_is_none_is_named_with_the_remedy(
    served: Served, home: Path, address: str, word: str
) -> None:
    refused = run(served, home, "login", "--no-browser", "--issuer", address)
    assert refused.exit_code == 1
    assert word in refused.stderr
    assert "--issuer" in refused.stderr


def test_provider_that_calls_itself_otherwise_is_refused(website: Website) -> None:
    another = Provider(f"{website.origin}{PATH}".replace("127.0.0.1", "localhost"), COMMAND_LINE)
    with pytest.raises(CommandError):
        provider.log_in(another, lambda _address: None)


def test_person_is_named_by_the_provider_and_not_by_an_argument(served: Served, home: Path) -> None:
    wrong = run(served, home, "login", CODE, "--issuer", "https://login.example")
    assert wrong.exit_code == 2
    assert "Leave CODE out" in wrong.stderr


@pytest.mark.parametrize(
    "address",
    [
        "http://evil.example/callback",
        "http://127.0.0.1:80@evil.example/callback",
        "http://127.0.0.1/callback",
        "https://127.0.0.1:8080/callback",
        "http://127.0.0.1:8080/other",
        "http://localhost:8080/callback",
    ],
)
def test_sandbox_sends_codes_of_the_command_line_to_loopback_alone(
    website: Website, address: str
) -> None:
    asked = {
        "response_type": "code",
        "client_id": COMMAND_LINE,
        "redirect_uri": address,
        "scope": "openid",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
        "login_hint": "visitor",
    }
    sent = httpx2.get(f"{website.origin}{PATH}/authorize", params=asked, trust_env=False)
    assert sent.status_code == 400


# --- Completion -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [("bonafides acc", "access-log"), ("bonafides level --pur", "--purpose")],
)
def test_shell_completes_commands_and_options(words: str, expected: str) -> None:
    told = {
        "_BONAFIDES_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    done = subprocess.run(
        [sys.executable, "-c", "from bonafides.cli import app; app(prog_name='bonafides')"],
        env=dict(os.environ) | told,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert expected in done.stdout.split()
