"""Pages about integrators: what a link asks for, letting its application act, taking back.

The owner follows the integrator's link, sees who asks and for what, and gives scope by
scope, or refuses. A code comes of it, which the owner hands over by hand: the page sends
nobody anywhere, least of all to an address that a link names. Refusing calls nothing;
the integrator isn't told.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from starlette.responses import Response

from bonafides.client import RemoteError
from bonafides.v1 import integrator_pb2
from bonafides.web.fields import group_of, items_of
from bonafides.web.labels import N_
from bonafides.web.submit_pages import request_id_of
from bonafides.web.visits import Page, Visit

# What a scope lets an integrator do, in the words of `access.agents`.
SCOPES: Final[Mapping[str, str]] = {
    "archive.read": N_("Read the archive, without the level and without what is personal."),
    "rating.read": N_("Read the level, without what it is made of."),
    "identity.submit": N_(
        "Submit the identity anew, announce changes, and follow what it submitted itself."
    ),
    "requirements.read": N_("Read what is open for the enterprise, and until when."),
    "corrections.write": N_(
        "Say that something in the archive is wrong, and follow what it said itself."
    ),
}
# Where an authorization stands; states of other things have the same names.
_STATES: Final = {
    integrator_pb2.IntegratorAuthorization.STATE_PENDING: N_("Waits to be fetched"),
    integrator_pb2.IntegratorAuthorization.STATE_ACTIVE: N_("May act"),
    integrator_pb2.IntegratorAuthorization.STATE_REVOKED: N_("Taken back or given up"),
    integrator_pb2.IntegratorAuthorization.STATE_EXPIRED: N_("Over"),
}
_STANDING: Final = (
    integrator_pb2.IntegratorAuthorization.STATE_PENDING,
    integrator_pb2.IntegratorAuthorization.STATE_ACTIVE,
)
# A month, a quarter, half a year, and the longest that the service takes.
_TERMS: Final = (30, 90, 180, 365)
_TERM: Final = 90
_DAY: Final = 86_400_000_000
_LINK: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")
_CODE: Final = re.compile(r"[0-9A-Z]{18}")
_FIELD: Final = "scope."
_BAD_REQUEST: Final = 400
_NOT_FOUND: Final = 404


def asked(visit: Visit) -> Response:
    """Shows who asks by a link, for what, and the form that gives it or doesn't."""
    return _form(visit, ())


def decide(visit: Visit) -> Response:
    """Lets the application of a link act, in the scopes that were chosen; or refuses."""
    if visit.form.get("decision") != "authorize":
        return visit.to("/", visit.say("Refused: nothing was authorized."))
    code = visit.form.get("code", "").strip().upper()
    scopes = [
        name.removeprefix(_FIELD)
        for name, value in visit.form.items()
        if name.startswith(_FIELD) and value
    ]
    term = visit.form.get("term", "")
    faults = [
        *(() if _CODE.fullmatch(code) else ("code",)),
        *(() if scopes else ("scopes",)),
        *(() if term in map(str, _TERMS) else ("term",)),
    ]
    if faults:
        return _form(visit, faults)
    try:
        given = visit.client().integrators.authorize(
            code,
            _link_of(visit),
            scopes,
            term_days=int(term),
            request_id=request_id_of(visit.form.get("request_id", "")),
        )
    except RemoteError as error:
        if error.code.name != "NOT_FOUND":
            raise
        return visit.refusal(
            _NOT_FOUND,
            "You are not known as an owner of this enterprise.",
            "Check the code, or log in as an owner: nobody else can let an integrator act.",
        )
    return visit.page(
        "authorized.html", code=code, given=group_of(given, visit.language), words=_words(visit)
    )


def integrators(visit: Visit) -> Response:
    """Shows whom the enterprise lets act, or let, the latest first."""
    found = visit.client().integrators.authorizations(f"enterprises/{visit.code}")
    return visit.page(
        "integrators.html",
        code=visit.code,
        authorizations=items_of(found, "authorizations", visit.language),
        standing=[each.name for each in found if each.state in _STANDING],
        words=_words(visit),
    )


def revoke(visit: Visit) -> Response:
    """Takes one authorization back."""
    name = visit.form.get("name", "")
    path = f"/enterprises/{visit.code}/integrators"
    if not name.startswith(f"{path[1:]}/"):
        return visit.to(path)
    visit.client().integrators.revoke(name)
    return visit.to(path, visit.say("Taken back, with effect from now."))


def _form(visit: Visit, faults: Sequence[str]) -> Response:
    try:
        link = visit.client().integrators.get_url(_link_of(visit))
    except RemoteError as error:
        if error.code.name != "NOT_FOUND":
            raise
        return visit.refusal(
            _NOT_FOUND,
            "This link is not good, or not any more.",
            "Ask the integrator for a new one; a link is good for 30 days.",
        )
    owns = () if visit.session is None or visit.session.login is None else visit.session.login.owns
    return visit.page(
        "authorize.html",
        _BAD_REQUEST if faults else 200,
        link=group_of(link, visit.language),
        asked=list(link.scopes),
        others=[name for name in SCOPES if name not in link.scopes],
        owns=owns,
        terms=[(days, _day_in(visit, days)) for days in _TERMS],
        told={"code": "", "term": str(_TERM), **visit.form},
        faults=faults,
        request_id=request_id_of(visit.form.get("request_id", "")) or str(uuid.uuid4()),
        words=_words(visit),
    )


def _link_of(visit: Visit) -> str:
    """Returns the code in the path; what can be none is asked for as one that is none."""
    code = str(visit.request.path_params["link"])
    return code if _LINK.fullmatch(code) else "-"


def _day_in(visit: Visit, days: int) -> str:
    end = Timestamp()
    end.FromMicroseconds(visit.world.site.clock() + days * _DAY)
    return visit.language.day_of(end)


def _words(visit: Visit) -> Mapping[str | int, str]:
    """Returns the words for scopes and for states; what has none is shown as it is."""
    words: dict[str | int, str] = {name: visit.say(text) for name, text in SCOPES.items()}
    return words | {state: visit.say(text) for state, text in _STATES.items()}


_LINKED: Final = "/authorize/{link:str}"
_BELOW: Final = "/enterprises/{code:str}/integrators"
PAGES: Final = (
    Page(_LINKED, asked, login=True),
    Page(_LINKED, decide, method="POST", login=True),
    Page(_BELOW, integrators, login=True),
    Page(f"{_BELOW}/revoke", revoke, method="POST", login=True),
)
