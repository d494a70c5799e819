"""On which of a person's consents rests what was shown of an individual business."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from bonafides.access.audit import OK, Entry, Shown, bits_of, entry, shape_of
from bonafides.access.callers import Caller, CallerKind
from bonafides.client import Client
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import DAY, Instant
from bonafides.personal.sealing import Vault
from bonafides.storage import audit, tables
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import archive_pb2, disclosure_pb2, enterprise_pb2, purpose_pb2
from tests import builders
from tests.builders import NOW
from tests.serving import Served

COMPANY = builders.code(1)
INDIVIDUAL = builders.code(2, department_and_type="92")
EVERYTHING = ("VERIFY_IDENTITY", "SHOW_BUSINESS_FILE", "RATE", "PROVE_OWNERSHIP")
RATE = bits_of(["RATE"])
FILE = bits_of(["SHOW_BUSINESS_FILE"])
ELIGIBILITY = purpose_pb2.READ_PURPOSE_ELIGIBILITY
CALLER = Caller(CallerKind.MEMBER, "issuer", "subject", token_id="token")
MEMBER = disclosure_pb2.AUDIENCE_MEMBER
SHAPE = shape_of("/bonafides.v1.ArchiveService/GetArchive", archive_pb2.Archive.DESCRIPTOR, MEMBER)


def told(store: Store) -> list[tuple[str, int]]:
    """Returns method and consents of the rows, in the order in which they were added."""
    row = tables.disclosure.c
    with store.reading() as work:
        found = work.execute(sa.select(row.method, row.consents).order_by(row.shown_at, row.number))
        return [(each.method.partition("/")[2], each.consents) for each in found]


def read_twice(client: Client, code: UnifiedCode) -> None:
    """Reads on a thread, and then, what is known by now, on the event loop."""
    client.get_archive(code.text)
    client.get_archive(code.text)


@pytest.mark.feature("F4", "B1")
def test_row_says_on_which_consents_what_was_shown_rests(served: Served) -> None:
    builders.enroll(served.store, INDIVIDUAL, purposes=EVERYTHING)
    builders.enroll(served.store, COMPANY, purposes=EVERYTHING)
    with served.client(served.token()) as member:
        read_twice(member, INDIVIDUAL)
        member.get_rating(INDIVIDUAL.text)
        read_twice(member, COMPANY)
    archive, rating = ("GetArchive", FILE | RATE), ("GetRating", RATE)
    assert told(served.store) == [archive, archive, rating, *[("GetArchive", 0)] * 2]


@pytest.mark.feature("F4", "F5", "B1")
def test_each_row_of_a_batch_bears_the_consents_of_its_enterprise(served: Served) -> None:
    builders.enroll(served.store, INDIVIDUAL, purposes=["VERIFY_IDENTITY", "RATE"])
    builders.enroll(served.store, COMPANY)
    with served.client(served.token("platform")) as platform:
        platform.platforms.batch([COMPANY.text, INDIVIDUAL.text], purpose=ELIGIBILITY)
    assert told(served.store) == [("BatchGetArchives", 0), ("BatchGetArchives", RATE)]


@pytest.mark.feature("F4", "B4")
def test_consent_that_was_taken_back_stands_in_no_row_that_follows(served: Served) -> None:
    builders.enroll(served.store, INDIVIDUAL, purposes=EVERYTHING)
    code = INDIVIDUAL.text
    with (
        served.client(served.token("member", owns=[code])) as owner,
        served.client(served.token(subject="reader")) as member,
    ):
        owner.consents.revoke(code, enterprise_pb2.PURPOSE_RATE)
        member.get_archive(code, min_revision=owner.last_revision(code))
        member.get_rating(code)
    assert told(served.store)[-2:] == [("GetArchive", FILE), ("GetRating", 0)]


@pytest.mark.feature("F4")
def test_of_a_view_that_was_made_before_they_were_noted_the_ledger_tells(served: Served) -> None:
    builders.enroll(served.store, INDIVIDUAL, purposes=EVERYTHING)
    with served.store.writing() as work:
        work.execute(sa.update(tables.snapshot).values(consents=None))
        work.commit()
    with served.client(served.token()) as member:
        read_twice(member, INDIVIDUAL)
    assert told(served.store) == [("GetArchive", FILE | RATE)] * 2


def shown(at: Instant, consents: int | None = None) -> Entry:
    told = Shown(INDIVIDUAL.text, at, "", OK, consents)
    return entry(CALLER, b"c", SHAPE, told, (b"q", b"a"))


@pytest.mark.feature("F4", "B1")
def test_the_ledger_is_asked_as_of_the_instant_of_the_row(store: Store, vault: Vault) -> None:
    builders.enroll(store, INDIVIDUAL, purposes=EVERYTHING)
    with store.writing() as work:
        ledger = tables.consent
        ends = sa.update(ledger).where(ledger.c.purpose == "RATE").values(expires_at=NOW + DAY)
        work.execute(ends)
        audit.Writer(vault)(
            work,
            [shown(NOW), shown(Instant(NOW + DAY)), shown(Instant(NOW + 2 * DAY), RATE)],
        )
        work.commit()
    assert [consents for _, consents in told(store)] == [FILE | RATE, FILE, RATE]


def test_row_of_which_the_ledger_has_to_be_asked_is_added_by_no_single_statement(
    tmp_path: Path, vault: Vault
) -> None:
    store = Store(f"sqlite:///{tmp_path / 'audit.sqlite'}")
    store.migrate()
    writer = audit.Writer(vault)
    with store.writing() as work:
        # So that its salt is known.
        writer(work, [shown(NOW, RATE)])
        work.commit()
    with closing(sqlite3.connect(str(store.url.database))) as connection:
        assert writer.statement(connection, [shown(NOW, RATE)]) is not None
        assert writer.statement(connection, [shown(NOW)]) is None
    store.close()


@pytest.mark.feature("F4", "B1")
def test_owner_sees_on_which_consents_a_platform_was_shown_something(served: Served) -> None:
    builders.enroll(served.store, INDIVIDUAL, purposes=EVERYTHING)
    with served.client(served.token("platform")) as platform:
        platform.get_archive(INDIVIDUAL.text, purpose=ELIGIBILITY)
    with served.client(served.token("member", owns=[INDIVIDUAL.text])) as owner:
        (line,) = owner.accesses.log(INDIVIDUAL.text)
    shown = [enterprise_pb2.PURPOSE_SHOW_BUSINESS_FILE, enterprise_pb2.PURPOSE_RATE]
    assert list(line.consents) == shown
