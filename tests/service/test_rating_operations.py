"""Levels through the store: gathered, kept, served while valid, and made anew after."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bonafides.archive import operations as archive_operations
from bonafides.archive.facts import OperatingState
from bonafides.errors import BugError, NotFoundError
from bonafides.instants import DAY, Day, Instant, from_timestamp, start_of
from bonafides.personal.sealing import Vault
from bonafides.rating.card import Level
from bonafides.rating.operations import gather, get_rating, get_scorecard, rate
from bonafides.rating.scorecard import champion, models_folder, parse
from bonafides.records import operations as record_operations
from bonafides.storage import tables
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import rating_pb2
from tests import builders
from tests.builders import NOW, PLATFORM, TODAY

CARD = champion(None)


def _trade(store: Store, vault: Vault, *, platform: str = PLATFORM, orders: int = 20) -> None:
    records = [
        builders.transaction(
            f"t{number}",
            platform=platform,
            buyer=f"b{number}",
            occurred_at=Instant(start_of(Day(TODAY - 10 * number - 1))),
        )
        for number in range(orders)
    ]
    builders.link_stores(store, records)
    record_operations.ingest(store, vault, builders.rates(), records, now=NOW)
    record_operations.fold_and_refresh(store, CARD, now=NOW)


def _rows(store: Store) -> int:
    with store.reading() as work:
        counted = sa.select(sa.func.count()).select_from(tables.rating)
        return int(work.execute(counted).scalar_one())


def test_facts_are_gathered_from_authorized_platforms_alone(store: Store, vault: Vault) -> None:
    builders.enroll(store, builders.code())
    _trade(store, vault)
    _trade(store, vault, platform="other", orders=3)
    with store.reading() as work:
        inputs = gather(work, builders.code().text, NOW)
    assert [platform.platform for platform in inputs.platforms] == [PLATFORM]
    assert inputs.platforms[0].last_year.transactions == 20
    assert inputs.platforms_known == 2
    assert inputs.registration == builders.registration()
    assert inputs.purposes == {"VERIFY_IDENTITY"}


def test_a_level_is_given_of_what_was_recorded(store: Store, vault: Vault) -> None:
    builders.enroll(store, builders.code())
    _trade(store, vault)
    rating = get_rating(store, CARD, builders.code().text, now=NOW)
    assert rating.level in {rating_pb2.LEVEL_A, rating_pb2.LEVEL_B}
    assert sum(part.points for part in rating.contributions) == rating.score
    assert rating.coverage.platforms_covered == rating.coverage.platforms_known == 1


@pytest.mark.feature("E4")
def test_one_perfect_order_is_not_rated_through_the_store(store: Store, vault: Vault) -> None:
    builders.enroll(store, builders.code())
    _trade(store, vault, orders=1)
    rating = get_rating(store, CARD, builders.code().text, now=NOW)
    assert rating.level == rating_pb2.LEVEL_NR
    assert {rule.reason for rule in rating.rules} == {"RECORD_TOO_SHORT", "TOO_FEW_ORDERS"}


@pytest.mark.feature("C11")
def test_an_enterprise_that_does_not_take_part_has_no_level(store: Store, vault: Vault) -> None:
    _trade(store, vault)
    with pytest.raises(NotFoundError):
        get_rating(store, CARD, builders.code().text, now=NOW)
    assert _rows(store) == 0


def test_a_level_is_served_as_kept_while_it_is_valid(store: Store) -> None:
    builders.enroll(store, builders.code())
    kept = _rows(store)
    first = get_rating(store, CARD, builders.code().text, now=NOW)
    again = get_rating(store, CARD, builders.code().text, now=Instant(NOW + DAY // 10))
    assert again == first
    assert _rows(store) == kept


def test_a_level_is_made_anew_when_its_day_is_over(store: Store) -> None:
    builders.enroll(store, builders.code())
    first = get_rating(store, CARD, builders.code().text, now=NOW)
    later = from_timestamp(first.valid_until_time)
    rating = get_rating(store, CARD, builders.code().text, now=later)
    assert from_timestamp(rating.as_of_time) == later
    assert get_rating(store, CARD, builders.code().text, now=NOW) == first


def test_a_level_of_another_card_is_not_served(store: Store) -> None:
    builders.enroll(store, builders.code())
    told = f'"version":"{CARD.version}"'.encode()
    other = parse(CARD.artifact.replace(told, b'"version":"expert-0"'), "other")
    rating = get_rating(store, other, builders.code().text, now=NOW)
    assert rating.model_version == "expert-0"


@pytest.mark.feature("E5")
def test_the_same_facts_card_and_instant_give_the_same_bytes(store: Store, vault: Vault) -> None:
    builders.enroll(store, builders.code())
    _trade(store, vault)
    with store.writing() as work:
        inputs = gather(work, builders.code().text, NOW)
        once = rate(work, CARD, inputs, NOW).SerializeToString(deterministic=True)
        again = rate(work, CARD, inputs, NOW).SerializeToString(deterministic=True)
    assert once == again


def test_a_level_that_is_not_committed_is_not_kept(store: Store) -> None:
    builders.enroll(store, builders.code())
    kept = _rows(store)
    later = Instant(NOW + DAY)
    with store.writing() as work:
        rate(work, CARD, gather(work, builders.code().text, later), later)
    assert _rows(store) == kept


def test_a_day_of_one_level_keeps_its_last_rating_alone(store: Store, vault: Vault) -> None:
    builders.enroll(store, builders.code())
    _trade(store, vault)
    kept = _rows(store)
    for seconds in range(1, 4):
        later = Instant(NOW + seconds * 1_000_000)
        with store.writing() as work:
            archive_operations.refresh(work, CARD, builders.code().text, later)
            work.commit()
    # The first of them gave the level, and is kept for that; beside it the last one.
    assert _rows(store) == kept + 1
    rating = get_rating(store, CARD, builders.code().text, now=later)
    assert from_timestamp(rating.as_of_time) == later


def test_a_change_of_level_within_a_day_keeps_both(store: Store, vault: Vault) -> None:
    builders.enroll(store, builders.code(), now=Instant(NOW - 1))
    _trade(store, vault)
    with store.reading() as work:
        levels = (
            work.execute(sa.select(tables.rating.c.level).order_by(tables.rating.c.as_of))
            .scalars()
            .all()
        )
    assert levels[0] == Level.NR
    assert levels[1] in {Level.A, Level.B}


def test_only_a_level_of_now_is_kept(store: Store) -> None:
    builders.enroll(store, builders.code())
    with store.writing() as work, pytest.raises(BugError):
        rate(work, CARD, gather(work, builders.code().text, NOW), Instant(NOW + 1))


def test_a_revoked_license_gives_d_through_the_store(store: Store) -> None:
    of = builders.code()
    revoked = builders.registration(operating_state=OperatingState.REVOKED)
    builders.enroll(store, of)
    with store.writing() as work:
        archive_operations.record_facts(
            work, builders.registration_facts(of, told=revoked), now=NOW
        )
        archive_operations.refresh(work, CARD, of.text, NOW)
        work.commit()
    rating = get_rating(store, CARD, of.text, now=NOW)
    assert rating.level == rating_pb2.LEVEL_D
    with store.reading() as work:
        levels = work.execute(sa.select(tables.rating.c.level)).scalars().all()
    assert Level.D.value in levels


@pytest.mark.feature("E1")
def test_the_served_card_can_be_read_by_its_name_and_as_champion() -> None:
    by_version = get_scorecard(None, CARD.version)
    assert get_scorecard(models_folder(None), "champion") == by_version
    assert by_version.artifact == CARD.artifact
    assert by_version.digest == CARD.digest
    assert by_version.basis == rating_pb2.BASIS_EXPERT


@pytest.mark.parametrize("name", ["expert-99", "", "..", "../models/expert-1", "Expert-1", "a/b"])
def test_a_name_that_is_no_version_finds_nothing(name: str) -> None:
    with pytest.raises(NotFoundError):
        get_scorecard(None, name)
