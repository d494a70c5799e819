"""Links between stores and enterprises: what they carry, through every change of theirs."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from bonafides.archive.operations import get_archive, get_past_archive
from bonafides.client import RemoteError
from bonafides.errors import NotFoundError, RequestIdReusedError
from bonafides.instants import DAY, Day, Instant, start_of
from bonafides.once import Request
from bonafides.personal.sealing import Vault
from bonafides.rating.scorecard import champion
from bonafides.records import linking
from bonafides.records.kinds import Kind, Outcome, Record
from bonafides.records.links import Ground, Ruling, Standing, due_day
from bonafides.records.links import Store as StoreLink
from bonafides.records.operations import fold, ingest, rebuild
from bonafides.storage import tables
from bonafides.storage.disputes import Ruled
from bonafides.storage.links import Key
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import archive_pb2, disclosure_pb2, record_pb2, record_service_pb2
from scripts import decide_store_link
from scripts.verify_rollups import verify
from tests import builders
from tests.builders import NOW, PLATFORM, TODAY, rates, store_record, transaction
from tests.searching import examples
from tests.serving import Served

CARD = champion(None)
ONE, TWO = builders.code(1), builders.code(2)
LINK: Key = (ONE.text, PLATFORM, "l1")
LATER: Key = (TWO.text, PLATFORM, "l2")


def take(store: Store, vault: Vault, *records: Record, now: Instant = NOW) -> None:
    """Takes records in and folds them; the roll-ups equal a recount by other means."""
    assert ingest(store, vault, rates(), records, now=now).rejected == ()
    while fold(store, now=now).folded:
        pass
    with store.reading() as work:
        assert verify(work).differences == []


def counted(store: Store, of: str = ONE.text) -> int:
    """Returns how many transactions count for the enterprise."""
    days = tables.rollup_day.c
    with store.reading() as work:
        told = sa.select(sa.func.sum(days.transactions)).where(days.code == of)
        return int(work.execute(told).scalar() or 0)


def stated(store: Store, of: str = ONE.text) -> StoreLink:
    """Returns the only store that a platform says is the enterprise's."""
    (found,) = linking.list_stores(store, of)[PLATFORM]
    return found


def rule(store: Store, link: Key, ruling: Ruling, *, at: Instant = NOW) -> None:
    linking.decide(store, CARD, link, Ruled(ruling, "looked at the licence", "staff-2", at))
    with store.reading() as work:
        assert verify(work).differences == []


def contest(number: int = 1, **changes: Any) -> linking.Contest:
    """Returns the owner's dispute of the link l1."""
    told = linking.Contest(
        link=LINK,
        ground=Ground.NOT_OURS,
        evidence_sha256=bytes(32),
        submitter="issuer|owner",
        request=Request(builders.request_id(number), b"digest"),
    )
    return dataclasses.replace(told, **changes)


def later_claim(**changes: Any) -> Record:
    """Returns the same platform's statement that the store s1 is another enterprise's."""
    return store_record("l2", of=TWO, **({"store_id": "s1"} | changes))


def archive(store: Store, audience: disclosure_pb2.Audience.ValueType) -> archive_pb2.Archive:
    told = get_archive(store, CARD, ONE.text, audience=audience, now=NOW)
    return archive_pb2.Archive.FromString(told)


@pytest.mark.feature("C12")
def test_records_of_an_unlinked_store_count_for_nobody_until_it_is_linked(
    store: Store, vault: Vault
) -> None:
    take(store, vault, transaction("1"), transaction("2", store_id="s9"))
    assert counted(store) == 0
    take(store, vault, store_record())
    assert counted(store) == 1
    # A record that comes after its link needs no second look.
    take(store, vault, transaction("3"), transaction("4", store_id="s9"))
    assert counted(store) == 2


@pytest.mark.feature("C12")
def test_link_covers_its_first_and_last_day_and_no_other(store: Store, vault: Vault) -> None:
    days = [TODAY - 31, TODAY - 30, TODAY - 20, TODAY - 19]
    orders = [transaction(f"{day}", occurred_at=start_of(Day(day))) for day in days]
    span: dict[str, Any] = {"from_day": Day(TODAY - 30), "to_day": Day(TODAY - 20)}
    take(store, vault, *orders, store_record(**span))
    assert counted(store) == 2


