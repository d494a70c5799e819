"""People log in with access tokens of an OIDC issuer, by keys that it publishes."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from bonafides import login_keys, server
from bonafides.access.jwks import JwksError, read_jwks
from bonafides.client import RemoteError
from bonafides.errors import CredentialError
from bonafides.login_keys import LoginKeys, Published, fetched
from bonafides.settings import Settings, SettingsError
from tests import builders
from tests.login_issuer import LoginIssuer, issuing, private_key, published
from tests.mailbox import free_port
from tests.serving import Served, serving

KEYS = {name: private_key(name) for name in ("EdDSA", "ES256", "RS256")}
SMALL = private_key("RS256", 1_024)
KEY = KEYS["RS256"]


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginIssuer]:
    """An issuer over HTTPS with a key of each kind, each under the name of its algorithm."""
    keys = [published(name, name, key) for name, key in KEYS.items()]
    keys.append(published("small", "RS256", SMALL))
    keys.append({"kty": "oct", "kid": "other-use", "use": "enc"})
    with issuing(LoginIssuer(keys=keys), tmp_path_factory.mktemp("issuer")) as made:
        yield made


@pytest.fixture(scope="module")
def deployment(issuer: LoginIssuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A sandbox that takes the tokens of the issuer, whose staff have a role."""
    told = {
        "jwks": issuer.url,
        "operator_claim": "roles",
        "operator_value": "bonafides-staff",
        "root_certificates": issuer.certificate,
    }
    folder = tmp_path_factory.mktemp("logins") / "data"
    with serving(folder, oidc_issuers={issuer.name: told}) as made:
        builders.enroll(made.store, builders.code())
        # Nobody waits for the first fetch; on a busy machine it takes a while.
        until(lambda: read(made, issuer.token(KEY, kid="RS256")) == "OK")
        yield made


def read(served: Served, token: str) -> str:
    """Returns OK, or how a read of a level ended, and why."""
    with served.client(token) as client:
        try:
            client.get_rating(builders.code().text)
        except RemoteError as error:
            return error.reason
        return "OK"


def queue(served: Served, token: str) -> grpc.StatusCode:
    """Returns how a call for staff alone ended."""
    with served.client(token) as client:
        try:
            client.rights.queue()
        except RemoteError as error:
            return error.code
        return grpc.StatusCode.OK


@pytest.mark.feature("D9")
@pytest.mark.parametrize("algorithm", KEYS)
@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt"])
def test_access_token_of_the_issuer_logs_a_member_in(
    deployment: Served, issuer: LoginIssuer, algorithm: str, typ: str
) -> None:
    made = issuer.token(KEYS[algorithm], algorithm, algorithm, typ=typ)
    assert read(deployment, made) == "OK"
    assert queue(deployment, made) is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize(
    "claims",
    [{"roles": ["user", "bonafides-staff"]}, {"roles": "user bonafides-staff"}],
    ids=["list", "words"],
)
def test_staff_are_those_whom_the_configured_claim_names(
    deployment: Served, issuer: LoginIssuer, claims: dict[str, Any]
) -> None:
    made = issuer.token(KEY, kid="RS256", **claims)
    assert queue(deployment, made) is grpc.StatusCode.OK


@pytest.mark.parametrize(
    "claims",
    [
        {"kind": "operator"},
        {"scope": "bonafides-staff"},
        {"roles": ["bonafides-staff-2"]},
        {"roles": {"bonafides-staff": True}},
        {"roles": [["bonafides-staff"]]},
    ],
    ids=["kind", "scope", "longer", "object", "nested"],
)
def test_nobody_is_staff_by_another_claim(
    deployment: Served, issuer: LoginIssuer, claims: dict[str, Any]
) -> None:
    made = issuer.token(KEY, kid="RS256", **claims)
    assert queue(deployment, made) is grpc.StatusCode.PERMISSION_DENIED


