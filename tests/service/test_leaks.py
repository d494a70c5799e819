"""Planted personal values are looked for wherever something could let them out.

A representative's name and ID number, a phone and an e-mail are submitted through a
real channel, rightly and in every wrong way we could think of. Then everything that
left the service, and everything that it wrote, is searched for them: as they are, in
UTF-16, escaped as JSON does, in hex, and in base64 at every alignment.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bonafides.identity import registry_operations
from bonafides.storage import tables
from bonafides.v1 import archive_service_pb2 as archive_service
from bonafides.v1 import enterprise_pb2 as enterprise
from bonafides.v1 import identity_service_pb2 as identity_service
from bonafides.v1 import rating_service_pb2 as rating_service
from bonafides.v1.purpose_pb2 import READ_PURPOSE_ELIGIBILITY
from tests import builders
from tests.needles import CODE, EMAIL, ID_NUMBER, NEEDLES, PERSON, PHONE, Wire, found_in
from tests.serving import Served

SUBMIT = "IdentityService/SubmitIdentity"
pytestmark = [pytest.mark.feature("D5"), pytest.mark.feature("J9")]


@pytest.fixture
def wire(served: Served) -> Iterator[Wire]:
    opened = Wire(served.address)
    yield opened
    opened.close()


def planted_claims(**changes: object) -> enterprise.Claims:
    """Claims that match the registry, with the needles in them."""
    return builders.claims(
        CODE,
        **{
            "phone": f"+86 {PHONE}",
            "email": EMAIL,
            "representative": enterprise.Representative(person=PERSON, id_number=ID_NUMBER),
            **changes,
        },
    )


def submission(number: int, claims: enterprise.Claims) -> bytes:
    request = identity_service.SubmitIdentityRequest(
        request_id=builders.request_id(number), claims=claims
    )
    return request.SerializeToString()


def plant(served: Served, wire: Wire) -> str:
    """Loads the registry and submits rightly; returns the submission's name."""
    row = builders.registry_row(CODE, representative=PERSON, representative_id_number=ID_NUMBER)
    registry_operations.load_registry(served.store, served.vault, [row], now=served.clock.now)
    answer = wire.call(SUBMIT, submission(1, planted_claims()), served.token())
    made = enterprise.Submission.FromString(answer or b"")
    assert made.state == enterprise.Submission.STATE_VERIFIED
    return made.name


def read_everything(served: Served, wire: Wire, submission_name: str) -> None:
    """Calls every reading method as every kind of caller."""
    reads = (
        ("IdentityService/GetSubmission", identity_service.GetSubmissionRequest, submission_name),
        (
            "ArchiveService/GetArchive",
            archive_service.GetArchiveRequest,
            f"enterprises/{CODE}/archive",
        ),
        ("RatingService/GetRating", rating_service.GetRatingRequest, f"enterprises/{CODE}/rating"),
        ("RatingService/GetScorecard", rating_service.GetScorecardRequest, "scorecards/champion"),
    )
    callers = (
        None,
        served.token(),
        served.token(subject="stranger"),
        served.token(subject="owner", owns=[CODE.text]),
        served.token("platform", subject="platform"),
        served.token("operator", subject="staff"),
    )
    for method, request, name in reads:
        for token in callers:
            asked = request(name=name)
            wire.call(method, asked.SerializeToString(), token)
            if isinstance(
                asked, archive_service.GetArchiveRequest | rating_service.GetRatingRequest
            ):
                # The answer to a platform, and to others a refusal.
                asked.purpose = READ_PURPOSE_ELIGIBILITY
                wire.call(method, asked.SerializeToString(), token)


