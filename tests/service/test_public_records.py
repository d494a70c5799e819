"""Public records from the file to level and views, on each database, and out of them again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait

import pytest
import sqlalchemy as sa

from bonafides.archive.operations import LoadReport, get_archive, load_public_records, refresh
from bonafides.archive.snapshot import VIEWS
from bonafides.instants import DAY, HOUR, Instant, to_datetime
from bonafides.personal.sealing import Vault
from bonafides.rating.operations import get_rating
from bonafides.rating.scorecard import champion
from bonafides.records.operations import fold, ingest
from bonafides.storage import tables
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import disclosure_pb2 as v1
from bonafides.v1 import rating_pb2
from bonafides.v1.archive_pb2 import Archive, PublicRecord
from tests import builders
from tests.builders import NOW, enroll, link_stores, public_record_row, rates, transaction

CODE = builders.code(1)
CARD = champion(None)
_SEE_RECORDS = (
    v1.AUDIENCE_OWNER,
    v1.AUDIENCE_PLATFORM,
    v1.AUDIENCE_INTEGRATOR,
    v1.AUDIENCE_OPERATOR,
)
_DEBTOR = {"kind": "DISHONEST_DEBTOR"}
_LISTED = {
    "kind": "SERIOUS_ILLEGAL",
    "record_id": "list-1",
    "authority": "九九市市场监督管理局",
    "ground": "弄虚作假",
}


def _load(store: Store, *rows: dict[str, str], now: Instant = NOW) -> LoadReport:
    return load_public_records(store, CARD, rows, now=now)


def _read(store: Store, audience: v1.Audience.ValueType, now: Instant = NOW) -> Archive:
    return Archive.FromString(get_archive(store, CARD, CODE.text, audience=audience, now=now))


def _level(store: Store, now: Instant = NOW) -> rating_pb2.Level.ValueType:
    return get_rating(store, CARD, CODE.text, now=now).level


def _withheld(store: Store, now: Instant = NOW) -> list[PublicRecord.Standing.ValueType]:
    kept = _read(store, v1.AUDIENCE_OPERATOR, now).withheld_records
    standings = [case.record.standing for case in kept.court_cases]
    return standings + [listing.record.standing for listing in kept.listings]


@pytest.fixture
def rated(store: Store, vault: Vault) -> Store:
    """A store in which the enterprise takes part and has enough of a record to be rated."""
    trade = [
        transaction(f"t{n}", buyer=f"b{n}", occurred_at=Instant(NOW - (10 + 9 * n) * DAY))
        for n in range(30)
    ]
    link_stores(store, trade)
    ingest(store, vault, rates(), trade, now=NOW)
    fold(store, now=NOW)
    enroll(store, CODE)
    assert _level(store) not in {rating_pb2.LEVEL_D, rating_pb2.LEVEL_NR}
    return store


@pytest.mark.feature("C4")
def test_loaded_records_reach_owner_applications_and_operator_and_nobody_else(rated: Store) -> None:
    assert _load(rated, public_record_row()) == LoadReport(1, ())
    for audience in VIEWS:
        shown = _read(rated, audience)
        assert shown.HasField("public_records") is (audience in _SEE_RECORDS)
    (case,) = _read(rated, v1.AUDIENCE_OWNER).public_records.court_cases
    assert (case.case_number, case.record.record_id) == ("(2026)九9901执1号", "r1")
    assert case.record.provenance.source == "court-list"


@pytest.mark.feature("C4", "E1")
@pytest.mark.parametrize("row", [_DEBTOR, _LISTED])
def test_listing_acts_on_the_level_at_once_and_its_removal_restores_it(
    rated: Store, row: dict[str, str]
) -> None:
    before = _level(rated)
    _load(rated, public_record_row(**row))
    assert _level(rated) == rating_pb2.LEVEL_D
    later = Instant(NOW + HOUR)
    told = to_datetime(later).isoformat()
    _load(rated, public_record_row(**row, removed="2026-11-01", retrieved_at=told), now=later)
    assert _level(rated, later) == before
    for audience in VIEWS:
        assert not _read(rated, audience, later).HasField("public_records")
    assert _withheld(rated, later) == [PublicRecord.STANDING_REMOVED]


@pytest.mark.feature("C5")
def test_attack_file_from_before_the_removal_brings_nothing_back(rated: Store) -> None:
    """Removed today; then last week's file is loaded once more."""
    before = _level(rated)
    _load(rated, public_record_row(**_DEBTOR, removed="2026-10-31"))
    stale = to_datetime(Instant(NOW - 7 * DAY)).isoformat()
    assert _load(rated, public_record_row(**_DEBTOR, retrieved_at=stale)).loaded == 1
    assert _level(rated) == before
    assert _withheld(rated) == [PublicRecord.STANDING_REMOVED]


@pytest.mark.feature("C5")
@pytest.mark.parametrize("row", [_DEBTOR, _LISTED])
def test_attack_listing_of_a_namesake_neither_scores_nor_shows(
    rated: Store, row: dict[str, str]
) -> None:
    """Another enterprise of the same name is listed, and the source matched by name alone."""
    seen = {
        audience: _read(rated, audience) for audience in VIEWS if audience != v1.AUDIENCE_OPERATOR
    }
    level = _level(rated)
    _load(rated, public_record_row(**row, matched_by="NAME"))
    assert _level(rated) == level
    for audience, before in seen.items():
        assert _read(rated, audience) == before
    assert _withheld(rated) == [PublicRecord.STANDING_MATCHED_BY_NAME]


