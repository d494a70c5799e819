"""Attacks on the website, each by its name; none works."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from bonafides.settings import Settings, SettingsError
from bonafides.web.app import PAGES
from bonafides.web.doors import FORM_BYTES, UPLOAD_BYTES
from bonafides.web.visits import own_path
from bonafides.website import has_tls, site_of
from tests import builders, rated
from tests.serving import Served
from tests.webbing import Visitor, Website, visiting

CODE = builders.code().text
ARCHIVE = f"/enterprises/{CODE}"


# --- Headers and other hosts -----------------------------------------------------------


def test_every_answer_forbids_scripts_frames_and_other_hosts(visitor: Visitor) -> None:
    for path in ("/", ARCHIVE, "/login", "/nothing", "/static/style.css", "/static/nothing"):
        headers = visitor.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


@pytest.mark.feature("J1")
def test_no_page_names_another_host(visitor: Visitor) -> None:
    visitor.log_in(CODE)
    for page in PAGES:
        if page.method == "GET":
            path = page.path.replace("{code:str}", CODE).replace("{uid:str}", "1")
            text = visitor.get(path).text
            assert re.findall(r'(?:href|src|action)="(?:https?:)?//[^"]*"', text) == []
            assert "<script" not in text


# --- Forged forms ---------------------------------------------------------------------


POSTS = [page for page in PAGES if page.method == "POST"]


@pytest.mark.parametrize("page", POSTS, ids=lambda page: page.path)
def test_csrf_form_without_the_sessions_token_is_refused(
    served: Served, visitor: Visitor, page: Any
) -> None:
    visitor.log_in(CODE)
    path = page.path.replace("{code:str}", CODE)
    for token in ("", "x", visitor.csrf(f"/en{ARCHIVE}/consents")[:-1]):
        assert (
            visitor.post(path, {"csrf": token, "purpose": "PURPOSE_VERIFY_IDENTITY"}).status_code
            == 403
        )
    assert visitor.get(f"{ARCHIVE}/level").url.path == f"{ARCHIVE}/level"
    with rated.owner(served, CODE) as owner:
        assert any(each.live for each in owner.consents.ledger(CODE))


@pytest.mark.parametrize(
    "header",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_csrf_form_of_another_site_is_refused_though_it_has_the_token(
    visitor: Visitor, header: dict[str, str]
) -> None:
    visitor.log_in(CODE)
    path = f"{ARCHIVE}/consents"
    form = {"csrf": visitor.csrf(path), "purpose": "PURPOSE_VERIFY_IDENTITY"}
    assert visitor.post(f"{path}/revoke", form, headers=header).status_code == 403


def test_csrf_login_of_another_site_logs_nobody_in(visitor: Visitor) -> None:
    visitor.post("/login", {"who": "visitor", "csrf": "x"})
    assert visitor.get(f"{ARCHIVE}/level").url.path == "/login"


def test_csrf_login_begins_by_a_form_of_the_session_alone(visitor: Visitor) -> None:
    """A session waits already, as of somebody who looked at the page before."""
    token = visitor.csrf()
    form = {"who": "visitor", "csrf": "x", "next": "/"}
    sent = visitor.http.post("/login", data=form, follow_redirects=False)
    assert sent.headers["location"] == "/login"
    sent = visitor.http.post("/login", data=form | {"csrf": token}, follow_redirects=False)
    assert "/authorize?" in sent.headers["location"]


# --- Sessions -------------------------------------------------------------------------


def test_session_fixation_planted_id_is_never_taken(visitor: Visitor) -> None:
    visitor.http.cookies.set("session", "planted-by-somebody-else")
    answer = visitor.get("/login")
    assert "planted" not in answer.headers["set-cookie"]


def test_session_fixation_id_of_before_is_worth_nothing_after(
    website: Website, visitor: Visitor
) -> None:
    visitor.get("/login")
    before = visitor.http.cookies["session"]
    visitor.log_in(CODE)
    after = visitor.http.cookies["session"]
    assert after != before
    with visiting(website) as attacker:
        attacker.http.cookies.set("session", before)
        assert attacker.get(f"{ARCHIVE}/level").url.path == "/login"


def test_cookie_holds_an_id_alone_and_no_script_reads_it(visitor: Visitor) -> None:
    page = visitor.log_in(CODE)
    cookie = page.history[-1].headers["set-cookie"]
    assert re.fullmatch(r"session=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax", cookie)
    assert len(visitor.http.cookies) == 1


def test_cookie_is_secure_and_bound_to_the_host_behind_tls(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, web_origin="https://example.com")
    site = site_of(settings, server="127.0.0.1:1")
    assert site.secure


def test_reading_without_login_sets_no_cookie(visitor: Visitor) -> None:
    for path in ("/", ARCHIVE, "/look-up?q=x", "/nothing"):
        assert "set-cookie" not in visitor.get(path).headers


def test_pages_of_who_is_logged_in_are_stored_nowhere(visitor: Visitor) -> None:
    visitor.log_in(CODE)
    for path in ("/", ARCHIVE, f"{ARCHIVE}/level", "/nothing"):
        assert visitor.get(path).headers["cache-control"] == "no-store"


def test_logged_out_session_is_over_for_whoever_has_its_id(
    website: Website, visitor: Visitor
) -> None:
    visitor.log_in(CODE)
    held = visitor.http.cookies["session"]
    visitor.post("/logout", {"csrf": visitor.csrf("/")})
    with visiting(website) as thief:
        thief.http.cookies.set("session", held)
        assert thief.get(f"{ARCHIVE}/level").url.path == "/login"


def test_access_token_is_in_no_page_and_no_header(visitor: Visitor) -> None:
    page = visitor.log_in(CODE, following=ARCHIVE)
    answers = [page, *page.history, visitor.get(f"{ARCHIVE}/data")]
    # Every token of ours begins with the same header.
    assert not [one for one in answers if "eyJ" in one.text or "eyJ" in str(one.headers)]


# --- Redirects, paths, headers --------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/%5cevil.example/../..//evil.example",
        "javascript:alert(1)",
        "/\r\nLocation: https://evil.example",
        " //evil.example",
        "/en//evil.example\t",
        "https:evil.example",
    ],
)
def test_open_redirect_after_login_stays_on_the_site(
    website: Website, visitor: Visitor, target: str
) -> None:
    page = visitor.log_in(following=target)
    for answer in (page, *page.history):
        assert str(answer.url).startswith(website.origin)
        assert "evil" not in urlsplit(answer.headers.get("location", "")).netloc


def test_own_path_takes_own_paths_alone() -> None:
    assert own_path("/en/enterprises/X?a=b") == "/en/enterprises/X?a=b"
    assert own_path("/") == "/"
    for wrong in ("", "x", "//x", "/\\x", "http://x", "/a\nb", "/a b", "/ä"):
        assert own_path(wrong) == "/"


def raw(website: Website, method: str, path: str, **headers: str) -> http.client.HTTPResponse:
    """Sends a request that a library would have tidied up."""
    connection = http.client.HTTPConnection(urlsplit(website.origin).netloc, timeout=20)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/%2e%2e/settings.py",
        "/static//etc/passwd",
        "/static/....//app.py",
        "/static/style.css%00.html",
        "/enterprises/..%2f..%2fetc%2fpasswd",
        "/enterprises/../../etc/passwd",
    ],
)
def test_path_traversal_finds_nothing(website: Website, path: str) -> None:
    assert raw(website, "GET", path).status in {400, 404}


def test_host_of_somebody_else_is_not_served(website: Website) -> None:
    assert raw(website, "GET", "/", Host="evil.example").status == 421


def test_header_injection_splits_no_answer(website: Website, visitor: Visitor) -> None:
    for path in (
        "/look-up?q=%0d%0aSet-Cookie:%20a=b",
        "/login?next=/%0d%0aSet-Cookie:%20a=b",
        "/enterprises/X%0d%0aSet-Cookie:%20a=b/level",
        "/en%0d%0aSet-Cookie:%20a=b",
    ):
        answer = raw(website, "GET", path)
        assert "a=b" not in str(answer.getheaders()).replace("%20a=b", "").replace("a%3Db", "")
        assert answer.getheader("Set-Cookie") is None or path.startswith("/login")
    visitor.log_in(CODE)
    form = {"csrf": visitor.csrf("/"), "purpose": "x\r\nSet-Cookie: a=b"}
    answered = visitor.post(f"{ARCHIVE}/consents/revoke", form)
    assert "a=b" not in str([one.headers for one in (answered, *answered.history)])


# --- Size -----------------------------------------------------------------------------


def test_oversized_form_is_refused_before_it_is_read(website: Website) -> None:
    told = raw(website, "POST", "/login", Content_Length=str(FORM_BYTES + 1))
    assert told.status == 413
    assert raw(website, "POST", "/submit", Content_Length=str(UPLOAD_BYTES + 1)).status == 413


def test_oversized_upload_that_hides_its_length_is_cut_off(visitor: Visitor) -> None:
    visitor.log_in(CODE)

    def endless() -> Iterator[bytes]:
        for _ in range(UPLOAD_BYTES // 65_536 + 3):
            yield bytes(65_536)

    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    try:
        status = visitor.http.post("/submit", content=endless(), headers=kind).status_code
    except httpx2.TransportError:
        # Refused while it was still coming: the connection is gone.
        status = 413
    # A body that is no form has no token either.
    assert status in {403, 413}


def test_form_of_too_many_fields_is_refused(visitor: Visitor) -> None:
    visitor.log_in(CODE)
    form = {"csrf": visitor.csrf("/")} | {f"f{number}": "x" for number in range(200)}
    assert visitor.post(f"{ARCHIVE}/consents/revoke", form).status_code == 403


# --- The sandbox's provider -----------------------------------------------------------


def test_live_has_no_provider_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="BONAFIDES_WEB_ISSUER"):
        site_of(Settings(environment="live", data_dir=tmp_path), server="127.0.0.1:1")
    for issuer in ("http://127.0.0.1:8080/sandbox-issuer", "https://x.example/sandbox-issuer"):
        live = Settings(
            environment="live", data_dir=tmp_path, web_issuer=issuer, web_client_id="web"
        )
        with pytest.raises(SettingsError, match="BONAFIDES_WEB_ISSUER"):
            site_of(live, server="127.0.0.1:1")


def test_live_reads_no_key_and_serves_no_provider(tmp_path: Path) -> None:
    live = Settings(
        environment="live",
        data_dir=tmp_path,
        web_origin="https://example.com",
        web_issuer="https://login.example",
        web_client_id="web",
    )
    assert site_of(live, server="127.0.0.1:1", samples=[CODE]).signer is None
    assert list(tmp_path.iterdir()) == []


def test_plain_http_outside_this_machine_is_refused(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, web_origin="http://example.com")
    with pytest.raises(SettingsError, match="plain http"):
        site_of(settings, server="127.0.0.1:1")


@pytest.mark.feature("J8")
@pytest.mark.parametrize("listen", ["0.0.0.0:8080", "[::]:8080", "10.0.0.1:8080"])
@pytest.mark.parametrize("origin", ["", "https://example.com", "http://127.0.0.1:8080"])
def test_plaintext_port_outside_this_machine_is_refused_to_a_proxy_too(
    tmp_path: Path, listen: str, origin: str
) -> None:
    settings = Settings(data_dir=tmp_path, web_listen=listen, web_origin=origin)
    with pytest.raises(SettingsError, match="BONAFIDES_WEB_LISTEN"):
        site_of(settings, server="127.0.0.1:1")
    assert list(tmp_path.iterdir()) == []
    certified = settings.model_copy(update={"tls_certificate": tmp_path / "chain.pem"})
    assert has_tls(certified)


@pytest.mark.feature("J8")
def test_proxy_of_this_machine_that_ends_tls_is_spoken_to_in_clear(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, tls_certificate=tmp_path / "chain.pem")
    assert has_tls(settings)
    assert not has_tls(settings.model_copy(update={"web_origin": "https://example.com"}))


def authorized(visitor: Visitor, **changes: str) -> httpx2.Response:
    """Asks the sandbox's provider for a code, as the site would."""
    told = {
        "response_type": "code",
        "client_id": "bonafides-web",
        "redirect_uri": f"{visitor.website.origin}/login/callback",
        "scope": "openid",
        "state": "s",
        # RFC 7636, appendix B.
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
        "login_hint": "visitor",
    }
    asked = visitor.website.origin + "/sandbox-issuer/authorize"
    return visitor.http.get(asked, params=told | changes, follow_redirects=False)


