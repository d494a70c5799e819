"""The OpenID Connect provider, as the site talks to it, and how long a login lasts by it.

- A provider that gives a refresh token has its access token renewed while somebody is
  there: on a visit in the token's last minute, or within half an hour of its end. One
  visit of a session asks, others wait: a refresh token that is used twice may cost the
  whole login (RFC 9700, 4.14.2). Twelve hours after the login it is over regardless.
- A provider that refuses to renew ends the session. One that can't be reached ends
  nothing while the access token is good.
- Logging out revokes the refresh token (RFC 7009), and leads to the provider's own
  logout (OpenID Connect RP-Initiated Logout 1.0) where it names one on its own host: who
  comes next at this browser is asked anew.

    provider = provider_of(site.provider)
    await renewed(provider, sessions, session, now=site.seconds())
"""

from __future__ import annotations

import enum
import functools
import ssl
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth

from bonafides.web.sessions import Session, Sessions, renewal_of
from bonafides.web.site import Provider, Site

# A login of people; what else is asked for stands in the settings.
OFFLINE: Final = "offline_access"
_SECONDS: Final = 5.0
_EARLY_SECONDS: Final = 60.0
_DEFAULT_SECONDS: Final = 900.0


class Renewal(enum.Enum):
    """What came of looking whether a login is still good."""

    GOOD = enum.auto()
    ENDED = enum.auto()
    UNREACHABLE = enum.auto()


def provider_of(told: Provider) -> Any:
    """Returns the provider, as the library has it. It is asked about itself when first used."""
    oauth: Any = OAuth()  # type: ignore[no-untyped-call]  # ships no types
    named = {"resource": told.resource} if told.resource else {}
    # Who asks for a refresh token has the person agree (OpenID Connect Core 1.0, 11).
    agreeing = {"prompt": "consent"} if OFFLINE in told.scope.split() else {}
    oauth.register(
        "provider",
        client_id=told.client_id,
        client_secret=told.client_secret or None,
        server_metadata_url=f"{told.issuer}/.well-known/openid-configuration",
        authorize_params={**named, **agreeing},
        access_token_params=named,
        client_kwargs={
            "scope": told.scope,
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": ("client_secret_basic" if told.client_secret else "none"),
            "timeout": _SECONDS,
            # A proxy named in the environment is not asked to carry secrets of logins.
            "trust_env": False,
            "verify": told.tls or _trusted(),
        },
    )
    return oauth.create_client("provider")


@functools.cache
def _trusted() -> ssl.SSLContext:
    """Returns how TLS is spoken to a provider that has no roots of its own in the settings.

    Made once: loading the roots takes 20 ms of a core, and a login asks three times.
    """
    return httpx2.create_ssl_context(trust_env=False)


def seconds_of(token: dict[str, Any]) -> float:
    """Returns for how many seconds a provider's access token is good."""
    return float(token.get("expires_in") or _DEFAULT_SECONDS)


async def renewed(provider: Any, sessions: Sessions, session: Session, *, now: float) -> Renewal:
    """Renews the access token of a session if it is about to end and can be."""
    if not _is_due(session, now):
        return Renewal.GOOD
    async with session.renewing:
        login = session.login
        # Another visit of the same session may have renewed it, or ended it.
        if login is None or not _is_due(session, now):
            return Renewal.GOOD
        try:
            token = await provider.fetch_access_token(
                grant_type="refresh_token", refresh_token=login.refresh_token
            )
            made = renewal_of(login, token)
        except httpx2.HTTPError:
            return Renewal.GOOD if session.token_ends_at > now else Renewal.UNREACHABLE
        except (OAuthError, ValueError, KeyError, TypeError):
            sessions.end(session)
            return Renewal.ENDED
        sessions.renew(session, made, seconds=seconds_of(token), now=now)
    return Renewal.GOOD


def _is_due(session: Session, now: float) -> bool:
    login = session.login
    if login is None or not login.refresh_token:
        return False
    return session.token_ends_at - now < _EARLY_SECONDS


def revoke(site: Site, provider: Any, session: Session) -> None:
    """Tells the provider that the session's refresh token is not needed any more.

    One that can't be reached, or takes no such word, doesn't keep anybody logged in here.
    """
    told, login = site.provider, session.login
    address = provider.server_metadata.get("revocation_endpoint")
    if login is None or not login.refresh_token or not address:
        return
    form = {"token": login.refresh_token, "token_type_hint": "refresh_token"}
    auth: httpx2.Auth | None = None
    if told.client_secret:
        # Source: RFC 6749, 2.3.1.
        auth = httpx2.BasicAuth(quote_plus(told.client_id), quote_plus(told.client_secret))
    else:
        form["client_id"] = told.client_id
    try:
        with httpx2.Client(
            timeout=_SECONDS,
            trust_env=False,
            verify=told.tls or _trusted(),
            auth=auth,
        ) as http:
            http.post(address, data=form)
    except httpx2.HTTPError:
        return


def logout_address(site: Site, provider: Any, session: Session) -> str:
    """Returns where the provider logs somebody out; empty: it has no such place on its host."""
    address = str(provider.server_metadata.get("end_session_endpoint") or "")
    here, there = urlsplit(site.provider.issuer), urlsplit(address)
    if session.login is None or (here.scheme, here.netloc) != (there.scheme, there.netloc):
        return ""
    told = {
        "id_token_hint": session.login.id_token,
        "client_id": site.provider.client_id,
        "post_logout_redirect_uri": f"{site.origin}/",
    }
    mark = "&" if there.query else "?"
    return f"{address}{mark}{urlencode({name: text for name, text in told.items() if text})}"
