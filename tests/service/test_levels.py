"""Published levels through the store: calendar, relief, outages, withdrawals, history."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from bonafides.archive import operations as archive
from bonafides.archive.facts import Kind
from bonafides.errors import NotFoundError
from bonafides.identity.submission import State
from bonafides.instants import DAY, HOUR, Day, Instant, day_of, from_timestamp, start_of
from bonafides.personal.sealing import Vault
from bonafides.rating.history_operations import get_receipt, list_ratings
from bonafides.rating.operations import get_rating as read_rating
from bonafides.rating.publishing import FEED_SILENT_HOURS, last_evaluation, next_evaluation
from bonafides.records import linking
from bonafides.records.batches import Cursor, Source
from bonafides.records.links import Ruling
from bonafides.storage import consents as consent_rows
from bonafides.storage import records as record_rows
from bonafides.storage import tables
from bonafides.storage.disputes import Ruled
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import rating_pb2
from tests import builders
from tests.builders import NOW, PLATFORM, TODAY
from tests.service.rated import (
    BEGUN,
    CARD,
    CODE,
    level,
    lost,
    name_of,
    opened,
    orders,
    refresh,
    rows,
    take_in,
    tell,
    traded,
)

# --- The calendar ---------------------------------------------------------------------


@pytest.mark.feature("E10")
def test_at_the_instant_at_which_negatives_end_the_level_is_restored(
    store: Store, vault: Vault
) -> None:
    traded(store, vault)
    before = level(store, NOW)
    for item in ("1", "2", "3", "4"):
        tell(store, builders.court_case(item=item, begins=TODAY), now=Instant(NOW + HOUR // 2))
    # No evaluation yet, then one, then the second in a row.
    assert level(store, Instant(NOW + HOUR)) == before
    first = next_evaluation(NOW)
    level(store, first)
    fallen = next_evaluation(first)
    assert level(store, fallen) > before
    gone = Day(TODAY + 39)
    for item in ("1", "2", "3", "4"):
        taken_off = builders.court_case(item=item, begins=TODAY, removed=gone)
        tell(store, taken_off, now=Instant(fallen + HOUR))
    # From that microsecond on, on a Thursday, with no evaluation near.
    ends = start_of(gone)
    assert last_evaluation(ends) < ends - DAY
    assert level(store, Instant(ends - 1)) > before
    assert level(store, ends) == before
    assert rows(store)[-1].cause == "RESTORED"


@pytest.mark.feature("E10")
def test_a_listing_gives_d_at_once_and_its_end_restores_at_once(store: Store, vault: Vault) -> None:
    traded(store, vault)
    before = level(store, NOW)
    listed = builders.listing(Kind.SERIOUS_ILLEGAL, begins=TODAY)
    tell(store, listed, now=Instant(NOW + HOUR))
    assert name_of(level(store, Instant(NOW + HOUR))) == "D"
    off = builders.listing(Kind.SERIOUS_ILLEGAL, begins=TODAY, removed=TODAY)
    tell(store, off, now=Instant(NOW + 2 * HOUR))
    assert level(store, Instant(NOW + 2 * HOUR)) == before
    causes = [row.cause for row in rows(store)]
    assert causes[-2:] == ["KNOCKED_OUT", "RESTORED"]


@pytest.mark.feature("E1", "E4")
def test_attack_orders_that_dilute_lost_disputes_lift_a_level_by_a_notch_a_month(
    store: Store, vault: Vault
) -> None:
    today = day_of(BEGUN)
    traded(store, vault, opened(), *orders(20, today), *lost(6, today))
    first = level(store, NOW)
    bought = Instant(NOW + HOUR)
    take_in(store, vault, orders(900, TODAY, label="more"), now=bought)
    told = read_rating(store, CARD, CODE.text, now=bought)
    assert told.level == first
    assert told.raw_level < first
    assert told.hold == rating_pb2.HOLD_ONE_NOTCH_A_MONTH
    assert from_timestamp(told.next_evaluation_time) == next_evaluation(NOW)
    # 30 days from the first evaluation, which was the last before now, to the next.
    month = next_evaluation(Instant(last_evaluation(NOW) + 30 * DAY))
    assert level(store, Instant(month - 1)) == first
    risen = read_rating(store, CARD, CODE.text, now=month)
    assert risen.level == risen.prior_level - 1 == first - 1
    assert from_timestamp(risen.publish_time) == month
    assert rows(store)[-1].cause == "GAINED"


def test_no_read_is_stale_past_an_evaluation(store: Store, vault: Vault) -> None:
    traded(store, vault)
    evaluation = next_evaluation(NOW)
    told = read_rating(store, CARD, CODE.text, now=Instant(evaluation - 1))
    assert from_timestamp(told.valid_until_time) == evaluation
    again = read_rating(store, CARD, CODE.text, now=evaluation)
    assert from_timestamp(again.as_of_time) == evaluation


def test_evaluations_are_made_though_nobody_reads(store: Store, vault: Vault) -> None:
    traded(store, vault)
    builders.enroll(store, builders.code(2), platforms=())
    evaluation = next_evaluation(NOW)
    seen = archive.Evaluations()
    archive.evaluate_due(store, CARD, seen, now=Instant(NOW + HOUR))
    assert rows(store)[-1].as_of == NOW
    for _ in range(3):
        archive.evaluate_due(store, CARD, seen, now=Instant(evaluation + HOUR))
    assert seen.done
    assert rows(store)[-1].as_of == rows(store, builders.code(2))[-1].as_of == evaluation + HOUR


# --- What does not answer, and what is withdrawn --------------------------------------


@pytest.mark.feature("E1")
def test_a_platform_that_falls_silent_lowers_no_level(store: Store, vault: Vault) -> None:
    """Orders leave their window; the feed is down for a year and comes back."""
    traded(store, vault)
    source = Source(PLATFORM, "orders")
    with store.writing() as work:
        record_rows.move_cursors(work, {source: Cursor().moved(bytes(32))}, now=NOW)
        work.commit()
    refresh(store, Instant(NOW + HOUR))
    before = read_rating(store, CARD, CODE.text, now=Instant(NOW + HOUR))
    assert not before.stale
    silent = Instant(NOW + FEED_SILENT_HOURS * HOUR)
    assert not read_rating(store, CARD, CODE.text, now=Instant(silent - 1)).stale
    assert read_rating(store, CARD, CODE.text, now=silent).stale
    for week in range(1, 60, 6):
        now = Instant(NOW + week * 7 * DAY)
        told = read_rating(store, CARD, CODE.text, now=now)
        assert told.stale
        # The verification is over by then, which is no fault of the feed.
        if now < NOW + 300 * DAY:
            assert told.level == before.level
    assert name_of(told.raw_level) == "NR"


@pytest.mark.feature("E4")
def test_a_platform_that_is_taken_back_lifts_no_level(store: Store, vault: Vault) -> None:
    builders.enroll(store, CODE, platforms=(PLATFORM, "bad"), now=Instant(BEGUN - 1))
    today = day_of(BEGUN)
    told = [opened(), *orders(150, today), opened("bad"), *orders(30, today, platform="bad")]
    take_in(store, vault, [*told, *lost(25, today, platform="bad")], now=BEGUN)
    refresh(store, NOW)
    before = level(store, NOW)
    with store.writing() as work:
        consent_rows.revoke_platform(work, CODE.text, "bad", Instant(NOW + HOUR))
        archive.refresh(work, CARD, CODE.text, Instant(NOW + HOUR))
        work.commit()
    after = read_rating(store, CARD, CODE.text, now=Instant(NOW + HOUR))
    assert after.raw_level < before
    assert after.level == before
    assert after.hold == rating_pb2.HOLD_WITHDRAWAL
    for week in range(1, 40):
        now = Instant(NOW + week * 7 * DAY)
        assert level(store, now) >= before


@pytest.mark.feature("E10", "E4")
def test_a_store_that_is_ruled_another_s_restores_the_level_at_once(
    store: Store, vault: Vault
) -> None:
    """The only store of a platform was never the enterprise's: no withdrawal, but relief."""
    builders.enroll(store, CODE, platforms=(PLATFORM, "bad"), now=Instant(BEGUN - 1))
    today = day_of(BEGUN)
    told = [opened(), *orders(150, today), opened("bad"), *orders(30, today, platform="bad")]
    take_in(store, vault, [*told, *lost(25, today, platform="bad")], now=BEGUN)
    refresh(store, NOW)
    before = read_rating(store, CARD, CODE.text, now=NOW)
    ruled = Ruled(Ruling.REJECTED, "the licence names another", "staff-1", Instant(NOW + HOUR))
    linking.decide(store, CARD, (CODE.text, "bad", "open"), ruled)
    after = read_rating(store, CARD, CODE.text, now=Instant(NOW + HOUR))
    assert after.level == after.raw_level < before.level
    assert not after.HasField("cap_end_time")
    assert rows(store)[-1].cause == "RESTORED"