def exchanged(visitor: Visitor, code: str, **changes: str) -> httpx2.Response:
    """Takes the code to the provider's token endpoint."""
    told = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": "bonafides-web",
        "redirect_uri": f"{visitor.website.origin}/login/callback",
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    }
    return visitor.post("/sandbox-issuer/token", told | changes)


def code_of(answer: httpx2.Response) -> str:
    found = re.search(r"code=([\w-]+)", answer.headers["location"])
    assert found is not None
    return found[1]


def test_code_of_a_login_is_good_once_and_for_its_verifier(visitor: Visitor) -> None:
    code = code_of(authorized(visitor))
    assert exchanged(visitor, code, code_verifier="another").status_code == 400
    # A try with the wrong verifier used it up.
    assert exchanged(visitor, code).status_code == 400
    code = code_of(authorized(visitor))
    assert exchanged(visitor, code).status_code == 200
    assert exchanged(visitor, code).status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "bonafides-cli"},
        {"redirect_uri": "http://127.0.0.1:1/"},
        {"grant_type": "password"},
        {"code_verifier": "another"},
    ],
    ids=["another client", "another address", "another grant", "another verifier"],
)
def test_code_of_a_login_is_worth_nothing_beside_what_it_was_given_for(
    visitor: Visitor, changes: dict[str, str]
) -> None:
    assert exchanged(visitor, code_of(authorized(visitor)), **changes).status_code == 400


def test_provider_sends_codes_to_the_site_alone(visitor: Visitor) -> None:
    for wrong in ("https://evil.example/", f"{visitor.website.origin}/login/callback/x"):
        assert authorized(visitor, redirect_uri=wrong).status_code == 400
    assert authorized(visitor, client_id="other").status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge_method": "plain"},
        {"code_challenge": ""},
        {"scope": "x"},
        {"login_hint": ""},
    ],
)
def test_provider_gives_no_code_without_what_makes_it_safe(
    visitor: Visitor, changes: dict[str, str]
) -> None:
    answer = authorized(visitor, **changes)
    assert "code=" not in answer.headers["location"]
    assert "error=" in answer.headers["location"]


def test_answer_of_a_login_that_began_elsewhere_logs_nobody_in(visitor: Visitor) -> None:
    visitor.get("/login")
    code = code_of(authorized(visitor))
    page = visitor.get("/login/callback", params={"code": code, "state": "s"})
    assert page.status_code == 400
    assert visitor.get(f"{ARCHIVE}/level").url.path == "/login"
