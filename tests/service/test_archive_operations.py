"""Facts, snapshots and reading them, on each database."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from bonafides.archive.facts import Change, Fact, FactSheet, Kind, Registration
from bonafides.archive.operations import get_archive, record_facts, refresh
from bonafides.archive.snapshot import VIEWS
from bonafides.errors import NotFoundError
from bonafides.instants import DAY, HOUR, Day, Instant, start_of
from bonafides.personal.sealing import Vault
from bonafides.rating.scorecard import Scorecard, champion
from bonafides.records.operations import fold, ingest
from bonafides.storage import tables
from bonafides.storage.archive import fact_sheet, read_snapshot
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import disclosure_pb2 as v1
from bonafides.v1 import enterprise_pb2
from bonafides.v1.archive_pb2 import Archive
from tests import builders
from tests.builders import NOW, TODAY, enroll, rates, registration, registration_facts, transaction

CODE = builders.code(1)
INDIVIDUAL = builders.code(2, department_and_type="92")
MIDNIGHT = start_of(Day(TODAY + 1))


@pytest.fixture(scope="module")
def card() -> Scorecard:
    return champion(None)


def told(title: str, *, valid_from: Instant = NOW) -> Fact:
    """Returns a registration that names the enterprise so, valid from the instant."""
    fact = registration_facts(CODE, told=registration(title=title))[0]
    return dataclasses.replace(fact, valid_from=valid_from)


def record(store: Store, facts: Sequence[Fact], now: Instant) -> None:
    with store.writing() as work:
        record_facts(work, facts, now=now)
        work.commit()


def sheet(store: Store, as_of: Instant) -> FactSheet:
    with store.reading() as work:
        return fact_sheet(work, CODE.text, as_of)


def title(store: Store, as_of: Instant) -> str | None:
    fact = sheet(store, as_of).registration
    if fact is None:
        return None
    assert isinstance(fact.value, Registration)
    return fact.value.title


def rows(store: Store) -> int:
    with store.reading() as work:
        count = sa.select(sa.func.count()).select_from(tables.fact)
        return int(work.execute(count).scalar_one())


def read(
    store: Store, audience: v1.Audience.ValueType, *, now: Instant = NOW, code: str = CODE.text
) -> Archive:
    return Archive.FromString(get_archive(store, champion(None), code, audience=audience, now=now))


# --- Facts -------------------------------------------------------------------------


@pytest.mark.feature("C10")
def test_facts_are_read_back_as_they_were_recorded(store: Store) -> None:
    facts = registration_facts(CODE)
    record(store, facts, NOW)
    known = sheet(store, NOW)
    assert known.registration == facts[0]
    assert (known.shareholders, known.changes, known.verification) == tuple(
        fact.value for fact in facts[1:]
    )


@pytest.mark.feature("C10")
def test_sheet_as_of_a_time_holds_what_was_known_then(store: Store) -> None:
    """Known as A on the first day, corrected to B on the third."""
    record(store, [told("A")], NOW)
    record(store, [told("B", valid_from=Instant(NOW + 2 * DAY))], Instant(NOW + 2 * DAY))
    assert title(store, Instant(NOW - 1)) is None
    assert title(store, NOW) == "A"
    assert title(store, Instant(NOW + 2 * DAY - 1)) == "A"
    assert title(store, Instant(NOW + 2 * DAY)) == "B"


@pytest.mark.feature("C10")
def test_backdated_correction_does_not_change_what_was_known(store: Store) -> None:
    record(store, [told("A")], NOW)
    record(store, [told("B", valid_from=Instant(NOW - DAY))], Instant(NOW + DAY))
    assert title(store, NOW) == "A"
    assert title(store, Instant(NOW + DAY)) == "B"


@pytest.mark.feature("C10")
def test_planted_future_fact_does_not_leak(store: Store) -> None:
    """A is known; on the next day B is announced for day five, and C corrects A on day two."""
    record(store, [told("A")], NOW)
    record(store, [told("B", valid_from=Instant(NOW + 5 * DAY))], Instant(NOW + DAY))
    assert title(store, Instant(NOW + DAY)) == "A"
    assert title(store, Instant(NOW + 5 * DAY - 1)) == "A"
    record(store, [told("C", valid_from=Instant(NOW + 2 * DAY))], Instant(NOW + 2 * DAY))
    assert title(store, Instant(NOW + 2 * DAY)) == "C"
    assert title(store, Instant(NOW + 5 * DAY)) == "B"


@pytest.mark.feature("C10")
def test_announcement_is_superseded_by_the_next_one(store: Store) -> None:
    record(store, [told("A")], NOW)
    record(store, [told("B", valid_from=Instant(NOW + 5 * DAY))], Instant(NOW + DAY))
    record(store, [told("C", valid_from=Instant(NOW + 4 * DAY))], Instant(NOW + 2 * DAY))
    assert title(store, Instant(NOW + 3 * DAY)) == "A"
    assert title(store, Instant(NOW + 6 * DAY)) == "C"


@pytest.mark.feature("C10")
def test_fact_that_ended_is_known_no_more(store: Store) -> None:
    ending = dataclasses.replace(told("A"), valid_to=Instant(NOW + DAY))
    record(store, [ending], NOW)
    assert title(store, Instant(NOW + DAY - 1)) == "A"
    assert title(store, Instant(NOW + DAY)) is None


@pytest.mark.feature("C2", "C10")
def test_equal_fact_is_neither_added_nor_rewritten(store: Store) -> None:
    record(store, registration_facts(CODE), NOW)
    later = [
        dataclasses.replace(fact, valid_from=Instant(NOW + DAY))
        for fact in registration_facts(CODE)
    ]
    record(store, later, Instant(NOW + DAY))
    assert rows(store) == 4
    assert sheet(store, Instant(NOW + DAY)).registration == registration_facts(CODE)[0]


@pytest.mark.feature("C13")
def test_source_that_says_the_same_again_makes_the_fact_fresher(store: Store) -> None:
    asked = Instant(NOW + DAY)
    record(store, [told("A")], NOW)
    record(store, [dataclasses.replace(told("A"), retrieved_at=asked)], asked)
    before, after = sheet(store, NOW).registration, sheet(store, asked).registration
    assert before is not None
    assert after == dataclasses.replace(before, retrieved_at=asked)
    # Told again of an earlier time, the fact grows no older.
    record(store, [told("A")], Instant(asked + DAY))
    assert sheet(store, Instant(asked + DAY)).registration == after


@pytest.mark.feature("C10")
def test_correction_adds_a_row_and_keeps_the_old_one(store: Store) -> None:
    record(store, [told("A")], NOW)
    record(store, [told("B")], Instant(NOW + DAY))
    record(store, [told("A")], Instant(NOW + 2 * DAY))
    assert rows(store) == 3
    assert [title(store, Instant(NOW + day * DAY)) for day in range(3)] == ["A", "B", "A"]


@pytest.mark.feature("C10")
def test_of_two_facts_of_one_instant_the_later_told_stands(store: Store) -> None:
    record(store, [told("A"), told("B")], NOW)
    assert title(store, NOW) == "B"
    assert rows(store) == 1


# --- Snapshots -----------------------------------------------------------------------


@pytest.mark.feature("D1", "D2")
def test_every_audience_gets_its_own_view(store: Store, card: Scorecard) -> None:
    enroll(store, CODE, card=card)
    shown = {view: read(store, audience) for audience, view in VIEWS.items()}
    assert not shown["PUBLIC"].HasField("rating")
    assert shown["PUBLIC"].registration.title
    assert shown["MEMBER"].HasField("rating")
    assert not shown["MEMBER"].HasField("verification")
    assert not shown["MEMBER"].rating.rules
    assert shown["OWNER"].rating.rules
    assert shown["OWNER"].changes[0].personal_after
    assert shown["PLATFORM"].HasField("verification")
    assert not shown["PLATFORM"].changes[0].personal_after
    assert shown["OPERATOR"].shareholders[1].person == "**四"


@pytest.mark.feature("C11")
@pytest.mark.parametrize("audience", VIEWS)
def test_enterprise_that_never_took_part_is_not_found_like_an_unknown_code(
    store: Store, audience: v1.Audience.ValueType
) -> None:
    record(store, registration_facts(CODE), NOW)
    texts = []
    for code in (CODE.text, INDIVIDUAL.text, "no code at all"):
        with pytest.raises(NotFoundError) as refused:
            read(store, audience, code=code)
        texts.append((str(refused.value), refused.value.metadata))
    assert texts == [texts[0]] * 3


@pytest.mark.feature("C11")
def test_refreshing_an_enterprise_that_never_took_part_leaves_nothing(
    store: Store, card: Scorecard
) -> None:
    record(store, registration_facts(CODE), NOW)
    with store.writing() as work:
        refresh(work, card, CODE.text, NOW)
        work.commit()
    with store.reading() as work:
        assert read_snapshot(work, CODE.text, "PUBLIC") is None


@pytest.mark.parametrize(
    "audience",
    [
        v1.AUDIENCE_UNSPECIFIED,
        v1.AUDIENCE_AUTHORITY,
        v1.AUDIENCE_PROCESSOR,
    ],
)
def test_audience_without_a_view_finds_nothing(
    store: Store, card: Scorecard, audience: v1.Audience.ValueType
) -> None:
    enroll(store, CODE, card=card)
    with pytest.raises(NotFoundError):
        read(store, audience)


@pytest.mark.feature("C13")
def test_stored_view_is_served_until_midnight_and_never_past_it(
    store: Store, card: Scorecard
) -> None:
    enroll(store, CODE, card=card)
    before = Instant(MIDNIGHT - 1)
    assert read(store, v1.AUDIENCE_MEMBER, now=before).as_of_time == builders.stamp(NOW)
    after = read(store, v1.AUDIENCE_MEMBER, now=MIDNIGHT)
    assert after.as_of_time == builders.stamp(MIDNIGHT)
    assert read(store, v1.AUDIENCE_MEMBER, now=Instant(MIDNIGHT + HOUR)) == after


@pytest.mark.feature("A13", "C13")
def test_verification_that_ends_within_the_day_reads_lapsed_at_once(
    store: Store, card: Scorecard
) -> None:
    ends = Instant(NOW + HOUR)
    enroll(store, CODE, card=card, facts=registration_facts(CODE, expires_at=ends))
    states = [
        read(store, v1.AUDIENCE_OWNER, now=now).verification.state
        for now in (Instant(ends - 1), ends)
    ]
    assert states == [
        enterprise_pb2.Submission.STATE_VERIFIED,
        enterprise_pb2.Submission.STATE_LAPSED,
    ]


@pytest.mark.feature("C13")
def test_missing_snapshot_is_made_when_it_is_read(store: Store, card: Scorecard) -> None:
    enroll(store, CODE, card=card)
    with store.writing() as work:
        work.execute(sa.delete(tables.snapshot))
        work.commit()
    assert read(store, v1.AUDIENCE_PUBLIC).registration.code == CODE.text


def test_each_refresh_gives_the_next_revision(store: Store, card: Scorecard) -> None:
    enroll(store, CODE, card=card)
    with store.writing() as work:
        refresh(work, card, CODE.text, Instant(NOW + HOUR))
        work.commit()
    with store.reading() as work:
        found = work.execute(sa.select(tables.snapshot.c.view, tables.snapshot.c.revision))
        assert {row.view: row.revision for row in found} == dict.fromkeys(VIEWS.values(), 2)


@pytest.mark.feature("B6")
def test_platform_that_is_not_authorized_stays_out_of_every_view(
    store: Store, vault: Vault, card: Scorecard
) -> None:
    trade(store, vault)
    enroll(store, CODE, card=card, platforms=["olist"])
    for audience in VIEWS:
        assert [file.platform for file in read(store, audience).platforms] == []


@pytest.mark.feature("D2", "C7")
def test_member_sees_the_file_of_an_authorized_platform(
    store: Store, vault: Vault, card: Scorecard
) -> None:
    trade(store, vault)
    enroll(store, CODE, card=card)
    (file,) = read(store, v1.AUDIENCE_MEMBER).platforms
    assert (file.platform, file.displayed.transactions) == ("1688", 6)
    assert file.displayed.buyers.buyers == 6
    assert not file.HasField("last_year")
    assert not read(store, v1.AUDIENCE_PUBLIC).platforms


@pytest.mark.feature("D6")
def test_buyers_below_five_reach_the_owner_and_not_the_member(
    store: Store, vault: Vault, card: Scorecard
) -> None:
    trade(store, vault, transactions=4)
    enroll(store, CODE, card=card)
    member = read(store, v1.AUDIENCE_MEMBER).platforms[0].displayed
    owner = read(store, v1.AUDIENCE_OWNER).platforms[0].displayed
    assert not member.HasField("buyers")
    assert owner.buyers.buyers == 4


@pytest.mark.feature("B4")
def test_individual_business_shows_its_file_by_consent_and_its_district_to_the_public(
    store: Store, vault: Vault, card: Scorecard
) -> None:
    trade(store, vault)
    enroll(store, INDIVIDUAL, card=card)
    assert not read(store, v1.AUDIENCE_MEMBER, code=INDIVIDUAL.text).platforms
    consenting = builders.code(4, department_and_type="92")
    enroll(store, consenting, card=card, purposes=["VERIFY_IDENTITY", "SHOW_BUSINESS_FILE"])
    assert read(store, v1.AUDIENCE_MEMBER, code=consenting.text).platforms
    for audience, address in [
        (v1.AUDIENCE_PUBLIC, "九九省九九市试验区***"),
        (v1.AUDIENCE_OPERATOR, "九九省九九市试验区***"),
        (v1.AUDIENCE_MEMBER, "九九省九九市试验区百草路1号"),
    ]:
        shown = read(store, audience, code=INDIVIDUAL.text)
        assert shown.registration.registered_address == address


@pytest.mark.feature("L4")
def test_tag_of_a_view_tells_nothing_that_the_view_does_not(store: Store, card: Scorecard) -> None:
    """Another person in a change: the owner's tag moves, every other stays."""
    enroll(store, CODE, card=card)
    before = {audience: read(store, audience).etag for audience in VIEWS}
    changes = registration_facts(CODE)[2]
    renamed = (Change(Day(TODAY - 900), "法定代表人变更", "测五六", "测九九"),)
    others = (Change(Day(TODAY - 1_000), "经营范围变更", "百货", "百货销售"),)
    record(store, [dataclasses.replace(changes, value=renamed + others)], NOW)
    with store.writing() as work:
        refresh(work, card, CODE.text, NOW)
        work.commit()
    moved = [audience for audience in VIEWS if read(store, audience).etag != before[audience]]
    assert moved == [v1.AUDIENCE_OWNER]


def trade(store: Store, vault: Vault, *, transactions: int = 6) -> None:
    """Takes in and folds transactions of three enterprises with as many buyers each."""
    enterprises = [CODE, INDIVIDUAL, builders.code(4, department_and_type="92")]
    records = [
        transaction(f"t{number}", of=of, buyer=f"b{number}")
        for of in enterprises
        for number in range(transactions)
    ]
    builders.link_stores(store, records)
    ingest(store, vault, rates(), records, now=NOW)
    fold(store, now=NOW)


def test_kinds_of_fact_fit_their_column() -> None:
    column = tables.fact.c.kind.type
    assert isinstance(column, sa.String)
    assert column.length is not None
    assert max(len(kind.value) for kind in Kind) <= column.length
