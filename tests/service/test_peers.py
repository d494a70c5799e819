"""Owners see how their peers stand; nobody else does, and no points follow from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from bonafides.archive import operations as archive
from bonafides.archive.snapshot import VIEWS
from bonafides.instants import DAY, Day, Instant
from bonafides.personal.sealing import Vault
from bonafides.rating import operations as rating
from bonafides.rating.scorecard import champion
from bonafides.records import operations as records
from bonafides.records.kinds import Kind, Record
from bonafides.storage.tables import peer_group, peer_mean, store_link
from bonafides.storage.tables import rating as rating_table
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import archive_pb2, disclosure_pb2
from scripts import measure_peers as script
from tests import builders
from tests.builders import NOW, TODAY, code, enroll, transaction

CARD = champion(None)
FORM = "company/form/limited/age/10+"


def store_record(number: int, category: str) -> Record:
    """Returns an open store of the number-th enterprise."""
    return Record(
        code=code(number),
        platform=builders.PLATFORM,
        kind=Kind.STORE,
        record_id=f"s{number}",
        store_id=f"s{number}",
        occurred_at=Instant(NOW - 900 * DAY),
        from_day=Day(TODAY - 900),
        detail={"category": category},
    )


def populate(store: Store, vault: Vault, count: int, *, bakers: int = 0) -> None:
    """Makes so many enterprises take part that are rated by points; the first are bakers."""
    told = [
        transaction(
            f"t{number}-{day}",
            of=code(number),
            buyer=f"b{day}",
            occurred_at=Instant(NOW - day * DAY),
        )
        for number in range(1, count + 1)
        for day in range(10, 400, 12)
    ]
    told += [store_record(number, "烘焙") for number in range(1, bakers + 1)]
    builders.link_stores(store, told)
    assert records.ingest(store, vault, builders.rates(), told, now=NOW).rejected == ()
    while records.fold(store, now=NOW).folded:
        pass
    for number in range(1, count + 1):
        enroll(store, code(number))


def shown(store: Store, audience: disclosure_pb2.Audience.ValueType) -> archive_pb2.Archive:
    """Returns the first enterprise's archive, assembled anew."""
    with store.writing() as work:
        archive.refresh(work, CARD, code(1).text, NOW)
        work.commit()
    return archive_pb2.Archive.FromString(
        archive.get_archive(store, CARD, code(1).text, audience=audience, now=NOW)
    )


@pytest.mark.feature("E2", "D3")
def test_owner_sees_the_mean_of_named_peers_and_points_stay_what_they_were(
    store: Store, vault: Vault
) -> None:
    populate(store, vault, 31)
    before = rating.get_rating(store, CARD, code(1).text, now=NOW)
    report = rating.measure_peers(store, CARD, now=NOW)
    assert (report.enterprises, report.compared) == (31, 31)
    after = rating.get_rating(store, CARD, code(1).text, now=NOW)
    parts = {part.feature: part for part in after.contributions}
    peers = parts["registration_days"].peers
    assert (peers.group, peers.members, peers.mean_milli) == (FORM, 30, 3_600_000)
    assert peers.title_en == "companies, limited liability, 10 years or older"
    assert peers.as_of_time == builders.stamp(NOW)
    owner = shown(store, disclosure_pb2.AUDIENCE_OWNER)
    assert parts == {part.feature: part for part in owner.rating.contributions}
    for part in after.contributions:
        part.ClearField("peers")
    assert after == before


@pytest.mark.feature("E2", "D2", "D1")
def test_only_owner_and_staff_see_peers(store: Store, vault: Vault) -> None:
    populate(store, vault, 30)
    rating.measure_peers(store, CARD, now=NOW)
    seen = {
        audience
        for audience in VIEWS
        if any(part.HasField("peers") for part in shown(store, audience).rating.contributions)
    }
    assert seen == {disclosure_pb2.AUDIENCE_OWNER, disclosure_pb2.AUDIENCE_OPERATOR}


@pytest.mark.feature("E2")
def test_group_below_thirty_is_stored_nowhere(store: Store, vault: Vault) -> None:
    populate(store, vault, 29)
    report = rating.measure_peers(store, CARD, now=NOW)
    assert (report.compared, report.means) == (0, 0)
    with store.reading() as work:
        assert work.execute(sa.select(peer_mean)).all() == []
        assert work.execute(sa.select(peer_group)).all() == []
    owner = shown(store, disclosure_pb2.AUDIENCE_OWNER)
    assert not any(part.HasField("peers") for part in owner.rating.contributions)


