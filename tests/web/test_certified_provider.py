"""Logging in to a live website at a certified provider that is not ours."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from bonafides import login_keys
from bonafides.cli.provider import Provider
from bonafides.cli.provider import log_in as log_in_by_address
from bonafides.client import RemoteError
from bonafides.instants import Instant
from bonafides.settings import Settings, SettingsError
from bonafides.web.local_issuer import COMMAND_LINE
from bonafides.website import site_of
from tests import builders
from tests.applying import live
from tests.browsing import browsing
from tests.certified import CLIENT, RESOURCE, Certified, certified
from tests.serving import Served, serving
from tests.webbing import Visitor, Website, listening_socket, serving_website

CODE = builders.code()
LEVEL = f"/en/enterprises/{CODE.text}/level"
ENDED = "Your session has ended"
SECRET = "generated-for-this-test-alone"


@dataclass
class Deployment:
    """A live service, its website, the provider, and who visits."""

    provider: Certified
    served: Served
    website: Website
    visitor: Visitor

    def passes(self, seconds: float) -> None:
        """Lets time pass for the website."""
        object.__setattr__(self.website.site, "seconds", lambda: time.time() + seconds)


@contextlib.contextmanager
def deployed(tmp_path: Path, *, scope: str = "openid", secret: str = "") -> Iterator[Deployment]:
    """Serves in live, with people logging in at the provider."""
    folder, listening = tmp_path / "data", listening_socket()
    origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
    with contextlib.ExitStack() as stack:
        stack.callback(listening.close)
        provider = stack.enter_context(certified(tmp_path, origin, client_secret=secret))
        changes: dict[str, Any] = live(folder) | {
            "issuers": {},
            "oidc_issuers": {
                provider.issuer: {
                    "jwks": f"{provider.issuer}/jwks",
                    "root_certificates": provider.certificate,
                }
            },
            "web_issuer": provider.issuer,
            "web_client_id": CLIENT,
            "web_scope": scope,
            "web_resource": RESOURCE,
            "web_issuer_certificates": provider.certificate,
        }
        if secret:
            file = tmp_path / "secret"
            file.touch(mode=0o600)
            file.write_text(secret)
            changes["web_client_secret_file"] = file
        served = stack.enter_context(serving(folder, **changes))
        served.clock.now = Instant(time.time_ns() // 1_000)
        builders.enroll(served.store, CODE)
        website = stack.enter_context(serving_website(served, listening=listening))
        yield Deployment(
            provider, served, website, stack.enter_context(somebody(website, provider))
        )


@contextlib.contextmanager
def somebody(website: Website, provider: Certified) -> Iterator[Visitor]:
    with httpx2.Client(
        base_url=website.origin,
        follow_redirects=True,
        timeout=20,
        trust_env=False,
        verify=provider.trust,
    ) as http:
        yield Visitor(website, http)


def log_in(visitor: Visitor) -> httpx2.Response:
    form = {"csrf": visitor.csrf("/en/login"), "next": LEVEL}
    return visitor.post("/en/login", form)


def confirmed(page: httpx2.Response, visitor: Visitor) -> httpx2.Response:
    """Says yes on the provider's own page of logging out."""
    found = re.search(r'action="([^"]+)".*?name="xsrf" value="([^"]+)"', page.text, re.DOTALL)
    assert found is not None
    return visitor.http.post(found[1], data={"xsrf": found[2], "logout": "yes"})


