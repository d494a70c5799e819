"""The archive as it was known at an instant: what came later must not leak into it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import grpc
import pytest
import sqlalchemy as sa

from bonafides.archive.facts import Fact, Kind
from bonafides.archive.operations import (
    get_archive,
    get_past_archive,
    load_public_records,
    record_facts,
)
from bonafides.client import RemoteError
from bonafides.errors import NotFoundError
from bonafides.instants import DAY, Day, Instant, to_datetime
from bonafides.personal.sealing import Vault
from bonafides.rating.scorecard import champion
from bonafides.records.kinds import Kind as RecordKind
from bonafides.records.kinds import Record
from bonafides.records.money import Money
from bonafides.records.operations import fold, fold_and_refresh, ingest
from bonafides.storage import archive as archive_rows
from bonafides.storage import recount, tables
from bonafides.storage.consents import live_purposes
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import disclosure_pb2 as v1
from bonafides.v1 import rating_pb2
from bonafides.v1.archive_pb2 import Archive
from bonafides.v1.purpose_pb2 import READ_PURPOSE_ELIGIBILITY, READ_PURPOSE_UNSPECIFIED, ReadPurpose
from tests import builders
from tests.builders import NOW, TODAY, enroll, link_stores, rates, transaction
from tests.serving import Served

CODE = builders.code(1)
CARD = champion(None)
BEFORE = Instant(NOW - DAY)
LATER = Instant(NOW + DAY)


def _past(
    store: Store,
    as_of: Instant,
    *,
    now: Instant = LATER,
    audience: v1.Audience.ValueType = v1.AUDIENCE_OWNER,
) -> Archive:
    return Archive.FromString(
        get_past_archive(store, CARD, CODE.text, audience=audience, as_of=as_of, now=now)
    )


def _take_in(store: Store, vault: Vault, records: Sequence[Record], now: Instant) -> None:
    link_stores(store, records, now=now)
    report = ingest(store, vault, rates(), records, now=now)
    assert not report.rejected
    fold(store, now=now)


def _orders(count: int, prefix: str = "t") -> list[Record]:
    return [
        transaction(
            f"{prefix}{n}",
            buyer=f"b{n % 9}",
            occurred_at=Instant(NOW - (12 + 5 * n) * DAY),
            promised_day=Day(TODAY - 10 - 5 * n),
            delivered_day=Day(TODAY - 10 - 5 * n + n % 2),
        )
        for n in range(count)
    ]


def _record(store: Store, facts: Sequence[Fact], now: Instant) -> None:
    with store.writing() as work:
        record_facts(work, facts, now=now)
        work.commit()


@pytest.mark.feature("C10")
def test_archive_as_of_now_is_the_archive_of_now(store: Store, vault: Vault) -> None:
    """Recounted from the log it is to the last field what the roll-ups give."""
    _take_in(store, vault, _orders(40), BEFORE)
    enroll(store, CODE)
    stored = get_archive(store, CARD, CODE.text, audience=v1.AUDIENCE_OPERATOR, now=NOW)
    assert _past(store, NOW, now=NOW, audience=v1.AUDIENCE_OPERATOR) == Archive.FromString(stored)


@pytest.mark.feature("C10")
def test_records_that_came_later_do_not_leak(store: Store, vault: Vault) -> None:
    """Known yesterday: 20 orders. Today come 15 older ones, a revision, a void, a platform."""
    enroll(store, CODE, platforms=["1688", "olist"])
    _take_in(store, vault, _orders(20), BEFORE)
    known = _past(store, BEFORE, now=BEFORE)
    first, second, *_ = _orders(2)
    changed = [
        *_orders(15, "late"),
        dataclasses.replace(first, revision=2, amount=Money("CNY", 99_999)),
        dataclasses.replace(second, revision=2, void=True),
        transaction("o1", platform="olist"),
    ]
    _take_in(store, vault, changed, NOW)
    assert _past(store, BEFORE) == known
    (file,) = known.platforms
    assert (file.cumulative.transactions, file.cumulative.amount.amount_minor) == (20, 200_000)
    assert (known.rating.coverage.platforms_known, known.rating.coverage.platforms_covered) == (
        1,
        1,
    )
    now = {shown.platform: shown.cumulative for shown in _past(store, NOW).platforms}
    assert (now["1688"].transactions, now["olist"].transactions) == (34, 1)


@pytest.mark.feature("C10")
def test_days_after_the_instant_do_not_count_though_records_name_them(
    store: Store, vault: Vault
) -> None:
    """A membership of a year was reported yesterday; half of it is still to come."""
    enroll(store, CODE)
    period = Record(
        code=CODE,
        platform=builders.PLATFORM,
        kind=RecordKind.MEMBERSHIP,
        record_id="m1",
        store_id="s1",
        occurred_at=BEFORE,
        from_day=Day(TODAY - 200),
        to_day=Day(TODAY + 200),
    )
    _take_in(store, vault, [period], BEFORE)
    after = Instant(NOW + 190 * DAY)
    told = [_past(store, at, now=after).platforms[0].displayed for at in (NOW, after)]
    assert [shown.membership_years for shown in told] == [0, 1]


@pytest.mark.feature("C10")
def test_planted_future_facts_do_not_leak(store: Store) -> None:
    """Today a correction of the name comes, told to have been valid for a year already."""
    enroll(store, CODE)
    known = _past(store, BEFORE)
    renamed = builders.registration_facts(CODE, told=builders.registration(title="新名公司"))
    planted = [
        dataclasses.replace(fact, valid_from=Instant(NOW - 365 * DAY)) for fact in renamed
    ] + [
        builders.court_case(Kind.DISHONEST_DEBTOR),
        builders.penalty(),
    ]
    _record(store, planted, NOW)
    assert _past(store, BEFORE) == known
    assert _past(store, NOW).registration.title == "新名公司"
    assert _past(store, NOW).rating.level == rating_pb2.LEVEL_D


@pytest.mark.feature("C10", "C5")
def test_listing_that_was_removed_stood_at_the_instant_when_it_was_known(store: Store) -> None:
    enroll(store, CODE)
    row = builders.public_record_row(kind="DISHONEST_DEBTOR")
    load_public_records(store, CARD, [row], now=NOW)
    removed = row | {"removed": "2026-11-01"}
    load_public_records(store, CARD, [removed], now=LATER)
    assert _past(store, NOW).rating.level == rating_pb2.LEVEL_D
    assert _past(store, NOW).public_records.court_cases
    assert not _past(store, NOW, audience=v1.AUDIENCE_OPERATOR).HasField("withheld_records")
    assert not _past(store, LATER).HasField("public_records")


@pytest.mark.feature("C10", "B2")
def test_consent_learned_of_later_or_taken_back_since_opens_no_past(
    store: Store, vault: Vault
) -> None:
    """The platform is authorized yesterday; today the enterprise revokes it."""
    enroll(store, CODE)
    _take_in(store, vault, _orders(5), BEFORE)
    assert _past(store, BEFORE, now=NOW).platforms
    table = tables.platform_authorization
    with store.writing() as work:
        work.execute(sa.update(table).values(revoked_at=NOW))
        work.execute(sa.update(tables.consent).values(recorded_at=NOW, granted_at=Instant(0)))
        work.commit()
    assert not _past(store, BEFORE, now=NOW).platforms
    with store.reading() as work:
        told = [live_purposes(work, CODE.text, at) for at in (BEFORE, NOW)]
    assert told == [frozenset(), frozenset({"VERIFY_IDENTITY"})]


@pytest.mark.feature("C10", "C11")
def test_before_it_took_part_there_is_no_archive(store: Store) -> None:
    enroll(store, CODE)
    joined = Instant(NOW - 400 * DAY)
    assert _past(store, joined).registration.code == CODE.text
    for audience in (v1.AUDIENCE_OWNER, v1.AUDIENCE_OPERATOR):
        with pytest.raises(NotFoundError):
            _past(store, Instant(joined - 1), audience=audience)
    with pytest.raises(NotFoundError):
        _past(store, NOW, audience=v1.AUDIENCE_PROCESSOR)


@pytest.mark.feature("C10")
def test_looking_at_the_past_stores_nothing(store: Store, vault: Vault) -> None:
    _take_in(store, vault, _orders(5), BEFORE)
    enroll(store, CODE)
    before = _everything(store)
    _past(store, BEFORE)
    assert _everything(store) == before


@pytest.mark.feature("C7")
def test_recount_from_the_log_equals_the_rollups(store: Store, vault: Vault) -> None:
    records = _orders(30)
    _take_in(store, vault, records, BEFORE)
    _take_in(store, vault, [dataclasses.replace(records[3], revision=2, void=True)], NOW)
    with store.reading() as work:
        assert recount.platform_records(
            work, CODE.text, ["1688", "olist"], NOW
        ) == archive_rows.platform_records(work, CODE.text, ["1688", "olist"], TODAY)
        assert recount.platforms(work, CODE.text, Instant(BEFORE - 1)) == ()
        assert recount.platforms(work, CODE.text, NOW) == ("1688",)


# --- Over the wire ---------------------------------------------------------------------


@pytest.mark.feature("C10", "D9")
def test_past_is_for_the_enterprise_itself_and_for_staff(served: Served) -> None:
    enroll(served.store, CODE)
    for token in (served.token(owns=[CODE.text]), served.token("operator")):
        with served.client(token) as client:
            shown = client.get_archive(CODE.text, as_of=to_datetime(BEFORE))
        assert shown.as_of_time == builders.stamp(BEFORE)
    refused = []
    kinds: tuple[tuple[str, ReadPurpose.ValueType], ...] = (
        (served.token(), READ_PURPOSE_UNSPECIFIED),
        (served.token("platform"), READ_PURPOSE_ELIGIBILITY),
        (served.token(owns=["x"]), READ_PURPOSE_UNSPECIFIED),
    )
    for token, purpose in kinds:
        # Of an unknown code nothing else is answered: asking tells nobody who takes part.
        for code in (CODE.text, builders.code(7).text):
            with served.client(token) as client, pytest.raises(RemoteError) as refusal:
                client.get_archive(code, as_of=to_datetime(BEFORE), purpose=purpose)
            refused.append((refusal.value.code, refusal.value.reason))
    assert set(refused) == {(grpc.StatusCode.PERMISSION_DENIED, "METHOD_NOT_ALLOWED")}
    with served.client() as client, pytest.raises(RemoteError) as refusal:
        client.get_archive(CODE.text, as_of=to_datetime(BEFORE))
    assert refusal.value.reason == "LOGIN_REQUIRED"


@pytest.mark.feature("C10")
@pytest.mark.parametrize("as_of", [Instant(NOW + 1), Instant(-1)])
def test_future_and_prehistory_are_refused(served: Served, as_of: Instant) -> None:
    enroll(served.store, CODE)
    with served.client(served.token("operator")) as client, pytest.raises(RemoteError) as refusal:
        client.get_archive(CODE.text, as_of=to_datetime(as_of))
    assert refusal.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [each.field for each in refusal.value.violations] == ["as_of_time"]


@pytest.mark.feature("C10")
def test_past_level_follows_from_the_past_record(store: Store, vault: Vault) -> None:
    """The record grows long enough to be rated only by what comes today."""
    enroll(store, CODE)
    _take_in(store, vault, _orders(5), BEFORE)
    _take_in(store, vault, _orders(40, "more"), NOW)
    fold_and_refresh(store, CARD, now=NOW)
    assert _past(store, BEFORE).rating.level == rating_pb2.LEVEL_NR
    assert _past(store, NOW).rating.level != rating_pb2.LEVEL_NR


def _everything(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store.reading() as work:
        return {
            table.name: sorted((tuple(row) for row in work.execute(sa.select(table))), key=repr)
            for table in tables.metadata.sorted_tables
        }