@pytest.mark.feature("E2", "C6")
def test_enterprises_with_a_main_category_are_compared_within_it(
    store: Store, vault: Vault
) -> None:
    populate(store, vault, 32, bakers=30)
    rating.measure_peers(store, CARD, now=NOW)
    with store.reading() as work:
        groups = {row.code: row.peer_group for row in work.execute(sa.select(peer_group))}
    assert groups[code(1).text] == "company/category/烘焙"
    assert groups[code(32).text] == FORM


@pytest.mark.feature("B6")
def test_stores_of_a_platform_that_is_not_authorized_make_no_category(
    store: Store, vault: Vault
) -> None:
    populate(store, vault, 30, bakers=30)
    enroll(store, code(99), platforms=())
    with store.writing() as work:
        work.execute(sa.text("UPDATE platform_authorization SET revoked_at = granted_at"))
        work.commit()
    rating.measure_peers(store, CARD, now=NOW)
    with store.reading() as work:
        groups = set(work.execute(sa.select(peer_group.c.peer_group)).scalars())
    assert groups == {FORM}


@pytest.mark.feature("C6", "E2")
def test_store_whose_link_does_not_stand_makes_no_category(store: Store, vault: Vault) -> None:
    populate(store, vault, 30, bakers=30)
    with store.writing() as work:
        stores = store_link.c.record_id.in_([f"s{number}" for number in range(1, 31)])
        assert work.execute(store_link.update().where(stores).values(stands=False)).rowcount == 30
        work.commit()
    rating.measure_peers(store, CARD, now=NOW)
    with store.reading() as work:
        groups = set(work.execute(sa.select(peer_group.c.peer_group)).scalars())
    assert groups == {FORM}


@pytest.mark.feature("B5", "E2")
def test_level_that_is_old_or_of_another_card_is_no_peer(store: Store, vault: Vault) -> None:
    populate(store, vault, 30)
    with store.writing() as work:
        old = rating_table.update().where(rating_table.c.code == code(1).text)
        work.execute(old.values(model_version="other"))
        work.commit()
    assert rating.measure_peers(store, CARD, now=NOW).compared == 0
    later = Instant(NOW + 40 * DAY)
    assert rating.measure_peers(store, CARD, now=later).compared == 0


def test_peers_are_measured_once_a_day_and_replaced_whole(store: Store, vault: Vault) -> None:
    populate(store, vault, 30)
    first = rating.measure_peers_daily(store, CARD, now=NOW)
    again = rating.measure_peers_daily(store, CARD, now=Instant(NOW + 1))
    next_day = rating.measure_peers_daily(store, CARD, now=Instant(NOW + DAY))
    assert (first is not None, again, next_day is not None) == (True, None, True)
    gone = rating.measure_peers_daily(store, CARD, now=Instant(NOW + 40 * DAY))
    assert gone is not None
    with store.reading() as work:
        assert work.execute(sa.select(peer_mean)).all() == []
        assert work.execute(sa.select(peer_group)).all() == []


def test_past_archive_knows_nothing_of_peers(store: Store, vault: Vault) -> None:
    populate(store, vault, 30)
    rating.measure_peers(store, CARD, now=NOW)
    past = archive.get_past_archive(
        store,
        CARD,
        code(1).text,
        audience=disclosure_pb2.AUDIENCE_OWNER,
        as_of=NOW,
        now=NOW,
    )
    parts = archive_pb2.Archive.FromString(past).rating.contributions
    assert parts
    assert not any(part.HasField("peers") for part in parts)


def test_command_measures_and_tells_how_many(
    tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BONAFIDES_DATABASE_URL", raising=False)
    store = Store(f"sqlite:///{tmp_path / 'bonafides.db'}")
    store.migrate()
    populate(store, vault, 2)
    store.close()
    done = CliRunner().invoke(script.app, ["--data-dir", str(tmp_path), "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["enterprises"] == 2
    told = CliRunner().invoke(script.app, ["--data-dir", str(tmp_path)])
    assert "2 enterprises looked at: 0 have peers" in told.stdout
