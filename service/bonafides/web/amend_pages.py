"""Announcing what changed of an enterprise: its name, licence, representative, contacts.

Fields that are left empty stay as they are. What is entered goes to the service and is
kept nowhere here.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from starlette.responses import Response

from bonafides.client import RemoteError
from bonafides.v1 import consent_pb2, enterprise_pb2
from bonafides.web import speech
from bonafides.web.submit_pages import (
    FIELDS,
    NEEDED,
    NO_FILE,
    VERIFY,
    authorization_of,
    faults_of,
    ill_written,
    license_of,
    request_id_of,
)
from bonafides.web.visits import Page, Visit

_BAD_REQUEST: Final = 400
# What stands in an amendment, of the fields of a submission.
_CHANGEABLE: Final = tuple(
    field for field in FIELDS if field[0] not in {"code", "platforms", "person", "id_number"}
)
_PERSON: Final = tuple(field for field in FIELDS if field[0] in {"person", "id_number"})


def form(visit: Visit) -> Response:
    """Shows the form, empty."""
    return _form(visit, {"request_id": str(uuid.uuid4())}, ())


def amend(visit: Visit) -> Response:
    """Uploads the new copy, if there is one, and announces what was entered."""
    told = {name: value.strip() for name, value in visit.form.items()}
    copy, document = (visit.files.get(name, b"") for name in ("copy", "document"))
    faults = [*_missing(visit, told, document), *ill_written(visit, told)]
    if faults:
        return _form(visit, told, faults)
    client = visit.client()
    texts = {text.kind: text for text in client.consents.agreements()}
    try:
        if copy:
            client.upload_license(copy, visit.code)
        changes = _changes(told, copy)
        if told.get("person"):
            _replace_person(changes, told, (texts[VERIFY], document), visit.world.site.clock())
        made = client.identities.amend(
            visit.code, changes, request_id_of(told.get("request_id", ""))
        )
    except RemoteError as error:
        return _form(visit, told, faults_of(visit, error))
    return visit.to(f"/{made.name}", visit.say("Announced. This page tells where it stands."))


def _form(visit: Visit, told: Mapping[str, str], faults: Sequence[speech.Fault]) -> Response:
    texts = {text.kind: text for text in visit.client().consents.agreements()}
    return visit.page(
        "amend.html",
        _BAD_REQUEST if faults else 200,
        code=visit.code,
        fields=[(name, visit.say(text), kind) for name, text, kind, _ in _CHANGEABLE],
        person=[(name, visit.say(text), kind) for name, text, kind, _ in _PERSON],
        told=told,
        faults=faults,
        consent=texts.get(VERIFY),
    )


def _missing(visit: Visit, told: Mapping[str, str], document: bytes) -> list[speech.Fault]:
    """Returns what a new representative lacks; without one nothing is needed."""
    given = [name for name, *_ in _PERSON if told.get(name)]
    if not given:
        return []
    needed = [name for name, *_ in _PERSON] + ["agrees"]
    faults = [visit.fault(name, NEEDED) for name in needed if not told.get(name)]
    return faults if document else [*faults, visit.fault("document", NO_FILE)]


def _changes(told: Mapping[str, str], copy: bytes) -> enterprise_pb2.Amendment:
    made = enterprise_pb2.Amendment(
        title=told.get("title", ""), phone=told.get("phone", ""), email=told.get("email", "")
    )
    license_ = license_of(told, copy)
    if license_ != enterprise_pb2.License():
        made.license.CopyFrom(license_)
    return made


def _replace_person(
    changes: enterprise_pb2.Amendment,
    told: Mapping[str, str],
    signed: tuple[consent_pb2.PublishedText, bytes],
    now: int,
) -> None:
    """Puts the new representative in, with the authorization that the document proves."""
    text, document = signed
    changes.representatives.add(person=told["person"], id_number=told["id_number"])
    digest = hashlib.sha256(document).digest()
    changes.authorizations.append(authorization_of(text, digest, now))


_PATH: Final = "/enterprises/{code:str}/amend"
PAGES: Final = (
    Page(_PATH, form, login=True),
    Page(_PATH, amend, method="POST", login=True, upload=True),
)
