"""What platforms ask for their buyers, through a real channel, on both databases."""

from __future__ import annotations

import dataclasses
import re

import grpc
import pytest
import sqlalchemy as sa

from bonafides.client import Client, RemoteError
from bonafides.identity import buyer_operations
from bonafides.personal.sealing import Vault
from bonafides.records import operations as records
from bonafides.records.kinds import Record
from bonafides.storage import buyers, tables
from bonafides.storage.unit_of_work import Store
from scripts.verify_rollups import verify
from tests import builders
from tests.laws import desk_of
from tests.serving import Served

COMPANY = builders.code()
CODE = COMPANY.text


def shop(served: Served, platform: str = builders.PLATFORM) -> Client:
    return served.client(served.token("platform", subject=f"shop-{platform}", platform=platform))


def owner_of(served: Served) -> Client:
    return served.client(served.token(subject="owner", owns=[CODE]))


def take(served: Served, told: list[Record]) -> None:
    report = records.ingest(served.store, served.vault, builders.rates(), told, now=builders.NOW)
    assert report.accepted == len(told)
    records.fold(served.store, now=builders.NOW)


def trade(served: Served, count: int = 40) -> None:
    told = [builders.transaction(f"t{n}", buyer=f"b{n % 7}") for n in range(count)]
    builders.link_stores(served.store, told)
    take(served, told)


def buyers_of_rollups(served: Served) -> int:
    with served.store.writing() as work:
        assert not verify(work).differences
        return len(set(work.execute(sa.select(tables.rollup_buyer.c.buyer)).scalars()))


@pytest.mark.feature("J2", "J6")
def test_erased_buyer_is_gone_from_log_and_rollups_and_totals_stay(served: Served) -> None:
    trade(served)
    builders.enroll(served.store, COMPANY)
    with shop(served) as platform, owner_of(served) as owner:
        before = owner.get_archive(CODE).platforms[0].cumulative
        assert platform.rights.erase_buyer("b3") == 6
        after = owner.get_archive(CODE).platforms[0].cumulative
        assert (after.transactions, after.amount) == (before.transactions, before.amount)
        assert platform.rights.erase_buyer("b3") == 0
    with served.store.writing() as work:
        assert not verify(work).differences
        rollup = tables.rollup_buyer.c
        assert len(set(work.execute(sa.select(rollup.buyer)).scalars())) == 6
        done = work.execute(sa.select(tables.erasure)).one()
        assert (done.sort, done.subject, done.records) == ("BUYER", builders.PLATFORM, 6)
        # As a word: a random id may hold the two letters.
        assert not re.search(r"\bb3\b", str(tuple(done)))


@pytest.mark.feature("J2")
def test_replay_after_erasure_is_known_and_a_new_record_is_a_new_buyer(served: Served) -> None:
    trade(served, 10)
    with shop(served) as platform:
        assert platform.rights.erase_buyer("b3") == 1
    again = [builders.transaction("t3", buyer="b3")]
    report = records.ingest(served.store, served.vault, builders.rates(), again, now=builders.NOW)
    assert (report.accepted, report.replayed) == (0, 1)
    fresh = [builders.transaction("t99", buyer="b3")]
    report = records.ingest(served.store, served.vault, builders.rates(), fresh, now=builders.NOW)
    assert report.accepted == 1
    records.fold(served.store, now=builders.NOW)
    with served.store.writing() as work:
        assert not verify(work).differences
        rollup = tables.rollup_buyer.c
        told = work.execute(sa.select(rollup.buyer, rollup.transactions)).all()
    assert len({row.buyer for row in told}) == 7
    assert sum(row.transactions for row in told) == 10


@pytest.mark.feature("J2")
def test_buyer_is_erased_from_what_is_not_folded_yet(served: Served) -> None:
    told = [builders.transaction(f"t{n}", buyer=f"b{n}") for n in range(3)]
    builders.link_stores(served.store, told)
    records.ingest(served.store, served.vault, builders.rates(), told, now=builders.NOW)
    with shop(served) as platform:
        assert platform.rights.erase_buyer("b1") == 1
    records.fold(served.store, now=builders.NOW)
    with served.store.writing() as work:
        assert not verify(work).differences
        assert len(work.execute(sa.select(tables.rollup_buyer)).all()) == 2


