"""Submitting an identity, with the copy of the licence, and what became of it.

What is entered goes to the service and is kept nowhere here; a form that is refused is
shown again with what was entered, but for documents, which a browser gives only once.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from google.type.date_pb2 import Date
from starlette.responses import Response

from bonafides.client import RemoteError
from bonafides.v1 import consent_pb2, enterprise_pb2
from bonafides.web import speech
from bonafides.web.fields import group_of, word
from bonafides.web.labels import N_
from bonafides.web.visits import Page, Visit

_BAD_REQUEST: Final = 400
VERIFY: Final = "VERIFY_IDENTITY"
# Each is asked for by itself, and neither is needed.
_OPTIONAL: Final = ("RATE", "SHOW_BUSINESS_FILE")
_AGREEMENT: Final = "SERVICE_AGREEMENT"
_DAY: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
NEEDED: Final = N_("This is needed.")
NO_FILE: Final = N_("Choose a file.")
_FEN: Final = re.compile(r"(\d{1,15})(?:\.(\d{1,2}))?")

# Fields of the form: name, text, how it is typed, whether it must be there.
FIELDS: Final = (
    ("code", N_("Unified social credit code"), "text", True),
    ("title", N_("Registered name"), "text", True),
    ("legal_form", N_("Type of enterprise, as printed on the licence"), "text", False),
    ("registered_address", N_("Registered address"), "text", False),
    ("capital", N_("Registered capital in yuan"), "text", False),
    ("established", N_("Established"), "date", False),
    ("person", N_("Legal representative or proprietor"), "text", True),
    ("id_number", N_("Number of the identity card"), "text", True),
    ("phone", N_("Contact telephone"), "tel", True),
    ("email", N_("Contact e-mail"), "email", True),
    ("platforms", N_("Platforms whose records may be used, with commas between"), "text", False),
)


def form(visit: Visit) -> Response:
    """Shows the form, with the texts that are agreed to."""
    return _form(visit, {"request_id": str(uuid.uuid4())}, ())


def submit(visit: Visit) -> Response:
    """Uploads the copy and submits what was entered."""
    told = {name: value.strip() for name, value in visit.form.items()}
    faults = _missing(visit, told)
    if faults:
        return _form(visit, told, faults)
    client = visit.client()
    texts = {text.kind: text for text in client.consents.agreements()}
    try:
        copy = visit.files.get("copy", b"")
        if copy:
            client.upload_license(copy, told["code"])
        made = client.submit_identity(
            _claims(told, texts, visit.files, visit.world.site.clock()),
            request_id_of(told.get("request_id", "")),
        )
    except RemoteError as error:
        return _form(visit, told, faults_of(visit, error))
    return visit.to(f"/{made.name}", visit.say("Submitted. This page tells where it stands."))


def submission(visit: Visit) -> Response:
    """Shows where a submission stands."""
    uid = visit.request.path_params["uid"]
    name = f"enterprises/{visit.code}/submissions/{uid}"
    told = visit.client().get_submission(name)
    return visit.page("submission.html", code=visit.code, submission=group_of(told, visit.language))


def _form(visit: Visit, told: dict[str, str], faults: Sequence[speech.Fault]) -> Response:
    texts = {text.kind: text for text in visit.client().consents.agreements()}
    return visit.page(
        "submit.html",
        _BAD_REQUEST if faults else 200,
        fields=[(name, visit.say(text), kind, must) for name, text, kind, must in FIELDS],
        told=told,
        faults=faults,
        agreement=texts.get(_AGREEMENT),
        consents=[
            (kind, word(kind, visit.language), texts[kind], kind == VERIFY)
            for kind in (VERIFY, *_OPTIONAL)
            if kind in texts
        ],
    )


def _missing(visit: Visit, told: dict[str, str]) -> list[speech.Fault]:
    needed = [name for name, _text, _kind, must in FIELDS if must]
    needed += ["agreement", f"consent_{VERIFY}"]
    faults = [visit.fault(name, NEEDED) for name in needed if not told.get(name)]
    documents = ("copy", "document")
    faults += [visit.fault(name, NO_FILE) for name in documents if not visit.files.get(name)]
    return faults + ill_written(visit, told)


def _claims(
    told: dict[str, str],
    texts: dict[str, consent_pb2.PublishedText],
    files: Mapping[str, bytes],
    now: int,
) -> enterprise_pb2.Claims:
    digest = hashlib.sha256(files["document"]).digest()
    claims = enterprise_pb2.Claims(
        code=told["code"],
        title=told["title"],
        phone=told["phone"],
        email=told["email"],
        license=license_of(told, files["copy"]),
        representative=enterprise_pb2.Representative(
            person=told["person"], id_number=told["id_number"]
        ),
        assent=enterprise_pb2.Assent(agreement_version=told["agreement"]),
        authorized_platforms=[
            name.strip().lower()
            for name in re.split(r"[,，]", told.get("platforms", ""))
            if name.strip()
        ],
    )
    claims.assent.assent_time.FromMicroseconds(now)
    claims.authorizations.extend(
        authorization_of(texts[kind], digest, now)
        for kind in (VERIFY, *_OPTIONAL)
        if told.get(f"consent_{kind}") and kind in texts
    )
    return claims


def license_of(told: Mapping[str, str], copy: bytes) -> enterprise_pb2.License:
    """Returns what a form says of the license; fields that it leaves out are not set."""
    made = enterprise_pb2.License(
        legal_form=told.get("legal_form", ""),
        registered_address=told.get("registered_address", ""),
        copy_sha256=hashlib.sha256(copy).digest() if copy else b"",
    )
    if day := _DAY.fullmatch(told.get("established", "")):
        year, month, of_month = map(int, day.groups())
        made.established.CopyFrom(Date(year=year, month=month, day=of_month))
    if amount := _FEN.fullmatch(told.get("capital", "")):
        minor = int(amount[1]) * 100 + int((amount[2] or "0").ljust(2, "0"))
        made.registered_capital.CopyFrom(
            enterprise_pb2.Money(currency_code="CNY", amount_minor=minor)
        )
    return made


def authorization_of(
    text: consent_pb2.PublishedText, digest: bytes, now: int
) -> enterprise_pb2.Authorization:
    """Returns the authorization that a person gave now, to what the text says."""
    given = enterprise_pb2.Authorization(
        purpose=enterprise_pb2.Purpose.Value(f"PURPOSE_{text.kind}"),
        scope=text.scope,
        evidence_sha256=digest,
        text_version=text.version,
        text_sha256=text.sha256,
    )
    given.grant_time.FromMicroseconds(now)
    return given


def faults_of(visit: Visit, error: RemoteError) -> list[speech.Fault]:
    """Returns the faults of a form that the service names, by field.

    Raises:
        RemoteError: it refused for another reason.
    """
    if error.code.name != "INVALID_ARGUMENT" or not error.violations:
        raise error
    return visit.faults(error.violations)


def ill_written(visit: Visit, told: Mapping[str, str]) -> list[speech.Fault]:
    """Returns the faults that are seen here already: what could not be sent on."""
    if told.get("capital") and not _FEN.fullmatch(told["capital"]):
        return [visit.fault("capital", N_("Write an amount as 1000000.00."))]
    return []


def request_id_of(told: str) -> str | None:
    """Returns the id of a form that was given one; the same form sent twice acts once."""
    return told if _UUID.fullmatch(told) else None


PAGES: Final = (
    Page("/submit", form, login=True),
    Page("/submit", submit, method="POST", login=True, upload=True),
    Page("/enterprises/{code:str}/submissions/{uid:str}", submission, login=True),
)