@pytest.mark.feature("C5")
def test_record_found_to_be_of_another_is_taken_off_by_matching_it_anew(rated: Store) -> None:
    before = _level(rated)
    _load(rated, public_record_row(**_DEBTOR))
    _load(rated, public_record_row(**_DEBTOR, matched_by="NAME"), now=Instant(NOW + 1))
    assert _level(rated, Instant(NOW + 1)) == before


@pytest.mark.feature("E10", "C13")
@pytest.mark.parametrize("row", [_DEBTOR, _LISTED])
def test_level_and_views_drop_a_record_in_the_microsecond_in_which_it_ends(
    rated: Store, row: dict[str, str]
) -> None:
    before = _level(rated)
    end = Instant(NOW + HOUR)
    _load(rated, public_record_row(**row, expires=to_datetime(end).isoformat()))
    last = Instant(end - 1)
    assert _level(rated, last) == rating_pb2.LEVEL_D
    assert _read(rated, v1.AUDIENCE_OWNER, last).HasField("public_records")
    assert _read(rated, v1.AUDIENCE_MEMBER, last).rating.level == rating_pb2.LEVEL_D
    assert _read(rated, v1.AUDIENCE_MEMBER, end).rating.level == before
    assert not _read(rated, v1.AUDIENCE_OWNER, end).HasField("public_records")
    assert _level(rated, end) == before
    assert _withheld(rated, end) == [PublicRecord.STANDING_EXPIRED]


@pytest.mark.feature("E10")
def test_minor_penalty_leaves_by_itself_after_its_term(rated: Store) -> None:
    """Decided on 2 August; three months later, at midnight in Shanghai, it is gone."""
    fined = public_record_row(
        kind="PENALTY",
        begins="2026-08-02",
        decision_number="九市监罚〔2026〕12号",
        authority="九九市市场监督管理局",
        severity="轻微",
    )
    _load(rated, fined)
    midnight = Instant(NOW + 12 * HOUR)
    last = _read(rated, v1.AUDIENCE_OWNER, Instant(midnight - 1))
    after = _read(rated, v1.AUDIENCE_OWNER, midnight)
    assert [p.decision_number for p in last.public_records.penalties] == ["九市监罚〔2026〕12号"]
    assert not after.HasField("public_records")
    weighed = [
        part.points
        for archive in (last, after)
        for part in archive.rating.contributions
        if part.feature == "penalty_weight"
    ]
    assert weighed[0] < weighed[1]


def test_loading_again_adds_no_fact(rated: Store) -> None:
    rows = (public_record_row(), public_record_row(**_LISTED))
    _load(rated, *rows)
    _load(rated, *rows, now=Instant(NOW + DAY))
    kinds = ("enforcement", "serious_illegal")
    count = sa.select(sa.func.count()).where(tables.fact.c.kind.in_(kinds))
    with rated.reading() as work:
        assert work.execute(count).scalar_one() == 2


def test_same_id_of_two_sources_is_two_records(rated: Store) -> None:
    _load(rated, public_record_row(), public_record_row(source="other-list"))
    assert len(_read(rated, v1.AUDIENCE_OWNER).public_records.court_cases) == 2


@pytest.mark.feature("C11")
def test_record_of_an_enterprise_outside_shows_nowhere_and_counts_once_it_takes_part(
    store: Store,
) -> None:
    _load(store, public_record_row(**_DEBTOR))
    with store.reading() as work:
        assert work.execute(sa.select(sa.func.count()).select_from(tables.snapshot)).scalar() == 0
    enroll(store, CODE)
    assert _level(store) == rating_pb2.LEVEL_D


def test_refreshes_of_one_enterprise_take_turns(rated: Store) -> None:
    """A fold refreshes with the facts of before while a listing is loaded: the listing wins."""
    with ThreadPoolExecutor(1) as threads:
        with rated.writing() as work:
            refresh(work, CARD, CODE.text, NOW)
            loading = threads.submit(_load, rated, public_record_row(**_DEBTOR))
            assert not wait([loading], timeout=0.3).done
            work.commit()
        assert loading.result(30).loaded == 1
    assert _level(rated) == rating_pb2.LEVEL_D
    assert _read(rated, v1.AUDIENCE_MEMBER).rating.level == rating_pb2.LEVEL_D


@pytest.mark.feature("C13")
def test_every_section_says_its_source_and_how_fresh_it_is(rated: Store) -> None:
    _load(rated, public_record_row())
    told = {row.section: row for row in _read(rated, v1.AUDIENCE_OWNER).freshness}
    assert set(told) == {
        "registration",
        "shareholders",
        "changes",
        "verification",
        "public_records/court-list",
        "platforms/1688",
    }
    assert told["public_records/court-list"].retrieve_time == builders.stamp(NOW - DAY)
    assert told["platforms/1688"].data_through == builders.date(2026, 10, 22)
    assert not told["platforms/1688"].HasField("retrieve_time")
    for audience in VIEWS:
        assert bool(_read(rated, audience).freshness) is (audience in _SEE_RECORDS)


def test_rows_are_refused_one_by_one_and_the_rest_is_loaded(rated: Store) -> None:
    report = _load(rated, public_record_row(court="x"), public_record_row())
    assert [(each.index, each.reason) for each in report.rejected] == [(0, "AUTHORITY")]
    assert _read(rated, v1.AUDIENCE_OWNER).HasField("public_records")


def test_without_a_store_rows_are_only_read() -> None:
    report = load_public_records(None, None, [public_record_row()], now=NOW)
    assert report == LoadReport(1, ())
