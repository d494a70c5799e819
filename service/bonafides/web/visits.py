"""The one wrapper around every page.

A page is a plain function of a `Visit`: it calls the client and returns an answer. What
comes before it is done here, once, by the row of the page:

1. Who must be logged in and is not, is sent to log in, and back afterwards.
2. A login that is about to end is renewed, if its provider renews it.
3. A form must bear its session's token, and come from our own origin.
4. The page runs on a thread: the client waits for the service there.
5. What the service refuses becomes a page that says what, why, and what to do.
"""

from __future__ import annotations

import hmac
import math
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bonafides.client import Client, ClientError, RemoteError
from bonafides.errors import FieldViolation
from bonafides.v1.purpose_pb2 import ReadPurpose
from bonafides.web import said_errors, speech
from bonafides.web.clients import Clients, address_of
from bonafides.web.doors import UPLOAD_BYTES
from bonafides.web.language import Language
from bonafides.web.provider import Renewal, renewed
from bonafides.web.sessions import Session, Sessions
from bonafides.web.site import Site

_MOST_FIELDS: Final = 80
_MOST_FILES: Final = 2
_SEE_OTHER: Final = 303
_NOT_FOUND: Final = 404
_FORBIDDEN: Final = 403
_UNAVAILABLE: Final = 503
# Paths of ours alone: a second slash or a backslash would name another host to a browser.
_OWN_PATH: Final = re.compile(
    r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@%?-][A-Za-z0-9._~!$&'()*+,;=:@%?/-]*)?"
)
_STATUSES: Final = {
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "FAILED_PRECONDITION": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
_BROKEN: Final = 502


@dataclass(frozen=True, slots=True)
class World:
    """What all pages share."""

    site: Site
    sessions: Sessions
    clients: Clients
    templates: Environment
    # The provider as the library has it, which ships no types.
    provider: Any


@dataclass(slots=True)
class Visit:
    """One request for one page, in one language."""

    world: World
    request: Request
    language: Language
    session: Session | None
    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def code(self) -> str:
        """The code in the path, as the service writes codes."""
        return str(self.request.path_params.get("code", "")).upper()

    @property
    def logged_in(self) -> bool:
        """Whether somebody is logged in."""
        return self.session is not None and self.session.login is not None

    def client(self) -> Client:
        """Returns the client of who visits."""
        login = None if self.session is None else self.session.login
        address = address_of(self.request, self.world.site.trusted_proxies)
        return self.world.clients.of(None if login is None else login.token, address)

    @property
    def purpose(self) -> ReadPurpose.ValueType:
        """What a page reads for: to be shown to whoever looks at it. People name none."""
        login = None if self.session is None else self.session.login
        if login is None or not login.platform:
            return ReadPurpose.READ_PURPOSE_UNSPECIFIED
        return ReadPurpose.READ_PURPOSE_DISPLAY_TO_USERS

    def say(self, text: str) -> str:
        """Returns the text in the language of the page."""
        return self.language.text(text)

    def path(self, path: str) -> str:
        """Returns the path of a page in the language of this one."""
        return f"{self.language.prefix}{path}" if path != "/" else self.language.prefix or "/"

    def page(self, template: str, status: int = 200, **told: Any) -> Response:
        """Returns a page."""
        note = ""
        if self.session is not None:
            note, self.session.note = self.session.note, ""
        shown = self.world.templates.get_template(template).render(
            visit=self, _=self.language.text, language=self.language, note=note, **told
        )
        return HTMLResponse(shown, status)

    def to(self, path: str, note: str = "") -> Response:
        """Sends on to a page of ours, which tells the note."""
        if self.session is not None and note:
            self.session.note = note
        return RedirectResponse(self.path(path), _SEE_OTHER)

    def to_login(self, *, ended: bool = False) -> Response:
        """Sends to log in, and back here afterwards; `ended`: there was a login, and is none."""
        here = self.request.url.path if self.request.method == "GET" else self.path("/")
        more = "&ended=yes" if ended else ""
        address = f"{self.path('/login')}?next={quote(here, safe='')}{more}"
        return RedirectResponse(address, _SEE_OTHER)

    def faults(self, violations: Iterable[FieldViolation]) -> list[speech.Fault]:
        """Returns the faults of fields as this page's form names them."""
        return speech.faults_of(violations, self._form_name, self.language)

    def fault(self, field: str, text: str) -> speech.Fault:
        """Returns a fault of a field of this page's form."""
        return speech.fault(field, text, self._form_name, self.language)

    @property
    def _form_name(self) -> str:
        """Which page it is: what comes after the enterprise in its path, else its first part."""
        parts = self.request.url.path.removeprefix(self.language.prefix).split("/")[1:]
        below = parts[2:] if parts[0] == "enterprises" else parts
        return below[0] if below else ""

    def refusal(self, status: int, what: str, step: str, **told: Any) -> Response:
        """Returns a page that says what went wrong and what to do."""
        said, then = (speech.plain(text, self.language) for text in (what, step))
        return self.page("refusal.html", status, what=said, step=then, **told)


Handler = Callable[[Visit], Response]


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its path below the language, who answers, and what is asked of visitors.

    `renews`: a login that is about to end is renewed before; not to end it.
    """

    path: str
    answer: Handler
    method: str = "GET"
    login: bool = False
    upload: bool = False
    renews: bool = True


def own_path(path: str) -> str:
    """Returns the path if it leads to a page of ours, else that of the first page."""
    return path if _OWN_PATH.fullmatch(path) else "/"


def route(page: Page, world: World, language: Language) -> Route:
    """Returns the page's route in the language."""

    async def endpoint(request: Request) -> Response:
        visit = Visit(world, request, language, request.scope["visitor"])
        renewal = await _renewed(visit) if page.renews else Renewal.GOOD  # 2
        if renewal is Renewal.UNREACHABLE:
            return visit.refusal(
                _UNAVAILABLE, "Where one logs in can't be reached.", "Try again in a moment."
            )
        if page.login and not visit.logged_in:  # 1
            ended = renewal is Renewal.ENDED or request.scope["lapsed"]
            return visit.to_login(ended=ended)
        if page.method == "POST":
            await _read_form(visit)
            if not forged_by(visit):  # 3
                return await run_in_threadpool(guarded, visit, page.answer)  # 4
            return visit.refusal(
                _FORBIDDEN,
                "This form is not from a page that this site gave you, or it is too old.",
                "Go back, load the page anew, and send it again.",
            )
        return await run_in_threadpool(guarded, visit, page.answer)

    path = f"{language.prefix}{page.path}" if page.path != "/" else language.prefix or "/"
    return Route(path, endpoint, methods=[page.method])


async def _renewed(visit: Visit) -> Renewal:
    """Renews the login of who visits, if it is about to end (2)."""
    if visit.session is None:
        return Renewal.GOOD
    world = visit.world
    now = world.site.seconds()
    found = await renewed(world.provider, world.sessions, visit.session, now=now)
    if found is Renewal.ENDED:
        visit.session = visit.request.scope["visitor"] = None
    return found


def guarded(visit: Visit, answer: Handler) -> Response:
    """Returns the page, or the one that says why not (5)."""
    try:
        return answer(visit)
    except RemoteError as error:
        if error.code.name == "UNAUTHENTICATED" and visit.session is not None:
            # The token ended before the session did.
            visit.world.sessions.end(visit.session)
            visit.request.scope["visitor"] = None
            return visit.to_login(ended=True)
        return _refused(visit, error)
    except ClientError:
        return visit.refusal(
            _UNAVAILABLE, "The service can't be reached.", "Try again in a moment."
        )


def forged_by(visit: Visit) -> bool:
    """Tells whether a form is not one that our own page gave to this session (3)."""
    if visit.session is None:
        return True
    given = visit.form.get("csrf", "")
    if not hmac.compare_digest(given.encode(), visit.session.csrf.encode()):
        return True
    told = visit.request.headers
    origin = told.get("origin")
    if origin is not None and origin != visit.world.site.origin:
        return True
    return told.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}