@pytest.mark.feature("C12")
@pytest.mark.parametrize(("days", "counts"), [(180, 1), (181, 0)])
def test_what_follows_a_sale_counts_for_half_a_year_after_the_store_closed(
    store: Store, vault: Vault, days: int, counts: int
) -> None:
    closed = Day(TODAY - 200)
    refused = transaction(
        "c1",
        kind=Kind.COMPLAINT,
        amount=None,
        outcome=Outcome.UPHELD,
        occurred_at=start_of(Day(closed + days)),
    )
    take(store, vault, store_record(from_day=Day(closed - 50), to_day=closed), refused)
    with store.reading() as work:
        upheld = work.execute(sa.select(sa.func.sum(tables.rollup_day.c.complaints_upheld)))
        assert (upheld.scalar() or 0) == counts


@pytest.mark.feature("C12")
def test_link_that_ends_is_voided_moved_or_restored_is_followed_exactly(
    store: Store, vault: Vault
) -> None:
    link = store_record()
    take(store, vault, link, transaction("1"))
    seen = [counted(store)]
    for revision, changes in enumerate(
        (
            {"to_day": Day(TODAY - 11)},
            {"to_day": Day(TODAY - 10)},
            {"void": True},
            {"store_id": "s2"},
            {"from_day": Day(TODAY - 9)},
            {},
        ),
        start=2,
    ):
        take(store, vault, dataclasses.replace(link, revision=revision, **changes))  # type: ignore[arg-type]  # each is a field
        seen.append(counted(store))
    assert seen == [1, 0, 1, 0, 0, 0, 1]
    # Said again, or said before and come late, it changes nothing.
    take(store, vault, link)
    assert counted(store) == 1


@pytest.mark.feature("C12")
def test_later_of_two_enterprises_with_one_store_is_contested_and_both_are_told(
    store: Store, vault: Vault
) -> None:
    for of in (ONE, TWO):
        builders.enroll(store, of)
    take(store, vault, store_record(), transaction("1"))
    take(store, vault, later_claim(), transaction("1", of=TWO, store_id="s1"))
    assert (counted(store), counted(store, TWO.text)) == (1, 0)
    assert (stated(store).standing, stated(store).claimed) == (Standing.STANDS, True)
    assert (stated(store, TWO.text).standing, stated(store, TWO.text).claimed) == (
        Standing.CONTESTED,
        True,
    )


@pytest.mark.feature("C12")
def test_earlier_link_keeps_its_age_when_it_is_only_described_anew_or_made_shorter(
    store: Store, vault: Vault
) -> None:
    link = store_record()
    take(store, vault, link, later_claim(), transaction("1"))
    take(store, vault, dataclasses.replace(link, revision=2, detail={"title": "百草店"}))
    take(store, vault, dataclasses.replace(link, revision=3, to_day=Day(TODAY - 5)))
    assert (counted(store), counted(store, TWO.text)) == (1, 0)


@pytest.mark.feature("C12")
def test_attack_earlier_link_that_is_stretched_over_anothers_days_is_the_later_one(
    store: Store, vault: Vault
) -> None:
    """The first had the store until day 50; the second has it since, and keeps it."""
    early = store_record(to_day=Day(TODAY - 50))
    late = later_claim(from_day=Day(TODAY - 49))
    take(store, vault, early, late, transaction("1", of=TWO, store_id="s1"))
    take(store, vault, dataclasses.replace(early, revision=2, to_day=None), transaction("1"))
    assert (counted(store), counted(store, TWO.text)) == (0, 1)


@pytest.mark.feature("C12")
def test_contested_link_counts_once_the_earlier_one_ends_before_it(
    store: Store, vault: Vault
) -> None:
    take(store, vault, store_record(), later_claim(from_day=Day(TODAY - 20)))
    take(store, vault, transaction("1", of=TWO, store_id="s1"))
    assert counted(store, TWO.text) == 0
    take(store, vault, store_record(revision=2, to_day=Day(TODAY - 21)))
    assert counted(store, TWO.text) == 1


@pytest.mark.feature("C12")
def test_decision_has_statistics_and_views_follow_at_once_and_can_be_reversed(
    store: Store, vault: Vault
) -> None:
    builders.enroll(store, ONE)
    take(store, vault, store_record(), transaction("1"))
    seen = []
    for ruling in (Ruling.REJECTED, Ruling.UPHELD, Ruling.REJECTED):
        rule(store, LINK, ruling)
        (shown,) = archive(store, disclosure_pb2.AUDIENCE_OPERATOR).platforms or [None]
        seen.append((counted(store), shown.open_stores if shown else 0))
    assert seen == [(0, 0), (1, 1), (0, 0)]
    _, rulings = linking.history(store, LINK)
    assert [each.ruling for each in rulings] == [Ruling.REJECTED, Ruling.UPHELD, Ruling.REJECTED]
    assert {(each.by, each.reason) for each in rulings} == {("staff-2", "looked at the licence")}