@pytest.mark.feature("E4")
def test_a_store_that_closes_caps_the_level(store: Store, vault: Vault) -> None:
    traded(store, vault)
    closed = opened(to_day=TODAY, revision=2)
    take_in(store, vault, [closed], now=Instant(NOW + HOUR))
    told = read_rating(store, CARD, CODE.text, now=Instant(NOW + HOUR))
    assert from_timestamp(told.cap_end_time) == NOW + HOUR + 365 * DAY


@pytest.mark.feature("E1")
@pytest.mark.parametrize(("submitter", "held"), [("issuer|own", True), ("issuer|stranger", False)])
def test_a_renewal_that_waits_for_a_source_holds_the_level(
    store: Store, vault: Vault, submitter: str, *, held: bool
) -> None:
    """The verification ends while a source is down; a stranger's submission holds nothing."""
    ends = Instant(NOW + 30 * HOUR)
    builders.enroll(
        store,
        CODE,
        facts=builders.registration_facts(CODE, expires_at=ends),
        now=Instant(BEGUN - 1),
    )
    take_in(store, vault, [opened(), *orders(150, day_of(BEGUN))], now=BEGUN)
    refresh(store, NOW)
    before = level(store, NOW)
    with store.writing() as work:
        taking_part = work.execute(sa.select(tables.enterprise.c.uid)).scalar_one()
        for uid, state, by in (
            (taking_part, State.VERIFIED, "issuer|own"),
            (_RENEWAL, State.PENDING, submitter),
        ):
            work.execute(tables.submission.insert(), _submission(uid, state, by))
        asked = {"code": CODE.text, "uid": _RENEWAL, "asked_at": NOW, "source": "registry"}
        work.execute(
            tables.evidence.insert(), asked | {"retrieved_at": NOW, "fault": "UNREACHABLE"}
        )
        work.commit()
    told = read_rating(store, CARD, CODE.text, now=ends)
    assert name_of(told.raw_level) == "NR"
    assert told.stale is held
    assert (told.level == before) is held


