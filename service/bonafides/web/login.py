"""Logging in and out, by OpenID Connect: code flow with PKCE, state and nonce.

The access token stays in this process, behind the session: a browser never has it. In
a sandbox one is a visitor, or the owner of a named enterprise, with one click; whoever
else the provider knows is told by the provider.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from authlib.integrations.base_client import OAuthError
from httpx2 import HTTPError
from joserfc.errors import JoseError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bonafides.web.language import LANGUAGES, Language
from bonafides.web.local_issuer import OWNER, VISITOR
from bonafides.web.provider import logout_address, revoke, seconds_of
from bonafides.web.sessions import Login, Session
from bonafides.web.visits import Page, Visit, World, forged_by, own_path

CALLBACK: Final = "/login/callback"
_SEE_OTHER: Final = 303
_BAD_REQUEST: Final = 400
_UNAVAILABLE: Final = 503
_CODE_IN_PATH: Final = re.compile(r"/enterprises/([0-9A-Z]{18})\b")
_CODE: Final = re.compile(r"[0-9A-Z]{18}")
# The kind of login that names a platform, in the ID token as in access tokens.
_PLATFORM: Final = "platform"
_LONGEST_TITLE: Final = 80


def routes(world: World) -> Sequence[Route]:
    """Returns the routes that talk to the provider."""
    provider = world.provider
    made = [Route(CALLBACK, _callback(world, provider), methods=["GET"])]
    for language in LANGUAGES:
        path = f"{language.prefix}/login"
        made.append(Route(path, _start(world, language, provider), methods=["POST"]))
    return made


def ask(visit: Visit) -> Response:
    """Shows how one can log in; begins the session that the login is bound to."""
    following = own_path(visit.request.query_params.get("next", "/"))
    if visit.logged_in:
        return RedirectResponse(following, _SEE_OTHER)
    if visit.session is None:
        visit.session = visit.world.sessions.open(visit.world.site.seconds())
        visit.request.scope["visitor"] = visit.session
    named = _CODE_IN_PATH.search(following)
    return visit.page(
        "login.html",
        following=following,
        ended=visit.request.scope["lapsed"] or visit.request.query_params.get("ended") == "yes",
        code=named[1] if named else "",
        sandbox=visit.world.site.signer is not None,
        samples=visit.world.site.samples,
        visitor=VISITOR,
        owner=OWNER,
    )


def leave(visit: Visit) -> Response:
    """Logs out, here and then at the provider."""
    site, provider, before = visit.world.site, visit.world.provider, visit.session
    if visit.session is not None:
        visit.world.sessions.end(visit.session)
    visit.session = None
    visit.request.scope["visitor"] = None
    if before is None:
        return visit.to("/")
    revoke(site, provider, before)
    elsewhere = logout_address(site, provider, before)
    return RedirectResponse(elsewhere, _SEE_OTHER) if elsewhere else visit.to("/")


PAGES: Final = (
    Page("/login", ask),
    Page("/logout", leave, method="POST", renews=False),
)


def _start(world: World, language: Language, provider: Any) -> Callable[..., Any]:
    async def start(request: Request) -> Response:
        session: Session | None = request.scope["visitor"]
        form = await request.form(max_fields=8)
        told = {name: value for name, value in form.items() if isinstance(value, str)}
        visit = Visit(world, request, language, session, told)
        if session is None or forged_by(visit):
            return visit.to("/login")
        session.flow["next"] = own_path(told.get("next", "/"))
        more: dict[str, str] = {}
        if world.site.signer is not None:
            more["login_hint"] = _hint(told)
        callback = f"{world.site.origin}{CALLBACK}"
        try:
            sent: Response = await provider.authorize_redirect(request, callback, **more)
        except HTTPError:
            return _unreachable(visit)
        return sent

    return start


def _callback(world: World, provider: Any) -> Callable[..., Any]:
    async def callback(request: Request) -> Response:
        session: Session | None = request.scope["visitor"]
        following = "/" if session is None else str(session.flow.get("next", "/"))
        english = following == "/en" or following.startswith("/en/")
        visit = Visit(world, request, LANGUAGES[1 if english else 0], session)
        if session is None:
            return _unfinished(visit)
        try:
            token = await provider.authorize_access_token(request)
        except HTTPError:
            return _unreachable(visit)
        except (OAuthError, JoseError, ValueError, KeyError, TypeError):
            # The library's ways to say that state, nonce, code or signature are not good.
            return _unfinished(visit)
        made = _session(world, session, token)
        request.scope["visitor"] = made
        return RedirectResponse(own_path(following), _SEE_OTHER)

    return callback


def _session(world: World, before: Session, token: dict[str, Any]) -> Session:
    who = token.get("userinfo") or {}
    title = str(who.get("name") or who.get("preferred_username") or who.get("sub") or "")
    owns = who.get("owns")
    codes = [str(one) for one in owns] if isinstance(owns, list) else []
    login = Login(
        str(token["access_token"]),
        title[:_LONGEST_TITLE],
        tuple(code for code in codes if _CODE.fullmatch(code)),
        platform=who.get("kind") == _PLATFORM,
        refresh_token=str(token.get("refresh_token") or ""),
        id_token=str(token.get("id_token") or ""),
    )
    now = world.site.seconds()
    return world.sessions.log_in(before, login, seconds=seconds_of(token), now=now)


def _hint(told: dict[str, str]) -> str:
    code = told.get("code", "").strip().upper()
    return f"{OWNER}:{code}" if told.get("who") == OWNER and code else VISITOR


def _unfinished(visit: Visit) -> Response:
    return visit.refusal(
        _BAD_REQUEST,
        "Logging in was not finished, or began in another browser.",
        "Begin anew: choose Log in.",
    )


def _unreachable(visit: Visit) -> Response:
    return visit.refusal(
        _UNAVAILABLE, "Where one logs in can't be reached.", "Try again in a moment."
    )