class _Parser(MultiPartParser):
    # A copy of a licence is personal: it stays in memory and never lies in a folder.
    spool_max_size = UPLOAD_BYTES


async def _read_form(visit: Visit) -> None:
    """Reads the fields, and what files hold. What can't be read is an empty form."""
    request = visit.request
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        try:
            read = await request.form(max_fields=_MOST_FIELDS)
        except (ValueError, HTTPException):
            return
        visit.form = {name: value for name, value in read.items() if isinstance(value, str)}
        return
    try:
        parser = _Parser(
            request.headers, request.stream(), max_files=_MOST_FILES, max_fields=_MOST_FIELDS
        )
        read = await parser.parse()
    except (MultiPartException, KeyError):
        return
    form: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for name, value in read.items():
        if isinstance(value, str):
            form[name] = value
        else:
            files[name] = await value.read()
            await value.close()
    visit.form, visit.files = form, files


def _refused(visit: Visit, error: RemoteError) -> Response:
    status = _STATUSES.get(error.code.name, _BROKEN)
    told = speech.refusal_of(error, status, visit.language)
    response = visit.page(
        "refusal.html",
        status,
        what=told.what,
        why=told.why,
        step=told.step,
        reason=error.reason,
        faults=visit.faults(error.violations),
    )
    if error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(math.ceil(error.retry_after_seconds))
    return response


def missing(
    world: World, language: Language
) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Returns what answers for paths that no page has."""

    async def answer(request: Request, _error: Exception) -> Response:
        visit = Visit(world, request, language, request.scope.get("visitor"))
        absent = said_errors.BY_STATUS[_NOT_FOUND]
        return visit.refusal(_NOT_FOUND, absent.what, absent.step)

    return answer
