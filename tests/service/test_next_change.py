"""A view is never served past the instant at which time alone changes it, whatever the cause."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from bonafides.archive import operations as archive
from bonafides.archive.facts import Fact
from bonafides.archive.snapshot import VIEWS
from bonafides.instants import DAY, HOUR, Day, Instant, start_of
from bonafides.personal.sealing import Vault
from bonafides.rating.scorecard import champion
from bonafides.records import operations as records
from bonafides.records.contracts import Contract
from bonafides.records.kinds import Kind, Record
from bonafides.storage import archive as archive_rows
from bonafides.storage import contracts as contract_rows
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import archive_pb2, disclosure_pb2
from tests import builders
from tests.builders import (
    NOW,
    TODAY,
    code,
    court_case,
    enroll,
    listing,
    rates,
    registration,
    registration_facts,
    transaction,
)

pytestmark = pytest.mark.feature("C13")

CODE = code()
CARD = champion(None)
OWNER = disclosure_pb2.AUDIENCE_OWNER
RATES = rates()
MIDNIGHT = start_of(Day(TODAY + 1))


@dataclass(frozen=True, slots=True)
class Cause:
    """What ends at `at`, and what the owner then sees changed. `sees` None: nothing."""

    at: Instant
    sees: Callable[[archive_pb2.Archive], Any] | None
    facts: Sequence[Fact] = ()
    records: Sequence[Record] = ()
    contracts: Sequence[Contract] = ()
    registered: dict[str, Any] = field(default_factory=dict)


def reported(kind: Kind, **changes: Any) -> Record:
    """Returns a record of a store, a membership or a certification."""
    made = transaction("x", kind=kind, buyer=None, amount=None, from_day=Day(TODAY - 100))
    return dataclasses.replace(made, **changes)


def first_file(shown: archive_pb2.Archive) -> archive_pb2.PlatformFile:
    return shown.platforms[0]


def _expired(shown: archive_pb2.Archive) -> list[bool]:
    return [held.expired for held in first_file(shown).displayed.certifications]


ENDS_TODAY = Instant(NOW + 3 * HOUR)
CAUSES = {
    "term of business": Cause(MIDNIGHT, None, registered={"term_end": Day(TODAY)}),
    "lapse of the verification": Cause(
        ENDS_TODAY, lambda shown: shown.verification.state, registered={"expires_at": ENDS_TODAY}
    ),
    "end that a source gave to a public record": Cause(
        ENDS_TODAY,
        lambda shown: len(shown.public_records.court_cases),
        facts=[court_case(expires_at=ENDS_TODAY)],
    ),
    "lawful term of a public record": Cause(
        # Listed three years ago tomorrow.
        MIDNIGHT,
        lambda shown: len(shown.public_records.listings),
        facts=[listing(begins=Day(TODAY + 1 - 3 * 365 - 1))],
    ),
    "removal of a public record that was announced": Cause(
        MIDNIGHT,
        lambda shown: len(shown.public_records.listings),
        facts=[listing(removed=Day(TODAY + 1))],
    ),
    "window of the last year": Cause(
        MIDNIGHT,
        lambda shown: first_file(shown).last_year.transactions,
        records=[transaction(occurred_at=Instant(start_of(Day(TODAY - 364)) + HOUR))],
    ),
    "last day of an on-site certification": Cause(
        MIDNIGHT,
        _expired,
        records=[
            reported(
                Kind.CERTIFICATION,
                to_day=Day(TODAY),
                detail={"agency": "九九认证", "scope": "厂房"},
            )
        ],
    ),
    "closing of a store": Cause(
        MIDNIGHT,
        lambda shown: first_file(shown).open_stores,
        records=[reported(Kind.STORE, to_day=Day(TODAY + 1))],
    ),
    "opening of a store": Cause(
        MIDNIGHT,
        lambda shown: first_file(shown).open_stores,
        records=[reported(Kind.STORE, from_day=Day(TODAY + 1))],
    ),
    "year of membership": Cause(
        MIDNIGHT,
        lambda shown: first_file(shown).displayed.membership_years,
        records=[reported(Kind.MEMBERSHIP, from_day=Day(TODAY - 363), to_day=None)],
    ),
    "validity of the level": Cause(MIDNIGHT, lambda shown: shown.rating.as_of_time.seconds),
    "contract of a platform": Cause(
        MIDNIGHT,
        # A contract fixes how records are taken in; no view shows anything of it.
        None,
        contracts=[Contract(CODE.text, "1688", "CNY", "CNY", Day(TODAY - 9), Day(TODAY))],
    ),
}


def prepare(store: Store, vault: Vault, cause: Cause) -> None:
    """Makes an enterprise of which nothing but the cause will change."""
    told = dict(cause.registered)
    expires_at = told.pop("expires_at", Instant(NOW + 300 * DAY))
    facts = registration_facts(CODE, told=registration(**told), expires_at=expires_at)
    enroll(store, CODE, facts=[*facts, *cause.facts])
    builders.link_stores(store, cause.records)
    assert records.ingest(store, vault, RATES, list(cause.records), now=NOW).rejected == ()
    while records.fold(store, now=NOW).folded:
        pass
    with store.writing() as work:
        contract_rows.save_contracts(work, cause.contracts)
        archive.refresh(work, CARD, CODE.text, NOW)
        work.commit()


def read(store: Store, now: Instant) -> archive_pb2.Archive:
    """Returns what the owner is served at the instant."""
    served = archive.get_archive(store, CARD, CODE.text, audience=OWNER, now=now)
    return archive_pb2.Archive.FromString(served)


@pytest.mark.parametrize("name", CAUSES)
def test_view_changes_at_the_instant_and_not_one_microsecond_later(
    store: Store, vault: Vault, name: str
) -> None:
    cause = CAUSES[name]
    prepare(store, vault, cause)
    with store.reading() as work:
        stored = [archive_rows.read_snapshot(work, CODE.text, view) for view in VIEWS.values()]
    assert all(one is not None and one.next_change_at <= cause.at for one in stored)
    before, after = read(store, Instant(cause.at - 1)), read(store, cause.at)
    if cause.sees is not None:
        assert cause.sees(before) != cause.sees(after)
    assert after.as_of_time.ToMicroseconds() == cause.at


def test_every_section_of_the_archive_says_how_fresh_it_is() -> None:
    """Either by a row of `freshness`, or by an instant of its own."""
    rows = {"registration", "shareholders", "changes", "verification", "public_records"}
    rows |= {"platforms", "self_description"}
    own = {"rating": "as_of_time"}
    # What is said of other sections is as fresh as those.
    of_others = {"withheld_records", "findings", "freshness", "disputed_facts"}
    sections = {
        field.name: field.message_type
        for field in archive_pb2.Archive.DESCRIPTOR.fields
        if field.message_type is not None and field.message_type.file.package == "bonafides.v1"
    }
    assert set(sections) == rows | set(own) | of_others
    for name, instant in own.items():
        assert instant in sections[name].fields_by_name
    assert "data_through" in archive_pb2.PlatformFile.DESCRIPTOR.fields_by_name
    assert "as_of_time" in archive_pb2.Archive.DESCRIPTOR.fields_by_name