@pytest.mark.feature("J2")
def test_platform_is_told_what_is_held_of_its_buyer_and_what_for(served: Served) -> None:
    trade(served)
    take(served, [builders.transaction("t3", buyer="b4", revision=2)])
    with shop(served) as platform:
        told = platform.rights.buyer_holdings("b3")
    assert told.enterprises == 1
    (kind,) = told.kinds
    assert (kind.kind, kind.records, kind.revisions) == ("transaction", 6, 6)
    assert {each.record_id for each in told.records} == {f"t{n}" for n in range(3, 40, 7)}
    # Its first revision names the buyer still, and counts no more.
    assert [each.record_id for each in told.records if each.superseded] == ["t3"]
    assert {each.use for each in told.uses} == {"BUYERS", "REPEAT_RATE", "LARGEST_BUYER"}


@pytest.mark.feature("J2")
def test_attack_another_platform_learns_and_changes_nothing_of_a_buyer(served: Served) -> None:
    trade(served)
    with shop(served, "another") as other:
        assert not other.rights.buyer_holdings("b3").kinds
        assert other.rights.erase_buyer("b3") == 0
        with pytest.raises(RemoteError) as refused:
            other.rights.correct_buyer(CODE, "transaction", "t3", wrong="b3")
    assert refused.value.code is grpc.StatusCode.NOT_FOUND
    assert buyers_of_rollups(served) == 7


@pytest.mark.feature("J2")
def test_corrected_record_counts_for_the_right_buyer_and_names_the_wrong_one_nowhere(
    served: Served,
) -> None:
    trade(served, 3)
    builders.enroll(served.store, COMPANY)
    with shop(served) as platform, owner_of(served) as owner:
        before = owner.get_archive(CODE).platforms[0].cumulative
        for _ in range(2):
            number = platform.rights.correct_buyer(
                CODE, "transaction", "t0", wrong="b0", right="b1"
            )
            assert number == 2
        after = owner.get_archive(CODE).platforms[0].cumulative
        assert (after.transactions, after.amount) == (before.transactions, before.amount)
        assert not platform.rights.buyer_holdings("b0").kinds
        assert {r.record_id for r in platform.rights.buyer_holdings("b1").records} == {"t0", "t1"}
    assert buyers_of_rollups(served) == 2


@pytest.mark.feature("J2")
def test_record_that_is_corrected_to_no_buyer_still_counts_as_a_transaction(
    served: Served,
) -> None:
    trade(served, 3)
    with shop(served) as platform:
        platform.rights.correct_buyer(CODE, "transaction", "t0", wrong="b0")
        with pytest.raises(RemoteError) as refused:
            platform.rights.correct_buyer(CODE, "transaction", "t1", wrong="b2")
    assert refused.value.code is grpc.StatusCode.NOT_FOUND
    assert buyers_of_rollups(served) == 2
    with served.store.reading() as work:
        day = tables.rollup_day.c
        assert work.execute(sa.select(sa.func.sum(day.transactions))).scalar_one() == 3


