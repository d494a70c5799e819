"""What one may ask for: correction and appeal, what is held, and its deletion.

A target of a correction is written as everywhere: fact:KIND[:ITEM],
record:PLATFORM:KIND:ID or override:UID.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from starlette.responses import Response

from bonafides.client import RemoteError
from bonafides.v1 import archive_pb2, rights_pb2
from bonafides.web.fields import group_of, items_of, word
from bonafides.web.labels import N_
from bonafides.web.visits import Page, Visit

_SECTIONS: Final = (
    ("registration", N_("Registration")),
    ("shareholders", N_("Shareholders")),
    ("changes", N_("Changes of the registration")),
)
# The kinds of records that platforms report, and that may be wrong.
_KINDS: Final = (
    ("complaint", N_("Complaint")),
    ("dispute", N_("Dispute")),
    ("refund", N_("Refund")),
    ("transaction", N_("Transaction")),
)
_MOST_PARTS: Final = 3
# What a reason says for the record, or the check, that its reader is to name.
_ANY_RECORD: Final = "ID"
_ANY_CHECK: Final = "CHECK"
_BAD_REQUEST: Final = 400
_FORM: Final = ("target", "platform", "kind", "record_id", "wrong", "right")


def corrections(visit: Visit) -> Response:
    """Shows the cases and how they stand, and the form that opens one."""
    return _cases(visit, _told(visit.request.query_params.get("target", "")))


def _told(target: str) -> dict[str, str]:
    """Returns what the form is filled in with: a platform's record by its parts."""
    sort, _, rest = target.partition(":")
    named = rest.split(":", 2)
    if sort != "record" or len(named) != _MOST_PARTS:
        return {"target": target}
    number = "" if named[2] == _ANY_RECORD else named[2]
    return {"platform": named[0], "kind": named[1], "record_id": number}


def open_case(visit: Visit) -> Response:
    """Opens a case."""
    told = {name: visit.form.get(name, "").strip() for name in _FORM}
    target = target_of(visit.code, told)
    missing = [name for name in ("wrong", "right") if not told[name]]
    if target is None:
        missing.append("target")
    if target is None or missing:
        return _cases(visit, told, missing=missing)
    document = visit.files.get("document", b"")
    visit.client().rights.correct(
        visit.code,
        target,
        wrong=told["wrong"],
        right=told["right"],
        evidence_sha256=hashlib.sha256(document).digest() if document else b"",
    )
    note = visit.say("Your case is open. Until there is a ruling, what it is about is marked.")
    return visit.to(f"/enterprises/{visit.code}/corrections", note)


def data(visit: Visit) -> Response:
    """Shows what is held of the persons in one's own submissions, masked."""
    held = visit.client().rights.holdings(visit.code)
    return visit.page(
        "data.html",
        code=visit.code,
        held=group_of(held, visit.language),
        names=[each.submission for each in held.submissions if each.readable],
    )


def erase(visit: Visit) -> Response:
    """Erases the personal values of one submission, once that was said twice."""
    name = visit.form.get("submission", "")
    if visit.form.get("sure") != "yes":
        return visit.page("erase.html", code=visit.code, submission=name)
    erased = visit.client().rights.erase(name)
    return visit.page("erased.html", code=visit.code, erased=group_of(erased, visit.language))


def target_of(code: str, told: dict[str, str]) -> rights_pb2.CorrectionTarget | None:
    """Returns what a form is about; None: it doesn't say."""
    chosen = told["target"]
    sort, _, rest = chosen.partition(":")
    if sort == "fact" and rest:
        kind, _, item = rest.partition(":")
        return rights_pb2.CorrectionTarget(fact=rights_pb2.FactTarget(kind=kind, item=item))
    if sort == "check" and rest:
        uid, _, check = rest.partition(":")
        named_check = rights_pb2.CheckTarget(
            submission=f"enterprises/{code}/submissions/{uid}", check=check
        )
        known = check and check != _ANY_CHECK
        return rights_pb2.CorrectionTarget(check=named_check) if known else None
    if sort == "override" and rest:
        name = f"enterprises/{code}/overrides/{rest}"
        return rights_pb2.CorrectionTarget(override=rights_pb2.OverrideTarget(override=name))
    parts = [told["platform"].lower(), told["kind"], told["record_id"]]
    if sort == "record" and len(named := rest.split(":", 2)) == _MOST_PARTS:
        # What the form says itself stands in for a placeholder.
        parts = [own or other for own, other in zip(parts, named, strict=True)]
    if not all(parts):
        return None
    record = rights_pb2.RecordTarget(platform=parts[0], kind=parts[1], record_id=parts[2])
    return rights_pb2.CorrectionTarget(record=record)


def _cases(visit: Visit, told: dict[str, str], missing: list[str] | None = None) -> Response:
    client = visit.client()
    found = client.rights.corrections(visit.code)
    archive = client.get_archive(visit.code, purpose=visit.purpose)
    checks = [*_checks(visit, told.get("target", ""))]
    return visit.page(
        "corrections.html",
        _BAD_REQUEST if missing else 200,
        code=visit.code,
        cases=items_of(found, "corrections", visit.language),
        targets=[*_targets(archive, visit), *checks],
        checked=bool(checks),
        kinds=[(kind, visit.say(text)) for kind, text in _KINDS],
        platforms=[each.platform for each in archive.platforms],
        told={name: told.get(name, "") for name in _FORM},
        missing=missing or [],
    )


def _targets(archive: archive_pb2.Archive, visit: Visit) -> Iterator[tuple[str, str]]:
    """Yields what of the archive a case may be about: target, and how it is called."""
    for kind, text in _SECTIONS:
        yield f"fact:{kind}", visit.say(text)
    held = archive.public_records
    for case in held.court_cases:
        name = archive_pb2.CourtCase.Kind.Name(case.kind)
        yield _public(name, case.record), f"{_called(name, visit)} {case.case_number}"
    for entry in held.listings:
        name = archive_pb2.Listing.Kind.Name(entry.kind)
        yield _public(name, entry.record), f"{_called(name, visit)} {entry.authority}"
    for one in held.penalties:
        shown = f"{_called('penalty', visit)} {one.decision_number}"
        yield _public("KIND_PENALTY", one.record), shown
    if archive.rating.override:
        uid = archive.rating.override.rpartition("/")[2]
        yield f"override:{uid}", visit.say("Set by people")


def _checks(visit: Visit, target: str) -> Iterator[tuple[str, str]]:
    """Yields the checks of the submission that the target names, if one may see them."""
    sort, _, rest = target.partition(":")
    uid = rest.partition(":")[0]
    if sort != "check" or not uid:
        return
    try:
        told = visit.client().get_submission(f"enterprises/{visit.code}/submissions/{uid}")
    except RemoteError:
        return
    for each in told.checks:
        yield (
            f"check:{uid}:{each.check}",
            f"{visit.say('Check')} {word(each.check, visit.language)}",
        )


def _called(name: str, visit: Visit) -> str:
    return word(name, visit.language)


def _public(kind: str, record: archive_pb2.PublicRecord) -> str:
    return (
        f"fact:{kind.removeprefix('KIND_').lower()}:{record.provenance.source}/{record.record_id}"
    )


_BELOW: Final = "/enterprises/{code:str}"
PAGES: Final = (
    Page(f"{_BELOW}/corrections", corrections, login=True),
    Page(f"{_BELOW}/corrections", open_case, method="POST", login=True, upload=True),
    Page(f"{_BELOW}/data", data, login=True),
    Page(f"{_BELOW}/erase", erase, method="POST", login=True),
)
