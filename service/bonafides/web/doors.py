"""What every request passes and every answer gets, before and after the pages.

1. The host is the site's own: a name that somebody else pointed here is not served.
2. A body is bounded, as it says and as it comes.
3. The cookie names a session, or nobody.
4. Answers carry the headers that keep a page to itself; answers to whoever has a cookie,
   and whatever is no plain page, are stored nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bonafides.web.sessions import Session, Sessions
from bonafides.web.site import Site

# A form of ours has some kilobytes; a copy of a licence at most 10 MiB.
FORM_BYTES: Final = 64 * 1_024
UPLOAD_BYTES: Final = 10 * 1_024 * 1_024 + FORM_BYTES
STATIC: Final = "/static/"

_TOO_LARGE: Final = 413
_MISDIRECTED: Final = 421
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # A form's own page must still be told by its Origin, so not "no-referrer".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), browsing-topics=()",
}


class TooLargeError(Exception):
    """A body is larger than it may be."""


class Doors:
    """The outermost layer of the site; see the module."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        site: Site,
        sessions: Sessions,
        uploads: Callable[[str], bool],
        form_targets: str,
    ) -> None:
        """`uploads` tells which paths take a copy; `form_targets`, where forms may lead."""
        self._app: Final = app
        self._site: Final = site
        self._sessions: Final = sessions
        self._uploads: Final = uploads
        self._cookie: Final = "__Host-session" if site.secure else "session"
        self._policy: Final = (
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
            f"frame-ancestors 'none'; form-action 'self'{form_targets}"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if headers.get("host", "") != self._site.host:  # 1
            refusal = PlainTextResponse("This site is not served here.", _MISDIRECTED)
            await refusal(scope, receive, self._answering(send, scope, None))
            return
        held = self._held(headers)
        session = self._sessions.find(held, self._site.seconds()) if held else None  # 3
        scope["visitor"] = session
        # Whoever comes with the cookie of a session that is over, is told so.
        scope["lapsed"] = bool(held) and session is None
        # The login library keeps state, nonce and verifier where frameworks have sessions.
        scope["session"] = {} if session is None else session.flow
        most = UPLOAD_BYTES if self._uploads(scope["path"]) else FORM_BYTES
        answering = self._answering(send, scope, session)
        told = headers.get("content-length", "0")
        if not told.isdecimal() or int(told) > most:  # 2
            await _too_large(scope, receive, answering)
            return
        try:
            await self._app(scope, _bounded(receive, most), answering)
        except TooLargeError:
            await _too_large(scope, receive, answering)

    def _held(self, headers: Headers) -> str:
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return ""
        held = cookies.get(self._cookie)
        return "" if held is None else held.value

    def _answering(self, send: Send, scope: Scope, before: Session | None) -> Send:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers["Content-Security-Policy"] = self._policy
                if self._site.secure:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                if not scope["path"].startswith(STATIC):
                    self._keep_private(headers, scope, before)
            await send(message)

        return answer

    def _keep_private(self, headers: MutableHeaders, scope: Scope, before: Session | None) -> None:
        after: Session | None = scope.get("visitor")
        headers["Vary"] = "Cookie"
        headers["Cache-Control"] = "no-store" if before or after else "no-cache"
        if after is not None and after is not before:
            headers.append("Set-Cookie", self._set_cookie(after.id))
        elif after is None and before is not None:
            headers.append("Set-Cookie", self._set_cookie("", "; Max-Age=0"))

    def _set_cookie(self, value: str, more: str = "") -> str:
        # Lax and not Strict: who comes back from the provider must still be who left.
        secure = "; Secure" if self._site.secure else ""
        return f"{self._cookie}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}"


def _bounded(receive: Receive, most: int) -> Receive:
    """Counts what comes: a body needn't say how long it is, nor say so truly."""
    came = 0

    async def counted() -> Message:
        nonlocal came
        message = await receive()
        came += len(message.get("body", b""))
        if came > most:
            raise TooLargeError
        return message

    return counted


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    text = (
        "提交的内容过大。营业执照副本不得超过 10 MiB，请压缩后重新提交。\n"
        "What was sent is too large. A copy of a licence has at most 10 MiB; make it smaller."
    )
    await PlainTextResponse(text, _TOO_LARGE, {"Connection": "close"})(scope, receive, send)
