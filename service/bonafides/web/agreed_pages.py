"""What an enterprise and its persons agreed to: consents, agreements, platforms.

One purpose, one decision: each is taken back by itself, at once. Texts are shown whole
before anybody agrees to them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from typing import Final

from starlette.responses import Response

from bonafides.instants import SHANGHAI, Instant, to_datetime
from bonafides.v1 import enterprise_pb2
from bonafides.web.fields import items_of, word
from bonafides.web.submit_pages import request_id_of
from bonafides.web.visits import Page, Visit

_BAD_REQUEST: Final = 400
_PREFIX: Final = "PURPOSE_"
_PURPOSES: Final = {name: number for name, number in enterprise_pb2.Purpose.items() if number}


def consents(visit: Visit) -> Response:
    """Shows the ledger, the agreements with what was assented to, and the platforms."""
    client = visit.client()
    ledger = client.consents.ledger(visit.code)
    assents = client.consents.assents(visit.code)
    platforms = client.consents.platforms(visit.code)
    given = {(each.kind, each.version) for each in assents}
    agreements = client.consents.agreements()
    return visit.page(
        "consents.html",
        code=visit.code,
        consents=items_of(ledger, "consents", visit.language),
        purposes=[
            (purpose, word(purpose, visit.language))
            for purpose in sorted({_purpose(each.purpose) for each in ledger if each.live})
        ],
        texts=[
            (
                text,
                word(text.kind, visit.language),
                (text.kind, text.version) in given,
                visit.language.moment(text.effective_time),
            )
            for text in agreements
            # What is no purpose of a consent is an agreement.
            if f"{_PREFIX}{text.kind}" not in _PURPOSES
        ],
        grantable=[
            (text, word(text.kind, visit.language))
            for text in agreements
            if _PREFIX + text.kind in _PURPOSES
        ],
        request_id=str(uuid.uuid4()),
        assents=items_of(assents, "assents", visit.language),
        platforms=items_of(platforms, "platforms", visit.language),
        standing=[each.platform for each in platforms if not each.HasField("revoke_time")],
    )


def grant(visit: Visit) -> Response:
    """Grants one consent, of a person who was shown its text and signed."""
    client, document = visit.client(), visit.files.get("document", b"")
    kind, until = visit.form.get("purpose", ""), visit.form.get("expires", "")
    text = next((text for text in client.consents.agreements() if text.kind == kind), None)
    if text is None or _PREFIX + kind not in _PURPOSES or not document or not _is_day(until):
        return visit.refusal(
            _BAD_REQUEST,
            "A consent needs its purpose and the document that the person signed.",
            "Go back, choose both, and send it again.",
        )
    now = to_datetime(Instant(visit.world.site.clock()))
    client.consents.grant(
        visit.code,
        text,
        evidence_sha256=hashlib.sha256(document).digest(),
        granted=now,
        # The whole of the last day, as it is counted in Shanghai.
        expires=_end_of(until) if until else None,
        request_id=request_id_of(visit.form.get("request_id", "")),
    )
    return _back(visit, visit.say("Granted; it can be taken back at any time."))


def revoke(visit: Visit) -> Response:
    """Takes every consent to one purpose back."""
    named = visit.form.get("purpose", "")
    if named in _PURPOSES:
        visit.client().consents.revoke(visit.code, _PURPOSES[named])
    return _back(visit, visit.say("Taken back, with effect from now."))


def assent(visit: Visit) -> Response:
    """Assents to the current version of an agreement."""
    visit.client().consents.assent(
        visit.code, visit.form.get("kind", ""), visit.form.get("version", "")
    )
    return _back(visit, visit.say("Thank you: your assent is recorded."))


def platform(visit: Visit) -> Response:
    """Authorizes a platform, or takes that back."""
    client, name = visit.client(), visit.form.get("platform", "").strip().lower()
    if visit.form.get("action") == "revoke":
        client.consents.revoke_platform(visit.code, name)
        return _back(visit, visit.say("Taken back, with effect from now."))
    client.consents.authorize_platform(visit.code, name)
    return _back(visit, visit.say("What the platform reports may be used from now on."))


def _back(visit: Visit, note: str) -> Response:
    return visit.to(f"/enterprises/{visit.code}/consents", note)


def _is_day(text: str) -> bool:
    try:
        return not text or bool(dt.date.fromisoformat(text))
    except ValueError:
        return False


def _end_of(day: str) -> dt.datetime:
    return dt.datetime.combine(dt.date.fromisoformat(day), dt.time.max, SHANGHAI)


def _purpose(purpose: int) -> str:
    known = enterprise_pb2.Purpose.DESCRIPTOR.values_by_number.get(purpose)
    return "" if known is None else str(known.name)


_BELOW: Final = "/enterprises/{code:str}/consents"
PAGES: Final = (
    Page(_BELOW, consents, login=True),
    Page(f"{_BELOW}/grant", grant, method="POST", login=True, upload=True),
    Page(f"{_BELOW}/revoke", revoke, method="POST", login=True),
    Page(f"{_BELOW}/assent", assent, method="POST", login=True),
    Page(f"{_BELOW}/platform", platform, method="POST", login=True),
)