def err_in_every_way(served: Served, wire: Wire) -> None:
    """Submits the needles where they don't belong, and in messages that are none."""
    token = served.token()
    misplaced = planted_claims(
        code=ID_NUMBER, title=f"{PERSON}\x00", phone=EMAIL, email=PHONE, authorizations=[]
    )
    # Agrees with the registry in code alone, and so is checked and refuted.
    differing = planted_claims(
        representative=enterprise.Representative(person=PERSON * 2, id_number=builders.ID_NUMBER)
    )
    not_current = planted_claims(
        assent=enterprise.Assent(
            agreement_version=ID_NUMBER, assent_time=builders.stamp(builders.NOW)
        )
    )
    for number, claims in enumerate((misplaced, differing, not_current), start=2):
        wire.call(SUBMIT, submission(number, claims), token)
    whole = submission(9, planted_claims())
    # Same request id, other content.
    wire.call(SUBMIT, submission(1, differing), token)
    # Cut off in the middle, with an ID number for a request id, without a credential.
    wire.call(SUBMIT, whole[:-7], token)
    wire.call(SUBMIT, whole + b"\xff" + PERSON.encode(), token)
    bad_id = identity_service.SubmitIdentityRequest(request_id=ID_NUMBER, claims=planted_claims())
    wire.call(SUBMIT, bad_id.SerializeToString(), token)
    wire.call(SUBMIT, whole)
    wire.call(SUBMIT, whole, f"{ID_NUMBER}.{PHONE}.{EMAIL}")
    wire.call(SUBMIT, whole, token, **{"x-contact": EMAIL, "user-agent": PHONE})
    for needle in NEEDLES:
        for method, request in (
            ("ArchiveService/GetArchive", archive_service.GetArchiveRequest),
            ("RatingService/GetRating", rating_service.GetRatingRequest),
            ("IdentityService/GetSubmission", identity_service.GetSubmissionRequest),
            ("RatingService/GetScorecard", rating_service.GetScorecardRequest),
        ):
            for name in (needle, f"enterprises/{needle}/archive", f"enterprises/{CODE}/{needle}"):
                wire.call(method, request(name=name).SerializeToString(), token)


def break_the_database(served: Served, wire: Wire) -> None:
    """Takes a table away, so that a write fails with the needles on their way in."""
    with served.store.writing() as work:
        work.execute(sa.schema.DropTable(tables.submission))
        work.commit()
    assert wire.call(SUBMIT, submission(20, planted_claims()), served.token()) is None


def all_rows(served: Served) -> bytes:
    """Every value of every table."""
    values: list[bytes] = []
    with served.store.reading() as work:
        for table in tables.metadata.sorted_tables:
            for row in work.execute(sa.select(table)):
                values += [
                    bytes(value) if isinstance(value, (bytes, memoryview)) else str(value).encode()
                    for value in row
                ]
    return b"\n".join(values)


def test_the_search_finds_what_is_there() -> None:
    around = (b"", b"x", b"xy")
    for needle in NEEDLES:
        for before in around:
            hidden = (
                before + needle.encode() + b"z",
                base64.b64encode(before + needle.encode() + b"zz"),
                base64.urlsafe_b64encode(before + needle.encode() + b"zz"),
                (before + needle.encode()).hex().encode(),
                before + needle.encode("utf-16-le"),
            )
            assert [found_in(haystack) for haystack in hidden] == [[needle]] * len(hidden)
    assert found_in(bytes(range(256)) * 40) == []


def test_planted_person_id_number_phone_and_email_are_in_no_answer_error_or_log(
    served: Served,
    wire: Wire,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    name = plant(served, wire)
    read_everything(served, wire, name)
    err_in_every_way(served, wire)
    served.server.worker.run_once()
    break_the_database(served, wire)

    printed = capfd.readouterr()
    logged = "\n".join(served.log) + printed.err + printed.out
    # The log was kept, and so were answers and the reasons of errors.
    assert "SubmitIdentity" in logged
    received = b"\n".join(wire.received)
    assert builders.registration().title.encode() in received
    assert b"INVALID_FIELD" in received
    assert found_in(received) == []
    assert found_in(logged.encode()) == []
    assert found_in(caplog.text.encode()) == []


def test_planted_person_id_number_phone_and_email_are_in_no_table_database_file_or_wal(
    served: Served, wire: Wire, tmp_path: Path
) -> None:
    name = plant(served, wire)
    err_in_every_way(served, wire)
    served.server.worker.run_once()
    read_everything(served, wire, name)

    rows = all_rows(served)
    # They were kept, but sealed; what is no secret is there to be found.
    assert len(found_in(rows, [builders.registration().title])) == 1
    assert found_in(rows) == []
    files = {
        file.name: found_in(file.read_bytes()) for file in tmp_path.rglob("*") if file.is_file()
    }
    if served.store.url.get_backend_name() == "sqlite":
        assert {"bonafides.db", "bonafides.db-wal", "bonafides.db-shm"} <= files.keys()
    assert {name: needles for name, needles in files.items() if needles} == {}
