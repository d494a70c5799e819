"""What one row of the audit says: classes, masks, digests, and no value."""

from __future__ import annotations

import pytest

from bonafides.access.audit import OK, Shown, bits_of, entry, shape_of
from bonafides.access.callers import Caller, CallerKind
from bonafides.v1 import archive_pb2, disclosure_pb2, review_service_pb2
from tests import builders
from tests.builders import NOW, TODAY

GET_ARCHIVE = "/bonafides.v1.ArchiveService/GetArchive"
ARCHIVE = archive_pb2.Archive.DESCRIPTOR
LEVEL = 1 << disclosure_pb2.INFORMATION_CLASS_LEVEL
EXPLANATION = 1 << disclosure_pb2.INFORMATION_CLASS_EXPLANATION


def test_public_is_shown_no_level_and_members_are() -> None:
    public = shape_of(GET_ARCHIVE, ARCHIVE, disclosure_pb2.AUDIENCE_PUBLIC)
    member = shape_of(GET_ARCHIVE, ARCHIVE, disclosure_pb2.AUDIENCE_MEMBER)
    assert public.classes & LEVEL == 0
    assert member.classes & LEVEL == LEVEL
    assert (member.audience, member.method) == ("MEMBER", "ArchiveService/GetArchive")


def test_masks_are_named_beside_what_is_shown_as_it_is() -> None:
    public = shape_of(GET_ARCHIVE, ARCHIVE, disclosure_pb2.AUDIENCE_PUBLIC)
    as_it_is = 1 << disclosure_pb2.MASK_UNSPECIFIED
    assert public.masks & as_it_is
    assert public.masks & (1 << disclosure_pb2.MASK_DISTRICT_OF_INDIVIDUAL)


def test_classes_of_a_list_are_those_of_its_items() -> None:
    answer = review_service_pb2.ListReviewsResponse.DESCRIPTOR
    owner = shape_of("x", answer, disclosure_pb2.AUDIENCE_OWNER)
    assert owner.classes & EXPLANATION
    assert shape_of("x", answer, disclosure_pb2.AUDIENCE_PUBLIC).classes == 0


def test_row_names_the_caller_by_pseudonym_and_by_nothing_else() -> None:
    caller = Caller(
        CallerKind.PLATFORM, "issuer", "a-subject", platform="platform-a", token_id="token-1"
    )
    shape = shape_of(GET_ARCHIVE, ARCHIVE, disclosure_pb2.AUDIENCE_PLATFORM)
    row = entry(caller, b"p", shape, Shown("a-code", NOW, "ELIGIBILITY", OK), (b"q", b"a"))
    assert (row.day, row.shown_at, row.caller) == (TODAY, NOW, b"p")
    assert (row.platform, row.purpose, row.token_id) == ("platform-a", "ELIGIBILITY", "token-1")
    assert (row.request_sha256, row.view_sha256, row.outcome) == (b"q", b"a", OK)
    assert "a-subject" not in map(str, row)
    assert row.acts_for is None


COMPANY = builders.code(1).text
INDIVIDUAL = builders.code(2, department_and_type="92").text
RATE, FILE = bits_of(["RATE"]), bits_of(["SHOW_BUSINESS_FILE"])


@pytest.mark.parametrize(
    ("code", "audience", "outcome", "known", "expected"),
    [
        (INDIVIDUAL, disclosure_pb2.AUDIENCE_MEMBER, OK, RATE | FILE, RATE | FILE),
        # What else was consented to is of no matter here.
        (INDIVIDUAL, disclosure_pb2.AUDIENCE_MEMBER, OK, RATE | bits_of(["PROVE_OWNERSHIP"]), RATE),
        (INDIVIDUAL, disclosure_pb2.AUDIENCE_MEMBER, OK, None, None),
        # Nothing that rests on a consent is shown: so nobody need ask.
        (INDIVIDUAL, disclosure_pb2.AUDIENCE_PUBLIC, OK, None, 0),
        (INDIVIDUAL, disclosure_pb2.AUDIENCE_PUBLIC, OK, RATE, 0),
        (INDIVIDUAL, disclosure_pb2.AUDIENCE_MEMBER, "PURPOSE_NOT_ALLOWED", None, 0),
        (COMPANY, disclosure_pb2.AUDIENCE_MEMBER, OK, None, 0),
        (COMPANY, disclosure_pb2.AUDIENCE_MEMBER, OK, RATE, 0),
        (None, disclosure_pb2.AUDIENCE_MEMBER, OK, None, 0),
    ],
)
def test_consents_of_a_row_are_those_that_what_was_shown_rests_on(
    code: str | None,
    audience: disclosure_pb2.Audience.ValueType,
    outcome: str,
    known: int | None,
    expected: int | None,
) -> None:
    shape = shape_of(GET_ARCHIVE, ARCHIVE, audience)
    caller = Caller(CallerKind.MEMBER, "issuer", "a-subject", token_id="token-1")
    row = entry(caller, b"p", shape, Shown(code, NOW, "", outcome, known), (b"q", b"a"))
    assert row.consents == expected