@pytest.mark.feature("C12")
def test_decision_for_the_later_and_against_the_earlier_swaps_them(
    store: Store, vault: Vault
) -> None:
    take(store, vault, store_record(), later_claim(), transaction("1"))
    take(store, vault, transaction("1", of=TWO, store_id="s1"))
    rule(store, LINK, Ruling.REJECTED)
    assert (counted(store), counted(store, TWO.text)) == (0, 1)
    rule(store, LINK, Ruling.UPHELD)
    rule(store, LATER, Ruling.UPHELD)
    assert (counted(store), counted(store, TWO.text)) == (1, 1)


@pytest.mark.feature("C12")
def test_rejected_link_stays_rejected_through_a_revision(store: Store, vault: Vault) -> None:
    take(store, vault, store_record(), transaction("1"))
    rule(store, LINK, Ruling.REJECTED)
    take(store, vault, store_record(revision=2, from_day=Day(TODAY - 90)))
    assert counted(store) == 0


@pytest.mark.feature("C12")
def test_disputed_link_counts_until_its_deadline_and_again_once_it_is_upheld(
    store: Store, vault: Vault
) -> None:
    builders.enroll(store, ONE)
    take(store, vault, store_record(), transaction("1"))
    marked = linking.dispute(store, CARD, contest(), now=NOW)
    assert (marked.disputed, marked.standing, counted(store)) == (True, Standing.STANDS, 1)
    (shown,) = archive(store, disclosure_pb2.AUDIENCE_OWNER).platforms
    assert [each.disputed for each in shown.stores] == [True]
    due = due_day(TODAY)
    assert linking.withhold_overdue(store, CARD, now=start_of(due)) == 0
    late = start_of(Day(due + 1))
    assert linking.withhold_overdue(store, CARD, now=late) == 1
    assert linking.withhold_overdue(store, CARD, now=late) == 0
    assert (counted(store), stated(store).standing) == (0, Standing.OVERDUE)
    assert stated(store).disputed
    rule(store, LINK, Ruling.UPHELD, at=late)
    assert (counted(store), stated(store).disputed) == (1, False)
    assert linking.waiting(store) == []


@pytest.mark.feature("C12")
def test_same_dispute_again_changes_nothing_and_another_under_its_id_is_refused(
    store: Store, vault: Vault
) -> None:
    builders.enroll(store, ONE)
    take(store, vault, store_record())
    first = linking.dispute(store, CARD, contest(), now=NOW)
    again = linking.dispute(store, CARD, contest(), now=Instant(NOW + DAY))
    assert again == first
    assert len(linking.history(store, LINK)[0]) == 1
    other = Request(builders.request_id(), b"other")
    with pytest.raises(RequestIdReusedError):
        linking.dispute(store, CARD, contest(request=other), now=NOW)


@pytest.mark.feature("C12")
def test_what_is_no_link_is_neither_disputed_nor_ruled_on(store: Store, vault: Vault) -> None:
    with pytest.raises(NotFoundError):
        linking.dispute(store, CARD, contest(), now=NOW)
    builders.enroll(store, ONE)
    with pytest.raises(NotFoundError):
        linking.dispute(store, CARD, contest(), now=NOW)
    take(store, vault, store_record(), store_record(revision=2, void=True))
    with pytest.raises(NotFoundError):
        linking.decide(store, CARD, LINK, Ruled(Ruling.UPHELD, "", "staff-2", NOW))


@pytest.mark.feature("C12")
@pytest.mark.parametrize("by", ["owner", "issuer|owner"])
def test_attack_who_disputed_does_not_rule(store: Store, vault: Vault, by: str) -> None:
    builders.enroll(store, ONE)
    take(store, vault, store_record())
    linking.dispute(store, CARD, contest(), now=NOW)
    with pytest.raises(linking.OwnCaseError):
        linking.decide(store, CARD, LINK, Ruled(Ruling.REJECTED, "", by, NOW))


@pytest.mark.feature("C12")
def test_attack_platform_is_not_made_known_by_stores_that_are_not_the_enterprises(
    store: Store, vault: Vault
) -> None:
    """Else a platform that nobody authorized would lower the coverage of a level."""
    take(store, vault, store_record(), transaction("1"), transaction("2", platform="taobao"))
    builders.enroll(store, ONE)
    assert archive(store, disclosure_pb2.AUDIENCE_OWNER).rating.coverage.platforms_known == 1