@pytest.mark.feature("D9")
@pytest.mark.parametrize("secret", ["", SECRET], ids=["public", "with a secret"])
def test_person_logs_in_by_code_and_challenge_and_is_known_to_the_service(
    tmp_path: Path, secret: str
) -> None:
    with deployed(tmp_path, secret=secret) as here:
        # Nothing here logs anybody in without the provider.
        assert "sandbox" not in here.visitor.get("/en/login").text.lower()
        page = log_in(here.visitor)
        assert page.status_code == 200, page.text
        assert page.url.path == LEVEL
        asked = parse_qs(urlsplit(page.history[0].headers["location"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["resource"] == [RESOURCE]
        assert {"state", "nonce", "code_challenge"} <= asked.keys()
        assert here.provider.came() == ["login", "consent", "authorization_code"]
        # What the provider gave is nowhere in what the browser got from the site.
        ours = [
            f"{each.headers} {each.text}"
            for each in (*page.history, page)
            if str(each.url).startswith(here.website.origin)
        ]
        assert len(ours) >= 3
        assert not [text for text in ours if re.search(r"eyJ[\w-]+\.eyJ", text)]


@pytest.mark.feature("D9")
def test_login_without_renewal_ends_with_its_token_and_says_so(tmp_path: Path) -> None:
    with deployed(tmp_path) as here:
        log_in(here.visitor)
        here.passes(500)
        assert here.visitor.get(LEVEL).url.path == LEVEL
        here.passes(601)
        page = here.visitor.get(LEVEL)
        assert page.url.path == "/en/login"
        assert ENDED in page.text
        assert "refresh_token" not in here.provider.came()


@pytest.mark.feature("D9")
def test_login_is_renewed_once_for_all_visits_and_again_by_what_came(tmp_path: Path) -> None:
    with deployed(tmp_path, scope="openid offline_access") as here:
        log_in(here.visitor)
        for at, offset in enumerate((560, 1_200, 3_500), start=1):
            here.passes(offset)
            # The provider takes each refresh token once; a second use would end the login.
            with ThreadPoolExecutor(4) as pool:
                pages = list(pool.map(here.visitor.get, [LEVEL] * 4))
            assert [page.url.path for page in pages] == [LEVEL] * 4
            assert here.provider.came().count("refresh_token") == at


def test_login_that_the_provider_renews_no_more_ends_and_says_so(tmp_path: Path) -> None:
    with deployed(tmp_path, scope="openid offline_access") as here:
        log_in(here.visitor)
        here.provider.be(client_id="another")
        here.passes(580)
        page = here.visitor.get(LEVEL)
        assert page.url.path == "/en/login"
        assert ENDED in page.text


def test_renewed_login_is_over_after_half_a_day_and_after_half_an_idle_hour(
    tmp_path: Path,
) -> None:
    with deployed(tmp_path, scope="openid offline_access") as here:
        log_in(here.visitor)
        here.passes(600 + 1_801)
        assert ENDED in here.visitor.get(LEVEL).text
        here.passes(0)
        log_in(here.visitor)
        for offset in range(2_000, 43_200, 2_000):
            here.passes(offset)
            assert here.visitor.get(LEVEL).url.path == LEVEL
        here.passes(43_201)
        assert ENDED in here.visitor.get(LEVEL).text


def test_provider_that_is_down_ends_no_login_that_is_good(tmp_path: Path) -> None:
    with deployed(tmp_path, scope="openid offline_access") as here:
        log_in(here.visitor)
        here.provider.stop()
        here.passes(545)
        assert here.visitor.get(LEVEL).status_code == 200
        here.passes(601)
        page = here.visitor.get(LEVEL)
        assert page.status_code == 503
        assert "Where one logs in" in page.text
        # And whoever wants to leave does.
        form = {"csrf": here.visitor.csrf(LEVEL)}
        out = here.visitor.http.post("/en/logout", data=form, follow_redirects=False)
        assert out.status_code == 303
        assert here.visitor.get(LEVEL).url.path == "/en/login"


@pytest.mark.feature("D9")
@pytest.mark.parametrize("secret", ["", SECRET], ids=["public", "with a secret"])
def test_logging_out_ends_it_at_the_provider_too(tmp_path: Path, secret: str) -> None:
    with deployed(tmp_path, scope="openid offline_access", secret=secret) as here:
        page = log_in(here.visitor)
        out = here.visitor.post("/en/logout", {"csrf": here.visitor.csrf(LEVEL)})
        assert str(out.url).startswith(here.provider.issuer)
        assert "revoked" in here.provider.came()
        # Here it is over whether the person confirms there or not.
        assert here.visitor.get(LEVEL).url.path == "/en/login"
        back = confirmed(out, here.visitor)
        assert str(back.url) == f"{here.website.origin}/"
        page = log_in(here.visitor)
        assert page.url.path == LEVEL
        assert here.provider.came().count("login") == 2


@pytest.mark.feature("D9")
def test_provider_changes_its_keys_and_people_log_in_by_the_new_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A minute between two fetches would be long here, and a busy machine may need a while.
    monkeypatch.setattr(login_keys, "_AT_MOST_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(login_keys, "_WAIT_SECONDS", 20.0)
    with deployed(tmp_path) as here, somebody(here.website, here.provider) as other:
        assert log_in(here.visitor).url.path == LEVEL
        here.provider.be(keys=["two"])
        page = log_in(other)
        assert page.status_code == 200, page.text
        assert page.url.path == LEVEL


@pytest.mark.feature("D9")
def test_command_line_logs_in_there_and_is_known_to_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with deployed(tmp_path) as here, ThreadPoolExecutor(1) as pool:
        # What this machine trusts, as an operator with a certificate of their own sets it.
        monkeypatch.setenv("SSL_CERT_FILE", str(here.provider.certificate))

        def show(address: str) -> None:
            pool.submit(here.visitor.http.get, address)

        named = Provider(here.provider.issuer, COMMAND_LINE, resource=RESOURCE)
        token, seconds = log_in_by_address(named, show)
        assert seconds == 600
        with here.served.client(token) as client:
            assert client.get_rating(CODE.text).name
        # What is got without the name of the service is none that it takes.
        token, _ = log_in_by_address(Provider(here.provider.issuer, COMMAND_LINE), show)
        with here.served.client(token) as client, pytest.raises(RemoteError) as refused:
            client.get_rating(CODE.text)
        assert refused.value.code.name == "UNAUTHENTICATED"


def test_browser_logs_in_and_out_by_clicks(tmp_path: Path) -> None:
    with deployed(tmp_path) as here, browsing(tmp_path) as browser:
        page = browser.new_context(ignore_https_errors=True).new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"{here.website.origin}{LEVEL}")
        page.click("main form button")
        page.wait_for_url(f"**{LEVEL}")
        page.click("header form[method=post] button")
        page.wait_for_url(f"{here.provider.issuer}/**")
        page.click("button[value=yes]")
        page.wait_for_url(f"{here.website.origin}/")
        assert not [text for text in said if "Content Security Policy" in text]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"web_scope": "profile"}, "BONAFIDES_WEB_SCOPE"),
        ({"web_issuer_certificates": Path("missing.pem")}, "BONAFIDES_WEB_ISSUER_CERTIFICATES"),
    ],
)
def test_provider_that_is_set_wrongly_stops_the_start(
    tmp_path: Path, changes: dict[str, Any], named: str
) -> None:
    settings = Settings(
        data_dir=tmp_path, web_issuer="https://login.example", web_client_id="web", **changes
    )
    with pytest.raises(SettingsError, match=named):
        site_of(settings, server="127.0.0.1:1")