@pytest.mark.feature("J2")
def test_buyer_is_erased_from_all_enterprises_whether_placed_or_behind_the_mark(
    store: Store, vault: Vault
) -> None:
    def taken(*told: Record) -> None:
        report = records.ingest(store, vault, builders.rates(), told, now=builders.NOW)
        assert report.accepted == len(told)

    desk = desk_of(store, vault)
    codes = [COMPANY, builders.code(2), builders.code(3)]
    # These stores are linked to nobody: what doesn't count is erased as well.
    first, *more = (builders.transaction(f"t{n}", buyer="b1", of=of) for n, of in enumerate(codes))
    taken(first)
    assert buyer_operations.place_buyers(store) == 1
    taken(*more, dataclasses.replace(more[0], revision=2, void=True, buyer=None, amount=None))
    told = buyer_operations.get_buyer(desk, builders.PLATFORM, "b1")
    assert told.enterprises == 3
    done = buyer_operations.erase_buyer(
        desk, builders.PLATFORM, "b1", actor="issuer|shop", now=builders.NOW
    )
    assert done == 3
    assert buyer_operations.get_buyer(desk, builders.PLATFORM, "b1").kinds == ()
    assert buyer_operations.place_buyers(store) == 3
    with store.reading() as work:
        named = sa.select(tables.record.c.code).where(tables.record.c.buyer.is_not(None))
        assert not work.execute(named).all()
        assert not work.execute(sa.select(tables.buyer_place)).all()


# Indexes of buyers differ by platform already; this is what holds should two be alike.
SAME_BUYER = bytes(16)


def take_alike(store: Store, vault: Vault, *told: Record) -> None:
    """Takes records in, and has all of them name the one buyer."""
    report = records.ingest(store, vault, builders.rates(), told, now=builders.NOW)
    assert report.accepted == len(told)
    with store.writing() as work:
        work.execute(sa.update(tables.record).values(buyer=SAME_BUYER))
        work.commit()


def named_by_two(store: Store, vault: Vault) -> None:
    """Has two platforms name the one buyer in two revisions and a roll-up, and places them."""
    platforms = (builders.PLATFORM, "another")
    told = [
        builders.transaction(platform=platform, revision=revision)
        for platform in platforms
        for revision in (1, 2)
    ]
    take_alike(store, vault, *told)
    some = {"month": 0, "transactions": 1, "first_day": 1, "last_day": 1}
    with store.writing() as work:
        for platform in platforms:
            row = {"code": CODE, "platform": platform, "buyer": SAME_BUYER, **some}
            work.execute(tables.rollup_buyer.insert(), row)
        work.commit()
    assert buyer_operations.place_buyers(store) == 4


def platforms_naming(store: Store, table: sa.Table) -> list[str]:
    """Returns the platforms whose rows name the buyer, once for each row."""
    with store.reading() as work:
        named = sa.select(table.c.platform).where(table.c.buyer == SAME_BUYER)
        return sorted(work.execute(named).scalars())


@pytest.mark.feature("J2")
@pytest.mark.parametrize(
    ("table", "rows"),
    [(tables.record, 2), (tables.rollup_buyer, 1), (tables.buyer_place, 1)],
    ids=["log", "roll-up", "places"],
)
def test_erasure_leaves_what_another_platform_names(
    store: Store, vault: Vault, table: sa.Table, rows: int
) -> None:
    named_by_two(store, vault)
    with store.writing() as work:
        assert buyers.erase(work, [CODE], builders.PLATFORM, SAME_BUYER) == 2
        work.commit()
    assert platforms_naming(store, table) == ["another"] * rows


@pytest.mark.feature("J2")
def test_what_is_told_and_detached_of_a_buyer_is_its_platforms(store: Store, vault: Vault) -> None:
    named_by_two(store, vault)
    with store.writing() as work:
        assert len(buyers.told(work, [CODE], builders.PLATFORM, SAME_BUYER)) == 2
        assert not buyers.told(work, [CODE], "third", SAME_BUYER)
        assert not buyers.codes_naming(work, "third", SAME_BUYER)
        key = (CODE, builders.PLATFORM, "transaction", "t1")
        assert buyers.detach(work, key, SAME_BUYER, before=2) == 1
        work.commit()
    assert platforms_naming(store, tables.record) == [builders.PLATFORM, "another", "another"]


@pytest.mark.feature("J2")
def test_buyer_behind_the_mark_is_found_for_its_platform_alone(store: Store, vault: Vault) -> None:
    take_alike(store, vault, builders.transaction())
    with store.reading() as work:
        assert buyers.codes_naming(work, builders.PLATFORM, SAME_BUYER) == {CODE}
        assert not buyers.codes_naming(work, "another", SAME_BUYER)