@pytest.mark.feature("C12")
@pytest.mark.feature("C10")
def test_past_archive_has_the_links_rulings_and_disputes_of_then(
    store: Store, vault: Vault
) -> None:
    builders.enroll(store, ONE)
    yesterday = Instant(NOW - DAY)
    take(store, vault, later_claim(), now=Instant(NOW - 3 * DAY))
    take(store, vault, transaction("1"), store_record(), now=Instant(NOW - 2 * DAY))
    rule(store, LATER, Ruling.REJECTED, at=yesterday)
    linking.dispute(store, CARD, contest(), now=NOW)
    seen = []
    for as_of in (Instant(yesterday - 1), yesterday, NOW):
        told = get_past_archive(
            store, CARD, ONE.text, audience=disclosure_pb2.AUDIENCE_OWNER, as_of=as_of, now=NOW
        )
        files = archive_pb2.Archive.FromString(told).platforms
        seen.append(
            [(f.cumulative.transactions, f.open_stores, f.stores[0].disputed) for f in files]
        )
    # While the other one stood before it, nothing of the platform counted.
    assert seen == [[], [(1, 1, False)], [(1, 1, True)]]


@pytest.mark.feature("C6")
def test_stores_show_with_all_that_the_platform_says_to_owner_and_staff_alone(
    store: Store, vault: Vault
) -> None:
    detail = {
        "title": "百草店",
        "category": "百货",
        "address": "九九省九九市试验区百草路1号",
        "proof": "license_on_file",
        "evidence_sha256": "ab" * 32,
        "authentications": "license:2026-01-02 site_visit:2026-02-03",
    }
    closed: dict[str, Any] = {"from_day": Day(TODAY - 300), "to_day": TODAY}
    take(store, vault, store_record(detail=detail), store_record("l0", store_id="s0", **closed))
    builders.enroll(store, ONE)
    for audience in (disclosure_pb2.AUDIENCE_OWNER, disclosure_pb2.AUDIENCE_OPERATOR):
        (file,) = archive(store, audience).platforms
        assert [(each.link_id, each.open) for each in file.stores] == [("l0", False), ("l1", True)]
        assert (file.open_stores, file.main_category) == (1, "百货")
        shown = file.stores[1]
        assert (shown.title, shown.address) == ("百草店", detail["address"])
        assert shown.proof == record_pb2.STORE_PROOF_LICENSE_ON_FILE
        assert shown.evidence_sha256 == bytes.fromhex("ab" * 32)
        assert [one.authenticate_date.month for one in shown.authentications] == [2, 1]
    for audience in (disclosure_pb2.AUDIENCE_MEMBER, disclosure_pb2.AUDIENCE_PLATFORM):
        (file,) = archive(store, audience).platforms
        assert (file.open_stores, len(file.stores), file.main_category) == (1, 0, "")


_DAYS = st.integers(-40, 0).map(lambda day: Day(TODAY + day))
_CODES = st.sampled_from([ONE, TWO])
_STORES = st.sampled_from(["s1", "s2"])


@st.composite
def histories(draw: st.DrawFn) -> list[Record | tuple[Key, Ruling]]:
    """Draws links, sales, complaints and rulings in any order, revisions late and void ones too."""
    made: list[Record | tuple[Key, Ruling]] = []
    for number in range(draw(st.integers(1, 18))):
        of, store_id, revision = draw(_CODES), draw(_STORES), draw(st.integers(1, 4))
        common: dict[str, Any] = {
            "of": of,
            "store_id": store_id,
            "revision": 10 * revision + number,
            "void": draw(st.sampled_from([False, False, False, True])),
        }
        match draw(st.sampled_from(["link", "link", "sale", "complaint", "ruling"])):
            case "link":
                start, end = sorted((draw(_DAYS), draw(_DAYS)))
                ends = draw(st.sampled_from([None, end]))
                name = draw(st.sampled_from(["l1", "l2"]))
                made.append(store_record(name, from_day=start, to_day=ends, **common))
            case "sale":
                name, at = draw(st.sampled_from(["t1", "t2"])), start_of(draw(_DAYS))
                made.append(transaction(name, occurred_at=at, **common))
            case "complaint":
                common |= {"kind": Kind.COMPLAINT, "amount": None, "outcome": Outcome.UPHELD}
                made.append(transaction("c1", occurred_at=start_of(draw(_DAYS)), **common))
            case _:
                name = draw(st.sampled_from(["l1", "l2"]))
                made.append(((of.text, PLATFORM, name), draw(st.sampled_from(Ruling))))
    return made