_RENEWAL = "00000000-0000-4000-8000-000000000001"


def _submission(uid: str, state: State, submitter: str) -> dict[str, Any]:
    filled: dict[str, Any] = {
        column.name: (
            b""
            if isinstance(column.type, sa.LargeBinary)
            else 0
            if isinstance(column.type, sa.BigInteger)
            else False
            if isinstance(column.type, sa.Boolean)
            else ""
        )
        for column in tables.submission.columns
        if not column.nullable
    }
    told = {"code": CODE.text, "uid": uid, "state": state.value, "submitter": submitter}
    return filled | told | {"request_id": uid, "submitted_at": NOW}


# --- History --------------------------------------------------------------------------


@pytest.mark.feature("E11")
def test_history_names_the_cause_and_the_facts_of_each_step(store: Store, vault: Vault) -> None:
    traded(store, vault)
    listed = builders.listing(Kind.SERIOUS_ILLEGAL, begins=TODAY)
    tell(store, listed, now=Instant(NOW + HOUR))
    steps, more = list_ratings(store, CODE.text, until=None, size=10)
    assert more is None
    assert [rating_pb2.Cause.Name(step.cause).removeprefix("CAUSE_") for step in steps] == [
        "KNOCKED_OUT",
        "FIRST_LEVEL",
        "NOT_RATED",
    ]
    changed = {each.fact: (each.before, each.after) for each in steps[0].changed_facts}
    assert changed["public_records/SERIOUS_ILLEGAL/court-list/r1"] == ("", "stands")
    assert changed["rules/SERIOUS_ILLEGAL"] == ("", "hits")
    first = {each.fact: each.after for each in steps[1].changed_facts}
    assert first[f"platforms/{PLATFORM}/transactions"] == "150"
    assert not steps[2].changed_facts


@pytest.mark.feature("E11")
def test_history_comes_in_pages_without_gap_or_repetition(store: Store, vault: Vault) -> None:
    traded(store, vault)
    for hours in range(1, 6):
        fact = builders.listing(
            Kind.SERIOUS_ILLEGAL,
            begins=TODAY,
            removed=None if hours % 2 else TODAY,
        )
        tell(store, fact, now=Instant(NOW + hours * HOUR))
    whole, _ = list_ratings(store, CODE.text, until=None, size=100)
    paged: list[rating_pb2.RatingStep] = []
    until: Instant | None = None
    while True:
        page, until = list_ratings(store, CODE.text, until=until, size=2)
        paged += page
        if until is None:
            break
    assert len(whole) == 7
    assert paged == whole


def test_an_enterprise_that_takes_no_part_has_no_history_and_no_receipt(store: Store) -> None:
    with pytest.raises(NotFoundError):
        list_ratings(store, CODE.text, until=None, size=10)
    with pytest.raises(NotFoundError):
        get_receipt(store, CARD, CODE.text, as_of=None, now=NOW)
