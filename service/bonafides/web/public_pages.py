"""Pages for everybody: the first one, looking up, and an enterprise's archive.

What of an archive is shown follows from who asks, and is decided by the service; this
only says, to those who are not logged in, which sections they would see more of.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from google.protobuf.descriptor import FieldDescriptor
from starlette.responses import Response

from bonafides.client import RemoteError
from bonafides.v1 import archive_pb2, disclosure_pb2, rating_pb2
from bonafides.web.fields import Group, Leaf, group_of
from bonafides.web.labels import FIELDS
from bonafides.web.visits import Page, Visit

_NOT_FOUND: Final = 404
# Letters and digits alone, as long as a code or an old number: nobody is named so.
_CODE: Final = re.compile(r"[0-9A-Z]{15,18}")
_LONGEST: Final = 200


def home(visit: Visit) -> Response:
    """Shows what this is, and where to look an enterprise up."""
    samples = [(code, _title(visit, code)) for code in visit.world.site.samples]
    return visit.page("home.html", samples=[each for each in samples if each[1]])


def look_up(visit: Visit) -> Response:
    """Finds an enterprise by code or by exact name."""
    asked = visit.request.query_params.get("q", "").strip()[:_LONGEST]
    if not asked:
        return visit.to("/")
    folded = "".join(unicodedata.normalize("NFKC", asked).upper().split())
    if _CODE.fullmatch(folded):
        return visit.to(f"/enterprises/{folded}")
    try:
        codes = visit.client().names.look_up(asked)
    except RemoteError as error:
        if error.code.name not in {"NOT_FOUND", "INVALID_ARGUMENT"}:
            raise
        return visit.page("not_found.html", _NOT_FOUND, asked=asked)
    if len(codes) == 1:
        return visit.to(f"/enterprises/{codes[0]}")
    return visit.page("namesakes.html", asked=asked, codes=codes)


def archive(visit: Visit) -> Response:
    """Shows the archive as this visitor may see it."""
    told = visit.client().get_archive(visit.code, purpose=visit.purpose)
    group = group_of(told, visit.language)
    return visit.page(
        "archive.html",
        archive=group,
        title=told.registration.title,
        code=visit.code,
        owner=is_owner(told),
        withheld=[] if visit.logged_in else withheld(),
        level=level_of(group),
    )


def is_owner(told: archive_pb2.Archive) -> bool:
    """Tells whether this is the view of who acts for the enterprise: only that has reasons."""
    return bool(told.rating.model_digest) or told.HasField("verification")


def level_of(group: Group) -> str:
    """Returns the level's name, without its prefix; "" where none is shown."""
    rating = group.parts.get("rating")
    if not isinstance(rating, Group) or "level" not in rating.parts:
        return ""
    held = rating.parts["level"]
    return level_name(held.raw) if isinstance(held, Leaf) else ""


def level_name(level: int) -> str:
    """Returns the name of a level, as AAA; "" for one that is not filled in."""
    known = rating_pb2.Level.DESCRIPTOR.values_by_number.get(level)
    return known.name.removeprefix("LEVEL_") if known is not None and level else ""


@lru_cache(maxsize=1)
def withheld() -> list[str]:
    """Returns what the sections are called that are for who is logged in: told by the protos."""
    return [
        FIELDS[field.name]
        for field in archive_pb2.Archive.DESCRIPTOR.fields
        if field.name in FIELDS
        # What dates an answer is no section.
        and field.message_type is not None
        and field.message_type.full_name.startswith("bonafides.")
        and disclosure_pb2.AUDIENCE_MEMBER in _seen_by(field)
        and disclosure_pb2.AUDIENCE_PUBLIC not in _seen_by(field)
    ]


def _seen_by(field: FieldDescriptor) -> set[int]:
    held = field.GetOptions().Extensions[disclosure_pb2.information]
    options = disclosure_pb2.InformationClass.DESCRIPTOR.values_by_number[held].GetOptions()
    return {shown.audience for shown in options.Extensions[disclosure_pb2.shown_to]}


def _title(visit: Visit, code: str) -> str:
    """Returns the name of a sample enterprise; "" if it takes no part."""
    try:
        return visit.client().get_archive(code, purpose=visit.purpose).registration.title
    except RemoteError:
        return ""


PAGES: Final = (
    Page("/", home),
    Page("/look-up", look_up),
    Page("/enterprises/{code:str}", archive),
)