ATTACKS: dict[str, Callable[[LoginIssuer], str]] = {
    "ID token": lambda i: i.token(KEY, kid="RS256", typ="JWT"),
    "ID token under another type": lambda i: i.token(KEY, kid="RS256", nonce="n"),
    "ID token with a hash": lambda i: i.token(KEY, kid="RS256", at_hash="h"),
    "for another service": lambda i: i.token(KEY, kid="RS256", aud="other"),
    "for us among others": lambda i: i.token(KEY, kid="RS256", aud=["bonafides-sandbox", "x"]),
    "for live": lambda i: i.token(KEY, kid="RS256", aud="bonafides-live"),
    "of another issuer": lambda i: i.token(KEY, kid="RS256", iss="https://evil.example"),
    "of our own token service": lambda i: i.token(KEY, kid="RS256", iss="bonafides-tokens"),
    "of the sandbox's issuer": lambda i: i.token(KEY, kid="RS256", iss="bonafides-sandbox"),
    "unknown key": lambda i: i.token(KEY, kid="two"),
    "key of another id": lambda i: i.token(KEY, kid="ES256"),
    "algorithm of another key": lambda i: i.token(KEYS["ES256"], "ES256", "RS256"),
    "a small RSA key": lambda i: i.token(SMALL, kid="small"),
    "RSA with another padding": lambda i: i.token(KEY, "PS256", "RS256"),
    "good for a day": lambda i: i.token(KEY, kid="RS256", exp=builders.NOW // 1_000_000 + 86_400),
    "over": lambda i: i.token(KEY, kid="RS256", exp=builders.NOW // 1_000_000 - 1),
    "no subject": lambda i: i.token(KEY, kid="RS256", sub=None),
    "no id": lambda i: i.token(KEY, kid="RS256", jti=None),
    "an application": lambda i: i.token(KEY, kid="RS256", application="person-1", key="A" * 43),
    "a platform": lambda i: i.token(KEY, kid="RS256", platform="1688"),
}


@pytest.mark.feature("D9")
@pytest.mark.filterwarnings("ignore:The RSA key")
@pytest.mark.parametrize("attack", ATTACKS)
def test_other_token_of_the_issuer_is_refused(
    deployment: Served, issuer: LoginIssuer, attack: str
) -> None:
    assert read(deployment, ATTACKS[attack](issuer)).startswith("CREDENTIAL_")


def test_unknown_keys_have_the_issuer_asked_once_a_minute_at_most(issuer: LoginIssuer) -> None:
    clock = [0.0]
    keys = LoginKeys(monotonic=lambda: clock[0])
    key_of = keys.follow(issuer.name, Published(issuer.url, issuer.certificate))
    keys.start()
    try:
        until(lambda: _found(key_of, "RS256"))
        asked = issuer.asked
        for _ in range(20):
            assert not _found(key_of, "new")
        assert issuer.asked == asked
        clock[0] = 61.0
        assert not _found(key_of, "new")
        until(lambda: keys._followed[0].tried_at == 61.0)
        for _ in range(20):
            assert not _found(key_of, "newer")
        assert issuer.asked == asked + 1
    finally:
        keys.stop()


def test_new_key_of_the_issuer_is_taken_without_a_restart() -> None:
    clock = [0.0]
    with issuing(LoginIssuer(keys=[published("one", "RS256", KEY)])) as made:
        keys = LoginKeys(monotonic=lambda: clock[0])
        key_of = keys.follow(made.name, Published(made.url))
        keys.start()
        try:
            until(lambda: _found(key_of, "one"))
            made.keys = [published("two", "EdDSA", KEYS["EdDSA"])]
            clock[0] = 61.0
            until(lambda: _found(key_of, "two"))
            assert not _found(key_of, "one")
        finally:
            keys.stop()


@pytest.mark.parametrize(
    "fault",
    [{"code": 500}, {"code": 302}, {"body": b"[]"}, {"body": b" " * 70_000}],
    ids=["error", "redirect", "no set", "too long"],
)
def test_keys_stay_for_a_day_while_the_issuer_is_at_fault(fault: dict[str, Any]) -> None:
    clock = [0.0]
    with issuing(LoginIssuer(keys=[published("one", "RS256", KEY)])) as made:
        keys = LoginKeys(monotonic=lambda: clock[0])
        key_of = keys.follow(made.name, Published(made.url))
        keys.start()
        try:
            until(lambda: _found(key_of, "one"))
            for name, value in fault.items():
                setattr(made, name, value)
            clock[0] = 61.0
            assert not _found(key_of, "two")
            until(lambda: keys._followed[0].tried_at == 61.0)
            assert _found(key_of, "one")
            clock[0] = 86_500.0
            assert not _found(key_of, "one")
        finally:
            keys.stop()


def test_answer_without_an_end_is_given_up_once_it_is_too_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            # Whoever gives it up leaves, whatever was not read yet.
            with connection, contextlib.suppress(OSError):
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 70_000)
                # No more comes, and no end: whoever waits for that waits for long.
                connection.recv(1)

        talking = threading.Thread(target=answer)
        talking.start()
        with pytest.raises(JwksError):
            fetched(Published(f"http://127.0.0.1:{listening.getsockname()[1]}"), lambda: 0.0)
        talking.join()


def test_answer_that_takes_too_long_in_all_is_given_up() -> None:
    seconds = iter([0.0, 5.1])
    with issuing(LoginIssuer()) as made, pytest.raises(JwksError):
        fetched(Published(made.url), lambda: next(seconds))


def test_fetch_is_led_nowhere_else() -> None:
    with issuing(LoginIssuer()) as other:
        away = LoginIssuer(code=302, location=other.url)
        with issuing(away), pytest.raises(JwksError):
            fetched(Published(away.url), time.monotonic)
        assert (away.asked, other.asked) == (1, 0)


def test_fetch_takes_no_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    with issuing(LoginIssuer()) as made:
        assert fetched(Published(made.url), time.monotonic) == made.content()


def test_issuer_under_a_strange_certificate_is_not_believed(issuer: LoginIssuer) -> None:
    keys = LoginKeys(monotonic=time.monotonic)
    key_of = keys.follow(issuer.name, Published(issuer.url))
    asked = issuer.asked
    keys.start()
    try:
        until(lambda: keys._followed[0].tried_at > float("-inf"))
        assert not _found(key_of, "RS256")
        assert issuer.asked == asked
    finally:
        keys.stop()


def test_keys_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [published("one", "RS256", KEY)]}))
    told = LoginIssuer()
    with serving(tmp_path / "data", oidc_issuers={told.name: {"jwks": str(file)}}) as served:
        builders.enroll(served.store, builders.code())
        until(lambda: read(served, told.token(KEY)) == "OK")


