"""Golden views: what each audience is shown of one company and of one individual business.

Whoever changes what is shown sees it here, in JSON, field by field. After a change
that is meant:

    UPDATE_VIEWS=1 pytest tests/views      # then read the diff
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToDict

from bonafides.access import purposes
from bonafides.access.field_masks import NO_MASK, Mask
from bonafides.archive.assemble import assemble
from bonafides.archive.snapshot import VIEWS, Stored, narrowed, views
from bonafides.v1.archive_pb2 import Archive
from tests.views import inputs

_FOLDER = Path(__file__).parent
_ENTERPRISES = {"company": inputs.COMPANY, "individual_business": inputs.INDIVIDUAL}
_GOLDEN = [(kind, view) for kind in _ENTERPRISES for view in VIEWS.values()]


def shown(kind: str, view: str) -> str:
    """Returns the view as JSON, with numbers of 64 bits as text, as protobuf has it."""
    return _told(kind, view, NO_MASK)


def _told(kind: str, view: str, mask: Mask) -> str:
    made = views(assemble(inputs.inputs(_ENTERPRISES[kind]), inputs.rating()))
    whole = next(one for one in made if one.view == view)
    if mask.key:
        whole = narrowed(Stored(1, whole.next_change_at, whole.etag, whole.archive), view, mask)
    archive = Archive.FromString(whole.archive)
    fields = MessageToDict(archive, preserving_proto_field_name=True)
    return json.dumps(fields, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


@pytest.mark.feature("D1", "D2", "D3", "C1")
@pytest.mark.parametrize(("kind", "view"), _GOLDEN, ids="-".join)
def test_view_is_the_golden_one(kind: str, view: str) -> None:
    golden = _FOLDER / f"{kind}.{view.lower()}.json"
    if os.environ.get("UPDATE_VIEWS"):
        golden.write_text(shown(kind, view), encoding="utf-8")
    assert shown(kind, view) == golden.read_text(encoding="utf-8")


def test_every_golden_file_is_of_a_view() -> None:
    files = {path.name for path in _FOLDER.glob("*.json")}
    narrower = {f"{kind}.platform.authentication.json" for kind in _ENTERPRISES}
    assert files == {f"{kind}.{view.lower()}.json" for kind, view in _GOLDEN} | narrower


@pytest.mark.feature("F1", "D3")
@pytest.mark.parametrize("kind", _ENTERPRISES)
def test_view_that_tells_who_an_enterprise_is_is_the_golden_one(kind: str) -> None:
    golden = _FOLDER / f"{kind}.platform.authentication.json"
    mask = purposes.mask(purposes.AUTHENTICATION)
    told = _told(kind, "PLATFORM", mask)
    if os.environ.get("UPDATE_VIEWS"):
        golden.write_text(told, encoding="utf-8")
    assert told == golden.read_text(encoding="utf-8")
    # What goes to users is the member's view itself, and has no golden one of its own.
    assert purposes.mask(purposes.DISPLAY_TO_USERS) == NO_MASK