def happen(store: Store, vault: Vault, told: Sequence[Record | tuple[Key, Ruling]]) -> None:
    """Lets what was drawn happen, without a fold of its own."""
    for each in told:
        if isinstance(each, Record):
            ingest(store, vault, rates(), [each], now=NOW)
            continue
        try:
            linking.decide(store, CARD, each[0], Ruled(each[1], "drawn", "staff-2", NOW))
        except NotFoundError:
            # Not stated, or not folded yet.
            continue


@pytest.mark.feature("C12")
@pytest.mark.feature("G1")
@settings(
    max_examples=examples(15),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    told=histories(),
    cuts=st.lists(st.integers(0, 18), max_size=4),
    limit=st.integers(1, 20),
)
def test_roll_ups_equal_a_recount_through_any_history_of_links(
    store: Store,
    vault: Vault,
    told: list[Record | tuple[Key, Ruling]],
    cuts: list[int],
    limit: int,
) -> None:
    with store.writing() as work:
        for table in (tables.record, tables.rollup_day, tables.rollup_buyer, tables.counter):
            work.execute(table.delete())
        for table in (
            *(tables.store_link, tables.link_ruling, tables.unmatched_refund),
            # The ids of changes go by a counter.
            tables.changes,
        ):
            work.execute(table.delete())
        work.commit()
    edges = [0, *sorted(cut for cut in cuts if cut <= len(told)), len(told)]
    for start, end in itertools.pairwise(edges):
        happen(store, vault, told[start:end])
        while fold(store, now=NOW, limit=limit).folded:
            pass
        with store.reading() as work:
            assert verify(work).differences == []
    assert rebuild(store, now=NOW).codes == frozenset()


@pytest.mark.feature("C12")
def test_owner_lists_and_disputes_over_the_wire_and_others_find_nothing(
    served: Served, vault: Vault
) -> None:
    builders.enroll(served.store, ONE)
    take(served.store, vault, store_record(), transaction("1"))
    take(served.store, vault, store_record("f1", platform="taobao", store_id="s7"))
    ground = record_service_pb2.DisputeStoreRequest.GROUND_NOT_OURS
    owner = served.client(served.token(owns=[ONE.text]))
    listed = {file.platform: len(file.stores) for file in owner.list_stores(ONE.text).platforms}
    assert listed == {PLATFORM: 1, "taobao": 1}
    marked = owner.dispute_store(ONE.text, PLATFORM, "l1", ground, evidence_sha256=bytes(32))
    assert (marked.disputed, marked.code) == (True, ONE.text)
    platform = served.client(served.token("platform"))
    (file,) = platform.list_stores(ONE.text).platforms
    assert [(each.link_id, each.disputed) for each in file.stores] == [("l1", True)]
    stranger = served.client(served.token())
    for refused in (
        lambda: stranger.list_stores(ONE.text),
        lambda: stranger.dispute_store(ONE.text, PLATFORM, "l1", ground),
        lambda: owner.dispute_store(ONE.text, PLATFORM, "absent", ground),
        lambda: owner.dispute_store(TWO.text, PLATFORM, "l1", ground),
    ):
        with pytest.raises(RemoteError) as told:
            refused()
        assert told.value.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.feature("C12")
def test_operator_lists_shows_and_rules_by_the_script(
    tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BONAFIDES_DATABASE_URL", raising=False)
    store = Store(f"sqlite:///{tmp_path / 'bonafides.db'}")
    store.migrate()
    builders.enroll(store, ONE)
    take(store, vault, store_record(), transaction("1"))
    linking.dispute(store, CARD, contest(), now=NOW)

    def run(*arguments: str) -> Any:
        told = CliRunner().invoke(decide_store_link.app, [*arguments, "--data-dir", str(tmp_path)])
        return json.loads(told.stdout) if told.exit_code == 0 else told.exit_code

    assert [each["link_id"] for each in run("list")] == ["l1"]
    ruling = ("rule", *LINK, "rejected", "--reason", "looked at it")
    assert run(*ruling, "--by", "owner") == 1
    assert run(*ruling, "--by", "li") == {"ruling": "rejected", "concerns": [ONE.text]}
    shown = run("show", *LINK)
    assert [each["ruling"] for each in shown["rulings"]] == ["rejected"]
    assert [each["ground"] for each in shown["disputes"]] == ["not_ours"]
    assert (run("list"), counted(store)) == ([], 0)
    store.close()