@pytest.mark.feature("D9")
def test_withdrawn_key_ends_the_tokens_that_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_keys, "_EVERY_SECONDS", 0.1)
    one, two = (published(name, name, KEYS[name]) for name in ("RS256", "ES256"))
    with issuing(LoginIssuer(keys=[one, two])) as made:
        told = {made.name: {"jwks": made.url}}
        with serving(tmp_path / "data", oidc_issuers=told) as served:
            builders.enroll(served.store, builders.code())
            gone = made.token(KEYS["RS256"], "RS256", "RS256")
            kept = made.token(KEYS["ES256"], "ES256", "ES256")
            # The second time it is remembered.
            until(lambda: [read(served, each) for each in (gone, kept, gone)] == ["OK"] * 3)
            made.keys = [two]
            until(lambda: read(served, gone) == "CREDENTIAL_INVALID")
            assert read(served, kept) == "OK"


@pytest.mark.parametrize(
    "change",
    [{"keys": [published("one", "EdDSA", KEYS["EdDSA"])]}, {"keys": []}, {"code": 500}],
    ids=["another under its id", "none", "issuer away for a day"],
)
def test_whoever_remembers_hears_that_a_key_ended(change: dict[str, Any]) -> None:
    clock, heard = [0.0], list[str]()
    with issuing(LoginIssuer(keys=[published("one", "RS256", KEY)])) as made:
        keys = LoginKeys(monotonic=lambda: clock[0])
        key_of = keys.follow(made.name, Published(made.url))
        keys.hear(heard.append)
        keys.start()
        try:
            until(lambda: _found(key_of, "one"))
            clock[0] = 61.0
            # Asks the issuer, whose keys are the same as before.
            assert not _found(key_of, "two")
            until(lambda: keys._followed[0].fetched_at == 61.0)
            assert heard == []
            for name, value in change.items():
                setattr(made, name, value)
            clock[0] = 86_500.0
            assert not _found(key_of, "three")
            until(lambda: heard == [made.name])
        finally:
            keys.stop()


@pytest.mark.parametrize(
    "told",
    [
        {"jwks": "http://login.example/jwks"},
        {"jwks": "https:///jwks"},
        {"jwks": "missing.json"},
        {"jwks": "https://login.example/jwks", "operator_claim": "roles"},
        {"jwks": "https://login.example/jwks", "root_certificates": "missing.pem"},
    ],
    ids=["plaintext", "no host", "no file", "half a claim", "no roots"],
)
def test_issuer_that_is_set_wrongly_stops_the_start(tmp_path: Path, told: dict[str, str]) -> None:
    settings = Settings(data_dir=tmp_path, oidc_issuers={"https://login.example": told})  # type: ignore[dict-item]  # as the variable has it
    with pytest.raises(SettingsError, match="BONAFIDES_OIDC_ISSUERS"):
        server.build(settings, lambda: builders.NOW)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"keys": {}}',
        b'{"keys": [], "keys": []}',
        json.dumps({"keys": [{}] * 33}).encode(),
        json.dumps({"keys": [published("one", "RS256", KEY, d="AQAB")]}).encode(),
        json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "one"}]}).encode(),
        json.dumps({"keys": [published("one", "RS256", KEY)] * 2}).encode(),
        b'{"keys": []}' + b" " * 65_536,
    ],
    ids=["nothing", "list", "object", "twice", "many", "private", "secret", "same id", "long"],
)
def test_set_of_keys_that_nobody_may_trust_is_refused_whole(content: bytes) -> None:
    with pytest.raises(JwksError):
        read_jwks(content)


@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"},
        {"use": ["sig"]},
        {"key_ops": ["encrypt"]},
        {"alg": "HS256"},
        {"alg": "PS256"},
        {"alg": None},
        {"kid": None},
        {"kid": "with blank"},
        {"kty": "EC"},
        {"n": "AQAB"},
        {"e": "AQ"},
    ],
    ids=lambda changes: "-".join(f"{name} {value}" for name, value in changes.items()),
)
def test_key_of_another_use_is_passed_over(changes: dict[str, Any]) -> None:
    content = json.dumps(
        {"keys": [published("one", "RS256", KEY, **changes), published("two", "RS256", KEY)]}
    )
    assert list(read_jwks(content.encode())) == ["two"]


def _found(key_of: Callable[[dict[str, Any]], object], kid: str) -> bool:
    try:
        key_of({"kid": kid})
    except CredentialError:
        return False
    return True


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits until something holds, which it does in the end."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end
        pause.wait(0.02)
